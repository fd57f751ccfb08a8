"""Faces cut out so that gradients pass: the same crop of an input and of its translation.

Pixel coordinates (x, y) as in features/faces.py. B pictures, bilinear, the border repeated.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# Eyes, nose and corners of the mouth in a face of 112 x 96 pixels, left to right in the picture
# (Liu et al. 2017, SphereFace; the points MobileFaceNet was trained with).
TEMPLATE = (
    (30.2946, 51.6963),
    (65.5318, 51.5014),
    (48.0252, 71.7366),
    (33.5493, 92.3655),
    (62.7299, 92.2041),
)


def cropped(pictures: Tensor, boxes: Tensor, side: int = 160, margin: float = 0.1) -> Tensor:
    """Faces (B, 3, side, side) from pictures (B, 3, H, W) and boxes (B, 4): x, y, width, height.

    The crop is a square around the middle of the box, as long as its longer side, and longer by
    `margin` (a share; 0.1 around YuNet's boxes told persons apart best among 0, 0.1, 0.2, 0.3).
    Faces much larger than `side` are best scaled down before.
    """
    middle = boxes[:, :2] + boxes[:, 2:] / 2  # (B, 2)
    scale = boxes[:, 2:].amax(1) * (1 + margin) / side  # (B,) pixels of the picture per pixel
    matrices = torch.zeros(len(boxes), 2, 3, dtype=pictures.dtype, device=pictures.device)
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :, 2] = middle - scale[:, None] * side / 2
    return warped(pictures, matrices, side, side)


def aligned(pictures: Tensor, points: Tensor) -> Tensor:
    """Faces (B, 3, 112, 96) turned, scaled and moved so that their points (B, 5, 2) meet TEMPLATE.

    The similarity of least squares from the template to the points, as one complex factor.
    """
    template = torch.view_as_complex(points.new_tensor(TEMPLATE))  # (5,)
    found = torch.view_as_complex(points.contiguous())  # (B, 5)
    spread = template - template.mean()
    factor = (spread.conj() * found).sum(1) / spread.abs().square().sum()  # (B,)
    shift = found.mean(1) - factor * template.mean()
    rows = [
        torch.stack([factor.real, -factor.imag, shift.real], dim=1),
        torch.stack([factor.imag, factor.real, shift.imag], dim=1),
    ]
    return warped(pictures, torch.stack(rows, dim=1).to(pictures.dtype), 112, 96)


def warped(pictures: Tensor, matrices: Tensor, height: int, width: int) -> Tensor:
    """(B, 3, height, width) whose pixel (x, y) is that of the pictures at matrices @ (x, y, 1).

    Coordinates count from the outer edge of the first pixel, whose middle is at 0.5.
    """
    x = torch.arange(width, dtype=pictures.dtype, device=pictures.device) + 0.5
    y = torch.arange(height, dtype=pictures.dtype, device=pictures.device) + 0.5
    down, right = torch.meshgrid(y, x, indexing="ij")
    places = torch.stack([right, down, torch.ones_like(right)], dim=-1)  # (h, w, 3)
    found = torch.einsum("bij,hwj->bhwi", matrices, places)  # (B, h, w, 2)
    size = pictures.new_tensor([pictures.shape[3], pictures.shape[2]])
    return F.grid_sample(pictures, found / size * 2 - 1, padding_mode="border", align_corners=False)
