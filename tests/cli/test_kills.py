"""A command that is killed and run again ends with the bytes of one that nobody disturbed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "soaks"))
from attacked import Attacker
from kills import Commands


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    with Attacker() as attacker:
        yield Commands(attacker, tmp_path_factory.mktemp("kills"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prepare", "translate", "evaluate", "sweep", "study"])
def test_a_command_killed_at_drawn_writes_and_run_again_ends_with_the_same_bytes(killed, name):
    row = killed.case(name, kills=2, seed=0)
    assert row["kills"], "no kill hit"
    assert row["differ"] == []
