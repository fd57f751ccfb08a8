"""`portrayal translate` as a person meets it: lines, exit codes, streams, signals."""

import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from portrayal.cli import answer
from portrayal.core.devices import choose_place
from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import read_provenance
from portrayal.core.runs import write_json
from portrayal.recipes import rebuild
from portrayal.training.checkpoint import save


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    small = {"width": 4, "discriminator": "patch_16", "discriminator_width": 4}
    config = {
        "format": 1,
        "recipe": "pix2pix",
        "config": {"generator": "unet_64", **small},
        "settings": {},
        "data": {"size": [64, 64]},
    }
    torch.manual_seed(0)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    save(folder, recipe.state(), {"step": 7, "recipe": "pix2pix"})
    write_json(folder / "config.json", config)
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in {"a.png": (64, 64), "b.png": (70, 30), "below/c.png": (64, 64)}.items():
        picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        (folder / name).write_bytes(encode(picture, ".png"))
    return folder


def translate(*words):
    return answer(["translate", *map(str, words), "--device", "cpu"])


def test_a_folder_comes_back_with_names_sizes_and_a_summary(run, photos, tmp_path, capsys):
    assert translate(run, photos, "--out", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert re.search(
        r"3 of 3 pictures translated, 0 failed \([\d.]+ s, [\d.]+ pictures/s\)", said.out
    )
    assert "checkpoint newest (step 7)" in said.err
    for name in ("a.png", "b.png", "below/c.png"):
        assert read_pixels(tmp_path / "out" / name).shape == read_pixels(photos / name).shape
    assert translate(run, photos, "--out", tmp_path / "out") == 0
    assert "0 of 3 pictures translated, 3 done before, 0 failed" in capsys.readouterr().out


def test_two_runs_give_the_same_files(run, photos, tmp_path):
    for out in ("one", "two"):
        assert translate(run, photos, "--out", tmp_path / out) == 0
    for path in (tmp_path / "one").rglob("*.png"):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_a_failure_is_listed_at_the_end_with_exit_code_1(run, photos, tmp_path, capsys):
    (photos / "bad\udcff.png").write_text("hello")  # a name that is no UTF-8
    assert translate(run, photos, "--out", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "3 of 4 pictures translated, 1 failed" in said.out
    assert said.err.splitlines()[-1].startswith("failed: bad")
    assert "not a picture of a known format" in said.err.splitlines()[-1]


def test_parts_together_are_the_whole(run, photos, tmp_path):
    for part in ("1/2", "2/2"):
        assert translate(run, photos, "--out", tmp_path / "out", "--shard", part) == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3


def test_a_large_picture_brings_one_line_of_advice(run, photos, tmp_path, capsys):
    large = tmp_path / "large.png"
    large.write_bytes(encode(np.zeros((200, 100, 3), np.uint8), ".png"))
    assert translate(run, large, "--out", tmp_path / "one") == 0
    said = capsys.readouterr().err
    assert "The largest picture is 100 x 200; the model learned on 64 x 64" in said
    assert "--resize" in said
    assert translate(run, large, "--out", tmp_path / "two", "--resize") == 0
    assert "--resize" not in capsys.readouterr().err
    assert read_pixels(tmp_path / "two" / "large.png").shape == (200, 100, 3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{tmp}/nothing", "--out", "{tmp}/out"], "nothing does not exist"),
        (["{tmp}/empty", "--out", "{tmp}/out"], "holds no pictures"),
        (["{photos}", "--out", "{photos}"], "is the input folder"),
        (["{photos}", "--out", "{tmp}/out", "--tile", "100"], "try --tile 64 or 128"),
        (["{photos}", "--out", "{tmp}/out", "--overlap", "1024"], "cannot overlap by 1024"),
        (["{photos}", "--out", "{tmp}/out", "--reverse"], "one way"),
        (["{photos}", "--out", "{tmp}/out", "--shard", "3/2"], "--shard 3/2"),
        (["{photos}", "--out", "{tmp}/out", "--checkpoint", "9"], "It has: 00000007"),
        (["{photos}", "--out", "{tmp}/out", "--format", "gif"], "gif"),
        (["{photos}", "--out", "{tmp}/out", "--quality", "0"], "quality"),
        (["{photos}", "--out", "-"], "is not a file"),
        (["{photos}/a.png", "--out", "{photos}/b.png"], ""),
        (["-", "--out", "{tmp}/out"], "Standard input has no name"),
        (["{photos}"], "--out"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(run, photos, tmp_path, capsys, words, told):
    (tmp_path / "empty").mkdir()
    filled = [word.format(tmp=tmp_path, photos=photos) for word in words]
    code = translate(run, *filled)
    said = capsys.readouterr().err
    assert code == (2 if told else 1)  # a foreign output is a failure of that picture
    errors = [line for line in said.splitlines() if line.startswith(("Error:", "failed:"))]
    assert len(errors) == 1
    assert told in errors[0]
    assert "Traceback" not in said


def test_no_run_is_one_line(photos, tmp_path, capsys):
    assert translate(tmp_path / "no", photos, "--out", tmp_path / "out") == 2
    assert "does not exist or is not a folder" in capsys.readouterr().err


def command(*words):
    return [sys.executable, "-m", "portrayal", "translate", *map(str, words), "--device", "cpu"]


def test_bytes_through_standard_input_and_output(run, photos):
    content = (photos / "b.png").read_bytes()
    words = command(run, "-", "--out", "-", "--format", "webp")
    done = subprocess.run(words, input=content, capture_output=True, check=True)
    assert read_pixels(done.stdout).shape == (70, 30, 3)
    assert read_provenance(done.stdout).recipe == "pix2pix"


def test_one_file_to_standard_output(run, photos, capsysbinary):
    assert translate(run, photos / "b.png", "--out", "-") == 0
    assert read_pixels(capsysbinary.readouterr().out).shape == (70, 30, 3)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_whole_files_and_the_same_command_goes_on(
    run, photos, tmp_path, number, code
):
    content = (photos / "a.png").read_bytes()
    for index in range(3000):
        (photos / f"{index}.png").write_bytes(content)
    out = tmp_path / "out"
    words = command(run, photos, "--out", out, "--batch", "1")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and len(list(out.glob("*.png"))) < 3:
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=600)
    assert process.returncode == code, said
    assert said.splitlines()[-1].startswith(b"Stopped.")
    files = [path for path in out.rglob("*") if path.is_file()]
    assert 3 <= len(files) < 3000
    assert all(read_provenance(path) for path in files)


def test_a_drawing_and_what_the_network_got(run, tmp_path, capsys):
    page = np.full((64, 64, 3), 210, np.uint8)
    page[20:24, 8:56] = 50
    (tmp_path / "page.png").write_bytes(encode(page, ".png"))
    out = tmp_path / "out"
    assert translate(run, tmp_path / "page.png", "--out", out, "--drawing", "--show-input") == 0
    assert set(np.unique(read_pixels(out / "page.input.png")[40:])) == {255}
    (tmp_path / "page.png").write_bytes(encode(np.full_like(page, 250), ".png"))
    assert translate(run, tmp_path / "page.png", "--out", out, "--drawing") == 1
    assert "The drawing is empty: 0.00% of its pixels" in capsys.readouterr().err
    for options in (("--stroke", "2"), ("--drawing", "--stroke", "99")):
        assert translate(run, tmp_path / "page.png", "--out", out, *options) == 2
        assert "--stroke" in capsys.readouterr().err


@pytest.fixture(scope="module")
def searching(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "searching"
    small = {"size": 64, "width": 2, "discriminator_width": 2, "latent": 4}
    short = {"starts": 4, "kept": 1, "search_steps": 40, "look_steps": 1}
    config = {
        "format": 1,
        "recipe": "contextual",
        "config": {**small, **short},
        "settings": {},
        "data": {"size": [64, 64]},
    }
    torch.manual_seed(0)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    save(folder, recipe.state(), {"step": 7, "recipe": "contextual"})
    write_json(folder / "config.json", config)
    return folder


def test_snapshots_of_a_search_lie_beside_the_answer(searching, photos, tmp_path, capsys):
    words = (searching, photos / "a.png", "--out", tmp_path / "out", "--snapshots", 3)
    assert translate(*words, "--tile", 64) == 0
    ways = [f"a.search-{number}-of-3.png" for number in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", *ways]
    for name in ["a.png", *ways]:
        assert read_pixels(tmp_path / "out" / name).shape == (64, 64, 3)
    said = re.search(r"search: (\S+) at the best start, (\S+) at", "".join(capsys.readouterr()))
    assert float(said[2]) <= float(said[1])
    assert translate(*words, "--tile", 64) == 0
    assert "1 done before" in "".join(capsys.readouterr())


def test_a_search_says_what_it_came_down_to_and_may_be_longer(searching, photos, tmp_path, capsys):
    def said(*sets):
        words = [word for each in sets for word in ("--set", each)]
        done = translate(searching, photos / "a.png", "--out", tmp_path / "out", *words)
        return done, "".join(capsys.readouterr())

    loss = re.compile(r"Loss of the search: (\S+) at the best start, ([\d.]+) at the end(.*)")
    done, short = said("search_steps=0")
    assert done == 0
    assert loss.search(short)[1] == loss.search(short)[2] and not loss.search(short)[3]
    assert "1 done before" in said("search_steps=0")[1]
    done, longer = said("starts=64", "search_steps=30")
    assert "1 of 1 pictures translated" in longer  # another search is another picture
    assert float(loss.search(longer)[2]) <= float(loss.search(longer)[1])
    assert float(loss.search(longer)[1]) <= float(loss.search(short)[1])
    early = loss.search(said("patience=1", "search_rate=1e-9")[1])
    assert re.fullmatch(", after at most [1-9] of 40 steps", early[3])
    done, wrong = said("start=3")
    assert done == 2 and "No setting of the search named 'start'. Did you mean 'starts'?" in wrong
    assert said("width=3")[0] == 2
    done, wrong = said("starts=0")
    assert done == 2 and "Setting starts must be a whole number" in wrong


def test_a_model_that_answers_at_once_has_no_settings_of_a_search(run, photos, tmp_path, capsys):
    assert translate(run, photos, "--out", tmp_path / "out", "--set", "starts=3") == 2
    assert "A pix2pix model answers at once: --set is of a search." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "answers at once: --snapshots are of a search"),
        (("--steady",), "--snapshots are of single pictures"),
    ],
)
def test_snapshots_have_no_place_where_nothing_searches(run, photos, tmp_path, capsys, words, told):
    assert translate(run, photos, "--out", tmp_path / "out", "--snapshots", 2, *words) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert told in said
    assert not (tmp_path / "out").exists()


def test_frames_in_a_folder_are_steadied_and_their_flicker_is_said(run, tmp_path, capsys):
    film, rng = tmp_path / "film", np.random.default_rng(0)
    film.mkdir()
    for index in range(3):
        picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        (film / f"{index}.png").write_bytes(encode(picture // 64 + 100, ".png"))
    assert translate(run, film, "--out", tmp_path / "out", "--steady") == 0
    said = "".join(capsys.readouterr())
    assert "3 of 3 pictures translated" in said
    found = re.search(r"Flicker (\S+) of 255 levels; (\S+) without --steady", said)
    assert float(found[1]) < float(found[2])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.png", "1.png", "2.png"]
    assert translate(run, film, "--out", tmp_path / "out", "--steady") == 0
    assert "3 done before" in "".join(capsys.readouterr())
    assert translate(run, film, "--out", tmp_path / "jpg", "--steady", "--format", "jpg") == 2
    assert "--steady goes on from frames" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_video_becomes_a_video_and_its_flicker_is_said(run, tmp_path, capsys):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    made = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=0.8", "-pix_fmt", "yuv420p"]
    subprocess.run(
        ["ffmpeg", "-v", "error", *made, str(clip)], check=True, stdin=subprocess.DEVNULL
    )
    assert translate(run, clip, "--out", out, "--steady") == 0
    said = "".join(capsys.readouterr())
    assert f"4 frames translated to {out} (64 x 64, 5 a second)" in " ".join(said.split())
    assert "without --steady" in said
    assert translate(run, clip, "--out", out) == 2
    assert f"--out {out} exists" in " ".join(capsys.readouterr().err.split())
    assert translate(run, clip, "--out", tmp_path / "b.mp4", "--shard", "1/2") == 2
    assert "not for videos" in capsys.readouterr().err
