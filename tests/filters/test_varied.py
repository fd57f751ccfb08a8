"""Recipes drawn at random: fixed by their seed, valid `--filter` texts, and all kinds come up."""

import hashlib
from collections import Counter

import numpy as np

from portrayal.data.options import parse_filter
from portrayal.filters.varied import STYLES, drawn

MANY = 2000


def recipes(count=MANY):
    return [drawn(0, "face", variant) for variant in range(count)]


def test_a_recipe_is_fixed_by_seed_name_and_variant():
    assert drawn(0, "a", 1) == drawn(0, "a", 1)
    texts = [" ".join(drawn(*parts)) for parts in ((0, "a", 1), (1, "a", 1), (0, "b", 1))]
    assert len({*texts, " ".join(drawn(0, "a", 2))}) == 4


def test_recipes_stay_what_they_are_from_version_to_version():
    """A dataset is made again from its command; if this must change, say so in the changelog."""
    text = "\n".join(" ".join(recipe) for recipe in recipes(500))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "f42b8495be30d9b9"


def test_every_recipe_can_be_typed_and_made(scene):
    pixels = scene(40, 40)
    for recipe in recipes(150):
        made = pixels
        for text in recipe:
            assert " " not in text  # the metadata row separates by spaces
            made = parse_filter(text)(made)
        assert made.shape == pixels.shape and made.dtype == np.uint8


def test_every_constant_is_in_the_range_its_filter_takes(scene):
    pixels = scene(12, 12)
    for text in {text for recipe in recipes() for text in recipe if "flat_shift" not in text}:
        parse_filter(text)(pixels)


def test_algorithms_come_up_by_their_shares():
    first = Counter(recipe[0].partition(":")[0] for recipe in recipes())
    assert set(first) == {
        *("cartoon", "cartoon_perturbed", "cartoon_poster", "flat_regions", "flat_flow"),
        *("flat_shift", "flat_smooth", "pencil", "xdog"),
    }
    shares = {style.__name__: share for style, share in STYLES.items()}
    assert abs(sum(shares.values()) - 1) < 1e-9
    for name, style in (("cartoon", "beyeler"), ("flat_regions", "regions")):
        assert abs(first[name] / MANY - shares[style]) < 0.03


def test_four_of_five_have_other_tones_and_a_quarter_is_damaged():
    damage = ("noise", "blur", "jpeg", "downscale")
    found = recipes()
    toned = sum(any(text.startswith("tone:") for text in recipe) for recipe in found)
    harmed = sum(recipe[-1].startswith(damage) for recipe in found)
    assert abs(toned / MANY - 0.8) < 0.03
    assert abs(harmed / MANY - 0.25) < 0.03
