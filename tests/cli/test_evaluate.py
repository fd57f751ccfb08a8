import numpy as np
import pytest

from portrayal.cli import answer
from portrayal.core.images import encode_png
from portrayal.core.runs import read_json


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(3):
        truth = rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)
        for folder, change in (("real", 0), ("fake", 10), ("input", 60)):
            path = tmp_path / folder / f"{index}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(
                encode_png(np.clip(truth.astype(int) + change, 0, 255).astype(np.uint8))
            )
    return tmp_path


def test_two_folders_are_answered_with_a_table_and_a_verdict(folders, capsys):
    fake, real, source = (str(folders / name) for name in ("fake", "real", "input"))
    assert answer(["evaluate", fake, real, "--input", source, "--metric", "l1"]) == 0
    shown = capsys.readouterr().out
    assert "L1 ↓" in shown and "input itself" in shown and "95 % bootstrap" in shown
    assert "On 3 pictures, L1 0.0" in shown
    assert "better on L1 (intervals apart)" in shown
    assert "--out FOLDER keeps these scores" in shown


def test_scores_of_folders_are_kept_where_asked(folders, capsys):
    fake, real, out = (str(folders / name) for name in ("fake", "real", "scores"))
    assert answer(["evaluate", fake, real, "--out", out]) == 0
    assert read_json(folders / "scores" / "results.json")["n"] == 3
    assert f"Wrote {out}/results.json" in capsys.readouterr().out
    assert answer(["report", out]) == 0
    assert (folders / "scores" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fake", "gone"], "gone does not exist"),
        (["gone"], "gone does not exist or is not a folder"),
        (["fake"], "is not a run"),
        (["fake", "real", "--split", "val"], "are for runs"),
        (["fake", "--input", "real"], "are for two folders"),
        (["fake", "real", "--metric", "pnsr"], "Did you mean 'psnr'?"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(folders, capsys, words, said):
    known = ("fake", "real", "gone")
    assert answer(["evaluate", *(str(folders / w) if w in known else w for w in words)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert said in error
