"""Is it still the same person, to a network that tells persons apart? One cosine per pair.

B pairs of pictures of H x W pixels. The face is found on the real picture and cut out of both at
the same place: a translator keeps geometry, and a detector that fails on a translation cannot
spoil its score. The judge must not be the network that the translator was trained with.
"""

import torch
from torch import Tensor

from portrayal.core.images import Pixels, pixels_of, unit
from portrayal.features.crops import aligned, cropped
from portrayal.features.faces import Face, detector
from portrayal.features.published import network
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked
from portrayal.metrics.cosine import cosine

EMBEDDERS = ("mobilefacenet", "facenet")
NO_FACE = "no face found in the truth (or the input, where that is compared with)"


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="Identity (MobileFaceNet)",
        protocol="cosine of MobileFaceNet embeddings of the largest face, found by YuNet on the "
        "real picture, both pictures aligned by its five points to 112 x 96",
        weights=("mobilefacenet",),
        missing=NO_FACE,
    )
)
def identity_mobilefacenet(fake: Tensor, real: Tensor) -> Tensor:
    """Cosine of MobileFaceNet's embeddings, -1 to 1; NaN where no face is. (B, C, H, W) -> (B,)"""
    return _identity(fake, real, "mobilefacenet")


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="Identity (FaceNet)",
        protocol="cosine of FaceNet (VGGFace2) embeddings of the largest face, found by YuNet, or "
        "Haar without its file, on the real picture, the same box with a margin of .1 at 160",
        weights=("facenet",),
        missing=NO_FACE,
    )
)
def identity_facenet(fake: Tensor, real: Tensor) -> Tensor:
    """Cosine of FaceNet's embeddings, -1 to 1; NaN where no face is. (B, C, H, W) -> (B,)"""
    return _identity(fake, real, "facenet")


def _identity(fake: Tensor, real: Tensor, embedder: str) -> Tensor:
    fake, real = checked(fake, real)
    values = fake.new_full((len(fake),), torch.nan)
    for index in range(len(fake)):
        truth, made = (
            pixels_of(side[index].expand(3, -1, -1)) for side in (real, fake)
        )  # detectors take 8 bits
        pair = embeddings([truth, made], find_face(truth, embedder), embedder)
        if pair is not None:
            values[index] = cosine(pair[:1], pair[1:]).item()
    return values


def find_face(pixels: Pixels, embedder: str) -> Face | None:
    """The largest face of a picture (H, W, 3), with the points or the box that this network needs.

    MobileFaceNet needs YuNet's points, so its file must be there: MissingPart says how to get it.
    """
    find = detector("yunet" if embedder == "mobilefacenet" else "auto")
    return next(iter(find(pixels)), None)


def embeddings(pictures: list[Pixels], face: Face | None, embedder: str) -> Tensor | None:
    """Embeddings (N, D) float64 of the same face in N pictures of one size; None without a face.

    Each picture goes through the network alone, so that their number changes no bit.
    """
    if face is None:
        return None
    embed, rows = network(embedder), []
    with torch.no_grad():
        for pixels in pictures:
            picture = unit(pixels)[None]
            if embedder == "mobilefacenet":
                crop = aligned(picture, torch.tensor([face.points]))
            else:
                crop = cropped(picture, torch.tensor([[face.x, face.y, face.w, face.h]]).float())
            rows.append(embed(crop).double())
    return torch.cat(rows)
