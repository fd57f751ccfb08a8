"""The picture of matches in the first report: real and translated side by side, joined by lines."""

import cv2
import numpy as np

from portrayal.core.images import Pixels
from portrayal.metrics.keypoints import Matches, Points

GREEN, RED = (40, 170, 60), (215, 50, 50)
HEIGHT = 384  # from which lines can be told apart; larger pictures keep their size
GAP = 8


def drawing(real: Pixels, fake: Pixels, matches: Matches) -> Pixels:
    """Real | fake, (H, W, 3), with a line for each mutual match: green in place, red elsewhere."""
    factor = max(1.0, HEIGHT / real.shape[0])
    size = (round(real.shape[1] * factor), round(real.shape[0] * factor))
    left, right = (cv2.resize(side, size, interpolation=cv2.INTER_CUBIC) for side in (real, fake))
    canvas = np.full((size[1], 2 * size[0] + GAP, 3), 255, np.uint8)
    canvas[:, : size[0]], canvas[:, size[0] + GAP :] = left, right
    shift = np.array([size[0] + GAP, 0])
    for wanted, colour in ((False, RED), (True, GREEN)):  # green on top
        chosen = matches.in_place == wanted
        starts, ends = matches.real[chosen] * factor, matches.fake[chosen] * factor + shift
        _lines(canvas, starts, ends, colour)
    return canvas


def _lines(canvas: Pixels, starts: Points, ends: Points, colour: tuple[int, int, int]) -> None:
    for start, end in zip(starts.round().astype(int), ends.round().astype(int), strict=True):
        cv2.line(canvas, start.tolist(), end.tolist(), colour, 1, cv2.LINE_AA)
        for point in (start, end):
            cv2.circle(canvas, point.tolist(), 2, colour, 1, cv2.LINE_AA)
