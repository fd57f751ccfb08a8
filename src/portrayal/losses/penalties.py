"""Penalties on the gradients of a discriminator: what keeps its answers from becoming a cliff."""

from collections.abc import Callable

import torch
from torch import Tensor


def r1(judge: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Squared gradient of D's logits by real pictures (Mescheder et al. 2018, eq. 9). (B,)

    Without the factor gamma / 2. The graph stays, so that D's weights feel it.
    """
    pictures = real.detach().requires_grad_()
    with torch.enable_grad():
        total = judge(pictures).float().sum()
        (gradient,) = torch.autograd.grad(total, pictures, create_graph=True)
    squares: Tensor = gradient.float().square().flatten(1).sum(1)
    return squares
