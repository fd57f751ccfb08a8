"""What every metric asks of its pictures before it counts: a wrong range never becomes a number."""

import torch
from torch import Tensor

from portrayal.core.errors import BadData

SLACK = 1e-6  # rounding of float32 that may lie outside 0..1


def checked(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Two unit batches of one shape (B, C, H, W), as float64; BadData says what else they are."""
    for which, pictures in (("translations", fake), ("truths", real)):
        check_unit(which, pictures)
    if fake.shape != real.shape:
        raise BadData(
            f"The translations have shape {tuple(fake.shape)}, but the truths {tuple(real.shape)}; "
            "bring both to one size before scoring."
        )
    return fake.double(), real.double()


def check_unit(which: str, pictures: Tensor) -> None:
    """Refuse pictures that are not float (B, C, H, W) in 0..1, with the numbers that show it."""
    if pictures.dtype not in (torch.float32, torch.float64):
        raise BadData(
            f"The {which} are {str(pictures.dtype).removeprefix('torch.')}, but a metric takes "
            "float32 or float64 in 0..1; convert them with core.images.unit."
        )
    shape = tuple(pictures.shape)
    if pictures.dim() != 4 or shape[1] not in (1, 3) or 0 in shape[2:]:
        last = pictures.dim() in (3, 4) and shape[-1] in (1, 3)
        hint = "permute the channels to second place" if last else "stack them so"
        raise BadData(f"The {which} have shape {shape}, but a metric takes (B, 3, H, W); {hint}.")
    if pictures.numel() == 0:
        return
    low, high = (float(value) for value in pictures.aminmax())
    if not (low >= -SLACK and high <= 1 + SLACK):  # written so that NaN is refused too
        hint = "divide by 255" if high > 2 else "convert signed pictures with core.images.unit_of"
        raise BadData(f"The {which} span {low:g} to {high:g}, but a metric takes 0 to 1; {hint}.")
