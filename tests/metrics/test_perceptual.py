import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from portrayal.core.errors import BadData
from portrayal.metrics.perceptual import WEIGHTS, ms_ssim


def pair(height: int, width: int, share: float = 0.3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(height + width)
    real = torch.rand(1, 3, height, width, generator=rng, dtype=torch.float64)
    real = torch.nn.functional.avg_pool2d(real, 5, stride=1, padding=2)
    noise = torch.rand(real.shape, generator=rng, dtype=torch.float64)
    return (1 - share) * real + share * noise, real


def by_scipy(fake: np.ndarray, real: np.ndarray) -> float:
    """The definition again, for one channel, with SciPy's filter."""
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):

        def mean(picture: np.ndarray) -> np.ndarray:
            return gaussian_filter(picture, 1.5, radius=5)[5:-5, 5:-5]

        f, r = mean(fake), mean(real)
        cross = mean(fake * real) - f * r
        spread = mean(fake**2) - f**2 + mean(real**2) - r**2
        term = (2 * cross + 9e-4) / (spread + 9e-4)
        if scale == len(WEIGHTS) - 1:
            term = term * (2 * f * r + 1e-4) / (f**2 + r**2 + 1e-4)
        product *= max(term.mean(), 0) ** weight
        fake, real = (halved(picture) for picture in (fake, real))
    return product


def halved(picture: np.ndarray) -> np.ndarray:
    height, width = (side // 2 * 2 for side in picture.shape)
    blocks = picture[:height, :width].reshape(height // 2, 2, width // 2, 2)
    return blocks.mean((1, 3))


@pytest.mark.parametrize("shape", [(176, 176), (192, 201)])
def test_ms_ssim_agrees_with_a_second_implementation(shape):
    fake, real = pair(*shape)
    channels = zip(fake[0].numpy(), real[0].numpy(), strict=True)
    theirs = np.mean([by_scipy(f, r) for f, r in channels])
    assert ms_ssim(fake, real).item() == pytest.approx(theirs, abs=1e-10)


def test_ms_ssim_agrees_with_torchmetrics_where_its_border_hardly_counts():
    fake, real = pair(256, 256)
    theirs = multiscale_structural_similarity_index_measure(fake, real, data_range=1.0)
    assert ms_ssim(fake, real).item() == pytest.approx(theirs.item(), abs=2e-3)


def test_a_picture_is_like_itself_and_more_noise_is_worse():
    fake, real = pair(176, 176)
    assert ms_ssim(real, real).item() == pytest.approx(1, abs=1e-12)
    assert ms_ssim(pair(176, 176, 0.6)[0], real) < ms_ssim(fake, real) < 1


def test_a_negative_scores_0_and_not_nan():
    _, real = pair(176, 176)
    assert ms_ssim(1 - real, real).item() == 0


def test_batch_order_changes_no_value():
    fake, real = pair(176, 180)
    both = ms_ssim(torch.cat([fake, real]), torch.cat([real, real]))
    assert both[0].item() == pytest.approx(ms_ssim(fake, real).item(), abs=1e-12)


def test_pictures_too_small_for_five_scales_are_refused():
    with pytest.raises(BadData, match=r"at least 176 x 176 .* have 200 x 175; use ssim"):
        ms_ssim(torch.zeros(1, 3, 175, 200), torch.zeros(1, 3, 175, 200))
    with pytest.raises(BadData, match="translations span"):
        ms_ssim(torch.full((1, 3, 176, 176), 2.0), torch.zeros(1, 3, 176, 176))
