"""What a search that still goes on would answer if it ended now.

A recipe that searches tells `seen` how far it is (recipes/search.Look); its answers so far go
through the same tiles and seams as those of the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from portrayal.core.images import Pixels
from portrayal.inference.translator import How, InFront, Recipe, Translator
from portrayal.recipes.search import Look


@dataclass(frozen=True)
class Answers(InFront):
    """A recipe that repeats answers in their order; where there are none yet, the source."""

    recipe: Recipe
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
    recipe = Answers(translator.recipe, list(answers))
    return replace(translator, recipe=recipe).translate(pixels, how)


@dataclass(frozen=True)
class Searched:
    """Pictures of one size that were searched for, and how the search came to them."""

    answers: list[Pixels]
    ways: list[list[Pixels]]  # of each picture the best so far, from the best start on
    losses: tuple[float, float]  # their mean at the start and at the end
    steps: tuple[int, int]  # of the longest of these searches, and how many it might have taken


@dataclass(frozen=True)
class Looking(InFront):
    """A recipe that searches, and remembers what every call of it had now and then."""

    recipe: Any
    calls: list[list[Look]] = field(default_factory=list)

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """The recipe's answer."""
        self.calls.append([])
        seen = self.calls[-1].append
        answer: Tensor = self.recipe.translate(source, reverse=reverse, seed=seed, seen=seen)
        return answer


def searches(translator: Translator) -> bool:
    """Whether a model searches for its answers, so that there is a way to be seen."""
    return hasattr(translator.recipe, "at_once") and hasattr(translator.recipe, "answer")


def searched(
    translator: Translator, pictures: Sequence[Pixels], how: How, count: int, batch: int | None
) -> Searched:
    """Translate pictures of one size, with `count` snapshots of each, evenly over its search."""
    recipe: Any = translator.recipe
    looking = Looking(recipe)
    answers = replace(translator, recipe=looking).translate_all(pictures, how, batch=batch)
    steps = []
    for index in range(count):
        so_far = [recipe.answer(z_at(c, index / count), reverse=how.reverse) for c in looking.calls]
        known = replace(translator, recipe=Answers(recipe, so_far))
        steps.append(known.translate_all(pictures, how, batch=batch))
    ways = [list(way) for way in zip(*steps, strict=True)] or [[] for _ in pictures]
    start, end = (
        [look[place] for call in looking.calls for look in parts_of(call)] for place in (0, -1)
    )
    longest = max((look.step, look.steps) for look in end)
    return Searched(answers, ways, (mean_loss(start), mean_loss(end)), longest)


def parts_of(looks: Sequence[Look]) -> list[list[Look]]:
    """The looks of one call, by the pictures that were searched together."""
    parts: dict[int, list[Look]] = {}
    for look in looks:
        parts.setdefault(look.done, []).append(look)
    return list(parts.values())


def z_at(looks: Sequence[Look], share: float) -> Tensor:
    """The best z of all pictures of a call after this share of their looks, (B, latent)."""
    chosen = [part[round(share * (len(part) - 1))] for part in parts_of(looks)]
    return torch.cat([look.z[look.done :] for look in chosen])


def mean_loss(looks: Sequence[Look]) -> float:
    """Over pictures or tiles."""
    counts = [len(look.z) - look.done for look in looks]
    return sum(n * look.loss for n, look in zip(counts, looks, strict=True)) / max(1, sum(counts))


def way_paths(output: Path, count: int) -> list[Path]:
    """Where snapshots are written: beside the output.

    >>> [path.name for path in way_paths(Path("out/a.jpg"), 2)]
    ['a.search-1-of-2.jpg', 'a.search-2-of-2.jpg']
    """
    return [
        output.with_name(f"{output.stem}.search-{number}-of-{count}{output.suffix}")
        for number in range(1, count + 1)
    ]
