"""2,000 damaged and hostile files of runs and datasets: each is read or refused in one line.

scripts/soak_files.py does the same without end; a failing mutant can be made again by its number.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak_files.py"


@pytest.mark.slow
def test_2000_hostile_models_are_read_or_refused_and_a_second_start_goes_on(tmp_path):
    for count in (500, 2000):  # stopped after the first part, then the rest
        words = [sys.executable, SCRIPT, "models", "--count", str(count), "--out", tmp_path]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in (tmp_path / "models.jsonl").read_text().splitlines()]
    assert [row["part"] for row in rows] == [0, 1, 2, 3]
    assert sum(row["read"] + row["refused"] for row in rows) == 2000
    assert sum(row["refused"] for row in rows) > 1000  # the damage is real
    assert sum(row["read"] for row in rows) > 200  # and not everything is refused
