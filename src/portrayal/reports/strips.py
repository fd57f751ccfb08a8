"""Test pictures of several runs: input, truth, and one column per model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal.reports.collect import Run
from portrayal.reports.comparison import Comparison
from portrayal.reports.gallery import Shot, shot

STRIPS = 8  # pictures shown


@dataclass(frozen=True)
class Strip:
    """One test picture: input, truth and every model's answer."""

    name: str
    shots: list[Shot]


def strips(comparison: Comparison, runs: Mapping[str, Run]) -> list[Strip]:
    """Evenly spaced test pictures: input, truth, one column per model."""
    names, last = comparison.names, len(comparison.names) - 1
    count = min(STRIPS, len(names))
    picked = sorted({round(i * last / max(1, count - 1)) for i in range(count)})
    rows = {name: {row["name"]: row for row in run.pictures} for name, run in runs.items()}
    return [
        Strip(
            names[index],
            [
                first_found(runs, rows, names[index], "source", "input"),
                first_found(runs, rows, names[index], "target", "truth"),
                *(
                    side_of(run, rows[name].get(names[index], {}), names[index], "fake", name)
                    for name, run in runs.items()
                ),
            ],
        )
        for index in picked
    ]


def first_found(
    runs: Mapping[str, Run], rows: Mapping[str, Mapping[str, Any]], name: str, side: str, alt: str
) -> Shot:
    """An input or a truth from the first run that still knows where it is."""
    found = (
        side_of(run, rows[model].get(name, {}), name, side, alt) for model, run in runs.items()
    )
    return next((each for each in found if each.uri), Shot(f"{name}, {alt}"))


def side_of(run: Run, row: Mapping[str, Any], name: str, side: str, alt: str) -> Shot:
    """One picture of a scored row."""
    results = run.results
    if results is None:
        return Shot(f"{name}, {alt}")
    file = row.get(f"{side}_file_name")
    if results.kind == "folders":
        place = results.data.get(side)
        return shot(Path(place) if isinstance(place, str) else None, file, f"{name}, {alt}")
    folder = run.folder if side == "fake" else run.data_folder
    if side == "fake":
        return shot(folder, file or f"translations/{results.split}/{name}.png", f"{name}, {alt}")
    folder = folder / results.split if folder else None
    return shot(folder, file or f"{side}/{name}.png", f"{name}, {alt}")
