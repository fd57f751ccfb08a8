"""The votes of people as a plot, and as the part of a page that studies and reports share."""

from collections.abc import Collection, Sequence
from html import escape
from typing import NamedTuple

from portrayal.reports.plots import Box, labelled, nice_ticks
from portrayal.reports.votes import ModelVotes, VoteResults
from portrayal.reports.votes_words import VALUES, filled, headline, pair_rows, remarks, table

LEFT, RIGHT, TOP, WIDTH = 190, 24, 30, 760  # of the plot, in its own units
NARROW, EDGE = 350, 12  # the same for phones: names stand above their bars
COLOURS = """
.poll{font:13px system-ui,sans-serif;color-scheme:light dark;--i:#17191f;--s:#5a606d;--r:#e5e6e8;
--c:#2952cc}@media screen and (prefers-color-scheme:dark){.poll{--i:#e9ebef;--s:#a3aab7;--r:#2a2f38;
--c:#8fabff}}.poll text{fill:var(--i)}.poll .soft{fill:var(--s)}.poll .rule{stroke:var(--r)}
.poll .chance{stroke:#8b919d;stroke-dasharray:4 4}.poll .dot{fill:var(--c)}
.poll .other{stroke:var(--c);stroke-width:1.5}
.poll .same{stroke:var(--c);stroke-width:7;stroke-opacity:.35}
"""


class People(NamedTuple):
    """A study's results, ready for a page."""

    found: VoteResults
    headline: str
    head: list[str]
    rows: list[tuple[str, ...]]
    pairs: list[list[str]]
    remarks: list[str]
    plot: str  # an SVG
    narrow: str  # the same for phones
    own: frozenset[str]  # models that the page is about


def people(found: VoteResults, own: Collection[str] = ()) -> People:
    """The part of a page about `own` models; it is said if people judged others."""
    head, rows = filled(*table(found))
    said = remarks(found)
    named = frozenset(own) & {row[0] for row in rows}
    if own and not named:
        said = [f"None of the models that people judged is named {' or '.join(own)}.", *said]
    plots = plot(found), plot(found, narrow=True)
    return People(found, headline(found), head, rows, pair_rows(found), said, *plots, named)


def plot(found: VoteResults, *, narrow: bool = False) -> str:
    """Each model's value with both intervals, and the chance line, as an SVG of its own."""
    models = found.ranked
    low, high = span(found, models)
    box = Box(low, high, 0, 1)
    width, left, row = (NARROW, EDGE, 48) if narrow else (WIDTH, LEFT, 34)

    def x(value: float) -> float:
        return round(left + box.left(value) / 100 * (width - left - RIGHT), 1)

    bottom = TOP + row * len(models)
    drawn = []
    for tick, text in labelled(nice_ticks(low, high)):
        shown = text if found.kind == "rating" else f"{100 * tick:g} %"
        drawn.append(f'<path class="rule" d="M{x(tick)} {TOP}V{bottom}"/>')
        drawn.append(label(shown, x(tick), bottom + 18))
    chance = {model.chance for model in models}
    if len(chance) == 1 and (luck := chance.pop()) is not None:
        drawn.append(f'<path class="chance" d="M{x(luck)} {TOP - 6}V{bottom}"/>')
        drawn.append(label("chance", x(luck), TOP - 12))
    for number, model in enumerate(models):
        y = TOP + row * number + (34 if narrow else row // 2)
        drawn.append(named(model.name, left, y, narrow=narrow))
        for kind, bounds in (("same", model.same), ("other", model.other)):
            if bounds.low is not None and bounds.high is not None:
                drawn.append(f'<path class="{kind}" d="M{x(bounds.low)} {y}H{x(bounds.high)}"/>')
        drawn.append(f'<circle class="dot" cx="{x(model.value)}" cy="{y}" r="5"/>')
    title = escape(f"{VALUES[found.kind]} by model. {headline(found)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="poll" role="img" '
        f'viewBox="0 0 {width} {bottom + 28}" aria-label="{title}">'
        f"<style>{COLOURS}</style>{''.join(drawn)}</svg>\n"
    )


def named(name: str, left: float, y: float, *, narrow: bool) -> str:
    """A model's name before its bar, or above it."""
    most = 40 if narrow else 24
    text = escape(name if len(name) <= most else f"…{name[1 - most :]}")
    if narrow:
        return f'<text x="{left}" y="{y - 14}">{text}</text>'
    return f'<text x="{left - 14}" y="{y + 4}" text-anchor="end">{text}</text>'


def label(text: str, x: float, y: float) -> str:
    """Small text centred at x."""
    return f'<text class="soft" x="{x}" y="{y}" text-anchor="middle">{text}</text>'


def span(found: VoteResults, models: Sequence[ModelVotes]) -> tuple[float, float]:
    """From 0 for shares, or just below the lowest rating, to just above the highest bound."""
    every = [
        value
        for m in models
        for value in (m.value, m.same.low, m.same.high, m.other.low, m.other.high, m.chance)
        if value is not None
    ]
    low, high = min(every), max(every)
    room = 0.05 * (high - low) or 0.1
    return (low - room, high + room) if found.kind == "rating" else (0.0, min(1.0, high + room))
