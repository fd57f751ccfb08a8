"""SIFT matches: every step counted, on pictures whose answer is known."""

import cv2
import numpy as np
import pytest
import torch

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import find_pictures, read_pixels, unit
from portrayal.metrics import metrics
from portrayal.metrics.keypoints import DISPLACEMENT, INLIER, keypoints, match, partners

BLANK = np.full((64, 64, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def blobs():
    """blobs(seed, size): Gaussian spots of all sizes on grey, rich in key points, none alike."""

    def make(seed: int = 0, size: int = 128) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:size, :size] * (128 / size)
        picture = np.full((size, size), 120.0)
        for cy, cx, spread, height in rng.random((60, 4)) * [128, 128, 5, 1] + [0, 0, 2, 0]:
            bump = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * spread**2))
            picture += (height - 0.5) * 200 * bump
        return np.repeat(picture.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)

    return make


def shifted(pixels, right, down):
    return np.roll(pixels, (down, right), axis=(0, 1))


def test_a_picture_matches_itself_in_every_point(blobs):
    picture = blobs()
    found = match(picture, picture)
    assert found.kp_real == found.kp_fake == len(keypoints(picture)[0]) > 30
    assert found.ratio == found.mutual == found.aligned == found.ransac == found.kp_real
    assert found.score == 1.0
    assert np.array_equal(found.real, found.fake)
    assert found.in_place.all()


def test_noise_matches_next_to_nothing(blobs, noise):
    assert match(noise(128, 128), blobs()).score < 0.03
    assert match(blobs(1), blobs(0)).score < 0.1


def test_each_step_keeps_fewer(blobs):
    rng = np.random.default_rng(0)
    real = blobs()
    fake = (real + rng.normal(0, 12, real.shape)).clip(0, 255).astype(np.uint8)
    found = match(fake, real)
    assert 0 < found.aligned <= found.mutual <= found.ratio <= found.kp_real
    assert 0 < found.ransac <= found.mutual == len(found.real) == len(found.fake)
    assert found.aligned == found.in_place.sum()
    assert found.score == found.aligned / min(found.kp_real, found.kp_fake)
    moved = np.hypot(*(found.real - found.fake).T)
    assert (moved[found.in_place] <= 4).all()  # 8 of 256 pixels are 4 of 128
    assert (moved[~found.in_place] > 4).all()


@pytest.mark.parametrize("size", [128, 256])
def test_points_may_move_by_8_pixels_in_256(blobs, size):
    picture, step = blobs(0, size), size // 32
    near, far = (match(shifted(picture, by, 0), picture) for by in (step - 1, step + 1))
    assert near.aligned > 0.9 * near.mutual > 20
    assert far.aligned < 0.1 * far.mutual
    assert far.ransac > 0.9 * far.mutual  # one shift explains them all the same
    moved = np.median(near.fake - near.real, axis=0)
    assert moved == pytest.approx([step - 1, 0], abs=0.2)  # x to the right, as the picture moved


def test_a_stricter_ratio_keeps_fewer(blobs):
    real, fake = blobs(), cv2.GaussianBlur(blobs(), (0, 0), 1.5)
    counts = [match(fake, real, ratio).ratio for ratio in (0.7, 0.75, 0.8, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert match(fake, real).ratio == counts[1]


def descriptors(*values):
    return np.array(values, np.float32)[:, None]


def test_ratio_and_mutual_by_hand():
    ours, theirs = descriptors(0, 10, 20), descriptors(1, 11, 12.5)
    clear, pairs = partners(ours, theirs, 0.75)
    # 0: 1 against 11, clear. 10: 1 against 2.5, clear. 20: 7.5 against 9, not clear.
    assert clear == 2
    assert pairs.tolist() == [[0, 0], [1, 1]]
    assert partners(ours, theirs, 0.4)[0] == 1  # 1 is not below .4 * 2.5
    assert partners(ours, theirs, 0.39)[1].tolist() == [[0, 0]]
    clear, pairs = partners(ours, theirs, 0.84)  # 7.5 is below .84 * 9, but 12.5 prefers 10
    assert (clear, pairs.tolist()) == (3, [[0, 0], [1, 1]])


def test_a_partner_who_has_a_nearer_one_is_not_mutual():
    ours, theirs = descriptors(0, 3), descriptors(2, 100)
    clear, pairs = partners(ours, theirs, 0.75)
    assert clear == 2  # both point at 2, which is nearer to 3
    assert pairs.tolist() == [[1, 0]]


def test_a_lone_candidate_has_no_rival():
    assert partners(descriptors(5), descriptors(9), 0.75)[1].tolist() == [[0, 0]]
    clear, pairs = partners(descriptors(5, 8), descriptors(9), 0.75)
    assert (clear, pairs.tolist()) == (2, [[1, 0]])


def test_two_that_are_equally_near_are_not_clear():
    clear, pairs = partners(descriptors(5), descriptors(9, 9), 0.75)
    assert (clear, pairs.shape) == (0, (0, 2))


def test_a_picture_without_key_points_scores_0_and_is_counted(blobs):
    for fake, real in ((BLANK, blobs(0, 64)), (blobs(0, 64), BLANK), (BLANK, BLANK)):
        found = match(fake, real)
        assert (found.kp_fake == 0) == (fake is BLANK)
        assert (found.kp_real == 0) == (real is BLANK)
        assert (found.ratio, found.mutual, found.aligned, found.ransac) == (0, 0, 0, 0)
        assert found.score == 0.0
        assert found.real.shape == (0, 2)


def test_what_cannot_be_compared_is_refused(blobs):
    with pytest.raises(BadData, match="not aligned"):
        match(blobs(0, 64), blobs())
    for ratio in (0.0, 1.5):
        with pytest.raises(BadOption, match=r"take 0\.75"):
            match(blobs(), blobs(), ratio)


def test_batches_and_their_order_change_no_value(blobs):
    real = torch.stack([unit(blobs(seed)) for seed in range(3)])
    fake = torch.stack([unit(cv2.GaussianBlur(blobs(seed), (0, 0), 1)) for seed in range(3)])
    whole = metrics["sift_matches"](fake, real)
    assert whole.dtype == torch.float64
    assert [float(metrics["sift_matches"](fake[i : i + 1], real[i : i + 1])) for i in range(3)] == (
        whole.tolist()
    )
    assert metrics["sift_matches"](fake.flip(0), real.flip(0)).tolist() == whole.tolist()[::-1]
    grey = metrics["sift_matches"](fake[:, :1], real[:, :1])
    assert grey.tolist() == whole.tolist()
    assert (whole > 0.3).all() and (whole < 1).all()
    assert metrics["sift_matches"](fake[:0], real[:0]).shape == (0,)


def test_real_faces_match_themselves_and_nobody_else(shared):
    files = list(find_pictures(shared / "data" / "faces"))[::150]
    faces = [cv2.resize(read_pixels(file), (128, 128)) for file in files]
    for index, face in enumerate(faces):
        assert match(face, face).score == 1.0
        assert match(face, faces[index - 1]).score < 0.1
        assert match(cv2.GaussianBlur(face, (0, 0), 1), face).score > 0.3


def test_the_published_limits():
    assert (DISPLACEMENT, INLIER) == (8 / 256, 3 / 256)
