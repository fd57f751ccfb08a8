"""The files of a study's results: votes.html (opens offline), votes.svg, votes.json, scores.csv."""

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from portrayal.core.runs import write_atomically, write_json
from portrayal.reports.pages import templates
from portrayal.reports.plots import Box, labelled, nice_ticks
from portrayal.reports.votes import FILE, ModelVotes, VoteResults
from portrayal.reports.votes_words import (
    VALUES,
    headline,
    pair_rows,
    remarks,
    scores_csv,
    table,
)

ROW, LEFT, RIGHT, TOP, WIDTH = 34, 190, 24, 30, 760  # of the plot, in its own units
COLOURS = """
svg{font:13px system-ui,sans-serif;color-scheme:light dark}
text{fill:#17191f}.soft{fill:#5a606d}.rule{stroke:#e5e6e8}
.chance{stroke:#8b919d;stroke-dasharray:4 4}
.other{stroke:#2952cc;stroke-width:1.5}.same{stroke:#2952cc;stroke-width:7;stroke-opacity:.35}
.dot{fill:#2952cc}
@media(prefers-color-scheme:dark){text{fill:#e9ebef}.soft{fill:#a3aab7}.rule{stroke:#2a2f38}
.other,.same{stroke:#8fabff}.dot{fill:#8fabff}}
"""


def write_votes(out: Path, found: VoteResults, votes: Iterable[Sequence[Any]]) -> Path:
    """Write everything into a folder; the page is returned."""
    write_json(out / FILE, found.model_dump(mode="json"))
    write_atomically(out / "votes.csv", csv_text(votes))
    write_atomically(out / "scores.csv", csv_text(scores_csv(found)))
    write_atomically(out / "votes.svg", plot(found))
    write_atomically(out / "votes.html", page(found))
    return out / "votes.html"


def page(found: VoteResults) -> str:
    """The whole page as a string."""
    head, rows = table(found)
    content = {
        "found": found,
        "headline": headline(found),
        "remarks": remarks(found),
        "head": head,
        "rows": rows,
        "pairs": pair_rows(found),
        "plot": plot(found),
    }
    return templates().get_template("votes.html").render(**content)


def plot(found: VoteResults) -> str:
    """Each model's value with both intervals, and the chance line, as an SVG of its own."""
    models = found.ranked
    low, high = span(found, models)
    box = Box(low, high, 0, 1)

    def x(value: float) -> float:
        return round(LEFT + box.left(value) / 100 * (WIDTH - LEFT - RIGHT), 1)

    bottom = TOP + ROW * len(models)
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
        y = TOP + ROW * number + ROW // 2
        name = model.name if len(model.name) <= 24 else f"…{model.name[-23:]}"
        drawn.append(f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        for kind, bounds in (("same", model.same), ("other", model.other)):
            if bounds.low is not None and bounds.high is not None:
                drawn.append(f'<path class="{kind}" d="M{x(bounds.low)} {y}H{x(bounds.high)}"/>')
        drawn.append(f'<circle class="dot" cx="{x(model.value)}" cy="{y}" r="5"/>')
    title = escape(f"{VALUES[found.kind]} by model. {headline(found)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 28}" role="img" '
        f'aria-label="{title}"><style>{COLOURS}</style>{"".join(drawn)}</svg>\n'
    )


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


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a CSV file; what a spreadsheet would take for a formula gets an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in rows:
        writer.writerow(
            [
                f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t" and cell else cell
                for cell in row
            ]
        )
    return file.getvalue()
