"""Sources: where pictures come from. `prepare NAME ...` calls the catalogue entry NAME.

An entry takes plain arguments (positional: what the command line needs; keyword-only: options; the
text in `Annotated[type, "text"]` is the help) and returns a `Source` at once, having looked at no
more than the arguments. `names()` then lists cheaply and `load(name)` reads one item, in any order,
in any process; so both must be picklable: module-level functions, with `partial` for the arguments.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portrayal.core.catalog import Catalog
from portrayal.data.item import Item

sources = Catalog("source", __name__)


def nothing() -> list[str]:
    """No notes."""
    return []


@dataclass(frozen=True)
class Source:
    """A listing and a way to read one entry of it."""

    title: str  # for messages: "folder photos"
    names: Callable[[], Iterator[str]]  # entries in a fixed order; raises BadData if there are none
    load: Callable[[str], Item]  # entry -> item; raises BadPicture, which rejects this entry only
    single: bool = False  # items have no target: a filter must make the source
    apart: bool = False  # pictures of two unpaired domains: "domain" in `Item.meta` says which
    distinct: bool = False  # made, not found: holds no near-duplicates, so none are looked for
    notes: Callable[[], list[str]] = nothing  # what a person should know of the whole
