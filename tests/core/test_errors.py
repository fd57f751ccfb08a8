"""Errors: one line each, and whole on the other side of a process border."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.core import errors
from portrayal.core.errors import (
    BadCheckpoint,
    BadData,
    BadOption,
    BadPicture,
    CannotWrite,
    Interrupted,
    MissingPart,
    NotFinite,
    UnknownName,
    UserError,
)

ONE_OF_EACH = [
    UnknownName("recipe", "pix2pxi", ["pix2pix", "cyclegan"]),
    BadOption("option"),
    BadData("data"),
    BadPicture("a.png", "is empty"),
    NotFinite("nan"),
    BadCheckpoint("checkpoint"),
    CannotWrite("write"),
    MissingPart("part"),
    Interrupted("SIGTERM: saved step 3", 143),
]


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known_ones():
    error = UnknownName("network", "unet_265", {"unet_256": 0, "patch_70": 0})
    assert str(error) == (
        "No network named 'unet_265'. Did you mean 'unet_256'? Known: patch_70, unet_256."
    )


def test_capitals_do_not_hide_the_nearest_name():
    assert "Did you mean 'unet_256'?" in str(UnknownName("network", "UNET-256", ["unet_256"]))


def test_a_name_far_from_all_is_not_guessed():
    assert str(UnknownName("loss", "zzz", ["hinge"])) == "No loss named 'zzz'. Known: hinge."
    assert str(UnknownName("loss", "a", [])) == "No loss named 'a'. Known: none."


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_every_error_crosses_a_process_border_whole(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_every_error_of_the_tree_is_tried_above():
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not UserError
    }
    assert kinds == {type(error) for error in ONE_OF_EACH}


def test_the_docstring_draws_the_tree_as_it_is():
    drawn = [line.split()[0:3] for line in str(errors.__doc__).splitlines() if "+--" in line]
    names = [next(word for word in words if word[0].isalpha()) for words in drawn]
    for name in names:
        assert issubclass(getattr(errors, name), UserError)
    assert issubclass(BadPicture, BadData) and issubclass(NotFinite, BadData)
    assert not issubclass(Interrupted, UserError), "a signal is no wrong input"


def test_a_long_name_is_cut():
    error = UnknownName("thing", "a" * 100_000, ["b"])
    assert str(error) == f"No thing named '{'a' * 60}...'. Known: b."
    assert "..." not in str(UnknownName("thing", "a" * 60, ["b"]))


def test_a_bad_picture_is_named_with_its_reason_and_has_both():
    error = BadPicture("a.png", "is empty")
    assert str(error) == "a.png: is empty"
    assert (error.name, error.reason) == ("a.png", "is empty")


@given(some.text(max_size=40), some.lists(some.text(), max_size=4))
def test_any_name_is_answered(name, known):
    assert repr(name) in str(UnknownName("thing", name, known))
