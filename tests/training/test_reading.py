"""Which checkpoint is read: whole ones only, named ones if they are there."""

import shutil

import pytest

from portrayal.core.errors import BadCheckpoint
from portrayal.core.runs import read_json, write_json
from portrayal.training.checkpoint import save_best
from portrayal.training.reading import read_weights
from portrayal.training.restoring import restore


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
    with pytest.raises(BadCheckpoint, match=r"All 2 checkpoints .* start a new run\.$"):
        restore(run, tiny().state())
    save_best(run, tiny().state(), {"step": 1, "seconds": 0.0}, {"l1": 0.1})
    with pytest.raises(BadCheckpoint, match=r"a new run, or take --checkpoint best_l1\.$"):
        read_weights(run)


def test_no_checkpoint_is_no_error_for_training_but_one_line_for_translating(tmp_path, tiny):
    assert restore(tmp_path, tiny().state()) is None
    with pytest.raises(BadCheckpoint, match="no checkpoint yet"):
        read_weights(tmp_path)


def test_before_the_first_checkpoint_the_best_weights_are_named(tmp_path, tiny):
    save_best(tmp_path, tiny().state(), {"step": 675, "seconds": 0.0}, {"ssim": 0.5, "l1": 0.1})
    with pytest.raises(BadCheckpoint) as caught:
        read_weights(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no checkpoint yet, only best_l1, best_ssim: add --checkpoint best_l1, "
        "or let portrayal train run a little longer."
    )
    assert read_weights(tmp_path, "best_l1")[1]["step"] == 675


def test_best_weights_that_are_gone_are_not_offered(tmp_path, tiny):
    save_best(tmp_path, tiny().state(), {"step": 675, "seconds": 0.0}, {"l1": 0.1})
    shutil.rmtree(tmp_path / "checkpoints/weights_00000675")
    with pytest.raises(BadCheckpoint, match="no checkpoint yet; let"):
        read_weights(tmp_path)
    with pytest.raises(BadCheckpoint, match=r"no checkpoint 'best_l1'\. It has: none\."):
        read_weights(tmp_path, "best_l1")


def test_an_unknown_checkpoint_is_answered_with_those_there_are(run):
    with pytest.raises(BadCheckpoint, match=r"'best_ssim'\. It has: 00000001, 00000002"):
        read_weights(run, "best_ssim")
    assert read_weights(run, "1")[1]["step"] == 1


def test_another_format_is_refused(run):
    path = run / "checkpoints/00000002/about.json"
    write_json(path, {**read_json(path), "format": 9})
    with pytest.raises(BadCheckpoint, match="format 9, this version reads 1"):
        read_weights(run, "2")
