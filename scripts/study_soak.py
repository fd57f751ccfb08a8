"""Votes under fire: simulated voters, a server that is killed again and again, nothing lost.

python scripts/study_soak.py [--voters 200] [--votes 50] [--kills 20] [--out FOLDER]

Each voter joins, votes, and sends again what was not acknowledged; every seventh vote is sent twice
on purpose. The server gets SIGKILL at drawn moments. At the end the votes in the file must be those
that were acknowledged, each once. Exit code 1 if not.
"""

import argparse
import http.client
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from portrayal.core.images import encode_png
from portrayal.core.runs import write_atomically
from portrayal.evaluation.study.create import Wanted, create
from portrayal.evaluation.study.material import of_folders
from portrayal.evaluation.study.votes import Votes

HEADERS = {"content-type": "application/json"}


def make_study(folder: Path, votes: int) -> Path:
    """A study of three folders of tiny pictures, `votes` scored trials per voter."""
    rng = np.random.default_rng(0)
    for model in "abc":
        for index in range(votes):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            write_atomically(folder / model / f"{index}.png", encode_png(pixels))
    material = of_folders([folder / model for model in "abc"])
    create(folder / "study", material, Wanted(practice=0, checks=0))
    return folder / "study"


class Server:
    """`portrayal study serve` on one port, started again after every kill."""

    def __init__(self, study: Path) -> None:
        self.study, self.port = study, 0
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-u", "-m", "portrayal", "study", "serve", str(self.study)]
        self.process = subprocess.Popen(
            [*words, "--port", str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert "http://" in line, line + self.process.stdout.read()
        self.port = int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(300)
        assert self.process.stdout
        self.process.stdout.close()


def ask(server: Server, method: str, path: str, body: dict | None = None) -> tuple[int, str, str]:
    """One request, again until it is answered: status, location, text."""
    while True:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        try:
            line.request(method, path, json.dumps(body) if body else None, HEADERS)
            answer = line.getresponse()
            status, text = answer.status, answer.read().decode()
            if status < 500:
                return status, answer.headers.get("location", ""), text
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        finally:
            line.close()


def session(server: Server, number: int) -> dict[tuple[str, str], str]:
    """One voter's acknowledged votes: (token, trial) -> answer."""
    rng = random.Random(number)
    _, link, _ = ask(server, "POST", "/join")
    token = link.rsplit("/", 1)[1]
    trials = json.loads(ask(server, "GET", f"/v/{token}/trials")[2])["trials"]
    told = {}
    for count, trial in enumerate(trials):
        vote = {"trial": trial["id"], "answer": rng.choice(trial["pictures"]), "ms": 500}
        for _ in range(2 if count % 7 == 6 else 1):
            status, _, text = ask(server, "POST", f"/v/{token}/votes", vote)
            assert status == 200, text
            assert json.loads(text) == {"trial": trial["id"], "answer": vote["answer"]}, text
        told[token, trial["id"]] = vote["answer"]
    return told


def soak(study: Path, voters: int, kills: int, seed: int) -> tuple[dict, int]:
    """All sessions while the server dies; what was acknowledged, and how often it died."""
    server, done, rng = Server(study), threading.Event(), random.Random(seed)
    killed = 0
    told: dict[tuple[str, str], str] = {}
    store = Votes(study)
    goal = voters * len(json.loads((study / "study.json").read_text())["items"])
    with ThreadPoolExecutor(16) as pool:
        running = pool.map(lambda number: session(server, number), range(voters))
        for kill in range(kills):  # spread over the votes, in the middle of requests
            wanted = goal * (kill + rng.random()) / (kills + 1)
            while store.counts()[1] < wanted and not done.is_set():
                time.sleep(0.02)
            server.stop()
            killed += 1
            server.start()
        for each in running:
            told |= each
    server.stop(signal.SIGINT)
    return told, killed


def main() -> int:
    parser = argparse.ArgumentParser()
    for name, value in (("voters", 200), ("votes", 50), ("kills", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(wanted.out or Path(folder), wanted.votes)
        started = time.monotonic()
        told, killed = soak(study, wanted.voters, wanted.kills, wanted.seed)
        seconds = time.monotonic() - started
        votes = list(Votes(study))
    stored = {(vote.voter, vote.trial) for vote in votes}
    doubled = len(votes) - len(stored)
    lost = wanted.voters * wanted.votes - len(stored)
    wrong = len(told) - len(votes) or sorted(told.values()) != sorted(v.answer for v in votes)
    print(
        f"{wanted.voters} voters x {wanted.votes} votes, {killed} kills, {seconds:.0f} s: "
        f"{len(told)} acknowledged, {len(votes)} stored, {lost} lost, {doubled} doubled"
    )
    return int(bool(lost or doubled or wrong))


if __name__ == "__main__":
    sys.exit(main())
