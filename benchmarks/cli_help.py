"""How long `portrayal --help` takes as a whole process: python benchmarks/cli_help.py

Aim: a median under 0.3 s. A bare `python -c pass` is timed beside it, in turns, as the floor.
"""

import statistics
import subprocess
import sys
import time

RUNS = 15
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "portrayal --help": [sys.executable, "-m", "portrayal", "--help"],
    "portrayal train --help": [sys.executable, "-m", "portrayal", "train", "--help"],
    "portrayal prepare --help": [sys.executable, "-m", "portrayal", "prepare", "--help"],
}


def seconds(words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, words in COMMANDS.items():
            times[name].append(seconds(words))
    for name, found in times.items():
        print(f"{name:<26} median {statistics.median(found):.3f} s, slowest {max(found):.3f} s")


if __name__ == "__main__":
    main()
