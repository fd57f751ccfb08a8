"""ONNX files and hub folders of an imported run: the same pictures, and facts inside."""

import json

import numpy as np
import pytest
from reference_networks import resnet, trained
from test_reference import saved

import portrayal
from portrayal.cli import answer
from portrayal.core.images import encode_png
from portrayal.export.onnx import Differs, cost, largest_difference
from portrayal.export.reference import import_reference
from portrayal.inference.onnx_nodes import PICTURE, SOURCE
from portrayal.inference.translator import Translator

pytest.importorskip("onnxruntime")


@pytest.fixture
def run(tmp_path):
    file = saved(trained(resnet(6, 4, "instance")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run", size=64)
    return tmp_path / "run"


def pairs(folder, counts):
    """Noise as sources, other noise as targets; `counts` of each split."""
    rng = np.random.default_rng(0)
    for split, count in counts.items():
        rows = []
        for index in range(count):
            for side in ("source", "target"):
                place = folder / split / side / f"p{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(encode_png(rng.integers(0, 256, (64, 64, 3), np.uint8)))
            names = {f"{side}_file_name": f"{side}/p{index}.png" for side in ("source", "target")}
            rows.append(json.dumps({"name": f"p{index}", **names}) + "\n")
        (folder / split / "metadata.jsonl").write_text("".join(rows))
    return folder


class Same:
    """A recipe that changes nothing; its answer to batches of `spoilt` pictures is NaN."""

    multiple = 64

    def __init__(self, spoilt=0):
        self.spoilt = spoilt

    def translate(self, source, *, reverse=False, seed=0, report=None):
        return source * float("nan") if len(source) == self.spoilt else source


def same(**options):
    return Translator(Same(**options), {"recipe": "same", "config": {}, "data": {}}, {})


def of_one_node(kind):
    """An ONNX model of one operation, such as Identity."""
    from onnx import TensorProto, helper

    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 3, "h", "w"])
        for name in (SOURCE, PICTURE)
    ]
    node = helper.make_node(kind, [SOURCE], [PICTURE])
    graph = helper.make_graph([node], kind, ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


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

    data = pairs(tmp_path / "data", {"train": 2, "val": 3})
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


def test_the_cost_is_below_zero_where_the_other_precision_is_further_from_the_truth(tmp_path):
    data = pairs(tmp_path / "data", {"val": 2})
    for index in range(2):  # the truth is what changing nothing gives
        source = (data / "val" / "source" / f"p{index}.png").read_bytes()
        (data / "val" / "target" / f"p{index}.png").write_bytes(source)
    right, wrong = of_one_node("Identity"), of_one_node("Neg")
    worse, better = (
        cost(ours, theirs, same(), tmp_path, data=data)
        for ours, theirs in ((wrong, right), (right, wrong))
    )
    assert worse.truth == pytest.approx(worse.ssim - 1) and worse.truth < -0.5
    assert better.truth == pytest.approx(1 - better.ssim) and better.truth > 0.5
    assert f"changes by -{-worse.truth:.4f}" in worse.describe()


def test_8_bits_are_calibrated_on_train_and_without_val_no_cost_is_known(tmp_path, capsys):
    data = pairs(tmp_path / "data", {"train": 2})
    file = saved(trained(resnet(6, 4, "batch")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run", size=64)
    out = tmp_path / "model.onnx"
    command = ["export", str(tmp_path / "run"), "--to", "onnx", "--out", str(out)]
    assert answer([*command, "--precision", "int8", "--data", str(data)]) == 0
    told = capsys.readouterr()
    assert "cost of int8 is unknown" in told.out + told.err and out.exists()


@pytest.mark.parametrize("spoilt", [1, 2, 3])
def test_a_difference_that_is_no_number_at_any_size_is_too_large(spoilt):
    assert largest_difference(of_one_node("Identity"), same()) == 0
    with pytest.raises(Differs, match="by nan"):
        largest_difference(of_one_node("Identity"), same(spoilt=spoilt))


def test_a_hub_folder_is_a_run_with_a_model_card(run, tmp_path, noise, capsys):
    out = tmp_path / "hub"
    assert answer(["export", str(run), "--to", "hub", "--out", str(out)]) == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "latest_net_G.pth" in card and "not evaluated" in card
    picture = noise(64, 64)
    one, other = (portrayal.load(f, device="cpu").translate(picture) for f in (run, out))
    np.testing.assert_array_equal(one, other)
