"""SIGKILL at any moment and a disk that says no: the same command ends with the same bits."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "soaks"))
from attacked import RECIPES, Attacker, differences, fingerprint, training
from kills import Trainings, combinations


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    with Attacker() as attacker:
        yield Trainings(attacker, tmp_path_factory.mktemp("kills"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10), ids=[f"{r}-{n}" for r, n in combinations()])
def test_a_run_killed_twice_ends_with_the_bits_of_an_undisturbed_one(trainings, number):
    assert len(combinations()) == 2 * len(RECIPES) == 10
    row = trainings.case(number, kills=2)
    assert row["kills"] == 2
    assert row["differ"] == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, 300, 31))
def test_a_write_that_fails_is_one_line_and_the_same_command_goes_on(trainings, number):
    assert trainings.disk(number)["differ"] == []


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_bits_where_it_and_its_data_were_moved(trainings):
    whole, place = trainings.whole("paired", 1), trainings.place / "moved"
    out, log = trainings.place / "to_move", trainings.place / "log"
    line = training("paired", trainings.place / "data", out)
    attack = {"folder": str(out), "at": whole.writes * 2 // 3}
    assert trainings.attacker(line, log, attack=attack).killed
    shutil.copytree(trainings.place / "data/32", place / "elsewhere/32")
    shutil.move(out, place / "run")
    answer = trainings.attacker(training("paired", place / "elsewhere", place / "run"), log)
    assert answer.fine, answer.text
    assert "of 8 steps are done: going on" in answer.text
    assert differences(fingerprint(place / "run"), whole.files) == []
