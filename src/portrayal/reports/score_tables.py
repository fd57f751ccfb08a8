"""Scores ready for a page: a table for each question, and the tables beside them."""

from dataclasses import dataclass, field

from portrayal.reports.collect import Run
from portrayal.reports.gallery import Shot, shot
from portrayal.reports.results import (
    Question,
    Results,
    Score,
    Section,
    cell_text,
    comparison,
    decimals,
    interval_text,
    with_interval,
)


@dataclass(frozen=True)
class Whisker:
    """A mean and its interval in percent of the row's own axis."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TableRow:
    """One metric: the translator's score, the input's, and their difference."""

    title: str
    better: str
    protocol: str
    n: str
    texts: dict[str, str] = field(default_factory=dict)
    whiskers: dict[str, Whisker] = field(default_factory=dict)
    judgement: str = ""
    reason: str = ""
    tone: str = ""  # good, bad or empty
    why: str = ""  # not all pictures have a value


@dataclass(frozen=True)
class QuestionTable:
    """The scores that answer one question."""

    title: str
    lead: str
    rows: list[TableRow]
    has_input: bool
    has_real: bool


@dataclass(frozen=True)
class SectionTable:
    """A table beside the scores, ready for the page."""

    section: Section
    head: list[str]
    numeric: list[bool]  # of each column
    rows: list[list[str]]
    shots: list[Shot]


QUESTIONS: dict[Question, tuple[str, str]] = {
    "fidelity": ("Fidelity", "Each translation against its truth."),
    "content": ("Content", "Each translation against its own input: what did it keep?"),
    "known": (
        "Known half",
        "The input as the model drew it again, beside its answer, against the input.",
    ),
    "domain": (
        "Domain",
        "The set of translations against the set of real pictures; real pictures against other "
        "real ones show what a perfect translator gets.",
    ),
}


def questions(run: Run) -> list[QuestionTable]:
    """A table of scores for each question that was asked."""
    if run.results is None:
        return []
    tables = []
    for question, (title, lead) in QUESTIONS.items():
        if rows := score_table(run.results, question):
            answers = {answer for row in rows for answer in row.texts}
            tables.append(QuestionTable(title, lead, rows, "input" in answers, "real" in answers))
    return tables


def score_table(results: Results, question: Question) -> list[TableRow]:
    """Scores for reading: texts with equal digits, and whiskers on a shared axis per metric."""
    rows = []
    scores = results.of(question)
    for metric in dict.fromkeys(score.metric for score in scores):
        found = {s.answer: s for s in scores if s.metric == metric}
        first = found.get("translation") or next(iter(found.values()))
        judgement, _, reason = comparison(results, metric, question).partition(", ")
        pair = [score for score in found.values() if score.answer != "difference"]
        digits = {"difference": decimals([s for s in found.values() if s not in pair])}
        shared = decimals(pair)
        texts = {
            str(answer): with_interval(score, digits[answer] if score not in pair else shared)
            for answer, score in found.items()
        }
        rows.append(
            TableRow(
                f"{first.name}{f' ({first.unit})' if first.unit else ''}",
                first.better,
                "; ".join(text for text in (first.protocol, first.network) if text),
                first.count.partition(" (")[0],
                texts,
                whiskers(pair),
                judgement,
                reason,
                {"better": "good", "worse": "bad"}.get(judgement.split(" ")[0], ""),
                first.why,
            )
        )
    return rows


def section_tables(run: Run) -> list[SectionTable]:
    """The tables beside the scores, with their pictures embedded."""
    return [
        SectionTable(
            section,
            *printed(section),
            [shot(run.folder, file, f"{section.title}: {file}") for file in section.pictures],
        )
        for section in (run.results.sections if run.results else [])
    ]


def printed(section: Section) -> tuple[list[str], list[bool], list[list[str]]]:
    """Headings, which columns are numbers, and cells; bounds stand behind their value.

    A column before columns named "low" and "high" holds the values that these bound.
    """
    bounds = ["low", "high"]
    valued = [i for i in range(len(section.head) - 2) if section.head[i + 1 : i + 3] == bounds]
    kept = [i for i in range(len(section.head)) if not {i - 1, i - 2} & {*valued}]
    numeric = [all(not isinstance(row[i], str) for row in section.rows) for i in kept]
    texts = [p_cell if name in ("p", "p (Holm)") else cell_text for name in section.head]
    rows = [
        [triple_text(row[i : i + 3]) if i in valued else texts[i](row[i]) for i in kept]
        for row in section.rows
    ]
    return [section.head[i] for i in kept], numeric, rows


def triple_text(cells: list[str | float | None]) -> str:
    """Value, low and high in one cell, unless one of them is a word."""
    numbers = [cell for cell in cells if not isinstance(cell, str)]
    return interval_text(*numbers) if len(numbers) == 3 else cell_text(cells[0])


def p_cell(cell: str | float | None) -> str:
    """A cell of a column of p-values."""
    return cell_text(cell) if cell is None or isinstance(cell, str) else p_text(cell)


def p_text(p: float) -> str:
    """A p-value with as many digits as it is worth.

    >>> p_text(0.04999), p_text(0.00009), p_text(1.0)
    ('0.050', '< 0.0001', '1.00')
    """
    if p < 0.001:
        return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def whiskers(scores: list[Score]) -> dict[str, Whisker]:
    """Translation and input on one axis that holds both intervals; empty if one is infinite."""
    values = [v for s in scores for v in (s.value, s.low, s.high)]
    known = [v for v in values if v is not None]
    if len(known) < len(values) or not known:
        return {}
    low, high = min(known), max(known)
    span = (high - low) or 1.0

    def share(value: float | None) -> float:
        return round(6 + 88 * ((value or 0.0) - low) / span, 2)

    return {s.answer: Whisker(share(s.value), share(s.low), share(s.high)) for s in scores}
