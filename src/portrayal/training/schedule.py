"""Numbers that change over training. Progress runs from 0 at the first step to 1 at the last."""

from typing import Annotated

from pydantic import Field

NotNegative = Annotated[float, Field(ge=0)]
Weight = NotNegative | tuple[NotNegative, NotNegative]  # of a loss term; below 0 it would be sought


def weight_at(weight: Weight, progress: float) -> float:
    """A constant, or a straight line from the first to the last value, exact at both ends.

    >>> weight_at(10.0, 0.3), weight_at((0.0, 0.9), 0.0), weight_at((0.0, 0.9), 1.0)
    (10.0, 0.0, 0.9)
    """
    if isinstance(weight, tuple):
        first, last = weight
        return first * (1 - progress) + last * progress
    return weight


def rate_at(rate: float, decay: float, progress: float) -> float:
    """The learning rate: constant, then over the last `decay` of the run a straight line to 0.

    >>> rate_at(2e-4, 0.5, 0.5), rate_at(2e-4, 0.5, 0.75), rate_at(2e-4, 0.5, 1.0)
    (0.0002, 0.0001, 0.0)
    """
    if decay == 0:
        return rate
    return rate * min(1.0, (1 - progress) / decay)
