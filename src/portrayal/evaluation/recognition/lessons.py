"""What a recogniser learns from: real target pictures and what is to be seen in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.core.palette import CLASS_COLOURS
from portrayal.data.domains import Side
from portrayal.evaluation.recognition.labels import (
    VOID,
    Map,
    column_classes,
    is_painted,
    label_map,
    named_classes,
    painted_map,
    require_fit,
)
from portrayal.evaluation.recognition.recogniser import About, Recogniser

Row = dict[str, Any]
Label = Map | int
Example = Callable[[int], tuple[Pixels, Label]]  # index -> picture and what to see in it


@dataclass(frozen=True)
class Plan:
    """How a recogniser is trained."""

    steps: int = 300
    batch: int = 8
    size: int = 128  # longest side at which it sees, in pixels
    width: int | None = None  # None: the network's own
    network: str | None = None  # None: segmenter or classifier
    rate: float = 1e-2
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch", 2), ("size", 16)):
            if (value := getattr(self, name)) < least:
                raise BadOption(f"--{name} is {value}, but must be at least {least}.")


@dataclass(frozen=True)
class Lesson:
    """What is learned, and the pictures that show it."""

    about: About
    rows: Sequence[Row]
    example: Example
    classes: Sequence[int] = ()  # of each picture, for an attribute

    def __len__(self) -> int:
        return len(self.rows)


def column_lesson(side: Side, column: str, plan: Plan, bins: int | None = None) -> Lesson:
    """Pictures that have a value in the column, which becomes classes."""
    rows = list(side.rows())
    classes, edges = column_classes(column, rows, bins)
    about = About(
        **common(side, plan, "classifier"),
        kind="attribute",
        classes=classes,
        column=column,
        edges=edges,
    )
    return same_lesson(about, side)


def maps_lesson(data: Path, side: Side, plan: Plan) -> Lesson:
    """Pictures that have a class map: a file of labels, or the painted area of generated shapes."""
    rows = list(side.rows())
    if (side.folder / "labels").is_dir():
        most = max((_most(label_map(side.folder, row["name"])) for row in rows), default=-1)
        classes, source = named_classes(data, most), "labels"
    elif is_painted(rows):
        classes, source = ["background", *CLASS_COLOURS], "painted"
    else:
        raise BadData(
            f"{side.folder} has no labels folder. Put class maps there (labels/NAME.png, palette "
            "or grey), or learn a column instead: --column NAME."
        )
    about = About(**common(side, plan, "segmenter"), kind="maps", classes=classes, maps=source)
    return same_lesson(about, side)


def _most(labels: Map | None) -> int:
    """The highest class number of a map, void apart."""
    return -1 if labels is None or (labels == VOID).all() else int(labels[labels != VOID].max())


def common(side: Side, plan: Plan, network: str) -> dict[str, Any]:
    """What both kinds say about themselves."""
    if not len(side):
        raise BadData(f"{side.folder} has no {side.name} pictures to learn from.")
    height, width = side.picture(0).shape[:2]
    factor = min(1.0, plan.size / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    name = plan.network or network
    usual = {"segmenter": 8}.get(name, 16)
    facts = {"seed": plan.seed, "steps": plan.steps, "batch": plan.batch}
    return {"network": name, "width": plan.width or usual, "size": size, **facts}


def same_lesson(about: About, side: Side) -> Lesson:
    """The pictures of another split that show what `about` learns."""
    rows = list(side.rows())
    knows = Recogniser(about, nn.Identity(), choose_place("cpu", "float32"))
    wanted: dict[int, int] = {}
    if about.kind == "attribute":
        wanted = {i: c for i, row in enumerate(rows) if (c := knows.wanted(row)) is not None}
        kept = list(wanted)
    else:
        files = about.maps == "labels"
        path = side.folder / "labels"
        kept = [i for i, r in enumerate(rows) if not files or (path / f"{r['name']}.png").exists()]

    def example(index: int) -> tuple[Pixels, Label]:
        place = kept[index]
        picture, row = side.picture(place), rows[place]
        if about.kind == "attribute":
            return picture, wanted[place]
        labels = label_map(side.folder, row["name"]) if about.maps == "labels" else None
        labels = painted_map(picture, row) if labels is None else labels
        require_fit(row["name"], labels, picture)
        return picture, labels

    if len(kept) < 2:
        raise BadData(
            f"{side.folder} has {len(kept)} pictures with a label; at least 2 are needed."
        )
    return Lesson(about, [rows[i] for i in kept], example, list(wanted.values()))
