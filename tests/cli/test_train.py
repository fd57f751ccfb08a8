"""`portrayal train` as a person starts, stops, kills and resumes it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from portrayal.cli import answer
from portrayal.core.runs import dataset_places
from portrayal.training.reading import read_weights, whole_names

TINY = ["generator=unet_64", "discriminator=patch_16", "width=4", "discriminator_width=4"]
COMMAND = [sys.executable, "-m", "portrayal"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}
SOON = 600  # seconds, after which something hangs; a busy machine is slow and not wrong


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data set made by hand: 8 training pairs, 2 for validation, 2 for the test."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 2), ("test", 2)):
        for index in range(count):
            picture = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (64, 64))
            for side, pixels in (("source", 255 - picture), ("target", picture)):
                path = folder / split / side / f"{split}_{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), pixels)
    return folder


def arguments(data: Path, out: Path, *settings: str) -> list[str]:
    pairs = [f"--set={setting}" for setting in (*TINY, "batch=2", *settings)]
    return ["train", "pix2pix", str(data), "--out", str(out), *pairs]


def run(*line: str, timeout: float = SOON) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *line], capture_output=True, text=True, timeout=timeout, env=ALONE
    )


def equal(one: Path, other: Path) -> bool:
    a, b = read_weights(one)[0], read_weights(other)[0]
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_run_leaves_everything_its_report_needs(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert answer(arguments(data, out, "steps=3", "log_every=1", "precision=float32")) == 0
    printed = capsys.readouterr().out
    assert "8 pairs of 64 x 64 pixels" in printed
    assert f"portrayal evaluate {out}" in printed
    config = json.loads((out / "config.json").read_text())
    assert config["recipe"] == "pix2pix"
    assert config["config"]["width"] == 4
    assert config["data"]["counts"] == {"train": 8, "val": 2, "test": 2}
    assert dataset_places(out, config["data"])[1].resolve() == data.resolve()
    environment = json.loads((out / "environment.json").read_text())
    assert "float32" in environment["place"]
    assert {p.name for p in (out / "samples").iterdir()} >= {"step_00000001.png"}
    row = json.loads((out / "scores.jsonl").read_text().splitlines()[-1])
    assert {"l1", "psnr", "ssim"} <= row["scores"].keys()
    assert answer(arguments(data, out, "steps=3", "log_every=1", "precision=float32")) == 0
    assert "nothing is left to do" in capsys.readouterr().out


def refused(capsys, *line: str) -> str:
    assert answer(list(line)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert error.startswith("Error: ")
    return error


def test_bad_input_is_one_line(data, tmp_path, capsys):
    out = str(tmp_path / "run")
    cases = {
        ("train", "pix2pixx", str(data), "--out", out): "Did you mean 'pix2pix'",
        ("train", "pix2pix", "/nowhere", "--out", out): "No such folder: /nowhere",
        ("train", "pix2pix", str(data), "--out", out, "--preset", "papr"): "'paper'",
        ("train", "pix2pix", str(data), "--out", out, "--set", "widht=3"): "Did you mean 'width'",
        ("train", "pix2pix", str(data), "--out", out, "--set", "batch=x"): "batch",
        ("train", "pix2pix", str(data), "--out", out, "--set", "batch=0"): "whole number above 0",
        ("train", "pix2pix", str(data), "--out", out): "--set generator=unet_64",
        ("train", "pix2pix", str(tmp_path), "--out", out): "is not a dataset",
    }
    for line, words in cases.items():
        assert words in refused(capsys, *line), line
    assert not Path(out).exists(), "nothing is left behind"


@pytest.mark.parametrize("targets", [0, 3])
def test_a_recipe_for_pairs_says_what_unpaired_data_hold(data, tmp_path, capsys, targets):
    unpaired = tmp_path / "unpaired"
    for side, count in (("source", 5), ("target", targets)):
        (unpaired / "train" / side).mkdir(parents=True)
        for index in range(count):
            place = unpaired / "train" / side / f"{side}_{index}.png"
            place.write_bytes((data / f"train/source/train_{index}.png").read_bytes())
    out = tmp_path / "run"
    said = refused(capsys, *arguments(unpaired, out))
    words = f"Recipe pix2pix (paper) needs pairs, but {unpaired}/train is unpaired: 5 sources, "
    assert f"{words}{targets} targets" in said
    assert not out.exists()


def test_another_command_on_a_run_is_refused(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert answer(arguments(data, out, "steps=2")) == 0
    capsys.readouterr()
    longer = refused(capsys, *arguments(data, out, "steps=4"))
    assert "steps 2, now 4" in longer
    assert "prolonged" in longer
    assert "learning_rate 0.0002, now 0.1" in refused(
        capsys, *arguments(data, out, "steps=2", "learning_rate=0.1")
    )
    assert answer(arguments(data, out, "steps=2", "workers=1", "keep=3")) == 0


def test_a_dry_run_writes_nothing_and_shows_every_setting(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert answer([*arguments(data, out), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "learning_rate" in printed
    assert "unet_64" in printed
    assert not out.exists()


def start(line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ALONE
    )


def wait_for_steps(out: Path, steps: int, process: subprocess.Popen[str]) -> None:
    """Until log.jsonl shows that many lines."""
    log, limit = out / "log.jsonl", time.monotonic() + SOON
    while not log.exists() or log.read_text().count("\n") < steps:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_within_a_step_and_the_same_command_goes_on(data, tmp_path, number, code):
    out = tmp_path / "run"
    line = arguments(data, out, "steps=100000", "log_every=1")
    process = start(line)
    wait_for_steps(out, 3, process)
    process.send_signal(number)
    _, error = process.communicate(timeout=SOON)
    assert process.returncode == code
    assert "The same command goes on from there" in error
    done = int(whole_names(out)[-1])
    assert len((out / "log.jsonl").read_text().splitlines()) == done, "not one step is lost"


@pytest.mark.slow
def test_a_second_signal_leaves_at_once_and_nothing_saved_is_lost(data, tmp_path):
    out = tmp_path / "run"
    process = start(arguments(data, out, "steps=100000", "log_every=1", "save_every=2"))
    wait_for_steps(out, 3, process)
    while process.poll() is None:  # the first may have been answered before the second comes
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, error = process.communicate(timeout=SOON)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert read_weights(out)[1]["step"] >= 2, "a checkpoint is whole or absent"


@pytest.mark.slow
def test_killed_runs_end_with_the_bits_of_an_unbroken_run(data, tmp_path):
    """Random SIGKILLs, most of them inside the window in which a checkpoint is written."""
    settings = ("steps=60", "save_every=1", "log_every=1", "average=0.9")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finished = run(*arguments(data, whole, *settings))
    assert finished.returncode == 0, finished.stderr
    rng, kills = random.Random(0), 0
    while kills < 4:
        process = start(arguments(data, broken, *settings))
        already = len(whole_names(broken)) and int(whole_names(broken)[-1])
        goal = min(already + rng.randint(3, 12), 58)
        while process.poll() is None:
            names = whole_names(broken)
            if names and int(names[-1]) >= goal:
                break
            time.sleep(0.005)
        time.sleep(rng.random() * 0.05)
        process.kill()
        process.communicate()
        kills += 1
    last = run(*arguments(data, broken, *settings))
    assert last.returncode == 0, last.stderr
    assert equal(whole, broken)
    rows = [json.loads(row) for row in (broken / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 61))


@pytest.mark.slow
def test_torchrun_starts_it_and_a_batch_that_cannot_be_shared_is_one_line(data, tmp_path):
    out = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    torchrun += ["--standalone", "-m", "portrayal"]  # on a free port
    lines = {
        name: [*torchrun, *arguments(data, out, *more)]
        for name, more in (
            ("good", ["steps=3", "log_every=1"]),
            ("odd", ["steps=3", "batch=3"]),
        )
    }
    good = subprocess.run(lines["good"], capture_output=True, text=True, timeout=SOON, env=ALONE)
    assert good.returncode == 0, good.stderr
    assert good.stdout.count("pairs of 64 x 64") == 1, "only the first process prints"
    assert len((out / "log.jsonl").read_text().splitlines()) == 3
    assert whole_names(out) == ["00000003"]
    odd = subprocess.run(lines["odd"], capture_output=True, text=True, timeout=SOON, env=ALONE)
    assert odd.returncode != 0
    assert "A batch of 3 cannot be shared equally by 2 processes: --set batch=4" in odd.stderr
