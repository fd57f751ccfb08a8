"""`portrayal sweep` as a person starts, kills and resumes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from untrained import make_dataset, make_unpaired

from portrayal.cli import answer
from portrayal.core.runs import read_json
from portrayal.training.reading import read_weights, whole_names

FIXED = ("generator=unet_64", "discriminator=patch_16", "discriminator_width=4", "batch=2")
COMMAND = [sys.executable, "-m", "portrayal"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


TINY = ("generator=resnet_6", "width=2", "discriminator=patch_16", "discriminator_width=2")


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpaired")
    return make_unpaired(folder, {"train": (3, 2), "val": (3, 2), "test": (2, 2)})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return make_dataset(folder, {"train": 4, "val": 2, "test": 3})


def words(data, out, *more, steps=4):
    fixed = [f"--set={text}" for text in (*FIXED, f"steps={steps}", "validate_every=2")]
    return ["sweep", "pix2pix", str(data), "--out", str(out), *fixed, *more]


def test_a_grid_is_trained_ranked_and_its_best_alone_is_tested(data, tmp_path, capsys):
    out = tmp_path / "sweep"
    line = words(data, out, "--set=width=4,6", "--vary=l1=100,100:1")
    assert answer(line) == 0
    printed = capsys.readouterr().out
    assert "trial 4 of 4" in printed
    assert "The test split was not touched" in printed
    names = {path.name for path in out.iterdir() if path.is_dir()}
    assert names == {f"l1={l1},width={w}" for l1 in ("100", "100..1") for w in (4, 6)}
    config = read_json(out / "l1=100..1,width=6" / "config.json")
    assert config["config"]["l1"] == [100.0, 1.0]
    assert config["command"].startswith(f"portrayal train pix2pix {data} --out ")
    assert answer([*line, "--evaluate-best"]) == 0
    printed = capsys.readouterr().out
    best = read_json(out / "sweep.json")["trials"]
    tested = [trial["name"] for trial in best if trial["tested"]]
    assert len(tested) == 1 and f"Best on validation: {tested[0]}. Tested: {tested[0]}" in printed


def test_a_dry_run_lists_the_trials_and_writes_nothing(data, tmp_path, capsys):
    assert answer(words(data, tmp_path / "s", "--set=width=4,6", "--dry-run")) == 0
    assert capsys.readouterr().out == "width=4\nwidth=6\n2 trials, 8 steps in all\n"
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--vary", "widht=4,6"], "Did you mean 'width'"),
        (["--set", "width=4,6", "--trials", "3"], "--trials is for --tune"),
        (["--set", "width=4,6", "--metric", "lpips"], "No validation score named 'lpips'"),
        ([], "Nothing varies"),
        (["--vary", "learning_rate=1e-4..1e-2"], "add --tune"),
    ],
)
def test_wrong_input_is_one_line(data, tmp_path, capsys, more, said):
    assert answer(words(data, tmp_path / "s", *more)) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert said in error
    assert not (tmp_path / "s").exists()


def unpaired_words(unpaired, out, *more):
    fixed = [f"--set={text}" for text in (*TINY, "steps=2")]
    line = ["sweep", "cyclegan", str(unpaired), "--out", str(out), "--preset", "base"]
    return [*line, *fixed, "--vary=cycle=1,10", *more]


def test_unpaired_trials_are_scored_after_training_in_one_table_and_one_page(
    unpaired, tmp_path, capsys
):
    out = tmp_path / "sweep"
    line = unpaired_words(unpaired, out, "--score=ssim", "--score=l1", "--metric=l1")
    assert answer(line) == 0
    printed = capsys.readouterr().out
    assert "SSIM" in printed and "n = 3" in printed
    assert "The test split was not touched" in printed
    made = read_json(out / "sweep.json")
    assert (made["metric"], made["better"], made["scores"]) == ("l1", "lower", ["ssim", "l1"])
    values = {trial["name"]: trial["scores"]["l1"]["value"] for trial in made["trials"]}
    assert f"Best on validation: {min(values, key=values.get)}." in printed
    page = (out / "sweep.html").read_text()
    assert page.count('class="plot points"') == 3  # each against cycle, one against the other
    assert not list(out.glob("*/results.json")) and not list(out.glob("*/translations/test"))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "cycle=10" / "validation.json").unlink()
    assert answer(line) == 0
    assert before == {path: path.read_bytes() for path in before}
    assert answer([*line, "--evaluate-best"]) == 0
    assert [path.parent.name for path in out.glob("*/results.json")] == [
        min(values, key=values.get)
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--score ssim"),
        (["--score", "ssin"], "Did you mean 'ssim'"),
        (["--score", "ssim", "--metric", "l1"], "add --score l1"),
        (["--score", "class_colour"], "needs pairs with a known class"),
    ],
)
def test_scores_of_unpaired_data_that_cannot_be_are_refused_before_training(
    unpaired, tmp_path, capsys, more, said
):
    assert answer(unpaired_words(unpaired, tmp_path / "s", *more)) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert said in error
    assert not (tmp_path / "s").exists()


def test_a_tuner_may_go_by_a_score_computed_after_training(data, tmp_path, capsys):
    pytest.importorskip("optuna")
    out = tmp_path / "s"
    line = words(data, out, "--set=width=4", "--vary=l1=1..100", "--trials=2", steps=2)
    assert answer([*line, "--tune=psnr", "--score=psnr"]) == 0
    made = read_json(out / "sweep.json")
    assert [trial["scores"]["psnr"]["question"] for trial in made["trials"]] == ["fidelity"] * 2
    assert "PSNR" in capsys.readouterr().out


@pytest.mark.slow
def test_a_killed_sweep_ends_with_the_bits_of_an_unbroken_one(data, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    more = ("--set=width=4,6", "--set=save_every=1")
    assert answer(words(data, whole, *more, steps=12)) == 0
    second = broken / "width=6"
    process = subprocess.Popen(
        [*COMMAND, *words(data, broken, *more, steps=12)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ALONE,
    )
    limit = time.monotonic() + 600
    while not (second.exists() and whole_names(second)):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert answer(words(data, broken, *more, steps=12)) == 0
    for name in ("width=4", "width=6"):
        one, other = read_weights(whole / name)[0], read_weights(broken / name)[0]
        assert all(torch.equal(one[key], other[key]) for key in one)
    trials = [read_json(folder / "sweep.json")["trials"] for folder in (whole, broken)]
    assert trials[0] == trials[1]
