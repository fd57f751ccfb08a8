"""`portrayal prepare` as it is typed: help, summaries, one-line errors."""

import json
import subprocess
import sys

import pytest

from portrayal.cli import answer
from portrayal.core.images import encode_png
from portrayal.data.sources import sources
from portrayal.data.sources.shapes import draw


def drawn(folder, count):
    folder.mkdir()
    for index in range(count):
        picture = draw(64, 0, f"shape_{index:06d}").target
        (folder / f"{index}.png").write_bytes(encode_png(picture))
    return folder


def said(capsys, *arguments):
    code = answer([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_shapes_are_prepared_and_the_next_command_is_said(tmp_path, capsys):
    out = tmp_path / "data"
    code, text, _ = said(
        capsys, "prepare", "shapes", "--count", 20, "--size", 32, "--out", out, "--workers", 1
    )
    assert code == 0
    assert "16 train, 2 val, 2 test" in text
    assert f"portrayal train pix2pix {out}" in text
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["size"] == [32, 32] and manifest["options"]["count"] == 20
    assert manifest["command"] == "portrayal prepare shapes --count 20 --size 32 --out data"


def test_the_size_and_seed_of_shapes_go_to_the_drawing_and_to_the_split(tmp_path, capsys):
    for seed in (0, 1):
        said(
            capsys,
            *("prepare", "shapes", "--count", 10, "--seed", seed, "--workers", 1),
            *("--out", tmp_path / str(seed)),
        )
    one, two = (json.loads((tmp_path / seed / "manifest.json").read_text()) for seed in ("0", "1"))
    assert one["options"]["seed"] == 0 and two["options"]["seed"] == 1
    assert one["size"] == [64, 64] and one["sha256"] != two["sha256"]


def test_a_folder_with_a_filter_and_its_parameters(tmp_path, capsys):
    out = tmp_path / "out"
    code, text, _ = said(
        capsys,
        *("prepare", "folder", drawn(tmp_path / "in", 12), "--filter", "cartoon:levels=1,block=11"),
        *("--filter", "pencil", "--size", "32x48", "--duplicates", "ignore"),
        *("--out", out, "--workers", 1),
    )
    assert code == 0, text
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["options"]["filter"] == ["cartoon:levels=1,block=11", "pencil"]
    assert manifest["size"] == [48, 32]
    assert "--filter cartoon:levels=1,block=11 --filter pencil" in manifest["command"]


def test_a_dry_run_says_so_and_writes_nothing(tmp_path, capsys):
    arguments = ("prepare", "shapes", "--count", 10, "--dry-run", "--workers", 1)
    code, text, _ = said(capsys, *arguments, "--out", tmp_path / "out")
    assert code == 0 and "8 train, 1 val, 1 test" in text and "Nothing was written" in text
    assert not (tmp_path / "out").exists()


def test_shards_say_what_is_to_be_done_next(tmp_path, capsys):
    arguments = ("prepare", "shapes", "--count", 12, "--workers", 1, "--out", tmp_path / "out")
    code, text, _ = said(capsys, *arguments, "--shard", "1/2")
    assert code == 0 and "1 of 2 shards are through" in text and "every shard again" in text
    assert "1 of 2 shards are written" in said(capsys, *arguments, "--shard", "2/2")[1]
    assert "10 train" in said(capsys, *arguments, "--shard", "1/2")[1]


def test_rejected_pictures_are_counted_by_reason(tmp_path, capsys):
    place = drawn(tmp_path / "in", 12)
    (place / "bad.png").write_bytes(b"")
    code, text, _ = said(
        capsys,
        *("prepare", "folder", place, "--filter", "none", "--bad-limit", 0.5, "--size", 32),
        *("--duplicates", "ignore", "--out", tmp_path / "out", "--workers", 1),
    )
    assert code == 0 and "1: 1 empty file" in text and "rejected.jsonl" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["folder", "{here}/nope", "--filter", "none"], "nope does not exist"),
        (["folder", "{here}", "--filter", "crtoon"], "Did you mean 'cartoon'?"),
        (["folder", "{here}"], "--filter cartoon"),
        (["fodler", "."], "fodler"),
        (["shapes", "--count", "0"], "--count must be at least 1"),
        (["shapes", "--count", "many"], "valid integer"),
        (["shapes", "--cuont", "3"], "Did you mean '--count'?"),
        (["shapes", "--shard", "3"], "--shard '3'"),
        (["shapes", "--workers", "0"], "--workers"),
        (["shapes", "--count", "2"], "would hold no picture"),
        (["pairs", "{here}/nope"], "is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, arguments, words):
    arguments = [each.format(here=tmp_path) for each in arguments]
    code, _, error = said(capsys, "prepare", *arguments, "--out", tmp_path / "out")
    assert code == 2
    lines = [line for line in error.splitlines() if not line.startswith("Looking")]
    assert len(lines) == 1 and lines[0].startswith("Error:") and words in lines[0], error


@pytest.mark.parametrize("name", list(sources))
def test_every_source_is_a_sub_command_whose_options_have_examples(name, capsys):
    from portrayal.cli import load_command

    command = load_command("prepare").commands[name]
    options = [each for each in command.params if each.name != "help"]
    assert {"out", "filter", "size", "shard", "dry_run"} <= {each.name for each in options}
    for each in options:
        if each.opts[0].startswith("--"):
            assert f"E.g. {each.opts[0]}" in each.help or "E.g. " in each.help, each.name


def test_help_does_not_wait_for_torch():
    code = (
        "import sys; from portrayal.cli import answer; "
        "answer(['prepare', 'folder', '--help']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_workers_know_filters_of_the_user(tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from portrayal.filters import filters\n\n"
        "@filters\ndef upside_down(pixels):\n    return pixels[::-1].copy()\n"
    )
    place = drawn(tmp_path / "in", 6)
    command = ["prepare", "folder", place, "--filter", "upside_down", "--size", "64"]
    command += ["--workers", "2", "--duplicates", "ignore", "--out", tmp_path / "out"]
    run = subprocess.run(
        [sys.executable, "-m", "portrayal", "--with", mine, *command],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
