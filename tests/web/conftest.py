"""A study of generated pictures, and servers of it inside this process."""

import json
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from portrayal.core.images import encode_png
from portrayal.core.runs import write_atomically, write_json
from portrayal.evaluation.study.create import Wanted, create
from portrayal.evaluation.study.material import of_folders


@pytest.fixture
def make_study(tmp_path, scene):
    """make_study(name, **options of Wanted): a study of three models and six motifs."""
    for number, model in enumerate(("a", "b", "c")):
        for motif in range(6):
            pixels = scene(48, 64, seed=10 * number + motif)
            write_atomically(tmp_path / model / f"m{motif}.png", encode_png(pixels))
    folders = [tmp_path / model for model in ("a", "b", "c")]

    def make(name="study", **options):
        material = of_folders(folders, input=folders[0], reference=folders[1], real=folders[2])
        create(tmp_path / name, material, Wanted(**{"practice": 1, "checks": 1, **options}))
        return tmp_path / name

    return make


def servers():
    """Start applications, stop all at the end."""
    from portrayal.web.connections import server_of

    running = []

    def start(app, *connection):
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = server_of(app, *connection)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running.append((server, thread, listening))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    for server, thread, listening in running:
        server.should_exit = True
        thread.join(300)
        listening.close()


@pytest.fixture
def serve():
    """serve(app): its address; it stops with the test."""
    yield from servers()


@pytest.fixture(scope="module")
def serve_long():
    """The same, until the file is done."""
    yield from servers()


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """An untrained pix2pix run on pictures of 64 pixels, with a log, scores and samples."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
    from untrained import make_dataset, make_run, smooth

    folder = tmp_path_factory.mktemp("served")
    data = make_dataset(folder / "data", {"train": 2, "val": 2, "test": 2})
    run = make_run(folder / "runs" / "small", data)
    for step in range(1, 1002):
        append_row(run / "log.jsonl", {"step": step, "steps": 2000, "l1": 1 / step})
    append_row(run / "scores.jsonl", {"step": 1, "split": "val", "scores": {"l1": 0.25}})
    write_json(run / "checkpoints" / "best_l1.json", {"step": 1})
    for step in (1, 10):
        write_atomically(run / "samples" / f"step_{step:08d}.png", encode_png(smooth(step)))
    write_atomically(run / "report.html", "<!doctype html><title>A report</title>")
    return run


def append_row(path, row):
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


class Gate:
    """A recipe that answers with the negative when it is let; until then it says where it is."""

    multiple = 1

    def __init__(self):
        self.open, self.entered = threading.Event(), threading.Semaphore(0)

    def translate(self, source, *, reverse=False, seed=0, report=None, seen=None):
        from portrayal.recipes.search import Look

        self.entered.release()
        seen(Look(1, 0, 20, 1000, 0.25, source / 2))
        while not self.open.wait(0.01):
            seen(Look(1, 0, 40, 1000, 0.125, source / 4))
        return -source

    def answer(self, z, *, reverse=False):
        return z


@pytest.fixture
def gate():
    """A model called "gate" whose recipe, `gate.forward.recipe`, waits until it is opened."""
    from portrayal.inference.translator import Translator
    from portrayal.web.models import Model

    recipe = Gate()
    about = {"step": 1, "files": {"weights.safetensors": "0" * 64}}
    translator = Translator(recipe, {"recipe": "gate", "config": {}}, about)
    yield Model("gate", translator, None, True, None, False, 0, threading.Lock())
    recipe.open.set()
