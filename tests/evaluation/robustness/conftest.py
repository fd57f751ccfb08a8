"""A dataset that a filter made, an untrained run on it, and folders of pictures."""

import pytest
from untrained import SIDE, make_dataset, make_run, save_picture, smooth

from portrayal.core.runs import write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.robustness.trials import ground_of


@pytest.fixture
def data(tmp_path):
    folder = make_dataset(tmp_path / "data", {"train": 2, "test": 5})
    options = {"filter": ["cartoon"], "work_size": 128, "geometry": "crop", "pictures": "x"}
    write_json(folder / "manifest.json", {"format": 1, "sha256": "d" * 64, "options": options})
    return folder


@pytest.fixture
def run(tmp_path, data):
    return make_run(tmp_path / "run", data)


@pytest.fixture
def ground(data):
    return ground_of(Dataset(data), "test", None)


@pytest.fixture
def folder_of():
    """folder_of(place, names, seed=0, size=...): soft pictures of those names."""

    def make(place, names, seed=0, size=(SIDE, SIDE)):
        for index, name in enumerate(names):
            save_picture(place / f"{name}.png", smooth(seed + index, *size))
        return place

    return make
