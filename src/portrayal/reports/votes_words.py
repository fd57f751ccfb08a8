"""The votes of people in words, tables and CSV."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from portrayal.reports.votes import ALPHA, Bounds, PairVotes, VoteResults

FEW = 10  # voters; below, bounds for other voters are rough


class Row(NamedTuple):
    """One model as printed."""

    name: str
    votes: str
    value: str
    other: str
    strength: str
    chance: str


VALUES = {"choice": "Share", "real_or_fake": "Taken for real", "rating": "Mean rating"}


def table(found: VoteResults) -> tuple[list[str], list[Row]]:
    """Models from best to worst, with a head."""
    head = ["Model", "Votes", VALUES[found.kind], "Other voters", "Strength", "Against chance"]
    rows = []
    for model in found.ranked:
        counted = f"{model.votes:,} of {model.shown:,}"
        if found.kind == "rating":
            counted = f"{model.shown:,}"
        value = f"{written(found, model.value)} {interval(found, model.same)}".strip()
        strength = between(model.strength) if model.strength else "–"
        chance = "–"
        if model.chance is not None and model.p_chance is not None:
            side = "above" if model.value > model.chance else "below"
            chance = (
                f"{side}, {p_text(model.p_chance)}" if model.p_chance < ALPHA else "not told apart"
            )
        rows.append(
            Row(
                model.name,
                counted,
                value,
                interval(found, model.other) or "unknown",
                strength,
                chance,
            )
        )
    return head, rows


def filled(head: list[str], rows: list[Row]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The table without columns that this kind of study has nothing for."""
    kept = [k for k, cells in enumerate(zip(*rows, strict=True)) if set(cells) != {"–"}]
    return [head[k] for k in kept], [tuple(row[k] for k in kept) for row in rows]


def headline(found: VoteResults) -> str:
    """The verdict in one or two sentences."""
    best = found.ranked[0]
    what = {"choice": "was chosen in", "real_or_fake": "was taken for real in", "rating": "got"}
    unit = "of its choices" if found.kind == "choice" else "of its pictures"
    said = f"{best.name} {what[found.kind]} {written(found, best.value)}"
    said += f" {interval(found, best.same)}".rstrip()
    said += " on average" if found.kind == "rating" else f" {unit}"
    chance = {m.chance for m in found.models}
    if found.kind == "choice" and len(chance) == 1 and best.chance is not None:
        said += f", where chance is {100 * best.chance:.1f} %"
    same, other = len(found.holding()), len(found.holding(other=True))
    those = "this" if found.voters == 1 else "these"
    if len(found.pairs) == 1:
        here, there = ("holds" if held else "does not hold" for held in (same, other))
        return (
            f"{said}. The difference between the two models {here} among {those} "
            f"{people(found.voters)} and {there} for other voters."
        )
    return (
        f"{said}. Of {len(found.pairs)} differences between two models, {same} hold among "
        f"{those} {people(found.voters)} and {other} for other voters."
    )


def remarks(found: VoteResults) -> list[str]:
    """What a reader must know beside the numbers."""
    said = []
    if found.left_out:
        many = people(len(found.left_out))
        said.append(f"{many} failed checks and {found.votes_left_out} votes are left out for it.")
    if found.unfinished:
        said.append(
            f"{found.unfinished} of {people(found.voters)} stopped early; their votes count."
        )
    if found.smallest_p * len(found.pairs) >= ALPHA:
        said.append(
            f"With {people(found.voters)} no p-value over voters can be below "
            f"{found.smallest_p:.2g}, so no difference can hold for others."
        )
    if found.voters < FEW:
        said.append(f"Bounds for other voters stand on {people(found.voters)} and are rough.")
    kappa = found.agreement
    if kappa.value is not None:
        said.append(f"Agreement (Fleiss' kappa) {between(kappa)}; {found.agreement_note}.")
    else:
        said.append(f"Agreement (Fleiss' kappa) is unknown: {found.agreement_note}.")
    return [*said, *found.warnings]


def people(count: int) -> str:
    """How many voters.

    >>> people(1), people(1200)
    ('1 voter', '1,200 voters')
    """
    return "1 voter" if count == 1 else f"{count:,} voters"


def clearest(found: VoteResults) -> list[PairVotes]:
    """All pairs, clearest first."""
    return sorted(found.pairs, key=lambda pair: (pair.p_same, pair.p_other))


def pair_rows(found: VoteResults) -> list[list[str]]:
    """All pairs, clearest first: models, values, what holds, votes that would be needed."""
    rows = []
    for pair in clearest(found):
        one, two = (
            f"{v:.0f}" if found.kind == "choice" else written(found, v) for v in pair.values
        )
        needed = "–" if pair.needed is None else f"{pair.needed:,}"
        rows.append(
            [
                f"{pair.first} – {pair.second}",
                f"{one} : {two}",
                p_text(pair.p_same),
                p_text(pair.p_other),
                holds(pair),
                needed,
            ]
        )
    return rows


def holds(pair: PairVotes) -> str:
    """For whom a difference holds."""
    if pair.p_other < ALPHA:
        return "for other voters too" if pair.p_same < ALPHA else "for other voters"
    return "among these voters" if pair.p_same < ALPHA else "not told apart"


def written(found: VoteResults, value: float) -> str:
    """A share in percent, or a rating."""
    return f"{value:.2f}" if found.kind == "rating" else f"{100 * value:.1f} %"


def interval(found: VoteResults, bounds: Bounds) -> str:
    """[low, high], empty if unknown."""
    if bounds.low is None or bounds.high is None:
        return ""
    if found.kind == "rating":
        return f"[{bounds.low:.2f}, {bounds.high:.2f}]"
    return f"[{100 * bounds.low:.1f}, {100 * bounds.high:.1f}]"


def between(bounds: Bounds) -> str:
    """A plain number with its interval."""
    if bounds.value is None:
        return "unknown"
    ends = "" if bounds.low is None else f" [{bounds.low:.2f}, {bounds.high:.2f}]"
    return f"{bounds.value:.2f}{ends}".replace("-", "−")


def p_text(p: float) -> str:
    """A p-value in two digits."""
    return "p < .0001" if p < 1e-4 else f"p = {p:.2g}"


def scores_csv(found: VoteResults) -> Sequence[Sequence[Any]]:
    """The table of models as numbers."""
    head = ["model", "votes", "shown", "value", "low", "high", "other_low", "other_high", "chance",
            "p_chance", "strength", "strength_low", "strength_high"]  # fmt: skip
    rows: list[list[Any]] = [head]
    for m in found.ranked:
        s = m.strength or Bounds(value=None, low=None, high=None)
        rows.append([m.name, m.votes, m.shown, m.value, m.same.low, m.same.high, m.other.low,
                     m.other.high, m.chance, m.p_chance, s.value, s.low, s.high])  # fmt: skip
    return rows
