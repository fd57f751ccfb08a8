"""Pictures on the page: embedded, so that the report is one file that opens anywhere."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from PIL import Image

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.seeds import numpy_rng
from portrayal.reports.collect import Row, Run
from portrayal.reports.results import Question, Results, Score

SIDE = 256  # longest side of an embedded picture
SMALL = 16_000  # bytes up to which a picture is embedded without loss
RANDOM, RANKED = 6, 3  # examples shown: drawn at random; best and worst
SHOWN = 4  # scores below one example
KEYS: dict[Question, str] = {"fidelity": "scores", "content": "content"}  # of pictures.jsonl
FILM_PICTURES, FILM_STEPS = 4, 24
GAPS = (4, 0)  # pixels between the pictures of a sample grid


@dataclass(frozen=True)
class Shot:
    """One embedded picture; `uri` is empty where the file could not be read."""

    alt: str
    uri: str = ""
    small: bool = False  # so small that the page enlarges it: show its pixels as they are


@dataclass(frozen=True)
class Example:
    """Input | generated | truth of one scored picture."""

    name: str
    shots: list[Shot]
    scores: list[tuple[str, str]]


@dataclass(frozen=True)
class Group:
    """Examples under one heading."""

    title: str
    note: str
    examples: list[Example]


@dataclass(frozen=True)
class Film:
    """The same validation pictures at every sampled step: rows of pictures side by side."""

    source: Shot | None
    target: Shot | None
    frames: list[tuple[int, Shot]] = field(default_factory=list)
    pictures: int = 1


def data_uri(pixels: Pixels, side: int = SIDE) -> str:
    """A picture as a data URI: PNG where that is about as small, else JPEG without colour loss."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    image, png, jpeg = Image.fromarray(pixels), io.BytesIO(), io.BytesIO()
    image.save(png, "PNG", optimize=True)
    image.save(jpeg, "JPEG", quality=90, subsampling=0, optimize=True)
    lossless = len(png.getvalue()) <= max(SMALL, 1.3 * len(jpeg.getvalue()))
    kind, data = ("png", png) if lossless else ("jpeg", jpeg)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def embedded(alt: str, pixels: Pixels, *, cells: int = 1) -> Shot:
    """A picture, or `cells` of them beside each other, ready for the page."""
    side = max(SIDE, round(0.75 * SIDE) * cells)
    return Shot(alt, data_uri(pixels, side), max(pixels.shape[1] // cells, 1) < 100)


def shot(folder: Path | None, file: object, alt: str) -> Shot:
    """Embed one file of a folder. A name that leaves the folder is treated as absent."""
    if folder is None or not isinstance(file, str):
        return Shot(alt)
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        return Shot(alt)
    try:
        return embedded(alt, read_pixels(folder / path))
    except (BadData, OSError, ValueError):
        return Shot(alt)


def groups(run: Run, metric: str | None = None) -> list[Group]:
    """Examples drawn at random, and the best and worst by one metric."""
    results, rows = run.results, run.pictures
    if results is None or not rows:
        return []
    kept = kept_scores(results)
    ranked_by = metric if metric in {score.metric for score in kept} else None
    ranked_by = ranked_by or ranking_metric(kept, rows)
    drawn = numpy_rng(results.seed, "report").permutation(len(rows))[:RANDOM]
    chosen = [("At random", "Drawn by the seed, not by score.", [rows[i] for i in sorted(drawn)])]
    if ranked_by:
        better, title = next((s.better, s.name) for s in kept if s.metric == ranked_by)
        order = sorted(
            (row for row in rows if ranked_by in row[KEYS[kept[0].question]]),
            key=lambda row: (row[KEYS[kept[0].question]][ranked_by], row["name"]),
            reverse=better == "higher",
        )
        count = min(RANKED, len(order) // 2)
        words = ("Highest", "Lowest")
        highest, lowest = words if better == "higher" else words[::-1]
        chosen.append(("Best", f"{highest} {title} of {len(order)}.", order[:count]))
        worst = order[len(order) - count :][::-1]
        chosen.append(("Worst", f"{lowest} {title} of {len(order)}.", worst))
    return [
        Group(title, note, [_example(run, results, row, ranked_by) for row in picked])
        for title, note, picked in chosen
        if picked
    ]


def kept_scores(results: Results) -> list[Score]:
    """The translation's scores that single pictures have: against the truth, else the input."""
    for question in KEYS:
        if found := [s for s in results.of(question) if s.answer == "translation"]:
            return found
    return []


def ranking_metric(kept: Sequence[Score], rows: Sequence[Row]) -> str | None:
    """SSIM if it was computed, else a metric that does not give most pictures the same score."""
    for score in sorted(kept, key=lambda score: score.metric != "ssim"):
        scores = [row[KEYS[score.question]] for row in rows]
        values = {each[score.metric] for each in scores if score.metric in each}
        if len(values) > len(rows) / 2:
            return score.metric
    return None


def _example(run: Run, results: Results, row: Row, best: str | None) -> Example:
    name = row["name"]
    if results.kind == "run":
        data = run.data_folder / results.split if run.data_folder else None
        places = {"source": data, "fake": run.folder, "target": data}
    else:
        known = {side: results.data.get(side) for side in ("source", "fake", "target")}
        places = {s: Path(place) if isinstance(place, str) else None for s, place in known.items()}
    defaults = {
        "source": f"source/{name}.png",
        "fake": f"translations/{results.split}/{name}.png",
        "target": f"target/{name}.png",
    }
    kept = kept_scores(results)
    lacking = set() if kept and kept[0].question == "fidelity" else {"target"}
    lacking |= {"source"} if results.kind == "folders" and not places["source"] else set()
    alts = {"source": "input", "fake": "generated", "target": "truth"}
    shots = [
        shot(places[side], row.get(f"{side}_file_name", defaults[side]), f"{name}, {alts[side]}")
        for side in alts
        if side not in lacking or f"{side}_file_name" in row
    ]
    return Example(name, shots, _score_texts(kept, row, best))


def _score_texts(kept: list[Score], row: Row, best: str | None) -> list[tuple[str, str]]:
    """The first scores, and the one by which pictures are ranked."""
    shown = [score for index, score in enumerate(kept) if index < SHOWN or score.metric == best]
    values = [(score, row[KEYS[score.question]].get(score.metric)) for score in shown]
    return [
        (score.name, _short(value, score.metric == "class_colour"))
        for score, value in values
        if value is not None
    ]


def _short(value: float, right_or_wrong: bool) -> str:
    """Three digits, or a mark where a picture is either right or wrong."""
    if right_or_wrong and value in (0, 1):
        return "✓" if value else "✗"
    return f"{value:#.3g}".rstrip(".").replace("-", "−")


def film(run: Run) -> Film | None:
    """Sample grids (rows of source | generated | truth) as a film of their middle column."""
    if not run.samples:
        return None
    last = len(run.samples) - 1
    kept = sorted({round(i * last / (FILM_STEPS - 1)) for i in range(FILM_STEPS)})
    frames, ends, count = [], None, 1
    for step, path in (run.samples[i] for i in kept):
        try:
            grid = read_pixels(path)
        except (BadData, OSError, ValueError):
            run.gaps.append(f"samples/{path.name} cannot be read.")
            continue
        strips, count = film_strips(grid, run.config)
        alt = f"generated at step {step:,}"
        frames.append((step, embedded(alt, strips[-2:][0], cells=count)))
        ends = strips if len(strips) == 3 else None
    if not frames:
        return None
    source = embedded("inputs", ends[0], cells=count) if ends else None
    target = embedded("truths", ends[2], cells=count) if ends else None
    return Film(source, target, frames, count)


def film_strips(grid: Pixels, config: Row) -> tuple[list[Pixels], int]:
    """Cut a grid into strips of sources, fakes and truths, up to FILM_PICTURES side by side.

    A grid of unknown layout stays as it is.
    """
    layout = next((cut for gap in GAPS if (cut := _cut(grid, gap, config))), None)
    if layout is None:
        return [grid], 1
    columns, rows = layout
    rows = rows[:FILM_PICTURES]
    strips = [np.concatenate([grid[row, column] for row in rows], axis=1) for column in columns]
    return strips, len(rows)


def _cut(grid: Pixels, gap: int, config: Row) -> tuple[list[slice], list[slice]] | None:
    """The three columns and the rows of a grid with `gap` pixels between its pictures."""
    height, width = grid.shape[:2]
    wide = (width + gap) // 3 - gap
    tall = _height(config, wide)
    fits = wide > 0 and tall > 0 and (width + gap) % 3 == 0 and (height + gap) % (tall + gap) == 0
    if not fits:
        return None
    columns = [slice(x, x + wide) for x in range(0, width, wide + gap)]
    return columns, [slice(y, y + tall) for y in range(0, height, tall + gap)]


def _height(config: Row, width: int) -> int:
    """Height of a picture of that width; square when the size is not told, 0 when it differs."""
    data = config.get("data")
    size = data.get("size") if isinstance(data, dict) else None
    if size is None:
        return width
    if not isinstance(size, list) or len(size) != 2 or size[1] != width:
        return 0
    return size[0] if isinstance(size[0], int) else 0
