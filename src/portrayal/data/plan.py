"""From the facts of all shards to a decision per picture: its split, or why it is dropped.

The plan is the same in every shard, because it hangs on names, facts, options and seed only. It
holds about 60 bytes per picture; names and facts are read again from the databases when needed.
"""

import heapq
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData, BadOption
from portrayal.data.columns import Columns, Databases, listing, own_name, read_columns, rejected
from portrayal.data.domains import SIDES
from portrayal.data.duplicates import Groups, join_duplicates
from portrayal.data.options import Options
from portrayal.data.split import FREE, SPLITS, TRAIN, UNUSED, Wanted, assign
from portrayal.data.subjects import Subjects


@dataclass(frozen=True)
class Planned:
    """One picture that will be written."""

    shard: int  # index of the database that knows it
    key: str
    name: str
    split: str
    facts: dict[str, Any]
    subject: str | None  # None when there is no rule: readers want one type per column
    group: str  # of near-duplicates: the name of its first picture; alone, its own name
    target: str | None = None  # name of the target's file where it is not `name`
    variant: int = 0  # 0: the source is made by the plain filter

    @property
    def domain(self) -> str | None:
        """ "source" or "target" of a picture without partner, whose name begins with it."""
        domain: str | None = self.facts["meta"].get("domain")
        return domain


@dataclass
class Plan:
    """Decisions by position in the listing by name; see `planned` for the pictures themselves."""

    split: NDArray[np.int8]  # (N,) 0 train, 1 val, 2 test, UNUSED
    twin: NDArray[np.int32]  # (N,) root of the near-duplicate group
    columns: Columns
    reasons: dict[int, str] = field(default_factory=dict)  # dropped by the plan
    notes: list[str] = field(default_factory=list)  # what a person should know

    def counts(self) -> dict[str, int]:
        """Pictures per split."""
        return {name: int((self.split == part).sum()) for part, name in enumerate(SPLITS)}

    def domains(self) -> dict[str, dict[str, int]]:
        """Pictures per split and domain, of unpaired data."""
        domain = np.frombuffer(self.columns.domain, np.int8)
        return {
            name: {
                side: int(((self.split == part) & (domain == number)).sum())
                for number, side in enumerate(SIDES)
            }
            for part, name in enumerate(SPLITS)
        }

    def groups(self) -> int:
        """Number of groups of near-duplicates."""
        return int((np.bincount(self.twin, minlength=1) > 1).sum())

    def facts(self, databases: Databases, index: int) -> dict[str, Any]:
        """Name, file and facts of one picture."""
        connection, rowid = databases[self.columns.shard[index]], self.columns.rowid[index]
        query = "SELECT name, key, facts FROM facts WHERE rowid = ?"
        name, key, text = connection.execute(query, (rowid,)).fetchone()
        return {"name": name, "file": key, **json.loads(text)}


def make_plan(databases: Databases, options: Options, *, distinct: bool = False) -> Plan:
    """Decide about every readable, selected picture."""
    subjects = Subjects(options)
    columns, closed = read_columns(databases, options, subjects)
    count = len(columns.shard)
    given = np.frombuffer(columns.given, np.int8)
    twins = Groups(count)
    if not distinct and options.duplicates != "ignore":
        join_looks(twins, columns, databases)
    twin = twins.roots()
    plan = Plan(np.full(count, UNUSED, np.int8), twin, columns, notes=subjects.notes())
    drop_copies(plan, given, databases, options)
    kept = np.array([index not in plan.reasons for index in range(count)], bool)
    unit = join_subjects(twins, np.frombuffer(columns.subject, np.uint64))
    forced = np.where(given == TRAIN, FREE, given).astype(np.int8)
    np.maximum.at(forced, unit, forced.copy())  # test before val before free
    note_moved(plan, given, forced[unit], kept)
    domain = np.frombuffer(columns.domain, np.int8)
    if (domain >= 0).any():
        assign_domains(plan, unit, kept, forced, options, closed)
    else:
        assign_units(plan, unit, kept, forced, options.wanted(), closed)
    for index in np.flatnonzero(kept & (plan.split == UNUSED)).tolist():
        plan.reasons[index] = "not needed for --counts"
    return plan


def assign_units(
    plan: Plan,
    unit: NDArray[np.int32],
    chosen: NDArray[np.bool_],
    forced: NDArray[np.int8],
    wanted: Wanted,
    closed: Collection[int],
) -> None:
    """Give the chosen pictures their splits, unit by unit."""
    roots, inverse = np.unique(unit[chosen], return_inverse=True)
    if len(roots):
        sizes = np.bincount(inverse, minlength=len(roots)).astype(np.int64)
        order = np.frombuffer(plan.columns.order, np.uint64)[roots]
        plan.split[chosen] = assign(sizes, order, forced[roots], wanted, closed)[inverse]
        note_largest(plan, sizes)


def assign_domains(
    plan: Plan,
    unit: NDArray[np.int32],
    kept: NDArray[np.bool_],
    forced: NDArray[np.int8],
    options: Options,
    closed: Collection[int],
) -> None:
    """Give each domain its own splits. A unit with pictures in both has one split all the same: the
    larger domain follows the smaller one."""
    domain = np.frombuffer(plan.columns.domain, np.int8)
    parts = {side: kept & (domain == number) for number, side in enumerate(SIDES)}
    for side, chosen in sorted(parts.items(), key=lambda part: int(part[1].sum())):
        if not chosen.any():
            raise BadData(f"No {side} picture is left, and unpaired data need both. Reject less.")
        try:
            assign_units(plan, unit, chosen, forced, options.wanted(side), closed)
        except (BadData, BadOption) as error:
            raise type(error)(f"{side} domain: {error}") from None
        settled = chosen & (plan.split != UNUSED)
        forced[unit[settled]] = plan.split[settled]


def join_looks(twins: Groups, columns: Columns, databases: Databases) -> None:
    """Join near-duplicates: pictures whose targets look alike, and pairs whose sources do."""
    for bits, column in ((columns.bits, "thumbnail"), (columns.source_bits, "source_thumbnail")):
        query = f"SELECT {column} FROM facts WHERE rowid = ?"

        @lru_cache(maxsize=1 << 14)
        def thumbnail(index: int, query: str = query) -> bytes:
            found = databases[columns.shard[index]].execute(query, (columns.rowid[index],))
            return bytes(found.fetchone()[0])

        if any(bits):
            join_duplicates(twins, np.frombuffer(bits, np.uint64), thumbnail)


def join_subjects(twins: Groups, subject: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Roots (N,) of the units: near-duplicates and pictures of one subject. Changes `twins`."""
    order = np.argsort(subject, kind="stable")
    same = (subject[order][1:] == subject[order][:-1]) & (subject[order][1:] != 0)
    for position in np.flatnonzero(same).tolist():
        twins.join(int(order[position]), int(order[position + 1]))
    return twins.roots()


def drop_copies(
    plan: Plan, given: NDArray[np.int8], databases: Databases, options: Options
) -> None:
    """Keep one of each group where duplicates are dropped: one given to test, or the first name."""
    if options.duplicates not in ("drop", "drop_exact"):
        return
    members: dict[int, list[int]] = {}
    sizes = np.bincount(plan.twin, minlength=len(plan.twin))
    for index in np.flatnonzero(sizes[plan.twin] > 1).tolist():
        members.setdefault(int(plan.twin[index]), []).append(index)
    for group in members.values():
        first = sorted(group, key=lambda index: (-int(given[index]), index))
        known: dict[str, int] = {}
        for index in first:
            facts = plan.facts(databases, index)
            same = facts["sha256"] if options.duplicates == "drop_exact" else ""
            if same in known:
                what = "exact copy" if options.duplicates == "drop_exact" else "near-duplicate"
                kept = plan.facts(databases, known[same])["file"]
                plan.reasons[index] = f"{what}: of {kept}"
            known.setdefault(same, index)


def note_moved(
    plan: Plan, given: NDArray[np.int8], forced: NDArray[np.int8], kept: NDArray[np.bool_]
) -> None:
    """Say when given splits had to be changed because a unit would have straddled them."""
    moved = int((kept & (given != FREE) & (forced != FREE) & (given != forced)).sum())
    if moved:
        plan.notes.append(
            f"{moved} pictures left the split they came with, because a near-duplicate or the same "
            "subject is in another one (test goes before val, val before train)"
        )


def note_largest(plan: Plan, sizes: NDArray[np.int64]) -> None:
    """Say when one unit is so large that the split cannot be what was asked for."""
    if len(sizes) > 1 and sizes.max() > 0.2 * sizes.sum() and sizes.sum() > 20:
        share = sizes.max() / sizes.sum()
        plan.notes.append(
            f"one group of pictures that must stay together holds {share:.0%} of all; "
            "see --subject and --duplicates"
        )


def planned(databases: Databases, plan: Plan, options: Options) -> Iterator[Planned]:
    """The pictures to write, by name, and each with what the plan decided."""
    subjects = Subjects(options)
    sizes = np.bincount(plan.twin, minlength=len(plan.twin))
    earlier, copies = "", 0
    for index, (name, key, shard, _, text, *_) in enumerate(listing(databases)):
        copies = copies + 1 if name == earlier else 0
        earlier = name
        if plan.split[index] == UNUSED:
            continue
        facts = json.loads(text)
        root = int(plan.twin[index])
        written = f"{name}~{copies + 1}" if copies else name  # a.jpg and a.png of one folder
        group = plan.facts(databases, root)["name"] if sizes[root] > 1 else written
        yield Planned(
            shard,
            key,
            written,
            SPLITS[plan.split[index]],
            facts,
            subjects.of(own_name(name, facts["meta"]), key, facts["meta"])
            or (written if options.subject else None),
            group,
        )


def dropped(databases: Databases, plan: Plan) -> Iterator[tuple[str, str]]:
    """(file, reason) of everything that is not written, sorted by file."""
    by_plan = sorted((plan.facts(databases, i)["file"], why) for i, why in plan.reasons.items())
    return heapq.merge(rejected(databases), by_plan)
