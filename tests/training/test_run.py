"""Opening a run folder: new, the same command again, or one line that says why not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadCheckpoint, BadData, BadOption, CannotWrite, UserError
from portrayal.core.locks import Busy
from portrayal.core.runs import read_json, write_json
from portrayal.training.checkpoint import save
from portrayal.training.run import changes, opened
from portrayal.training.settings import FREE_TO_CHANGE, RUN_LENGTH, Settings


def description(data: str = "d" * 64, width: int = 64, **settings: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "recipe": "pix2pix",
        "config": {"width": width, "l1": (100.0, 1.0)},
        "settings": Settings(**settings).model_dump(),
        "data": {"sha256": data, "path": "data"},
        "command": "portrayal train",
    }


@pytest.fixture
def run(tmp_path) -> Path:
    """A run folder that was begun."""
    with opened(tmp_path / "run", description()):
        pass
    return tmp_path / "run"


def refusal(run: Path, config: dict[str, Any], kind: type[UserError]) -> str:
    before = sorted(str(path) for path in run.rglob("*"))
    with pytest.raises(kind) as caught, opened(run, config):
        pass
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert sorted(str(path) for path in run.rglob("*")) == before, "a refusal leaves no trace"
    return str(caught.value)


def test_a_new_run_writes_its_config_and_has_done_nothing(tmp_path):
    with opened(tmp_path / "deep/run", description()) as done:
        assert done == 0
        stored = read_json(tmp_path / "deep/run/config.json")
    assert stored == json.loads(json.dumps(description()))


def test_the_same_command_resumes_at_the_newest_checkpoint(run):
    for step in (5, 10):
        save(run, {"generator": torch.nn.Linear(1, 1)}, {"step": step})
    stored = (run / "config.json").read_bytes()
    with opened(run, {**description(), "command": "another time", "started": "later"}) as done:
        assert done == 10
    assert (run / "config.json").read_bytes() == stored, "the first command stays on record"


def test_an_empty_folder_and_what_a_killed_start_leaves_are_as_good_as_new(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.json.123.tmp").write_text('{"form')
    with opened(tmp_path, description()) as done:
        assert done == 0


@pytest.mark.parametrize("name", FREE_TO_CHANGE)
def test_what_does_not_touch_learning_may_change(run, name):
    other = {"device": "cuda", "save_minutes": 3.5}.get(name, 7)
    with opened(run, description(**{name: other})) as done:
        assert done == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"learning_rate": 1e-3}, "learning_rate 0.0002, now 0.001"),
        ({"betas": (0.5, 0.9)}, "betas [0.5, 0.999], now [0.5, 0.9]"),
        ({"flip": False}, "flip True, now False"),
        ({"seed": 1, "width": 8}, "seed 0, now 1, width 64, now 8"),
    ],
)
def test_a_changed_choice_is_named_with_both_values(run, changed, said):
    assert refusal(run, description(**changed), BadOption) == (
        f"{run} was started with other choices ({said}). Repeat the first command to go on, or "
        "use another --out."
    )


def test_another_recipe_or_another_part_of_the_config_is_another_run(run):
    other = {**description(), "recipe": "cyclegan"}
    assert "(recipe pix2pix, now cyclegan)" in refusal(run, other, BadOption)
    more = description()
    more["config"]["norm"] = "none"
    assert "(norm None, now none)" in refusal(run, more, BadOption)


@pytest.mark.parametrize("name", RUN_LENGTH)
def test_a_run_is_neither_prolonged_nor_shortened(run, name):
    message = refusal(run, description(**{name: 2 if name == "batch" else 1}), BadOption)
    assert message.startswith(f"{run} cannot be prolonged or shortened ({name} ")
    assert message.endswith("another length is another run. Use another --out.")


def test_prolonging_is_said_before_other_changes(run):
    assert "prolonged or shortened (epochs 200" in refusal(
        run, description(epochs=300, width=8), BadOption
    )


def test_other_data_are_refused_with_the_start_of_both_hashes(run):
    assert refusal(run, description(data="e" * 64), BadData) == (
        f"{run} was started on other data (dddddddddddd, now eeeeeeeeeeee). Use the same data to "
        "go on, or another --out."
    )


def test_data_that_moved_are_the_same_data(run):
    moved = description()
    moved["data"] = {**moved["data"], "path": "elsewhere"}
    with opened(run, moved):
        pass


@pytest.mark.parametrize("number", [2, 0, None, "1"])
def test_a_run_of_another_format_is_refused(run, number):
    write_json(run / "config.json", {**description(), "format": number})
    message = refusal(run, description(), BadCheckpoint)
    assert f"run format {number}, this version reads 1. Use the version that wrote" in message


@pytest.mark.parametrize("lost", ["recipe", "config", "settings", "data"])
@pytest.mark.parametrize("how", ["gone", "null", "list"])
def test_a_config_that_is_not_whole_is_one_line(run, lost, how):
    broken = description()
    broken[lost] = {"null": None, "list": [1]}.get(how)
    if how == "gone":
        del broken[lost]
    write_json(run / "config.json", broken)
    kind = BadOption if lost == "recipe" and how != "gone" else BadCheckpoint
    assert "another --out" in refusal(run, description(), kind)


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "rec', b"\xff\x00", b"[1]"])
def test_a_damaged_config_is_one_line(run, content):
    (run / "config.json").write_bytes(content)
    assert "config.json" in refusal(run, description(), BadData)


def test_checkpoints_without_a_config_are_a_half_written_run(tmp_path):
    (tmp_path / "checkpoints/00000005").mkdir(parents=True)
    (tmp_path / "log.jsonl").touch()
    assert refusal(tmp_path, description(), BadCheckpoint) == (
        f"{tmp_path} is a half-written run: it has checkpoints but no config.json. Choose another "
        "--out, or remove the folder."
    )


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "photo.jpg").touch()
    assert refusal(tmp_path, description(), CannotWrite) == (
        f"{tmp_path} is in use by something else: it holds 'photo.jpg'. Choose another --out."
    )


def test_a_file_or_a_place_below_one_is_no_run_folder(tmp_path):
    (tmp_path / "file").touch()
    assert "file is a file; choose" in refusal(tmp_path / "file", description(), CannotWrite)
    below = refusal(tmp_path / "file/run", description(), CannotWrite)
    assert "a file stands where a folder is needed" in below


def test_a_second_process_is_refused_while_the_first_holds_the_run(run):
    code = """
import json, sys
from pathlib import Path
from portrayal.training.run import opened
with opened(Path(sys.argv[1]), json.loads(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""
    config = json.dumps(description())
    other = subprocess.Popen(
        [sys.executable, "-c", code, run, config],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert other.stdout and other.stdin
    assert other.stdout.readline() == b"held\n"
    assert refusal(run, description(), Busy) == (
        f"{run} is in use by another process; wait for it or choose another --out."
    )
    other.kill()  # a killed process holds nothing
    other.wait()
    other.stdin.close()
    other.stdout.close()
    with opened(run, description()) as done:
        assert done == 0


def test_a_run_is_free_again_after_it_and_after_a_failure(run):
    with pytest.raises(ZeroDivisionError), opened(run, description()):
        raise ZeroDivisionError
    with opened(run, description()), pytest.raises(CannotWrite), opened(run, description()):
        pass
    with opened(run, description()):
        pass


def test_a_rank_that_is_not_the_first_writes_nothing_and_checks_nothing(tmp_path):
    with opened(tmp_path / "run", description(), Ranks(1, 2)) as done:
        assert done == 0
    assert not (tmp_path / "run").exists()
    save(tmp_path / "run", {"generator": torch.nn.Linear(1, 1)}, {"step": 4})
    with opened(tmp_path / "run", description(), Ranks(1, 2)) as done:
        assert done == 4


def test_changes_see_through_the_file():
    """Tuples become lists in a file; that is no change."""
    assert changes(json.loads(json.dumps(description())), description()) == {}


def test_a_run_of_a_version_without_a_setting_goes_on_at_its_default(run):
    config = description()
    older = json.loads(json.dumps(config))
    del older["settings"]["tones"]
    with opened(run, older):
        pass
    with opened(run, config):
        pass
    config["settings"]["tones"] = 0.5
    assert "tones 0.0, now 0.5" in refusal(run, config, BadOption)
