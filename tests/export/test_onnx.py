"""ONNX files and hub folders of an imported run: the same pictures, and facts inside."""

import json

import numpy as np
import pytest
from reference_networks import resnet, trained
from test_reference import saved

import portrayal
from portrayal.cli import answer
from portrayal.core.images import encode_png
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


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_the_measured_cost_is_said_and_stored_in_the_file(tmp_path, capsys, precision):
    import onnx

    data = tmp_path / "data"
    rng = np.random.default_rng(0)
    for split, count in {"train": 2, "val": 3}.items():
        rows = []
        for index in range(count):
            for side in ("source", "target"):
                place = data / split / side / f"p{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(encode_png(rng.integers(0, 256, (64, 64, 3), np.uint8)))
            names = {f"{side}_file_name": f"{side}/p{index}.png" for side in ("source", "target")}
            rows.append(json.dumps({"name": f"p{index}", **names}) + "\n")
        (data / split / "metadata.jsonl").write_text("".join(rows))
    file = saved(trained(resnet(6, 4, "batch")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run", size=64)
    out = tmp_path / "model.onnx"
    command = ["export", str(tmp_path / "run"), "--to", "onnx", "--out", str(out)]
    assert answer([*command, "--precision", precision, "--data", str(data)]) == 0
    told = capsys.readouterr()
    facts = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    cost = json.loads(facts["cost"])
    assert facts["precision"] == precision
    assert cost["pictures"] == 3, "the validation pictures, not those of the calibration"
    said = f"PSNR {cost['psnr']:.1f} dB, SSIM {cost['ssim']:.4f}"
    assert f"{precision} against float32 on 3 validation pictures: {said}" in told.out + told.err
    assert 10 < cost["psnr"] < 100 and 0 < cost["ssim"] <= 1
    exact = tmp_path / "exact.onnx"
    assert answer([*command[:-1], str(exact)]) == 0
    assert out.stat().st_size < exact.stat().st_size


def test_a_hub_folder_is_a_run_with_a_model_card(run, tmp_path, noise, capsys):
    out = tmp_path / "hub"
    assert answer(["export", str(run), "--to", "hub", "--out", str(out)]) == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "latest_net_G.pth" in card and "not evaluated" in card
    picture = noise(64, 64)
    one, other = (portrayal.load(f, device="cpu").translate(picture) for f in (run, out))
    np.testing.assert_array_equal(one, other)
