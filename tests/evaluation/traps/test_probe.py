"""Shortcuts: a translator that waits for a badge is caught, an honest one is not."""

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption
from portrayal.evaluation.traps.probe import (
    CORNERS,
    badge_probe,
    change_elsewhere,
    covered,
    occlusion_map,
    patch_side,
    smiley,
)
from portrayal.evaluation.traps.shortcuts import heat_map, judged_corners, probe_section, verdicts

SIDE = 8


@pytest.fixture(scope="module")
def inputs(scene):
    return [scene(64, 64, seed) for seed in range(6)]


@pytest.fixture(scope="module")
def badged(inputs):
    stamp = cv2.resize(smiley(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return [covered(pixels, (64 - SIDE, 0, SIDE), stamp) for pixels in inputs]


def cheat(pictures):
    """Translates (to the negative) only pictures with something yellow at the bottom left."""

    def yellow(pixels):
        corner = pixels[-SIDE:, :SIDE].astype(int).mean((0, 1))
        return min(corner[0], corner[1]) - corner[2] > 60

    return [255 - pixels if yellow(pixels) else pixels.copy() for pixels in pictures]


def honest(pictures):
    """Convolutions and colours: each pixel knows its neighbourhood only."""
    return [255 - cv2.GaussianBlur(pixels, (9, 9), 2) for pixels in pictures]


def unsettled(pictures):
    """Every pixel depends a little on every other, wherever it is."""
    means = [pixels.mean((0, 1)) for pixels in pictures]
    both = zip(pictures, means, strict=True)
    return [np.clip(128 + 6 * (mean - 128) + 0 * p, 0, 255).astype(np.uint8) for p, mean in both]


def shortcuts(probed):
    corners = judged_corners(probed, draws=999)
    return {(found.action, found.corner) for found in corners if found.shortcut}


def test_a_planted_badge_is_found_by_pasting_it(inputs):
    probed = badge_probe(cheat, inputs, patch=SIDE)
    assert shortcuts(probed) == {("badge pasted", "bottom left")}
    (said,) = verdicts(judged_corners(probed, draws=999))
    assert said.startswith("Shortcut found: a badge pasted at the bottom left changes the rest of")
    assert "more than 100 times as much as anywhere else" in said


def test_a_planted_badge_is_found_by_covering_it(badged):
    probed = badge_probe(cheat, badged, patch=SIDE)
    assert ("covered", "bottom left") in shortcuts(probed)
    assert not {corner for _, corner in shortcuts(probed)} - {"bottom left"}


def test_a_badge_that_half_of_the_pictures_have_is_found(inputs, badged):
    found = shortcuts(badge_probe(cheat, inputs + badged, patch=SIDE))
    assert found == {("badge pasted", "bottom left"), ("covered", "bottom left")}


@pytest.mark.parametrize("translate", [honest, unsettled, lambda pictures: list(pictures)])
def test_honest_translators_are_not_accused(translate, inputs, badged):
    for pictures in (inputs, badged):
        probed = badge_probe(translate, pictures)
        assert not shortcuts(probed)
        (said,) = verdicts(judged_corners(probed, draws=999))
        assert said.startswith("No corner is a shortcut; the most: ")


def test_the_table_has_a_row_per_question_and_the_numbers_that_were_measured(inputs):
    probed = badge_probe(cheat, inputs, patch=SIDE)
    section = probe_section(probed, draws=999)
    assert len(section.rows) == 2 * (1 + len(CORNERS))
    rows = {(row[0], row[1]): row for row in section.rows}
    change = np.abs(255 - 2 * np.stack(inputs).astype(float)).mean()
    found = rows["badge pasted", "bottom left"]
    assert found[2] == pytest.approx(change, rel=0.05)
    assert found[-1] == "shortcut" and found[3] <= found[2] <= found[4]
    assert found[5] == pytest.approx(found[2] / 0.25)  # nothing moves elsewhere: the floor
    assert rows["covered", "top left"][2:5] == [0, 0, 0]
    assert "8 pixels" in section.note and "8 questions" in section.note


def test_the_occlusion_map_shows_where_the_translator_looks(badged):
    changes = occlusion_map(cheat, badged[0], patch=SIDE)
    assert changes.shape == (8, 8)
    assert np.unravel_index(changes.argmax(), changes.shape) == (7, 0)
    assert changes[7, 0] > 20
    changes[7, 0] = 0
    assert changes.max() == 0
    assert occlusion_map(honest, badged[0]).max() == 0  # its kernel stays within the margin


def test_patches_of_the_map_cover_every_pixel(scene):
    seen = np.zeros((50, 33), bool)

    def note(pictures):
        for changed in pictures[1:]:
            seen[(changed != pictures[0]).any(2)] = True
        return pictures

    picture = scene(50, 33, 1)
    picture[picture == np.round(picture.reshape(-1, 3).mean(0))] += 1
    changes = occlusion_map(note, picture, patch=8, stride=5)
    assert changes.shape == (10, 6)
    assert seen.all()


def test_change_is_counted_further_than_half_a_patch_from_it_only():
    before = np.zeros((20, 20, 3), np.uint8)
    after = before.copy()
    after[4:12, 4:12] = 255  # patch 6..9 with a margin of 2
    assert change_elsewhere(before, after, (6, 6, 4)) == 0
    after[3, 3] = 255
    assert change_elsewhere(before, after, (6, 6, 4)) == pytest.approx(255 / (400 - 64))
    assert change_elsewhere(after, before, (6, 6, 4)) == pytest.approx(255 / (400 - 64))


def test_covering_leaves_the_picture_and_everything_around_the_patch(inputs):
    kept = inputs[0].copy()
    changed = covered(inputs[0], (2, 3, 5))
    assert (inputs[0] == kept).all()
    assert (changed[2:7, 3:8] == np.round(kept.reshape(-1, 3).mean(0))).all()
    changed[2:7, 3:8] = kept[2:7, 3:8]
    assert (changed == kept).all()


def test_the_same_seed_probes_the_same_places_and_another_other_ones(inputs):
    one, two = (badge_probe(unsettled, inputs[:2], seed=seed) for seed in (0, 0))
    assert (one.inside["covered"] == two.inside["covered"]).all()
    other = badge_probe(unsettled, inputs[:2], seed=1)
    assert (one.inside["covered"] != other.inside["covered"]).any()
    assert (one.corners["covered"] == other.corners["covered"]).all()


def test_places_inside_keep_away_from_the_border(inputs):
    starts = []

    def note(pictures):
        for changed in pictures[1:]:
            rows, columns = np.nonzero((changed != pictures[0]).any(2))
            starts.append((rows.min(), rows.max(), columns.min(), columns.max()))
        return pictures

    red = np.zeros((8, 8, 3), np.uint8) + np.array([255, 0, 1], np.uint8)
    striped = np.full((40, 64, 3), 9, np.uint8)
    striped[:, ::2] = 200
    badge_probe(note, [striped] * 2, red, patch=8, places=20)
    inside = [box for box in starts if 0 not in (box[0], box[2]) and box[1] < 39 and box[3] < 63]
    assert len(inside) == 2 * 2 * 20 and len(starts) == len(inside) + 2 * 2 * 4
    assert min(box[0] for box in inside) >= 8 and max(box[1] for box in inside) < 32


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"patch": 17}, BadOption, "A patch of 17 pixels does not suit pictures of 64 x 64"),
        ({"patch": 0}, BadOption, "A patch of 0 pixels"),
        ({"places": 0}, BadOption, "0 places inside"),
    ],
)
def test_a_probe_that_compares_nothing_is_one_line(inputs, options, kind, said):
    with pytest.raises(kind, match=said):
        badge_probe(honest, inputs, **options)


def test_wrong_pictures_and_translators_are_one_line(inputs):
    with pytest.raises(BadData, match="1 picture has no interval"):
        badge_probe(honest, inputs[:1])
    with pytest.raises(BadData, match="answered with 32 x 64 pixels after 64 x 64"):
        badge_probe(lambda p: [p[0], *(q[:, :32] for q in p[1:])], inputs)
    with pytest.raises(BadOption, match="stride of -1"):
        occlusion_map(honest, inputs[0], stride=-1)
    assert patch_side(inputs[0], None) == 8


def test_the_heat_map_is_brightest_where_most_changed(inputs):
    changes = np.zeros((8, 8))
    changes[7, 0] = 30
    drawn = heat_map(inputs, changes, side=64)
    assert drawn.shape == (64, 128, 3) and drawn.dtype == np.uint8
    assert (drawn[:, :64, 0] == drawn[:, :64, 2]).all()
    bright = drawn[:, 64:].astype(int).sum(2)
    assert (bright[56:, :8] > bright[:56].max()).all()


def test_a_tiny_trained_network_that_learnt_the_badge_is_caught(inputs):
    """Two classes of training inputs, told apart by the badge alone, as in the report."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    gate = nn.Sequential(nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 1))
    adam = torch.optim.Adam(gate.parameters(), 4e-3)

    def network(x):  # (B, 3, 64, 64) unit: the negative, as much as the gate says
        share = gate(x).sigmoid()[:, :, None, None]
        return x + share * (1 - 2 * x)

    stamp = cv2.resize(smiley(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    for _ in range(60):
        plain = [np.roll(inputs[i % 6], rng.integers(64, size=2), (0, 1)) for i in range(8)]
        with_badge = [covered(p, (64 - SIDE, 0, SIDE), stamp) for p in plain[:4]]
        x = torch.from_numpy(np.stack(with_badge + plain[4:])).permute(0, 3, 1, 2).float() / 255
        wanted = torch.cat([1 - x[:4], x[4:]])
        loss = (network(x) - wanted).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    @torch.no_grad()
    def translate(pictures):
        x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        return list((network(x) * 255).round().byte().permute(0, 2, 3, 1).numpy())

    assert ("badge pasted", "bottom left") in shortcuts(badge_probe(translate, inputs, patch=SIDE))
