"""Where a page is served from."""

import socket

import pytest

from portrayal.core.errors import BadOption
from portrayal.web.shell import listening_on


def test_clients_of_our_socket_wait_for_no_acknowledgement():
    with listening_on("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio looks at this


def test_who_comes_before_the_server_is_up_waits_and_is_not_refused():
    with listening_on("127.0.0.1", 0) as listening:
        socket.create_connection(listening.getsockname()[:2], timeout=60).close()


def test_a_port_that_is_taken_is_one_line_with_its_number():
    with listening_on("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(BadOption, match=f"Cannot listen on 127.0.0.1, port {port}: "):
            listening_on("127.0.0.1", port)
