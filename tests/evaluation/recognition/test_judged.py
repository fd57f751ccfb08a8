"""The discriminator on test, of an untrained run and of logs written by hand."""

import json
import math

import numpy as np
import pytest
import torch
from untrained import make_run

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import signed
from portrayal.core.runs import read_json, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.recognition.judged import (
    calibration_rows,
    discriminator_section,
    history_section,
    judge_of,
)
from portrayal.inference.load import load


def answers_of(data, fake="source"):
    split = Dataset(data).split("test")

    def pictures(index):
        pair = split.pair(index)
        return {"fake": getattr(pair, fake), "target": pair.target, "source": pair.source}

    rows = list(split.rows())
    return Answers(rows, pictures, rows, lambda index: split.pair(index).target)


def values(section):
    return {row[0]: row[1] for row in section.rows}


def test_a_fake_that_is_the_truth_is_judged_like_it(run, data):
    found = values(discriminator_section(run, answers_of(data, "target"), device="cpu", draws=50))
    assert found["p_real"] == found["p_fake"]
    assert found["acc_real"] == pytest.approx(1 - found["acc_fake"])


def test_the_series_are_those_of_the_logits(run, data):
    given = answers_of(data)
    found = values(discriminator_section(run, given, device="cpu", draws=50))
    recipe = load(run, device="cpu").recipe
    recipe.discriminator.train()
    logits = {"target": [], "fake": []}
    for index in range(len(given)):
        pictures = given.pictures(index)
        for side, kept in logits.items():
            pair = (signed(pictures[name])[None] for name in ("source", side))
            with torch.no_grad():
                kept.append(recipe.judge(*pair).double())
    p = {side: torch.cat(kept).sigmoid() for side, kept in logits.items()}
    assert found["p_real"] == pytest.approx(float(p["target"].mean()))
    assert found["p_fake"] == pytest.approx(float(p["fake"].mean()))
    assert found["loss_D_real"] == pytest.approx(float(-p["target"].log().mean()), rel=1e-5)
    assert found["loss_D_fake"] == pytest.approx(float(-(1 - p["fake"]).log().mean()), rel=1e-5)
    assert found["acc_fake"] == pytest.approx(float((p["fake"] < 0.5).double().mean()), abs=1e-3)


def test_looking_changes_no_statistics_and_gives_the_same_again(run, data):
    recipe = load(run, device="cpu").recipe
    before = {k: v.clone() for k, v in recipe.discriminator.state_dict().items()}
    judge = judge_of(recipe, run)
    pictures = answers_of(data).pictures(0)
    first = judge(pictures["source"], pictures["target"])
    assert torch.equal(judge(pictures["source"], pictures["target"]), first)
    after = recipe.discriminator.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(("game", "has_p"), [("vanilla", True), ("lsgan", True), ("hinge", False)])
def test_other_games_say_what_their_outputs_are(run, data, game, has_p):
    config = read_json(run / "config.json")
    config["config"]["adversarial"] = game
    write_json(run / "config.json", config)
    section = discriminator_section(run, answers_of(data), device="cpu", draws=50)
    assert ("p_real" in values(section)) == has_p
    assert {"vanilla": "ln 2", "lsgan": "LSGAN", "hinge": "no probabilities"}[game] in section.note


@pytest.mark.parametrize(
    ("real", "fake", "off"),
    [(0.8, 0.2, 0.2), (0.2, 0.8, 0.8), (0.6, 0.6, 0.1), (1.0, 0.0, 0.0)],
)
def test_the_calibration_error_is_how_far_its_sureness_is_from_how_often_it_is_right(
    real, fake, off
):
    error, fair = calibration_rows([{"p_real": real, "p_fake": fake}] * 9, seed=0)
    assert error[1] == pytest.approx(off)  # of answers as sure as max(p, 1 - p)
    assert (error[4], fair[4]) == (18, 18)


def test_translations_without_truth_or_input_are_refused(run, data):
    bare = Answers([{"name": "a"}], lambda i: {"fake": None}, [], lambda j: None)
    with pytest.raises(BadData, match="source, target missing"):
        discriminator_section(run, bare, device="cpu")


def test_a_recipe_without_discriminator_is_refused(run):
    recipe = load(run, device="cpu").recipe
    del recipe.discriminator
    with pytest.raises(BadOption, match="no discriminator"):
        judge_of(recipe, run)


def write_log(run, count=80):
    run.mkdir(exist_ok=True)
    rows = [
        {"step": 10 * i + 10, "epoch": (i + 1) / 10, "p_real": i % 2, "acc_real": 0.5}
        for i in range(count)
    ]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_history_is_smoothed_over_an_epoch_and_keeps_what_was_logged(tmp_path):
    write_log(tmp_path / "run")
    found = history_section(tmp_path / "run")
    assert found.head == ["step", "p_real", "p_real (raw)", "acc_real", "acc_real (raw)"]
    assert "moving mean over 10 logged values" in found.note
    assert [row[0] for row in found.rows] == [10.0, 210.0, 410.0, 600.0, 800.0]
    assert found.rows[2][1] == pytest.approx(0.5), "10 values, half of them 1"
    assert found.rows[2][2] in (0.0, 1.0)
    assert not any(math.isnan(v) for row in found.rows for v in row)


def test_a_log_without_these_series_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "epoch": 1, "l1": 0.1}\n')
    with pytest.raises(BadData, match="no series"):
        history_section(tmp_path)


def test_a_run_and_its_copy_are_judged_alike(tmp_path, data):
    given = answers_of(data)
    one, two = (
        discriminator_section(make_run(tmp_path / name, data), given, device="cpu", draws=50)
        for name in "ab"
    )
    assert one == two and np.isfinite([row[1] for row in one.rows]).all()
