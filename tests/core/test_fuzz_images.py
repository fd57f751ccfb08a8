"""2,000 damaged files: each gives pixels or one short reason, quickly, and nothing else."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from portrayal.core.errors import BadPicture
from portrayal.core.images import read_exif, read_picture, read_text

sys.path.insert(0, str(Path(__file__).parents[1] / "soaks"))  # for mutants.py
from mutants import damaged

COUNT = 2000


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
