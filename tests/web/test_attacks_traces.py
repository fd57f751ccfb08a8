"""A server in its own process: what a face leaves behind, whom it calls, who is crowded out."""

import asyncio
import io
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "soaks"))

from serving import Server, request_of, soak

MARK = bytes(range(7, 247, 5))  # of the pixels, in no other file by chance
PNG = {"content-type": "image/png"}
IDLE = {"status": "ok", "working": 0, "waiting": 0}


def marked(kind, **options):
    """A picture whose rows repeat the mark, and which says SECRET-MARK in its metadata."""
    image = Image.frombytes("RGB", (16, 64), MARK * 64)
    exif = Image.Exif()
    exif[0x010E] = "SECRET-MARK"
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif, **options)
    return stream.getvalue()


def traces(*folders):
    """Files in which the mark stands, as pixels or as words."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(m in path.read_bytes() for m in (MARK, b"SECRET-MARK"))
    ]


def files_of(pid):
    """Names of the files that a process has open for writing, deleted ones included."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            told, name = Path(f"/proc/{pid}/fdinfo/{each.name}").read_text(), str(each.readlink())
        except FileNotFoundError:  # closed since it was listed, as connections are
            continue
        flags = told.split("flags:\t")[1].split()[0]
        if name.startswith("/") and not name.startswith("/dev/") and int(flags, 8) & 3:
            found.append(name)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Working folder, home and temporary folder of a server."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("work", "home", "tmp"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def server(home, small_run):
    """One server for this file; it may write where every program may."""
    run = shutil.copytree(small_run, home / "runs" / "small")
    env = {"HOME": str(home / "home"), "TMPDIR": str(home / "tmp"), "OMP_NUM_THREADS": "1"}
    with Server(run, cwd=home / "work", env=env) as server:
        yield server


def test_a_face_leaves_no_byte_behind(server, home):
    before = {path for path in home.rglob("*") if path.is_file()}
    assert traces(home) == []
    picture = marked("PNG")
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        for content in (picture, marked("JPEG"), marked("TIFF"), marked("WEBP", lossless=True)):
            assert client.post("/api/translate", content=content, headers=PNG).status_code == 200
            answer = client.post("/api/translate?show_input=1&format=webp", content=content)
            assert b"SECRET-MARK" not in answer.content
            form = {"picture": ("SECRET-MARK.png", content)}
            assert client.post("/api/translate", files=form).status_code == 200
        bad = {"picture": ("SECRET-MARK.png", picture[:100] + b"SECRET-MARK" * 200_000)}
        assert client.post("/api/translate", files=bad).status_code == 400
        files = [("pictures", ("SECRET-MARK.png", content)) for content in (picture, b"x")]
        assert client.post("/api/batch", files=files).status_code == 200
        assert client.post("/api/jobs", content=picture, headers=PNG).status_code == 202
        assert client.get("/api/runs/SECRET-MARK?x=SECRET-MARK").status_code == 404
        open_files = files_of(server.process.pid)
    assert open_files == []
    assert traces(home) == []
    assert {path for path in home.rglob("*") if path.is_file()} == before
    assert "SECRET-MARK" not in "".join(server.log)


def test_who_leaves_in_the_middle_frees_place_and_memory(server):
    content = marked("PNG")
    whole = request_of(content, kind="image/png")
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        for round in range(3):
            for part in (whole, whole[:-10], whole[:40]):
                for _ in range(20):
                    with socket.create_connection(("127.0.0.1", server.port)) as line:
                        line.sendall(part)
            # several looks: the first may come before what was sent last has been read
            until(lambda: all(client.get("/health").json() == IDLE for _ in range(20)))
            if round == 0:
                before = server.memory()
        assert client.post("/api/translate", content=content, headers=PNG).status_code == 200
    assert server.memory() < before + 30
    assert len(server.log) == 2


def until(condition):
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_crowd_gets_answers_or_503_and_nothing_else(server):
    row = asyncio.run(soak(server, clients=50, side=64, seconds=8, rate=1.0))
    assert row.errors == 0
    assert row.answered > 0
    assert row.refused > 0
    assert row.memory_after < 1.1 * row.memory_before + 10
    assert row.health_p50 < 1000  # a busy machine; scripts/serve_soak.py measures


def spaces():
    """Whether a process may have a network of its own."""
    return bool(shutil.which("unshare")) and not subprocess.call(
        ["unshare", "-rn", "true"], stderr=subprocess.DEVNULL
    )


UP = """
import fcntl, socket, struct
with socket.socket() as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh22x", b"lo", 65))
"""
ALONE = """
import socket, sys, threading
CALLED = []
def hear(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        CALLED.append((event, str(given[1:])))
sys.addaudithook(hear)
from pathlib import Path
import uvicorn
from portrayal.web.app import serving_app
from portrayal.web.connections import server_of
from portrayal.web.models import find_runs, load_models
folder, content = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
app = serving_app([folder], load_models(find_runs([folder]), engine="torch"))
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
server = server_of(app)
threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
import http.client
listening_at = listening.getsockname()[1]
while not server.started:
    pass
for method, path, body in (
    ("POST", "/api/translate", content), ("POST", "/api/jobs", content),
    ("POST", "/api/translate", b"no picture"), ("GET", "/", None), ("GET", "/api", None),
    ("GET", "/api/runs", None), ("GET", "/openapi.json", None),
):
    line = http.client.HTTPConnection("127.0.0.1", listening_at)
    line.request(method, path, body, {"content-type": "image/png"})
    print(line.getresponse().status)
others = [each for each in CALLED if str(listening_at) not in each[1]]
print("others:", others)
app.state.line.close()
server.should_exit = True
"""


def test_nothing_is_called_and_all_works_without_a_network(small_run, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(marked("PNG"))
    if spaces():  # nothing but loopback, which is to be switched on
        words, code = ["unshare", "-rn", sys.executable, "-c"], UP + ALONE
    else:
        words, code = [sys.executable, "-c"], ALONE
    done = subprocess.run(
        [*words, code, small_run, picture], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("others:")[0].split() == ["200", "202", "400", *["200"] * 4]
    assert done.stdout.split("others:")[1].strip() == "[]"
