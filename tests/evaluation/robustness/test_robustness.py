"""Robustness: which pictures a set holds, what is compared with what, and that it goes on."""

import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from untrained import SIDE, make_dataset, make_run, save_picture, smooth

from portrayal.core.errors import BadData, BadOption, UserError
from portrayal.core.images import read_pixels
from portrayal.core.runs import write_json
from portrayal.core.seeds import mix
from portrayal.data.dataset import Dataset
from portrayal.evaluation.robustness.robustness import Wanted, robustness
from portrayal.evaluation.robustness.scores import slug
from portrayal.evaluation.robustness.trials import (
    HARMS,
    cartoon_names,
    damaged,
    filtered,
    ground_of,
    of_folder,
    of_photos,
    own,
    usual_damages,
)
from portrayal.evaluation.scorer import score_picture
from portrayal.evaluation.sets.networks import Extractor
from portrayal.filters import filters
from portrayal.filters.degrade import DAMAGES
from portrayal.inference.load import load
from portrayal.metrics import metrics

QUICK = {"metrics": ["l1", "ssim"], "draws": 200}
NOTHING = {**QUICK, "filters": [], "damages": []}


@pytest.fixture
def data(tmp_path):
    folder = make_dataset(tmp_path / "data", {"train": 2, "test": 5})
    options = {"filter": ["cartoon"], "work_size": 128, "geometry": "crop", "pictures": "x"}
    write_json(folder / "manifest.json", {"format": 1, "sha256": "d" * 64, "options": options})
    return folder


@pytest.fixture
def run(tmp_path, data):
    return make_run(tmp_path / "run", data)


@pytest.fixture
def ground(data):
    return ground_of(Dataset(data), "test", None)


def folder_of(place, names, seed=0, size=(SIDE, SIDE)):
    for index, name in enumerate(names):
        save_picture(place / f"{name}.png", smooth(seed + index, *size))
    return place


def by_name(found):
    return {each.name: each for each in found.sets}


def test_own_holds_the_pairs_of_the_split(ground, data):
    trial = own(ground)
    assert [row["name"] for row in trial.rows] == [f"p{i:02d}" for i in range(5)]
    for side in ("source", "target"):
        expected = read_pixels(data / "test" / side / "p03.png")
        assert np.array_equal(trial.pictures(3)[side], expected)


@pytest.mark.parametrize("damage", [damage.__name__ for damage in DAMAGES])
def test_damage_changes_the_input_and_moves_the_truth_only_if_it_moves(ground, damage):
    plain, harmed = own(ground).pictures(1), damaged(ground, damage, 1.0).pictures(1)
    assert not np.array_equal(plain["source"], harmed["source"])
    moved = damage in ("shift", "rotation")
    assert np.array_equal(plain["target"], harmed["target"]) is not moved
    assert ("moved" in damaged(ground, damage, 1.0).note) is moved
    if moved:  # by the same way: of a picture that is its own truth, both stay equal
        both = np.abs(harmed["source"].astype(int) - harmed["target"]).mean()
        assert both < 1.5 * np.abs(plain["source"].astype(int) - plain["target"]).mean() + 1


def test_damage_of_strength_zero_is_the_own_set(ground):
    for damage in DAMAGES:
        for side, pixels in damaged(ground, damage.__name__, 0.0).pictures(2).items():
            assert np.array_equal(pixels, own(ground).pictures(2)[side])


@pytest.fixture
def twins(ground, data):
    """The same picture under five names, dark strokes on white, as sources and as targets."""
    page = np.full((SIDE, SIDE, 3), 255, np.uint8)
    cv2.circle(page, (SIDE // 2, SIDE // 2), SIDE // 3, (0, 0, 0), 3)
    cv2.rectangle(page, (6, 6), (50, 20), (0, 0, 0), 2)
    for row in ground.rows:
        for side in ("source", "target"):
            save_picture(data / "test" / side / f"{row['name']}.png", page)
    return ground


DRAWN = [name for name, damage in HARMS.items() if "seed" in (damage.__kwdefaults__ or {})]


@pytest.mark.parametrize("damage", DRAWN)
def test_damage_is_drawn_per_name(twins, damage):
    trial = damaged(twins, damage, 0.7)
    harmed = [trial.pictures(index)["source"] for index in range(5)]
    assert len({picture.tobytes() for picture in harmed}) > 1


def test_damage_of_a_name_is_fixed_and_another_for_every_damage(twins):
    """Published figures hang on these draws."""
    plain = own(twins).pictures(1)["source"]
    for damage in DRAWN:
        seed = mix("damage", damage, "p01") % 2**31
        wanted = HARMS[damage](plain, strength=0.7, seed=seed)
        assert np.array_equal(damaged(twins, damage, 0.7).pictures(1)["source"], wanted)


def test_filtered_inputs_are_made_from_the_truths_at_the_working_size(ground):
    found = filtered(ground, "cartoon_poster:colours=3").pictures(0)
    target = own(ground).pictures(0)["target"]
    assert np.array_equal(found["target"], target)
    from portrayal.filters.geometry import squeeze

    large = filters["cartoon_poster"](squeeze(target, 128, 128), colours=3)
    assert np.array_equal(found["source"], squeeze(large, SIDE, SIDE))


def test_a_folder_finds_its_truths_among_the_own_ones(ground, tmp_path):
    place = folder_of(tmp_path / "in", ["p01", "p04", "other"], size=(96, 160))
    trial = of_folder(ground, "in", place, None)
    assert [row["name"] for row in trial.rows] == ["p01", "p04"]
    assert trial.paired and trial.own_truths and "1 inputs have no truth" in trial.note
    found = trial.pictures(1)
    assert np.array_equal(found["target"], own(ground).pictures(4)["target"])
    square = read_pixels(place / "p04.png")[:, 32:128]  # the largest centred square
    expected = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(found["source"].astype(int) - expected).mean() < 3


def test_a_folder_with_truths_of_its_own_is_no_pair_of_the_own_pictures(ground, tmp_path):
    inputs, truths = folder_of(tmp_path / "a", ["p00", "x"]), folder_of(tmp_path / "b", ["p00"], 9)
    trial = of_folder(ground, "a", inputs, truths)
    assert trial.paired and not trial.own_truths and len(trial.rows) == 1
    assert np.array_equal(trial.pictures(0)["target"], smooth(9))


def test_a_folder_without_truths_has_inputs_only(ground, tmp_path):
    trial = of_folder(ground, "a", folder_of(tmp_path / "a", ["x", "y"]), None)
    assert not trial.paired and set(trial.pictures(0)) == {"source"}


def test_photos_become_inputs_as_the_data_was_made(ground, tmp_path):
    place = folder_of(tmp_path / "photos", ["a"], size=(128, 128))
    from portrayal.filters.geometry import squeeze

    photo = read_pixels(place / "a.png")
    found = of_photos(ground, "photos", place).pictures(0)
    assert np.array_equal(found["target"], squeeze(photo, SIDE, SIDE))
    assert np.array_equal(found["source"], squeeze(filters["cartoon"](photo), SIDE, SIDE))


def test_scores_are_those_of_the_scorer_and_the_drop_is_paired(run, tmp_path):
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


def test_without_truths_outputs_are_compared_with_inputs_and_with_the_own_truths(run, tmp_path):
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


def test_a_second_trial_measures_only_what_is_new(run, tmp_path):
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


def test_fewer_pictures_are_spread_over_the_set(run, tmp_path):
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


def test_folders_that_do_not_fit_are_one_line(ground, run, tmp_path):
    one, two = folder_of(tmp_path / "a", ["x"]), folder_of(tmp_path / "b", ["y"])
    with pytest.raises(BadData, match=r"no names in common, e.g. 'x' and 'y'"):
        of_folder(ground, "a", one, two)
    with pytest.raises(BadData, match="holds 1 picture"):
        robustness(run, Wanted(**NOTHING, sets=[("a", one, None)]), device="cpu")


def test_photos_need_data_that_a_filter_made(data, tmp_path):
    (data / "manifest.json").unlink()
    ground = ground_of(Dataset(data), "test", None)
    with pytest.raises(BadOption, match="not made by a filter"):
        of_photos(ground, "a", folder_of(tmp_path / "a", ["x"]))


def test_names_of_files_stay_in_the_folder():
    assert slug("../../etc") == "_.._etc" and slug("..") == "_"


def test_strokes_are_damaged_by_default_only_where_the_inputs_are_drawings(ground):
    drawn = replace(ground, drawn=True)
    assert {"stroke_wobble", "stroke_missing"} <= set(usual_damages(drawn))
    assert not any(name.startswith("stroke") for name in usual_damages(ground))
    assert damaged(ground, "stroke_extra", 1.0).pictures(0)["source"].shape == (SIDE, SIDE, 3)
    assert not {"stroke_wobble", "clean_drawing"} & set(cartoon_names(ground))
