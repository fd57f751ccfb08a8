#!/usr/bin/env python3
"""Report 4's SSIM as its code computed it, beside the right one: why its 0.98 meant nothing.

    python scripts/wrong_ssim.py FOLDER_OF_PICTURES

Its evaluator gave pictures in -1..1 to an SSIM whose constants are meant for 0..255, so the
constants outweigh every variance. Unrelated pictures, a grey sheet and white noise score as high
as its table.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from portrayal.core.images import find_pictures, read_pixels, unit
from portrayal.filters.geometry import squeeze
from portrayal.metrics.pixel import blurred, ssim

SIDE, COUNT = 256, 100
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def wrong_ssim(a: Tensor, b: Tensor) -> float:
    """SSIM of unit pictures (1, 3, H, W), moved to -1..1, with the constants of 0..255."""
    a, b = (2 * side.double() - 1 for side in (a, b))
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    structure = (2 * both + C2) / (var_a + var_b + C2)
    light = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return float((structure * light).mean())


def main(folder: Path) -> None:
    """Means over pairs of different pictures, and against sheets of nothing."""
    files = sorted(find_pictures(folder))[:COUNT]
    pictures = [unit(squeeze(read_pixels(file), SIDE, SIDE))[None] for file in files]
    noise = torch.from_numpy(np.random.default_rng(0).random((1, 3, SIDE, SIDE))).float()
    rivals = {
        "another picture": lambda i: pictures[(i + 1) % len(pictures)],
        "its own negative": lambda i: 1 - pictures[i],
        "mid-grey": lambda i: torch.full_like(pictures[i], 0.5),
        "white noise": lambda i: noise,
    }
    print(f"{len(pictures)} pictures of {SIDE} pixels      as report 4     right")
    for name, rival in rivals.items():
        wrong = np.mean([wrong_ssim(picture, rival(i)) for i, picture in enumerate(pictures)])
        right = np.mean([float(ssim(p, rival(i).to(p))) for i, p in enumerate(pictures)])
        print(f"a picture and {name:18} {wrong:12.4f} {right:12.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
