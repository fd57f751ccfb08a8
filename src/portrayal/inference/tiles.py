"""Pictures of any size through a network that wants multiples: pad, tile, blend, cut back.

N pictures of one size; H x W their size; T the side of a tile. Work goes one row of tiles at a
time, so beside the pictures and their answers no more than one such row is ever in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels, pixels_of, stack, unit_of

TILE = 1024  # pixels; every layer of the network holds one such tile in memory

# signed (B, 3, h, w) -> signed (B, channels, h, w); h and w multiples
Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Axis:
    """How one side of a picture is padded and cut into tiles of equal length."""

    before: int  # pixels added in front
    after: int  # pixels added behind
    tile: int
    starts: tuple[int, ...]
    windows: NDArray[np.float32]  # (tiles, tile): how much each tile counts at each of its pixels

    @property
    def padded(self) -> int:
        """Length with the padding."""
        return self.starts[-1] + self.tile


def cut(length: int, *, multiple: int, tile: int = TILE, overlap: int | None = None) -> Axis:
    """Tiles over `length` pixels: one padded tile where it fits, else several evenly spread.

    >>> cut(260, multiple=4).tile, cut(258, multiple=4).padded, cut(2000, multiple=4).starts
    (260, 260, (0, 488, 976))
    """
    overlap = tile // 8 if overlap is None else overlap
    check_tile(multiple, tile, overlap)
    if length <= tile:
        side = -(-length // multiple) * multiple
        before = (side - length) // 2
        return Axis(before, side - length - before, side, (0,), np.ones((1, side), np.float32))
    count = -(-(length - overlap) // (tile - overlap))
    starts = tuple(round(place) for place in np.linspace(0, length - tile, count))
    return Axis(0, 0, tile, starts, windows(starts, tile, overlap))


def check_tile(multiple: int, tile: int, overlap: int) -> None:
    """Refuse tiles that the network cannot take, with the nearest sizes that it can."""
    if tile < multiple or tile % multiple:
        below = tile // multiple * multiple
        near = f"{below} or {below + multiple}" if below else f"{multiple}"
        raise BadOption(
            f"A tile of {tile} pixels does not fit this network, which takes multiples of "
            f"{multiple}: try --tile {near}."
        )
    if not 0 <= overlap < tile:
        raise BadOption(f"Tiles of {tile} pixels cannot overlap by {overlap}: use 0 to {tile - 1}.")


def windows(starts: Sequence[int], tile: int, overlap: int) -> NDArray[np.float32]:
    """(tiles, tile) weights, rising and falling smoothly over the overlap; sum 1 everywhere."""
    place = np.arange(tile) + 0.5
    rise = np.sin(np.minimum(place / max(overlap, 1), 1) * np.pi / 2) ** 2
    raw = np.repeat((rise * rise[::-1])[None], len(starts), axis=0)
    total = np.zeros(starts[-1] + tile)
    for start, weights in zip(starts, raw, strict=True):
        total[start : start + tile] += weights
    parts = [w / total[start : start + tile] for start, w in zip(starts, raw, strict=True)]
    return np.stack(parts).astype(np.float32)


def translate_tiled(
    pictures: Sequence[Pixels],
    network: Network,
    *,
    multiple: int,
    tile: int = TILE,
    overlap: int | None = None,
    batch: int | None = None,
    channels: int = 3,
) -> list[Pixels]:
    """Answers of the network to pictures of one size, each (H, W, channels).

    Padding is by reflection, again and again where a picture is smaller than its padding. `batch`
    tiles go through at once; None takes as many as have the pixels of one full tile.
    """
    height, width = pictures[0].shape[:2]
    rows = cut(height, multiple=multiple, tile=tile, overlap=overlap)
    columns = cut(width, multiple=multiple, tile=tile, overlap=overlap)
    batch = batch or max(1, tile * tile // (rows.tile * columns.tile))
    around = ((rows.before, rows.after), (columns.before, columns.after), (0, 0))
    padded = [np.pad(picture, around, mode="reflect") for picture in pictures]
    answers = [np.empty((*picture.shape[:2], channels), np.uint8) for picture in padded]
    strip = torch.zeros(len(pictures), channels, rows.tile, columns.padded)
    for row, (top, following) in enumerate(pairwise((*rows.starts, rows.padded))):
        fade = torch.from_numpy(rows.windows[row])[:, None]  # (T, 1)
        strip += fade * blended_row(padded, network, top, rows.tile, columns, batch, channels)
        ready = following - top  # rows of pixels that no later tile touches
        for answer, sums in zip(answers, strip, strict=True):
            answer[top:following] = pixels_of(unit_of(sums[:, :ready]))
        strip = torch.cat([strip[:, :, ready:], torch.zeros_like(strip[:, :, :ready])], dim=2)
    inside = np.s_[rows.before :, columns.before :]
    return [np.ascontiguousarray(answer[inside][:height, :width]) for answer in answers]


def blended_row(
    padded: Sequence[Pixels],
    network: Network,
    top: int,
    side: int,
    columns: Axis,
    batch: int,
    channels: int,
) -> Tensor:
    """One row of tiles of every picture, blended from left to right: signed (N, C, side, W)."""
    strip = torch.zeros(len(padded), channels, side, columns.padded)
    places = list(product(range(len(padded)), range(len(columns.starts))))
    for first in range(0, len(places), batch):
        some = places[first : first + batch]
        lefts = [columns.starts[column] for _, column in some]
        cuts = [
            padded[index][top : top + side, left : left + columns.tile]
            for (index, _), left in zip(some, lefts, strict=True)
        ]
        made = network(stack(cuts)).float().cpu()  # (B, C, side, T)
        for (index, column), left, answer in zip(some, lefts, made, strict=True):
            weights = torch.from_numpy(columns.windows[column])
            strip[index, :, :, left : left + columns.tile] += weights * answer
    return strip
