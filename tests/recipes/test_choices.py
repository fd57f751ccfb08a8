"""From what a person types to a checked config; every refusal is one plain line."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, Field

from portrayal.core.catalog import Catalog
from portrayal.core.errors import BadOption, UnknownName, UserError
from portrayal.recipes import part_of, recipes
from portrayal.recipes.choices import choose, described, parsed, validated
from portrayal.recipes.wording import Named, kind_of, shown
from portrayal.training.settings import Settings

RECIPES = list(recipes)
PRESETS = [(recipe, preset) for recipe in recipes for preset in part_of(recipes[recipe], "PRESETS")]


def chosen(*overrides: str) -> dict[str, Any]:
    config, settings = choose("pix2pix", "paper", overrides)
    return {**config.model_dump(), **settings.model_dump()}


def refusal(*overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        chosen(*overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("recipe", "preset"), PRESETS)
def test_a_preset_without_overrides_is_the_preset(recipe, preset):
    entry = part_of(recipes[recipe], "PRESETS")[preset]
    assert choose(recipe, preset, []) == (entry.config, entry.settings)
    assert len(entry.about) > 10


@pytest.mark.parametrize(("recipe", "preset"), PRESETS)
def test_every_value_can_be_typed_as_it_is_shown(recipe, preset):
    overrides = [f"{name}={value}" for name, _, value, _ in described(recipe, preset)]
    assert choose(recipe, preset, overrides) == choose(recipe, preset, [])


@pytest.mark.parametrize(("recipe", "preset"), PRESETS)
def test_every_setting_is_described_for_people(recipe, preset):
    rows = list(described(recipe, preset))
    names = [name for name, *_ in rows]
    assert len(names) == len(set(names)), "a config and the settings share no name"
    for name, kind, _, meaning in rows:
        assert len(meaning) > 4, f"{name} has no meaning"
        assert not set("[]()|'") & set(kind), f"{name} is described as Python writes it: {kind}"


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_setting_of_any_kind_of_nonsense_is_one_line_or_a_value(recipe):
    nonsense = ["", "x", "-1", "1.5", "none", "nan", "1e400", "a,b", "1,2,3", "[[", "true", "{}"]
    for name, *_ in described(recipe, "paper"):
        for text in [*nonsense, "9" * 5000, "[" * 100_000]:
            try:
                choose(recipe, "paper", [f"{name}={text}"])
            except UserError as error:
                assert len(str(error)) < 300 and "\n" not in str(error)
                assert name in str(error) or "named" in str(error)


@given(some.text(max_size=20))
def test_any_text_is_answered(text):
    for override in (text, f"l1={text}", f"{text}=1", f"device={text}"):
        try:
            assert chosen(override)
        except UserError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("epochs=50", "epochs", 50),
        (" epochs = 0.5 ", "epochs", 0.5),
        ("learning_rate=1e-4", "learning_rate", 1e-4),
        ("betas=0.5,0.9", "betas", (0.5, 0.9)),
        ("betas= (0, .25)", "betas", (0, 0.25)),
        ("l1=100,1", "l1", (100, 1)),
        ("l1=[100, 1]", "l1", (100, 1)),
        ("l1=0", "l1", 0),
        ("steps=none", "steps", None),
        ("steps=300", "steps", 300),
        ("channels_last=None", "channels_last", None),
        ("channels_last=true", "channels_last", True),
        ("flip=no", "flip", False),
        ("flip=False", "flip", False),
        ("norm=none", "norm", "none"),
        ("norm=instance", "norm", "instance"),
        ("adversarial=lsgan", "adversarial", "lsgan"),
        ("generator=unet_64", "generator", "unet_64"),
        ("device=cuda:1", "device", "cuda:1"),
    ],
)
def test_what_is_typed_is_what_is_meant(text, name, value):
    got = chosen(text)
    assert got[name] == value and type(got[name]) in (type(value), float)
    assert {k for k, v in got.items() if v != chosen()[k]} <= {name}


def test_the_last_of_two_values_holds():
    assert chosen("epochs=3", "width=8", "epochs=4")["epochs"] == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs=abc", "Setting epochs must be a number above 0, got abc."),
        ("epochs=true", "Setting epochs must be a number above 0, got true."),
        ("epochs=inf", "Setting epochs must be a number above 0, got inf."),
        ("learning_rate=nan", "Setting learning_rate must be a number above 0, got nan."),
        ("batch=1.5", "Setting batch must be a whole number above 0, got 1.5."),
        ("batch=", "Setting batch must be a whole number above 0, got nothing."),
        ("batch=none", "Setting batch must be a whole number above 0, got none."),
        ("workers=-1", "Setting workers must be a whole number of at least 0, got -1."),
        ("decay=2", "Setting decay must be a number from 0 to 1, got 2."),
        ("dropout=1", "Setting dropout must be a number of at least 0 and below 1, got 1."),
        ("real=0", "Setting real must be a number above 0 and at most 1, got 0."),
        ("width=2000", "Setting width must be a whole number above 0 and at most 1024, got 2000."),
        ("flip=maybe", "Setting flip must be true or false, got maybe."),
        ("channels_last=2", "Setting channels_last must be true or false, or none, got 2."),
        ("precision=half", "Setting precision must be one of auto, float32, bfloat16, got half."),
        ("seed=3=4", "Setting seed must be a whole number of at least 0, got 3=4."),
        ("epochs", "--set 'epochs' has no '='; write --set name=value."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_answered_in_plain_words(text, said):
    assert refusal(text) == said


@pytest.mark.parametrize("text", ["0.5", "0.5,1.5", "0.5,0.9,0.9", "a,b", "0.5,"])
def test_a_wrong_pair_is_answered_in_plain_words(text):
    two = "2 numbers of at least 0 and below 1 with a comma between"
    assert refusal(f"betas={text}") == f"Setting betas must be {two}, got {text}."


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "true", "none", "1,a", "1,2,3", "100,-1"])
def test_the_weight_of_a_term_is_a_number_or_a_line_and_never_below_0(text):
    either = "a number of at least 0, or 2 numbers of at least 0 with a comma between"
    assert refusal(f"l1={text}") == f"Setting l1 must be {either}, got {text}."


def test_a_long_value_is_cut_in_its_refusal():
    assert refusal("seed=" + "9" * 5000).endswith("got " + "9" * 40 + "...")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch=3", "No setting named 'epoch'. Did you mean 'epochs'?"),
        ("=3", "No setting named ''. Known: adversarial, average, "),
        ("generator=unet_265", "No generator named 'unet_265'. Did you mean 'unet_256'?"),
        ("generator=patch_70", "No generator named 'patch_70'. Known: "),
        ("discriminator=patch-70", "No discriminator named 'patch-70'. Did you mean 'patch_70'?"),
        ("discriminator=unet_64", "No discriminator named 'unet_64'. Known: "),
        ("adversarial=lsgn", "No adversarial loss named 'lsgn'. Did you mean 'lsgan'?"),
        ("adversarial=l1", "No adversarial loss named 'l1'. Known: hinge, lsgan, vanilla."),
    ],
)
def test_an_unknown_name_is_answered_before_anything_is_built(text, said):
    assert refusal(text).startswith(said)


def test_an_unknown_recipe_or_preset_is_answered():
    with pytest.raises(UnknownName, match=r"No recipe named 'pix2pxi'\. Did you mean 'pix2pix'"):
        choose("pix2pxi", "paper", [])
    with pytest.raises(UnknownName, match=r"No preset of pix2pix named 'papr'\. Did you"):
        choose("pix2pix", "papr", [])


def test_settings_that_do_not_go_together_are_refused_at_the_start():
    said = "adversarial=hinge knows no soft labels: real must be 1, got 0.9."
    assert refusal("adversarial=hinge", "real=0.9") == said
    assert chosen("adversarial=hinge")["real"] == 1


def test_presets_are_not_changed_by_choosing():
    before = choose("pix2pix", "quick_64", [])
    choose("pix2pix", "quick_64", ["width=8", "betas=0.1,0.2"])
    assert choose("pix2pix", "quick_64", []) == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10,1", (10, 1)),
        ("none", None),
        ("NULL", None),
        ("TRUE", True),
        ("1e3", 1000.0),
        ("lsgan", "lsgan"),
        ("", ""),
        ("[", "["),
        ("1,", (1, "")),
        ("'a'", "'a'"),
    ],
)
def test_a_text_is_read_as_the_value_it_looks_like(text, value):
    assert parsed(text) == value


def test_a_setting_that_a_stored_config_has_too_many_is_named():
    with pytest.raises(UnknownName, match=r"No setting named 'epoch'\. Did you mean 'epochs'"):
        validated(Settings, {"epoch": 3})


hats = Catalog("hat", __name__)
hats.package = None  # filled here and not by importing a package


@hats
def bowler(brim: int) -> int:
    return brim


@hats
def bonnet() -> int:
    return 0


class Kinds(BaseModel):
    hat: Annotated[str, Named("hat", hats)] = "bowler"
    brimmed: Annotated[str, Named("hat", hats, lambda hat: hat is bowler)] = "bowler"
    most: int = Field(1, le=5)
    least: float = Field(1, gt=0.5)
    window: tuple[int, int, int] = (1, 1, 1)
    word: str = ""
    odd: bytes = b""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hat", "one of bonnet, bowler"),
        ("brimmed", "one of bowler"),
        ("most", "whole number at most 5"),
        ("least", "number above 0.5"),
        ("window", "3 whole numbers with a comma between"),
        ("word", "text"),
        ("odd", "<class 'bytes'>"),  # a kind nobody foresaw is at least shown
    ],
)
def test_kinds_are_said_in_plain_words(name, kind):
    assert kind_of(Kinds.model_fields[name]) == kind


def test_a_name_that_does_not_fit_is_answered_with_those_that_do():
    with pytest.raises(UnknownName, match=r"No hat named 'bonnet'\. .*Known: bowler\."):
        validated(Kinds, {"brimmed": "bonnet"})
    assert validated(Kinds, {"hat": "bonnet"}).hat == "bonnet"
    with pytest.raises(BadOption, match="Setting hat must be one of bonnet, bowler, got 3"):
        validated(Kinds, {"hat": 3})


@given(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
)
def test_a_shown_value_is_read_back(value):
    again = parsed(shown(value))
    assert again == value
    assert type(again) is type(value)
