"""A checkpoint is whole or absent, and nothing that does not fit is loaded."""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from portrayal.core.errors import BadCheckpoint, CannotWrite
from portrayal.core.runs import read_json, write_json
from portrayal.training import checkpoint
from portrayal.training.checkpoint import load_tensors, read_weights, restore, save, whole_names


@pytest.fixture
def run(tiny, tmp_path) -> Path:
    """A run folder with checkpoints of steps 1 and 2."""
    for step in (1, 2):
        save(tmp_path, tiny().state(), {"step": step, "seconds": 0.0})
    return tmp_path


@pytest.mark.parametrize("name", ["weights.safetensors", "training.pt", "about.json"])
def test_a_file_cut_at_every_tenth_falls_back_to_the_checkpoint_before(run, tiny, name):
    path = run / "checkpoints/00000002" / name
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        notes: list[str] = []
        about = restore(run, tiny().state(), notes.append)
        assert about is not None
        assert about["step"] == 1
        assert len(notes) == 1
        assert "00000002" in notes[0]
    path.write_bytes(whole)
    assert restore(run, tiny().state())["step"] == 2


def test_one_flipped_bit_is_noticed(run):
    path = run / "checkpoints/00000002/weights.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-7] ^= 4
    path.write_bytes(damaged)
    notes: list[str] = []
    assert read_weights(run, note=notes.append)[1]["step"] == 1
    assert "weights.safetensors is not what was written" in notes[0]


def test_when_all_are_damaged_nothing_is_loaded(run, tiny):
    for name in ("00000001", "00000002"):
        (run / "checkpoints" / name / "training.pt").unlink()
    with pytest.raises(BadCheckpoint, match="All 2 checkpoints"):
        restore(run, tiny().state())


def test_no_checkpoint_is_no_error_for_training_but_one_line_for_translating(tmp_path, tiny):
    assert restore(tmp_path, tiny().state()) is None
    with pytest.raises(BadCheckpoint, match="no checkpoint yet"):
        read_weights(tmp_path)


def test_an_unknown_checkpoint_is_answered_with_those_there_are(run):
    with pytest.raises(BadCheckpoint, match=r"'best_ssim'\. It has: 00000001, 00000002"):
        read_weights(run, "best_ssim")
    assert read_weights(run, "1")[1]["step"] == 1


def test_only_the_newest_are_kept(run, tiny):
    save(run, tiny().state(), {"step": 3, "seconds": 0.0}, keep=2)
    assert whole_names(run) == ["00000002", "00000003"]


def test_another_format_is_refused(run):
    path = run / "checkpoints/00000002/about.json"
    write_json(path, {**read_json(path), "format": 9})
    with pytest.raises(BadCheckpoint, match="format 9, this version reads 1"):
        read_weights(run, "2")


class Bomb:
    """Pickles to a call of open(..., "w")."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_in_disguise_is_refused_and_never_run(run, tiny, tmp_path):
    planted = tmp_path / "planted"
    folder = run / "checkpoints/00000002"
    (folder / "training.pt").write_bytes(pickle.dumps(Bomb(str(planted))))
    about = read_json(folder / "about.json")
    digest = hashlib.sha256((folder / "training.pt").read_bytes()).hexdigest()
    write_json(folder / "about.json", {**about, "files": {**about["files"], "training.pt": digest}})
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        restore(run, tiny().state())
    assert not planted.exists()


def test_weights_of_another_shape_or_name_are_refused_before_any_is_changed(tiny, run):
    wide = tiny(width=8)
    before = {k: v.clone() for k, v in wide.generator.state_dict().items()}
    with pytest.raises(BadCheckpoint, match=r"first.weight is \(4, .* \(8, .* is needed"):
        restore(run, wide.state())
    assert all(torch.equal(before[k], v) for k, v in wide.generator.state_dict().items())
    state = dict(tiny().generator.state_dict())
    state["extra"] = torch.zeros(1)
    with pytest.raises(BadCheckpoint, match="1 names differ, first 'extra'"):
        load_tensors(tiny().generator, state, "here")


def test_optimiser_moments_of_another_shape_are_refused(tiny):
    recipe, other = tiny(), tiny(width=8)
    for r in (recipe, other):
        for p in r.generator.parameters():
            p.grad = torch.zeros_like(p)
        r.adam_g.step()
    with pytest.raises(BadCheckpoint, match="adam_g: exp_avg of parameter 0"):
        checkpoint._load_other(recipe.adam_g, other.adam_g.state_dict(), "adam_g")


def test_a_writer_that_fails_leaves_the_old_checkpoint_and_no_litter(run, tiny):
    class Full(torch.nn.Module):
        def state_dict(self, *args, **kwargs):
            raise OSError(28, "No space left on device", str(run / "x"))

    with pytest.raises(CannotWrite, match="the disk is full"), checkpoint.writing(run):
        save(run, {"generator": Full()}, {"step": 3, "seconds": 0.0})
    assert whole_names(run) == ["00000001", "00000002"]
    assert not list((run / "checkpoints").glob(".*"))
    assert restore(run, tiny().state())["step"] == 2


def test_too_little_room_is_said_before_writing(run, tiny):
    with pytest.raises(CannotWrite, match=r"needs \d+ MB, but only 1 MB are free"):
        checkpoint._require_room(
            run, {"x": torch.zeros(1_000_000)}, {}, free=lambda path: 1_000_000
        )


def test_litter_of_killed_writers_is_swept(run, tiny):
    litter = run / "checkpoints/.00000009.123.tmp"
    litter.mkdir()
    (litter / "weights.safetensors").write_bytes(b"half")
    save(run, tiny().state(), {"step": 3, "seconds": 0.0})
    assert not litter.exists()


def test_a_moved_run_still_loads(run, tiny, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(run, elsewhere)
    assert restore(elsewhere, tiny().state())["step"] == 2
    about = json.loads((elsewhere / "checkpoints/00000002/about.json").read_text())
    assert set(about["files"]) == {"weights.safetensors", "training.pt"}
