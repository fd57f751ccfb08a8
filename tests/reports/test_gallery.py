import base64
import io

import numpy as np
import pytest
from PIL import Image
from runs import disc

from portrayal.reports.gallery import FILM_PICTURES, data_uri, film_strips


def picture_in(uri):
    kind, data = uri.split(";base64,")
    return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_a_flat_picture_is_embedded_without_loss():
    pixels = disc(0, 64)[1]
    kind, seen = picture_in(data_uri(pixels))
    assert kind == "data:image/png"
    assert (seen == pixels).all()


def test_a_noisy_large_picture_is_shrunk_and_compressed():
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    kind, seen = picture_in(data_uri(noise, side=256))
    assert kind == "data:image/jpeg"
    assert seen.shape == (171, 256, 3)


def sheet(height, width, rows, gap):
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 255, (rows, 3, height, width, 3), dtype=np.uint8)
    grid = np.full((rows * (height + gap) - gap, 3 * (width + gap) - gap, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(3):
            top, left = row * (height + gap), column * (width + gap)
            grid[top : top + height, left : left + width] = cells[row, column]
    return cells, grid


@pytest.mark.parametrize("gap", [0, 4])
@pytest.mark.parametrize(("height", "width", "rows"), [(32, 32, 1), (32, 32, 6), (24, 40, 3)])
def test_a_sheet_is_cut_into_its_columns(height, width, rows, gap):
    cells, grid = sheet(height, width, rows, gap)
    strips, count = film_strips(grid, {"data": {"size": [height, width]}})
    assert count == min(rows, FILM_PICTURES)
    for column in range(3):
        wanted = np.concatenate(list(cells[:count, column]), axis=1)
        assert (strips[column] == wanted).all()


def test_a_sheet_of_unknown_layout_stays_whole():
    grid = np.zeros((100, 77, 3), np.uint8)
    for config in ({}, {"data": {"size": [64, 64]}}, {"data": {"size": "big"}}):
        strips, count = film_strips(grid, config)
        assert count == 1 and strips[0] is grid
