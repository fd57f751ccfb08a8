"""Oracles O12, O13 and O14 of the specification, and scikit-image as the reference."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.metrics import metrics
from portrayal.metrics.pixel import l1, psnr, ssim

PAIRED = ["l1", "psnr", "ssim"]


def constant(value: float) -> Tensor:
    return torch.full((1, 3, 16, 16), value, dtype=torch.float64)


def noise(seed: int, *shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(*(shape or (4, 3, 24, 32)), generator=rng, dtype=torch.float64)


def blobs(seed: int) -> Tensor:
    """Smooth pictures of their own, (2, 3, 64, 64)."""
    coarse = noise(seed, 2, 3, 8, 8)
    return torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bilinear").clamp(0, 1)


def test_l1_by_hand():
    fake = torch.zeros(2, 1, 1, 2)
    real = torch.tensor([[[[0.0, 1.0]]], [[[0.25, 0.25]]]])
    assert l1(fake, real).tolist() == [0.5, 0.25]


def test_psnr_of_pixels_one_level_off_is_48_decibels():
    value = psnr(constant(100 / 255), constant(101 / 255))
    assert value.item() == pytest.approx(48.1308036086791, abs=1e-11)
    exact = psnr(constant(0), constant(1 / 255))
    assert exact.item() == pytest.approx(48.1308036086791, abs=1e-12)


def test_psnr_by_hand_and_its_stated_cap():
    assert psnr(constant(0), constant(1)).item() == 0
    assert psnr(constant(0.1), constant(0.2)).item() == pytest.approx(20, abs=1e-12)
    assert psnr(constant(0.3), constant(0.3)).item() == pytest.approx(100, abs=1e-12)
    assert "100 dB" in metrics.card("psnr").protocol


def test_ssim_of_constants_is_the_luminance_term():
    value = ssim(constant(100 / 255), constant(150 / 255))
    assert value.item() == pytest.approx(0.923092310530793, abs=1e-12)


def test_a_picture_is_like_itself():
    pictures = noise(0)
    assert ssim(pictures, pictures).tolist() == pytest.approx([1] * 4, abs=1e-12)
    assert l1(pictures, pictures).tolist() == [0] * 4


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 11, 11), (3, 12, 40), (1, 33, 17)])
def test_ssim_agrees_with_scikit_image(shape):
    real = noise(1, 1, *shape)
    fake = (0.7 * real + 0.3 * noise(2, 1, *shape)).clamp(0, 1)
    theirs = structural_similarity(
        fake[0].numpy(),
        real[0].numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(fake, real).item() == pytest.approx(theirs, abs=1e-10)


def test_ssim_of_unrelated_pictures_is_small_and_of_a_negative_below_zero():
    """With constants for 0..255 the same pairs score above 0.9: the mistake of a report."""
    assert ssim(blobs(0), blobs(1)).max() < 0.3
    assert ssim(noise(0), noise(1)).max() < 0.3
    assert ssim(blobs(0), 1 - blobs(0)).max() < 0
    assert ssim(noise(0), torch.full_like(noise(0), 0.5)).max() < 0.1


def test_every_metric_is_symmetric():
    one, two = noise(3), noise(4)
    for name in PAIRED:
        torch.testing.assert_close(metrics[name](one, two), metrics[name](two, one))


@pytest.mark.parametrize("name", PAIRED)
def test_batch_size_and_order_change_no_value(name):
    fake, real = noise(5), noise(6)
    whole = metrics[name](fake, real)
    alone = torch.cat([metrics[name](fake[i : i + 1], real[i : i + 1]) for i in range(4)])
    backwards = metrics[name](fake.flip(0), real.flip(0)).flip(0)
    for other in (alone, backwards):
        torch.testing.assert_close(whole, other, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", PAIRED)
def test_channels_last_pictures_score_the_same(name):
    fake, real = noise(5), noise(6)
    last = fake.to(memory_format=torch.channels_last)
    expected = metrics[name](fake, real)
    torch.testing.assert_close(metrics[name](last, real), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", PAIRED)
def test_float32_pictures_score_as_their_float64_copies(name):
    fake, real = noise(7).float(), noise(8).float()
    assert torch.equal(metrics[name](fake, real), metrics[name](fake.double(), real.double()))
    assert metrics[name](fake, real).dtype == torch.float64


@pytest.mark.parametrize("name", PAIRED)
def test_the_pictures_are_left_as_they_were(name):
    fake, real = noise(7), noise(8)
    metrics[name](fake, real)
    assert torch.equal(fake, noise(7))
    assert torch.equal(real, noise(8))


@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
@settings(max_examples=25, deadline=None)
def test_scores_stay_in_their_bounds_and_finite_on_8_bit_pictures(seed, shift):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (1, 3, 13, 12))
    fake = torch.from_numpy(levels / 255)
    real = torch.from_numpy(((levels + shift) % 256) / 255)
    assert 0 <= l1(fake, real).item() <= 1
    assert 0 <= psnr(fake, real).item() <= 100 + 1e-9
    assert -1 <= ssim(fake, real).item() <= 1 + 1e-12


WRONG = [  # translations, truths, what the line says
    (noise(0) * 255, noise(0), r"translations span .* to 254.* divide by 255"),
    (noise(0) * 2 - 1, noise(0), r"translations span -0.99.* to 0.99.* signed"),
    (noise(0), noise(0) - 2e-6 - noise(0).min(), r"truths span -2e-06 to"),
    (noise(0), noise(0) * math.nan, "truths span nan to nan"),
    ((noise(0) * 255).byte(), noise(0), "translations are uint8, but"),
    (noise(0), noise(0).half(), "truths are float16"),
    (noise(0).permute(0, 2, 3, 1), noise(0), r"\(4, 24, 32, 3\).* permute the channels"),
    (noise(0)[0], noise(0)[0], r"shape \(3, 24, 32\), but a metric takes \(B, 3, H, W\)"),
    (noise(0), noise(0)[:2], r"\(4, 3, 24, 32\), but the truths \(2, 3, 24, 32\)"),
    (noise(0), noise(0)[..., :-1], r"but the truths \(4, 3, 24, 31\)"),
    (noise(0), noise(0)[:, :1], r"but the truths \(4, 1, 24, 32\)"),
]


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize(("fake", "real", "line"), WRONG)
def test_wrong_pictures_are_an_error_that_says_what_is_wrong(name, fake, real, line):
    with pytest.raises(BadData, match=line) as caught:
        metrics[name](fake, real)
    assert "\n" not in str(caught.value)


def test_rounding_errors_of_float32_around_the_range_pass():
    edge = torch.tensor([-5e-7, 1 + 5e-7]).repeat(2, 3, 12, 6)
    assert ssim(edge, edge).tolist() == pytest.approx([1, 1])


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(BadData, match="at least 11 x 11 pixels, but these pictures have 10 x 30"):
        ssim(noise(0, 1, 3, 30, 10), noise(0, 1, 3, 30, 10))


def test_an_empty_batch_has_no_values():
    for name in PAIRED:
        assert metrics[name](torch.zeros(0, 3, 16, 16), torch.zeros(0, 3, 16, 16)).shape == (0,)


def test_every_metric_says_what_its_number_means():
    for name in metrics:
        card = metrics.card(name)
        assert card.title, name
        assert card.protocol, name
        assert metrics[name].__doc__, name
