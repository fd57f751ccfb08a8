"""Photo -> flat colours with sharp outlines, with or without lines, and shifts of its tones.

Constants are in pixels at the working size. `lines` is the strength of drawn lines, 0 (none) to 1
(black); `width` their width. The same picture and constants always give the same result.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.filters import filters
from portrayal.filters.sketch import drawn_lines

Labels = NDArray[np.intp]  # (H, W), 0..K-1


@filters
def flat_regions(
    pixels: Pixels,
    *,
    cell: int = 8,
    merge: float = 9,
    detail: float = 0,
    lines: float = 0,
    width: float = 1.2,
) -> Pixels:
    """Regions of one colour each: watersheds of about `cell` pixels, alike neighbours joined.

    merge: CIELAB distance below which neighbours are joined; detail: share 0..1 of the picture
    that shows through.
    """
    within("cell", cell, 3, 64)
    within("merge", merge, 0, 100)
    within("detail", detail, 0, 1)
    smooth = _bilateral(pixels, 1)
    labels = joined(_watersheds(smooth, cell), smooth, merge)
    flat = cv2.medianBlur(_painted(labels, smooth), 5)  # outlines lose their steps
    shown = cv2.addWeighted(flat, 1 - detail, smooth, detail, 0)
    return inked(np.asarray(shown, np.uint8), pixels, lines, width)


@filters
def flat_shift(
    pixels: Pixels, *, space: float = 5, colour: float = 22, lines: float = 0, width: float = 1.2
) -> Pixels:
    """Mean shift (Comaniciu and Meer 2002): windows of `space` pixels and `colour` levels."""
    within("space", space, 1, 50)
    within("colour", colour, 1, 255)
    levels = 1 if min(pixels.shape[:2]) >= 32 else 0
    flat = cv2.pyrMeanShiftFiltering(np.ascontiguousarray(pixels), space, colour, None, levels)
    return inked(np.asarray(flat, np.uint8), pixels, lines, width)


@filters
def flat_smooth(
    pixels: Pixels,
    *,
    radius: int = 4,
    edge: float = 0.06,
    repeats: int = 3,
    lines: float = 0,
    width: float = 1.2,
) -> Pixels:
    """Edge-preserving smoothing: guided filters (He et al. 2013, eq. 5-8), each its own guide.

    edge: what is flatter than this deviation (of 0..1) is smoothed; small values change little.
    """
    within("radius", radius, 1, 64)
    within("edge", edge, 0.001, 1)
    within("repeats", repeats, 0, 20)
    smooth = np.asarray(pixels / 255, np.float32)
    for _ in range(repeats):
        smooth = _guided(smooth, 2 * radius + 1, edge**2)
    return inked(_rounded(smooth * 255), pixels, lines, width)


@filters
def flat_flow(
    pixels: Pixels,
    *,
    sigma: float = 2.5,
    repeats: int = 4,
    strength: float = 0.7,
    lines: float = 0,
    width: float = 1.2,
) -> Pixels:
    """Strokes with sharp borders: the coherence-enhancing shock filter (Weickert 2003).

    Dilates or erodes by the sign of the second derivative across the local orientation, which is
    taken over `sigma` pixels.
    """
    within("sigma", sigma, 0.5, 20)
    within("repeats", repeats, 0, 20)
    within("strength", strength, 0, 1)
    stroke = _bilateral(pixels, 1)
    for _ in range(repeats):
        stroke = _shocked(stroke, sigma, strength)
    return inked(stroke, pixels, lines, width)


@filters
def tone(
    pixels: Pixels,
    *,
    contrast: float = 1,
    gamma: float = 1,
    saturation: float = 1,
    red: float = 0,
    blue: float = 0,
    local: float = 0,
) -> Pixels:
    """Other tones: contrast around middle grey, x ** gamma, saturation, red and blue added
    (-1..1), and contrast against the surroundings."""
    for name, value in (("contrast", contrast), ("saturation", saturation), ("local", local)):
        within(name, value, 0, 5)
    within("gamma", gamma, 0.1, 10)
    within("red", red, -1, 1)
    within("blue", blue, -1, 1)
    x = np.asarray(pixels / 255, np.float32)
    if local:
        x = x + np.float32(local) * (x - cv2.GaussianBlur(x, (0, 0), max(pixels.shape[:2]) / 10))
    x = (x.clip(0, 1) ** np.float32(gamma) - 0.5) * np.float32(contrast) + 0.5
    grey = (x @ np.array([0.299, 0.587, 0.114], np.float32))[:, :, None]
    x = grey + np.float32(saturation) * (x - grey)
    return _rounded((x + np.array([red, 0, blue], np.float32)) * 255)


def inked(flat: Pixels, photo: Pixels, lines: float, width: float) -> Pixels:
    """`flat` under the lines of `photo`."""
    within("lines", lines, 0, 1)
    within("width", width, 0.3, 10)
    if lines == 0:
        return flat
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(photo), cv2.COLOR_RGB2GRAY), np.uint8)
    ink = np.float32(lines) * (1 - drawn_lines(grey, sigma=width))  # (H, W) in 0..1
    return _rounded(flat * (1 - ink[:, :, None]))


def joined(labels: Labels, pixels: Pixels, merge: float) -> Labels:
    """Neighbouring regions joined, the most alike first, while their means are within `merge`."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    means, sizes = _means(labels, lab)
    pairs = _neighbours(labels)
    distance = np.linalg.norm(means[pairs[:, 0]] - means[pairs[:, 1]], axis=1)
    parent = list(range(len(sizes)))
    for index in np.argsort(distance, kind="stable")[: int((distance < 2 * merge).sum())].tolist():
        one, two = (_root(parent, label) for label in pairs[index].tolist())
        if one == two or np.linalg.norm(means[one] - means[two]) >= merge:
            continue
        parent[two] = one
        both = sizes[one] + sizes[two]
        means[one] = (sizes[one] * means[one] + sizes[two] * means[two]) / both
        sizes[one] = both
    roots = [_root(parent, label) for label in range(len(parent))]
    return np.asarray(np.unique(roots, return_inverse=True)[1][labels], np.intp)


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a constant outside its range."""
    if not low <= value <= high:
        raise BadOption(f"{name} is {value:g}, but must be {low:g} to {high:g}.")


def _root(parent: list[int], label: int) -> int:
    while parent[label] != label:
        label = parent[label]
    return label


def _watersheds(pixels: Pixels, cell: int) -> Labels:
    """One region per cell of a grid, grown from its flattest pixel (Meyer's flooding)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    height, width = grey.shape
    seeds = np.zeros((height, width), np.int32)
    for top in range(0, height, cell):
        for left in range(0, width, cell):
            part = slope[top : top + cell, left : left + cell]
            y, x = divmod(int(part.argmin()), part.shape[1])
            seeds[top + y, left + x] = top * width + left + 1
    found = cv2.watershed(np.ascontiguousarray(pixels), seeds)
    for _ in range(2):  # borders are -1: give them to a neighbour
        grown = cv2.dilate(found.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
        found = np.where(found > 0, found, grown)
    labels: Labels = np.unique(found, return_inverse=True)[1].reshape(height, width)
    return labels


def _means(labels: Labels, picture: NDArray[np.float32]) -> tuple[NDArray[np.float64], list[int]]:
    """Mean (K, 3) and size of every region."""
    flat = labels.ravel()
    sizes = np.bincount(flat)
    sums = [np.bincount(flat, picture[:, :, channel].ravel()) for channel in range(3)]
    return np.stack(sums, axis=1) / sizes[:, None], sizes.tolist()


def _neighbours(labels: Labels) -> NDArray[np.intp]:
    """Pairs (N, 2) of labels that touch, the smaller first, sorted."""
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], axis=1)
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()], axis=1)
    touching = np.concatenate([across, down])
    touching = np.sort(touching[touching[:, 0] != touching[:, 1]], axis=1)
    codes = np.unique(touching[:, 0] * (labels.max() + 1) + touching[:, 1])
    return np.stack(np.divmod(codes, labels.max() + 1), axis=1)


def _painted(labels: Labels, pixels: Pixels) -> Pixels:
    means, _ = _means(labels, pixels.astype(np.float32))
    return _rounded(means)[labels]


def _bilateral(pixels: Pixels, repeats: int) -> Pixels:
    smooth = np.ascontiguousarray(pixels)
    for _ in range(repeats):
        smooth = np.asarray(cv2.bilateralFilter(smooth, 5, 28, 4), np.uint8)
    return smooth


def _guided(x: NDArray[np.float32], side: int, epsilon: float) -> NDArray[np.float32]:
    """Self-guided filter of every channel over boxes of `side` pixels."""
    box = (side, side)
    mean = cv2.blur(x, box)
    variance = cv2.blur(x * x, box) - mean * mean
    a = variance.clip(0) / (variance.clip(0) + epsilon)
    return np.asarray(cv2.blur(a, box) * x + cv2.blur(mean - a * mean, box), np.float32)


def _shocked(pixels: Pixels, sigma: float, strength: float) -> Pixels:
    """One step: pixels become the brightest or darkest neighbour, away from the edge's middle."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, xy, yy = (cv2.GaussianBlur(product, (0, 0), sigma) for product in (dx**2, dx * dy, dy**2))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)  # across the edges
    cos, sin = np.cos(angle), np.sin(angle)
    smooth = cv2.GaussianBlur(grey, (0, 0), sigma / 2)
    gxx, gyy = cv2.Sobel(smooth, cv2.CV_32F, 2, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 2)
    gxy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1)
    bend = cos**2 * gxx + 2 * cos * sin * gxy + sin**2 * gyy
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    moved = np.where((bend < 0)[:, :, None], cv2.dilate(pixels, cross), cv2.erode(pixels, cross))
    return np.asarray(cv2.addWeighted(pixels, 1 - strength, moved, strength, 0), np.uint8)


def _rounded(levels: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.round(levels).clip(0, 255), np.uint8)
