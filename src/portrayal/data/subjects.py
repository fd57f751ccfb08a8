"""Who is on a picture, and which pictures were asked for in the test split."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, BadOption
from portrayal.core.runs import read_lines
from portrayal.data.options import Options


class Subjects:
    """The subject of a picture by the rule of --subject; counts pictures without one."""

    def __init__(self, options: Options) -> None:
        self.rule = options.subject
        self.pattern = None
        self.column: dict[str, str] = {}
        self.found = self.missing = 0
        self.folders: set[str] = set()  # the first two, while there is no rule
        if self.rule and self.rule.startswith("column:"):
            self.column = dict(read_column(options.table, self.rule.removeprefix("column:")))
        elif self.rule and self.rule != "folder":
            self.pattern = compiled("--subject", self.rule)

    def of(self, name: str, key: str, meta: dict[str, Any]) -> str | None:
        """The subject, or None for a picture that stands for itself."""
        subject = self._of(name, key, meta)
        if self.rule is None and subject is None and "split" not in meta and len(self.folders) < 2:
            self.folders.add(name.rpartition("/")[0])
        self.found += subject is not None
        self.missing += subject is None
        return subject

    def _of(self, name: str, key: str, meta: dict[str, Any]) -> str | None:
        if self.rule is None:
            return str(meta["subject"]) if meta.get("subject") is not None else None
        if self.rule == "folder":
            return name.rsplit("/", 1)[0] if "/" in name else None
        if self.pattern:
            match = self.pattern.search(name)
            return match.group(min(1, self.pattern.groups)) if match else None
        file = key.rsplit("/", 1)[-1]
        return next((self.column[k] for k in (key, name, file) if k in self.column), None)

    def notes(self) -> list[str]:
        """What a person should know about subjects."""
        if self.rule and self.missing:
            return [
                f"{self.missing} pictures have no subject by --subject and stand for themselves"
            ]
        if len(self.folders) > 1:
            return [
                "pictures lie in several folders; if a folder is one person, add --subject folder"
            ]
        return []

    def check(self) -> None:
        """Refuse a rule that says nothing about any picture."""
        if self.rule and not self.found:
            raise BadOption(
                f"--subject {self.rule} finds no subject for any of {self.missing} pictures. "
                "Compare it with their names, or leave it out."
            )


class Asked:
    """Which pictures --test-names asks for: a file of names, or a regular expression."""

    def __init__(self, rule: str | None) -> None:
        self.rule, self.names, self.pattern, self.found = rule, set[str](), None, 0
        if rule and Path(rule).is_file():
            lines = Path(rule).read_text(encoding="utf-8").splitlines()
            self.names = {line.strip() for line in lines if line.strip()}
        elif rule:
            self.pattern = compiled("--test-names", rule)

    def matches(self, name: str, key: str) -> bool:
        """Whether a picture is asked for, by its whole name with or without suffix or folder."""
        keys = {name, key, name.rsplit("/", 1)[-1], key.rsplit("/", 1)[-1]}
        if self.pattern:
            hit = any(self.pattern.fullmatch(each) for each in keys)
        else:
            hit = not self.names.isdisjoint(keys)
        self.found += hit
        return hit

    def check(self) -> None:
        """Refuse a rule that no picture fits."""
        if self.rule and not self.found:
            raise BadOption(f"--test-names {self.rule} fits no picture. Compare it with the names.")


def compiled(option: str, pattern: str) -> "re.Pattern[str]":
    """A regular expression, or one line about what is wrong with it."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise BadOption(f"{option} {pattern!r} is no regular expression: {error}.") from None


def read_column(table: Path | None, column: str) -> Iterator[tuple[str, str]]:
    """(picture, value) of one column of a CSV or JSON-lines file."""
    if table is None:
        raise BadOption(f"--subject column:{column} needs --table FILE, e.g. --table people.csv")
    count = 0
    for row in read_table(table):
        if column not in row:
            raise BadOption(
                f"{table} has no column {column!r}. It has: {', '.join(map(str, row))}."
            )
        keys = [k for k in ("file", "file_name", "name") if k in row] or list(row)[:1]
        count += 1
        if row[column] not in (None, ""):
            yield str(row[keys[0]]), str(row[column])
    if not count:
        raise BadData(f"{table} holds no rows.")


def read_table(table: Path) -> Iterator[dict[str, Any]]:
    """Rows of a CSV file with a header, or of a JSON-lines file."""
    if not table.is_file():
        raise BadData(f"--table {table}: no such file.")
    if table.suffix.lower() in (".jsonl", ".ndjson"):
        yield from read_lines(table)
        return
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.DictReader(file)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadData(f"--table {table} cannot be read as CSV: {error}.") from None
