"""Real file systems that say no: a full one and a read-only one, in a mount namespace of our own.

    unshare -rm python disks.py FOLDER        prints one line of JSON per trial

A tiny training writes to a tmpfs of 8 MB. Full: at a drawn write, some of them inside torch's and
safetensors' own writers, a file of zeros takes all that is free; the training must end with one
line and, when the zeros are gone, the same command with the bits of an undisturbed run. Read-only:
the run folder is mounted so (root may write whatever the mode says), half trained or whole.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from attacked import Attacker, differences, fingerprint, make_data, training
from kills import undisturbed

FILLED = [("", at) for at in (1, 17, 60)] + [("/checkpoints", at) for at in (2, 4, 7, 14, 40)]


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def told(answer, **more):
    """How a command ended, and its lines of error."""
    return {**more, "codes": answer.codes, "said": answer.errors()}


class Disks:
    """A tmpfs below `place` with data; `line` trains there."""

    def __init__(self, attacker, place):
        self.attacker, self.place = attacker, place
        self.disk, self.log = place / "disk", place / "log"
        self.data = make_data(place / "data" / "32", 32)
        self.disk.mkdir()
        mount("-t", "tmpfs", "-o", "size=8m", "none", self.disk)
        self.run = self.disk / "run"
        self.line = training("pix2pix", place / "data", self.run)
        self.whole = undisturbed(attacker, self.line, self.run, place)

    def full(self, only, at):
        """The disk becomes full at a write; what was there is still there; then there is room."""
        shutil.rmtree(self.run, ignore_errors=True)
        attack = {"folder": str(self.run), "only": only, "at": at, "what": "fill"}
        answer = self.attacker(self.line, self.log, attack=attack)
        (self.disk / "zeros").unlink(missing_ok=True)
        before = sorted(path.name for path in (self.run / "checkpoints").glob("0*"))
        again = self.attacker(self.line, self.log)
        differ = differences(fingerprint(self.run), self.whole.files)
        row = told(answer, trial=f"full at write {at} {only}", steps=before)
        return row | {"again": again.codes, "differ": differ}

    def read_only(self, trial, *line):
        """A command while the run folder cannot be written; which of its files changed."""
        before = fingerprint(self.run)
        mount("--bind", self.run, self.run)
        mount("-o", "remount,bind,ro", self.run)
        answer = self.attacker(line or self.line, self.log)
        subprocess.run(["umount", self.run], check=True)
        return told(answer, trial=trial, differ=differences(fingerprint(self.run), before))


def main():
    place = Path(sys.argv[1])
    with Attacker() as attacker:
        disks = Disks(attacker, place)
        for only, at in FILLED:
            yield disks.full(only, at)
        inside, picture = disks.run / "new", disks.data / "test/source"
        evaluate = ["evaluate", disks.run, "--metric", "ssim"]
        yield disks.read_only("evaluate", *evaluate)
        yield disks.read_only("translate into it", "translate", disks.run, picture, "--out", inside)
        out = ["--out", place / "out"]
        yield disks.read_only("translate from it", "translate", disks.run, picture, *out)
        shutil.rmtree(disks.run)
        attack = {"folder": str(disks.run), "only": "/checkpoints", "at": 40}
        disks.attacker(disks.line, disks.log, attack=attack)  # half a run
        yield disks.read_only("train on")
        again = attacker(disks.line, disks.log)
        differ = differences(fingerprint(disks.run), disks.whole.files)
        yield told(again, trial="trained on", differ=differ)


if __name__ == "__main__":
    for row in main():
        print(json.dumps(row), flush=True)
