"""What `inspect` counts and finds: sizes, grey, copies, leaks, damage; and its contact sheet."""

import json

import numpy as np
import pytest

from portrayal.core.errors import BadData
from portrayal.core.images import encode_png
from portrayal.data.audit import audit, quartiles
from portrayal.data.contact import BAR, CELL, GAP, contact_sheet
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.folder import folder
from portrayal.data.sources.shapes import shapes


def look(place, **options):
    return audit(place, **{"faces": False, "workers": 1, **options})


def by_hand(make, place, splits):
    """A dataset made by hand: {split: {name: (source, target)}}."""
    for split, pairs in splits.items():
        for name, pair in pairs.items():
            for side, picture in zip(("source", "target"), pair, strict=True):
                make.save(place / split / side / f"{name}.png", picture)
    return place


def test_a_folder_of_pictures_is_counted(tmp_path, make):
    make.photos(tmp_path, 3)
    make.photos(tmp_path / "sub", 2, suffix=".jpg", start=10, size=(40, 80))
    grey = np.repeat(make.photo(20)[:, :, :1], 3, axis=2)
    make.save(tmp_path / "grey.png", grey)
    (tmp_path / "bad.png").write_bytes(encode_png(make.photo(30))[:99])
    found = look(tmp_path)
    facts = found["splits"]["all"]
    assert found["kind"] == "folder"
    assert (facts["pictures"], facts["bad"], facts["grey"]) == (6, 1, 1)
    assert facts["sizes"] == {"64x64": 4, "80x40": 2}
    assert facts["formats"] == {"PNG": 4, "JPEG": 2}
    assert facts["short_side"][0] == 40
    assert facts["faces"] is None
    assert [row["file"] for row in found["bad"]] == [str(tmp_path / "bad.png")]
    json.dumps(found)


def test_a_prepared_dataset_has_no_leak(tmp_path, make):
    make.photos(tmp_path / "in", 20)
    make.save(tmp_path / "in" / "copy.jpg", make.photo(3))
    options = Options(filter=["pencil"], size="64", fractions="0.4,0.3,0.3")
    prepare(folder(tmp_path / "in"), tmp_path / "out", options, workers=1)
    found = look(tmp_path / "out")
    assert found["kind"] == "dataset" and list(found["splits"]) == ["train", "val", "test"]
    copies = found["near_duplicates"]
    assert (copies["groups"], copies["pictures"], copies["leaks"]) == (1, 2, 0)
    assert found["subjects"]["leaks"] == 0


def test_copies_across_splits_are_leaks_and_named(tmp_path, make):
    pair = make.photo(1), make.photo(2)
    place = by_hand(
        make,
        tmp_path,
        {
            "train": {"a": pair, "b": (make.photo(3), make.photo(4))},
            "test": {"c": pair, "d": (make.photo(5), make.photo(6))},
        },
    )
    copies = look(place)["near_duplicates"]
    assert copies["leaks"] == 1
    assert copies["listed"][0]["pictures"] == ["train/a", "test/c"]


def test_subjects_in_two_splits_are_leaks_and_named(tmp_path, make):
    names = {"train": ("a", "b"), "test": ("c",)}
    who = {"a": "Ann", "b": "Bob", "c": "Ann"}
    numbers = iter(range(100))
    for split, listed in names.items():
        pairs = {name: (make.photo(next(numbers)), make.photo(next(numbers))) for name in listed}
        by_hand(make, tmp_path, {split: pairs})
        lines = [
            {
                "source_file_name": f"source/{name}.png",
                "target_file_name": f"target/{name}.png",
                "name": name,
                "subject": who[name],
            }
            for name in listed
        ]
        text = "\n".join(map(json.dumps, lines))
        (tmp_path / split / "metadata.jsonl").write_text(text + "\n")
    found = look(tmp_path)["subjects"]
    assert found["subjects"] == 2 and found["leaks"] == 1
    assert found["listed"] == [{"subject": "Ann", "splits": ["test", "train"]}]


def test_pairs_of_two_sizes_are_counted(tmp_path, make):
    pairs = {"a": (make.photo(1), make.photo(2)), "b": (make.photo(3, 32, 32), make.photo(4))}
    found = look(by_hand(make, tmp_path, {"train": pairs}))
    assert found["splits"]["train"]["size_mismatches"] == 1


def test_generated_shapes_are_no_leaks_of_each_other(tmp_path):
    prepare(shapes(count=60, size=32), tmp_path / "out", Options(size="32"), workers=1)
    found = look(tmp_path / "out")["near_duplicates"]
    assert not found["looked"] and found["leaks"] == 0


def test_faces_are_found_and_their_share_is_given(tmp_path, shared, make):
    for name in ("0150", "0151"):
        content = (shared / "data" / "faces" / f"{name}.jpg").read_bytes()
        (tmp_path / f"{name}.jpg").write_bytes(content)
    make.save(tmp_path / "noise.png", make.photo(1))
    facts = look(tmp_path, faces=True, detector="haar")["splits"]["all"]
    assert facts["faces"] == 2 and 0.1 < facts["face_share"][2] < 0.9


def test_an_empty_folder_is_one_line(tmp_path):
    with pytest.raises(BadData, match="No pictures in"):
        look(tmp_path)


def test_quartiles_by_hand():
    assert quartiles([1, 2, 3, 4, 5], 1) == [1, 2, 3, 4, 5]
    assert quartiles([], 1) == []


def test_the_contact_sheet_shows_pairs_of_every_split(tmp_path, make):
    splits = {
        split: {f"{i}": (make.photo(10 * k + i), make.photo(100 + 10 * k + i)) for i in range(5)}
        for k, split in enumerate(("train", "test"))
    }
    sheet = contact_sheet(by_hand(make, tmp_path, splits))
    assert sheet.shape[1] == 8 * (CELL + GAP) + GAP
    assert sheet.shape[0] == 2 * (BAR + 2 * (CELL + GAP) + GAP)  # five pairs: two rows of four
    cell = sheet[BAR + GAP : BAR + GAP + CELL, GAP : GAP + 2 * CELL]
    assert cell.std() > 10 and sheet.dtype == np.uint8


def test_the_contact_sheet_crosses_out_what_cannot_be_read(tmp_path, make):
    make.photos(tmp_path, 3)
    (tmp_path / "bad.png").write_bytes(b"")
    assert contact_sheet(tmp_path).shape[2] == 3
