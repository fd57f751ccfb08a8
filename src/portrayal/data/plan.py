"""From the facts of all shards to a decision per picture: its split, or why it is dropped.

The plan is the same in every shard, because it hangs on names, facts, options and seed only. It
holds about 60 bytes per picture; names and facts are read again from the databases when needed.
"""

import heapq
import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData
from portrayal.core.seeds import mix
from portrayal.data.duplicates import Groups, join_duplicates
from portrayal.data.options import Options
from portrayal.data.split import FREE, SPLITS, TEST, TRAIN, UNUSED, assign
from portrayal.data.subjects import Asked, Subjects

Databases = Sequence[sqlite3.Connection]
GOOD = "SELECT name, key, rowid, facts, bits, source_bits FROM facts WHERE reason IS NULL "


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


@dataclass
class Columns:
    """What the plan is made from: compact arrays, one value per picture, in the order of names."""

    shard: "array[int]"
    rowid: "array[int]"
    bits: "array[int]"
    source_bits: "array[int]"
    subject: "array[int]"  # a number per subject; 0 for none
    order: "array[int]"
    given: "array[int]"  # the split that came with the source or --test-names, or FREE


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

    def groups(self) -> int:
        """Number of groups of near-duplicates."""
        return int((np.bincount(self.twin, minlength=1) > 1).sum())

    def facts(self, databases: Databases, index: int) -> dict[str, Any]:
        """Name, file and facts of one picture."""
        connection, rowid = databases[self.columns.shard[index]], self.columns.rowid[index]
        query = "SELECT name, key, facts FROM facts WHERE rowid = ?"
        name, key, text = connection.execute(query, (rowid,)).fetchone()
        return {"name": name, "file": key, **json.loads(text)}


Row = tuple[str, str, int, int, str, int, int]  # name, key, shard, rowid, facts, bits, source bits


def listing(databases: Databases) -> Iterator[Row]:
    """Readable, selected entries of all shards, by name."""
    return heapq.merge(*(rows(shard, connection) for shard, connection in enumerate(databases)))


def rows(shard: int, connection: sqlite3.Connection) -> Iterator[Row]:
    """Readable, selected entries of one shard, by name."""
    for name, key, *rest in connection.execute(GOOD + "ORDER BY name, key"):
        yield (name, key, shard, *rest)


def rejected(databases: Databases) -> Iterator[tuple[str, str]]:
    """(key, reason) of what the scan rejected, by key."""
    query = "SELECT key, reason FROM facts WHERE reason IS NOT NULL ORDER BY key"
    return heapq.merge(*(connection.execute(query) for connection in databases))


def refuse_bad(databases: Databases, options: Options, total: int) -> None:
    """Stop with one line when too many files could not be read."""
    query = "SELECT key, reason FROM facts WHERE bad ORDER BY key"
    bad = list(heapq.merge(*(connection.execute(query) for connection in databases)))
    if len(bad) > options.bad_limit * total:
        key, reason = bad[0]
        raise BadData(
            f"{len(bad)} or more of {total} files cannot be read ({len(bad) / total:.1%}, above "
            f"--bad-limit {options.bad_limit:g}); first {key}: {reason}. "
            "Mend or remove them, or raise --bad-limit."
        )


def read_columns(
    databases: Databases, options: Options, subjects: Subjects
) -> tuple[Columns, set[int]]:
    """The columns, and the splits that came with the source."""
    in_test = Asked(options.test_names)
    columns, closed = Columns(*(array(kind) for kind in "iqqqQQb")), set()
    for name, key, shard, rowid, text, bits, source_bits in listing(databases):
        meta = json.loads(text)["meta"]
        subject = subjects.of(name, key, meta)
        given = SPLITS.index(meta["split"]) if "split" in meta else FREE
        if given != FREE:
            closed.add(given)
        columns.shard.append(shard)
        columns.rowid.append(rowid)
        columns.bits.append(bits or 0)
        columns.source_bits.append(source_bits or 0)
        columns.subject.append(0 if subject is None else mix("subject", subject))
        columns.order.append(mix(options.seed, "split", name))
        columns.given.append(TEST if in_test.matches(name, key) else given)
    if len(columns.shard):
        subjects.check()
        in_test.check()
    return columns, closed - {TRAIN}


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
    roots, inverse = np.unique(unit[kept], return_inverse=True)
    if len(roots):
        sizes = np.bincount(inverse, minlength=len(roots)).astype(np.int64)
        order = np.frombuffer(columns.order, np.uint64)[roots]
        wanted = options.wanted()
        plan.split[kept] = assign(sizes, order, forced[roots], wanted, closed)[inverse]
        note_largest(plan, sizes)
    for index in np.flatnonzero(kept & (plan.split == UNUSED)).tolist():
        plan.reasons[index] = "not needed for --counts"
    return plan


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
            subjects.of(name, key, facts["meta"]) or (written if options.subject else None),
            group,
        )


def dropped(databases: Databases, plan: Plan) -> Iterator[tuple[str, str]]:
    """(file, reason) of everything that is not written, sorted by file."""
    by_plan = sorted((plan.facts(databases, i)["file"], why) for i, why in plan.reasons.items())
    return heapq.merge(rejected(databases), by_plan)
