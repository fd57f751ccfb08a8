"""Catalogues: the only framework in the package. A name that users type is a function's name.

`networks = Catalog("network", __name__)` stands in a package's `__init__`; `@networks` above a
function of that package adds it. The first look-up imports every module of the package, so a new
file needs no second edit. A catalogue never constructs anything.
"""

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from portrayal.core.errors import UnknownName


class Catalog:
    """Functions by name: flat, loads its own package, answers a miss with the nearest name."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package: str | None = package
        self.entries: dict[str, Any] = {}
        self.cards: dict[str, Any] = {}

    def __call__(self, entry: Any) -> Any:
        """Add a function or class under its own lower-case name; returns it unchanged."""
        name = entry.__name__.lower()
        known = self.entries.get(name)
        if known is not None and known.__module__ != entry.__module__:  # the same file: a reload
            raise ValueError(f"two {self.kind}s are named {name!r}")
        self.entries[name] = entry
        return entry

    def described(self, card: Any) -> Callable[[Any], Any]:
        """`@metrics.described(Card(...))` adds a function together with facts about it."""

        def add(entry: Any) -> Any:
            self(entry)
            self.cards[entry.__name__.lower()] = card
            return entry

        return add

    def __getitem__(self, name: str) -> Any:
        self._import_package()
        if name not in self.entries:
            raise UnknownName(self.kind, name, self.entries)
        return self.entries[name]

    def __contains__(self, name: str) -> bool:
        self._import_package()
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        self._import_package()
        return iter(sorted(self.entries))

    def card(self, name: str) -> Any:
        """The facts `described` was given for this entry."""
        self[name]  # an unknown name is answered like any other
        return self.cards[name]

    def _import_package(self) -> None:
        if package := self.package:
            for module in pkgutil.iter_modules(import_module(package).__path__):
                import_module(f"{package}.{module.name}")
            self.package = None  # only now: a failed import must be seen again, by all threads
