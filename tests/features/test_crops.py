"""Faces cut out: where the box and the points say, with gradients, the same for every picture."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from portrayal.features.crops import TEMPLATE, aligned, cropped, warped


def ramp(height: int, width: int) -> torch.Tensor:
    """A picture (1, 3, H, W) whose channels are x, y and 0, counted from the outer edge."""
    x = (torch.arange(width) + 0.5).expand(height, width)
    y = (torch.arange(height) + 0.5)[:, None].expand(height, width)
    return torch.stack([x, y, torch.zeros(height, width)])[None].double()


def test_the_identity_changes_nothing():
    picture = torch.rand(2, 3, 9, 14, dtype=torch.float64)
    identity = torch.eye(3, dtype=torch.float64)[:2].expand(2, 2, 3)
    torch.testing.assert_close(warped(picture, identity, 9, 14), picture, atol=1e-12, rtol=0)


def test_a_crop_of_its_own_size_is_a_slice():
    picture = torch.rand(1, 3, 40, 50, dtype=torch.float64)
    crop = cropped(picture, torch.tensor([[10.0, 20, 16, 16]]), 16, margin=0)
    torch.testing.assert_close(crop, picture[:, :, 20:36, 10:26], atol=1e-6, rtol=0)


def test_a_crop_is_square_around_the_middle_with_its_margin():
    crop = cropped(ramp(100, 120), torch.tensor([[40.0, 30, 20, 40]]), 44, margin=0.1)
    assert crop.shape == (1, 3, 44, 44)
    assert crop[0, 0, 0, 0].item() == pytest.approx(50 - 22 + 0.5, abs=1e-4)  # x: middle 50
    assert crop[0, 0, 0, -1].item() == pytest.approx(50 + 22 - 0.5, abs=1e-4)
    assert crop[0, 1, 0, 0].item() == pytest.approx(50 - 22 + 0.5, abs=1e-4)  # y: middle 50


def test_each_picture_is_cut_by_its_own_box():
    pictures = torch.cat([ramp(40, 40), ramp(40, 40)])
    crops = cropped(pictures, torch.tensor([[0.0, 0, 8, 8], [16, 24, 8, 8]]), 8, margin=0)
    shift = (crops[1] - crops[0]).mean((1, 2))
    torch.testing.assert_close(shift, torch.tensor([16.0, 24, 0]).double(), atol=1e-5, rtol=0)


def test_beyond_the_border_the_border_goes_on():
    crop = cropped(ramp(20, 20), torch.tensor([[-10.0, -10, 20, 20]]), 20, margin=0)
    assert crop[0, 0, :, :10].unique().tolist() == [0.5]


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (25, 1.7), (-160, 0.6), (90, 2.5)])
def test_points_meet_the_template_however_a_face_is_turned_and_scaled(degrees, scale):
    angle = np.deg2rad(degrees)
    turn = scale * torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    template = torch.tensor(TEMPLATE, dtype=torch.float64)
    points = (template - template.mean(0)) @ turn.T + torch.tensor([210.0, 190.0])
    face = aligned(ramp(400, 420), points[None])
    assert face.shape == (1, 3, 112, 96)
    for (x, y), place in zip(TEMPLATE, points, strict=True):
        spot = torch.tensor([[[[2 * x / 96 - 1, 2 * y / 112 - 1]]]]).double()
        seen = F.grid_sample(face, spot, align_corners=False)[0, :2, 0, 0]
        torch.testing.assert_close(seen, place, atol=0.02, rtol=0)


def test_alignment_is_the_best_similarity_for_points_that_do_not_fit():
    """No small turn, scaling or shift of the answer brings the points nearer."""
    rng = torch.Generator().manual_seed(0)
    template = torch.tensor(TEMPLATE, dtype=torch.float64)
    points = template * 1.5 + 30 + 4 * torch.randn(5, 2, generator=rng).double()
    face = aligned(ramp(300, 300), points[None])[0, :2]  # each pixel says where it came from
    down, right = torch.meshgrid(torch.arange(112) + 0.5, torch.arange(96) + 0.5, indexing="ij")
    design = torch.stack([right, down, torch.ones_like(right)], -1).view(-1, 3).double()
    affine = torch.linalg.lstsq(design, face.flatten(1).T).solution  # (3, 2)

    def error(change):
        moved = torch.cat([template, torch.ones(5, 1)], 1).double() @ (affine + change)
        return (moved - points).square().sum()

    best = error(torch.zeros(3, 2))
    for step in (1e-3, -1e-3):
        for pattern in (
            [[1, 0], [0, 1], [0, 0]],
            [[0, 1], [-1, 0], [0, 0]],
            [[0, 0], [0, 0], [1, 1]],
        ):
            assert error(step * torch.tensor(pattern)) > best


def test_gradients_reach_the_pixels_of_the_face_only():
    picture = torch.rand(1, 3, 30, 30, requires_grad=True)
    cropped(picture, torch.tensor([[5.0, 5, 10, 10]]), 10, margin=0).sum().backward()
    assert picture.grad is not None
    assert (picture.grad[:, :, 5:15, 5:15] > 0.99).all()
    assert picture.grad.sum().item() == pytest.approx(300, rel=1e-4)
