"""2,000 damaged files: each gives pixels or one short reason, quickly, and nothing else."""

import subprocess
import sys
import time

import numpy as np

from portrayal.core.errors import BadPicture
from portrayal.core.images import read_exif, read_picture, read_text

COUNT = 2000


def damaged(file: bytes, rng: np.random.Generator) -> bytes:
    """One of six kinds of damage."""
    content = bytearray(file)
    kind = rng.integers(6)
    if kind == 0:  # cut
        return bytes(content[: rng.integers(len(content))])
    if kind == 1:  # a few flipped bits anywhere
        for place in rng.integers(len(content), size=rng.integers(1, 9)):
            content[place] ^= 1 << rng.integers(8)
    elif kind == 2:  # extreme values in the header
        place = rng.integers(min(64, len(content)))
        width = rng.integers(1, 5)
        content[place : place + width] = (b"\xff", b"\0", b"\x7f", b"\x80")[rng.integers(4)] * width
    elif kind == 3:  # a piece is missing
        start = rng.integers(len(content))
        del content[start : start + rng.integers(1, 40)]
    elif kind == 4:  # a piece twice
        start = rng.integers(len(content))
        content[start:start] = content[start : start + rng.integers(1, 40)]
    else:  # noise in the middle
        start = rng.integers(len(content))
        length = min(int(rng.integers(1, 40)), len(content) - start)
        content[start : start + length] = rng.bytes(length)
    return bytes(content)


def test_2000_damaged_files_give_pixels_or_one_reason(zoo, capfd):
    rng = np.random.default_rng(6)
    refused, slowest = 0, 0.0
    for number in range(COUNT):
        file = damaged(zoo[number % len(zoo)][1], rng)
        start = time.process_time()
        try:
            pixels = read_picture(file).pixels
            assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
        except BadPicture as error:
            refused += 1
            assert 0 < len(error.reason) <= 100 and "\n" not in error.reason
        slowest = max(slowest, time.process_time() - start)
    assert refused > COUNT / 4  # the damage is real
    assert slowest < 2
    out, err = capfd.readouterr()
    assert out == "" and "Warning" not in err  # only libtiff writes to the descriptor by itself


def test_text_and_exif_of_damaged_files_never_fail(zoo):
    rng = np.random.default_rng(7)
    for number in range(300):
        file = damaged(zoo[number % len(zoo)][1], rng)
        assert isinstance(read_text(file), dict)
        assert read_exif(file) is None or isinstance(read_exif(file), bytes)


def test_pillows_log_stays_silent_in_a_program_that_set_up_no_logging():
    content = "import portrayal.core.images, logging; logging.getLogger('PIL.x').error('no')"
    done = subprocess.run([sys.executable, "-c", content], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
