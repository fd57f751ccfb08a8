"""A stopped command ends with one line, and what handled signals before does so again."""

import os
import signal
import threading

import pytest

from portrayal.cli.stopping import stoppable, tell
from portrayal.core.errors import Interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_is_one_line_and_its_exit_code(number):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match="goes on from here") as caught, stoppable():
        signal.raise_signal(number)
    assert caught.value.code == 128 + number
    assert signal.getsignal(number) is before


def test_handlers_are_back_after_any_end_and_stay_alone_in_another_thread():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="of its own"), stoppable():
        assert signal.getsignal(signal.SIGTERM) is not before
        raise ValueError("of its own")
    assert signal.getsignal(signal.SIGTERM) is before
    seen = []

    def work():
        with stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_name_of_any_bytes_can_be_told(capsys):
    tell(os.fsdecode(b"\xff.png"))
    assert capsys.readouterr().err == "\\udcff.png\n"
