"""What a search that still goes on would answer if it ended now.

A recipe that searches tells `seen` how far it is (recipes/search.Look); its answers so far go
through the same tiles and seams as those of the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from portrayal.core.images import Pixels
from portrayal.inference.load import How, Translator


@dataclass(frozen=True)
class Answers:
    """A recipe that repeats answers in their order; where there are none yet, the source."""

    multiple: int
    known: list[Tensor]  # of the calls so far, signed, each (b, 3, h, w)

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Signed (B, 3, H, W) -> signed (B, 3, H, W)."""
        answer = self.known.pop(0).to(source) if self.known else source[:0]
        return torch.cat([answer, source[len(answer) :]])


def picture_of(
    translator: Translator, pixels: Pixels, how: How, answers: Sequence[Tensor]
) -> Pixels:
    """The picture (H, W, 3) that these answers of the network make, source where one is missing."""
    recipe = Answers(translator.recipe.multiple, list(answers))
    return replace(translator, recipe=recipe).translate(pixels, how)
