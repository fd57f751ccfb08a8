"""Attacks outside of CI, in parts, resumable: kills and disks.

python scripts/soak.py kills --cases 50 --part 1/2 --figures kills.jsonl
python scripts/soak.py disks --cases 300 --figures disks.jsonl

kills: every case is a tiny run of one recipe (five, on one and two processes, in turn), killed four
times with SIGKILL and resumed; it must end with the bits of a run that nobody disturbed. Disks:
case n strikes one of the first 100 writes of a run with a full disk, a missing permission or a
fault; it must end with one line and exit code 2, and the same command with the same bits.
A line of figures per case; what stands in the file is not done again. Exit code 1 if one fell.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "soaks"))

from attacked import Attacker
from kills import Trainings, append

KILLS = 4  # of every case


def rows_of(figures: Path) -> dict[int, dict]:
    """What is known of cases, by number."""
    lines = figures.read_text().splitlines() if figures.exists() else []
    return {row["case"]: row for row in map(json.loads, lines)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kills", "disks"])
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--figures", type=Path, required=True)
    wanted = parser.parse_args()
    part, parts = map(int, wanted.part.split("/"))
    known, began = rows_of(wanted.figures), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Attacker() as attacker:
        trainings = Trainings(attacker, Path(folder))
        for number in range(part - 1, wanted.cases, parts):
            if number in known:
                continue
            if time.monotonic() - began > 60 * wanted.minutes:
                break
            row = (
                trainings.case(number, KILLS) if wanted.what == "kills" else trainings.disk(number)
            )
            append(wanted.figures, row)
    rows = rows_of(wanted.figures).values()
    fallen = [row["case"] for row in rows if row["differ"]]
    kills = sum(row.get("kills", 0) for row in rows)
    inside = sum(row.get("inside", 0) for row in rows)
    text = f"{kills} kills, {inside} inside the save window, " if wanted.what == "kills" else ""
    print(f"{len(rows)} cases, {text}{len(fallen)} fell {fallen}")
    return int(bool(fallen))


if __name__ == "__main__":
    sys.exit(main())
