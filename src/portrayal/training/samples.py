"""A sheet of samples: fixed pictures, each row source | generated | truth."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from portrayal.core.images import encode_png, pixels_of, signed, unit_of
from portrayal.data.dataset import Split

GAP = 4  # white pixels between pictures


def sample_sheet(
    split: Split, translate: Callable[[Tensor], Tensor], *, rows: int = 4
) -> Callable[[], bytes]:
    """A function that draws the same pairs, spread evenly over the split, as they are now. PNG."""
    count = min(rows, len(split))
    chosen = [round(i * (len(split) - 1) / max(1, count - 1)) for i in range(count)]

    def draw() -> bytes:
        lines = []
        for index in chosen:
            pair = split.pair(index)
            fake = translate(signed(pair.source)[None])[0]  # (3, H, W) signed
            lines.append([pair.source, pixels_of(unit_of(fake)), pair.target])
        height, width = (max(line[0].shape[side] for line in lines) for side in (0, 1))
        tall, wide = count * (height + GAP) - GAP, 3 * (width + GAP) - GAP
        sheet = np.full((tall, wide, 3), 255, np.uint8)
        for row, line in enumerate(lines):
            for column, picture in enumerate(line):
                top, left = row * (height + GAP), column * (width + GAP)
                sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        return encode_png(sheet)

    return draw
