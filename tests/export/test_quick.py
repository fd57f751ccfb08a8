"""The graph for processors beside a page's model: the same pictures with the same weights."""

import onnx
import pytest
import torch
from reference_networks import resnet, trained
from test_reference import saved

import portrayal
from portrayal.export.browser import export_browser
from portrayal.export.onnx import export_onnx
from portrayal.export.quick import borrowing, write_quick
from portrayal.export.reference import import_reference

WIDTH = 16  # channels of the first layer: the blocks have 64
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def page(run, tmp_path):
    """A folder with model.onnx, and its translator."""
    translator = portrayal.load(run, device="cpu")
    export_onnx(translator, run, tmp_path / "model.onnx")
    return tmp_path, translator


def test_it_makes_pytorchs_pictures_with_the_weights_of_the_file_beside_it(page):
    folder, translator = page
    size = write_quick(translator, folder)
    assert size == (folder / "quick.onnx").stat().st_size < 80_000
    session = onnxruntime.InferenceSession(folder / "quick.onnx")
    source = torch.rand(2, 3, 52, 76) * 2 - 1
    answer = session.run(None, {"source": source.numpy()})[0]
    wanted = translator.recipe.translate(source)
    torch.testing.assert_close(torch.from_numpy(answer), wanted, atol=1e-4, rtol=0)
    kinds = [node.op_type for node in onnx.load(folder / "quick.onnx").graph.node]
    assert kinds.count("MatMul") == 2 * 2 * 6, "both layers of all six blocks"


def test_every_large_weight_is_a_place_in_that_file(page):
    folder, translator = page
    write_quick(translator, folder)
    content = (folder / "model.onnx").read_bytes()
    borrowed = 0
    for weight in onnx.load(folder / "quick.onnx", load_external_data=False).graph.initializer:
        told = {entry.key: entry.value for entry in weight.external_data}
        if told:
            assert told["location"] == "model.onnx"
            assert int(told["offset"]) + int(told["length"]) <= len(content)
            borrowed += int(told["length"])
    assert borrowed > 0.95 * len(content)


def test_what_is_not_in_that_file_stays_in_the_graph(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    weight = onnx.numpy_helper.from_array(torch.ones(1000).numpy(), "weight")
    graph = onnx.helper.make_graph([], "g", [], [], [weight])
    made = onnx.ModelProto.FromString(
        borrowing(onnx.helper.make_model(graph), tmp_path / "model.onnx")
    )
    assert made.graph.initializer[0].raw_data == weight.raw_data


def test_a_weight_may_be_anywhere_in_that_file_even_at_its_start(tmp_path):
    weight = onnx.numpy_helper.from_array(torch.rand(1000).numpy(), "weight")
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [weight]))
    for before in (b"", b"one", b"two more"):
        (tmp_path / "model.onnx").write_bytes(before + weight.raw_data + b"behind")
        made = onnx.ModelProto.FromString(borrowing(model, tmp_path / "model.onnx"))
        told = {entry.key: entry.value for entry in made.graph.initializer[0].external_data}
        assert (told["offset"], told["length"]) == (str(len(before)), "4000")
        assert not made.graph.initializer[0].raw_data


def test_a_model_without_such_layers_has_none(tmp_path):
    file = saved(trained(resnet(6, WIDTH - 1, "instance")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run")
    translator = portrayal.load(tmp_path / "run", device="cpu")
    assert write_quick(translator, tmp_path) == 0
    assert not (tmp_path / "quick.onnx").exists()


def test_one_that_differs_is_not_written(page):
    folder, translator = page
    notes = []
    assert write_quick(translator, folder, limit=1e-12, note=notes.append) == 0
    assert notes == ["quick.onnx is left out: it differs from PyTorch by more than 1e-12."]
    assert not (folder / "quick.onnx").exists()


@pytest.mark.parametrize(("precision", "there"), [("float32", True), ("float16", False)])
def test_a_page_of_float16_has_none_for_its_weights_are_others(
    run, tmp_path, runtime, precision, there
):
    translator, out = portrayal.load(run, device="cpu"), tmp_path / "page"
    export_browser(translator, run, out, precision, runtime=runtime)
    assert (out / "quick.onnx").exists() == there
    size = (out / "quick.onnx").stat().st_size if there else 0
    assert f'"quick": {size}' in (out / "index.html").read_text(encoding="utf-8")
