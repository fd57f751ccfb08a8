"""Damaged and hostile files without end: pictures, or models with all that stands beside them.

python scripts/soak_files.py pictures --count 1000000 --out soak [--minutes 30] [--processes 2]
python scripts/soak_files.py models   --count 100000  --out soak [--minutes 30] [--processes 2]

Every mutant must be read or refused in one line, within 2 s of processor time, in at most twice its
size and 64 MB of memory. Work is done in parts of 500, drawn from their number alone; each adds a
line to OUT/KIND.jsonl, and the same command goes on where the last one stopped. A mutant that
fails is kept in OUT/failed. Each of the processes does part after part; one that dies or hangs is
replaced, and the mutant that it was at has failed. Exit code 1 if any failed.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "soaks"), str(TESTS / "core")]

PART, SECONDS, SPARE, MEGAPIXELS = 500, 2.0, 64 << 20, 2
HANGS = 20.0, 300.0  # seconds of a processor, and asleep, after which a mutant hangs
MEMORY = Path("/dev/shm")  # where small files cost least
Attempt = Callable[[int], tuple[bytes, Callable[[], object]]]  # number -> the file, and reading it
Make = Callable[[Path], Attempt]  # from a folder of its own


def pictures(folder: Path) -> Attempt:
    """Mutants of the zoo of legal pictures."""
    from mutants import damaged

    from conftest import ZOO
    from portrayal.core.images import read_picture

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


def part(
    attempt: Attempt, number: int, count: int, out: Path, at: Any, fallen: dict[int, str]
) -> dict[str, object]:
    """Mutants number * PART and the following; what became of them. `at` tells which one it is."""
    counts, faults, start = {"read": 0, "refused": 0}, [], time.time()
    for index in range(number * PART, number * PART + count):
        at.value = index
        file, read = attempt(index)
        outcome, fault = ("read", fallen[index]) if index in fallen else fault_of(read, len(file))
        counts[outcome] += 1
        if fault:
            faults.append({"mutant": index, "fault": fault.strip().splitlines()[-1]})
            (out / "failed").mkdir(exist_ok=True)
            (out / "failed" / f"{index}").write_bytes(file)
            (out / "failed" / f"{index}.txt").write_text(fault)
    seconds = round(time.time() - start, 1)
    return {"part": number, **counts, "faults": faults, "seconds": seconds, "peak_bytes": peak()}


class Worker:
    """A process that does the parts that it is told to; `watch` asks whether it still moves."""

    def __init__(self, make: Make, folder: Path, out: Path, limits: tuple[float, float]) -> None:
        fork = multiprocessing.get_context("fork")
        self.line, far = fork.Pipe()
        self.at = fork.RawValue("q", -1)
        self.process = fork.Process(target=self.work, args=(make, folder, out, far), daemon=True)
        self.process.start()
        far.close()
        self.busy, self.still = limits
        self.job: tuple[int, int, dict[int, str]] = (0, 0, {})

    def work(self, make: Make, folder: Path, out: Path, line: Any) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff complains there by itself
        self.line.close()  # so that it ends when nobody tells it anything any more
        attempt = make(Path(tempfile.mkdtemp(dir=folder)))
        with suppress(EOFError, BrokenPipeError):
            while True:
                number, count, fallen = line.recv()
                line.send(part(attempt, number, count, out, self.at, fallen))

    def tell(self, number: int, count: int, fallen: dict[int, str]) -> None:
        self.job, self.seen = (number, count, fallen), (-2, 0.0, 0.0)
        self.line.send(self.job)

    def watch(self) -> None:
        """Kill it if it has been at one mutant for too long."""
        spent = time.clock_gettime(~int(self.process.pid or 0) << 3 | 2)  # its processor time
        place, since_spent, since = self.seen
        state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "R" and self.at.value == place:  # on a busy machine it may wait for its turn
            since = time.monotonic()
            self.seen = (place, since_spent, since)
        if self.at.value != place:
            self.seen = (self.at.value, spent, time.monotonic())
        elif spent - since_spent > self.busy or time.monotonic() - since > self.still:
            self.process.kill()

    def obituary(self) -> str:
        self.process.join()
        return f"the process ended or hung there: {self.process.exitcode}"


def rows(
    make: Make,
    parts: Iterator[tuple[int, int]],
    out: Path,
    folder: Path,
    processes: int,
    limits: tuple[float, float] = HANGS,
) -> Iterator[dict[str, object]]:
    """What became of each part, as they are finished."""
    busy = []
    for number, count in islice(parts, processes):
        busy.append(Worker(make, folder, out, limits))
        busy[-1].tell(number, count, {})
    while busy:
        told = wait([worker.line for worker in busy], timeout=2)
        for worker in list(busy):
            if worker.line not in told:
                worker.watch()
                continue
            try:
                yield worker.line.recv()
            except (EOFError, ConnectionResetError):  # it is dead; another one goes on
                number, count, fallen = worker.job
                fault = {int(worker.at.value): worker.obituary()}
                assert not fault.keys() <= fallen.keys(), fault  # it would never end
                busy[busy.index(worker)] = next_one = Worker(make, folder, out, limits)
                next_one.tell(number, count, fallen | fault)
                continue
            if (job := next(parts, None)) is None:
                busy.remove(worker)
                worker.process.kill()
            else:
                worker.tell(*job, {})


def soak(kind: str, count: int, out: Path, minutes: float, processes: int) -> int:
    """Do the parts that OUT/KIND.jsonl does not have yet; the number of mutants that failed."""
    from portrayal.core.runs import append_line, read_lines

    out.mkdir(parents=True, exist_ok=True)
    path, end = out / f"{kind}.jsonl", time.time() + 60 * minutes
    folder = Path(tempfile.mkdtemp(prefix="soak_", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        done = {row["part"] for row in read_lines(path)}
        todo = (
            (number, min(PART, count - number * PART))
            for number in range(-(-count // PART))
            if number not in done and time.time() < end
        )
        make = {"pictures": pictures, "models": models}[kind]
        for row in rows(make, todo, out, folder, processes):
            append_line(path, row)
    finally:
        shutil.rmtree(folder)
    return told(kind, list(read_lines(path)))


def told(kind: str, rows: list[dict[str, Any]]) -> int:
    """Say what is known by now."""
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
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    random.seed(0)
    sys.exit(bool(soak(asked.kind, asked.count, asked.out, asked.minutes, asked.processes)))


if __name__ == "__main__":
    main()
