import json

import numpy as np
import pytest
from untrained import make_dataset, save_picture, smooth

from portrayal.core.errors import BadData
from portrayal.data.dataset import Dataset
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.traps.leaks import leak_section
from portrayal.evaluation.traps.memory import memorisation_section, nearest


def test_the_nearest_row_and_its_distance_by_hand():
    rows = np.array([[0, 0], [3, 4]], np.float32)
    known = np.array([[0, 1], [3, 3], [9, 9]], np.float32)
    distance, place = nearest(rows, known)
    assert place.tolist() == [0, 1] and distance == pytest.approx([1, 1])
    far = nearest(rows + 1e4, known + 1e4)  # a common shift costs no digits
    assert far[0] == pytest.approx(distance, abs=1e-2)
    assert nearest(known, known)[0].tolist() == [0, 0, 0]


@pytest.fixture
def train(tmp_path):
    return Dataset(make_dataset(tmp_path / "d", {"train": 12})).split("train").domain("target")


def remembered(train, tmp_path, copies, reals=24):
    """A table for 10 translations of which so many are training pictures."""
    fakes = [train.picture(index) for index in range(copies)]
    fakes += [smooth(500 + index) for index in range(10 - copies)]
    truths = [smooth(900 + index) for index in range(reals)]
    rows = [{"name": f"f{index}"} for index in range(10)]
    answers = Answers(
        rows,
        lambda index: {"fake": fakes[index]},
        [{"name": str(index)} for index in range(reals)],
        truths.__getitem__,
        paired=False,
    )

    def mean_colours(pixels):
        return pixels[::16, ::16].reshape(-1).astype(np.float32)

    extractor = Extractor("squeezenet1_1", "ab" * 32, mean_colours)
    return memorisation_section(answers, train, extractor, tmp_path / "features")


def test_copies_of_training_pictures_are_found_and_named(train, tmp_path):
    rows = remembered(train, tmp_path, copies=3).rows
    assert rows[0][1] >= 0.3
    assert rows[4][0].endswith("is nearest to train/p00") and rows[4][1] == 0
    few = remembered(train, tmp_path, copies=0).rows
    assert few[0][1] < 0.3 and few[4][1] > 0


def test_too_few_held_out_pictures_make_no_null(train, tmp_path):
    with pytest.raises(BadData, match="19 held-out pictures make no null"):
        remembered(train, tmp_path, copies=0, reals=19)


def leaky(folder, share):
    """Two splits; with `share` a subject and a picture are in both."""
    for split, first in (("train", 0), ("test", 100)):
        lines = []
        for index in range(4):
            copied = share and split == "test" and index == 0
            target = smooth(0 if copied else first + index)
            name = f"{split}{index}"
            for side in ("source", "target"):
                save_picture(folder / split / side / f"{name}.png", target)
            subject = "anna" if index == 0 and (share or split == "train") else name
            row = {"name": name, "subject": subject}
            row |= {f"{side}_file_name": f"{side}/{name}.png" for side in ("source", "target")}
            lines.append(json.dumps(row) + "\n")
        (folder / split / "metadata.jsonl").write_text("".join(lines))
    return folder


def test_a_subject_and_a_picture_in_two_splits_are_found(tmp_path):
    section = leak_section(leaky(tmp_path / "leak", share=True))
    found = {row[0]: row for row in section.rows}
    assert found["subjects in several splits"][1] == 1
    assert sorted(found["subject anna"][2].split(", ")) == ["test", "train"]
    assert found["near-duplicates in several splits"][1] == 1
    clean = leak_section(leaky(tmp_path / "clean", share=False))
    assert [row[1] for row in clean.rows if "several" in row[0]] == [0, 0]
