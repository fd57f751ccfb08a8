"""The facts of all shards, by name: read row by row, or as compact columns to plan with."""

import heapq
import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.seeds import mix
from portrayal.data.domains import SIDES
from portrayal.data.options import Options
from portrayal.data.split import FREE, SPLITS, TEST, TRAIN
from portrayal.data.subjects import Asked, Subjects

Databases = Sequence[sqlite3.Connection]
GOOD = "SELECT name, key, rowid, facts, bits, source_bits FROM facts WHERE reason IS NULL "


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
    domain: "array[int]"  # 0 source or 1 target of unpaired data, or -1


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


def remarks(databases: Databases) -> list[str]:
    """What is wrong with pictures that stay: each kind with its number and its first case."""
    query = "SELECT key, facts FROM facts WHERE reason IS NULL AND facts LIKE ? ORDER BY key"
    found: dict[str, tuple[int, str]] = {}
    for key, text in heapq.merge(*(each.execute(query, ('%"remark"%',)) for each in databases)):
        kind, _, case = str(json.loads(text).get("remark", "")).partition(": ")
        count, first = found.get(kind, (0, f"{key}: {case}" if case else key))
        found[kind] = count + 1, first
    return [f"{kind}: {n} pictures, first {first}" for kind, (n, first) in found.items() if kind]


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
    columns, closed = Columns(*(array(kind) for kind in "iqqqQQbb")), set()
    for name, key, shard, rowid, text, bits, source_bits in listing(databases):
        meta = json.loads(text)["meta"]
        subject = subjects.of(own_name(name, meta), key, meta)
        given = SPLITS.index(meta["split"]) if "split" in meta else FREE
        if given != FREE:
            closed.add(given)
        columns.shard.append(shard)
        columns.rowid.append(rowid)
        columns.bits.append(bits or 0)
        columns.source_bits.append(source_bits or 0)
        columns.subject.append(0 if subject is None else mix("subject", subject))
        columns.order.append(mix(options.seed, "split", name))
        asked = in_test.matches(own_name(name, meta), key)
        columns.given.append(TEST if asked else given)
        columns.domain.append(SIDES.index(meta["domain"]) if "domain" in meta else -1)
    if len(columns.shard):
        subjects.check()
        in_test.check()
    return columns, closed - {TRAIN}


def own_name(name: str, meta: dict[str, Any]) -> str:
    """The name of an item without the domain, which only keeps names of two domains apart."""
    return name.removeprefix(f"{meta['domain']}/") if "domain" in meta else name
