"""A run folder, read as far as it is there: what is missing or broken becomes a stated gap."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from portrayal.core.errors import BadCheckpoint, BadData
from portrayal.core.runs import FORMAT, dataset_places, read_json, read_lines
from portrayal.reports.results import Results

SIGNS = ("config.json", "log.jsonl", "results.json")  # one of them makes a folder a run
Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """All that a report says about a run. Every field is empty when its file is not there."""

    name: str
    folder: Path
    config: Row = field(default_factory=dict)
    environment: Row = field(default_factory=dict)
    manifest: Row = field(default_factory=dict)
    log: list[Row] = field(default_factory=list)  # finite numbers only, step ascending
    scores: list[Row] = field(default_factory=list)  # the same, of validation
    results: Results | None = None
    pictures: list[Row] = field(default_factory=list)
    samples: list[tuple[int, Path]] = field(default_factory=list)
    best: dict[str, int] = field(default_factory=dict)  # metric -> step of its best checkpoint
    parameters: dict[str, int] = field(default_factory=dict)  # network -> trainable numbers
    gaps: list[str] = field(default_factory=list)
    moved: Path | None = None  # where the dataset is, if the person says so
    home: Path | None = None  # the run that was scored, where `folder` holds such scores alone

    @property
    def imported(self) -> str:
        """Of an import: whose network it is, and how it translates; empty of trained runs."""
        about = self.config.get("imported")
        if not isinstance(about, dict):
            return ""
        files = [
            each["file"] for each in about.values() if isinstance(each, dict) and "file" in each
        ]
        text = (
            f"Imported from {about.get('from')} ({', '.join(map(str, files))}), not trained here."
        )
        return f"{text} {self.train_like}".strip()

    @property
    def train_like(self) -> str:
        """That dropout and batch statistics stay on, if they do."""
        noisy = _mapping(self.config.get("config")).get("translation") == "train_like"
        return "Train-like: dropout and batch statistics stay on." if noisy else ""

    @property
    def data_folder(self) -> Path | None:
        """Where the pictures were when they were scored or learned from, if they still are."""
        if self.moved:
            return self.moved
        scored = dataset_places(self.folder, self.results.data) if self.results else []
        paths = scored + dataset_places(self.home or self.folder, self.config.get("data"))
        return next((path for path in paths if _is_folder(path)), None)


def collect(folder: Path, data: Path | None = None) -> Run:
    """Read a run folder. Refuses what is no run; anything else that is amiss becomes a gap.

    `data`: where its dataset is, if it moved.
    """
    if not folder.is_dir():
        raise BadData(f"No such folder: {folder}. Make a run with: portrayal train.")
    if not any((folder / sign).exists() for sign in SIGNS):
        raise BadData(f"{folder} is not a run: it holds none of {', '.join(SIGNS)}.")
    gaps: list[str] = []
    scored = folder
    folder = home_of(scored)
    config = _object(folder / "config.json", gaps, "settings, data and command are unknown")
    if config.get("format", FORMAT) != FORMAT:
        raise BadCheckpoint(
            f"{folder} has run format {config['format']!r}, this version reads {FORMAT}. "
            "Use the version of Portrayal that wrote it."
        )
    imported = isinstance(config.get("imported"), dict)

    def of_training(name: str) -> tuple[Path, list[str]]:  # an import had none to miss
        path = folder / name
        return path, [] if imported and not path.exists() else gaps

    run = Run(
        name=scored.resolve().name,
        folder=scored,
        config=config,
        environment=_object(folder / "environment.json", gaps, "the machine is unknown"),
        log=_numbers(*of_training("log.jsonl"), "there are no loss curves"),
        scores=_scores(*of_training("scores.jsonl")),
        results=_results(scored / "results.json", gaps),
        pictures=_pictures(scored / "pictures.jsonl", gaps),
        samples=_samples(folder / "samples"),
        best=_best(folder / "checkpoints"),
        parameters=_parameters(folder / "checkpoints"),
        gaps=gaps,
        moved=data,
        home=folder if folder != scored else None,
    )
    if not (run.samples or imported):
        gaps.append("samples/ holds no pictures, so progress cannot be shown.")
    return _with_manifest(run)


def home_of(folder: Path) -> Path:
    """The run that was scored, if `folder` holds scores alone and it is still there."""
    if (folder / "config.json").exists():
        return folder
    model = _mapping(_object(folder / "results.json", [], "").get("model"))
    home = model.get("run")
    return Path(home) if isinstance(home, str) and _is_folder(Path(home)) else folder


def _with_manifest(run: Run) -> Run:
    """Add what the dataset says about itself. A folder made by hand has no manifest: no gap."""
    if run.data_folder is None:
        if run.config and (run.results or not run.imported):
            run.gaps.append(
                "The dataset is no longer where it was: its pictures cannot be shown. "
                "Say where it is: portrayal report --data FOLDER."
            )
        return run
    place = run.data_folder / "manifest.json"
    if place.exists():
        run.manifest.update(_object(place, run.gaps, "the data are not described"))
    return run


def _object(path: Path, gaps: list[str], loss: str) -> Row:
    try:
        return read_json(path)
    except BadData:
        state = "cannot be read" if path.exists() else "is missing"
        gaps.append(f"{path.name} {state}: {loss}.")
        return {}


def _lines(path: Path, gaps: list[str], loss: str) -> Iterator[Row]:
    """Rows of a JSON-lines file up to the first broken one."""
    if not path.exists():
        gaps.append(f"{path.name} is missing: {loss}.")
        return
    try:
        yield from (row for row in read_lines(path) if isinstance(row, dict))
    except (BadData, OSError, ValueError):
        gaps.append(f"{path.name} is broken in the middle: only what stands before is shown.")


def _numbers(path: Path, gaps: list[str], loss: str) -> list[Row]:
    """Log rows with their finite numbers, one per step: of a step logged twice, the last."""
    rows: dict[float, Row] = {}
    for row in _lines(path, gaps, loss):
        kept = {str(key): float(value) for key, value in row.items() if _finite(value)}
        if "step" in kept:
            rows[kept["step"]] = kept
    return [rows[step] for step in sorted(rows)]


def _scores(path: Path, gaps: list[str]) -> list[Row]:
    """Validation rows: step, epoch, n and the finite scores by metric."""
    rows: dict[float, Row] = {}
    for row in _lines(path, gaps, "there are no validation scores"):
        if _finite(row.get("step")):
            scores = {
                str(k): float(v) for k, v in _mapping(row.get("scores")).items() if _finite(v)
            }
            split, n = str(row.get("split", "val")), row.get("n")
            rows[row["step"]] = {"step": row["step"], "split": split, "n": n, "scores": scores}
    return [rows[step] for step in sorted(rows)]


def _results(path: Path, gaps: list[str]) -> Results | None:
    if not path.exists():
        gaps.append("results.json is missing: run portrayal evaluate to score the test split.")
        return None
    try:
        return Results.model_validate(read_json(path))
    except (BadData, ValidationError) as error:
        reason = "not JSON" if isinstance(error, BadData) else f"{error.error_count()} wrong fields"
        gaps.append(f"results.json cannot be read ({reason}): run portrayal evaluate again.")
        return None


def _pictures(path: Path, gaps: list[str]) -> list[Row]:
    """Scored pictures: rows with a name and finite scores."""
    rows = []
    for row in _lines(path, gaps, "single pictures cannot be ranked") if path.exists() else ():
        if isinstance(row.get("name"), str):
            for answer in ("scores", "input", "content", "known"):
                row[answer] = {k: v for k, v in _mapping(row.get(answer)).items() if _finite(v)}
            rows.append(row)
    return rows


def _samples(folder: Path) -> list[tuple[int, Path]]:
    """Sample grids by step."""
    found = []
    for path in folder.glob("step_*.png") if _is_folder(folder) else ():
        if match := re.fullmatch(r"step_(\d{1,12})", path.stem):
            found.append((int(match[1]), path))
    return sorted(found)


def _best(folder: Path) -> dict[str, int]:
    """Steps of the best checkpoints by metric, as checkpoints/best_METRIC.json say."""
    best = {}
    for path in sorted(folder.glob("best_*.json")) if _is_folder(folder) else ():
        about = _object(path, [], "")
        if isinstance(about.get("step"), int):
            best[path.stem.removeprefix("best_")] = about["step"]
    return best


def _parameters(folder: Path) -> dict[str, int]:
    """Trainable numbers per network, counted in the header of a weights file (no torch needed)."""
    for path in sorted(folder.glob("*/weights.safetensors")) if _is_folder(folder) else ():
        counts: dict[str, int] = {}
        for key, shape in _tensor_shapes(path):
            network = key.split(".")[0]
            running = key.endswith(("running_mean", "running_var", "num_batches_tracked"))
            if network != "average" and not running:  # a copy, and numbers nobody trains
                counts[network] = counts.get(network, 0) + math.prod(shape)
        if counts:
            return counts
    return {}


def _tensor_shapes(path: Path) -> list[tuple[str, Sequence[int]]]:
    """Names and shapes in a safetensors file; nothing if it is not one."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > 50_000_000:
                return []
            header = json.loads(file.read(length))
        shapes = {key: value["shape"] for key, value in header.items() if key != "__metadata__"}
        return [(key, [int(side) for side in shape]) for key, shape in shapes.items()]
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return []


def _mapping(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _finite(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < 1e300  # an int may be too large for a float


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a path from a file may be too long or hold a zero byte
        return False
