"""Work ahead and behind: in order, as far as there is room, and never for ever."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrayal.inference.ahead import FEW, THREADS, ahead, behind, far_ahead

SOON = 600  # seconds after which something hangs


class Seen:
    """Work that notes what it was given; `at` is set once so many were done."""

    def __init__(self, count):
        self.count, self.done, self.lock, self.at = count, [], Lock(), Event()

    def __call__(self, item):
        with self.lock:
            self.done.append(item)
            if len(self.done) >= self.count:
                self.at.set()
        return item


def test_ahead_by_a_few_items_and_not_by_all():
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield len(asked)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(islice(ahead(pool, str, endless()), 50))
    assert answers == [str(number) for number in range(1, 51)]
    assert len(asked) < 50 + 2 * FEW


def test_far_ahead_all_that_fits_is_done_before_the_second_is_asked_for():
    work = Seen(40)
    with (
        ThreadPoolExecutor(2) as pool,
        closing(far_ahead(pool, work, range(100), lambda item: 1, most=100, room=39)) as results,
    ):
        assert next(results) == 0
        assert work.at.wait(SOON)


@settings(deadline=None, max_examples=60)
@given(
    weights=st.lists(st.integers(0, 9), max_size=40),
    room=st.integers(0, 20),
    most=st.integers(0, 10),
    threads=st.integers(1, 4),
)
def test_order_holds_and_what_waits_is_bounded(weights, room, most, threads):
    waiting, worst, lock = 0, 0, Lock()

    def work(pair):
        nonlocal waiting, worst
        with lock:
            waiting += pair[1]
            worst = max(worst, waiting)
        return pair

    found = []
    with ThreadPoolExecutor(threads) as pool:
        items = list(enumerate(weights))
        for pair in far_ahead(pool, work, items, lambda pair: pair[1], most=most, room=room):
            with lock:
                waiting -= pair[1]
            found.append(pair)
    assert found == items
    # one begins below `room` in each thread, one is next and needs none, one was just handed over
    assert worst <= room + 9 * (threads + 2)


def test_closing_while_threads_wait_for_room_ends_at_once_and_drops_the_rest():
    work = Seen(3)
    with ThreadPoolExecutor(2) as pool:
        results = far_ahead(pool, work, range(100), lambda item: 5, most=100, room=10)
        assert next(results) == 0
        assert work.at.wait(SOON)
        results.close()
    assert len(work.done) < 10


def test_an_error_of_the_work_comes_where_its_result_would_be():
    def work(item):
        return 1 // (3 - item)

    with ThreadPoolExecutor(2) as pool:
        results = far_ahead(pool, work, range(100), lambda item: 1, room=2)
        assert [next(results) for _ in range(3)] == [0, 0, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_behind_what_is_done_comes_with_the_next_item_and_not_many_items_later():
    work = Seen(1)

    def items():
        yield 0
        assert work.at.wait(SOON)
        yield 1
        raise AssertionError("the first was done before this one was made")

    with ThreadPoolExecutor(1) as pool:
        assert next(behind(pool, work, items(), lambda item: 1)) == 0


def test_behind_no_more_waits_than_there_is_room_for_and_order_holds():
    go, made = Event(), []

    def work(item):
        assert go.wait(SOON)
        return item

    def items():
        for number in range(60):
            made.append(number)
            if len(made) == FEW + 1:  # these weigh more than the room: no other before one is done
                go.set()
            yield number

    with ThreadPoolExecutor(2) as pool:
        results = behind(pool, work, items(), lambda item: 10, room=15)
        assert next(results) == 0
        assert len(made) <= FEW + 1
        assert list(results) == list(range(1, 60))


def test_behind_a_whole_group_is_handed_over_before_the_first_is_done():
    go, made = Event(), []

    def work(item):
        assert go.wait(SOON)
        return item

    def items():
        for number in range(64):
            made.append(number)
            yield number
        go.set()  # only now: whoever waited for a result before would wait for ever

    with ThreadPoolExecutor(2) as pool:
        assert list(behind(pool, work, items(), lambda item: 1, most=64)) == list(range(64))
