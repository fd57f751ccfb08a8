"""Kill, go on, compare: the same bytes as if nothing had happened."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from attacked import COMMON, RECIPES, STEPS, differences, fingerprint, make_data, training

from portrayal.training.reading import whole_names

FAULTS = ("ENOSPC", "EACCES", "EIO")
DATED = {"report.html"}  # made of results.json, which is compared, with its clock and commit


@dataclass
class Whole:
    """A command that nobody disturbed: its files, its processor time and how often it wrote."""

    files: dict
    seconds: float
    writes: int


def undisturbed(attacker, line, out, place, ranks=1):
    """Run a command line that writes `out`; what it imports, the next ones find imported."""
    learned = {"ranks": ranks, "learn": str(place / "learned")}
    if ranks not in attacker.learned:  # a first time, so that the time measured has no imports
        first = attacker(line, place / "log", **learned)
        assert first.fine, first.text
        attacker.learned.add(ranks)
        shutil.rmtree(out)
    count = place / "count"
    attack = {"folder": str(out), "count_to": str(count)}
    answer = attacker(line, place / "log", attack=attack, **learned)
    assert answer.fine, answer.text
    return Whole(fingerprint(out), answer.seconds, int(count.read_text()))


def killed_and_resumed(attacker, line, out, place, whole, rng, *, kills, ranks=1, window=""):
    """Kill a command `kills` times and let it end; what it was, and which files differ.

    Two in five, drawn, strike at a write whose path contains `window`; the others at any time, any
    rank, of what is left to do. A command that ends before it is hit starts anew, uncounted.
    """
    struck, inside, tries = 0, 0, 0
    while struck < kills:
        tries += 1
        assert tries < 20 * kills, "kills do not hit"
        within, left = rng.random() < 0.4, max(0.2, 1 - newest(out) / STEPS)
        if within:
            at = 1 + int(rng.random() * left * whole.writes * 0.7)
            attack = {"folder": str(out), "only": window, "at": at}
            answer = attacker(line, place / "log", ranks=ranks, attack=attack)
        else:
            late, victim = rng.random() * left * whole.seconds, rng.randrange(ranks)
            answer = attacker(line, place / "log", ranks=ranks, after=late, victim=victim)
        if answer.killed and (out.exists() or not within):
            struck, inside = struck + 1, inside + within
        elif answer.fine:
            shutil.rmtree(out)
        else:
            return {"kills": struck, "inside": inside, "differ": [answer.text[-2000:]]}
    answer = attacker(line, place / "log", ranks=ranks)
    differ = differences(fingerprint(out), whole.files) if answer.fine else [answer.text[-2000:]]
    return {"kills": struck, "inside": inside, "differ": differ}


def newest(out):
    """The step from which a run would go on."""
    names = whole_names(out)
    return int(names[-1]) if names else 0


def combinations():
    """Recipe and number of processes."""
    return [(recipe, ranks) for ranks in (1, 2) for recipe in RECIPES]


class Trainings:
    """Data and undisturbed runs of all recipes, made when they are asked for."""

    def __init__(self, attacker, place):
        self.attacker, self.place, self.known = attacker, place, {}
        for side in sorted({side for side, _ in RECIPES.values()}):
            make_data(place / "data" / str(side), side)

    def whole(self, recipe, ranks):
        if (recipe, ranks) not in self.known:
            out = self.place / f"{recipe}_{ranks}"
            line = training(recipe, self.place / "data", out)
            self.known[recipe, ranks] = undisturbed(self.attacker, line, out, self.place, ranks)
        return self.known[recipe, ranks]

    def case(self, number, kills):
        """One run that is killed a few times; its figures."""
        recipe, ranks = combinations()[number % len(combinations())]
        whole, out = self.whole(recipe, ranks), self.place / f"case_{number}"
        line = training(recipe, self.place / "data", out)
        how = {"kills": kills, "ranks": ranks, "window": "/checkpoints"}
        rng = random.Random(number)
        found = killed_and_resumed(self.attacker, line, out, self.place, whole, rng, **how)
        if not found["differ"]:
            shutil.rmtree(out)
        return {"case": number, "recipe": recipe, "ranks": ranks, **found}

    def disk(self, number):
        """One write of a run, the first 100 in turn, meets a disk that says no."""
        recipe, what = "pix2pix", FAULTS[number % len(FAULTS)]
        whole, out = self.whole(recipe, 1), self.place / f"disk_{number}"
        line = training(recipe, self.place / "data", out)
        attack = {"folder": str(out), "at": 1 + number // len(FAULTS) % 100, "what": what}
        hit = self.attacker(line, self.place / "log", attack=attack)
        errors = hit.errors()
        told = hit.codes == [0] or (
            hit.codes == [2] and len(errors) == 1 and errors[0].startswith("Error: ")
        )
        again = self.attacker(line, self.place / "log")
        differ = differences(fingerprint(out), whole.files) if again.fine else [again.text[-2000:]]
        if not told:
            differ.append(hit.text[-2000:])
        if not differ:
            shutil.rmtree(out)
        said = errors[0] if errors else ""
        return {"case": number, **attack, "code": hit.codes[0], "said": said, "differ": differ}


def commands(place):
    """Other commands by name: their words; all write below place/out. `trained` is their run."""
    data, run, out = make_data(place / "data" / "32", 32), place / "run", place / "out"
    short = [text for text in COMMON if not text.startswith("steps=")]
    tiny = [f"--set={text}" for text in (*RECIPES["pix2pix"][1], *short, "steps=2")]
    filters = ["--filter", "pencil", "--size", "32", "--workers", "1"]
    study = ["--folders", data / "test/target", "--folders", data / "test/source"]
    checks = ["--practice", "0", "--checks", "0"]
    trained = ["train", "pix2pix", data, "--out", run, *tiny]
    return trained, {
        "prepare": ["prepare", "folder", data / "train/target", "--out", out, *filters],
        "translate": ["translate", run, data / "train/source", "--out", out],
        "evaluate": ["evaluate", out, "--metric", "ssim", "--metric", "l1"],
        "sweep": ["sweep", "pix2pix", data, "--out", out, *tiny, "--vary", "l1=10,100"],
        "study": ["study", "create", out, *study, *checks],
    }


class Commands:
    """Commands other than train: killed at drawn writes and run again."""

    def __init__(self, attacker, place):
        self.attacker, self.place, self.out = attacker, place, place / "out"
        trained, self.lines = commands(place)
        answer = attacker(trained, place / "log", learn=str(place / "learned"))
        assert answer.fine, answer.text

    def fresh(self, name):
        """The state before the first start."""
        shutil.rmtree(self.out, ignore_errors=True)
        if name == "evaluate":
            shutil.copytree(self.place / "run", self.out)

    def case(self, name, kills, seed):
        """Kill a command at `kills` drawn writes, let it end; its figures."""
        line, log, count = self.lines[name], self.place / "log", self.place / "count"
        self.fresh(name)
        attack = {"folder": str(self.out), "count_to": str(count)}
        answer = self.attacker(line, log, attack=attack)
        assert answer.fine, answer.text
        whole, writes = fingerprint(self.out), int(count.read_text())
        self.fresh(name)
        rng, struck = random.Random(f"{name} {seed}"), []
        for _ in range(kills):
            at = rng.randint(1, max(1, writes // 2))
            answer = self.attacker(line, log, attack={"folder": str(self.out), "at": at})
            if answer.killed:
                struck.append(at)
            elif not answer.fine:
                return {"kills": struck, "differ": [answer.text[-2000:]]}
        answer = self.attacker(line, log)
        if not answer.fine and name != "study":  # a study is never made twice
            return {"kills": struck, "differ": [answer.text[-2000:]]}
        differ = differences(fingerprint(self.out), whole)
        return {"kills": struck, "differ": [name for name in differ if name not in DATED]}


def append(path, row):
    """One line of figures."""
    with Path(path).open("a") as file:
        file.write(json.dumps(row) + "\n")
