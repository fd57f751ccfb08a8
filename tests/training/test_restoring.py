"""Nothing that does not fit is loaded, nothing foreign is run."""

import hashlib
import json
import pickle
import shutil

import pytest
import torch

from portrayal.core.errors import BadCheckpoint
from portrayal.core.runs import read_json, write_json
from portrayal.training import restoring
from portrayal.training.restoring import load_tensors, restore


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
        restoring._load_other(recipe.adam_g, other.adam_g.state_dict(), "adam_g")


def test_a_moved_run_still_loads(run, tiny, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(run, elsewhere)
    assert restore(elsewhere, tiny().state())["step"] == 2
    about = json.loads((elsewhere / "checkpoints/00000002/about.json").read_text())
    assert set(about["files"]) == {"weights.safetensors", "training.pt"}
