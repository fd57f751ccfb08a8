"""The votes of a study, unblinded, or a table of votes by anybody, as a `Poll`."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.evaluation.study.plan import Kind, Role, Study, read_key, read_study
from portrayal.evaluation.study.votes import FILE, Votes

LOW = 0.5  # a check of a rating is passed in the lower half


@dataclass(frozen=True)
class Ballot:
    """One vote with the names of the models."""

    voter: str
    item: str
    shown: tuple[str, ...]
    answer: str  # a model, or real, fake, 1, 2, ...
    role: Role = "scored"
    passed: bool | None = None  # of a check
    ms: int | None = None


@dataclass(frozen=True)
class Poll:
    """All votes of one question."""

    kind: Kind
    question: str
    models: Sequence[str]
    ballots: Sequence[Ballot]
    title: str = ""
    asked: int = 0  # scored trials per voter; 0 = unknown


def read_poll(source: Path) -> Poll:
    """The votes in a study folder, or in a CSV file of votes."""
    return read_table(source) if source.is_file() else unblinded(source)


def unblinded(folder: Path) -> Poll:
    """The votes of a study with the names of the key."""
    study, key = read_study(folder), read_key(folder)
    if not (folder / FILE).exists():
        raise BadData(f"{folder} has no votes yet. Let people vote with: portrayal study serve.")
    owner = {name: facts["model"] for name, facts in key["pictures"].items()}
    roles = {item.id: item.role for item in study.items}
    ballots: list[Ballot] = []
    for vote in Votes(folder):
        role = roles.get(vote.item)
        if role is None or any(name not in owner for name in vote.shown):
            raise BadData(f"{folder}: a vote is for pictures that key.json does not know.")
        passed = (
            check_passed(study, key["checks"][vote.item], vote.answer) if role == "check" else None
        )
        ballots.append(
            Ballot(
                f"voter {vote.voter}",
                str(key["items"][vote.item]),
                tuple(owner[name] for name in vote.shown),
                owner.get(vote.answer, vote.answer),
                role,
                passed,
                vote.ms,
            )
        )
    return Poll(study.kind, study.question, key["models"], ballots, study.title, study.trials)


def check_passed(study: Study, wanted: str, answer: str) -> bool:
    """Whether a check got the plain answer."""
    if study.kind == "rating":
        return int(answer) <= max(1, int(LOW * len(study.levels)))
    return answer == wanted


def read_table(path: Path) -> Poll:
    """A CSV file with the columns voter and chosen, and if known votes (a count) and item.

    Every model of the file counts as shown each time.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"voter", "chosen"} <= rows[0].keys():
        raise BadData(f"{path} needs a line with the columns voter and chosen, and votes below.")
    models = tuple(dict.fromkeys(row["chosen"] for row in rows))
    ballots: list[Ballot] = []
    for number, row in enumerate(rows, 2):
        count = row.get("votes") or "1"
        if not count.isdigit():
            raise BadData(f"{path}, line {number}: {count!r} is no number of votes.")
        for _ in range(int(count)):
            item = row.get("item") or f"unknown {len(ballots)}"
            ballots.append(Ballot(row["voter"], item, models, row["chosen"]))
    return Poll("choice", "", models, ballots, path.stem.replace("_", " "))


def votes_csv(poll: Poll) -> list[list[Any]]:
    """All votes, one a row, with a head; the place is counted from 1."""
    rows: list[list[Any]] = [["voter", "item", "role", "shown", "chosen", "place", "passed", "ms"]]
    for b in poll.ballots:
        place = b.shown.index(b.answer) + 1 if b.answer in b.shown else ""
        passed = "" if b.passed is None else int(b.passed)
        rows.append([b.voter, b.item, b.role, "|".join(b.shown), b.answer, place, passed, b.ms])
    return rows
