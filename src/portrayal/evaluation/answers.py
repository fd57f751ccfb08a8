"""What is scored, wherever it lies: translations, what they answer to, and real pictures.

A run on a split and two folders made by anybody look the same from here on, so every measurement
is written once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from portrayal.core.images import Pixels

Row = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """Translations by index, read one at a time; nothing holds all of them.

    `pictures(i)` has "fake", "target" (its truth) if `paired`, and "source" if inputs are known;
    all of one size. Of models that draw both halves of a joint picture it also has "known", the
    input as they drew it again, if `redrawn`. `real(j)` is a picture of the domain that the
    translations should look like: of paired data the truths, of unpaired data other pictures, and
    more or fewer of them.
    """

    rows: Sequence[Row]  # facts about each translation: "name", "subject", "class", ...
    pictures: Callable[[int], dict[str, Pixels]]
    reals: Sequence[Row]  # facts about each real picture
    real: Callable[[int], Pixels]
    paired: bool = True
    redrawn: bool = False

    def __len__(self) -> int:
        return len(self.rows)
