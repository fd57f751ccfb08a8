"""Progress: honest counts, rates and remaining times, few lines when nobody watches."""

import io

from hypothesis import given
from hypothesis import strategies as st

from portrayal.cli.progress import bar, clock_time, pace


class Clock:
    """A clock that goes when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_file_gets_a_line_every_ten_seconds_and_one_at_the_end():
    stream, clock = io.StringIO(), Clock()
    with bar("Preparing", 100, "pictures", stream=stream, clock=clock) as advance:
        for _ in range(100):
            clock.now += 0.25
            advance()
    assert stream.getvalue().splitlines() == [
        "Preparing: 40 of 100 pictures, 4.00 pictures/s, 0:15 left",
        "Preparing: 80 of 100 pictures, 4.00 pictures/s, 0:05 left",
        "Preparing: 100 of 100 pictures, 4.00 pictures/s, 0:00 left",
    ]


def test_what_an_earlier_run_did_counts_as_done_but_not_towards_the_rate():
    stream, clock = io.StringIO(), Clock()
    with bar("Training", 1000, "steps", done=900, stream=stream, clock=clock) as advance:
        clock.now += 10
        advance(50, "l1 0.120")
    assert stream.getvalue() == "Training: 950 of 1000 steps, 5.00 steps/s, 0:10 left, l1 0.120\n"


def test_without_a_total_there_is_a_rate_and_no_remaining_time():
    stream, clock = io.StringIO(), Clock()
    with bar("Reading", unit="files", stream=stream, clock=clock) as advance:
        clock.now += 20
        advance(400)
    assert stream.getvalue() == "Reading: 400 files, 20 files/s\n"


def test_a_terminal_gets_a_bar_with_count_and_note():
    stream = Terminal()
    with bar("Training [red]", 10, "steps", stream=stream) as advance:
        for _ in range(10):
            advance(note="l1 [0.1]")
    assert "10/10" in stream.getvalue()
    assert "Training [red]" in stream.getvalue()
    assert "l1 [0.1]" in stream.getvalue()


def test_an_error_inside_passes_through_the_bar():
    for stream in (io.StringIO(), Terminal()):
        try:
            with bar("Work", 3, stream=stream) as advance:
                advance()
                raise KeyError("x")
        except KeyError:
            continue
        raise AssertionError("the error was lost")


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1e9))
def test_rates_never_fail_whatever_the_counts(count, earlier, seconds):
    assert isinstance(pace(count, max(count, earlier), earlier, seconds, "steps"), str)


@given(st.integers(0, 10**6))
def test_a_time_reads_back_as_itself(seconds):
    parts = [int(part) for part in clock_time(seconds).split(":")]
    assert sum(part * 60**power for power, part in enumerate(reversed(parts))) == seconds
