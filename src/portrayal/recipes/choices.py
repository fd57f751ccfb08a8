"""From a preset and `name=value` texts to a validated Config and Settings."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from portrayal.core.errors import BadOption, UnknownName
from portrayal.recipes import Preset, part_of, recipes
from portrayal.recipes.wording import kind_of, shown, takes_text
from portrayal.training.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


def choose(recipe: str, preset: str, overrides: Iterable[str]) -> tuple[BaseModel, Settings]:
    """The preset's config and settings with every override applied and checked."""
    presets: dict[str, Preset] = part_of(recipes[recipe], "PRESETS")
    if preset not in presets:
        raise UnknownName(f"preset of {recipe}", preset, presets)
    chosen = presets[preset]
    config, settings = chosen.config.model_dump(), chosen.settings.model_dump()
    fields = {**type(chosen.config).model_fields, **Settings.model_fields}
    for name, value in named(overrides, fields):
        (config if name in config else settings)[name] = value
    checked = validated(type(chosen.config), config), validated(Settings, settings)
    return checked[0], checked[1]


def changed(
    config: Model,
    overrides: Iterable[str],
    names: Iterable[str],
    kind: str = "setting",
    option: str = "--set",
) -> Model:
    """The config with overrides of these names only, checked."""
    fields = {name: type(config).model_fields[name] for name in names}
    values = dict(named(overrides, fields, kind, option))
    return validated(type(config), {**config.model_dump(), **values})


def named(
    overrides: Iterable[str],
    fields: Mapping[str, FieldInfo],
    kind: str = "setting",
    option: str = "--set",
) -> Iterator[tuple[str, Any]]:
    """Name and value of each `name=value`."""
    for override in overrides:
        name, equals, text = override.partition("=")
        name, text = name.strip(), text.strip()
        if not equals:
            raise BadOption(f"{option} {override!r} has no '='; write {option} name=value.")
        if name not in fields:
            raise UnknownName(kind, name, fields)
        yield name, text if takes_text(fields[name]) else parsed(text)


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
    except (ValueError, RecursionError):
        return text


def validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The model with these values, or one line about the first wrong one."""
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        if name not in model.model_fields:
            raise UnknownName("setting", name, model.model_fields) from None
        raise _refusal(model, name, values.get(name)) from None
    for name, value in values.items():
        if isinstance(value, bool) and not isinstance(getattr(made, name), bool):
            raise _refusal(model, name, value)  # Python takes true for 1
    return made


def _refusal(model: type[BaseModel], name: str, value: Any) -> BadOption:
    kind, got = kind_of(model.model_fields[name]), shown(value)
    article = "a " if kind.startswith(("number", "whole")) else ""
    return BadOption(
        f"Setting {name} must be {article}{kind}, got {got[:40] or 'nothing'}"
        f"{'...' if len(got) > 40 else '.'}"
    )


def described(recipe: str, preset: str) -> Iterator[tuple[str, str, str, str]]:
    """(name, kind of value, value in the preset, meaning) of every setting."""
    chosen: Preset = part_of(recipes[recipe], "PRESETS")[preset]
    for model in (chosen.config, chosen.settings):
        for name, field in type(model).model_fields.items():
            yield name, kind_of(field), shown(getattr(model, name)), field.description or ""
