"""Is it still the same face? 1 - cosine of FaceNet's embeddings of a picture and its translation.

The fourth report's formula, of which its code compared other pictures and lost a factor of 512
(docs/deviations.md). B signed pictures (B, 3, H, W) in, one value per picture out, (B,).
"""

import hashlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, pixels_of, unit_of
from portrayal.features.crops import cropped
from portrayal.features.facenet import facenet
from portrayal.features.faces import Face, detector
from portrayal.features.weights import load

Finder = Callable[[Pixels], list[Face]]
PROBED = 64  # sources after which a data set without faces is refused
REMEMBERED = 50_000  # boxes, some megabytes


class FaceIdentity:
    """The loss, with its embedder and the boxes it found. Both are fetched at the first use.

    A face is sought once in every start picture, as it comes, so that the box follows crops and
    flips; the same crop is then cut from the start and from its fake, with gradients.
    """

    def __init__(
        self,
        device: torch.device,
        embedder: nn.Module | None = None,
        finder: Finder | None = None,
        *,
        fetch: Callable[[], Mapping[str, Tensor]] = lambda: load("facenet"),
    ) -> None:
        self.device, self.embedder, self.finder, self.fetch = device, embedder, finder, fetch
        self.boxes: dict[bytes, tuple[int, int, int, int] | None] = {}
        self.probed: dict[bytes, bool] = {}  # of the first sources, whether they have a face

    def __call__(self, start: Tensor, fake: Tensor, *, counted: bool = True) -> Tensor:
        """1 - cosine, 0 to 2, and 0 where the start has no face. (B,)

        `counted` starts are refused if most of the first PROBED have none.
        """
        boxes = [self.box(pixels, counted) for pixels in map(pixels_of, unit_of(start).cpu())]
        found = [index for index, box in enumerate(boxes) if box]
        loss = torch.zeros(len(boxes), device=start.device)
        if not found:
            return loss + 0 * fake.float().flatten(1).sum(1)  # a gradient of zero, not none
        places = torch.tensor([box for box in boxes if box], device=start.device).float()
        embed = self.embed()
        with torch.autocast(start.device.type, enabled=False), torch.no_grad():
            before = embed(cropped(unit_of(start[found].float()), places))
        with torch.autocast(start.device.type, enabled=False):
            after = embed(cropped(unit_of(fake[found].float()), places))
        return loss.index_put((torch.tensor(found, device=loss.device),), distance(before, after))

    def box(self, pixels: Pixels, counted: bool) -> tuple[int, int, int, int] | None:
        """The largest face (x, y, w, h) of a picture (H, W, 3), remembered by its content."""
        key = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
        if key not in self.boxes:
            if len(self.boxes) >= REMEMBERED:
                del self.boxes[next(iter(self.boxes))]
            self.finder = self.finder or detector()
            face = next(iter(self.finder(pixels)), None)
            self.boxes[key] = (face.x, face.y, face.w, face.h) if face else None
        if counted and len(self.probed) < PROBED:
            self.probed[key] = self.boxes[key] is not None
            self.refuse_faceless()
        return self.boxes[key]

    def refuse_faceless(self) -> None:
        """Raise once it is certain that under half of the first sources have a face."""
        faces = sum(self.probed.values())
        if len(self.probed) == PROBED and faces < PROBED / 2:
            raise BadData(
                f"Only {faces} of the first {PROBED} sources have a face that was found, so their "
                "identity cannot be kept: use portraits, or --set face_identity=0."
            )

    def embed(self) -> nn.Module:
        """FaceNet, loaded at the first use: translating with a trained run never needs it."""
        if self.embedder is None:
            self.embedder = facenet(self.fetch()).to(self.device)
        return self.embedder


def distance(before: Tensor, after: Tensor) -> Tensor:
    """1 - cosine of embeddings (B, D) of length 1: half their squared distance. (B,)"""
    return 1 - (F.normalize(before) * F.normalize(after)).sum(1)
