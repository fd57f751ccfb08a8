"""What runs hold, as JSON and pictures; read anew when their files change, so also live.

A client names a run or a sample; files are looked up in what we have listed ourselves.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from portrayal.core.errors import UnknownName, UserError
from portrayal.core.locks import held
from portrayal.reports.collect import Run, collect
from portrayal.reports.results import verdict
from portrayal.reports.score_tables import questions
from portrayal.web import shell
from portrayal.web.models import find_runs

POINTS = 500  # of a curve
FRESH = 900.0  # seconds since the last line of a log, where there are no locks
FILES = (
    "config.json",
    "log.jsonl",
    "scores.jsonl",
    "results.json",
    "pictures.jsonl",
    "samples",
    "checkpoints",
    "report.html",
)
REPORT = (  # a report loads nothing; in a sandbox it can reach nothing of ours either
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; frame-ancestors 'self'"
)


class Shelf:
    """The runs in some places."""

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = tuple(places)
        self.known: dict[Path, tuple[tuple[Any, ...], Run]] = {}
        self.lock = Lock()

    def runs(self) -> dict[str, Path]:
        """The run folders of now by name."""
        with suppress(UserError, OSError):
            return find_runs(self.places)
        return {}

    def run(self, name: str) -> Run:
        """What a run holds, or 404."""
        runs = self.runs()
        if name not in runs:
            raise HTTPException(404, str(UnknownName("run", name, runs)))
        folder = runs[name]
        state = tuple(stamp(folder / file) for file in FILES)
        with self.lock:
            if folder not in self.known or self.known[folder][0] != state:
                try:
                    self.known[folder] = (state, collect(folder))
                except (UserError, OSError):
                    raise HTTPException(503, f"The run {name} cannot be read now.") from None
            return self.known[folder][1]


def stamp(path: Path) -> tuple[int, int]:
    """Changes when a file or a folder does."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def run_routes(shelf: Shelf, models: dict[str, Any]) -> APIRouter:
    """The endpoints of runs."""
    router = APIRouter(tags=["runs"])

    @router.get("/api/runs")
    def runs() -> list[dict[str, Any]]:
        """All runs, those in training included."""
        found = []
        for name in shelf.runs():
            with suppress(HTTPException):
                found.append(summary(name, shelf.run(name), models))
        return found

    @router.get("/api/runs/{name}")
    def run(name: str) -> dict[str, Any]:
        """A run with its curves (at most 500 points), scores and samples."""
        found = shelf.run(name)
        samples = [{"step": step, "url": url_of(name, path)} for step, path in found.samples]
        return {
            **summary(name, found, models),
            "log": thinned(found.log),
            "scores": thinned(found.scores),
            "samples": samples,
            "results": results(found),
            "gaps": found.gaps,
        }

    @router.get("/api/runs/{name}/samples/{file}", response_class=Response)
    def sample(name: str, file: str) -> Response:
        """A sheet of samples: rows of source, generated, truth."""
        for _, path in shelf.run(name).samples:
            if path.name == file:
                return Response(content_of(path), media_type="image/png", headers=shell.FOREVER)
        raise HTTPException(404, "There is no such sample.")

    @router.get("/runs/{name}/report", response_class=Response)
    def report(name: str) -> Response:
        """The run's report, if one was written."""
        folder = shelf.run(name).folder
        if not (folder / "report.html").is_file():
            raise HTTPException(404, "This run has no report yet: portrayal report writes it.")
        headers = {"content-security-policy": REPORT}
        return Response(content_of(folder / "report.html"), media_type="text/html", headers=headers)

    return router


def results(run: Run) -> dict[str, Any] | None:
    """The scores of results.json as a report prints them, by question; None without."""
    if run.results is None:
        return None
    return {
        "split": run.results.split,
        "n": run.results.n,
        "checkpoint": run.results.model.get("checkpoint"),
        "step": run.results.model.get("step"),
        "verdict": verdict(run.results),
        "warnings": run.results.warnings,
        "tables": [asdict(table) for table in questions(run)],
    }


def content_of(path: Path) -> bytes:
    """A file's content, or 404 if it has just gone."""
    try:
        return path.read_bytes()
    except OSError:
        raise HTTPException(404, "This file has gone.") from None


def url_of(name: str, path: Path) -> str:
    """Where a sample is served."""
    return f"/api/runs/{quote(name)}/samples/{quote(path.name)}"


def summary(name: str, run: Run, models: dict[str, Any]) -> dict[str, Any]:
    """What a gallery shows of a run."""
    step = int(run.log[-1]["step"]) if run.log else 0
    steps = run.config.get("steps") or (run.log[-1].get("steps") if run.log else None)
    report = (run.folder / "report.html").is_file()
    return {
        "name": name,
        "recipe": run.config.get("recipe"),
        "preset": run.config.get("preset"),
        "step": step,
        "steps": int(steps) if steps else None,
        "running": running(run.folder, step, steps),
        "started": run.config.get("started") or run.environment.get("started"),
        "size": run.config.get("data", {}).get("size"),
        "sample": url_of(name, run.samples[-1][1]) if run.samples else None,
        "best": best_scores(run),
        "report": f"/runs/{quote(name)}/report" if report else None,
        "translates": name in models,
        "imported": run.imported or None,
        "train_like": run.train_like or None,
    }


def best_scores(run: Run) -> dict[str, dict[str, float]]:
    """By metric the step of the best checkpoint and its score there."""
    values = {row["step"]: row["scores"] for row in run.scores}
    return {
        metric: {"step": step, "value": values[step][metric]}
        for metric, step in run.best.items()
        if metric in values.get(step, {})
    }


def thinned(rows: list[dict[str, Any]], most: int = POINTS) -> list[dict[str, Any]]:
    """At most so many rows, evenly spread, the first and the last among them.

    >>> [row["step"] for row in thinned([{"step": n} for n in range(9)], 3)]
    [0, 4, 8]
    """
    if len(rows) <= most:
        return rows
    return [rows[round(n * (len(rows) - 1) / (most - 1))] for n in range(most)]


def running(
    folder: Path, step: int, steps: object, held: Callable[[Path], bool | None] = held
) -> bool:
    """Whether a training is at work there: before the last of its `steps`, and the folder held.

    Where there are no locks (`held` gives None), a log or settings younger than FRESH say so.
    """
    if isinstance(steps, int | float) and step >= steps:
        return False
    if (known := held(folder / ".lock")) is not None:
        return known
    newest = max(stamp(folder / name)[0] for name in ("log.jsonl", "config.json")) / 1e9
    return time.time() - newest < FRESH
