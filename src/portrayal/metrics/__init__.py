"""Floor 2: scores. A metric takes "unit" pictures, (B, C, H, W) float in 0..1, and has a Card."""

from dataclasses import dataclass
from typing import Literal

from portrayal.core.catalog import Catalog


@dataclass(frozen=True)
class Card:
    """What a number means: which way is better, its unit, what it compares, how it is computed."""

    better: Literal["higher", "lower"]
    # classes: pairs plus a class name per picture; drawings: pairs that should show equal strokes
    needs: Literal["pairs", "sets", "classes", "drawings"]
    protocol: str  # one line: window, range, colour handling, source
    unit: str = ""
    title: str = ""  # what a report prints: "SSIM"
    weights: tuple[str, ...] = ()  # names in features/weights.py that it cannot do without
    missing: str = ""  # why a picture may have no value, which is NaN: "no face found"


metrics = Catalog("metric", __name__)
