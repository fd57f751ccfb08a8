"""Unpaired domains on their way into a dataset: counts of each, splits, selection, and refusals."""

import json

import numpy as np
import pytest

from portrayal.cli import answer
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import encode_png, pixels_hash, read_pixels
from portrayal.data.audit import audit
from portrayal.data.contact import contact_sheet
from portrayal.data.dataset import Dataset
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.domains import domains


@pytest.fixture
def two(tmp_path, make):
    """30 sources and 12 targets; some names are the same by accident."""
    make.photos(tmp_path / "photos", 30)
    for index in range(12):
        make.save(tmp_path / f"paintings/{index + 25:04d}.png", make.photo(100 + index, 80, 64))
    return tmp_path / "photos", tmp_path / "paintings"


def run(two, out, **options):
    return prepare(domains(*two), out, Options(**{"size": "32", **options}), workers=1)


def rows(out, split):
    return [json.loads(line) for line in (out / split / "metadata.jsonl").read_text().splitlines()]


def names(out, split, domain):
    return {row["name"] for row in rows(out, split) if row["domain"] == domain}


def test_each_domain_has_splits_of_its_own(two, tmp_path):
    out = tmp_path / "out"
    outcome = run(two, out)
    domains = {
        "train": {"source": 24, "target": 10},
        "val": {"source": 3, "target": 1},
        "test": {"source": 3, "target": 1},
    }
    assert outcome.domains == domains
    assert outcome.counts == {"train": 34, "val": 4, "test": 4}
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["kind"], manifest["domains"]) == ("unpaired", domains)
    dataset = Dataset(out)
    assert dataset.domains() == domains
    assert dataset.counts() == outcome.counts
    assert dataset.summary()["kind"] == "unpaired"
    assert not dataset.split("train").paired


def test_every_picture_lies_where_its_row_says_and_is_what_it_was(two, tmp_path, make):
    out = tmp_path / "out"
    run(two, out, size="64", filter=["none"])
    seen = {"source": set(), "target": set()}
    for split in ("train", "val", "test"):
        for row in rows(out, split):
            picture = read_pixels(out / split / row["file_name"])
            assert row["file_name"] == f"{row['domain']}/{row['name']}.png"
            assert row["sha256"] == pixels_hash(picture)
            number = int(row["name"])
            if row["domain"] == "source":
                assert np.array_equal(picture, make.photo(number))
            else:
                assert np.array_equal(picture, make.photo(75 + number, 80, 64)[8:72])
            seen[row["domain"]].add(number)
        files = {p.relative_to(out / split).as_posix() for p in (out / split).rglob("*.png")}
        assert files == {row["file_name"] for row in rows(out, split)}
    assert seen == {"source": set(range(30)), "target": set(range(25, 37))}


def test_a_filter_changes_sources_only(two, tmp_path):
    plain, filtered = tmp_path / "plain", tmp_path / "filtered"
    run(two, plain)
    run(two, filtered, filter=["pencil"])
    before, after = (
        {(r["domain"], r["name"]): r["sha256"] for s in ("train", "val") for r in rows(out, s)}
        for out in (plain, filtered)
    )
    assert before.keys() == after.keys()
    for key in before:
        assert (before[key] == after[key]) == (key[0] == "target")


@pytest.mark.parametrize(
    ("counts", "sources", "targets"),
    [("6,2,2", (6, 2, 2), (6, 2, 2)), ("20,5,5:6,3,1", (20, 5, 5), (6, 3, 1))],
)
def test_counts_hold_for_each_domain_or_tell_them_apart(two, tmp_path, counts, sources, targets):
    found = run(two, tmp_path / "out", counts=counts).domains
    for place, split in enumerate(("train", "val", "test")):
        assert found[split] == {"source": sources[place], "target": targets[place]}


def test_the_split_of_a_domain_does_not_hang_on_the_other(two, tmp_path, make):
    run(two, tmp_path / "few")
    make.photos(two[1], 20, start=200)
    run(two, tmp_path / "many")
    for split in ("train", "val", "test"):
        one, other = (names(tmp_path / out, split, "source") for out in ("few", "many"))
        assert one == other


def test_one_subject_in_both_domains_is_in_one_split(tmp_path, make):
    for person in range(12):
        for shot in range(2):
            picture = make.photo(10 * person + shot)
            make.save(tmp_path / f"photos/p{person}/{shot}.png", picture)
        if person % 2:
            make.save(tmp_path / f"art/p{person}/x.png", make.photo(500 + person))
    out = tmp_path / "out"
    run((tmp_path / "photos", tmp_path / "art"), out, subject="folder", fractions="0.5,0.25,0.25")
    where = {}
    for split in ("train", "val", "test"):
        for row in rows(out, split):
            where.setdefault(row["subject"], set()).add(split)
    assert len(where) == 12
    assert all(len(splits) == 1 for splits in where.values()), where


def test_one_picture_in_both_domains_is_in_one_split(two, tmp_path):
    for index in range(25, 30):
        picture = (two[0] / f"{index:04d}.png").read_bytes()
        (two[1] / f"copy{index}.png").write_bytes(picture)
    out = tmp_path / "out"
    assert run(two, out, fractions="0.4,0.3,0.3").groups == 5
    for split in ("train", "val", "test"):
        ours = {name.removeprefix("copy") for name in names(out, split, "target") if "copy" in name}
        assert {f"00{name}" for name in ours} == {
            name for name in names(out, split, "source") if int(name) >= 25
        }
    assert audit(out, faces=False, workers=1)["near_duplicates"]["leaks"] == 0


def test_the_layout_of_cyclegan_keeps_its_splits(tmp_path, make):
    counts = {"trainA": 8, "trainB": 5, "testA": 3, "testB": 4}
    for folder, (name, count) in enumerate(counts.items()):
        for index in range(count):
            place = tmp_path / "in" / name / f"{name}_{index}.png"
            make.save(place, make.photo(100 * folder + index))
    out = tmp_path / "out"
    found = prepare(
        domains(tmp_path / "in"), out, Options(size="32", fractions="1,0,0"), workers=1
    ).domains
    assert found["train"] == {"source": 8, "target": 5}
    assert found["test"] == {"source": 3, "target": 4}


def test_selection_holds_for_both_domains(two, tmp_path, make):
    grey = np.repeat(make.photo(7).mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    make.save(two[0] / "grey.png", grey)
    make.save(two[1] / "grey.png", 255 - grey)
    out = tmp_path / "out"
    run(two, out, grey="reject")
    lines = (out / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["source/grey.png", "target/grey.png"]


def test_a_domain_that_selection_empties_is_named(two, tmp_path, make):
    for place in two[1].iterdir():
        grey = read_pixels(place).mean(axis=2, keepdims=True).astype(np.uint8)
        place.write_bytes(encode_png(np.repeat(grey, 3, axis=2)))
    with pytest.raises(BadData, match=r"No target picture is left, and unpaired data need both"):
        run(two, tmp_path / "out", grey="reject")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ("20,5,5", "target domain: --counts ask for 30 pictures, but 12 are left"),
        ("20,5,5:1,2", "--counts '1,2': give train,val,test"),
        ("1,1,1:1,1,1:1,1,1", "--counts"),
    ],
)
def test_counts_that_cannot_be_are_one_line(two, tmp_path, counts, said):
    with pytest.raises(BadOption, match=said):
        run(two, tmp_path / "out", counts=counts)


def test_bad_folders_are_one_line(two, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/readme.txt").write_text("nothing")
    for given, said in (
        ((two[0], tmp_path / "gone"), "gone is not a folder"),
        ((two[0], two[0]), "Both domains are"),
        ((two[0],), "has no trainA and trainB folders. Give two folders"),
    ):
        with pytest.raises(BadData, match=said):
            domains(*given)
    with pytest.raises(BadData, match=r"The target domain is empty: no pictures in .*1 \.txt"):
        run((two[0], tmp_path / "empty"), tmp_path / "out")


def test_the_command_prints_both_domains_and_inspect_shows_them(two, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["domains", *map(str, two), "--out", str(out), "--size", "32", "--workers", "1"]
    assert answer(["prepare", *words]) == 0
    printed = capsys.readouterr().out
    assert "Sources         24 train, 3 val, 3 test" in printed
    assert "Targets         10 train, 1 val, 1 test" in printed
    assert f"portrayal train cyclegan {out}" in printed
    found = audit(out, faces=False, workers=1)
    pictures = {part: facts["pictures"] for part, facts in found["splits"].items()}
    assert pictures == {
        "train source": 24, "train target": 10, "val source": 3,
        "val target": 1, "test source": 3, "test target": 1,
    }  # fmt: skip
    one_part = contact_sheet(two[0]).shape
    assert contact_sheet(out).shape[1] == one_part[1]


def test_killed_while_writing_the_same_command_goes_on(two, tmp_path, make):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(two, whole)

    def stops(title, *, total, unit, done=0):
        if title == "Writing":
            raise KeyboardInterrupt
        return silent(title, total=total, unit=unit, done=done)

    from portrayal.core.errors import Interrupted
    from portrayal.data.spread import silent

    with pytest.raises(Interrupted):
        prepare(domains(*two), broken, Options(size="32"), workers=1, bar=stops)
    run(two, broken)
    assert make.tree(whole) == make.tree(broken)
