"""CycleGAN's generators, counted and compared with plain torch layers."""

import pytest
import torch
from torch import nn

from portrayal.core.errors import BadOption, UnknownName
from portrayal.networks import networks
from portrayal.networks.blocks import InstanceNorm
from portrayal.networks.resnet import Reflect

COUNTS = {"resnet_9": 11_378_179, "resnet_6": 7_837_699}  # junyanz's, printed by its training


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_parameters_are_counted_as_in_the_reference(name, count, upsampling):
    with torch.device("meta"):
        network = networks[name](upsampling=upsampling)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("size", [(32, 32), (20, 44)])
def test_a_picture_keeps_its_size_and_is_signed(size, upsampling):
    network = networks["resnet_6"](width=2, upsampling=upsampling)
    picture = network(torch.randn(2, 3, *size) * 3)
    assert picture.shape == (2, 3, *size)
    assert picture.abs().max() <= 1
    assert network.levels == 2


def test_transposed_convolutions_and_resizing_are_what_they_say():
    kinds = {
        name: {type(m) for m in networks["resnet_6"](width=2, upsampling=name).modules()}
        for name in ("transposed", "resize")
    }
    assert nn.ConvTranspose2d in kinds["transposed"]
    assert nn.ConvTranspose2d not in kinds["resize"]
    assert nn.Upsample in kinds["resize"]


@pytest.mark.parametrize(("norm", "bias"), [("instance", True), ("none", True), ("batch", False)])
def test_convolutions_have_a_bias_where_no_batchnorm_follows(norm, bias):
    *layers, last = [
        m
        for m in networks["resnet_6"](width=2, norm=norm).modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert all((layer.bias is not None) == bias for layer in layers)
    assert last.bias is not None


def test_dropout_is_in_every_block():
    network = networks["resnet_6"](width=2, dropout=0.5)
    assert sum(isinstance(m, nn.Dropout) for m in network.modules()) == 6


@pytest.mark.parametrize(
    ("options", "error"),
    [({"width": 0}, BadOption), ({"dropout": 1.0}, BadOption), ({"upsampling": "up"}, UnknownName)],
)
def test_what_cannot_be_built_is_refused(options, error):
    with pytest.raises(error):
        networks["resnet_9"](**options)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_our_instance_norm_is_torchs_with_its_gradient_and_keeps_the_type(kind):
    torch.manual_seed(0)
    ours = (torch.randn(2, 5, 6, 7) * 3 + 1).to(kind).requires_grad_()
    theirs = ours.detach().float().requires_grad_()
    with torch.autocast("cpu", kind, enabled=kind != torch.float32):
        out = InstanceNorm(5)(ours)
    assert out.dtype == kind
    wanted = nn.InstanceNorm2d(5)(theirs)
    close = {"atol": 0.05, "rtol": 0.05} if kind == torch.bfloat16 else {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(out.float(), wanted, **close)
    weights = torch.randn(2, 5, 6, 7)
    (out.float() * weights).sum().backward()
    (wanted * weights).sum().backward()
    torch.testing.assert_close(ours.grad.float(), theirs.grad, **close)


def test_instance_norm_takes_any_memory_layout():
    picture = torch.randn(2, 4, 6, 6)
    last = picture.to(memory_format=torch.channels_last)
    torch.testing.assert_close(InstanceNorm(4)(last), InstanceNorm(4)(picture))


def test_reflection_keeps_bfloat16_under_autocast_and_mirrors():
    row = torch.arange(9.0).view(1, 1, 3, 3).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        out = Reflect(1)(row)
    assert out.dtype == torch.bfloat16
    assert out[0, 0, 0].tolist() == [4, 3, 4, 5, 4]
