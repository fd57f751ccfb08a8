"""Generated pictures for tests of data: photo-like noise, so that no two look alike."""

import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from portrayal.core.images import encode
from portrayal.core.seeds import numpy_rng

sys.path.insert(0, str(Path(__file__).parent))  # for feret_tree.py


def photo(index, height=64, width=64):
    """Smooth coloured noise, different for every index."""
    coarse = numpy_rng("photo", index).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def save(path, pixels, suffix=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(pixels, suffix or path.suffix))
    return path


def photos(folder, count, suffix=".png", start=0, size=(64, 64)):
    for index in range(start, start + count):
        save(folder / f"{index:04d}{suffix}", photo(index, *size))
    return folder


def tree(folder):
    """Every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def make():
    """make.photo, make.save, make.photos, make.tree"""
    return SimpleNamespace(photo=photo, save=save, photos=photos, tree=tree)
