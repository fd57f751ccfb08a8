"""Which pictures a test set of a trial holds, and which truths."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from untrained import SIDE, save_picture, smooth

from portrayal.core.errors import BadOption
from portrayal.core.images import read_pixels
from portrayal.core.seeds import mix
from portrayal.data.dataset import Dataset
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
from portrayal.filters import filters
from portrayal.filters.degrade import DAMAGES


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


def test_a_folder_finds_its_truths_among_the_own_ones(ground, tmp_path, folder_of):
    place = folder_of(tmp_path / "in", ["p01", "p04", "other"], size=(96, 160))
    trial = of_folder(ground, "in", place, None)
    assert [row["name"] for row in trial.rows] == ["p01", "p04"]
    assert trial.paired and trial.own_truths and "1 inputs have no truth" in trial.note
    found = trial.pictures(1)
    assert np.array_equal(found["target"], own(ground).pictures(4)["target"])
    square = read_pixels(place / "p04.png")[:, 32:128]  # the largest centred square
    expected = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(found["source"].astype(int) - expected).mean() < 3


def test_a_folder_with_truths_of_its_own_is_no_pair_of_the_own_pictures(
    ground, tmp_path, folder_of
):
    inputs, truths = folder_of(tmp_path / "a", ["p00", "x"]), folder_of(tmp_path / "b", ["p00"], 9)
    trial = of_folder(ground, "a", inputs, truths)
    assert trial.paired and not trial.own_truths and len(trial.rows) == 1
    assert np.array_equal(trial.pictures(0)["target"], smooth(9))


def test_a_folder_without_truths_has_inputs_only(ground, tmp_path, folder_of):
    trial = of_folder(ground, "a", folder_of(tmp_path / "a", ["x", "y"]), None)
    assert not trial.paired and set(trial.pictures(0)) == {"source"}


def test_photos_become_inputs_as_the_data_was_made(ground, tmp_path, folder_of):
    place = folder_of(tmp_path / "photos", ["a"], size=(128, 128))
    from portrayal.filters.geometry import squeeze

    photo = read_pixels(place / "a.png")
    found = of_photos(ground, "photos", place).pictures(0)
    assert np.array_equal(found["target"], squeeze(photo, SIDE, SIDE))
    assert np.array_equal(found["source"], squeeze(filters["cartoon"](photo), SIDE, SIDE))


def test_photos_need_data_that_a_filter_made(data, tmp_path, folder_of):
    (data / "manifest.json").unlink()
    ground = ground_of(Dataset(data), "test", None)
    with pytest.raises(BadOption, match="not made by a filter"):
        of_photos(ground, "a", folder_of(tmp_path / "a", ["x"]))


def test_strokes_are_damaged_by_default_only_where_the_inputs_are_drawings(ground):
    drawn = replace(ground, drawn=True)
    assert {"stroke_wobble", "stroke_missing"} <= set(usual_damages(drawn))
    assert not any(name.startswith("stroke") for name in usual_damages(ground))
    assert damaged(ground, "stroke_extra", 1.0).pictures(0)["source"].shape == (SIDE, SIDE, 3)
    assert not {"stroke_wobble", "clean_drawing"} & set(cartoon_names(ground))
