"""From a preset and `name=value` texts to a validated Config and Settings."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from portrayal.core.errors import BadOption, UnknownName
from portrayal.recipes import Preset, part_of, recipes
from portrayal.training.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


def choose(recipe: str, preset: str, overrides: Iterable[str]) -> tuple[BaseModel, Settings]:
    """The preset's config and settings with every override applied and checked."""
    presets: dict[str, Preset] = part_of(recipes[recipe], "PRESETS")
    if preset not in presets:
        raise UnknownName(f"preset of {recipe}", preset, presets)
    chosen = presets[preset]
    config, settings = chosen.config.model_dump(), chosen.settings.model_dump()
    for override in overrides:
        name, equals, text = override.partition("=")
        name = name.strip()
        if not equals:
            raise BadOption(f"--set {override!r} has no '='; write --set name=value.")
        if name not in config and name not in settings:
            raise UnknownName("setting", name, [*config, *settings])
        (config if name in config else settings)[name] = parsed(text.strip())
    checked = validated(type(chosen.config), config), validated(Settings, settings)
    return checked[0], checked[1]


def parsed(text: str) -> Any:
    """A value as JSON, a pair "first,last", none, or the text itself.

    >>> parsed("10"), parsed("10,1"), parsed("none"), parsed("lsgan")
    (10, (10, 1), None, 'lsgan')
    """
    if text.lower() in ("none", "null"):
        return None
    if "," in text:
        return tuple(parsed(part.strip(" ()[]")) for part in text.split(","))
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text


def validated(model: type[Model], values: dict[str, Any]) -> Model:
    """The model with these values, or one line about the first wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name, got = first["loc"][0], values[str(first["loc"][0])]
        more = f" ({error.error_count()} problems in all)" if error.error_count() > 1 else ""
        expected = first["msg"].removeprefix("Input should be ")
        raise BadOption(f"Setting {name} must be {expected}, got {got!r}.{more}") from None


def described(recipe: str, preset: str) -> Iterator[tuple[str, str, str, str]]:
    """(name, type, value in the preset, meaning) of every setting."""
    chosen: Preset = part_of(recipes[recipe], "PRESETS")[preset]
    for model in (chosen.config, chosen.settings):
        for name, field in type(model).model_fields.items():
            kind = str(field.annotation).replace("typing.", "").replace("NoneType", "none")
            if isinstance(field.annotation, type):
                kind = field.annotation.__name__
            yield name, kind, str(getattr(model, name)), field.description or ""
