"""Verification: the table on embeddings whose answer is known, and on real people."""

import numpy as np
import pytest

from portrayal.core.errors import BadData, UnknownName
from portrayal.core.images import find_pictures, read_pixels
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.pairs.verification import (
    IMPOSTORS,
    Embedded,
    embed,
    genuine_scores,
    impostor_scores,
    section_of,
    share,
    verification_section,
)


def people(count, each=1, near=0.3, kept=1.0, seed=0):
    """Random directions for people, pictures near them, translations that keep a share of it."""
    rng = np.random.default_rng(seed)
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    faces = np.repeat(unit(rng.normal(size=(count, 64))), each, axis=0)
    strangers = unit(rng.normal(size=faces.shape))
    real = unit(faces + near * unit(rng.normal(size=faces.shape)))
    fake = unit(kept * real + (1 - kept) * strangers)
    return Embedded([f"p{i // each}" for i in range(count * each)], real, fake, 0)


def cell(section, row, column=1):
    (found,) = [r for r in section.rows if r[0] == row]
    return found[column]


def test_perfect_translations_are_all_kept_and_first():
    section = section_of(people(60, 2), "mobilefacenet", "truths")
    assert section.key == "verification_mobilefacenet"
    assert cell(section, "translations kept at FAR 0.01") == 1
    assert cell(section, "rank 1 of translations among all real") == 1
    assert cell(section, "AUC, translations and their own") == 1
    assert cell(section, "AUC, two real") > 0.99
    assert 0 < cell(section, "strangers accepted at FAR 0.01") < 0.03
    assert "60 pairs of two real pictures, one pair of each subject" in section.note


def test_strangers_are_kept_as_often_as_impostors():
    section = section_of(people(200, kept=0.0), "facenet", "inputs")
    assert cell(section, "translations kept at FAR 0.01") <= 0.04
    assert cell(section, "AUC, translations and their own") == pytest.approx(0.5, abs=0.07)
    assert cell(section, "rank 1 of translations among all real") <= 0.03
    assert cell(section, "EER, translations and their own") == pytest.approx(0.5, abs=0.07)


def test_the_threshold_lets_in_one_of_a_hundred_impostors():
    embedded = people(150)
    impostors = impostor_scores(embedded.real, embedded.real, embedded.people, 0)
    assert len(impostors) == 150 * 149 // 2
    threshold = cell(section_of(embedded, "facenet", "truths"), "threshold of FAR 0.01")
    assert (impostors > threshold).mean() == pytest.approx(0.01, abs=1e-4)


def test_a_rate_that_the_pairs_cannot_support_is_refused_in_words():
    section = section_of(people(60), "facenet", "truths")  # 1770 pairs
    assert cell(section, "kept at FAR 0.001: needs 10000 pairs") is None
    assert cell(section, "translations kept at FAR 0.01") == 1
    few = section_of(people(12), "facenet", "truths")  # 66 pairs
    assert cell(few, "kept at FAR 0.01: needs 1000 pairs") is None


def test_without_two_pictures_of_anybody_the_note_says_so():
    section = section_of(people(60), "facenet", "truths")
    assert "no ceiling" in section.note
    assert not any("two real" in str(row[0]) for row in section.rows)


def test_impostors_are_pairs_of_different_people_each_once():
    names = ["a", "a", "b", "c"]
    real = np.eye(4) + np.arange(4)[:, None]
    scores = impostor_scores(real, real, names, 0)
    pairs = [(i, j) for i in range(4) for j in range(i) if names[i] != names[j]]
    assert sorted(scores) == pytest.approx(sorted(real[i] @ real[j] for i, j in pairs))
    other = impostor_scores(real, real + 1, names, 0)
    assert len(other) == 2 * len(pairs)  # (i, j) and (j, i) are two, of two kinds


def test_many_people_are_drawn_from_by_the_seed():
    embedded = people(1100)
    first, again, other = (
        impostor_scores(embedded.real, embedded.real, embedded.people, seed) for seed in (0, 0, 1)
    )
    assert len(first) == IMPOSTORS
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.mean() == pytest.approx(other.mean(), abs=0.003)


def test_each_person_gives_one_genuine_pair():
    embedded = people(10, 4)
    scores = genuine_scores(embedded, 0)
    assert len(scores) == 10
    assert scores.min() > 0.8
    assert len(genuine_scores(people(10), 0)) == 0


def test_shares_are_wilsons_or_over_people():
    alone = share([True] * 9 + [False], [str(i) for i in range(10)], 0)
    assert "Wilson" in alone.method
    doubled = share([True] * 9 + [False], [str(i // 2) for i in range(10)], 0)
    assert "5 clusters" in doubled.method
    assert alone.value == doubled.value == 0.9


def answers_of(files, names, fake=lambda pixels: pixels, paired=True):
    rows = [{"name": str(i), "subject": who} for i, who in enumerate(names)]

    def pictures(index):
        real = read_pixels(files[index])
        return {"fake": fake(real), "target" if paired else "source": real}

    return Answers(rows, pictures, rows, lambda j: read_pixels(files[j]), paired)


@pytest.fixture
def identities(shared, weights):
    folders = sorted((shared / "data" / "identities").iterdir())[:24]
    files = [sorted(find_pictures(folder))[i] for folder in folders for i in (0, -1)]
    return files, [file.parent.name for file in files]


def test_real_people_are_told_apart_and_copies_of_them_kept(identities):
    """AUC .974 on 150 + 150 pairs, as the notes of the weights say."""
    section = verification_section(answers_of(*identities, paired=False), "mobilefacenet")
    assert cell(section, "AUC, two real") == pytest.approx(0.974, abs=0.026)
    assert cell(section, "translations kept at FAR 0.01") == 1
    assert cell(section, "rank 1 of translations among all real") == 1
    assert "the inputs" in section.note
    assert "0 of 48" in section.note


def test_pictures_without_faces_are_counted_or_refused(identities):
    files, names = identities
    blank = answers_of(files[:4], names[:4])
    real = blank.pictures
    some = Answers(
        blank.rows,
        lambda i: {side: p * (i > 1) for side, p in real(i).items()},
        blank.reals,
        blank.real,
    )
    embedded = embed(some, "mobilefacenet")
    assert (len(embedded), embedded.missing) == (2, 2)
    assert np.linalg.norm(embedded.real, axis=1) == pytest.approx([1, 1])
    none = Answers(
        blank.rows, lambda i: {s: p * 0 for s, p in real(i).items()}, blank.reals, blank.real
    )
    with pytest.raises(BadData, match="0 of 4 real pictures show a face"):
        embed(none, "mobilefacenet")
    with pytest.raises(UnknownName, match="No embedder named 'arcface'"):
        embed(blank, "arcface")
    with pytest.raises(BadData, match="one subject"):
        section_of(Embedded(["a"] * 2, embedded.real, embedded.fake, 0), "facenet", "truths")
