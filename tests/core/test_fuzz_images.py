"""2,000 damaged files: each gives pixels or one short reason, quickly, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from portrayal.core.errors import BadPicture
from portrayal.core.images import read_exif, read_picture, read_text

sys.path.insert(0, str(Path(__file__).parents[1] / "soaks"))  # for mutants.py
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from mutants import damaged
from soak_files import rows

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


def forever():
    while True:
        pass


def test_the_soak_names_a_file_that_kills_or_hangs_its_reader_and_goes_on(tmp_path):
    fates = {3: lambda: os.kill(os.getpid(), signal.SIGKILL), 501: forever, 7: lambda: 1 / 0}

    def make(folder):
        return lambda number: (b"x", fates.get(number, lambda: None))

    parts = iter([(0, 10), (1, 5), (2, 5)])
    found = list(rows(make, parts, tmp_path, tmp_path, processes=2, limits=(0.5, 300)))
    assert sorted((row["part"], row["read"]) for row in found) == [(0, 10), (1, 5), (2, 5)]
    faults = {fault["mutant"]: fault["fault"] for row in found for fault in row["faults"]}
    assert faults == {
        3: "the process ended or hung there: -9",
        501: "the process ended or hung there: -9",
        7: "ZeroDivisionError: division by zero",
    }
    assert (tmp_path / "failed/3").read_bytes() == b"x"
