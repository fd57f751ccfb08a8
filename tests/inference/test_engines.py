"""Other engines compute the same pictures; what is inexact is never chosen and always named."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import portrayal
from portrayal.core.errors import BadData, BadOption, MissingPart, UnknownName
from portrayal.core.runs import read_json, write_json
from portrayal.inference.engines import (
    EXACT,
    WORTH,
    difference,
    measured,
    open_engine,
    quickest,
    with_engine,
)
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.onnx_nodes import need
from portrayal.inference.translator import How
from portrayal.networks import networks

pytest.importorskip("onnxruntime")
ENGINES = ["onnx", pytest.param("openvino", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def translator(run):
    return portrayal.load(run, device="cpu")


def needs(engine):
    if engine.startswith("openvino"):
        pytest.importorskip("openvino")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("unet_64", {}),
        ("unet_64", {"norm": "instance", "dropout": 0}),
        ("unet_64", {"norm": "none"}),
        ("resnet_6", {}),
        ("resnet_9", {"norm": "batch", "dropout": 0.5}),
        ("resnet_6", {"norm": "none", "upsampling": "resize"}),
    ],
)
def test_every_generator_is_the_same_in_onnx_at_any_size_and_batch(name, options):
    import onnxruntime

    generator = networks[name](width=4, **options).eval()
    for layer in generator.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 2)
    content = onnx_model(generator).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for shape in ((1, 3, 64, 64), (2, 3, 64, 128), (3, 3, 192, 64)):
        source = torch.rand(shape) * 2 - 1
        with torch.inference_mode():
            wanted = generator(source)
        found = session.run(None, {"source": source.numpy()})[0]
        np.testing.assert_allclose(found, wanted.numpy(), atol=2e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exact_engine_is_within_the_tolerance_and_makes_the_same_pictures(
    engine, run, translator, noise
):
    needs(engine)
    other = with_engine(translator, run, engine)
    assert other.engine == engine
    for size in ((64, 64), (70, 130), (64, 64), (64, 64), (64, 64)):
        ours, theirs = (t.translate(noise(*size)).astype(int) for t in (other, translator))
        assert abs(ours - theirs).max() <= 1
    assert difference(open_engine(translator, run, engine), translator, False) < 1e-4


class Wide:
    """A recipe whose generator has a layer of many channels; `grown` times its sum."""

    multiple = 1

    def __init__(self, grown=1):
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 256, 1), nn.Conv2d(256, 256, 3, padding=1), nn.Conv2d(256, 3, 1)
        self.generator = nn.Sequential(*layers)
        layers[1].weight.data *= grown

    def exportable(self, reverse):
        return self.generator

    def translate(self, source, reverse=False):
        return self.generator(source)


def opened_for(translator, name, size, grown=1):
    """Largest difference of that engine from PyTorch, for pictures of that size."""
    config = {**translator.config, "data": {"size": size}}
    wide = replace(translator, recipe=Wide(grown), config=config)
    return difference(open_engine(wide, None, name), wide, reverse=False)


@pytest.mark.parametrize(
    ("size", "winograd"),
    [
        ((96, 96), True),
        ((128, 96), True),
        (None, True),  # an imported model says nothing of sizes
        ((256, 95), False),  # weights would be read longer than products saved
    ],
)
def test_exact_engines_of_large_pictures_take_winograds_way(size, winograd, translator):
    other, plain = (opened_for(translator, "onnx", s) for s in (size, (64, 64)))
    assert (other != plain) == winograd
    assert other < 1e-5


def test_where_winograds_way_loses_too_much_the_plain_one_is_taken(translator):
    kept, left = (opened_for(translator, "onnx", (96, 96), grown) for grown in (20, 200))
    assert kept != opened_for(translator, "onnx", (64, 64), 20)
    assert left == opened_for(translator, "onnx", (64, 64), 200)


def test_an_engine_whose_difference_is_no_number_is_not_used(run, tmp_path):
    spoilt = portrayal.load(run, device="cpu")
    with torch.no_grad():
        next(spoilt.recipe.generator.parameters()).fill_(float("nan"))
    with pytest.raises(BadData, match="onnx differs from PyTorch by nan"):
        with_engine(spoilt, tmp_path, "onnx")
    notes = []
    measured(spoilt, tmp_path, ["torch", "onnx"], rounds=1, note=notes.append)
    assert notes == ["onnx differs from PyTorch by nan here and is left out."]


def test_a_few_pictures_stay_with_torch_and_many_are_measured_once(run, translator, tmp_path):
    notes, place = [], tmp_path / "engines" / "quickest.json"
    assert with_engine(translator, tmp_path, "auto", pictures=WORTH - 1).engine == "torch"
    assert not place.exists()
    first = with_engine(translator, tmp_path, "auto", pictures=WORTH, note=notes.append)
    assert first.engine in EXACT and "ms per picture" in notes[0]
    again = quickest(translator, tmp_path, 3, note=notes.append)
    assert (again, len(notes)) == (first.engine, 1)

    known = read_json(place)
    write_json(place, known | {"quickest": "onnx"})
    assert quickest(translator, tmp_path, 3) == "onnx"
    for fact in known["facts"]:  # another model, processor, graph, size ...: measured anew
        facts = known["facts"] | {fact: "another"}
        write_json(place, known | {"quickest": "onnx", "facts": facts})
        assert quickest(translator, tmp_path, 3) == "torch"
    write_json(place, known | {"quickest": "an engine that is gone"})
    assert quickest(translator, tmp_path, 3) == "torch"


def test_an_inexact_engine_marks_its_pictures(run, translator):
    needs("openvino")
    inexact = with_engine(translator, run, "openvino:bf16")
    marks = [t.provenance(How(), "0").settings for t in (translator, inexact)]
    assert marks[0] != marks[1]
    exact = with_engine(translator, run, "onnx")
    assert exact.provenance(How(), "0").settings == marks[0]


def test_unknown_engines_and_models_with_noise_are_one_line(run, run_like_training, translator):
    with pytest.raises(UnknownName, match="engine"):
        with_engine(translator, run, "tensorrt")
    noisy = portrayal.load(run_like_training, device="cpu")
    assert with_engine(noisy, run_like_training, "auto", pictures=1000).engine == "torch"
    with pytest.raises(BadOption, match="dropout"):
        with_engine(noisy, run_like_training, "onnx")


def test_a_missing_package_is_one_line_with_the_command_that_brings_it():
    with pytest.raises(MissingPart, match=r"no_such, .* pip install 'portrayal\[onnx\]'"):
        need("no_such")
