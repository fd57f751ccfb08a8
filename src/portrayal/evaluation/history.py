"""What a run was scored on before: RUN/evaluations.jsonl. The test split is for the end, once."""

from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.runs import append_line, read_json, read_lines
from portrayal.reports.results import Results, search_text

FILE = "evaluations.jsonl"


def warnings_of(run: Path, results: Results) -> list[str]:
    """Warnings about choosing on the test split, before this evaluation is remembered."""
    found = []
    others = other_models(run, results)
    if results.split == "test" and others:
        steps = ", ".join(sorted({named(row) for row in others}))
        models = len({(row.get("model"), search_text(row)) for row in others})
        alike = all(row.get("model") == results.model.get("hash") for row in others)
        one, several = ("search", "searches") if alike else ("model", "models")
        found.append(
            f"The test split was scored before with {models} other "
            f"{one if models == 1 else several} of this run ({len(others)} times; checkpoint "
            f"{steps}): whoever chooses among them chooses on the test split, and the score is too "
            "good. Choose on --split val."
        )
    checkpoint = str(results.model.get("checkpoint", ""))
    if (split := chosen_on(run, checkpoint)) not in ("", "val"):
        found.append(
            f"{checkpoint} was chosen on the {split} split, not on val"
            + (": its score there is too good." if split == results.split else ".")
        )
    return found


def other_models(run: Path, results: Results) -> list[dict[str, Any]]:
    """Evaluations of this split and these data with other weights, or by another search."""
    ours = (results.model.get("hash"), search_text(results.model))
    return [
        row
        for row in known_evaluations(run)
        if row.get("split") == results.split
        and row.get("data") == results.data.get("sha256")
        and (row.get("model"), search_text(row)) != ours
    ]


def named(row: dict[str, Any]) -> str:
    """The checkpoint of an evaluation, and its search if that was not the run's own."""
    search = search_text(row)
    return str(row.get("checkpoint", "?")) + (f" with {search}" if search else "")


def known_evaluations(run: Path) -> list[dict[str, Any]]:
    """All rows that can be read; a broken file is a history unknown, no reason to stop."""
    try:
        return [row for row in read_lines(run / FILE) if isinstance(row, dict)]
    except BadData:
        return []


def chosen_on(run: Path, checkpoint: str) -> str:
    """The split that chose a best_METRIC checkpoint; empty if none did or nobody says."""
    if not checkpoint.startswith("best_"):
        return ""
    try:
        return str(read_json(run / "checkpoints" / f"{checkpoint}.json").get("split", ""))
    except BadData:
        return ""


def remember(run: Path, results: Results) -> None:
    """Add one line about this evaluation."""
    row = {
        "time": results.time,
        "split": results.split,
        "data": results.data.get("sha256"),
        "checkpoint": results.model.get("checkpoint"),
        "step": results.model.get("step"),
        "model": results.model.get("hash"),
        "metrics": results.metrics(),
        **({"search": search} if (search := results.model.get("search")) else {}),
    }
    append_line(run / FILE, row)
