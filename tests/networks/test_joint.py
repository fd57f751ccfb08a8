"""The contextual GAN's networks: shapes, sizes, and that they can learn at all."""

import pytest
import torch

from portrayal.core.errors import BadOption
from portrayal.networks.completion import completer
from portrayal.networks.joint import (
    BatchSpread,
    Stacked,
    factors_of,
    joint_discriminator,
    joint_generator,
)


def weights(network) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("kernel", [4, 5])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("stacked", [False, True])
def test_noise_becomes_a_signed_joint_picture_and_that_one_logit(size, kernel, norm, stacked):
    how = {"width": 2, "norm": norm, "kernel": kernel, "stacked": stacked}
    picture = joint_generator(size, latent=7, **how)(torch.rand(2, 7))
    assert picture.shape == (2, 3, size, 2 * size)
    assert picture.abs().max() <= 1
    assert joint_discriminator(size, **how)(picture).shape == (2, 1)


def test_the_default_is_the_authors_network():
    """Linear to 4 x 8 x 512, 5 x 5 to 256, 128, 64 and 3 channels; spec 3.2."""
    network = joint_generator()
    assert network.first.weight.shape == (4 * 8 * 512, 100)
    kernels = [layer.weight.shape for layer in network.rest if hasattr(layer, "output_padding")]
    assert kernels == [(512, 256, 5, 5), (256, 128, 5, 5), (128, 64, 5, 5), (64, 3, 5, 5)]
    shapes = [layer.weight.shape for layer in joint_discriminator() if hasattr(layer, "stride")]
    assert [shape[0] for shape in shapes] == [64, 128, 256, 512, 1]
    assert shapes[-1] == (1, 512, 4, 8)


def test_stacked_halves_are_six_channels_of_one_picture():
    network = joint_generator(width=2, stacked=True).eval()
    z = torch.rand(2, 100)
    with torch.no_grad():
        both = network.rest(network.first(z).unflatten(1, network.start))
        joint = network(z)
    assert torch.equal(joint[..., :64], both[:, :3])  # the sketch, on the left
    assert torch.equal(joint[..., 64:], both[:, 3:])
    assert torch.equal(Stacked()(joint), both)


@pytest.mark.parametrize("stacked", [False, True])
def test_only_where_halves_are_stacked_does_it_matter_which_photo_a_sketch_has(stacked):
    """Side by side, another left edge of the sketch changes D's answer alike for any photo."""
    torch.manual_seed(0)
    judge = joint_discriminator(64, width=8, norm="none", kernel=4, stacked=stacked).double()
    with torch.no_grad():
        for weight in judge.parameters():
            weight.mul_(10)
        first = torch.rand(2, 3, 64, 128, dtype=torch.float64) * 2 - 1
        first[1, ..., :64] = first[0, ..., :64]  # one sketch, two photos
        other = first.clone()
        other[..., :10] = -1
        changes = judge(other) - judge(first)
    assert changes.abs().min() > 1e-6
    assert (abs(float(changes[0] - changes[1])) > 1e-3 * float(changes[0].abs())) == stacked


def test_the_spread_of_a_batch_by_hand_and_outside_training_the_usual_one():
    """Two pictures, one pixel: 0 and 2 differ from their mean by 1, 3 and 3 not at all."""
    spread = BatchSpread()
    features = torch.tensor([[0.0, 3.0], [2.0, 3.0]]).view(2, 2, 1, 1)
    assert torch.allclose(spread(features)[:, 2], torch.tensor(0.50005), atol=1e-5)
    assert float(spread.usual) == pytest.approx(0.995, abs=1e-4)  # a hundredth of the way to .5
    alone = spread.eval()(features[:1])
    assert torch.equal(alone, spread(features)[:1])
    assert torch.equal(alone[0, :2], features[0])


def test_a_batch_of_one_picture_again_and_again_is_judged_otherwise():
    torch.manual_seed(0)
    judge = joint_discriminator(64, width=4, norm="none", spectral=True, batch_spread=True)
    varied = torch.rand(4, 3, 64, 128) * 2 - 1
    again = torch.cat([varied[:1]] * 4)
    with torch.no_grad():
        assert abs(float(judge(varied)[0] - judge(again)[0])) > 1e-5
        judge.eval()
        assert torch.allclose(judge(varied)[0], judge(again)[0], atol=1e-6)


def test_one_layer_more_for_128_pixels():
    assert len(joint_generator(128, width=2).rest) == len(joint_generator(64, width=2).rest) + 3
    with pytest.raises(BadOption, match="Halves of 96 pixels are not built"):
        factors_of(96)


@pytest.mark.parametrize("spectral", [False, True])
def test_the_discriminator_answers_differently_and_can_learn_at_the_start(spectral):
    """The students' softmax over one unit was 1 for everything, and its gradient 0."""
    torch.manual_seed(0)
    judge = joint_discriminator(64, width=4, spectral=spectral)
    logits = judge(torch.rand(4, 3, 64, 128) * 2 - 1)
    assert logits.std() > 1e-4
    torch.nn.functional.softplus(-logits).mean().backward()
    assert all(p.grad is not None and p.grad.norm() > 0 for p in judge.parameters() if p.ndim > 1)


def test_spectral_normalisation_bounds_every_layer():
    torch.manual_seed(0)
    judge = joint_discriminator(64, width=4, norm="none", spectral=True)
    for layer in judge:
        if hasattr(layer, "stride"):
            with torch.no_grad():
                layer.parametrizations.weight.original.mul_(50)
    for _ in range(50):
        judge(torch.zeros(1, 3, 64, 128))  # a step of the power iteration each
    judge.eval()
    for layer in judge:
        if hasattr(layer, "stride"):
            assert float(
                torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
            ) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("encoder", ["convolutions", "linear", "literal"])
def test_a_masked_joint_picture_becomes_a_whole_one(encoder):
    network = completer(64, in_channels=4, encoder=encoder, latent=5, width=1, kernel=4)
    assert network(torch.rand(2, 4, 64, 128)).shape == (2, 3, 64, 128)


def test_the_literal_layer_has_403_million_weights():
    """24576 inputs to 16384 outputs, built without memory."""
    with torch.device("meta"):
        network = completer(64, encoder="literal")
        assert network.generator.first.weight.shape == (16384, 24576)
        assert weights(network.generator.first) == 402_669_568
        assert weights(completer(64)) < 30e6
