"""A sheet of samples: the same few pictures every time, a row for each.

Pairs: source | generated | truth. Unpaired domains: source | generated. A recipe that translates
back too adds target | translated back, where the target of a pair stands already.
"""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from portrayal.core.images import Pixels, encode_png, pixels_of, signed, unit_of
from portrayal.data.dataset import Split

GAP = 4  # white pixels between pictures
Translate = Callable[[Tensor], Tensor]  # signed (B, 3, H, W) -> the same


def sample_sheet(
    split: Split, translate: Translate, *, back: Translate | None = None, rows: int = 4
) -> Callable[[], bytes]:
    """A function that draws the same pictures, spread evenly over the split, as they are now. PNG.

    `back` is the way from target to source, of recipes that have one.
    """
    given = pairs_of(split, rows) if split.paired else strangers_of(split, rows)

    def draw() -> bytes:
        lines = []
        for source, target in given:
            line = [source, through(translate, source)]
            if split.paired or back:
                line.append(target)
            if back:
                line.append(through(back, target))
            lines.append(line)
        return encode_png(sheet_of(lines))

    return draw


def through(translate: Translate, picture: Pixels) -> Pixels:
    """One picture, translated."""
    return pixels_of(unit_of(translate(signed(picture)[None])[0]))


def pairs_of(split: Split, rows: int) -> list[tuple[Pixels, Pixels]]:
    """Some pairs, spread evenly."""
    pairs = [split.pair(index) for index in spread_over(len(split), rows)]
    return [(pair.source, pair.target) for pair in pairs]


def strangers_of(split: Split, rows: int) -> list[tuple[Pixels, Pixels]]:
    """Some sources and some targets, spread evenly, that have nothing to do with each other."""
    split.require_domains("A sheet of samples")
    source, target = split.domain("source"), split.domain("target")
    count = min(rows, len(source), len(target))
    places = zip(spread_over(len(source), count), spread_over(len(target), count), strict=True)
    return [(source.picture(i), target.picture(j)) for i, j in places]


def spread_over(total: int, rows: int) -> list[int]:
    """Up to `rows` indices from the first to the last.

    >>> spread_over(10, 4), spread_over(2, 4)
    ([0, 3, 6, 9], [0, 1])
    """
    count = min(rows, total)
    return [round(i * (total - 1) / max(1, count - 1)) for i in range(count)]


def sheet_of(lines: Sequence[Sequence[Pixels]]) -> Pixels:
    """Rows of pictures on white, each in a cell of the largest size."""
    height, width = (max(p.shape[side] for line in lines for p in line) for side in (0, 1))
    tall, wide = len(lines) * (height + GAP) - GAP, len(lines[0]) * (width + GAP) - GAP
    sheet = np.full((tall, wide, 3), 255, np.uint8)
    for row, line in enumerate(lines):
        for column, picture in enumerate(line):
            top, left = row * (height + GAP), column * (width + GAP)
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet
