"""Scores by groups of pictures: who is served worse, by how much, and could that be chance?

Works on the rows of pictures.jsonl alone, so that any column of the metadata can be asked later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption, UnknownName
from portrayal.evaluation.groups.columns import Groups, Rows, grouped
from portrayal.evaluation.summary import clusters_of, interval_of, known
from portrayal.metrics import metrics as catalogue
from portrayal.metrics.gaps import Gap, largest_gap
from portrayal.metrics.skin import UNKNOWN
from portrayal.metrics.statistics import Interval, holm
from portrayal.reports.results import Section

CLEAR = 0.05  # of a corrected p-value
NOTE = (
    "Groups are what a column says of pictures, often an annotator's guess, not what people are; "
    "a gap says that groups score differently, not why."
)
GAPS = (
    "The gap between the best and the worst group, with the interval of this pair and the p-value "
    "of no group differing (labels mixed up), corrected by Holm for all {tests} questions asked. "
    f"Groups of fewer than {{least}} pictures and '{UNKNOWN}' take no part."
)
Cell = str | float | None


@dataclass(frozen=True)
class Slice:
    """One metric by one column: the interval of each judged group, and the gap between them."""

    metric: str
    groups: Groups
    counts: dict[str, tuple[int, int]]  # by group: pictures with a value, pictures without
    intervals: dict[str, Interval]  # of groups large enough
    gap: Gap | None  # None: fewer than two groups can be compared

    @property
    def worst(self) -> str | None:
        """The group that the gap names as worse."""
        if self.gap is None:
            return None
        higher = catalogue.card(self.metric).better == "higher"
        return self.gap.lowest if higher else self.gap.highest


def slices_sections(
    pictures: Rows,
    metrics: Sequence[str],
    columns: Sequence[str],
    *,
    least: int = 10,
    seed: int = 0,
    draws: int = 10_000,
    part: str = "scores",
) -> list[Section]:
    """A table per column, and one of the gaps in all of them. `part`: "scores" or "content"."""
    if least < 2:
        raise BadOption(f"Groups of {least} picture have no interval; take 10.")
    if not metrics or not columns:
        raise BadOption("Slices need a metric and a column; say which.")
    by_column = [grouped(pictures, column) for column in dict.fromkeys(columns)]
    tables = [
        [sliced(pictures, metric, groups, least, seed, draws, part) for metric in metrics]
        for groups in by_column
    ]
    sections = [_column_section(table, least) for table in tables]
    return [*sections, _gap_section([found for table in tables for found in table], least)]


def sliced(
    pictures: Rows, metric: str, groups: Groups, least: int, seed: int, draws: int, part: str
) -> Slice:
    """The scores of one metric by the groups of one column."""
    values = _values(pictures, metric, part)
    places = np.array([groups.order.index(group) for group in groups.of])
    seen = np.isfinite(values)
    counts, intervals = {}, {}
    for number, group in enumerate(groups.order):
        mine = places == number
        counts[group] = int((mine & seen).sum()), int((mine & ~seen).sum())
        if counts[group][0] >= least:
            rows = [pictures[int(i)] for i in np.flatnonzero(mine)]
            intervals[group] = interval_of(metric, "translation", values[mine], rows, seed, draws)
    compared = [group for group in intervals if group not in groups.unknown]
    gap = None
    if len(compared) > 1:
        kept = np.flatnonzero(seen & np.isin(groups.of, compared))
        rows = [pictures[int(i)] for i in kept]
        names = [groups.of[int(i)] for i in kept]
        clusters = clusters_of(rows)
        gap = largest_gap(values[kept], names, clusters=clusters, seed=seed, draws=draws)
    return Slice(metric, groups, counts, intervals, gap)


def _values(pictures: Rows, metric: str, part: str) -> NDArray[np.float64]:
    """One number per picture, NaN where there is none. (N,)"""
    scores: list[Mapping[str, Any]] = [row.get(part) or {} for row in pictures]
    if not any(metric in row for row in scores):
        raise UnknownName("scored metric", metric, {name for row in scores for name in row})
    values = (row.get(metric) for row in scores)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _column_section(table: Sequence[Slice], least: int) -> Section:
    column = table[0].groups.column
    return Section(
        key=f"slices_{column}".replace(" ", ""),
        title=f"By {column}",
        note=NOTE,
        head=["metric", "group", "n", "mean", "low", "high", ""],
        rows=[row for found in table for row in _group_rows(found, least)],
    )


def _group_rows(found: Slice, least: int) -> Iterator[list[Cell]]:
    for group in found.groups.order:
        n, missing = found.counts[group]
        remarks = [f"{missing} without a value"] if missing else []
        bounds: list[Cell] = [None, None, None]
        if interval := found.intervals.get(group):
            bounds = [interval.value, known(interval.low), known(interval.high)]
            remarks += ["worst"] if group == found.worst else []
        else:
            remarks.append(f"too few to judge (under {least})")
        yield [_title(found.metric), group, n, *bounds, ", ".join(remarks)]


def _gap_section(table: Sequence[Slice], least: int) -> Section:
    gaps = [found.gap for found in table if found.gap]
    corrected = iter(holm([gap.p for gap in gaps]).tolist() if gaps else [])
    rows: list[list[Cell]] = []
    for found in table:
        if found.gap is None:
            nothing: list[Cell] = [None] * 5
            rows.append([_title(found.metric), found.groups.column, "", *nothing, "not compared"])
            continue
        pair, p = found.gap.interval, next(corrected)
        best = ({found.gap.highest, found.gap.lowest} - {found.worst}).pop()
        verdict = "differ" if p < CLEAR else "may be chance"
        bounds = [pair.value, known(pair.low), known(pair.high), found.gap.p, p]
        names = f"{found.worst} behind {best}"
        rows.append([_title(found.metric), found.groups.column, names, *bounds, verdict])
    return Section(
        key="slices_gaps",
        title="Largest gaps between groups",
        note=GAPS.format(tests=len(gaps), least=least),
        head=["metric", "column", "groups", "gap", "low", "high", "p", "p (Holm)", ""],
        rows=rows,
    )


def _title(metric: str) -> str:
    return catalogue.card(metric).title or metric
