"""Reading: any legal picture gives its pixels, any other file one reason."""

from pathlib import Path

import numpy as np
import pytest

from portrayal.core.errors import BadPicture
from portrayal.core.images import read_picture, read_pixels


def test_every_oddity_gives_its_true_pixels(oddity):
    _, file, expected, tolerance = oddity
    pixels = read_pixels(file)
    assert pixels.shape == expected.shape and pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous and pixels.flags.writeable
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= tolerance
