"""The dataset folder: what is in it, that nothing is dropped silently, and what is refused."""

import json
import os

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption, CannotWrite, UserError
from portrayal.core.images import encode, encode_png, pixels_hash, read_pixels
from portrayal.core.locks import locked
from portrayal.data import scan
from portrayal.data.item import Item
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources import sources
from portrayal.data.sources.folder import folder
from portrayal.data.sources.pairs import pairs
from portrayal.data.sources.shapes import shapes
from portrayal.data.write import face_crop, put, whole
from portrayal.filters import filters
from portrayal.filters.geometry import crop, letterbox, squeeze

SMALL = {"size": "32", "filter": ["none"]}


def run(source, out, workers=1, **options):
    return prepare(source, out, Options(**{**SMALL, **options}), workers=workers)


def rows(out):
    found = {}
    for split in ("train", "val", "test"):
        if (path := out / split / "metadata.jsonl").exists():
            lines = path.read_text().splitlines()
            found |= {row["name"]: {**row, "split": split} for row in map(json.loads, lines)}
    return found


def manifest(out):
    return json.loads((out / "manifest.json").read_text())


def rejected(out):
    lines = (out / "rejected.jsonl").read_text().splitlines()
    return {row["file"]: row["reason"] for row in map(json.loads, lines)}


def test_the_dataset_folder_holds_pairs_lines_and_a_manifest(tmp_path, make):
    make.photos(tmp_path / "in", 20)
    outcome = run(folder(tmp_path / "in"), tmp_path / "out", filter=["pencil"])
    assert outcome.counts == {"train": 16, "val": 2, "test": 2}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "rejected.jsonl",
        "test",
        "train",
        "val",
    ]
    lines = rows(tmp_path / "out")
    assert list(lines) == sorted(
        lines, key=lambda name: (lines[name]["split"] != "train", name)
    ) or (len(lines) == 20)
    for row in lines.values():
        place = tmp_path / "out" / row["split"]
        source, target = (read_pixels(place / row[f"{s}_file_name"]) for s in ("source", "target"))
        assert source.shape == target.shape == (32, 32, 3)
        assert row["sha256"] == pixels_hash(target)
        assert row["source_sha256"] == pixels_hash(source)
        assert row["original"] == f"{row['name']}.png"
    said = manifest(tmp_path / "out")
    assert said["format"] == 1 and said["kind"] == "paired" and said["size"] == [32, 32]
    assert said["counts"] == outcome.counts
    assert said["options"]["filter"] == ["pencil"]


def test_lines_are_sorted_by_name_and_have_the_same_columns(tmp_path):
    run(shapes(count=40, size=32), tmp_path / "out")
    columns = set()
    for split in ("train", "val", "test"):
        lines = [
            json.loads(line)
            for line in (tmp_path / "out" / split / "metadata.jsonl").read_text().splitlines()
        ]
        assert [row["name"] for row in lines] == sorted(row["name"] for row in lines)
        columns |= {tuple(row) for row in lines}
    assert len(columns) == 1
    assert {"source_file_name", "target_file_name", "subject", "class", "kind"} <= set(*columns)


def test_a_column_has_one_type_in_all_splits(tmp_path, make):
    """Hugging Face's imagefolder refuses splits in which a column is null here and text there."""
    make.photos(tmp_path / "in" / "p1", 10)
    make.photos(tmp_path / "in" / "p2", 10, start=10)
    make.photos(tmp_path / "in", 10, start=20)
    make.save(tmp_path / "in" / "p1" / "copy.jpg", make.photo(1))
    run(folder(tmp_path / "in"), tmp_path / "out", subject="folder", find_faces=True)
    found = rows(tmp_path / "out").values()
    for column in next(iter(found)):
        assert len({type(row[column]) for row in found}) == 1, column
    alone = rows(tmp_path / "out")["0025"]
    assert (alone["subject"], alone["group"], alone["face_share"]) == ("0025", "0025", 0.0)


def test_the_reader_of_datasets_reads_it(tmp_path):
    from portrayal.data.dataset import Dataset

    run(shapes(count=20, size=32), tmp_path / "out")
    dataset = Dataset(tmp_path / "out")
    assert dataset.identity == manifest(tmp_path / "out")["sha256"]
    assert len(dataset.split("train")) == 16
    assert dataset.split("test").pair(0).source.shape == (32, 32, 3)


def test_shapes_are_written_as_they_were_drawn(tmp_path):
    source = shapes(count=10, size=48)
    prepare(source, tmp_path / "out", Options(size="48"), workers=1)
    for name, row in rows(tmp_path / "out").items():
        item = source.load(name)
        place = tmp_path / "out" / row["split"]
        assert np.array_equal(read_pixels(place / row["source_file_name"]), item.source)
        assert np.array_equal(read_pixels(place / row["target_file_name"]), item.target)


def test_the_order_of_work_is_crop_working_size_filter_final_size(tmp_path, make):
    make.photos(tmp_path / "in", 4, size=(200, 300))
    run(
        folder(tmp_path / "in"),
        tmp_path / "out",
        filter=["cartoon:levels=1,block=11"],
        size="64",
        work_size=128,
    )
    for name, row in rows(tmp_path / "out").items():
        worked = crop(make.photo(int(name), 200, 300), 128, 128)
        wanted = squeeze(filters["cartoon"](worked, levels=1, block=11), 64, 64)
        place = tmp_path / "out" / row["split"]
        assert np.array_equal(read_pixels(place / row["source_file_name"]), wanted)
        target = read_pixels(place / row["target_file_name"])
        assert np.array_equal(target, squeeze(worked, 64, 64))


@pytest.mark.parametrize("geometry", ["crop", "letterbox", "squeeze"])
def test_geometries_and_sizes_that_are_not_square(tmp_path, make, geometry):
    make.photos(tmp_path / "in", 3, size=(60, 90))
    run(
        folder(tmp_path / "in"),
        tmp_path / "out",
        geometry=geometry,
        size="40x48",
        background="#102030",
    )
    assert manifest(tmp_path / "out")["size"] == [48, 40]
    original = make.photo(1, 60, 90)
    wanted = {
        "crop": crop(original, 48, 40),
        "letterbox": letterbox(original, 48, 40, (16, 32, 48))[0],
        "squeeze": squeeze(original, 48, 40),
    }[geometry]
    row = rows(tmp_path / "out")["0001"]
    found = read_pixels(tmp_path / "out" / row["split"] / row["target_file_name"])
    assert np.array_equal(found, wanted)


def test_filters_are_chained_and_apply_to_the_source_of_pairs_only(tmp_path, make):
    make.photos(tmp_path / "a", 3)
    make.photos(tmp_path / "b", 3, start=10)
    for path in (tmp_path / "b").iterdir():
        path.rename(path.with_name(f"000{path.stem[-1]}.png"))
    run(
        pairs(tmp_path / "a", tmp_path / "b"),
        tmp_path / "out",
        size="64",
        work_size=64,
        filter=["cartoon", "pencil"],
    )
    row = rows(tmp_path / "out")["0002"]
    place = tmp_path / "out" / row["split"]
    wanted = filters["pencil"](filters["cartoon"](make.photo(2)))
    assert np.array_equal(read_pixels(place / row["source_file_name"]), wanted)
    assert np.array_equal(read_pixels(place / row["target_file_name"]), make.photo(12))


def test_files_that_are_no_pictures_are_named_with_their_reason_and_counted(tmp_path, make):
    make.photos(tmp_path / "in", 40)
    (tmp_path / "in" / "empty.jpg").write_bytes(b"")
    (tmp_path / "in" / "text.png").write_bytes(b"hello, this is no picture")
    cut = encode_png(make.photo(99))
    (tmp_path / "in" / "cut.png").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "in" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "in" / "right.png").write_bytes(encode(make.photo(98), ".jpg"))  # wrong suffix
    outcome = run(folder(tmp_path / "in"), tmp_path / "out", bad_limit=0.1)
    assert sum(outcome.counts.values()) == 41
    assert set(rejected(tmp_path / "out")) == {"empty.jpg", "text.png", "cut.png"}
    assert rejected(tmp_path / "out")["empty.jpg"] == "empty file"
    assert manifest(tmp_path / "out")["rejected"] == outcome.rejected
    assert sum(outcome.rejected.values()) == 3


def test_too_many_bad_files_stop_the_work_and_raising_the_limit_goes_on(tmp_path, make):
    make.photos(tmp_path / "in", 8)
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(b"")
    with pytest.raises(BadData, match=r"1 or more of 10 files .*10\.0%.*0\.05.*a\.png: empty file"):
        run(folder(tmp_path / "in"), tmp_path / "out")
    outcome = run(folder(tmp_path / "in"), tmp_path / "out", bad_limit=0.2)
    assert sum(outcome.counts.values()) == 8


def test_near_duplicates_stay_together_and_have_a_group(tmp_path, make):
    make.photos(tmp_path / "in", 30)
    for index in range(10):
        make.save(tmp_path / "in" / f"copy_{index}.jpg", make.photo(index))
        make.save(tmp_path / "in" / f"small_{index}.png", make.photo(index, 40, 40))
    outcome = run(folder(tmp_path / "in"), tmp_path / "out", fractions="0.4,0.3,0.3")
    lines = rows(tmp_path / "out")
    assert outcome.groups == 10
    for index in range(10):
        three = [lines[name] for name in (f"{index:04d}", f"copy_{index}", f"small_{index}")]
        assert len({row["split"] for row in three}) == 1
        assert {row["group"] for row in three} == {f"{index:04d}"}
    assert all(lines[name]["group"] == name for name in (f"{i:04d}" for i in range(10, 30)))
    assert len({row["split"] for row in lines.values()}) == 3


def test_duplicates_of_the_source_side_of_pairs_count_too(tmp_path, make):
    for index in range(12):
        make.save(tmp_path / "a" / f"{index}.png", make.photo(0 if index < 2 else index))
        make.save(tmp_path / "b" / f"{index}.png", make.photo(100 + index))
    outcome = run(pairs(tmp_path / "a", tmp_path / "b"), tmp_path / "out")
    assert outcome.groups == 1
    assert rows(tmp_path / "out")["1"]["group"] == "0"


def test_duplicates_are_dropped_by_name_when_asked(tmp_path, make):
    make.photos(tmp_path / "in", 10)
    make.save(tmp_path / "in" / "exact.bmp", make.photo(3))
    make.save(tmp_path / "in" / "near.jpg", make.photo(4))
    run(folder(tmp_path / "in"), tmp_path / "all", duplicates="drop")
    assert rejected(tmp_path / "all") == {
        "exact.bmp": "near-duplicate: of 0003.png",
        "near.jpg": "near-duplicate: of 0004.png",
    }
    assert manifest(tmp_path / "all")["rejected"] == {"near-duplicate": 2}
    run(folder(tmp_path / "in"), tmp_path / "exact", duplicates="drop_exact")
    assert rejected(tmp_path / "exact") == {"exact.bmp": "exact copy: of 0003.png"}
    assert rows(tmp_path / "exact")["near"]["group"] == "0004"
    run(folder(tmp_path / "in"), tmp_path / "none", duplicates="ignore")
    assert len(rows(tmp_path / "none")) == 12
    assert all(row["group"] == name for name, row in rows(tmp_path / "none").items())


@pytest.mark.parametrize(
    ("rule", "subject"),
    [("folder", "p3"), (r"p(\d)/", "3"), (r"p\d", "p3"), ("column:who", "Person 3")],
)
def test_subjects_never_straddle_a_split(tmp_path, make, rule, subject):
    table = tmp_path / "people.csv"
    lines = ["file,who"]
    for person in range(8):
        make.photos(tmp_path / "in" / f"p{person}", 4, start=4 * person)
        lines += [
            f"p{person}/{i:04d}.png,Person {person}" for i in range(4 * person, 4 * person + 4)
        ]
    table.write_text("\n".join(lines))
    run(folder(tmp_path / "in"), tmp_path / "out", subject=rule, table=table)
    found = rows(tmp_path / "out")
    assert found["p3/0012"]["subject"] == subject
    splits = {}
    for row in found.values():
        splits.setdefault(row["subject"], set()).add(row["split"])
    assert len(splits) == 8
    assert all(len(each) == 1 for each in splits.values())
    assert {split for each in splits.values() for split in each} == {"train", "val", "test"}


def test_sub_folders_and_missing_subjects_are_mentioned(tmp_path, make):
    make.photos(tmp_path / "in" / "a", 5)
    make.photos(tmp_path / "in" / "b", 5, start=5)
    make.photos(tmp_path / "in", 2, start=10)
    outcome = run(folder(tmp_path / "in"), tmp_path / "1")
    assert any("--subject folder" in note for note in outcome.notes)
    outcome = run(folder(tmp_path / "in"), tmp_path / "2", subject="folder")
    assert any("2 pictures have no subject" in note for note in outcome.notes)
    make.photos(tmp_path / "flat", 5)
    assert run(folder(tmp_path / "flat"), tmp_path / "3").notes == []


def test_a_subject_rule_that_finds_nobody_is_one_line(tmp_path, make):
    make.photos(tmp_path / "in", 5)
    for rule, words in (
        ("folder", "no subject for any of 5"),
        ("zzz(.*)", "no subject"),
        ("(", "no regular expression"),
        ("column:x", "needs --table"),
    ):
        with pytest.raises(BadOption, match=words):
            run(folder(tmp_path / "in"), tmp_path / "out", subject=rule)
    table = tmp_path / "t.csv"
    table.write_text("file,who\n0001.png,x\n")
    with pytest.raises(BadOption, match=r"no column 'whom'\. It has: file, who"):
        run(folder(tmp_path / "in"), tmp_path / "t", subject="column:whom", table=table)


def test_test_names_force_pictures_into_test(tmp_path, make):
    make.photos(tmp_path / "in", 20)
    run(folder(tmp_path / "in"), tmp_path / "a", test_names=r"001[5-9]")
    names = {name for name, row in rows(tmp_path / "a").items() if row["split"] == "test"}
    assert names == {f"00{index}" for index in range(15, 20)}
    listed = tmp_path / "names.txt"
    listed.write_text("0003\n0004.png\n\n")
    run(folder(tmp_path / "in"), tmp_path / "b", test_names=str(listed), counts="10,4,2")
    names = {name for name, row in rows(tmp_path / "b").items() if row["split"] == "test"}
    assert names == {"0003", "0004"}
    assert list(rejected(tmp_path / "b").values()) == ["not needed for --counts"] * 4
    for wrong in ("x.*", "000"):  # a part of the name is not the name
        with pytest.raises(BadOption, match="fits no picture"):
            run(folder(tmp_path / "in"), tmp_path / "c", test_names=wrong)


@pytest.mark.parametrize(("forced", "other"), [("0007", "again"), ("again", "0007")])
def test_a_near_duplicate_of_a_forced_test_picture_goes_to_test_as_well(
    tmp_path, make, forced, other
):
    make.photos(tmp_path / "in", 20)
    make.save(tmp_path / "in" / "again.jpg", make.photo(7))
    run(folder(tmp_path / "in"), tmp_path / "out", test_names=forced)
    assert rows(tmp_path / "out")[other]["split"] == "test"
    run(folder(tmp_path / "in"), tmp_path / "one", test_names=forced, duplicates="drop")
    assert set(rejected(tmp_path / "one")) == {f"{other}.{'jpg' if other == 'again' else 'png'}"}


def test_given_splits_are_kept_and_validation_comes_from_train(tmp_path, make):
    for part, start, count in (("train", 0, 38), ("test", 100, 2)):
        for index in range(start, start + count):
            halves = make.photo(index), make.photo(1000 + index)
            make.save(tmp_path / "in" / part / f"{index}.png", np.concatenate(halves, axis=1))
    outcome = run(pairs(tmp_path / "in"), tmp_path / "out")
    found = rows(tmp_path / "out")
    test = {name for name, row in found.items() if row["split"] == "test"}
    assert test == {"test/100", "test/101"}  # not filled up to a tenth
    assert outcome.counts == {"train": 34, "val": 4, "test": 2}


def test_a_leak_between_given_splits_is_mended_and_said(tmp_path, make):
    for part, start in (("train", 0), ("test", 19)):  # 19 is in both
        for index in range(start, start + 20):
            halves = make.photo(index), make.photo(1000 + index)
            make.save(tmp_path / "in" / part / f"{index}.png", np.concatenate(halves, axis=1))
    outcome = run(pairs(tmp_path / "in"), tmp_path / "out")
    assert rows(tmp_path / "out")["train/19"]["split"] == "test"
    assert any("1 picture" in note and "left the split" in note for note in outcome.notes)


def test_pairs_whose_sides_have_another_aspect_are_rejected(tmp_path, make):
    make.photos(tmp_path / "a", 6, size=(64, 64))
    make.photos(tmp_path / "b", 6, size=(64, 64))
    make.save(tmp_path / "b" / "0002.png", make.photo(2, 64, 80))
    run(pairs(tmp_path / "a", tmp_path / "b"), tmp_path / "out", bad_limit=0)
    assert rejected(tmp_path / "out") == {
        "0002.png": "source and target differ in aspect: 64 x 64 and 80 x 64"
    }


def test_grey_and_small_pictures_are_selected(tmp_path, make):
    make.photos(tmp_path / "in", 8)
    grey = cv2.cvtColor(make.photo(50), cv2.COLOR_RGB2GRAY)
    make.save(tmp_path / "in" / "grey.png", np.repeat(grey[:, :, None], 3, axis=2))
    make.save(tmp_path / "in" / "tiny.png", make.photo(51, 20, 60))
    run(folder(tmp_path / "in"), tmp_path / "out", grey="reject", min_side=32)
    assert rejected(tmp_path / "out") == {
        "grey.png": "grey picture",
        "tiny.png": "too small: short side 20",
    }
    assert manifest(tmp_path / "out")["rejected"] == {"grey picture": 1, "too small": 1}
    with pytest.raises(BadData, match=r"None of 10 pictures is left .*no face found: 10"):
        run(folder(tmp_path / "in"), tmp_path / "faces", no_face="reject")


def test_faces_are_found_cropped_and_kept_as_a_column(tmp_path, shared, make):
    for name in ("0150", "0151", "0152", "0153"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.jpg").write_bytes(
            (shared / "data" / "faces" / f"{name}.jpg").read_bytes()
        )
    make.save(tmp_path / "in" / "noise.png", make.photo(1))
    options = {"face_margin": 0.1, "no_face": "reject", "size": "64", "detector": "haar"}
    run(folder(tmp_path / "in"), tmp_path / "out", **options)
    found = rows(tmp_path / "out")
    assert len(found) == 4 and rejected(tmp_path / "out") == {"noise.png": "no face found"}
    assert all(0.1 < row["face_share"] < 0.9 for row in found.values())
    run(folder(tmp_path / "in"), tmp_path / "whole", size="64")
    for name, row in found.items():
        other = rows(tmp_path / "whole")[name]
        assert other["face_share"] is None and row["sha256"] != other["sha256"]


def test_the_face_of_a_pair_is_looked_for_in_the_target_first(tmp_path, shared, make):
    path = shared / "data" / "faces" / "0150.jpg"
    face, noise = read_pixels(path), make.photo(1, 256, 256)
    options = Options(find_faces=True, detector="haar")
    alone = scan.face(Item("x", face), options)
    assert scan.face(Item("x", noise, face), options) == alone
    assert scan.face(Item("x", face, noise), options) == alone
    assert scan.face(Item("x", noise, noise), options) == (None, None)


def test_the_face_crop_of_a_side_of_another_size_shows_the_same_part(make):
    large = make.photo(1, 256, 256)
    small = squeeze(large, 128, 128)
    box = [64, 80, 100, 100]
    ours, theirs = (face_crop(picture, large, box, 0.2) for picture in (large, small))
    assert ours.shape == (140, 140, 3) and theirs.shape == (70, 70, 3)
    assert np.abs(squeeze(ours, 70, 70).astype(int) - theirs).mean() < 3


def test_equal_names_in_one_folder_do_not_overwrite_each_other(tmp_path, make):
    make.photos(tmp_path / "in", 6)
    make.save(tmp_path / "in" / "0003.bmp", make.photo(50))
    run(folder(tmp_path / "in"), tmp_path / "out")
    found = rows(tmp_path / "out")
    assert len(found) == 7
    assert {found["0003"]["original"], found["0003~2"]["original"]} == {"0003.bmp", "0003.png"}
    assert found["0003"]["sha256"] != found["0003~2"]["sha256"]


def test_a_file_name_that_is_not_utf_8_is_rejected_by_name(tmp_path, make):
    make.photos(tmp_path / "in", 30)
    strange = tmp_path / "in" / os.fsdecode(b"caf\xe9.png")
    try:
        strange.write_bytes(encode_png(make.photo(40)))
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    run(folder(tmp_path / "in"), tmp_path / "out")
    assert rejected(tmp_path / "out") == {"caf\\xe9.png": "file name is not UTF-8"}


def test_a_dry_run_counts_and_writes_nothing(tmp_path, make):
    make.photos(tmp_path / "in", 30)
    (tmp_path / "in" / "a.png").write_bytes(b"")
    before = make.tree(tmp_path)
    options = Options(**SMALL)
    said = prepare(folder(tmp_path / "in"), tmp_path / "out", options, workers=1, dry_run=True)
    assert make.tree(tmp_path) == before and not (tmp_path / "out").exists()
    done = prepare(folder(tmp_path / "in"), tmp_path / "out", options, workers=1)
    assert said.state == "planned" and done.state == "finished"
    assert (said.counts, said.rejected, said.groups) == (done.counts, done.rejected, done.groups)


def test_the_split_hangs_on_names_and_seed_not_on_other_files_or_place(tmp_path, make):
    make.photos(tmp_path / "a", 20)
    make.photos(tmp_path / "elsewhere" / "b", 20)
    make.save(tmp_path / "elsewhere" / "b" / "more.txt", make.photo(1), ".png")
    run(folder(tmp_path / "a"), tmp_path / "1")
    run(folder(tmp_path / "elsewhere" / "b"), tmp_path / "2")
    run(folder(tmp_path / "a"), tmp_path / "3", seed=1)
    one, two, three = (
        {name: row["split"] for name, row in rows(tmp_path / out).items()} for out in "123"
    )
    assert one == two != three


def test_the_identity_changes_with_the_pictures_and_with_the_filter(tmp_path, make):
    make.photos(tmp_path / "in", 5)
    seen = set()
    for out, filter in (("a", "none"), ("b", "pencil"), ("c", "cartoon")):
        run(folder(tmp_path / "in"), tmp_path / out, filter=[filter])
        seen.add(manifest(tmp_path / out)["sha256"])
    assert len(seen) == 3


def test_the_same_command_on_a_finished_dataset_changes_nothing(tmp_path, make):
    run(shapes(count=10, size=32), tmp_path / "out")
    before = make.tree(tmp_path / "out")
    again = run(shapes(count=10, size=32), tmp_path / "out")
    assert again.again and make.tree(tmp_path / "out") == before


def test_another_command_on_a_finished_dataset_is_one_line(tmp_path):
    run(shapes(count=10, size=32), tmp_path / "out")
    with pytest.raises(CannotWrite, match="in use: it was made with seed 0, not 1"):
        run(shapes(count=10, size=32), tmp_path / "out", seed=1)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(CannotWrite, match="not empty: it holds 'thesis"):
        run(shapes(count=10), tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite, match="is a file"):
        run(shapes(count=10), tmp_path / "file")


def test_two_processes_do_not_work_on_one_folder(tmp_path):
    with (
        locked(tmp_path / "out" / ".partial" / "lock-1", tmp_path),
        pytest.raises(CannotWrite, match="in use by another process"),
    ):
        run(shapes(count=10), tmp_path / "out")


def test_pictures_that_vanish_between_the_passes_are_one_line(tmp_path, make):
    make.photos(tmp_path / "in", 5)
    prepare(folder(tmp_path / "in"), tmp_path / "out", Options(**SMALL), workers=1, shard=(1, 2))
    (tmp_path / "in" / "0001.png").write_bytes(b"")
    with pytest.raises(BadData, match="changed meanwhile"):
        for index in (2, 1):
            options = Options(**SMALL)
            prepare(folder(tmp_path / "in"), tmp_path / "out", options, workers=1, shard=(index, 2))
        run(folder(tmp_path / "in"), tmp_path / "out2")


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_pictures_for_three_splits_are_one_line(tmp_path, make, count):
    make.photos(tmp_path / "in", count)
    with pytest.raises(BadData, match="split would hold no picture"):
        run(folder(tmp_path / "in"), tmp_path / "out")


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "0"},
        {"size": "12x"},
        {"size": "2x3x4"},
        {"work_size": 16, "filter": ["pencil"]},
        {"background": "blurple"},
        {"filter": ["crtoon"]},
        {"filter": ["cartoon:levels"]},
        {"filter": ["cartoon:levles=2"]},
        {"filter": ["cartoon:levels=two"]},
        {"filter": ["cartoon:median=4"]},
        {"filter": ["cartoon:method=median"]},
        {"filter": None},
        {"min_face": 2.0},
        {"bad_limit": -1.0},
        {"face_margin": -0.5},
        {"min_side": -1},
        {"limit": 0.0},
        {"fractions": "1,1,1"},
        {"counts": "a,b,c"},
    ],
)
def test_a_wrong_option_is_one_line_before_any_work(tmp_path, make, wrong):
    make.photos(tmp_path / "in", 4)
    with pytest.raises(UserError) as caught:
        run(folder(tmp_path / "in"), tmp_path / "out", **wrong)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_result_does_not_depend_on_the_number_of_workers(tmp_path, make):
    make.photos(tmp_path / "in", 12)
    run(folder(tmp_path / "in"), tmp_path / "1" / "out", workers=1)
    run(folder(tmp_path / "in"), tmp_path / "2" / "out", workers=2)
    assert make.tree(tmp_path / "1") == make.tree(tmp_path / "2")


def test_a_picture_is_whole_only_with_its_end(tmp_path, make):
    content = encode_png(make.photo(0))
    put(tmp_path / "a" / "b.png", content, tmp_path / "x.tmp")
    assert whole(tmp_path / "a" / "b.png") and not (tmp_path / "x.tmp").exists()
    for cut in (0, 1, 50, len(content) - 1):
        (tmp_path / "a" / "b.png").write_bytes(content[:cut])
        assert not whole(tmp_path / "a" / "b.png")
    assert not whole(tmp_path / "none.png")


def test_every_source_of_the_catalogue_can_be_asked_for(tmp_path):
    assert {"folder", "pairs", "shapes"} <= set(sources)
