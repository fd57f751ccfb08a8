"""A drawing, and a photo of it."""

import cv2
import numpy as np


def drawing(width, side=256):
    """A circle, a line and a triangle, black on white."""
    scale = side / 256
    page = np.full((side, side, 3), 255, np.uint8)
    corners = (np.array([[180, 30], [230, 30], [205, 90]]) * scale).astype(np.int32)
    cv2.circle(page, (int(100 * scale), int(110 * scale)), int(60 * scale), 0, width, cv2.LINE_AA)
    ends = [tuple((np.array(p) * scale).astype(int).tolist()) for p in ((20, 220), (230, 200))]
    cv2.line(page, *ends, 0, width, cv2.LINE_AA)
    cv2.polylines(page, [corners], True, 0, width, cv2.LINE_AA)
    page[:] = page[:, :, :1]
    return page


def photographed(page, seed=0):
    """Yellow paper, weak ink, light from one side, noise, JPEG."""
    height, width = page.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = (0.55 + 0.4 * x * (0.5 + 0.5 * y))[:, :, None] * np.array([1, 0.93, 0.7])
    noise = np.random.default_rng(seed).normal(0, 5, page.shape)
    levels = ((40 + page / 255 * 215) * light + noise).clip(0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def apart(one, other):
    """Mean difference, 1 is white against black."""
    return float(np.abs(one.astype(float) - other).mean() / 255)
