"""The cheap first pass: facts per picture, kept on disk in SQLite, one file per shard.

Nothing here grows in memory with the number of pictures, and a scan that was killed goes on with
the pictures it had not looked at.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import Pixels, pixels_hash
from portrayal.core.runs import writing
from portrayal.data.duplicates import Look, look
from portrayal.data.item import Item, SetAside
from portrayal.data.options import Options
from portrayal.data.select import face_verdict, grey_verdict, is_grey
from portrayal.data.sources import Source
from portrayal.data.spread import Advance, spread

TABLES = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, name TEXT, bad INTEGER, reason TEXT,
    facts TEXT, bits INTEGER, thumbnail BLOB, source_bits INTEGER, source_thumbnail BLOB);
CREATE INDEX IF NOT EXISTS by_name ON facts (name, key);
"""
COMMIT_EVERY = 200  # pictures that a kill can make the scan look at again


@dataclass(frozen=True)
class Facts:
    """What the scan knows of one entry of a source."""

    key: str  # the entry's name in the source's listing
    name: str = ""  # the item's name
    bad: bool = False  # could not be read, as opposed to not selected
    reason: str | None = None  # why it is rejected
    facts: dict[str, Any] | None = None  # grey, face_share, face_box, meta
    target: Look | None = None
    source: Look | None = None  # of a pair


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count`, counted from 1."""

    index: int = 1
    count: int = 1

    def every(self) -> range:
        """The indices of all parts."""
        return range(1, self.count + 1)

    def holds(self, key: str) -> bool:
        """Whether an entry belongs to this part; does not depend on the other entries."""
        return crc32(key.encode("utf-8", "surrogateescape")) % self.count == self.index - 1


def database(path: Path, tables: str = TABLES) -> sqlite3.Connection:
    """The database of one shard, made if it is not there."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(tables)
    except sqlite3.DatabaseError as error:
        raise BadData(f"{path}: {error}. Delete {path.parent} and run the same command.") from None
    return connection


def scan(
    source: Source,
    options: Options,
    connection: sqlite3.Connection,
    shard: Shard,
    total: int,
    *,
    workers: int = 1,
    setup: Callable[[], None] | None = None,
    advance: Advance,
) -> None:
    """Look at every entry of the shard that the database does not know.

    `total` counts the entries of all shards. Ends early when too many files are bad.
    """
    examine_one = partial(examine, source, options)
    waiting = unknown(source.names(), connection, shard)
    bad = int(connection.execute("SELECT COALESCE(SUM(bad), 0) FROM facts").fetchone()[0])
    try:
        for count, facts in enumerate(spread(examine_one, waiting, workers, setup=setup), 1):
            store(connection, facts)
            bad += facts.bad
            if bad > options.bad_limit * total:
                break  # `columns.refuse_bad` says it, with the numbers
            advance(1)
            if count % COMMIT_EVERY == 0:
                connection.commit()
    finally:
        connection.commit()


def reading(path: Path) -> sqlite3.Connection:
    """A database that nobody writes any more; no locks, which network file systems do not like."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def unknown(names: Iterable[str], connection: sqlite3.Connection, shard: Shard) -> Iterator[str]:
    """Entries of the shard that were not looked at yet."""
    for key in names:
        if shard.holds(key) and not known(connection, key):
            yield key


def known(connection: sqlite3.Connection, key: str) -> bool:
    """Whether the scan has looked at this entry."""
    found = connection.execute("SELECT 1 FROM facts WHERE key = ?", (shown(key),))
    return found.fetchone() is not None


def shown(key: str) -> str:
    """A key as text: bytes of a file name that are not UTF-8 become escapes."""
    return key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def examine(source: Source, options: Options, key: str) -> Facts:
    """Facts of one entry. A picture that cannot be read is a fact too."""
    if shown(key) != key:
        return Facts(shown(key), bad=True, reason="file name is not UTF-8")
    try:
        item = source.load(key)
    except BadPicture as error:
        return Facts(key, bad=not isinstance(error, SetAside), reason=error.reason)
    picture = item.source if item.target is None else item.target
    facts: dict[str, Any] = {"grey": is_grey(picture), "meta": item.meta}
    facts["sha256"] = "".join(pixels_hash(p) for p in (picture, item.source))
    facts["face_share"], facts["face_box"] = face(item, options)
    if item.remark:
        facts["remark"] = item.remark
    reason = verdict(item, facts, options)
    if source.distinct or options.duplicates == "ignore":
        return Facts(key, item.name, reason=reason, facts=facts)
    second = None if item.target is None else look(item.source)
    return Facts(key, item.name, False, reason, facts, look(picture), second)


def face(item: Item, options: Options) -> tuple[float | None, list[int] | None]:
    """Share and box of the largest face: known, or looked for in the target, then the source."""
    if not options.looks_for_faces():
        return None, None
    if item.face is not None:
        height, width = (item.source if item.target is None else item.target).shape[:2]
        return round(item.face[2] * item.face[3] / (height * width), 4), list(item.face)
    from portrayal.features.faces import detector, find_faces

    for picture in (item.target, item.source):
        if picture is not None and (found := find_faces(picture, detector(options.detector))):
            largest = found[0]
            share = largest.w * largest.h / (picture.shape[0] * picture.shape[1])
            return round(share, 4), [largest.x, largest.y, largest.w, largest.h]
    return None, None


def verdict(item: Item, facts: dict[str, Any], options: Options) -> str | None:
    """Why an item is not selected; None if it stays."""
    pictures = [picture for picture in (item.source, item.target) if picture is not None]
    shortest = min(min(picture.shape[:2]) for picture in pictures)
    if shortest < options.min_side:
        return f"too small: short side {shortest}"
    if options.geometry != "squeeze" and not same_aspect(pictures):
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in pictures)
        return f"source and target differ in aspect: {sizes}"
    if reason := grey_verdict(facts["grey"], options.grey):
        return reason
    if not options.looks_for_faces():
        return None
    return face_verdict(facts["face_share"], options.faces, options.min_face, options.no_face)


def same_aspect(pictures: list[Pixels]) -> bool:
    """Whether pictures have the same aspect within 2 %, so that one geometry fits both."""
    aspects = [picture.shape[1] / picture.shape[0] for picture in pictures]
    return bool(max(aspects) <= 1.02 * min(aspects))


def store(connection: sqlite3.Connection, facts: Facts) -> None:
    """Keep the facts of one entry."""
    looks: list[int | bytes | None] = []
    for each in (facts.target, facts.source):
        looks += [None, None] if each is None else [signed_64(each.bits), each.thumbnail]
    text = json.dumps(facts.facts, ensure_ascii=False) if facts.facts else None
    row = (facts.key, facts.name, int(facts.bad), facts.reason, text, *looks)
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?,?,?,?,?,?,?,?,?)", row)


def signed_64(bits: int) -> int:
    """0..2**64 - 1 as the signed number that SQLite keeps."""
    return bits - (1 << 64) if bits >> 63 else bits
