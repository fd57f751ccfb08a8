"""A disk that is really full or really read-only: one line, nothing lost, and the run goes on."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "soaks" / "disks.py"
OWN = ["unshare", "-rm"]  # a mount namespace of our own


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    place = tmp_path_factory.mktemp("disks")
    if not shutil.which("unshare"):
        pytest.skip("needs unshare, to mount small disks")
    tried = subprocess.run([*OWN, "mount", "-t", "tmpfs", "none", place], capture_output=True)
    if tried.returncode:
        pytest.skip(f"mounting in a namespace is not allowed here: {tried.stderr.decode()}")
    done = subprocess.run([*OWN, sys.executable, SCRIPT, place], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_a_disk_that_becomes_full_is_one_line_and_with_room_the_run_ends_with_the_same_bits(trials):
    full = [row for row in trials if row["trial"].startswith("full")]
    assert len(full) == 8
    for row in full:
        assert row["codes"] == [2], row
        assert len(row["said"]) == 1 and "the disk is full" in row["said"][0], row
        assert row["again"] == [0] and row["differ"] == [], row
    assert any("serializing" in row["said"][0] for row in full)  # inside safetensors' writer
    assert any("inline_container" in row["said"][0] for row in full)  # inside torch's
    assert any(row["steps"] for row in full)  # and what was saved before is still there


@pytest.mark.slow
@pytest.mark.parametrize("trial", ["train on", "evaluate", "translate into it"])
def test_a_read_only_run_folder_is_one_line_and_stays_as_it_was(trials, trial):
    (row,) = (row for row in trials if row["trial"] == trial)
    assert row["codes"] == [2], row
    (line,) = row["said"]
    assert line.startswith("Error: Cannot write ") and "the file system is read-only" in line
    assert row["differ"] == []


@pytest.mark.slow
@pytest.mark.parametrize("trial", ["translate from it", "trained on"])
def test_pictures_can_be_made_from_a_read_only_run_and_a_writable_one_trains_on(trials, trial):
    (row,) = (row for row in trials if row["trial"] == trial)
    assert (row["codes"], row["differ"]) == ([0], [])
