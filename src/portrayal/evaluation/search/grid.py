"""What a sweep varies: the syntax of values, the grid over them, and the names of trials.

`--vary l1=100,50,10` gives three values. In a value, a colon stands for the comma of a pair, so
`--vary l1=100,100:10` is a constant and a line; `low..high` is a range, for tuning. `--set` means
what it means in `portrayal train`, but where a setting takes no pair, a comma lists values too.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from portrayal.core.errors import BadOption, UnknownName
from portrayal.recipes.choices import choose
from portrayal.recipes.wording import takes_text
from portrayal.training.settings import Settings

MOST = 1000  # trials of a grid
LONGEST = 120  # characters of a trial's name
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})")


@dataclass(frozen=True)
class Varied:
    """A setting with its values, as `--set` takes each, or with a range."""

    name: str
    values: tuple[str, ...] = ()
    span: tuple[float, float] | None = None
    whole: bool = False  # of a range: only whole numbers

    def kind(self, number: float) -> float:
        """A number of a range as the setting takes it."""
        return round(number) if self.whole else number

    @property
    def logarithmic(self) -> bool:
        """Whether a range is looked at by factors: from a positive number to ten times it or more.

        >>> Varied("learning_rate", span=(1e-5, 1e-2)).logarithmic
        True
        """
        return bool(self.span and self.span[0] > 0 and self.span[1] >= 10 * self.span[0])


@dataclass(frozen=True)
class Space:
    """Everything a sweep may choose, and what it keeps fixed."""

    recipe: str
    preset: str
    fixed: tuple[str, ...]
    varied: tuple[Varied, ...]

    def chosen(self, values: Mapping[str, str]) -> tuple[BaseModel, Settings]:
        """Config and settings of one trial, checked."""
        return choose(self.recipe, self.preset, self.overrides(values))

    def overrides(self, values: Mapping[str, str]) -> list[str]:
        """What `portrayal train --set` would be given."""
        return [*self.fixed, *(f"{name}={text}" for name, text in values.items())]

    def name(self, values: Mapping[str, str]) -> str:
        """The folder of a trial: equal settings, equal name, however they were typed."""
        config, settings = self.chosen(values)
        known = {**dict(config), **dict(settings)}
        return trial_name({name: known[name] for name in values})


def space(recipe: str, preset: str, overrides: Iterable[str], varied: Iterable[str] = ()) -> Space:
    """Read `--set` and `--vary`."""
    overrides = list(overrides)
    plain = [text for text in overrides if "," not in text]
    config, settings = choose(recipe, preset, plain)
    fields = {**type(config).model_fields, **type(settings).model_fields}
    fixed, found = list(plain), []
    for text in overrides:
        name = text.partition("=")[0].strip()
        if "," not in text:
            continue
        if name in fields and not takes_pair(fields[name]):
            found.append(read_varied(text, fields, "--set"))
        else:
            fixed.append(text)
    found += [read_varied(text, fields, "--vary") for text in varied]
    once(name.partition("=")[0].strip() for name in [*fixed, *(each.name for each in found)])
    return Space(recipe, preset, tuple(fixed), tuple(sorted(found, key=lambda each: each.name)))


def each_alone(made: Space) -> list[BaseModel]:
    """Configs of every value and end of a range, each beside the preset's other settings.

    A wrong one is refused.
    """
    return [
        made.chosen({each.name: value})[0]
        for each in made.varied
        for value in each.values or [label(each.kind(side)) for side in each.span or ()]
    ]


def read_varied(text: str, fields: Mapping[str, FieldInfo], option: str) -> Varied:
    """One `name=v1,v2,v3`, or `name=low..high`."""
    name, equals, listed = text.partition("=")
    name = name.strip()
    if not equals:
        raise BadOption(f"{option} {text!r} has no '='; write {option} name=v1,v2.")
    if name not in fields:
        raise UnknownName("setting", name, fields)
    if (found := RANGE.fullmatch(listed.strip())) and not takes_text(fields[name]):
        low, high = float(found[1]), float(found[2])
        if not (low < high and math.isfinite(high - low)):
            raise BadOption(f"{option} {text!r}: a range goes from a lower to a higher number.")
        return Varied(name, span=(low, high), whole=whole(fields[name]))
    values = [value.strip() for value in listed.split(",")]
    if not all(values):
        raise BadOption(f"{option} {text!r} has an empty value; write {option} {name}=v1,v2.")
    if takes_pair(fields[name]):
        values = [value.replace(":", ",") for value in values]
    return Varied(name, tuple(dict.fromkeys(values)))


def once(names: Iterable[str]) -> None:
    """Refuse a setting that is given twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadOption(f"Setting {name} is given twice; give all its values at once.")
        seen.add(name)


def takes_pair(field: FieldInfo) -> bool:
    """Whether a setting may be a pair, whose comma does not list values."""

    def inside(kind: Any) -> bool:
        return get_origin(kind) is tuple or any(inside(part) for part in get_args(kind))

    return inside(field.annotation)


def whole(field: FieldInfo) -> bool:
    """Whether a setting is a whole number (or none)."""
    kinds = get_args(field.annotation) or (field.annotation,)
    return int in kinds and float not in kinds


def grid(made: Space) -> list[dict[str, str]]:
    """All combinations, the last setting changing fastest; equal ones once."""
    if ranged := [each.name for each in made.varied if each.span]:
        raise BadOption(
            f"A grid has no ranges ({', '.join(ranged)}): list values, or add --tune METRIC."
        )
    if not made.varied:
        raise BadOption("Nothing varies; write --vary name=v1,v2.")
    count = math.prod(len(each.values) for each in made.varied)
    if count > MOST:
        raise BadOption(f"The grid has {count} trials, more than {MOST}; vary less, or --tune.")
    names = [each.name for each in made.varied]
    combined = product(*(each.values for each in made.varied))
    trials = [dict(zip(names, values, strict=True)) for values in combined]
    return list({made.name(values): values for values in reversed(trials)}.values())[::-1]


def trial_name(values: Mapping[str, Any]) -> str:
    """A folder name that says what was chosen.

    >>> trial_name({"width": 32, "l1": (100.0, 10.0)})
    'l1=100..10,width=32'
    """
    text = ",".join(f"{name}={quote(label(values[name]), safe='+')}" for name in sorted(values))
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def label(value: Any) -> str:
    """A value as short as it can be told apart.

    >>> label(100.0), label((0.5, 0.999)), label(None), label(True), label("lsgan")
    ('100', '0.5..0.999', 'none', 'true', 'lsgan')
    """
    if isinstance(value, tuple | list):
        return "..".join(map(label, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
