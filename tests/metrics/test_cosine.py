"""Cosines of features: by hand with tiny features, and what published networks see."""

import cv2
import pytest
import torch

from portrayal.core.errors import BadData, MissingPart
from portrayal.core.images import find_pictures, read_pixels, unit
from portrayal.features.published import network
from portrayal.features.weights import KNOWN, locate
from portrayal.metrics import metrics
from portrayal.metrics.cosine import cosine, cosines


def colours(picture):
    """Mean of each channel: (1, 3, H, W) -> (1, 3)."""
    assert picture.shape[:2] == (1, 3)
    assert picture.dtype == torch.float32
    return picture.mean((2, 3))


def flat(*rgb):
    return torch.tensor(rgb)[None, :, None, None].expand(1, 3, 4, 5)


def test_by_hand():
    fake = torch.cat([flat(1.0, 0.0, 0.0), flat(0.3, 0.4, 0.0), flat(0.5, 0.5, 0.5)])
    real = torch.cat([flat(0.0, 1.0, 0.0), flat(0.4, 0.3, 0.0), flat(1.0, 1.0, 1.0)])
    values = cosines(fake, real, colours)
    assert values.tolist() == pytest.approx([0, 0.96, 1], abs=1e-7)
    assert values.dtype == torch.float64


def test_identity_symmetry_batch_and_order():
    rng = torch.Generator().manual_seed(0)
    fake, real = (torch.rand(4, 3, 8, 8, generator=rng) for _ in range(2))
    features = lambda picture: picture[:, :, ::3, ::3].flatten(1) - 0.5  # noqa: E731
    whole = cosines(fake, real, features)
    assert cosines(fake, fake, features).tolist() == pytest.approx([1] * 4, abs=1e-12)
    assert torch.equal(whole, cosines(real, fake, features))
    assert torch.equal(whole.flip(0), cosines(fake.flip(0), real.flip(0), features))
    alone = [cosines(fake[i : i + 1], real[i : i + 1], features) for i in range(4)]
    assert torch.equal(whole, torch.cat(alone))
    assert (whole.abs() <= 1).all()
    assert cosines(1 - fake, fake, features).tolist() == pytest.approx([-1] * 4, abs=1e-6)


def test_grey_pictures_are_taken_as_rgb_and_no_feature_is_no_value():
    grey = torch.full((1, 1, 4, 4), 0.5)
    assert cosines(grey, flat(1.0, 0.0, 0.0)[:, :, :4, :4], colours).item() == pytest.approx(
        3**-0.5, abs=1e-7
    )
    assert cosines(grey * 0, grey, colours).isnan().all()
    assert cosine(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]])).item() == pytest.approx(
        0.96
    )


@pytest.mark.parametrize("name", ["vgg_cosine", "vgg_cosine_fc1", "squeezenet_cosine"])
def test_the_card_names_the_weights_and_wrong_ranges_come_first(name, tmp_path):
    (weights,) = metrics.card(name).weights
    with pytest.raises(MissingPart, match=f"{KNOWN[weights].first}.* is not in {tmp_path}"):
        locate(KNOWN[weights], [tmp_path], offline=True)
    with pytest.raises(BadData, match="span"):
        metrics[name](torch.full((1, 3, 40, 40), 200.0), torch.full((1, 3, 40, 40), 200.0))


def test_squeezenet_finds_a_blurred_face_nearer_than_another(shared, weights):
    files = list(find_pictures(shared / "data" / "faces"))[::180]
    faces = [cv2.resize(read_pixels(file), (96, 96)) for file in files]
    real = torch.stack([unit(face) for face in faces])
    fake = torch.stack([unit(cv2.GaussianBlur(face, (0, 0), 0.7)) for face in faces])
    score = metrics["squeezenet_cosine"]
    own, others, same = score(fake, real), score(fake.roll(1, 0), real), score(real, real)
    assert same.tolist() == pytest.approx([1] * len(faces), abs=1e-12)
    assert own.min() > others.max()
    assert torch.equal(score(fake[:1], real[:1]), own[:1])
    assert network("squeezenet1_1") is network("squeezenet1_1")  # loaded once
