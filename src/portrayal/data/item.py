"""What leaves a source."""

from dataclasses import dataclass, field
from typing import Any

from portrayal.core.errors import BadPicture
from portrayal.core.images import Pixels


class SetAside(BadPicture):
    """An entry that can be read but is not what its source looks for. --bad-limit does not count
    it."""


@dataclass(frozen=True)
class Item:
    """One picture or pair on its way into a dataset; (H, W, 3) uint8 RGB.

    `target` is None for a single picture (a folder): the picture is then the target, and its source
    is made by a filter. `meta` becomes columns of metadata.jsonl: subject, class, group, ... With
    "domain" in it, "source" or "target", the picture stays alone, and its name begins with that.
    `face` is the box x, y, w, h of the largest face in the picture where the source knows it; a
    detector is asked otherwise. `remark` is what is wrong with an item that stays, as "kind: case".
    """

    name: str  # unique; may hold "/" for sub-folders; no suffix
    source: Pixels
    target: Pixels | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    face: tuple[int, int, int, int] | None = None
    remark: str | None = None
