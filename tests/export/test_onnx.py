"""ONNX files and hub folders of an imported run: the same pictures, and facts inside."""

import numpy as np
import pytest
from reference_networks import resnet, trained
from test_reference import saved

import portrayal
from portrayal.cli import answer
from portrayal.export.reference import import_reference

pytest.importorskip("onnxruntime")


@pytest.fixture
def run(tmp_path):
    file = saved(trained(resnet(6, 4, "instance")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run", size=64)
    return tmp_path / "run"


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_an_onnx_file_says_where_it_comes_from(run, tmp_path, precision, capsys):
    import onnx

    out = tmp_path / "model.onnx"
    command = ["export", str(run), "--to", "onnx", "--out", str(out), "--precision", precision]
    assert answer(command) == 0, capsys.readouterr().err
    facts = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert facts["model_sha256"] == portrayal.load(run, device="cpu").model_hash
    assert facts["precision"] == precision


def test_a_hub_folder_is_a_run_with_a_model_card(run, tmp_path, noise, capsys):
    out = tmp_path / "hub"
    assert answer(["export", str(run), "--to", "hub", "--out", str(out)]) == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "latest_net_G.pth" in card and "not evaluated" in card
    picture = noise(64, 64)
    one, other = (portrayal.load(f, device="cpu").translate(picture) for f in (run, out))
    np.testing.assert_array_equal(one, other)
