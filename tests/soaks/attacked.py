"""What is attacked: tiny runs of every recipe, and how two of them are compared byte by byte."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

SMALL = ("width=4", "discriminator_width=4")
PATCHES = ("generator=resnet_6", "discriminator=patch_16", *SMALL)
JOINT = ("latent=8", "kernel=4", *SMALL)
RECIPES = {  # side of the pictures, settings: as small as they get, with all that has a state
    "pix2pix": (32, PATCHES),
    "paired": (32, (*PATCHES, "pool=3")),
    "cyclegan": (32, (*PATCHES, "pool=3")),
    "contextual": (64, (*JOINT, "starts=2", "look_steps=1")),
    "completion": (64, JOINT),
}
STEPS = 8
COMMON = (
    f"steps={STEPS}",
    "batch=2",
    "save_every=2",
    "validate_every=3",
    "log_every=1",
    "average=0.9",
    "precision=float32",
)
NOT_COMPARED = {
    "seconds",
    "command",
    "commit",
    "started",
    "time",
    "path",
    "from_run",
    "run",
    "data",
}


class Attacker:
    """The process that forks and attacks (attacker.py); used as a context."""

    def __enter__(self):
        self.learned = set()  # numbers of processes whose imports it knows
        script = Path(__file__).with_name("attacker.py")
        self.process = subprocess.Popen(
            [sys.executable, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(600)
        self.process.stdout.close()

    def __call__(self, line, log, **job):
        """Run one command line; an `Answer`."""
        job = {"line": list(map(str, line)), "log": str(log), "ranks": 1, **job}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        return Answer(**said, text=Path(log).read_text(errors="replace"))


@dataclass
class Answer:
    """How a job ended."""

    codes: list = field(default_factory=list)
    seconds: float = 0.0
    text: str = ""

    @property
    def fine(self):
        return not any(self.codes)

    @property
    def killed(self):
        return -9 in self.codes

    def errors(self):
        """Lines that are no progress and no plan."""
        return [line for line in self.text.splitlines() if line.startswith(("Error", "Trace"))]


def make_data(folder, side, counts=(("train", 6), ("val", 2), ("test", 3))):
    """Soft random pictures and their negatives."""
    rng = np.random.default_rng(side)
    for split, count in counts:
        for index in range(count):
            picture = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (side, side))
            for name, pixels in (("source", 255 - picture), ("target", picture)):
                path = folder / split / name / f"{split}_{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), pixels)
    return folder


def training(recipe, data, out, *more):
    """The command line of a tiny run."""
    side, choices = RECIPES[recipe]
    sets = [f"--set={text}" for text in (*choices, *COMMON, *more)]
    return ["train", recipe, f"{data}/{side}", "--out", str(out), *sets]


def fingerprint(folder):
    """Every file, hidden ones too: path -> hash, of JSON without clocks and places."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.name != ".lock" and name != "environment.json":
            found[name] = digest(path)
    return found


def digest(path):
    """A hash; what the clock and the place decide is left out."""
    content = path.read_bytes()
    if path.suffix == ".pt":  # a pickle of equal values may have other bytes
        return hash_of(torch.load(path, weights_only=True))
    if path.suffix == ".json":
        content = json.dumps(plain(json.loads(content))).encode()
    elif path.suffix == ".jsonl":
        content = json.dumps([plain(json.loads(line)) for line in content.splitlines()]).encode()
    return hashlib.sha256(content).hexdigest()


def hash_of(state):
    """A hash of nested plain data and tensors, to the bit."""
    if isinstance(state, dict):
        return hash_of([[str(key), hash_of(value)] for key, value in state.items()])
    if isinstance(state, (list, tuple)):
        return hashlib.sha256(repr([hash_of(each) for each in state]).encode()).hexdigest()
    if isinstance(state, torch.Tensor):
        content = f"{state.dtype} {tuple(state.shape)} ".encode() + state.numpy().tobytes()
        return hashlib.sha256(content).hexdigest()
    return repr(state)


def plain(value):
    """JSON without the entries that name a time or a place."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in NOT_COMPARED}
        return {k: plain(v) for k, v in kept.items() if not k.endswith(".pt")}
    return [plain(each) for each in value] if isinstance(value, list) else value


def differences(one, other):
    """Names of files that one of two fingerprints lacks, or whose content differs."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
