"""A study of generated pictures, and servers of it inside this process."""

import socket
import threading
import time

import pytest

from portrayal.core.images import encode_png
from portrayal.core.runs import write_atomically
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


@pytest.fixture
def serve():
    """serve(app): its address; it stops with the test."""
    import uvicorn

    running = []

    def start(app):
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running.append((server, thread, listening))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    for server, thread, listening in running:
        server.should_exit = True
        thread.join(10)
        listening.close()
