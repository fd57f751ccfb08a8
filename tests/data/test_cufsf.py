"""CUFSF: sketches find their photo by person, day and pose, and lie over it."""

import numpy as np
import pytest
from feret_tree import feret_tree, put

from portrayal.core.errors import BadData
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.cufsf import cufsf, laid_over

LIST = """00001fb010_930831.jpg
00002fa010_940928.jpg
00741fa010a_960530.jpg
00742fa010_930101.jpg
00999fa010_930101.jpg
00800fa010_930101.jpg
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, make):
    top = tmp_path_factory.mktemp("cufsf")
    feret_tree(top / "feret")
    for number in (1, 2, 741, 742, 999, 3):
        make.save(top / "cuf/cropped/" / f"{number:05d}.png", make.photo(number, 250, 200))
    put(top / "cuf" / "sketch_filenames.txt", LIST)
    return top


def of(place, **options):
    return cufsf(place / "cuf" / "cropped", place / "feret", **options)


def test_photos_are_found_on_both_discs_and_the_rest_is_told_with_its_reason(place, tmp_path):
    rule = Options(size="100x125", fractions="0.4,0.3,0.3")
    outcome = prepare(of(place), tmp_path / "out", rule, workers=1)
    assert sum(outcome.counts.values()) == 3
    assert outcome.rejected == {
        "no photo of that day and pose": 1,
        "no sketch of this number": 1,
        "not in sketch_filenames.txt": 1,
        "person is not in colour FERET": 1,
    }


@pytest.mark.parametrize("release", ["images", "smaller", "thumbnails"])
def test_the_photo_lies_under_the_sketch_by_its_eyes(place, make, release):
    item = of(place, release=release).load("00001.png")
    assert item.source.shape == item.target.shape == (250, 200, 3)
    assert np.array_equal(item.source, make.photo(1, 250, 200))
    for x in (75, 125):  # the drawn eyes are black
        assert item.target[125, x].max() < 60
    assert item.meta["subject"] == "00001" and item.meta["photo"] == "00001_930831_fb"
    assert item.meta["release"] == release


def test_auto_takes_the_largest_release(place):
    assert of(place).load("00002.png").meta["release"] == "images"


def test_original_sketches_need_landmarks_which_may_lie_beside_them(place, tmp_path, make):
    make.save(tmp_path / "sketches" / "00001.png", make.photo(1, 300, 300))
    put(tmp_path / "sketch_filenames.txt", LIST)
    source = cufsf(tmp_path / "sketches", place / "feret")
    with pytest.raises(BadData, match=r"no eyes known.*of the sketch"):
        source.load("00001.png")
    put(tmp_path / "points" / "00001.3pts", "200 100\n100 100\n150 190\n")
    put(tmp_path / "points" / "00001fb010_930831.3pts", "153 150\n103 150\n128 210\n")
    from portrayal.data.sources.cufsf import landmarks

    landmarks.cache_clear()
    item = source.load("00001.png")
    assert item.target.shape == (300, 300, 3)
    assert item.target[100, 100].max() < 60 and item.target[100, 200].max() < 60


def test_laid_over_is_the_identity_for_the_same_eyes_and_moves_by_whole_pixels(noise):
    photo = noise(40, 50)
    eyes = ((10.0, 20.0), (30.0, 20.0))
    assert np.array_equal(laid_over(photo, eyes, eyes, (50, 40)), photo)
    moved = laid_over(photo, eyes, ((13.0, 22.0), (33.0, 22.0)), (50, 40))
    assert np.array_equal(moved[2:, 3:], photo[:-2, :-3])


def test_a_folder_without_a_list_or_sketches_is_one_line(place, tmp_path):
    with pytest.raises(BadData, match=r"No sketch_filenames\.txt"):
        list(cufsf(tmp_path, place / "feret").names())
    put(tmp_path / "sketch_filenames.txt", LIST)
    with pytest.raises(BadData, match="No sketches named"):
        list(cufsf(tmp_path, place / "feret").names())
    with pytest.raises(BadData, match=r"no dvd1/data"):
        list(cufsf(place / "cuf" / "cropped", tmp_path).names())
