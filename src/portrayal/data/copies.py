"""Near-duplicates and subjects that lie in several splits, found in a SQLite file of facts."""

import sqlite3
from array import array
from functools import lru_cache
from typing import Any

import numpy as np

from portrayal.data.duplicates import Groups, join_duplicates

LISTED = 100  # leaks and copies named in full
TABLE = """CREATE TABLE pictures (place INTEGER PRIMARY KEY, split TEXT, name TEXT, subject TEXT,
    bits INTEGER, thumbnail BLOB)"""

Row = tuple[str, str, str | None, int, bytes]  # split, name, subject, signed bits, thumbnail


def keep(connection: sqlite3.Connection, row: Row) -> None:
    """Store what the search for copies needs of one picture."""
    insert = "INSERT INTO pictures (split, name, subject, bits, thumbnail) VALUES (?,?,?,?,?)"
    connection.execute(insert, row)


def copies(connection: sqlite3.Connection, *, look: bool = True) -> dict[str, Any]:
    """Groups of near-duplicates; those that lie in several splits are leaks."""
    if not look:
        return {"looked": False, "groups": 0, "pictures": 0, "leaks": 0, "listed": []}
    bits = array(
        "q", (b for (b,) in connection.execute("SELECT bits FROM pictures ORDER BY place"))
    )

    @lru_cache(maxsize=1 << 14)
    def thumbnail(index: int) -> bytes:
        found = connection.execute("SELECT thumbnail FROM pictures WHERE place = ?", (index + 1,))
        return bytes(found.fetchone()[0])

    groups = Groups(len(bits))
    join_duplicates(groups, np.frombuffer(bits, np.uint64), thumbnail)
    roots = groups.roots()
    order = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
    several = [m for m in np.split(order, starts[1:]) if len(m) > 1]
    listed = [members_of(connection, members.tolist()) for members in several]
    leaks = [group for group in listed if len({split for split, _ in group}) > 1]
    return {
        "looked": True,
        "groups": len(listed),
        "pictures": sum(len(group) for group in listed),
        "leaks": len(leaks),
        "listed": [
            {"pictures": [n if s == "all" else f"{s}/{n}" for s, n in group]}
            for group in (leaks + listed)[:LISTED]
        ],
    }


def members_of(connection: sqlite3.Connection, places: list[int]) -> list[tuple[str, str]]:
    """Split and name of some pictures."""
    query = "SELECT split, name FROM pictures WHERE place = ?"
    return [connection.execute(query, (place + 1,)).fetchone() for place in places]


def straddling(connection: sqlite3.Connection) -> dict[str, Any]:
    """Subjects that lie in several splits."""
    total = connection.execute("SELECT COUNT(DISTINCT subject) FROM pictures").fetchone()[0]
    query = """SELECT subject, GROUP_CONCAT(DISTINCT split) FROM pictures WHERE subject IS NOT NULL
        GROUP BY subject HAVING COUNT(DISTINCT split) > 1 ORDER BY subject"""
    leaks = [{"subject": s, "splits": sorted(t.split(","))} for s, t in connection.execute(query)]
    return {"subjects": total, "leaks": len(leaks), "listed": leaks[:LISTED]}
