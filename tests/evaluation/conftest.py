import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for untrained.py

from untrained import make_dataset, make_run


@pytest.fixture
def data(tmp_path):
    return make_dataset(tmp_path / "data", {"train": 2, "val": 5, "test": 4})


@pytest.fixture
def run(tmp_path, data):
    return make_run(tmp_path / "run", data)
