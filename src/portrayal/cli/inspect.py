"""`portrayal inspect DATA`: a table, a contact sheet and inspect.json."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from portrayal.core.errors import BadOption


def inspect(
    data: Annotated[Path, typer.Argument(help="Dataset folder, or any folder of pictures.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for contact_sheet.png and inspect.json; none: DATA/inspect, or "
            "inspect/NAME for a folder of pictures. E.g. --out look",
        ),
    ] = None,
    faces: Annotated[
        bool, typer.Option("--faces/--no-faces", help="Look for faces. E.g. --no-faces")
    ] = True,
    detector: Annotated[
        Literal["auto", "haar", "yunet"],
        typer.Option("--detector", help="Face detector. E.g. --detector haar"),
    ] = "auto",
    limit: Annotated[
        float,
        typer.Option("--limit", help="Pictures of more megapixels are not read. E.g. --limit 400"),
    ] = 100,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Processes; none: one per core. E.g. --workers 4"),
    ] = None,
) -> None:
    """Show what a dataset folder or a folder of pictures holds.

    Example: portrayal inspect data/faces
    """
    from portrayal.cli.progress import bar, say
    from portrayal.core.images import encode_png
    from portrayal.core.runs import write_atomically, write_json
    from portrayal.data.audit import audit
    from portrayal.data.contact import contact_sheet

    if workers is not None and workers < 1:
        raise BadOption(f"--workers is {workers}, but must be at least 1.")
    found = audit(data, faces=faces, detector=detector, limit=limit, workers=workers, bar=bar)
    dataset = found["kind"] == "dataset"
    place = out or (data / "inspect" if dataset else Path("inspect") / data.resolve().name)
    write_json(place / "inspect.json", found)
    write_atomically(place / "contact_sheet.png", encode_png(contact_sheet(data, limit=limit)))
    print_table(found)
    for line in verdicts(found):
        say(line)
    say(f"Contact sheet: {place / 'contact_sheet.png'}   all numbers: {place / 'inspect.json'}")


def print_table(found: dict[str, Any]) -> None:
    """One column per split, one row per fact."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=found["path"], title_justify="left")
    table.add_column("")
    for split in found["splits"]:
        table.add_column(split, justify="right")
    facts: dict[str, Callable[[dict[str, Any]], str]] = {
        "pictures": lambda s: str(s["pictures"]),
        "unreadable": lambda s: str(s["bad"]),
        "sizes": lambda s: shown_counts(s["sizes"], s["different_sizes"]),
        "short side": lambda s: spread_of(s["short_side"], "{:.0f}"),
        "modes": lambda s: shown_counts(s["modes"]),
        "formats": lambda s: shown_counts(s["formats"]),
        "grey": lambda s: of(s["grey"], s["pictures"]),
        "faces found": lambda s: (
            "not looked" if s["faces"] is None else of(s["faces"], s["pictures"])
        ),
        "face share": lambda s: spread_of(s["face_share"] or [], "{:.2f}"),
        "pairs of two sizes": lambda s: str(s["size_mismatches"]),
    }
    for title, text in facts.items():
        table.add_row(title, *(text(split) for split in found["splits"].values()))
    Console().print(table)


def shown_counts(counts: dict[str, int], different: int | None = None) -> str:
    """`256x256` where all are the same, else the first three with their counts."""
    kinds = len(counts) if different is None else different
    if kinds == 1:
        return next(iter(counts))
    listed = ", ".join(f"{name} ({count})" for name, count in list(counts.items())[:3])
    return listed + (f", {kinds - 3} more" if kinds > 3 else "") if counts else "-"


def spread_of(quartiles: list[float], form: str) -> str:
    """Median and range of a distribution."""
    if not quartiles:
        return "-"
    low, middle, high = (form.format(quartiles[i]) for i in (0, 2, 4))
    return middle if low == high else f"{middle} ({low} to {high})"


def plural(count: int, noun: str) -> str:
    """`1 group`, `2 groups`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def of(count: int, total: int) -> str:
    """A count with its share."""
    return f"{count} ({count / total:.0%})" if total else "0"


def verdicts(found: dict[str, Any]) -> list[str]:
    """What is wrong, or that nothing is."""
    copies, subjects = found["near_duplicates"], found["subjects"]
    lines = []
    if not copies["looked"]:
        lines.append("Near-duplicates: not looked for, the pictures are generated")
    elif copies["groups"]:
        first = ", ".join(copies["listed"][0]["pictures"][:3])
        groups = plural(copies["groups"], "group")
        lines.append(f"Near-duplicates: {copies['pictures']} pictures in {groups}, first {first}")
    else:
        lines.append("Near-duplicates: none")
    for what, leaks in (("near-duplicates", copies), ("subjects", subjects)):
        if leaks["leaks"]:
            lines.append(
                f"LEAK: {plural(leaks['leaks'], 'group')} of {what} in more than one split: "
                "scores on test would be too good. Prepare again"
                + (" with --subject." if what == "subjects" else ".")
            )
    if found["kind"] == "dataset" and not copies["leaks"] and not subjects["leaks"]:
        lines.append("Leaks across splits: none")
    for row in found["bad"][:3]:
        lines.append(f"Unreadable: {row['file']}: {row['reason']}")
    return lines
