import signal
import threading

import pytest

from portrayal.core.signals import handled

BOTH = (signal.SIGINT, signal.SIGTERM)


def test_signals_go_to_the_handler_inside_and_to_whoever_had_them_afterwards():
    before, came = [signal.getsignal(number) for number in BOTH], []
    with pytest.raises(ValueError, match="of its own"), handled(lambda *told: came.append(told[0])):
        for number in BOTH:
            signal.raise_signal(number)
        raise ValueError("of its own")
    assert came == list(BOTH)
    assert [signal.getsignal(number) for number in BOTH] == before


def test_another_thread_changes_nothing():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work():
        with handled(lambda *told: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
