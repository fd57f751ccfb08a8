"""The command: files beside the run, a verdict, and wrong input in one line."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "evaluation"))

from untrained import make_dataset, make_run

from portrayal.cli import answer
from portrayal.core.images import encode_png, read_pixels
from portrayal.evaluation.traps.probe import smiley


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    data = make_dataset(folder / "data", {"train": 1, "test": 5})
    (folder / "badge.png").write_bytes(encode_png(smiley(20)))
    return make_run(folder / "run", data)


def test_a_probe_writes_its_numbers_and_a_heat_map_and_says_a_verdict(run, capsys):
    words = ["--pictures", "2", "--badge", str(run.parent / "badge.png"), "--patch", "12"]
    assert answer(["probe", str(run), *words]) == 0
    shown = capsys.readouterr().out
    assert "anywhere else" in shown and "bottom left" in shown
    assert "hortcut" in shown and "as much as anywhere else." in shown
    kept = json.loads((run / "probe.json").read_text())
    assert kept["pictures"] == ["p00", "p04"] and kept["seed"] == 0 and kept["split"] == "test"
    assert len(kept["section"]["rows"]) == 10 and len(kept["verdicts"]) >= 1
    assert len(kept["occlusion_map"]) == 6  # 12-pixel patches, the last one ends at the border
    assert read_pixels(run / "probe.png").shape == (384, 768, 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pictures", "1"], "1 picture has no interval"),
        (["--patch", "40"], "A patch of 40 pixels does not suit pictures of 64 x 64"),
        (["--split", "val"], "val"),
        (["--badge", "gone.png"], "gone.png"),
    ],
)
def test_wrong_input_is_one_line(run, capsys, words, said):
    assert answer(["probe", str(run), *words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Error: ") and said in error


def test_a_folder_that_is_no_run_is_one_line(tmp_path, capsys):
    assert answer(["probe", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
