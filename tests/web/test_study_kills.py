import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "study_soak.py"


@pytest.mark.slow
def test_no_vote_is_lost_or_doubled_while_the_server_is_killed():
    words = [sys.executable, SCRIPT, "--voters", "12", "--votes", "10", "--kills", "2"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills" in done.stdout
    assert "120 acknowledged, 120 stored, 0 lost, 0 doubled" in done.stdout
