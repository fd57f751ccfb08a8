"""Where a page is served from."""

import socket

import pytest

from portrayal.core.errors import BadOption
from portrayal.web.shell import listening_on


def test_clients_of_our_socket_wait_for_no_acknowledgement():
    with listening_on("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio looks at this


def test_a_port_that_is_taken_is_one_line_with_its_number():
    with listening_on("127.0.0.1", 0) as listening:
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(BadOption, match=f"Cannot listen on 127.0.0.1, port {port}: "):
            listening_on("127.0.0.1", port)
