"""Every option of `prepare` that has a say in the dataset, with its help text.

The command line is made from this class (cli/prepare.py), the manifest stores it, and a folder that
was begun with other options is refused.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np

from portrayal.core.errors import BadOption, UnknownName
from portrayal.core.images import Pixels
from portrayal.data.split import Wanted, parse_wanted

Rule = Literal["keep", "reject", "only"]


@dataclass(frozen=True)
class Options:
    """How pictures become a dataset. Order of work: read, face crop, working size, filter, size."""

    filter: Annotated[
        list[str] | None,
        "How the source is made from the picture; repeat to chain; 'none' leaves it as it is. "
        "E.g. --filter cartoon:levels=1,block=11",
    ] = None
    variants: Annotated[
        int | None,
        "More sources per training picture, besides the plain filter's: algorithm, constants, "
        "tones and light damage are drawn at random. E.g. --variants 4",
    ] = None
    variant_styles: Annotated[
        str | None,
        "What --variants draws from, in equal shares; none: every style. "
        "E.g. --variant-styles pencil,xdog,photocopy,edges",
    ] = None
    size: Annotated[
        str, "Size of the pictures written, one side or WIDTHxHEIGHT. E.g. --size 192x256"
    ] = "256"
    work_size: Annotated[
        int | None,
        "Short side while the filter works (its constants are in pixels); none: 256, or the short "
        "side of --size if that is larger. E.g. --work-size 512",
    ] = None
    geometry: Annotated[
        Literal["crop", "letterbox", "squeeze"],
        "How another aspect is fitted: cut the longer side, add a border, or distort. "
        "E.g. --geometry letterbox",
    ] = "crop"
    background: Annotated[
        str, "Colour under transparent pictures and around letterboxed ones. E.g. --background grey"
    ] = "white"
    face_margin: Annotated[
        float | None,
        "Crop to the largest face with this margin (in face sides) before anything else. "
        "E.g. --face-margin 0.4",
    ] = None
    grey: Annotated[Rule, "Grey and tinted pictures. E.g. --grey reject"] = "keep"
    faces: Annotated[
        Rule, "Pictures whose largest face is smaller than --min-face. E.g. --faces reject"
    ] = "keep"
    no_face: Annotated[Rule, "Pictures in which no face was found. E.g. --no-face reject"] = "keep"
    min_face: Annotated[
        float, "Share of the picture below which a face is small. E.g. --min-face 0.2"
    ] = 0.10
    find_faces: Annotated[
        bool, "Look for faces (column face_share) even where no rule asks. E.g. --find-faces"
    ] = False
    detector: Annotated[
        Literal["auto", "haar", "yunet"],
        "Face detector; auto: YuNet if its file is here. E.g. --detector haar",
    ] = "auto"
    min_side: Annotated[
        int, "Reject pictures whose short side is smaller, in pixels. E.g. --min-side 256"
    ] = 0
    fractions: Annotated[str, "Shares of train, val, test. E.g. --fractions 0.6,0.2,0.2"] = (
        "0.8,0.1,0.1"
    )
    counts: Annotated[
        str | None,
        "Exact numbers of train, val, test instead; of unpaired data for each domain, or "
        "SOURCES:TARGETS. E.g. --counts 551,100,100",
    ] = None
    seed: Annotated[int, "Another seed splits otherwise. E.g. --seed 1"] = 0
    subject: Annotated[
        str | None,
        "Who is on the picture; one subject never straddles a split: 'folder' (the folder's name), "
        "'column:NAME' of --table, or a regular expression on the name (its group 1 if it has "
        "one). E.g. --subject 'v[0-9]_(.*)'",
    ] = None
    table: Annotated[
        Path | None,
        "CSV or JSON-lines file for --subject column:NAME; its column file, file_name or name (or "
        "else its first one) holds the picture's path or name. E.g. --table people.csv",
    ] = None
    test_names: Annotated[
        str | None,
        "Pictures that must be in the test split: a text file of names, or a regular expression "
        "that matches the whole name. E.g. --test-names '08[0-9]+|0900'",
    ] = None
    duplicates: Annotated[
        Literal["group", "drop", "drop_exact", "ignore"],
        "Near-duplicates: keep in one split, keep one of each, drop only exact copies, or do not "
        "look. E.g. --duplicates drop",
    ] = "group"
    limit: Annotated[float, "Pictures of more megapixels are rejected unread. E.g. --limit 400"] = (
        100
    )
    bad_limit: Annotated[
        float, "Share of unreadable files above which the work stops. E.g. --bad-limit 0.2"
    ] = 0.05

    def checked(self) -> "Options":
        """The same options, or one line about the first wrong one."""
        self.height_width(), self.colour(), self.work()
        self.wanted("source"), self.wanted("target")
        filter_chain(tuple(self.filter or ()))
        for name in ("min_face", "bad_limit"):
            if not 0 <= getattr(self, name) <= 1:
                flag = name.replace("_", "-")
                raise BadOption(f"--{flag} is {getattr(self, name):g}, but must be a share 0 to 1.")
        if self.face_margin is not None and not 0 <= self.face_margin <= 10:
            raise BadOption(f"--face-margin is {self.face_margin:g}, but must be 0 to 10.")
        if self.min_side < 0 or not self.limit > 0:
            raise BadOption("--min-side must be at least 0 and --limit more than 0 megapixels.")
        return self

    def looks_for_faces(self) -> bool:
        """Whether any option needs to know where the faces are."""
        rules = self.faces != "keep" or self.no_face != "keep"
        return self.find_faces or rules or self.face_margin is not None

    def styles(self) -> tuple[str, ...]:
        """The names in --variant-styles; empty for all."""
        return tuple(
            each.strip() for each in (self.variant_styles or "").split(",") if each.strip()
        )

    def height_width(self) -> tuple[int, int]:
        """Final height and width."""
        try:
            sides = [int(side) for side in self.size.lower().split("x")]
        except ValueError:
            sides = []
        if len(sides) not in (1, 2) or not all(8 <= side <= 8192 for side in sides):
            raise BadOption(
                f"--size {self.size!r} is neither a side of 8 to 8192 pixels nor WIDTHxHEIGHT, "
                "e.g. --size 256 or --size 192x256"
            )
        return sides[-1], sides[0]

    def work(self) -> tuple[int, int]:
        """Height and width while the filter works: the aspect of the final size, not smaller."""
        short = min(self.height_width())
        wanted = max(256, short) if self.work_size is None else self.work_size
        if not short <= wanted <= 8192:
            raise BadOption(
                f"--work-size {wanted} must be at least the short side of --size, {short}, "
                "and at most 8192: what is smaller would be enlarged again."
            )
        height, width = self.height_width()
        return round(height * wanted / short), round(width * wanted / short)

    def colour(self) -> tuple[int, int, int]:
        """The background as RGB."""
        return colour(self.background)

    def wanted(self, domain: str | None = None) -> Wanted:
        """How many pictures per split; --counts may tell two domains apart."""
        parts = (self.counts or "").split(":")
        if domain is None or len(parts) != 2:
            return parse_wanted(self.fractions, self.counts)
        return parse_wanted(self.fractions, parts[domain == "target"])


@lru_cache(maxsize=4)
def filter_chain(texts: tuple[str, ...]) -> list[Callable[[Pixels], Pixels]]:
    """The filters with their parameters filled in, tried on a small picture."""
    chain = [parse_filter(text) for text in texts if text != "none"]
    for each in chain:
        each(np.full((64, 48, 3), 128, np.uint8))
    return chain


def colour(text: str) -> tuple[int, int, int]:
    """RGB of a colour name or #rrggbb."""
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        raise BadOption(f"No colour named {text!r}. Give a name or #rrggbb, e.g. white.") from None


def parse_filter(text: str) -> Callable[[Pixels], Pixels]:
    """`cartoon:levels=1,block=11` as a function of a picture; names and types are checked."""
    from portrayal.filters import filters

    name, _, rest = text.partition(":")
    function = filters[name]
    known = {k: v for k, v in inspect.signature(function).parameters.items() if k != "pixels"}
    values: dict[str, Any] = {}
    for part in rest.split(",") if rest else []:
        key, equals, value = part.partition("=")
        if not equals:
            raise BadOption(f"--filter {text}: write {name}:NAME=VALUE,... not {part!r}.")
        if key not in known:
            raise UnknownName(f"parameter of filter {name}", key, known)
        values[key] = _converted(f"--filter {text}: {key}", value, known[key].annotation)
    return partial(function, **values)


def _converted(what: str, value: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise BadOption(f"{what} must be one of {', '.join(get_args(kind))}, not {value!r}.")
        return value
    try:
        return {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
    except (ValueError, TypeError, KeyError):
        name = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, kind)
        raise BadOption(f"{what} must be {name}, not {value!r}.") from None
