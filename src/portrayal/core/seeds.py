"""Randomness as a function of (run seed, what, where): nothing random is ever carried along.

A resumed run draws what an unbroken run would have drawn, because the numbers depend on the step
and not on what was drawn before it.
"""

import hashlib
from operator import index

import numpy as np


def mix(*parts: int | str) -> int:
    """A seed in 0..2**63 - 1, fixed by its parts: `mix(seed, "augment", position)`.

    >>> mix(0, "step", 1) == mix(0, "step", 1), mix(0, "step", 1) == mix(1, "step", 0)
    (True, False)
    """
    texts = (f"str:{p}" if isinstance(p, str) else f"int:{index(p)}" for p in parts)
    text = "\x1f".join(texts)  # index: a NumPy number is the number it holds
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_rng(*parts: int | str) -> np.random.Generator:
    """A NumPy generator fixed by its parts."""
    return np.random.default_rng(mix(*parts))
