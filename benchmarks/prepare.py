"""Time and peak memory of `portrayal prepare` on few and on many small pictures.

    python benchmarks/prepare.py [--counts 2000 20000]

Memory must not grow with the number of pictures. Peak is that of the largest process.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from portrayal.core.images import encode_png


def make(folder: Path, count: int) -> None:
    """`count` pictures of 32 x 32 random pixels."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for index in range(count):
        pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
        (folder / f"{index:07d}.png").write_bytes(encode_png(pixels))


def measure(pictures: Path, out: Path) -> tuple[float, float]:
    """Seconds, and megabytes of the largest process, of one run in a process of its own."""
    line = ["prepare", "folder", str(pictures), "--out", str(out), "--filter", "pencil"]
    code = (
        "import resource, sys; from portrayal.cli import answer; code = answer(sys.argv[1:]);"
        "own, below = (resource.getrusage(w).ru_maxrss for w in (0, -1));"
        "print('PEAK', max(own, below)); sys.exit(code)"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(f"if __name__ == '__main__':\n    {code}\n")
        script.flush()
        started = time.perf_counter()
        command = [sys.executable, script.name, *line, "--size", "32"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken = time.perf_counter() - started
    found = re.search(r"PEAK (\d+)", done.stdout)
    assert found
    return taken, int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 20000])
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder) / "pictures", count)
            taken, peak = measure(Path(folder) / "pictures", Path(folder) / "data")
        print(f"{count} pictures: {taken:.1f} s, {count / taken:.0f} a second, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
