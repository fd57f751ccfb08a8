"""Scores of a recogniser that is known by construction: it reads the brightness of a pixel."""

import numpy as np
import pytest
import torch
from torch import nn

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadData, BadOption
from portrayal.core.palette import CLASS_COLOURS
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.groups.flips import flips_section
from portrayal.evaluation.recognition.recognised import recogniser_section
from portrayal.evaluation.recognition.recogniser import About, Recogniser

SIDE = 4
CPU = choose_place("cpu", "float32")


class Dark(nn.Module):
    """Class 1 where it is light, class 0 where it is dark; sure of it by `logit`."""

    def __init__(self, *, maps, logit=4.0):
        super().__init__()
        self.maps, self.logit = maps, logit

    def forward(self, picture):
        light = picture.mean(1, keepdim=True)
        light = light if self.maps else light.mean((2, 3))
        return torch.cat([-light.sign(), light.sign()], 1) * self.logit / 2


def recogniser(kind, **more):
    facts = {"network": "none", "width": 1, "classes": ["no", "yes"], "size": (SIDE, SIDE)}
    about = About(kind=kind, column="light" if kind == "attribute" else "", **facts, **more)
    return Recogniser(about, Dark(maps=kind == "maps"), CPU, "0" * 64)


def flat(light):
    return np.full((SIDE, SIDE, 3), 255 if light else 0, np.uint8)


def half(rows):
    """Light in so many rows from the top."""
    pixels = flat(False)
    pixels[:rows] = 255
    return pixels


def answers(triples, rows=None, paired=True, reals=()):
    """(fake, target, source) of each picture."""
    rows = rows or [{"name": str(index)} for index in range(len(triples))]

    def pictures(index):
        found = dict(zip(("fake", "target", "source"), triples[index], strict=True))
        return {side: found[side] for side in found if paired or side != "target"}

    facts = [{"name": str(i), "light": light} for i, light in enumerate(reals)]
    if paired:
        return Answers(rows, pictures, rows, lambda index: triples[index][1])
    return Answers(rows, pictures, facts, lambda index: flat(reals[index]), paired=False)


def row(section, score, pictures):
    found = [r for r in section.rows if r[:2] == [score, pictures]]
    assert len(found) == 1, (score, pictures, section.rows)
    return found[0][2:]


MAPS = {"0": (half(2)[:, :, 0] > 0).astype(np.uint8), "1": np.full((SIDE, SIDE), 1, np.uint8)}


def test_maps_by_hand():
    given = answers([(half(3), half(2), half(4)), (half(4), half(3), half(0))])
    found = recogniser_section(given, recogniser("maps"), maps=MAPS.get, draws=50)
    # truths: 8 dark and 8 + 16 light pixels; fakes: 4 wrong; inputs: 8 + 16 wrong; reals: 4 wrong
    assert row(found, "pixel accuracy", "translation")[0] == pytest.approx(28 / 32)
    assert row(found, "pixel accuracy", "input")[0] == pytest.approx(8 / 32)
    assert row(found, "pixel accuracy", "difference")[0] == pytest.approx(20 / 32)
    assert row(found, "pixel accuracy", "real")[0] == pytest.approx(28 / 32)
    assert row(found, "class accuracy", "translation")[0] == pytest.approx((4 / 8 + 1) / 2)
    assert row(found, "class IoU", "translation")[0] == pytest.approx((4 / 8 + 24 / 28) / 2)
    assert row(found, "IoU of no", "translation")[0] == pytest.approx(4 / 8)
    assert row(found, "IoU of no", "translation")[3] == 1, "one truth holds it"
    assert "label maps of the dataset" in found.note


def test_a_class_that_the_truth_lacks_is_skipped_or_counts_as_0():
    given = answers([(half(4), half(4), half(4))] * 2)
    for absent, wanted in (("skip", 1.0), ("zero", 0.5)):
        ones = {"0": MAPS["1"], "1": MAPS["1"]}
        found = recogniser_section(
            given, recogniser("maps"), maps=ones.get, absent=absent, draws=20
        )
        assert row(found, "class IoU", "translation")[0] == wanted


def test_without_maps_it_is_compared_with_what_it_sees_in_the_real_picture_and_says_so():
    given = answers([(half(3), half(2), half(4)), (half(4), half(4), half(4))])
    found = recogniser_section(given, recogniser("maps"), draws=20)
    assert row(found, "pixel accuracy", "translation")[0] == pytest.approx(28 / 32)
    assert "self-consistency" in found.note
    assert not [r for r in found.rows if r[1] == "real"], "1 by definition is no ceiling"


def test_pictures_without_a_map_are_not_counted():
    given = answers([(half(2), half(2), half(2)), (half(0), half(2), half(2))])
    found = recogniser_section(given, recogniser("maps"), maps={"0": MAPS["0"]}.get, draws=20)
    value, _, _, n = row(found, "pixel accuracy", "translation")
    assert (value, n) == (1.0, 1.0)


def test_painted_shapes_need_no_files():
    ship = np.full((SIDE, SIDE, 3), 255, np.uint8)
    ship[:2] = CLASS_COLOURS["ship"]
    rows = [{"name": str(i), "class": "ship"} for i in range(2)]
    names = ["background", *CLASS_COLOURS]

    class Blue(nn.Module):
        def forward(self, picture):
            blue = (picture[:, :1] < 0).float()
            other = [torch.full_like(blue, -9.0)] * 4
            return torch.cat([1 - blue, *other, blue], 1)

    about = About(
        kind="maps", maps="painted", network="n", width=1, classes=names, size=(SIDE, SIDE)
    )
    given = answers([(ship, ship, flat(True)), (flat(True), ship, flat(True))], rows)
    found = recogniser_section(given, Recogniser(about, Blue(), CPU, ""), draws=20)
    assert row(found, "pixel accuracy", "translation")[0] == pytest.approx(0.75)
    assert row(found, "pixel accuracy", "real")[0] == 1.0
    assert row(found, "IoU of ship", "translation")[0] == pytest.approx(0.5)


def test_without_any_reference_maps_are_refused():
    given = answers([(half(1), half(1), half(1))] * 2, paired=False, reals=[True])
    with pytest.raises(BadData, match="no reference"):
        recogniser_section(given, recogniser("maps"))
    with pytest.raises(BadData, match=r"no reference \(labels\)"):
        paired = answers([(half(1), half(1), half(1))] * 2)
        recogniser_section(paired, recogniser("maps"), reference="labels")


def test_a_map_of_another_size_is_refused():
    given = answers([(half(1), half(1), half(1))] * 2)
    small = {"0": np.zeros((2, 2), np.uint8)}
    with pytest.raises(BadData, match="class map of '0' is 2 x 2 pixels, its picture 4 x 4"):
        recogniser_section(given, recogniser("maps"), maps=small.get)


# attributes -------------------------------------------------------------------------------------

LIGHT, DARK = flat(True), flat(False)
LABELS = [{"name": str(i), "light": light, "age": age} for i, (light, age) in enumerate(
    [(True, "old"), (True, "old"), (False, "young"), (None, "young"), (False, "old")]
)]  # fmt: skip
TRIPLES = [
    (LIGHT, LIGHT, DARK),
    (DARK, LIGHT, DARK),  # flipped, and wrong
    (LIGHT, DARK, DARK),  # flipped, and wrong
    (LIGHT, DARK, DARK),  # flipped; nobody says what is right
    (DARK, DARK, LIGHT),
]


def test_attribute_by_hand():
    found = recogniser_section(answers(TRIPLES, LABELS), recogniser("attribute"), draws=50)
    assert row(found, "accuracy", "translation")[0] == pytest.approx(2 / 4)
    assert row(found, "accuracy", "real")[0] == 1.0
    assert row(found, "accuracy", "input")[0] == pytest.approx(1 / 4)
    assert row(found, "accuracy", "difference")[0] == pytest.approx(1 / 4)
    sure = 1 / (1 + np.exp(-4))
    assert row(found, "confidence", "translation")[0] == pytest.approx(sure)
    assert row(found, "calibration error", "translation")[0] == pytest.approx(sure - 0.5)
    assert row(found, "calibration error", "real")[0] == pytest.approx(1 - sure)
    assert "1 have none and are left out" in found.note


def test_of_unpaired_data_the_ceiling_is_other_real_pictures():
    given = answers(TRIPLES, LABELS, paired=False, reals=[True, False, True])
    found = recogniser_section(given, recogniser("attribute"), draws=50)
    assert row(found, "accuracy", "real")[0] == 1.0 and row(found, "accuracy", "real")[3] == 3


def test_pictures_that_do_not_say_are_refused():
    rows = [{"name": str(i), "light": "maybe"} for i in range(5)]
    with pytest.raises(BadOption, match="0 of 5 pictures have a value in column 'light'"):
        recogniser_section(answers(TRIPLES, rows), recogniser("attribute"))


def test_flips_by_hand():
    found = flips_section(answers(TRIPLES, LABELS), recogniser("attribute"), by=["age"])
    rows = {r[0]: r for r in found.rows}
    everything = rows["all"]
    assert everything[1:3] == [5.0, pytest.approx(3 / 5)]
    assert everything[5] == 4.0, "one has no label"
    assert everything[6:9] == [None] * 3, "and 4 are too few for a share"
    assert rows["age = old"][1] == 3.0 and rows["age = old"][2] is None
    assert {"light = yes", "light = no", "age = young"} <= rows.keys()
    assert "no to yes 2, yes to no 1" in found.note


def test_flips_of_many_have_wilsons_interval_and_the_recognisers_own_error_beside():
    rows = [{"name": str(i), "light": i < 20, "side": "lr"[i % 2]} for i in range(40)]
    # truth is seen wrongly in 4 of 40, the translation flips 10
    truths = [LIGHT if (i < 20) != (i % 10 == 0) else DARK for i in range(40)]
    triples = []
    for i, truth in enumerate(truths):
        flip = i % 4 == 1
        triples.append((255 - truth if flip else truth, truth, truth))
    found = flips_section(answers(triples, rows), recogniser("attribute"), by=["side"])
    table = {r[0]: r for r in found.rows}
    share, low, high = table["all"][2:5]
    assert share == 0.25 and (low, high) == pytest.approx((0.1419, 0.4019), abs=1e-4)
    assert table["all"][9] == pytest.approx(0.1)
    assert table["all"][6] == pytest.approx((10 + 4) / 40)
    assert table["side = l"][2] == 0.0 and table["side = r"][2] == 0.5


def test_pictures_of_one_subject_are_resampled_together():
    rows = [{"name": str(i), "light": True, "subject": str(i // 10)} for i in range(40)]
    triples = [(LIGHT if i < 20 else DARK, LIGHT, LIGHT) for i in range(40)]
    wide = flips_section(answers(triples, rows), recogniser("attribute")).rows[0]
    alone = [{**r, "subject": r["name"]} for r in rows]
    narrow = flips_section(answers(triples, alone), recogniser("attribute")).rows[0]
    assert wide[2] == narrow[2] == 0.5
    assert wide[4] - wide[3] > 2 * (narrow[4] - narrow[3])


def test_unpaired_flips_compare_with_the_input_and_need_it():
    given = answers(TRIPLES, LABELS, paired=False, reals=[True])
    found = flips_section(given, recogniser("attribute"))
    assert found.rows[0][2] == pytest.approx(4 / 5)
    assert found.rows[0][9] is None, "there is no truth to be wrong on"
    bare = Answers(LABELS, lambda i: {"fake": LIGHT}, [], lambda j: LIGHT, paired=False)
    with pytest.raises(BadOption, match="need the inputs"):
        flips_section(bare, recogniser("attribute"))


def test_class_maps_have_no_flips():
    with pytest.raises(BadOption, match="flips need one of a --column"):
        flips_section(answers(TRIPLES, LABELS), recogniser("maps"))


def test_accuracies_of_one_subjects_pictures_are_resampled_together():
    rows = [{"name": str(i), "light": True, "subject": str(i // 10)} for i in range(40)]
    triples = [(LIGHT if i < 20 else DARK, LIGHT, LIGHT) for i in range(40)]
    wide = recogniser_section(answers(triples, rows), recogniser("attribute"), draws=500)
    alone = [{**r, "subject": r["name"]} for r in rows]
    narrow = recogniser_section(answers(triples, alone), recogniser("attribute"), draws=500)
    (_, low, high, _), (_, least, most, _) = (
        row(found, "accuracy", "translation") for found in (wide, narrow)
    )
    assert high - low > 2 * (most - least)
