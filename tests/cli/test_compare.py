import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from untrained import make_dataset, make_run

from portrayal.cli import answer
from portrayal.core.runs import read_json, write_json


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two untrained runs on one dataset, the first one scored."""
    folder = tmp_path_factory.mktemp("runs")
    data = make_dataset(folder / "data", {"train": 2, "val": 2, "test": 6})
    made = [make_run(folder / name, data, seed) for seed, name in enumerate(("one", "two"))]
    assert answer(["evaluate", str(made[0]), "--metric", "l1", "--metric", "ssim"]) == 0
    return made


def test_what_is_not_scored_is_named_and_scored_if_asked(runs, tmp_path, capsys):
    (runs[1] / "results.json").unlink(missing_ok=True)  # another test may have scored it
    capsys.readouterr()
    words = ["compare", *map(str, runs), "--out", str(tmp_path / "out")]
    assert answer(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: 1 of 2 runs have no readable scores yet")
    assert "--evaluate" in error and error.count("\n") == 1
    assert answer([*words, "--evaluate", "--metric", "l1", "--metric", "ssim"]) == 0
    printed = capsys.readouterr().out
    assert "L1 ↓" in printed and "SSIM ↑" in printed
    assert "corrected by Holm" in " ".join(printed.split())
    assert re.search(r"0\.\d+ a", printed)
    found = read_json(tmp_path / "out" / "comparison.json")
    assert [model["name"] for model in found["models"]] == ["one", "two"]
    cost = found["models"][0]["cost"]
    assert cost["flops"] > 0 and cost["step_flops"] > cost["flops"] and cost["seconds"] > 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.json",
        "comparison.csv",
        "comparison.html",
    }


def test_the_dataset_of_runs_made_elsewhere_is_named(runs, tmp_path, capsys):
    answer(["evaluate", str(runs[1]), "--metric", "l1", "--metric", "ssim"])
    moved = [shutil.copytree(run, tmp_path / "moved" / run.name) for run in runs]
    for run in moved:  # as typed elsewhere
        for file in ("config.json", "results.json"):
            found = read_json(run / file)
            write_json(run / file, found | {"data": found["data"] | {"path": "d", "from_run": "d"}})
    words = ["compare", *map(str, moved), "--out", str(tmp_path / "out"), "--no-cost"]
    assert answer(words) == 0
    html = (tmp_path / "out" / "comparison.html").read_text()
    assert html.count("not found</div>") == 2 * 6 and "Say where they are: --data FOLDER" in html
    assert answer([*words, "--data", str(runs[0].parent / "data")]) == 0
    html = (tmp_path / "out" / "comparison.html").read_text()
    assert "not found" not in html and "--data FOLDER" not in html
    capsys.readouterr()
    assert answer([*words, "--data", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert "No such dataset folder" in error and error.count("\n") == 1


def test_a_model_that_cannot_be_loaded_keeps_its_scores(runs, tmp_path, capsys):
    answer(["evaluate", str(runs[1]), "--metric", "l1", "--metric", "ssim"])
    bare = tmp_path / "bare"
    shutil.copytree(runs[0], bare)
    shutil.rmtree(bare / "checkpoints")
    assert answer(["compare", str(bare), str(runs[1]), "--out", str(tmp_path / "out")]) == 0
    assert "The cost of" in capsys.readouterr().err
    assert read_json(tmp_path / "out" / "comparison.json")["models"][0]["cost"]["flops"] is None


def test_of_many_models_as_many_are_beside_each_other_as_fit(runs, tmp_path, capsys):
    names = [f"model_{number}" for number in range(7)]
    for name in names:
        shutil.copytree(runs[0], tmp_path / name)
    capsys.readouterr()
    words = ["compare", *(str(tmp_path / name) for name in names), "--out", str(tmp_path / "out")]
    assert answer(words) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line.split()[1:] for line in lines if line.strip().startswith("metric")]
    assert [name for head in heads for name in head] == names and len(heads) == 3
    assert sum("L1 ↓" in line for line in lines) == 3
    assert not any("…" in line for line in lines)
