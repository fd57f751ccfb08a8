"""The votes of a study: one SQLite file with a write-ahead log. Needs no torch.

A vote is acknowledged after it is on the disk, and stored once per (voter, trial): sent again after
a lost answer, it changes nothing. A voter is a number; of the token in their link only the hash is
kept, so that nobody who reads the file can vote or delete in their name. No address, no name.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from portrayal.core.errors import BadData, BadOption, CannotWrite

FILE = "votes.sqlite"
TABLES = """
CREATE TABLE IF NOT EXISTS voters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, also after a deletion
    token TEXT NOT NULL UNIQUE,                -- SHA-256
    joined TEXT NOT NULL                       -- a date
);
CREATE TABLE IF NOT EXISTS votes (
    voter INTEGER NOT NULL REFERENCES voters(number) ON DELETE CASCADE,
    trial TEXT NOT NULL,
    item TEXT NOT NULL,
    shown TEXT NOT NULL,                       -- JSON list of blinded names, left to right
    answer TEXT NOT NULL,                      -- one of them, or real, fake, 1, 2, ...
    ms INTEGER,
    PRIMARY KEY (voter, trial)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looks (             -- of studies with a time limit; no clock is kept
    voter INTEGER NOT NULL REFERENCES voters(number) ON DELETE CASCADE,
    trial TEXT NOT NULL,
    visit TEXT NOT NULL,                       -- drawn by the page that showed it
    PRIMARY KEY (voter, trial)
) WITHOUT ROWID;
"""
FREE = """
DELETE FROM voters WHERE number = (
    SELECT number FROM voters WHERE NOT EXISTS (SELECT 1 FROM votes WHERE voter = number)
    ORDER BY number LIMIT 1
)
"""


@dataclass(frozen=True)
class Vote:
    """One stored answer."""

    voter: int
    trial: str
    item: str
    shown: tuple[str, ...]
    answer: str
    ms: int | None


class Votes:
    """The votes in a study folder. Safe to use from many threads and after any kill."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        with self._open(create=True) as file:
            file.execute("PRAGMA journal_mode = WAL")
            file.executescript(TABLES)

    def join(self, most: int) -> str:
        """A new voter: the token for their link.

        When all places are taken, the one who has waited longest without a vote gives theirs up: a
        flood of joins can neither fill the disk nor keep out those who vote.
        """
        token = secrets.token_urlsafe(16)
        with self._writing() as file:
            count = file.execute("SELECT count(*) FROM voters").fetchone()[0]
            if count >= most and not file.execute(FREE).rowcount:
                raise BadOption(f"This study takes {most} voters and has them all.")
            today = datetime.now(UTC).date().isoformat()
            file.execute("INSERT INTO voters (token, joined) VALUES (?, ?)", (hashed(token), today))
        return token

    def voter(self, token: str) -> int | None:
        """The number of the voter with this token, from 1; None if there is none."""
        with self._open() as file:
            found = file.execute("SELECT number FROM voters WHERE token = ?", (hashed(token),))
            row = found.fetchone()
        return int(row[0]) if row else None

    def store(self, vote: Vote) -> str:
        """Keep a vote; the answer that is kept, which is the first one ever given."""
        with self._writing() as file:
            file.execute(
                "INSERT OR IGNORE INTO votes SELECT number, ?, ?, ?, ?, ? FROM voters "
                "WHERE number = ?",
                (vote.trial, vote.item, json.dumps(vote.shown), vote.answer, vote.ms, vote.voter),
            )
            kept = file.execute(
                "SELECT answer FROM votes WHERE voter = ? AND trial = ?", (vote.voter, vote.trial)
            ).fetchone()
        if kept is None:
            raise BadData("This voter has deleted their votes.")
        return str(kept[0])

    def trials(self, voter: int) -> set[str]:
        """The trials a voter has answered."""
        with self._open() as file:
            return {
                row[0] for row in file.execute("SELECT trial FROM votes WHERE voter=?", [voter])
            }

    def show(self, voter: int, trial: str, visit: str) -> bool:
        """Remember that a visit shows a trial's picture now; whether it is the only one that did.

        Asked again by the same visit, whose answer was lost, it is as true as before.
        """
        with self._writing() as file:
            file.execute(
                "INSERT OR IGNORE INTO looks SELECT number, ?, ? FROM voters WHERE number = ?",
                (trial, visit, voter),
            )
            kept = file.execute(
                "SELECT visit FROM looks WHERE voter = ? AND trial = ?", (voter, trial)
            ).fetchone()
        return kept is not None and kept[0] == visit

    def delete(self, voter: int) -> int:
        """Forget a voter and their votes, also in the file's free pages; how many votes."""
        with self._writing() as file:
            gone = file.execute("DELETE FROM votes WHERE voter = ?", [voter]).rowcount
            file.execute("DELETE FROM voters WHERE number = ?", [voter])
        with self._open() as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log held them too
        return int(gone)

    def counts(self) -> tuple[int, int]:
        """Voters and votes."""
        with self._open() as file:
            row = file.execute(
                "SELECT (SELECT count(*) FROM voters), (SELECT count(*) FROM votes)"
            ).fetchone()
        return int(row[0]), int(row[1])

    def __iter__(self) -> Iterator[Vote]:
        with self._open() as file:
            rows = file.execute(
                "SELECT voter, trial, item, shown, answer, ms FROM votes ORDER BY voter, trial"
            ).fetchall()
        for voter, trial, item, shown, answer, ms in rows:
            yield Vote(voter, trial, item, tuple(json.loads(shown)), answer, ms)

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        mode = "rwc" if create else "rw"
        try:
            file = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=30,
                isolation_level=None,
            )
        except sqlite3.Error as error:
            raise CannotWrite(f"Cannot open {self.path}: {error}.") from None
        try:
            file.execute("PRAGMA synchronous = FULL")  # a stored vote survives a power cut
            file.execute("PRAGMA foreign_keys = ON")
            file.execute("PRAGMA secure_delete = ON")
            yield file
        except sqlite3.Error as error:
            raise CannotWrite(f"{self.path}: {error}.") from error
        finally:
            file.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            except BaseException:
                file.execute("ROLLBACK")
                raise
            file.execute("COMMIT")


def hashed(token: str) -> str:
    """What is kept of a token; it holds 128 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
