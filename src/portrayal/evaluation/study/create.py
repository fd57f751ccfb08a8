"""Write a study folder: blinded pictures, the plan, and the key that is never served."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from portrayal import __version__
from portrayal.core.environment import command, now
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, encode_png
from portrayal.core.leftovers import clear_leftovers
from portrayal.core.runs import write_atomically, write_json
from portrayal.core.seeds import mix, numpy_rng
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.study.material import Material, ruined
from portrayal.evaluation.study.plan import REAL, Item, Kind, Role, Study, subsets

QUESTIONS = {
    "choice": "Which picture looks most real?",
    "real_or_fake": "Is this a real picture or a generated one?",
    "rating": "How real does this picture look?",
}
LEVELS = ("not at all", "a little", "somewhat", "mostly", "completely")
CONSENT = (
    "You will look at pictures and answer one short question about each. Taking part is voluntary: "
    "you can stop at any time, come back later by your own link, and delete all your answers. "
    "We store your answers and how long each took. We store no name, no address and no other data "
    "about you. The answers will be used for research and may be published in anonymous form."
)


@dataclass(frozen=True)
class Wanted:
    """The design of a study."""

    kind: Kind = "choice"
    ways: int | None = None  # None = all models at once
    items: int | None = None  # motifs drawn from all; None = all
    trials: int | None = None  # scored trials per voter; None = one per motif
    practice: int = 2
    checks: int = 3
    show_input: bool = False
    show_reference: bool = False
    seconds: float | None = None
    size: int | None = None  # longer side in pixels
    question: str | None = None
    title: str = "Looking at pictures"
    consent: str = CONSENT
    levels: tuple[str, ...] = LEVELS
    seed: int = 0


def create(
    out: Path,
    material: Material,
    wanted: Wanted = Wanted(),
    *,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Study:
    """Write OUT/pictures, OUT/key.json and, last, OUT/study.json."""
    if (out / "study.json").exists():
        raise BadData(f"{out} holds a study already, maybe with votes. Choose another folder.")
    for text in material.notes:
        note(text)
    check(material, wanted)
    for folder in (out, out / "pictures"):
        clear_leftovers(folder)
    writer = Writer(out, material, wanted)
    scored, practised = drawn(material, wanted)
    total = len(scored) + len(practised) + wanted.checks
    items = []
    with opened(bar, "Writing", total) as advance:
        for item in writer.items(scored, practised):
            items.append(item)
            advance(1)
    ways = wanted.ways or len(material.models)
    study = Study(
        kind=wanted.kind,
        title=wanted.title,
        question=wanted.question or QUESTIONS[wanted.kind],
        consent=wanted.consent,
        seed=wanted.seed,
        ways=ways if wanted.kind == "choice" else 1,
        trials=wanted.trials or len(scored),
        seconds=wanted.seconds,
        levels=wanted.levels if wanted.kind == "rating" else (),
        items=tuple(items),
    )
    write_json(out / "key.json", writer.key())
    write_json(out / "study.json", study.model_dump(mode="json"))
    return study


def check(material: Material, wanted: Wanted) -> None:
    """Refuse designs that cannot work, before any picture is made."""
    models = len(material.models)
    if wanted.kind == "choice":
        if models < 2:
            raise BadOption(f"A choice needs two models or more, not {models}.")
        if (wanted.ways or models) < 2:
            raise BadOption("A choice among 1 picture is none; --ways is 2 or more.")
        subsets(wanted.kind, models, wanted.ways or models, wanted.seed)
    elif wanted.ways is not None:
        raise BadOption("--ways is for --kind choice; other kinds show one picture at a time.")
    if wanted.kind == "real_or_fake" and material.real is None:
        raise BadOption("Real or fake needs real pictures: --real FOLDER.")
    if wanted.kind == "rating" and len(wanted.levels) < 2:
        raise BadOption(f"A rating needs 2 levels or more, not {len(wanted.levels)}.")
    for asked, read, option in (
        (wanted.show_input, material.input, "--input FOLDER"),
        (wanted.show_reference, material.truth, "--reference FOLDER"),
    ):
        if asked and read is None:
            raise BadOption(f"There is no such picture to show beside the others; give {option}.")
    if wanted.seconds is not None and not 0.05 <= wanted.seconds <= 600:
        raise BadOption(f"Pictures can be shown for 0.05 to 600 s, not {wanted.seconds:g}.")


def drawn(material: Material, wanted: Wanted) -> tuple[list[str], list[str]]:
    """Motifs that count and, apart from them, motifs to practise on, drawn from the seed."""
    count = len(material.names)
    items = wanted.items if wanted.items is not None else count - wanted.practice
    if items < 1 or items + wanted.practice > count:
        instead = ", or --practice 0" if items in range(1, count + 1) else ""
        raise BadData(
            f"{max(items, 1)} motifs and {wanted.practice} to practise on are more than the "
            f"{count} that there are. Choose fewer: --items {max(1, count - wanted.practice)}"
            f"{instead}."
        )
    if wanted.trials is not None and not 1 <= wanted.trials <= items:
        raise BadOption(f"Nobody can vote {wanted.trials} times on {items} motifs; see --trials.")
    order = numpy_rng(wanted.seed, "motifs").permutation(count)
    names = [material.names[index] for index in order]
    return sorted(names[:items]), sorted(names[items : items + wanted.practice])


class Writer:
    """Writes pictures under blinded names and remembers whose they are."""

    def __init__(self, out: Path, material: Material, wanted: Wanted) -> None:
        self.out, self.material, self.wanted = out, material, wanted
        self.models = [*material.models, *([REAL] if wanted.kind == "real_or_fake" else [])]
        self.pictures: dict[str, dict[str, str]] = {}
        self.names: dict[str, str] = {}
        self.answers: dict[str, str] = {}  # of the checks

    def items(self, scored: Sequence[str], practised: Sequence[str]) -> Iterator[Item]:
        """All items, one at a time; ids follow an order drawn from the seed."""
        roles: list[tuple[str, Role]] = [(name, "scored") for name in scored]
        roles += [(name, "practice") for name in practised]
        order = numpy_rng(self.wanted.seed, "ids").permutation(len(roles) + self.wanted.checks)
        for number, (name, role) in zip(order, roles, strict=False):
            yield self.item(f"i{number:04d}", name, role)
        for count, number in enumerate(order[len(roles) :]):
            yield self.check(f"i{number:04d}", scored[count % len(scored)], count)

    def item(self, id: str, name: str, role: Role) -> Item:
        """One motif by every model."""
        pictures = {model: self.scaled(self.read(model, name)) for model in self.models}
        sizes = {model: f"{each.shape[1]} x {each.shape[0]}" for model, each in pictures.items()}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{model} {size}" for model, size in sizes.items())
            raise BadData(
                f"{name!r} has a different size by model ({said}), which gives the models away. "
                "Use --size, or crop them alike."
            )
        self.names[id] = name
        options = tuple(self.write(model, name, each) for model, each in pictures.items())
        return Item(id=id, options=options, role=role, **self.beside(name))

    def check(self, id: str, name: str, number: int) -> Item:
        """A question whose answer is plain: one whole picture among ruins, or a ruin alone."""
        model = list(self.material.models)[number % len(self.material.models)]
        whole = self.scaled(self.read(model, name))
        ways = self.wanted.ways or len(self.models) if self.wanted.kind == "choice" else 1
        ruins = [ruined(whole, mix(self.wanted.seed, number, k)) for k in range(max(1, ways - 1))]
        owner = f"check {number + 1}"
        options = [self.write(f"{owner} ruin {k}", name, each) for k, each in enumerate(ruins)]
        self.names[id] = name
        self.answers[id] = {"real_or_fake": "fake", "rating": "low"}.get(self.wanted.kind, "")
        if self.wanted.kind == "choice":
            options.append(self.write(f"{owner} whole", name, whole))
            self.answers[id] = options[-1]
        return Item(id=id, options=tuple(options), role="check", **self.beside(name))

    def beside(self, name: str) -> dict[str, str | None]:
        """What is shown beside the options."""
        shown: dict[str, str | None] = {"input": None, "reference": None}
        for key, asked, read in (
            ("input", self.wanted.show_input, self.material.input),
            ("reference", self.wanted.show_reference, self.material.truth),
        ):
            if asked and read:
                shown[key] = self.write(f"shown {key}", name, self.scaled(read(name)))
        return shown

    def read(self, model: str, name: str) -> Pixels:
        """One picture; the real one of a motif is any real picture, each used equally often."""
        if model != REAL:
            return self.material.models[model](name)
        assert self.material.real  # held by `check`
        place = list(self.material.names).index(name)
        order = numpy_rng(self.wanted.seed, "reals").permutation(len(self.material.reals))
        return self.material.real(self.material.reals[order[place % len(order)]])

    def scaled(self, pixels: Pixels) -> Pixels:
        """With the longer side that was asked for."""
        size = self.wanted.size
        if size is None or max(pixels.shape[:2]) == size:
            return pixels
        height, width = (max(1, round(s * size / max(pixels.shape[:2]))) for s in pixels.shape[:2])
        picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(picture, np.uint8)

    def write(self, model: str, name: str, pixels: Pixels) -> str:
        """Store a picture under its blinded name, which is returned."""
        blind = f"{mix(self.wanted.seed, 'blind', model, name):016x}"
        if blind not in self.pictures:
            write_atomically(self.out / "pictures" / f"{blind}.png", encode_png(pixels))
            self.pictures[blind] = {"model": model, "item": name}
        return blind

    def key(self) -> dict[str, Any]:
        """key.json."""
        return {
            "format": 1,
            "models": self.models,
            "facts": self.material.facts,
            "pictures": self.pictures,
            "items": self.names,
            "checks": self.answers,
            "seed": self.wanted.seed,
            "command": command(),
            "version": __version__,
            "time": now(),
        }
