"""A model at work, seen from outside: how far it is, what it has so far, and a way to stop it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

from torch import Tensor

from portrayal.inference.translator import InFront
from portrayal.recipes.search import Look
from portrayal.web.waiting import Work

SHOWN = 0.5  # seconds between two snapshots of a search


@dataclass
class Watched(InFront):
    """A recipe whose work is seen, can be stopped, and is done by one thread at a time."""

    recipe: Any
    lock: Lock
    work: Work
    slow: bool
    show: Callable[[list[Tensor]], None] | None = None  # is told the answers so far
    answers: list[Tensor] = field(default_factory=list)
    shown: float = -math.inf  # when

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """The recipe's answer to some tiles."""
        with self.lock:
            self.work.go_on()
            looking = {"seen": partial(self.see, reverse)} if self.slow else {}
            answer: Tensor = self.recipe.translate(source, reverse=reverse, seed=seed, **looking)
        if self.slow:
            self.answers.append(answer)
        else:
            self.work.step = min(self.work.step + len(source), self.work.steps)
        return answer

    def see(self, reverse: bool, look: Look) -> None:
        """Take in how far a search is, and hand out what it has now and then."""
        self.work.go_on()
        self.work.step, self.work.steps, self.work.loss = look.step, look.steps, look.loss
        if self.show and time.monotonic() - self.shown >= SHOWN:
            self.show([*self.answers, self.recipe.answer(look.z, reverse=reverse)])
            self.shown = time.monotonic()
