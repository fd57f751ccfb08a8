"""Locks: one process at a time, held for others to see, gone with the process."""

import subprocess
import sys

import pytest

from portrayal.core.errors import CannotWrite
from portrayal.core.locks import held, locked

HOLD = """
import sys
from pathlib import Path
from portrayal.core.locks import locked
with locked(Path(sys.argv[1]), Path("work")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_seen_from_outside_and_ends_with_its_process(tmp_path):
    lock = tmp_path / "new" / ".lock"
    assert held(lock) is False  # no file
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert held(lock)
        with (
            pytest.raises(CannotWrite, match="work is in use by another process"),
            locked(lock, tmp_path / "work"),
        ):
            raise AssertionError("two processes held one lock")
        holder.kill()
        holder.wait()
        assert not held(lock)
    with locked(lock, tmp_path):
        assert held(lock)
    assert not held(lock)


def test_looking_does_not_take_the_lock(tmp_path):
    lock = tmp_path / ".lock"
    lock.touch()
    assert not held(lock)
    with locked(lock, tmp_path):
        pass
