"""Recognisers: what they learn, their file, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from portrayal.core.errors import BadCheckpoint, BadData, BadOption, BadPicture, UnknownName
from portrayal.core.images import encode_png
from portrayal.evaluation.recognition.labels import (
    VOID,
    class_number,
    column_classes,
    label_map,
    word,
)
from portrayal.evaluation.recognition.lessons import Lesson, Plan
from portrayal.evaluation.recognition.recogniser import KEY, About, load_recogniser, save_recogniser
from portrayal.evaluation.recognition.training import fit, mean_loss, train_recogniser

SIDE = 16
COLOURS = [(220, 30, 40), (40, 150, 50), (35, 85, 205)]
QUICK = Plan(steps=40, batch=8, width=4, device="cpu")


def picture(index, kind):
    """Noise with a square of the colour of its class somewhere; and the class of each pixel."""
    rng = np.random.default_rng(index)
    pixels = rng.integers(150, 256, (SIDE, SIDE, 3), np.uint8)
    y, x = rng.integers(0, SIDE // 2, 2)
    where = np.zeros((SIDE, SIDE), np.uint8)
    where[y : y + 8, x : x + 8] = 1 + kind
    pixels[where > 0] = COLOURS[kind]
    return pixels, where


def attribute_lesson(count, kinds, first=0):
    about = About(
        kind="attribute", network="classifier", width=4, classes=[*"rgb"], size=(SIDE, SIDE)
    )
    rows = [{"name": str(index)} for index in range(count)]
    return Lesson(
        about,
        rows,
        lambda i: (picture(first + i, i % 3)[0], int(kinds[i])),
        [int(kind) for kind in kinds],
    )


def right(recogniser, count=30, first=10_000):
    seen = [recogniser.probabilities(picture(first + i, i % 3)[0]).argmax() for i in range(count)]
    return float(np.mean([int(one) == i % 3 for i, one in enumerate(seen)]))


def test_a_class_is_learned_and_shuffled_classes_give_chance():
    kinds = np.arange(60) % 3
    assert right(fit(attribute_lesson(60, kinds), QUICK)) > 0.95
    shuffled = np.random.default_rng(0).permutation(kinds)
    assert right(fit(attribute_lesson(60, shuffled), QUICK)) < 0.65


def test_class_maps_are_learned_and_void_pixels_are_not():
    about = About(kind="maps", network="segmenter", width=4, classes=[*"0rgb"], size=(SIDE, SIDE))

    def example(index):
        pixels, where = picture(index, index % 3)
        where[:2] = VOID
        return pixels, where

    lesson = Lesson(about, [{"name": str(i)} for i in range(40)], example)
    recogniser = fit(lesson, replace(QUICK, steps=80))
    hits = []
    for index in range(10_000, 10_020):
        pixels, where = picture(index, index % 3)
        seen = recogniser.map(pixels)
        assert seen.shape == where.shape and int(seen.max()) < 4
        hits.append(float((seen.numpy() == where).mean()))
    assert np.mean(hits) > 0.9, "the background alone is 0.75"
    large = recogniser.map(np.repeat(np.repeat(picture(1, 1)[0], 3, 0), 2, 1))
    assert large.shape == (3 * SIDE, 2 * SIDE), "a map has the size of its picture"


def test_training_is_a_function_of_the_seed():
    lesson = attribute_lesson(12, np.arange(12) % 3)
    plan = replace(QUICK, steps=3)
    one, same, other = (fit(lesson, p) for p in (plan, plan, replace(plan, seed=1)))
    pixels = picture(0, 0)[0]
    assert torch.equal(one.logits(pixels), same.logits(pixels))
    assert not torch.equal(one.logits(pixels), other.logits(pixels))


def test_void_does_not_count():
    logits, wanted = torch.randn(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)
    wanted[0, 0, 0], wanted[1] = 1, VOID
    seen = mean_loss(logits, wanted)
    each = -logits[0].log_softmax(0)
    torch.testing.assert_close(seen, (each[1, 0, 0] + each[0].flatten()[1:].sum()) / 16)
    logits[1] = 7.0
    assert torch.equal(mean_loss(logits, wanted), seen)
    assert mean_loss(logits, torch.full_like(wanted, VOID)) == 0


# the file ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recogniser():
    return fit(attribute_lesson(12, np.arange(12) % 3), replace(QUICK, steps=3))


def test_a_saved_recogniser_is_the_same_and_its_file_too(recogniser, tmp_path):
    digest = save_recogniser(tmp_path / "a.safetensors", recogniser)
    again = load_recogniser(tmp_path / "a.safetensors")
    pixels = picture(3, 0)[0]
    assert torch.equal(again.logits(pixels), recogniser.logits(pixels))
    assert again.about == recogniser.about and again.sha256 == digest
    assert save_recogniser(tmp_path / "b.safetensors", again) == digest


def broken(recogniser, tmp_path, **changes):
    path = tmp_path / "broken.safetensors"
    about = recogniser.about.model_dump() | changes
    save_file(recogniser.network.state_dict(), path, {KEY: json.dumps(about)})
    return path


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"format": 2}, BadCheckpoint, "format"),
        ({"width": 10**9}, BadCheckpoint, "width"),
        ({"classes": ["one"]}, BadCheckpoint, "classes"),
        ({"classes": [*"rgbx"]}, BadCheckpoint, "does not fit this network"),
        ({"more": 1}, BadCheckpoint, "more"),
        ({"network": "unet_64"}, UnknownName, "No recogniser named 'unet_64'"),
    ],
)
def test_a_file_that_says_something_else_is_refused(recogniser, tmp_path, changes, error, says):
    with pytest.raises(error, match=says) as caught:
        load_recogniser(broken(recogniser, tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(BadData, match="does not exist"):
        load_recogniser(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not a recogniser")
    with pytest.raises(BadCheckpoint, match="no safetensors file"):
        load_recogniser(tmp_path / "text.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BadCheckpoint, match="not of a recogniser"):
        load_recogniser(tmp_path / "other.safetensors")


def test_weights_that_are_not_finite_give_one_line_instead_of_a_class(recogniser, tmp_path):
    path = tmp_path / "nan.safetensors"
    state = {
        k: v * np.nan if v.is_floating_point() else v
        for k, v in recogniser.network.state_dict().items()
    }
    save_file(state, path, {KEY: recogniser.about.model_dump_json()})
    with pytest.raises(BadData, match="no finite answer"):
        load_recogniser(path).probabilities(picture(0, 0)[0])


# labels -----------------------------------------------------------------------------------------


def test_values_of_a_column_become_classes():
    rows = [{"a": value} for value in (True, False, None, True)]
    assert column_classes("a", rows, None) == (["no", "yes"], [])
    assert [word(value) for value in (True, 3, "x", 0.5)] == ["yes", "3", "x", "0.5"]
    assert class_number(False, ["no", "yes"], []) == 0
    assert class_number("other", ["no", "yes"], []) is None
    assert class_number(None, ["no", "yes"], []) is None


def test_terciles_hold_a_third_each_and_an_edge_belongs_below():
    rows = [{"share": index / 10} for index in range(30)]
    classes, edges = column_classes("share", rows, 3)
    numbers = [class_number(row["share"], classes, edges) for row in rows]
    assert np.bincount(numbers).tolist() == [10, 10, 10]
    assert class_number(edges[0], classes, edges) == 0
    assert class_number(True, classes, edges) is None
    assert classes[0].startswith("up to") and classes[2].startswith("above")


@pytest.mark.parametrize(
    ("values", "bins", "error", "says"),
    [
        (["x"] * 5, None, BadOption, "has 1 value in 5 pictures"),
        (list(range(51)), None, BadOption, "51 values .* --bins 3"),
        ([None] * 3, None, BadData, "No picture has a value in column 'c'"),
        (["x", 1.0], 3, BadOption, "no numbers, first 'x'"),
        ([1.0, 2.0], 1, BadOption, "--bins is 1"),
        ([0.0] * 9 + [1.0], 3, BadOption, "9 of 10 values are 0"),
    ],
)
def test_a_column_that_cannot_be_learned_is_refused(values, bins, error, says):
    with pytest.raises(error, match=says):
        column_classes("c", [{"c": value} for value in values], bins)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_class_map_keeps_its_numbers_whatever_its_palette(tmp_path, mode):
    numbers = np.array([[0, 1], [2, 255]], np.uint8)
    image = Image.fromarray(numbers)
    if mode == "P":
        image = image.copy()
        image.putpalette(list(range(255, -1, -1)) * 3)
        assert image.mode == "P"
    (tmp_path / "labels").mkdir()
    image.save(tmp_path / "labels" / "a.png")
    assert label_map(tmp_path, "a").tolist() == numbers.tolist()
    assert label_map(tmp_path, "b") is None


def test_a_colour_picture_is_no_class_map(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.png").write_bytes(encode_png(picture(0, 0)[0]))
    with pytest.raises(BadPicture, match="mode RGB"):
        label_map(tmp_path, "a")


# a dataset --------------------------------------------------------------------------------------


def write_dataset(folder, *, labels=True, size=SIDE):
    for split, count in (("train", 24), ("val", 9)):
        for side in ("source", "target", "labels"):
            (folder / split / side).mkdir(parents=True)
        lines = []
        for index in range(count):
            pixels, where = picture(index + 100 * len(split), index % 3)
            for side in ("source", "target"):
                (folder / split / side / f"{index}.png").write_bytes(encode_png(pixels))
            if labels:
                Image.fromarray(where[:size]).save(folder / split / "labels" / f"{index}.png")
            kind = ["red", "green", "blue"][index % 3] if index else None
            files = {f"{side}_file_name": f"{side}/{index}.png" for side in ("source", "target")}
            lines.append(json.dumps({"name": str(index), "kind": kind, **files}) + "\n")
        if not labels:
            (folder / split / "labels").rmdir()
        (folder / split / "metadata.jsonl").write_text("".join(lines))
    return folder


def test_a_column_is_learned_from_train_and_scored_on_val(tmp_path):
    found = train_recogniser(write_dataset(tmp_path / "data"), "kind", QUICK)
    about = found.about
    assert about.classes == ["blue", "green", "red"]
    assert about.pictures == 23, "one has no value"
    assert about.held_out.n == 8 and about.held_out.value > 0.8
    assert about.held_out.chance == pytest.approx(3 / 8)
    assert about.data and about.column == "kind"


def test_class_maps_are_learned_from_files_with_the_names_of_their_classes(tmp_path):
    data = write_dataset(tmp_path / "data")
    names = {"classes": ["wall", *"rgb"]}
    (data / "labels.json").write_text(json.dumps(names))
    about = train_recogniser(data, None, replace(QUICK, steps=20)).about
    assert about.classes == names["classes"] and about.maps == "labels"
    assert about.held_out.score == "pixel accuracy" and about.held_out.class_iou is not None
    assert about.held_out.chance == pytest.approx(0.75)
    (data / "labels.json").write_text('{"classes": ["wall", "r"]}')
    with pytest.raises(BadData, match="names 2 classes, but the maps hold numbers up to 3"):
        train_recogniser(data, None, QUICK)


def test_data_without_class_maps_or_with_maps_of_another_size_are_refused(tmp_path):
    with pytest.raises(BadData, match="no labels folder"):
        train_recogniser(write_dataset(tmp_path / "none", labels=False), None, QUICK)
    with pytest.raises(BadData, match="is 16 x 8 pixels, its picture 16 x 16"):
        train_recogniser(write_dataset(tmp_path / "small", size=8), None, QUICK)


def test_plans_that_cannot_be_are_refused():
    for wrong in ({"steps": 0}, {"batch": 1}, {"size": 3}):
        with pytest.raises(BadOption, match=f"--{next(iter(wrong))} is"):
            Plan(**wrong)
