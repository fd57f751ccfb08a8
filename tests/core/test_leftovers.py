"""Half-written files go when their writer is dead, and only then."""

import os
import subprocess
import sys
import time

import pytest

from portrayal.core.leftovers import STARTED, clear_leftovers


@pytest.fixture
def dead():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_files_of_a_dead_process_go(tmp_path, dead):
    (tmp_path / f".a.png.{dead}.tmp").write_bytes(b"half")
    clear_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_living_processes_stay(tmp_path):
    living = {os.getpid(), os.getppid(), 1}  # an orphan's parent is 1
    for process in living:
        (tmp_path / f".a.png.{process}.tmp").write_bytes(b"half")
    clear_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(living)


def test_files_of_a_process_that_had_our_id_before_us_go(tmp_path):
    path = tmp_path / f".a.png.{os.getpid()}.tmp"
    path.write_bytes(b"half")
    os.utime(path, (time.time(), STARTED - 5))
    clear_leftovers(tmp_path)
    assert not path.exists()


def test_other_files_folders_and_what_lies_below_stay(tmp_path, dead):
    names = ["a.png", f"a.{dead}.tmp", ".a.tmp", f".{dead}.tmp", f".a.x{dead}.tmp", ".a.12.tmpx"]
    for name in names:
        (tmp_path / name).write_bytes(b"whole")
    below = tmp_path / "below"
    below.mkdir()
    (below / f".a.{dead}.tmp").write_bytes(b"half")
    (tmp_path / f".b.{dead}.tmp").mkdir()
    clear_leftovers(tmp_path)
    assert len(list(tmp_path.rglob("*"))) == len(names) + 3


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    clear_leftovers(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
