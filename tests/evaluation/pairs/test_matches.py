"""Anchors of pair scores: floors by derangement, SIFT with ceiling and floor, and its drawing."""

from collections import Counter

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadData
from portrayal.core.images import read_pixels
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.pairs.match_drawing import GREEN, RED, drawing
from portrayal.evaluation.pairs.matches import (
    after_jpeg,
    floor_section,
    random_pair_floor,
    sift_section,
)
from portrayal.evaluation.pairs.pairing import other_subjects, subjects
from portrayal.metrics.keypoints import match


@pytest.mark.parametrize(
    "people",
    ["ab", "aabb", "abcabc", "aaabcd", "aabbccddee", [str(i) for i in range(50)]],
)
def test_everybody_meets_somebody_else_and_each_picture_is_used_once(people):
    draws = [other_subjects(list(people), seed) for seed in range(20)]
    for others in draws:
        assert sorted(others) == list(range(len(people)))
        assert all(people[i] != people[j] for i, j in enumerate(others))
    assert other_subjects(list(people), 3) == draws[3]
    if len(people) > 4:
        assert len({tuple(others) for others in draws}) > 3


def test_every_stranger_is_drawn_about_as_often():
    counts = Counter(other_subjects(list("aabbcc"), seed)[0] for seed in range(600))
    assert set(counts) == {2, 3, 4, 5}
    assert min(counts.values()) > 100


@pytest.mark.parametrize("people", ["", "a", "aa", "aab"])
def test_one_subject_with_more_than_half_has_no_strangers(people):
    assert other_subjects(list(people), 0) is None


def test_who_is_on_a_picture():
    rows = [{"name": "1", "subject": "x", "group": "g"}, {"name": "2", "group": "g"}, {"name": "g"}]
    assert subjects(rows) == ["subject x", "group g", "name g"]


@pytest.fixture
def answers(scene):
    """Five scenes, slightly blurred as translations; inputs are flat."""
    reals = [scene(96, 96, seed) for seed in range(5)]
    rows = [{"name": f"s/{seed}"} for seed in range(5)]

    def pictures(index):
        real = reals[index]
        fake = cv2.GaussianBlur(real, (0, 0), 0.8)
        return {"fake": fake, "target": real, "source": np.full_like(real, 128)}

    return Answers(rows, pictures, rows, lambda j: reals[j])


def test_the_floor_is_far_below_the_own_truth(answers):
    section = floor_section(answers, ["l1", "ssim", "class_colour"])
    assert [row[0] for row in section.rows] == ["L1", "SSIM"]  # classes are no pairs
    l1, ssim = section.rows
    assert l1[1] < 0.1 < l1[5]
    assert ssim[1] > 0.9 > 0.7 > ssim[5]
    assert l1[4] == l1[8] == 5
    assert section.rows == floor_section(answers, ["l1", "ssim"]).rows
    floors = random_pair_floor(answers, ["l1"], seed=1)
    assert np.mean(floors["l1"]) > 0.1


def test_without_truths_the_floor_is_against_inputs(answers):
    unpaired = Answers(answers.rows, answers.pictures, answers.reals, answers.real, paired=False)
    section = floor_section(unpaired, ["l1"])
    assert "own input" in section.head
    assert section.rows[0][1] == pytest.approx(section.rows[0][5])  # all inputs are one grey
    lost = Answers(answers.rows, lambda i: {"fake": answers.real(i)}, [], answers.real, False)
    with pytest.raises(BadData, match="--input FOLDER"):
        floor_section(lost, ["l1"])


def test_one_subject_only_has_no_floor_but_a_sentence(answers):
    rows = [{**row, "subject": "same"} for row in answers.rows]
    alone = Answers(rows, answers.pictures, rows, answers.real)
    section = floor_section(alone, ["l1"])
    assert section.rows == []
    assert "one subject" in section.note
    sift = sift_section(alone)
    assert "one subject" in sift.note
    assert sift.rows[0][7:] == [None, None, None]


def test_strangers_of_another_size_are_resized(scene):
    reals = [scene(64, 64, 0), scene(96, 80, 1), scene(64, 64, 2)]
    rows = [{"name": str(i)} for i in range(3)]
    mixed = Answers(rows, lambda i: {"fake": reals[i], "target": reals[i]}, rows, reals.__getitem__)
    assert floor_section(mixed, ["l1"]).rows[0][1] == 0
    assert sift_section(mixed).rows[0][1] == 1


def test_sift_stands_between_its_anchors_and_draws_the_best_to_the_worst(answers, tmp_path):
    section = sift_section(answers, folder=tmp_path, drawn=2)
    score = section.rows[0]
    assert score[0] == "score"
    assert score[7] < score[1] < 1
    assert score[7] < score[4] <= 1
    assert len(section.head) == len(score) == 10
    counts = [row[1] for row in section.rows[3:6]]
    assert counts == sorted(counts, reverse=True)  # ratio, mutual, in place
    assert len(section.pictures) == 2
    scores = []
    for name in section.pictures:
        assert name.startswith("matches/s/")
        assert read_pixels(tmp_path / name).shape == (384, 2 * 384 + 8, 3)
        index = int(name[len("matches/s/")])
        pair = answers.pictures(index)
        scores.append(match(pair["fake"], pair["target"]).score)
    assert scores[0] > scores[1]
    assert sift_section(answers).pictures == []
    strict = sift_section(answers, ratio=0.5)
    assert strict.rows[3][1] < section.rows[3][1]
    assert "Ratio 0.5" in strict.note


def test_pairs_without_key_points_are_counted(answers):
    blank = Answers(
        answers.rows,
        lambda i: {**answers.pictures(i), "fake": np.full((96, 96, 3), 9, np.uint8)},
        answers.reals,
        answers.real,
    )
    section = sift_section(blank)
    assert "5 of 5 pairs" in section.note
    assert section.rows[0][1] == 0


def test_jpeg_changes_a_picture_a_little(scene):
    real = scene(64, 64)
    after = after_jpeg(real)
    difference = np.abs(after.astype(int) - real)
    assert after.shape == real.shape
    assert 0 < difference.mean() < 5
    assert np.abs(after_jpeg(real, 30).astype(int) - real).mean() > difference.mean()


def test_lines_are_green_in_place_and_red_elsewhere(scene):
    real = scene(128, 128)
    same = match(real, real)
    drawn = drawing(real, real, same)

    def has(picture, colour):  # lines are blended with what is below them
        return bool((np.abs(picture.astype(int) - colour).max(2) < 60).any())

    assert has(drawn[:, 384:392], GREEN)  # lines cross the gap
    assert not has(drawn[:, 384:392], RED)
    moved = np.roll(real, 30, axis=0)
    far = match(moved, real)
    assert far.mutual > far.aligned
    assert has(drawing(real, moved, far)[:, 384:392], RED)
    large = scene(400, 300)
    assert drawing(large, large, match(large, large)).shape == (400, 608, 3)
