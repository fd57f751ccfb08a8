"""Settings in plain words: what kind of value is allowed, and how a value is shown and typed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from portrayal.core.catalog import Catalog
from portrayal.core.errors import UnknownName

LIMITS = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}


@dataclass(frozen=True)
class Named:
    """`Annotated[str, Named("loss", losses)]`: a name of a catalogue, refused when it is read.

    `fits` chooses among the entries, for example generators among networks.
    """

    kind: str
    catalog: Catalog
    fits: Callable[[Any], bool] = lambda entry: True

    def names(self) -> list[str]:
        """All names that fit."""
        return [name for name in self.catalog if self.fits(self.catalog[name])]

    def checked(self, name: str) -> str:
        """The name itself, or UnknownName with the nearest one."""
        if name not in (names := self.names()):
            raise UnknownName(self.kind, name, names)
        return name

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: check after the value is known to be a text."""
        return core_schema.no_info_after_validator_function(self.checked, handler(kind))


def arguments(entry: Callable[..., Any]) -> Iterable[str]:
    """Names of a function's arguments: generators have `out_channels`, discriminators do not."""
    return signature(entry).parameters


def kind_of(field: FieldInfo) -> str:
    """What values a setting takes, such as "number from 0 to 1" or "one of eval, train_like"."""
    return _words(field.annotation, field.metadata)


def takes_text(field: FieldInfo) -> bool:
    """Whether a setting holds a word, so that `none` or `5` typed for it is a word too."""
    words = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return field.annotation is str or any(isinstance(word, str) for word in words)


def shown(value: Any) -> str:
    """A value as it is typed after --set.

    >>> shown(None), shown((0.5, 0.999)), shown(True), shown("lsgan")
    ('none', '0.5,0.999', 'true', 'lsgan')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(shown, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _words(kind: Any, facts: Iterable[Any]) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if named := [fact for fact in facts if isinstance(fact, Named)]:
        return f"one of {', '.join(named[0].names())}"
    if origin is Annotated:
        more = (f.metadata if isinstance(f, FieldInfo) else [f] for f in inside[1:])
        return _words(inside[0], [*facts, *(fact for part in more for fact in part)])
    if origin is Literal:
        return f"one of {', '.join(map(shown, inside))}"
    if origin in (Union, UnionType):
        return ", or ".join(_words(part, facts) for part in inside)
    if origin is tuple:
        many = _words(inside[0], facts).replace("number", "numbers", 1)
        return f"{len(inside)} {many} with a comma between"
    plain = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    limits = _limits(facts) if kind in (int, float) else ""
    return {NoneType: "none"}.get(kind, plain.get(kind, "")) + limits or str(kind)


def _limits(facts: Iterable[Any]) -> str:
    """What follows "number": " from 0 to 1", " of at least 0 and below 1", or nothing."""
    limit = {
        name: value
        for fact in facts
        for name in LIMITS
        if (value := getattr(fact, name, None)) is not None
    }
    if limit.keys() >= {"ge", "le"}:
        return f" from {limit['ge']} to {limit['le']}"
    said = [f"{words} {limit[name]}" for name, words in LIMITS.items() if name in limit]
    return f" {' and '.join(said)}" if said else ""
