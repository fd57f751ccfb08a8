"""Many clients at once on a real server: who is answered, how soon, and what is left behind.

python scripts/serve_soak.py [--run RUN] [--minutes 10] [--clients 50] [--figures FILE]

Parts of a minute: the engine alone, without HTTP, for ten seconds, then all clients for fifty. A
client that is refused comes back after `Retry-After`. Another process asks for /health ten times a
second. The server, the engine and the clients share two cores. Where possible the server lives in a
network namespace of its own with nothing but loopback. One line of figures per part; what stands in
the file is not done again, so a soak can be stopped and go on. Exit code 1 if a figure falls short.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "soaks"))

from serving import Figures, Server, alone, make_run, soak, verdict


def rows_of(figures: Path | None) -> list[Figures]:
    """What was measured before."""
    lines = figures.read_text().splitlines() if figures and figures.exists() else []
    return [Figures(**json.loads(line)) for line in lines]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--figures", type=Path)
    wanted = parser.parse_args()
    rows = rows_of(wanted.figures)
    with tempfile.TemporaryDirectory() as folder:
        run = wanted.run or make_run(Path(folder))
        with Server(run, wanted.engine) as server:
            while len(rows) < wanted.minutes:
                rest = min(1, wanted.minutes - len(rows))
                rate = alone(run, wanted.engine, wanted.side, 10 * rest)
                row = asyncio.run(soak(server, wanted.clients, wanted.side, 50 * rest, rate))
                rows.append(row)
                print(row, flush=True)
                if wanted.figures:
                    with wanted.figures.open("a") as file:
                        file.write(json.dumps(vars(row)) + "\n")
    text, fell = verdict(rows)
    print(f"{time.strftime('%Y-%m-%d')}: {text}")
    return int(bool(fell))


if __name__ == "__main__":
    sys.exit(main())
