"""What the server does not do, each with its status and one line."""

import sys
import zlib
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portrayal.core.images import encode
from portrayal.web.app import serving_app
from portrayal.web.guards import LOCAL
from portrayal.web.limits import Limits, Often, PerMinute
from portrayal.web.models import find_runs, load_models

PNG = {"content-type": "image/png"}
FORM = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def models(small_run):
    return load_models(find_runs([small_run]), engine="torch")


@pytest.fixture(scope="module")
def client(small_run, models, serve_long):
    limits = Limits(megabytes=2, megapixels=0.1, per_minute=0, batch=2)
    app = serving_app([small_run], models, limits, hosts=LOCAL)
    with httpx.Client(base_url=serve_long(app), timeout=60) as client:
        yield client
    app.state.line.close()


def refused(answer, status, word):
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    text = answer.json()["error"]
    assert word in text
    assert "\n" not in text
    assert "Traceback" not in text
    assert "/tmp" not in text


@pytest.mark.parametrize("path", ["/api/translate", "/api/jobs"])
@pytest.mark.parametrize(
    ("content", "headers", "params", "status", "word"),
    [
        (b"no picture", PNG, {}, 400, "not a picture of a known format"),
        (b"\x89PNG\r\n\x1a\n", PNG, {}, 400, "damaged"),
        (b"", PNG, {}, 400, "no picture in the request"),
        (b"x", {"content-type": "text/plain"}, {}, 415, "text/plain is no picture"),
        (b"<svg/>", {"content-type": "image/svg+xml"}, {}, 415, "svg"),
        (b"nonsense", FORM, {}, 400, "form cannot be read"),
        (b"--x--", FORM, {}, 422, "picture"),
        (b"x", {"content-type": "multipart/form-data"}, {}, 400, "form cannot be read"),
        (b"x", PNG, {"model": "other"}, 404, "No model named 'other'"),
        (b"x", PNG, {"model": "../small"}, 404, "No model named"),
        (b"x", PNG, {"reverse": "1"}, 422, "one direction only"),
        (b"x", PNG, {"reverse": "maybe"}, 422, "reverse"),
        (b"x", PNG, {"format": "gif"}, 422, "format"),
        (b"x" * 2_000_001, PNG, {}, 413, "2,000,000 bytes"),
    ],
)
def test_a_bad_request_is_one_line(path, content, headers, params, status, word, client):
    refused(client.post(path, content=content, headers=headers, params=params), status, word)


def test_a_picture_with_too_many_pixels_is_refused_by_its_header(client, noise):
    content = encode(noise(8, 8), ".png")
    head = b"IHDR" + (70_000).to_bytes(4, "big") * 2 + content[24:29]
    huge = content[:12] + head + zlib.crc32(head).to_bytes(4, "big") + content[33:]
    for sent in (huge, encode(noise(1001, 100), ".png")):
        refused(client.post("/api/translate", content=sent, headers=PNG), 413, "megapixels")


def test_a_picture_damaged_behind_its_header_is_refused(client, noise):
    content = encode(noise(64, 64), ".png")[:-2000]
    refused(client.post("/api/translate", content=content, headers=PNG), 400, "cannot be read")


def test_what_a_format_cannot_hold_is_refused(client, noise):
    content = encode(noise(2, 9000), ".png")
    params = {"format": "webp", "show_input": "1"}
    answer = client.post("/api/translate", content=content, headers=PNG, params=params)
    refused(answer, 422, "webp holds 16,383 pixels")


def test_a_batch_takes_no_more_pictures_than_its_limit(client):
    files = [("pictures", (f"{n}.png", b"x")) for n in range(3)]
    refused(client.post("/api/batch", files=files), 400, "Too many files")
    refused(client.post("/api/batch", content=b"x", headers=PNG), 415, "form")
    refused(client.post("/api/batch", files={"other": b"x"}), 422, "'pictures'")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/api/translate", 405),
        ("POST", "/api/models", 405),
        ("GET", "/api/jobs/short", 404),
        ("GET", "/api/jobs/" + "x" * 32, 404),
        ("DELETE", "/api/jobs/" + "x" * 32, 404),
        ("GET", "/api/runs/none", 404),
        ("GET", "/api/runs/small/samples/none.png", 404),
    ],
)
def test_what_is_not_there_is_one_line(method, path, status, client):
    refused(client.request(method, path), status, "")


def test_other_names_and_other_sites_are_refused(client):
    refused(client.get("/api/runs", headers={"host": "evil.example"}), 421, "that name")
    for site in ("cross-site", "same-site"):
        answer = client.post("/api/translate", content=b"x", headers={"sec-fetch-site": site})
        refused(answer, 403, "Another site")
    assert client.get("/api/runs", headers={"host": "localhost:1"}).status_code == 200


SECRET = '"format": 1'  # stands in config.json


@settings(max_examples=25, deadline=None)
@given(
    name=st.one_of(st.text(max_size=30), st.sampled_from(["small", "..", ".", "small/..", "~"])),
    file=st.one_of(st.text(max_size=30), st.sampled_from(["../config.json", "/etc/passwd"])),
)
@example(name="small", file="../config.json")
@example(name="small/../small", file="..%2fconfig.json")
@example(name="..", file="\x00")
def test_no_name_leads_out_of_what_is_served(name, file, client):
    for path in (
        f"/api/runs/{quote(name, safe='')}/samples/{quote(file, safe='')}",
        f"/api/runs/{quote(name)}/samples/{quote(file)}",
        f"/runs/{quote(name)}/../{quote(file)}",
        f"/static/{quote(file)}",
    ):
        answer = client.get(path)
        assert SECRET not in answer.text
        assert "root:" not in answer.text
        assert answer.status_code in (200, 404, 307, 400)
        if answer.status_code == 200:
            assert name == "small" or answer.url.path in ("/", "/runs", "/runs/", "/runs/small")


def test_addresses_have_so_many_pictures_a_minute_and_are_forgotten():
    now = [0.0]
    counts = PerMinute(3, clock=lambda: now[0])
    for _ in range(3):
        counts.count("a")
    with pytest.raises(Often, match="try again in 60 s"):
        counts.count("a")
    counts.count("b", 3)
    now[0] = 60  # there is room at the end of the wait, not after it
    counts.count("a", 3)
    assert list(counts.asked) == ["a"]
    PerMinute(0).count("a", 1000)


def test_the_wait_is_until_enough_pictures_have_left_the_minute_and_never_too_short():
    now = [0.0]
    counts = PerMinute(10, clock=lambda: now[0])
    for second in range(8):
        now[0] = float(second)
        counts.count("a")
    now[0] = 9.7
    with pytest.raises(Often) as error:
        counts.count("a", 5)  # the third oldest, of second 2, must go: 62 - 9.7
    assert error.value.after == 53
    now[0] = 9.7 + 53
    counts.count("a", 5)


def test_nothing_asked_for_is_nothing_counted():
    counts = PerMinute(1)
    for pictures in (0, 1, 0):
        counts.count("a", pictures)
    assert [len(times) for times in counts.asked.values()] == [1]


def test_more_than_a_minutes_worth_is_told_how_many_can_come():
    counts = PerMinute(10, clock=lambda: 0.0)
    with pytest.raises(Often, match=r"again in 1 s with at most 10 of these 12\."):
        counts.count("a", 12)
    assert not counts.asked  # who was refused is not remembered
    counts.count("a", 10)


def test_too_often_is_429_and_says_when(small_run, models, serve, scene):
    app = serving_app([small_run], models, Limits(per_minute=1), behind_proxy=True)
    content = encode(scene(8, 8), ".png")
    with httpx.Client(base_url=serve(app), timeout=60) as client:

        def ask(address):
            headers = {**PNG, "x-forwarded-for": f"6.6.6.6, {address}"}
            return client.post("/api/translate", content=content, headers=headers)

        assert ask("1.2.3.4").status_code == 200
        refused(ask("1.2.3.4"), 429, "More than 1 pictures a minute")
        assert 1 <= int(ask("1.2.3.4").headers["retry-after"]) <= 60
        assert ask("1.2.3.5").status_code == 200
        assert ask("2001:db8::1").status_code == 200
        assert ask("2001:db8::2").status_code == 429  # one household
        assert client.get("/api/models").status_code == 200
    app.state.line.close()


WRITTEN: list[str] = []
LISTENING = [False]


def notice(event, arguments):
    if LISTENING[0] and event in ("open", "os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp"):
        mode = arguments[1] if event == "open" else "w"
        if mode is None or any(letter in mode for letter in "wax+"):
            WRITTEN.append(f"{event} {arguments[0]}")


def test_an_upload_leaves_nothing_on_the_disk_or_in_the_log(client, noise, caplog, capfd):
    sys.addaudithook(notice)
    caplog.set_level("DEBUG")
    content = encode(noise(300, 330), ".png", {"Comment": "planted-marker"})
    bad = b"\x89PNG planted-marker" + bytes(1_500_000)  # a spooled form would touch the disk
    LISTENING[0] = True
    try:
        files = {"picture": ("planted-marker.png", content)}
        assert client.post("/api/translate", files=files).status_code == 200
        assert client.post("/api/translate", files={"picture": bad}).status_code == 400
        assert client.post("/api/jobs", content=content, headers=PNG).status_code == 202
        assert client.post("/api/batch", files={"pictures": bad}).status_code == 200
    finally:
        LISTENING[0] = False
    assert not [text for text in WRITTEN if "/dev/" not in text]
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("http", "PIL"))]
    said = "".join([*ours, *capfd.readouterr()])
    assert "planted-marker" not in said
    assert "127.0.0.1" not in said or "running on" in said


def test_the_log_names_the_path_of_what_was_refused_before_it_came_there(small_run, models, serve):
    said = []
    app = serving_app([small_run], models, Limits(megabytes=0.001), note=said.append)
    with httpx.Client(base_url=serve(app), timeout=60) as client:
        for path in ("/api/translate", "/api/jobs/abc", "/somebody/s-secret", "/health"):
            client.post(path, content=bytes(2000))
        client.get("/health")
    lines = [line.rsplit(" ", 2)[0] for line in said]
    assert lines == [
        "POST /api/translate 413",
        "POST /api/jobs/{job} 413",
        "POST (unknown) 413",
        "POST /health 413",
        "GET /health 200",
    ]
    app.state.line.close()
