"""Clients that are slow, silent or many, and those that leave: who is in nobody else's way."""

import asyncio
import io
import socket
import time

import pytest
from starlette.responses import JSONResponse, Response

from portrayal.web.bodies import LimitBody
from portrayal.web.connections import Connection
from portrayal.web.guards import Calm

BIG = 30_000_000


class Small(Connection):
    """Of eight clients at most; who is as slow as a busy machine is waited for."""

    most, look = 8, 0.05


class Hasty(Small):
    """So that a test need not wait."""

    head, take = 0.3, 0.3


async def plain(scope, receive, send):
    """Answers /big with much, /bug with a bug, all else with the length of the body."""
    if scope["path"] == "/bug":
        raise ValueError("secret words")
    if scope["path"] == "/big":
        await Response(bytes(BIG))(scope, receive, send)
        return
    message = await receive()
    await JSONResponse(len(message.get("body", b"")))(scope, receive, send)


@pytest.fixture
def started(serve):
    """started(connection, seconds): host and port of a server that takes bodies of 1000 bytes, 3000
    in all, in so many seconds."""

    def start(connection, seconds=1):
        app = LimitBody(Calm(plain), 1000, seconds=seconds, together=3000)
        host, port = serve(app, connection).split("//")[1].strip("/").split(":")
        return host, int(port)

    return start


@pytest.fixture
def hasty(started):
    return started(Hasty)


@pytest.fixture
def place(started):
    return started(Small)


def ask(place, content=b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
    """The whole answer."""
    with socket.create_connection(place, timeout=60) as line:
        line.sendall(content)
        return rest(line)


def rest(line):
    """What comes until the server closes."""
    line.settimeout(60)
    found = io.BytesIO()
    try:
        while part := line.recv(1 << 20):
            found.write(part)
    except ConnectionResetError:
        pass
    return found.getvalue()


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_head_that_does_not_come_is_not_waited_for(hasty, start):
    with socket.create_connection(hasty) as slow:
        slow.sendall(start)
        assert rest(slow) == b""


def test_a_head_that_drips_is_not_waited_for(hasty):
    with socket.create_connection(hasty) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nA: ")
        with pytest.raises(OSError, match=r"reset|pipe"):
            for _ in range(1000):
                slow.sendall(b"a")
                time.sleep(0.02)


def test_a_second_head_is_not_waited_for_either(hasty):
    with socket.create_connection(hasty) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        assert rest(slow).count(b"HTTP/1.1 200") == 1


def test_who_reads_gets_all_of_a_large_answer(hasty):
    with socket.create_connection(hasty) as slow:
        slow.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(0.1)
        assert len(rest(slow)) >= BIG


def test_a_body_that_drips_is_408(place):
    with socket.create_connection(place) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        slow.sendall(b"Content-Length: 900\r\n\r\nabc")
        assert ask(place).startswith(b"HTTP/1.1 200")
        assert b" 408 " in rest(slow).split(b"\r\n")[0]


def test_of_too_many_connections_the_one_that_keeps_us_waiting_longest_goes(started):
    place = started(Small, 60)
    lines = [socket.create_connection(place) for _ in range(30)]
    try:
        for line in lines[::2]:
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc")
        assert ask(place).startswith(b"HTTP/1.1 200")
        assert rest(lines[0]) == b""
    finally:
        for line in lines:
            line.close()


def test_all_bodies_together_are_bounded_and_forgotten(place):
    start = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n"
    lines = [socket.create_connection(place) for _ in range(5)]
    try:
        for line in lines:
            line.sendall(start + b"a" * 900)
        refused = [b" 503 " in rest(line).split(b"\r\n")[0] for line in lines]
        assert 0 < sum(refused) < 5  # the others took too long
    finally:
        for line in lines:
            line.close()
    assert ask(place, start + b"a" * 1000).endswith(b"1000")


def test_a_body_in_a_thousand_pieces_is_put_together(started):
    place = started(Small, 60)
    with socket.create_connection(place, timeout=60) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        line.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000 + b"0\r\n\r\n")
        assert rest(line).endswith(b"1000")


def test_a_bug_is_500_in_one_line_and_its_words_are_not_logged(place, caplog):
    answer = ask(place, b"GET /bug HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 500 " in answer.split(b"\r\n")[0]
    assert answer.endswith(b'{"error":"Something went wrong here."}')
    assert "ValueError in plain, line" in caplog.text
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text


class Transport:
    """Holds some bytes that nobody takes."""

    left, aborted = 0, False

    def get_extra_info(self, name):
        return None

    def get_write_buffer_size(self):
        return self.left

    def abort(self):
        self.aborted = True

    def close(self):
        pass


def test_an_answer_must_be_taken_in_at_some_pace():
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    async def scene(drips):
        config = Config(plain, http=Hasty, ws="none", lifespan="off", log_config=None)
        each = Hasty(config, ServerState(), {})
        transport = Transport()
        each.connection_made(transport)
        transport.left = 40_000  # 0.3 s and 0.4 s for its size
        for _ in range(30):
            await asyncio.sleep(0.05)
            transport.left = max(0, transport.left - drips)
        each.looking.cancel()
        return transport.aborted, transport.left

    assert asyncio.run(scene(100))[0]  # too slowly
