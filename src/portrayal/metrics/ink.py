"""How far the ink of one drawing is from that of another: the contextual loss as a score.

Shapes: B pictures, C channels, H x W pixels, unit range, computed in float64. One value per
picture, (B,), that depends on no other picture of the batch and on no setting of a model.
"""

from torch import Tensor

from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked

FLOOR = 0.05  # ink of a pixel that has none: a line drawn one pixel aside is wrong, not infinitely


@metrics.described(
    Card(
        better="lower",
        needs="drawings",
        title="KL of ink",
        unit="nats",
        protocol="KL(input || drawn) over pixels, of ink = 1 - mean of RGB + 0.05, divided by its "
        "sum; range 0..1 (Lu et al. 2018, sec. 3.3, who compare the paper instead)",
    )
)
def ink_kl(fake: Tensor, real: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the ink of `real` from that of `fake`, 0 if equal. (B,)"""
    fake, real = checked(fake, real)
    made, wanted = share(fake), share(real)
    return (wanted * (wanted / made).log()).sum(1).clamp(min=0)  # rounding may leave -1e-17


def share(pictures: Tensor) -> Tensor:
    """Each pixel's share of its picture's ink, (B, C, H, W) -> (B, H W)."""
    ink = 1 - pictures.mean(1).flatten(1) + FLOOR
    return ink / ink.sum(1, keepdim=True)
