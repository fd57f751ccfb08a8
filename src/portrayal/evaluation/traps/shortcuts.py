"""What a probe found, in numbers and words: is any corner a shortcut?"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal import __version__
from portrayal.core.environment import command, commit, machine, now
from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels, encode_png
from portrayal.core.runs import write_atomically, write_json
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.summary import clusters_of, known
from portrayal.evaluation.translations import dataset_of
from portrayal.evaluation.traps.probe import ACTIONS, CORNERS, Probed, badge_probe, occlusion_map
from portrayal.inference.load import load
from portrayal.metrics.statistics import Interval, bootstrap_mean, bootstrap_sums
from portrayal.reports.results import Section

LIMIT = 2.0  # times as much as anywhere else, from which a corner is called a shortcut
FLOOR = 0.25  # levels: smaller changes are rounding, and nothing is a multiple of them
MAPPED = 4  # pictures whose occlusion map is drawn: each takes 64 translations
NOTE = (
    "Mean change of the output further than half a patch from a patch of {side} pixels on the "
    "input, in levels of 255: covered with the mean colour, or with a badge pasted. The interval "
    "of the ratio holds for all {tests} questions together. A shortcut: above {limit:g} times as "
    "much as at random places inside. Pasting finds only badges that look like the one pasted; "
    "covering only those that these pictures have."
)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Corner:
    """One corner under one action: its change, and how many times that of other places."""

    action: str
    corner: str
    change: Interval
    ratio: Interval

    @property
    def shortcut(self) -> bool:
        """Whether the ratio is above the limit beyond chance."""
        return self.ratio.low > LIMIT

    @property
    def sentence(self) -> str:
        """The verdict for people."""
        what = "a badge pasted" if self.action == "badge pasted" else "covering what is"
        factor = self.ratio.value
        times = "more than 100 times" if factor > 100 else f"{factor:.1f} times"
        where = f"at the {self.corner}"
        return f"{what} {where} changes the rest of the picture {times} as much as anywhere else"


@dataclass(frozen=True)
class Findings:
    """What a probe of a run wrote: RUN/probe.json and RUN/probe.png."""

    section: Section
    verdicts: list[str]
    shortcut: bool


def probe_run(
    run: Path,
    *,
    split: str = "test",
    count: int = 12,
    badge: Pixels | None = None,
    patch: int | None = None,
    checkpoint: str = "newest",
    data: Path | None = None,
    device: str | None = None,
    seed: int = 0,
    bar: Bar | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Findings:
    """Probe a run on `count` inputs spread over a split, and keep the table and a heat map."""
    if count < 2:
        raise BadOption(f"{count} picture has no interval; probe 2 or more.")
    translator = load(run, device=device, checkpoint=checkpoint, note=note)
    inputs = dataset_of(run, translator.config, data, note).split(split).domain("source")
    chosen = np.unique(np.linspace(0, len(inputs) - 1, count).round().astype(int)).tolist()
    rows, pictures = zip(*((inputs.row(i), inputs.picture(i)) for i in chosen), strict=True)
    translate = translator.translate_all
    probed = badge_probe(translate, pictures, badge, patch=patch, seed=seed, bar=bar)
    mapped = [pixels for pixels in pictures if pixels.shape == pictures[0].shape][:MAPPED]
    maps = []
    with opened(bar, "Drawing the occlusion map", len(mapped)) as advance:
        for pixels in mapped:
            maps.append(occlusion_map(translate, pixels, patch=patch))
            advance(1)
    changes = np.mean(maps, axis=0)
    clusters = clusters_of(rows)
    section = probe_section(probed, clusters=clusters, seed=seed)
    corners = judged_corners(probed, clusters=clusters, seed=seed)
    found = Findings(section, verdicts(corners), any(corner.shortcut for corner in corners))
    write_atomically(run / "probe.png", encode_png(heat_map(mapped, changes)))
    about = {"split": split, "pictures": [row["name"] for row in rows], "seed": seed}
    model = {"hash": translator.model_hash, "checkpoint": checkpoint}
    made = {"command": command(), "version": __version__, "commit": commit()}
    shown = {"shortcut": found.shortcut, "verdicts": found.verdicts}
    tables = {"section": section.model_dump(), "occlusion_map": changes.round(4).tolist()}
    place = {"machine": machine(), "time": now()}
    write_json(run / "probe.json", {**shown, **about, "model": model, **made, **place, **tables})
    return found


def judged_corners(
    probed: Probed,
    *,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    draws: int = 10_000,
) -> list[Corner]:
    """All corners under both actions. The intervals of the ratios are corrected (Bonferroni)."""
    level = 1 - 0.05 / (len(ACTIONS) * len(CORNERS))
    corners = []
    for action in ACTIONS:
        inside = probed.inside[action].mean(1)  # (N,)
        for place, corner in enumerate(CORNERS):
            change = probed.corners[action][:, place]
            mean = bootstrap_mean(change, clusters=clusters, seed=seed, draws=draws)
            both = np.stack([change, inside, np.ones_like(change)], 1)
            (ratio,) = bootstrap_sums(
                both, _ratio, clusters=clusters, seed=seed, draws=draws, level=level
            )
            corners.append(Corner(action, corner, mean, ratio))
    return corners


def _ratio(sums: Numbers) -> Numbers:
    """Mean change at a corner by the mean change inside, of sums (D, 3). (D, 1)"""
    floored = np.maximum(sums[:, 1], FLOOR * sums[:, 2])
    return np.asarray(sums[:, 0] / floored, np.float64)[:, None]


def probe_section(
    probed: Probed,
    *,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    draws: int = 10_000,
) -> Section:
    """A row per action and corner, and one of the places inside."""
    rows: list[list[str | float | None]] = []
    corners = judged_corners(probed, clusters=clusters, seed=seed, draws=draws)
    for action in ACTIONS:
        inside = bootstrap_mean(
            probed.inside[action].mean(1), clusters=clusters, seed=seed, draws=draws
        )
        rows.append([action, "anywhere else", *_cells(inside), 1.0, None, None, ""])
        for found in (corner for corner in corners if corner.action == action):
            word = "shortcut" if found.shortcut else ""
            rows.append([action, found.corner, *_cells(found.change), *_cells(found.ratio), word])
    return Section(
        key="probe",
        title="Shortcut probe",
        note=NOTE.format(side=probed.side, tests=len(corners), limit=LIMIT),
        head=["patch", "place", "change", "low", "high", "times", "low", "high", ""],
        rows=rows,
    )


def verdicts(corners: Sequence[Corner]) -> list[str]:
    """A sentence per shortcut, or one that there is none."""
    found = [f"Shortcut found: {corner.sentence}." for corner in corners if corner.shortcut]
    if found:
        return found
    most = max(corners, key=lambda corner: corner.ratio.value)
    return [f"No corner is a shortcut; the most: {most.sentence}."]


def heat_map(pictures: Sequence[Pixels], changes: Numbers, *, side: int = 384) -> Pixels:
    """The mean input in grey, and beside it the mean occlusion map, dark (0) to yellow (most)."""
    mean = np.mean([cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in pictures], axis=0)
    height, width = mean.shape
    factor = side / min(height, width)
    size = (round(width * factor), round(height * factor))
    grey = cv2.resize(mean.round().astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    shares = np.asarray(255 * changes / max(float(changes.max()), FLOOR), np.float64)
    heat = cv2.resize(shares.round().astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    coloured = cv2.cvtColor(cv2.applyColorMap(heat, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return np.hstack([cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), coloured]).astype(np.uint8)


def _cells(interval: Interval) -> list[float | None]:
    return [interval.value, known(interval.low), known(interval.high)]
