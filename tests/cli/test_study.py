import csv
from pathlib import Path

import pytest

from portrayal.cli import answer
from portrayal.core.images import encode_png
from portrayal.core.runs import read_json, write_atomically
from portrayal.evaluation.study.plan import read_study

REPORT = Path(__file__).parents[2] / "examples" / "second_report_votes.csv"


@pytest.fixture
def folders(tmp_path, noise):
    for model in "ab":
        for motif in range(5):
            write_atomically(tmp_path / model / f"{motif}.png", encode_png(noise(8, 8, motif)))
    return [word for model in "ab" for word in ("--folders", str(tmp_path / model))]


def test_a_study_is_created_from_folders(folders, tmp_path, capsys):
    assert answer(["study", "create", str(tmp_path / "s"), *folders, "--practice", "1"]) == 0
    assert "2 models, 4 motifs, 8 trials each" in capsys.readouterr().out
    assert read_study(tmp_path / "s").ways == 2


def test_options_reach_the_plan(folders, tmp_path):
    (tmp_path / "consent.txt").write_text("Agree.")
    more = ["--kind", "rating", "--levels", "bad, good", "--question", "Sharp?", "--seconds", "2",
            "--consent", str(tmp_path / "consent.txt"), "--input", str(tmp_path / "b"),
            "--items", "2", "--seed", "7"]  # fmt: skip
    assert answer(["study", "create", str(tmp_path / "s"), *folders, *more]) == 0
    study = read_study(tmp_path / "s")
    assert (study.levels, study.question, study.seconds) == (("bad", "good"), "Sharp?", 2)
    assert (study.consent, study.seed, study.trials) == ("Agree.", 7, 2)
    assert all(item.input for item in study.items)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--runs or of --folders"),
        (["--runs", "nowhere"], "nowhere"),
        (["--runs", "nowhere", "--real", "x"], "are for --folders"),
        (["--folders", "nowhere", "--folders", "nothing"], "nowhere"),
    ],
)
def test_what_cannot_be_a_study_is_one_line(words, said, tmp_path, capsys):
    assert answer(["study", "create", str(tmp_path / "s"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_serving_what_is_no_study_is_one_line(tmp_path, capsys):
    assert answer(["study", "serve", str(tmp_path)]) == 2
    assert "no finished study" in capsys.readouterr().err


def test_the_second_reports_votes_hold_five_differences_and_none_for_other_voters(tmp_path, capsys):
    assert answer(["study", "results", str(REPORT), "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    found = read_json(tmp_path / "votes.json")
    votes = {model["name"]: model["votes"] for model in found["models"]}
    assert list(votes.values()) == [18, 25, 11, 41, 26, 6, 23]
    held = {(p["first"], p["second"]) for p in found["pairs"] if p["p_same"] < 0.05}
    assert held == {
        ("GAN v2", "CycleGAN v5"),
        ("Base CycleGAN", "CycleGAN v3"),
        ("CycleGAN v3", "CycleGAN v5"),
        ("CycleGAN v4", "CycleGAN v5"),
        ("CycleGAN v5", "CycleGAN v6"),
    }
    assert not [p for p in found["pairs"] if p["p_other"] < 0.05]
    above = {m["name"]: m["p_chance"] for m in found["models"] if m["p_chance"] < 0.05}
    assert set(above) == {"CycleGAN v3", "CycleGAN v5"}
    assert "5 hold among these 3 voters and 0 for other voters" in printed
    assert "CycleGAN v3 before CycleGAN v5 among these voters (p < .0001)" in printed
    assert "CycleGAN v3 before Base CycleGAN among these voters (p = 0.000" in printed
    with (tmp_path / "votes.csv").open() as file:
        assert len(list(csv.reader(file))) == 151
