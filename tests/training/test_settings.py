"""Settings: how long a run is, and which of them may change on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from portrayal.core.errors import BadOption
from portrayal.training.settings import FREE_TO_CHANGE, MOST_STEPS, RUN_LENGTH, Settings


@pytest.mark.parametrize(
    ("given_", "pairs", "steps"),
    [
        ({}, 400, 80_000),  # pix2pix's facades: 200 epochs of 400, one at a time
        ({"epochs": 3, "batch": 4}, 10, 8),  # 7.5 batches: rounded
        ({"epochs": 0.5, "batch": 1}, 9, 4),
        ({"epochs": 0.001}, 10, 1),  # never none
        ({"epochs": 5, "steps": 7}, 10, 7),
        ({"batch": 64, "epochs": 1}, 2, 1),
    ],
)
def test_the_number_of_steps_by_hand(given_, pairs, steps):
    assert Settings(**given_).total_steps(pairs) == steps


@given(some.floats(1e-3, 1e3), some.integers(1, 100), some.integers(1, 1000))
def test_about_every_pair_is_shown_as_often_as_asked(epochs, batch, pairs):
    steps = Settings(epochs=epochs, batch=batch).total_steps(pairs)
    assert steps >= 1
    assert abs(steps * batch - epochs * pairs) <= max(batch / 2, batch - epochs * pairs) + 1e-6


BOUNDS = [
    ("epochs", 0.01, 0), ("steps", 1, 0), ("steps", MOST_STEPS, MOST_STEPS + 1), ("batch", 1, 0),
    ("learning_rate", 1e-9, 0), ("betas", (0, 0.999), (0, 1)), ("betas", (0, 0), (-0.1, 0)),
    ("decay", 0, -0.1), ("decay", 1, 1.1), ("average", 0, -0.1), ("average", 0.999, 1),
    ("average_last", 0, -0.1), ("average_last", 1, 1.1),
    ("enlarge", 1, 0.99), ("enlarge", 2, 2.01), ("tones", 0, -0.1), ("tones", 1, 1.1),
    ("seed", 0, -1), ("workers", 0, -1),
    ("log_every", 1, 0), ("validate_every", 0, -1), ("validate_pictures", 1, 0),
    ("save_minutes", 0.1, 0), ("save_every", 0, -1), ("keep", 1, 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "last_good", "first_bad"), BOUNDS)
def test_every_number_has_its_bounds(name, last_good, first_bad):
    assert getattr(Settings(**{name: last_good}), name) == last_good
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: first_bad})


def test_every_number_is_tried_above():
    numbers = {name for name, value in Settings(steps=1) if type(value) in (int, float, tuple)}
    assert numbers == {name for name, *_ in BOUNDS}


@pytest.mark.parametrize("epochs", [1e6, 1e300])
def test_a_run_whose_steps_have_no_name_is_one_line(epochs):
    with pytest.raises(BadOption, match=r"epochs of 1000 pairs in batches of 1 are .* at most 99"):
        Settings(epochs=epochs).total_steps(1000)
    assert Settings(steps=MOST_STEPS).total_steps(1000) == MOST_STEPS
    assert len(f"{MOST_STEPS:08d}") == 8


def test_the_lists_of_settings_name_settings():
    assert set(RUN_LENGTH) <= Settings.model_fields.keys()
    assert set(FREE_TO_CHANGE) <= Settings.model_fields.keys()
    assert not set(RUN_LENGTH) & set(FREE_TO_CHANGE)


def test_what_touches_the_bits_of_a_run_is_not_free_to_change():
    fixed = Settings.model_fields.keys() - set(FREE_TO_CHANGE) - set(RUN_LENGTH)
    assert fixed == {
        "learning_rate", "betas", "average", "average_last", "enlarge", "flip", "tones", "seed",
        "precision", "channels_last", "compile", "deterministic",
    }  # fmt: skip


def test_settings_cannot_be_changed_by_accident():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().epochs = 3
    with pytest.raises(ValidationError, match="epoch\n"):
        Settings(epoch=3)


def test_settings_survive_their_file():
    settings = Settings(betas=(0.1, 0.2), steps=3, channels_last=True)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
