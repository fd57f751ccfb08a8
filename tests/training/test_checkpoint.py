"""A checkpoint is whole or absent, and old ones go."""

import pytest
import torch

from portrayal.core.errors import CannotWrite
from portrayal.training import checkpoint
from portrayal.training.checkpoint import save
from portrayal.training.reading import whole_names
from portrayal.training.restoring import restore


def test_only_the_newest_are_kept(run, tiny):
    save(run, tiny().state(), {"step": 3, "seconds": 0.0}, keep=2)
    assert whole_names(run) == ["00000002", "00000003"]


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
