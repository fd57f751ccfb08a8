"""What `portrayal study results` prints."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from portrayal.reports.votes import VoteResults


def show(found: "VoteResults") -> None:
    """The models from best to worst, what is to be known, and the differences that hold."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from portrayal.reports.votes_words import (
        clearest,
        filled,
        headline,
        holds,
        p_text,
        people,
        remarks,
        table,
    )

    head, rows = filled(*table(found))
    shown = Table(box=box.SIMPLE, caption=f"{found.votes:,} votes by {people(found.voters)}")
    for heading in head:
        shown.add_column(heading, justify="left" if heading == "Model" else "right")
    for row in rows:
        shown.add_row(*map(escape, row))
    Console().print(shown)
    typer.echo(headline(found))
    for text in remarks(found):
        typer.echo(text)
    for pair in clearest(found):
        if (said := holds(pair)) != "not told apart":
            names = (pair.first, pair.second)
            better, worse = names if pair.values[0] > pair.values[1] else names[::-1]
            p = p_text(pair.p_same if said == "among these voters" else pair.p_other)
            typer.echo(f"  {better} before {worse} {said} ({p})")
