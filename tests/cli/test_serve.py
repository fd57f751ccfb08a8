"""`portrayal serve` as a person starts it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from portrayal.cli import answer
from portrayal.core.images import encode, read_pixels
from portrayal.core.runs import write_json

CLIENT = Path(__file__).parents[2] / "examples" / "client.py"


@pytest.fixture
def run(tmp_path):
    sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
    from untrained import make_dataset, make_run

    return make_run(tmp_path / "runs" / "tiny", make_dataset(tmp_path / "data", {"train": 1}))


def test_it_starts_serves_the_example_client_and_stops_with_ctrl_c(run, tmp_path, scene):
    code = "import sys; from portrayal.cli import main; main()"
    words = ["serve", str(run.parent), "--port", "0", "--engine", "torch"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
    )
    try:
        assert process.stdout.readline() == "tiny: pix2pix, step 1, by torch\n"
        line = process.stdout.readline()
        assert line.startswith("Open http://127.0.0.1:")
        url = line.split()[1]
        (tmp_path / "in.png").write_bytes(encode(scene(40, 60), ".png"))
        said = subprocess.run(
            [sys.executable, str(CLIENT), str(tmp_path / "in.png"), str(tmp_path / "out.png"), url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "models: tiny" in said
        assert read_pixels(tmp_path / "out.png").shape == (40, 60, 3)
        assert httpx.get(url, timeout=60).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=600)[0]
    assert "POST /api/translate 200" in rest
    assert "127.0.0.1" not in rest
    assert process.returncode in (0, 130)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["."], "is not a run and holds none"),
        (["run", "--max-megabytes", "-1"], "max-megabytes"),
        (["run"], "format"),
    ],
)
def test_what_cannot_be_served_is_one_line(words, said, tmp_path, capsys):
    write_json(tmp_path / "run" / "config.json", {"format": 0})
    (tmp_path / "empty").mkdir()
    places = {"nowhere": "nowhere", ".": str(tmp_path / "empty"), "run": str(tmp_path / "run")}
    (tmp_path / "run" / "checkpoints" / "00000001").mkdir(parents=True)
    write_json(tmp_path / "run" / "checkpoints" / "00000001" / "about.json", {})
    assert answer(["serve", places[words[0]], *words[1:]]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
