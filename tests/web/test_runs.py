"""Whether a training is at work in a folder: what its lock says, or else how old its log is."""

import fcntl
import os
import time

import pytest

from portrayal.web.runs import FRESH, running


@pytest.fixture
def folder(tmp_path):
    """A run that began long ago, with its lock file; nobody holds it."""
    for name in ("log.jsonl", "config.json", ".lock"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


def test_it_runs_while_its_folder_is_held_and_until_its_last_step(folder):
    assert not running(folder, 5, 10)
    with (folder / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert running(folder, 9, 10) and running(folder, 5, None)
        assert not running(folder, 10, 10) and not running(folder, 11, 10.0)
    os.utime(folder / "log.jsonl")
    assert not running(folder, 5, 10), "a log that has just grown says nothing where locks do"


@pytest.mark.parametrize("name", ["log.jsonl", "config.json"])
def test_where_there_are_no_locks_a_young_log_says_so(folder, name):
    def nobody_can_say(path):
        assert path == folder / ".lock"

    def aged(seconds):
        os.utime(folder / name, (time.time() - seconds,) * 2)
        return running(folder, 5, 10, nobody_can_say)

    assert not running(folder, 5, 10, nobody_can_say)
    assert aged(0) and aged(FRESH / 2)
    assert not aged(FRESH + 1) and not aged(FRESH * 100)
    (folder / "log.jsonl").unlink()
    (folder / "config.json").unlink()
    assert not running(folder, 0, None, nobody_can_say)
