"""Hostile names, headers and bodies: an answer below 500 in one line, and nothing said of us."""

import json
import logging
import os
import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portrayal.core.images import encode
from portrayal.web.app import serving_app
from portrayal.web.connections import Connection
from portrayal.web.guards import LOCAL
from portrayal.web.limits import Limits
from portrayal.web.models import find_runs, load_models
from portrayal.web.study import study_app

few = settings(max_examples=int(os.environ.get("ATTACKS", "60")), deadline=None)


@pytest.fixture(scope="module")
def place(small_run, serve_long):
    """Host and port of a server of a real run."""
    models = load_models(find_runs([small_run]), engine="torch")
    app = serving_app([small_run], models, Limits(megabytes=0.2, per_minute=0), hosts=None)
    yield address(serve_long(app, Hasty))
    app.state.line.close()


@pytest.fixture(scope="module")
def logged():
    """What is written to any log."""
    said = []

    class Ear(logging.Handler):
        def emit(self, record):
            if not record.name.startswith(("PIL", "asyncio")):
                said.append(record.getMessage())

    ear = Ear(logging.WARNING)
    logging.getLogger().addHandler(ear)
    yield said
    logging.getLogger().removeHandler(ear)


def address(url):
    host, port = url.split("//")[1].strip("/").split(":")
    return host, int(port)


class Hasty(Connection):
    """Waits for half a request as long as a test can wait."""

    head, look = 1.0, 0.2


def send(place, content):
    """Everything that is answered to some bytes."""
    with socket.create_connection(place, timeout=60) as line:
        line.sendall(content)
        parts = []
        try:
            while part := line.recv(65536):
                parts.append(part)
        except ConnectionResetError:  # we were sending while it had already said no
            pass
        return b"".join(parts)


def request(method=b"GET", path=b"/", headers=(), body=b""):
    """The bytes of a request that asks to close the connection."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: x", b"Connection: close"]
    lines += [b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def harmless(answer, run, logged):
    """One answer below 500; a refusal is one line; no path of ours is said, nothing is logged."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status < 500, answer
    assert str(run.parent.parent).encode() not in answer
    assert b"site-packages" not in answer
    assert b"Traceback" not in answer
    if status >= 400 and body:  # none for HEAD
        assert b"\n" not in body
        if b"application/json" in head:
            said = json.loads(body)
            assert list(said) == ["error"]
            assert 0 < len(said["error"]) < 400
        else:  # what is no HTTP
            assert body in (b"Invalid HTTP request received.", b"")
    assert not logged
    return status


PATHS = st.sampled_from(
    ["/", "/api/", "/api/translate", "/api/jobs/", "/api/runs/", "/runs/", "/static/", "/%2e%2e/"]
)
ODD = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(
        [b"../" * 9 + b"etc/passwd", b"\x00", b"%s%n", b"' OR 1=1", b"{{7*7}}", b"a" * 5000]
    ),
)


def quoted(content):
    return b"".join(b"%%%02x" % byte for byte in content)


@few
@given(
    st.sampled_from([b"GET", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PUT", b"BREW"]),
    PATHS,
    st.lists(ODD, max_size=3),
    st.dictionaries(
        st.sampled_from(["model", "reverse", "format", "resize", "show_input", "x"]),
        ODD,
        max_size=3,
    ),
)
@example(b"POST", "/api/translate", [], {"model": b"\xed\xa0\x80"})
@example(b"GET", "/api/runs/", [b"..", b"config.json"], {})
def test_names_and_parameters(place, small_run, logged, method, path, names, query):
    target = path.encode() + b"/".join(map(quoted, names))
    target += b"?" + b"&".join(name.encode() + b"=" + quoted(v) for name, v in query.items())
    answer = send(place, request(method, target, body=b"x" if method == b"POST" else b""))
    harmless(answer, small_run, logged)
    assert b"root:" not in answer
    assert b'"format": 1' not in answer


HEADERS = st.sampled_from(
    [
        *("Host", "Content-Type", "Accept", "Range", "Cookie", "X-Forwarded-For", "Origin"),
        *("Expect", "Upgrade", "Transfer-Encoding", "Content-Encoding", "Connection"),
        "Sec-Fetch-Site",
    ]
)


@few
@given(st.lists(st.tuples(HEADERS, ODD), max_size=4), st.sampled_from(["/api", "/api/translate"]))
@example([("Host", b"[")], "/api")
@example([("Host", b"a:99999999")], "/api")
@example([("Expect", b"100-continue")], "/api/translate")
@example([("Upgrade", b"websocket"), ("Connection", b"upgrade")], "/api/translate")
def test_headers(place, small_run, logged, headers, path):
    lines = [name.encode() + b": " + value for name, value in headers]
    method = b"POST" if path == "/api/translate" else b"GET"
    answers = send(place, request(method, path.encode(), lines, b"x"))
    if answers.startswith(b"HTTP/1.1 100"):
        answers = answers.partition(b"\r\n\r\n")[2]
    harmless(answers, small_run, logged)


@pytest.mark.parametrize("host", ["[", "[::1", "]", "localhost]", "a@localhost", "localhost:x"])
def test_host_names_that_are_none_are_refused(small_run, serve, host, logged):
    app = serving_app([small_run], {}, hosts=LOCAL)
    answer = send(
        address(serve(app)), request(headers=[b"Host2: x"]).replace(b"x", host.encode(), 1)
    )
    assert harmless(answer, small_run, logged) in (200, 421)


@few
@given(st.binary(max_size=300))
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
@example(b"GET / HTTP/9.9\r\n\r\n")
@example(b"A" * 300_000)
@example(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n")
def test_what_is_no_http(place, small_run, logged, content):
    if answer := send(place, content + b"\r\n\r\n"):
        harmless(answer, small_run, logged)


DISPOSITIONS = st.sampled_from(
    [
        b'form-data; name="%s"; filename="%s"',
        b"form-data; name=%s; filename*=%s",
        b"%s; %s",
        b"%s%s",
    ]
)
TYPES = st.sampled_from(
    [
        b"boundary=x",
        b'boundary="x"',
        b"boundary=",
        b"boundary=x; charset=rot13",
        b"charset=\xff",
        b"",
    ]
)


@few
@given(
    st.sampled_from([b"/api/translate", b"/api/jobs", b"/api/batch"]),
    TYPES,
    st.lists(
        st.tuples(DISPOSITIONS, st.sampled_from([b"picture", b"pictures"]) | ODD, ODD, ODD),
        max_size=4,
    ),
    st.sampled_from([b"\r\n--x--\r\n", b"\r\n--x--", b"\r\n--x", b""]),
)
@example(
    b"/api/batch",
    b"boundary=x",
    [(b'form-data; name="%s"; filename="%s"', b"pictures", b"/etc/passwd", b"x")],
    b"\r\n--x--",
)
def test_forms(place, small_run, logged, path, kind, parts, end):
    body = b"".join(
        b"\r\n--x\r\nContent-Disposition: " + shape % (name, file) + b"\r\n\r\n" + content
        for shape, name, file, content in parts
    )
    headers = [b"Content-Type: multipart/form-data; " + kind]
    answer = send(place, request(b"POST", path, headers, body[2:] + end))
    harmless(answer, small_run, logged)


@few
@given(st.integers(0, 3000), st.integers(0, 255), st.integers(0, 3000))
def test_damaged_pictures(place, small_run, logged, scene, where, value, kept):
    content = bytearray(encode(scene(24, 24), ".png"))
    content[where % len(content)] = value
    sent = bytes(content[: max(1, kept)])
    answer = send(place, request(b"POST", b"/api/translate", [b"Content-Type: image/png"], sent))
    harmless(answer, small_run, logged)


@pytest.fixture(scope="module")
def study_place(tmp_path_factory, serve_long, scene):
    from portrayal.core.images import encode_png
    from portrayal.core.runs import write_atomically
    from portrayal.evaluation.study.create import Wanted, create
    from portrayal.evaluation.study.material import of_folders

    folder = tmp_path_factory.mktemp("asked")
    for model in "ab":
        for motif in range(3):
            pixels = scene(16, 16, seed=motif)
            write_atomically(folder / model / f"{motif}.png", encode_png(pixels))
    create(folder / "study", of_folders([folder / "a", folder / "b"]), Wanted(checks=0))
    return folder / "study", address(serve_long(study_app(folder / "study", most=3), Hasty))


@few
@given(
    st.sampled_from([b"GET", b"POST", b"BREW"]),
    st.sampled_from([b"/", b"/v/", b"/join", b"/pictures/", b"/static/"]),
    st.lists(ODD, max_size=3),
    st.one_of(ODD, st.sampled_from([b"[" * 4000, b'{"trial":1e999,"answer":null}', b"x" * 9000])),
)
@example(b"GET", b"/pictures/", [b"../key.json"], b"")
def test_a_study(study_place, logged, method, path, names, body):
    folder, place = study_place
    target = path + b"/".join(map(quoted, names))
    answer = send(place, request(method, target, [b"Content-Type: application/json"], body))
    head, _, said = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status < 500 or (path, status) == (b"/join", 503)  # no more voters
    assert str(folder.parent).encode() not in answer
    assert b"Traceback" not in answer
    if status >= 400:
        assert b"\n" not in said.strip()
        assert len(said) < 400
    assert not logged
