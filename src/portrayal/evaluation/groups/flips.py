"""Does the translation keep what a picture shows? How often a recogniser changes its mind.

It looks at the truth (of unpaired data at the input) and at the translation. Flips below its own
error rate on real pictures mean nothing, so that rate stands beside them.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.groups.columns import grouped
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.recogniser import Recogniser, load_recogniser
from portrayal.evaluation.recognition.rows import Cells, Draws, over_pictures, share
from portrayal.evaluation.summary import clusters_of, known
from portrayal.reports.results import Section

LEAST = 5  # pictures of a group, below which its share says nothing
NONE = -1  # class of a picture whose row does not say
Classes = NDArray[np.int64]
HEAD = [
    "group",
    "n",
    *("flipped", "low", "high"),
    "n with label",
    *("not its label", "low", "high"),
    *("real: not its label", "low", "high"),
]


def flips_section(
    answers: Answers,
    file: Path | Recogniser,
    by: Sequence[str] = (),
    *,
    seed: int = 0,
    draws: int = 10_000,
    bar: Bar | None = None,
) -> Section:
    """Flip rates of all pictures, and by the groups of columns (see columns.py)."""
    recogniser = file if isinstance(file, Recogniser) else load_recogniser(file)
    about = recogniser.about
    if about.kind != "attribute":
        raise BadOption(f"{recogniser.label} sees class maps; flips need one of a --column.")
    column = about.column
    own = [column] if any(row.get(column) is not None for row in answers.rows) else []
    groups = [grouped(answers.rows, name) for name in dict.fromkeys([*own, *by])]
    before, after = seen_twice(answers, recogniser, bar)
    said = [recogniser.wanted(row) for row in answers.rows]
    labels = np.array([NONE if label is None else label for label in said])
    clusters = clusters_of(answers.rows)

    def rate(wrong: NDArray[np.bool_], here: NDArray[np.bool_]) -> list[float | None]:
        some = None if clusters is None else [clusters[index] for index in np.flatnonzero(here)]
        return share_of(wrong[here], Draws(seed, draws, some))

    def row(group: str, here: NDArray[np.bool_]) -> Cells:
        told = here & (labels != NONE)
        real = rate(before != labels, told) if answers.paired else [None] * 3
        shares = [rate(before != after, here), rate(after != labels, told), real]
        counts = [float(here.sum()), float(told.sum())]
        return [group, counts[0], *shares[0], counts[1], *shares[1], *shares[2]]

    rows = [row("all", np.ones(len(answers), bool))]
    for found in groups:
        of = np.array(found.of)
        rows += [row(f"{found.column} = {name}", of == name) for name in found.order]
    return Section(
        key="flips",
        title=f"Flips of {column}",
        note=note(answers, recogniser, before, after),
        head=HEAD,
        rows=rows,
    )


def seen_twice(
    answers: Answers, recogniser: Recogniser, bar: Bar | None
) -> tuple[Classes, Classes]:
    """The class of each truth (unpaired: input) and of its translation, (N,) each."""
    side = "target" if answers.paired else "source"

    def look(index: int) -> tuple[int, int]:
        pictures = answers.pictures(index)
        if side not in pictures:
            raise BadOption("Flips need the inputs of unpaired translations: give --input.")
        first, second = (recogniser.probabilities(pictures[name]) for name in (side, "fake"))
        return int(first.argmax()), int(second.argmax())

    pairs = np.array(over_pictures(look, len(answers), bar), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def share_of(wrong: NDArray[np.bool_], how: Draws) -> list[float | None]:
    """A share with its bounds; of too few pictures nothing."""
    if len(wrong) < LEAST:
        return [None] * 3
    found = share(wrong.astype(float), how)
    return [found.value, known(found.low), known(found.high)]


def note(answers: Answers, recogniser: Recogniser, before: Classes, after: Classes) -> str:
    """What was compared, how far it can be trusted, and which flips are commonest."""
    score, names = recogniser.about.held_out, recogniser.classes
    where = "truth" if answers.paired else "input"
    lines = [f"{recogniser.label}: its answer on the {where} against that on the translation."]
    if score:
        bounds = "" if score.low is None else f" [{1 - (score.high or 1):.3f}, {1 - score.low:.3f}]"
        lines.append(
            f"It is wrong on {1 - score.value:.3f}{bounds} of {score.n} held-out real pictures: "
            "flips below that mean nothing."
        )
    if not answers.paired:
        lines.append("It learned from targets only, so inputs may look strange to it.")
    turns = Counter((int(a), int(b)) for a, b in zip(before, after, strict=True) if a != b)
    if turns:
        told = (f"{names[a]} to {names[b]} {count}" for (a, b), count in turns.most_common(3))
        lines.append(f"Commonest: {', '.join(told)}.")
    lines.append(f"Groups of fewer than {LEAST} pictures have no share.")
    return " ".join(lines)
