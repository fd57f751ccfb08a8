"""Sources of found pictures: what they list, what an item is, and what they refuse in one line."""

import pickle

import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption, BadPicture
from portrayal.core.images import encode
from portrayal.data.sources import sources
from portrayal.data.sources.folder import folder
from portrayal.data.sources.pairs import pairs


def items(source):
    return {name: source.load(name) for name in source.names()}


def lossless(*halves):
    return np.concatenate(halves, axis=1)


def test_a_folder_lists_sub_folders_and_names_items_without_suffix(tmp_path, make):
    make.save(tmp_path / "b" / "x.png", make.photo(1))
    make.save(tmp_path / "a.b.jpg", make.photo(2))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    found = items(folder(tmp_path))
    assert list(found) == ["a.b.jpg", "b/x.png"]
    assert [item.name for item in found.values()] == ["a.b", "b/x"]
    assert np.array_equal(found["b/x.png"].source, make.photo(1))
    assert found["b/x.png"].target is None


def test_a_folder_without_pictures_says_what_it_holds_instead(tmp_path):
    for name in ("a.txt", "b.txt", "c.mp4"):
        (tmp_path / name).write_text("x")
    with pytest.raises(BadData, match=r"No pictures in .*3 other files \(2 \.txt, 1 \.mp4\)"):
        list(folder(tmp_path).names())


def test_an_empty_and_a_missing_folder_are_one_line(tmp_path):
    with pytest.raises(BadData, match="it is empty"):
        list(folder(tmp_path).names())
    with pytest.raises(BadData, match="does not exist"):
        list(folder(tmp_path / "nope").names())


def test_a_damaged_picture_is_named_by_its_path_below_the_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(b"not a picture")
    with pytest.raises(BadPicture) as caught:
        folder(tmp_path).load("sub/a.png")
    assert caught.value.name == "sub/a.png"
    assert "not a picture" in caught.value.reason


def test_the_limit_and_the_background_reach_the_reader(tmp_path, make):
    make.save(tmp_path / "a.png", make.photo(1, 40, 40))
    with pytest.raises(BadPicture, match="megapixels"):
        folder(tmp_path, limit=0.001).load("a.png")
    clear = np.zeros((4, 4, 4), np.uint8)
    (tmp_path / "b.png").write_bytes(encode(clear, ".png"))
    assert folder(tmp_path, background="#102030").load("b.png").source[0, 0].tolist() == [
        16,
        32,
        48,
    ]


@pytest.mark.parametrize("side", ["left", "right"])
def test_side_by_side_pictures_are_cut_in_the_middle(tmp_path, make, side):
    left, right = make.photo(1), make.photo(2)
    make.save(tmp_path / "x.png", lossless(left, right))
    item = pairs(tmp_path, source_side=side).load("x.png")
    ours, theirs = (left, right) if side == "left" else (right, left)
    assert np.array_equal(item.source, ours) and np.array_equal(item.target, theirs)


def test_an_odd_width_is_no_pair(tmp_path, make):
    make.save(tmp_path / "x.png", make.photo(1, 64, 65))
    with pytest.raises(BadPicture, match="odd width 65"):
        pairs(tmp_path).load("x.png")


def test_side_by_side_keeps_the_splits_of_train_and_test_folders(tmp_path, make):
    for part in ("train", "val", "test", "other"):
        make.save(tmp_path / part / "1.png", lossless(make.photo(1), make.photo(2)))
    found = items(pairs(tmp_path))
    assert {name: item.meta.get("split") for name, item in found.items()} == {
        "train/1.png": "train",
        "val/1.png": "val",
        "test/1.png": "test",
        "other/1.png": None,
    }
    assert len({item.name for item in found.values()}) == 4


def test_two_folders_pair_by_name_whatever_the_suffix(tmp_path, make):
    for index in range(3):
        make.save(tmp_path / "a" / "sub" / f"{index}.png", make.photo(index))
        make.save(tmp_path / "b" / "sub" / f"{index}.bmp", make.photo(10 + index))
    found = items(pairs(tmp_path / "a", tmp_path / "b"))
    assert [item.name for item in found.values()] == ["sub/0", "sub/1", "sub/2"]
    for index, item in enumerate(found.values()):
        assert np.array_equal(item.source, make.photo(index))
        assert np.array_equal(item.target, make.photo(10 + index))
    turned = items(pairs(tmp_path / "a", tmp_path / "b", source_side="right"))
    assert np.array_equal(turned["sub/0.bmp"].source, make.photo(10))


def test_two_folders_that_do_not_match_say_how_many_and_which_first(tmp_path, make):
    make.photos(tmp_path / "a", 5)
    make.photos(tmp_path / "b", 5, start=2)
    with pytest.raises(BadData, match=r"4 of 10 pictures have no partner, first .*a/0000\.png"):
        list(pairs(tmp_path / "a", tmp_path / "b").names())


def test_a_partner_missing_on_the_other_side_only_is_found_too(tmp_path, make):
    make.photos(tmp_path / "a", 2)
    make.photos(tmp_path / "b", 3)
    with pytest.raises(BadData, match=r"1 of 5 pictures .*b/0002\.png"):
        list(pairs(tmp_path / "a", tmp_path / "b").names())


def test_train_a_train_b_keeps_its_splits(tmp_path, make):
    for index, part in enumerate(("trainA", "trainB", "testA", "testB")):
        make.photos(tmp_path / part, 2, start=10 * index)
        for path in (tmp_path / part).iterdir():
            path.rename(path.with_name(f"{int(path.stem) % 10}.png"))
    found = items(pairs(tmp_path))
    assert [(item.name, item.meta["split"]) for item in found.values()] == [
        ("train/0", "train"),
        ("train/1", "train"),
        ("test/0", "test"),
        ("test/1", "test"),
    ]
    assert np.array_equal(found["test:1.png"].source, make.photo(21))
    assert np.array_equal(found["test:1.png"].target, make.photo(31))


def test_train_a_without_train_b_is_one_line(tmp_path, make):
    make.photos(tmp_path / "trainA", 1)
    with pytest.raises(BadData, match="trainA but no trainB"):
        pairs(tmp_path)


def test_a_layout_that_does_not_fit_the_folders_is_one_line(tmp_path, make):
    make.photos(tmp_path / "a", 1)
    with pytest.raises(BadOption, match="needs two folders"):
        pairs(tmp_path / "a", layout="folders")
    with pytest.raises(BadOption, match="needs one folder"):
        pairs(tmp_path / "a", tmp_path / "a", layout="side_by_side")
    with pytest.raises(BadData, match="has no trainA"):
        pairs(tmp_path / "a", layout="ab")
    with pytest.raises(BadData, match="is not a folder"):
        pairs(tmp_path / "nope")


@pytest.mark.parametrize("name", list(sources))
def test_every_source_explains_itself(name):
    assert sources[name].__doc__ and sources[name].__annotations__


def test_sources_cross_process_borders(tmp_path, make):
    make.photos(tmp_path / "a", 1)
    make.photos(tmp_path / "b", 1)
    for source in (folder(tmp_path / "a"), pairs(tmp_path / "a", tmp_path / "b")):
        again = pickle.loads(pickle.dumps(source))
        (name,) = again.names()
        assert np.array_equal(again.load(name).source, make.photo(0))
