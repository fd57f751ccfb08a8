"""The files of a study's results: votes.html (opens offline), votes.svg, votes.json, scores.csv."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from portrayal.core.runs import write_atomically, write_json
from portrayal.reports.pages import templates
from portrayal.reports.votes import FILE, VoteResults
from portrayal.reports.votes_plot import people, plot
from portrayal.reports.votes_words import scores_csv


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
    return templates().get_template("votes.html").render(found=found, people=people(found))


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
