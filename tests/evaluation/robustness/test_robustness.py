"""Robustness: what is compared with what, and that it goes on."""

import json
import os

import numpy as np
import pytest
from untrained import SIDE, smooth

from portrayal.core.errors import BadData, UserError
from portrayal.core.images import read_pixels
from portrayal.data.dataset import Dataset
from portrayal.evaluation.robustness.robustness import Wanted, robustness
from portrayal.evaluation.robustness.scores import slug
from portrayal.evaluation.robustness.trials import (
    of_folder,
)
from portrayal.evaluation.scorer import score_picture
from portrayal.evaluation.sets.networks import Extractor
from portrayal.inference.load import load
from portrayal.metrics import metrics

QUICK = {"metrics": ["l1", "ssim"], "draws": 200}
NOTHING = {**QUICK, "filters": [], "damages": []}


def by_name(found):
    return {each.name: each for each in found.sets}


def test_scores_are_those_of_the_scorer_and_the_drop_is_paired(run, tmp_path, folder_of):
    place = folder_of(tmp_path / "in", ["p00", "p02", "p03"])
    sets = [("in", place, None)]
    found = by_name(robustness(run, Wanted(**NOTHING, sets=sets), device="cpu"))
    translator, split = load(run, device="cpu"), Dataset(tmp_path / "data").split("test")
    ours, theirs, plain = [], [], []
    for index in (0, 2, 3):
        pair, source = split.pair(index), read_pixels(place / f"p{index:02d}.png")
        fake = translator.translate(source)
        ours.append(score_picture(["l1"], fake, pair.target, {})["l1"])
        theirs.append(score_picture(["l1"], source, pair.target, {})["l1"])
        own_fake = translator.translate(pair.source)
        plain.append(score_picture(["l1"], own_fake, pair.target, {})["l1"])
    there = found["in"]
    assert there.score("l1").value == pytest.approx(np.mean(ours))
    assert there.score("l1", "input").value == pytest.approx(np.mean(theirs))
    assert there.drop("l1").value == pytest.approx(np.mean(np.subtract(ours, plain)))
    assert there.drop("l1").n == there.n == 3 and there.drop("l1").low is not None
    assert found["own"].drops == [] and found["own"].n == 5


def test_without_truths_outputs_are_compared_with_inputs_and_with_the_own_truths(
    run, tmp_path, folder_of
):
    """Features are means of the channels, so that KID can be computed here."""
    seen = []

    def channel_means(pixels):
        seen.append(pixels)
        return (pixels.reshape(-1, 3).mean(0) / 255).astype(np.float32)

    sets = [("sketches", folder_of(tmp_path / "in", [f"x{i}" for i in range(6)]), None)]
    wanted = Wanted(**NOTHING, sets=sets)
    extractor = Extractor("inception", "0" * 64, channel_means)
    trial = robustness(run, wanted, device="cpu", extractor=extractor)
    found = by_name(trial)["sketches"]
    assert {(s.metric, s.answer, s.question) for s in found.scores} == {
        *((name, "translation", "content") for name in ("l1", "ssim")),
        *(("kid", answer, "domain") for answer in ("translation", "input")),
    }
    assert found.drops == [] and [w.cells for w in found.worst] == [2, 2, 2]
    assert trial.metrics == ["l1", "ssim", "kid"] and len(seen) == 6 + 6 + 5
    features = [channel_means(smooth(i)) for i in range(6)]
    truths = [
        channel_means(read_pixels(f)) for f in sorted((tmp_path / "data/test/target").iterdir())
    ]
    kid = metrics["kid"](np.stack(features), np.stack(truths)).unbiased
    assert found.score("kid", "input").value == pytest.approx(kid, rel=1e-4)


def test_all_sets_come_own_first_and_all_damage_strengths(run):
    wanted = Wanted(**QUICK, filters=["pencil"], damages=["blur", "noise"], strengths=[0, 0.5, 1])
    found = robustness(run, wanted, device="cpu")
    assert [each.name for each in found.sets] == [
        *("own", "pencil", "blur 0.5", "blur 1", "noise 0.5", "noise 1")
    ]
    kept = by_name(found)
    assert kept["noise 0.5"].worst == [] and len(kept["noise 1"].worst) == 3
    assert (run / "robustness.html").exists()
    assert json.loads((run / "robustness.json").read_text())["sets"][0]["name"] == "own"


def test_worst_pictures_are_the_worst_and_their_strips_are_files(run):
    found = robustness(run, Wanted(**NOTHING), device="cpu")
    rows = json.loads((run / "robustness" / "own.json").read_text())["pictures"]
    values = sorted((row["scores"]["l1"] for row in rows), reverse=True)
    assert [worst.value for worst in found.sets[0].worst] == values[:3]
    strip = read_pixels(run / found.sets[0].worst[0].file)
    assert strip.shape == (SIDE, 3 * SIDE + 2 * 4, 3)
    pair = Dataset(run.parent / "data").split("test").pair(int(found.sets[0].worst[0].name[1:]))
    assert np.array_equal(strip[:, :SIDE], pair.source)
    assert np.array_equal(strip[:, -SIDE:], pair.target)
    assert (strip[:, SIDE : SIDE + 4] == 255).all()


def test_a_second_trial_measures_only_what_is_new(run, tmp_path, folder_of):
    place = folder_of(tmp_path / "in", ["p00", "p01"])
    wanted = Wanted(**NOTHING, sets=[("in", place, None)])
    opened = []

    def bar(title, total, unit):
        from contextlib import nullcontext

        opened.append(title)
        return nullcontext(lambda amount=1: None)

    first = robustness(run, wanted, device="cpu", bar=bar)
    again = robustness(run, wanted, device="cpu", bar=bar)
    assert opened == ["own", "in"] and again.sets == first.sets
    os.utime(place / "p01.png", (1, 1))
    robustness(run, wanted, device="cpu", bar=bar)
    assert opened == ["own", "in", "in"]
    robustness(run, Wanted(**{**NOTHING, "metrics": ["l1"]}), device="cpu", bar=bar)
    assert opened == ["own", "in", "in", "own"]


def test_fewer_pictures_are_spread_over_the_set(run, tmp_path, folder_of):
    place = folder_of(tmp_path / "in", [f"x{i}" for i in range(9)])
    wanted = Wanted(**NOTHING, sets=[("in", place, None)], pictures=3)
    found = robustness(run, wanted, device="cpu")
    assert [each.n for each in found.sets] == [3, 3]
    names = [
        row["name"] for row in json.loads((run / "robustness" / "in.json").read_text())["pictures"]
    ]
    assert names == ["x0", "x4", "x8"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"damages": ["nois"]}, "No damage named 'nois'"),
        ({"filters": ["nothing"]}, "nothing"),
        ({"filters": ["pencil", "pencil"]}, "Two sets are named"),
        ({"metrics": ["kid"]}, "sets of pictures"),
    ],
)
def test_what_cannot_be_measured_is_one_line(run, wanted, said):
    with pytest.raises(UserError, match=said) as caught:
        robustness(run, Wanted(**{**NOTHING, **wanted}), device="cpu")
    assert "\n" not in str(caught.value)


def test_folders_that_do_not_fit_are_one_line(ground, run, tmp_path, folder_of):
    one, two = folder_of(tmp_path / "a", ["x"]), folder_of(tmp_path / "b", ["y"])
    with pytest.raises(BadData, match=r"no names in common, e.g. 'x' and 'y'"):
        of_folder(ground, "a", one, two)
    with pytest.raises(BadData, match="holds 1 picture"):
        robustness(run, Wanted(**NOTHING, sets=[("a", one, None)]), device="cpu")


def test_names_of_files_stay_in_the_folder():
    assert slug("../../etc") == "_.._etc" and slug("..") == "_"
