"""Identity: itself 1, another person less, and no judge that was trained against."""

import cv2
import numpy as np
import pytest
import torch

from portrayal.core.images import find_pictures, read_pixels, unit
from portrayal.metrics import metrics
from portrayal.metrics.face_identity import embeddings, find_face

NAMES = ["identity_mobilefacenet", "identity_facenet"]


@pytest.fixture
def faces(shared, weights):
    files = list(find_pictures(shared / "data" / "faces"))[::250]
    return torch.stack([unit(cv2.resize(read_pixels(file), (128, 128))) for file in files])


@pytest.mark.parametrize("name", NAMES)
def test_itself_is_1_a_blurred_self_nearly_and_another_far(name, faces):
    score = metrics[name]
    blurred = torch.nn.functional.avg_pool2d(faces, 3, 1, 1)
    own, other = score(blurred, faces), score(faces.roll(1, 0), faces)
    assert score(faces, faces).tolist() == pytest.approx([1] * len(faces), abs=1e-12)
    assert own.min() > 0.7
    assert other.max() < 0.45
    assert own.dtype == torch.float64


@pytest.mark.parametrize("name", NAMES)
def test_batch_and_order_change_no_bit_and_no_face_is_no_value(name, faces):
    fake = torch.nn.functional.avg_pool2d(faces, 5, 1, 2)
    real = torch.cat([faces, torch.full((1, 3, 128, 128), 0.5)])
    fake = torch.cat([fake, fake[:1]])
    whole = metrics[name](fake, real)
    assert whole.isnan().tolist() == [False] * len(faces) + [True]
    kept = whole[:-1]
    assert torch.equal(metrics[name](fake[1:2], real[1:2]), kept[1:2])
    assert torch.equal(metrics[name](fake[:-1].flip(0), faces.flip(0)), kept.flip(0))
    assert "no face" in metrics.card(name).missing


@pytest.mark.parametrize("embedder", ["mobilefacenet", "facenet"])
def test_the_face_is_cut_at_the_place_of_the_real_one(embedder, faces, shared):
    """What lies outside the face changes nothing, and the crop follows the face of the truth."""
    pixels = np.ascontiguousarray((faces[0] * 255).byte().permute(1, 2, 0).numpy())
    face = find_face(pixels, embedder)
    assert face is not None
    framed = pixels.copy()
    framed[:8], framed[-8:] = 0, 255
    framed[:, :4] = 77
    one, same = embeddings([pixels, framed], face, embedder)
    assert one @ one == pytest.approx(1, abs=1e-6)
    assert one @ same > 0.97
    shifted = np.roll(pixels, 40, axis=1)
    wrong = embeddings([pixels, shifted], face, embedder)
    assert wrong[0] @ wrong[1] < 0.7
    assert embeddings([pixels], None, embedder) is None


def test_two_judges_are_two_networks(faces):
    assert metrics.card(NAMES[0]).weights == ("mobilefacenet",)
    assert metrics.card(NAMES[1]).weights == ("facenet",)
    blurred = torch.nn.functional.avg_pool2d(faces, 3, 1, 1)
    first, second = (metrics[name](blurred, faces) for name in NAMES)
    assert (first - second).abs().max() > 1e-3
