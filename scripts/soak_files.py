"""Damaged and hostile files without end: pictures, or models with all that stands beside them.

python scripts/soak_files.py pictures --count 1000000 --out soak [--minutes 30]
python scripts/soak_files.py models   --count 100000  --out soak [--minutes 30]

Every mutant must be read or refused in one line, within 2 s of processor time, in at most twice its
size and 64 MB of memory. Work is done in parts of 500, drawn from their number alone; each adds a
line to OUT/KIND.jsonl, and the same command goes on where the last one stopped. A mutant that
fails is kept in OUT/failed. Exit code 1 if any failed.
"""

import argparse
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "soaks"), str(TESTS / "core")]

PART, SECONDS, SPARE, MEGAPIXELS = 500, 2.0, 64 << 20, 2
Attempt = Callable[[int], tuple[bytes, Callable[[], object]]]  # number -> the file, and reading it


def pictures(folder: Path) -> Attempt:
    """Mutants of the zoo of legal pictures."""
    from mutants import damaged

    from conftest import ZOO
    from portrayal.core.images import read_picture

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff complains there by itself

    def attempt(number: int) -> tuple[bytes, Callable[[], object]]:
        file = damaged(ZOO[number % len(ZOO)][1], np.random.default_rng([number, 1]))
        return file, lambda: read_picture(file, limit=MEGAPIXELS)

    return attempt


def models(folder: Path) -> Attempt:
    """Mutants of the files of a small run, with about.json telling their new hash."""
    from models import Models

    return Models(folder).attempt


def peak() -> int:
    """The most memory this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fault_of(read: Callable[[], object], size: int) -> tuple[str, str]:
    """What happened ("read" or "refused"), and what was wrong with that, if anything."""
    from portrayal.core.errors import UserError

    before, start, outcome, fault = peak(), time.process_time(), "read", ""
    try:
        read()
    except UserError as error:
        outcome, line = "refused", str(error)
        if not line.isprintable() or not 0 < len(line) < 2100:
            fault = f"no line: {line[:200]!r}"
    except Exception:
        fault = traceback.format_exc()
    if (seconds := time.process_time() - start) > SECONDS:
        fault = fault or f"{seconds:.1f} s"
    if (more := peak() - before) > 2 * size + SPARE:
        fault = fault or f"{more} bytes of memory for a file of {size}"
    return outcome, fault


def part(attempt: Attempt, number: int, count: int, out: Path) -> dict[str, object]:
    """Mutants number * PART and the following; what became of them."""
    counts, faults, start = {"read": 0, "refused": 0}, [], time.time()
    for index in range(number * PART, number * PART + count):
        file, read = attempt(index)
        outcome, fault = fault_of(read, len(file))
        counts[outcome] += 1
        if fault:
            faults.append({"mutant": index, "fault": fault.strip().splitlines()[-1]})
            (out / "failed").mkdir(exist_ok=True)
            (out / "failed" / f"{index}").write_bytes(file)
            (out / "failed" / f"{index}.txt").write_text(fault)
    seconds = round(time.time() - start, 1)
    return {"part": number, **counts, "faults": faults, "seconds": seconds, "peak_bytes": peak()}


def soak(kind: str, count: int, out: Path, minutes: float) -> int:
    """Do the parts that OUT/KIND.jsonl does not have yet; the number of mutants that failed."""
    from portrayal.core.runs import append_line, read_lines

    out.mkdir(parents=True, exist_ok=True)
    path, end = out / f"{kind}.jsonl", time.time() + 60 * minutes
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    try:
        attempt = {"pictures": pictures, "models": models}[kind](folder)
        done = {row["part"] for row in read_lines(path)}
        for number in range(-(-count // PART)):
            if number not in done and time.time() < end:
                size = min(PART, count - number * PART)
                append_line(path, part(attempt, number, size, out))
    finally:
        shutil.rmtree(folder)
    rows = list(read_lines(path))
    read, refused = (sum(row[name] for row in rows) for name in ("read", "refused"))
    failed = sum(len(row["faults"]) for row in rows)
    print(f"{read + refused} {kind}: {read} read, {refused} refused, {failed} failed")
    print(json.dumps([fault for row in rows for fault in row["faults"]][:5]))
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("pictures", "models"))
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    random.seed(0)
    sys.exit(bool(soak(options.kind, options.count, options.out, options.minutes)))


if __name__ == "__main__":
    main()
