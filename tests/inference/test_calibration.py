"""Which pictures 8-bit models are calibrated on, and that they are made once."""

from dataclasses import replace

import numpy as np
import pytest

from portrayal.core.errors import BadData
from portrayal.core.images import encode
from portrayal.inference.calibration import calibrated, source_of, split_pictures
from portrayal.inference.load import load
from portrayal.inference.onnx_graph import onnx_model


@pytest.fixture
def data(tmp_path, noise):
    """Seven pairs to train on and two of val; the first number of each picture says which."""
    for split, start, count in (("train", 0, 7), ("val", 100, 2)):
        for side, more in (("source", 0), ("target", 50)):
            (tmp_path / "data" / split / side).mkdir(parents=True)
            for index in range(count):
                page = noise(64, 64, index)
                page[0, 0] = start + more + index
                place = tmp_path / "data" / split / side / f"p{index}.png"
                place.write_bytes(encode(page, ".png"))
    return tmp_path / "data"


@pytest.fixture
def translator(run):
    return load(run, device="cpu")


def firsts(pictures):
    return [int(picture[0, 0, 0]) for picture in pictures]


def test_pictures_are_spread_over_the_split_from_the_side_that_goes_in(translator, run, data):
    def chosen(split, count, **how):
        return firsts(split_pictures(translator, run, split, count, data=data, **how))

    assert chosen("train", 3) == [0, 3, 6]
    assert chosen("train", 99) == list(range(7))
    assert chosen("train", 2, reverse=True) == [50, 56]
    assert chosen("val", 2, side="target") == [150, 151]
    assert chosen("val", 2, side="target", reverse=True) == [100, 101]


def test_a_picture_is_padded_as_the_network_gets_it(noise):
    assert source_of(noise(64, 128), 64).shape == (1, 3, 64, 128)
    page = noise(60, 64)
    padded = source_of(page, 64)
    assert padded.shape == (1, 3, 64, 64)
    assert -1 <= padded.min() < padded.max() <= 1
    rows = [row for row in range(64) if np.allclose(padded[0, 0, row], page[0, :, 0] / 127.5 - 1, atol=1e-5)]  # fmt: skip  # noqa: E501
    assert rows == [2]


def test_a_model_is_calibrated_once_for_each_direction(translator, run, data, tmp_path):
    pytest.importorskip("onnxruntime")
    knows = {"data": {**translator.config["data"], "path": str(data)}}
    here = replace(translator, config={**translator.config, **knows})
    model = onnx_model(translator.recipe.generator)
    first = calibrated(model, here, tmp_path / "run")
    back = calibrated(model, here, tmp_path / "run", reverse=True)
    assert first != back
    assert len(list((tmp_path / "run" / "engines").iterdir())) == 2
    data.rename(tmp_path / "gone")
    assert calibrated(model, here, tmp_path / "run") == first
    with pytest.raises(BadData, match="calibrated on training pictures"):
        calibrated(model, here, tmp_path / "other")
