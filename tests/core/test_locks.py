"""Locks: one process at a time, held for others to see, gone with the process."""

import fcntl
import os
import subprocess
import sys

import pytest

from portrayal.core.errors import CannotWrite
from portrayal.core.locks import held, locked, taken_elsewhere

HOLD = """
import sys
from pathlib import Path
from portrayal.core.locks import locked
with locked(Path(sys.argv[1]), Path("work")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_seen_from_outside_and_ends_with_its_process(tmp_path):
    lock = tmp_path / "new" / "folder" / ".lock"
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


def test_those_who_look_at_once_do_not_see_each_other(tmp_path):
    lock = tmp_path / ".lock"
    with lock.open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert held(lock) is False


def test_nobody_can_say_of_a_file_that_refuses_locks(tmp_path):
    (tmp_path / ".lock").touch()
    handle = os.open(tmp_path / ".lock", os.O_PATH)  # names a file, and opens nothing of it
    for shared in (True, False):
        assert taken_elsewhere(handle, shared=shared) is None
    os.close(handle)


def test_where_there_are_no_locks_work_goes_on_and_nobody_can_say(tmp_path):
    without = f"import sys; sys.modules['fcntl'] = None  # as on Windows\n{HOLD}"
    asking = without.replace("sys.stdin.read()", "print(held(Path(sys.argv[1])))")
    asking = asking.replace("import locked", "import held, locked")
    command = [sys.executable, "-c", asking, str(tmp_path / ".lock")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "held\nNone\n"
