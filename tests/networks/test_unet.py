from pathlib import Path

import pytest
import torch
from torch import nn

from portrayal.core.errors import BadOption, UnknownName
from portrayal.networks.unet import Level, unet_64, unet_128, unet_256

UNETS = {"unet_256": (unet_256, 8), "unet_128": (unet_128, 7), "unet_64": (unet_64, 6)}
FIXTURE = Path(__file__).parents[2] / "../shared/fixtures/reference_generators/unet_128_batch"


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def levels_of(network: nn.Module) -> list[Level]:
    return [module for module in network.modules() if isinstance(module, Level)]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("unet_256", 54_413_955), ("unet_128", 41_828_995), ("unet_64", 29_244_035)],
)
def test_parameters_are_counted_as_in_the_reference(name, parameters):
    with torch.device("meta"):
        assert count(UNETS[name][0]()) == parameters


@pytest.mark.parametrize("name", UNETS)
def test_every_level_halves_the_picture_and_the_output_is_signed(name):
    build, levels = UNETS[name]
    network = build(width=2)
    assert network.levels == levels
    side = 2**levels
    bottoms: list[tuple[int, ...]] = []
    bottom = levels_of(network)[-1]
    bottom.down.register_forward_hook(lambda _, __, made: bottoms.append(tuple(made.shape)))
    fake = network(torch.randn(2, 3, side, 2 * side))
    assert fake.shape == (2, 3, side, 2 * side)
    assert bottoms == [(2, 16, 1, 2)]
    assert fake.abs().max() <= 1


def test_weights_of_the_reference_give_its_output_when_copied_in_order():
    if not FIXTURE.exists():
        pytest.skip(f"{FIXTURE} is not here")
    theirs = torch.load(FIXTURE / "latest_net_G.pth", weights_only=True)
    pictures = torch.load(FIXTURE / "io.pt", weights_only=True)
    network = unet_128(width=2)
    ours = network.state_dict()
    assert [value.shape for value in ours.values()] == [value.shape for value in theirs.values()]
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    with torch.no_grad():
        fake = network.eval()(pictures["input"])
    assert (fake - pictures["output_eval"]).abs().max() < 1e-5


@pytest.mark.parametrize(("name", "noisy"), [("unet_256", 3), ("unet_128", 2), ("unet_64", 1)])
def test_dropout_sits_on_the_full_width_levels_above_the_bottom(name, noisy):
    levels = levels_of(UNETS[name][0](width=1, dropout=0.3))  # from the top down
    rates = [getattr(level.up[-1], "p", 0.0) for level in levels]
    assert rates == [0.0] * 3 + [0.3] * noisy + [0.0]


def test_dropout_zero_makes_training_mode_repeatable():
    source = torch.randn(2, 3, 64, 64)
    noisy, sure = unet_64(width=2), unet_64(width=2, dropout=0)
    assert not torch.equal(noisy(source), noisy(source))
    assert torch.equal(sure(source), sure(source))


def convolutions(network: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_every_convolution_has_a_bias_where_no_batchnorm_follows(norm):
    assert all(layer.bias is not None for layer in convolutions(unet_64(width=2, norm=norm)))


def test_with_batchnorm_only_the_last_convolution_has_a_bias():
    biased = [layer.bias is not None for layer in convolutions(unet_64(width=2))]
    assert biased == [False] * 11 + [True]


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_every_parameter_learns(norm):
    network = unet_64(width=2, norm=norm, dropout=0)
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    # an instance norm takes away the mean, and with it the bias before it
    stays = {name for name, p in network.named_parameters() if not p.grad.abs().sum() > 0}
    assert not {name for name in stays if not (norm == "instance" and name.endswith("bias"))}


def test_a_level_lays_its_input_untouched_beside_what_is_below():
    level = Level(3, 5, None, norm="batch", dropout=0.0)
    x = torch.randn(2, 3, 8, 8)
    both = level(x.clone())
    assert both.shape == (2, 6, 8, 8)
    assert torch.equal(both[:, :3], x)
    with torch.no_grad():
        below = level.up(level.down(x))
    assert torch.equal(both[:, 3:], below)


def test_the_first_weights_are_drawn_from_the_global_generator():
    torch.manual_seed(3)
    first = unet_64(width=8)
    torch.manual_seed(3)
    again = unet_64(width=8)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_the_output_keeps_a_channels_last_layout():
    network = unet_64(width=2).to(memory_format=torch.channels_last)
    source = torch.randn(2, 3, 64, 64).to(memory_format=torch.channels_last)
    assert network(source).is_contiguous(memory_format=torch.channels_last)


def test_bad_arguments_are_one_line_each():
    with pytest.raises(UnknownName, match=r"No norm named 'bach'. Did you mean 'batch'"):
        unet_64(norm="bach")
    with pytest.raises(BadOption, match=r"dropout is 1.5"):
        unet_64(dropout=1.5)
    with pytest.raises(BadOption, match="width is 0"):
        unet_64(width=0)
