"""A dataset folder, made by `prepare` or by hand, whole or hostile."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.core.errors import BadData, BadPicture, UnknownName
from portrayal.core.images import Pixels, encode_png
from portrayal.core.runs import write_json
from portrayal.data.dataset import Dataset, Split
from portrayal.data.domains import is_inside, name_of


def picture(value: int, height: int = 4, width: int = 6) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def put(path: Path, value: int = 0, **size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(picture(value, **size)))


def by_hand(folder: Path, names: list[str]) -> Path:
    for value, name in enumerate(names):
        put(folder / f"source/{name}.png", value)
        put(folder / f"target/{name}.png", 100 + value)
    return folder


def row(name: str, **more: object) -> dict[str, object]:
    files = {f"{side}_file_name": f"{side}/{name}.png" for side in ("source", "target")}
    return {**files, "name": name, **more}


def described(folder: Path, rows: list[object]) -> Path:
    """A split with a metadata.jsonl of these rows; text is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows)
    (folder / "metadata.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return folder


def test_a_folder_made_by_hand_is_read_in_the_order_of_names(tmp_path):
    split = Split(by_hand(tmp_path, ["b", "a/c", "a/b"]))
    assert [r["name"] for r in split.rows()] == ["a/b", "a/c", "b"]
    pair = split.pair(2)
    assert (pair.name, pair.source[0, 0, 0], pair.target[0, 0, 0]) == ("b", 0, 100)
    assert len(split) == 3
    assert split.size() == (4, 6)


def test_metadata_decides_what_there_is_and_what_is_known(tmp_path):
    by_hand(tmp_path, ["a", "b", "c"])
    described(tmp_path, [row("c", subject="Zoë"), "", row("a", subject="Al")])
    split = Split(tmp_path)
    assert len(split) == 2
    assert [r["subject"] for r in split.rows()] == ["Zoë", "Al"]
    assert split.pair(0).source[0, 0, 0] == 2
    assert split.pair(1).row["subject"] == "Al"


@given(
    some.lists(
        some.dictionaries(some.text(), some.text() | some.integers(), max_size=3), max_size=6
    )
)
def test_any_row_is_found_by_its_number(tmp_path_factory, extras):
    rows = [{**extra, **row(f"p{i}")} for i, extra in enumerate(extras)]
    split = Split(described(tmp_path_factory.getbasetemp() / "split", rows))
    assert [split.row(i) for i in reversed(range(len(split)))] == rows[::-1]


def test_a_row_without_a_name_is_called_by_its_path(tmp_path):
    nameless = [{k: v for k, v in row(n).items() if k != "name"} for n in ("a/b", "b")]
    other = {**row("c.d"), "target_file_name": "target/e.png", "name": None}
    split = Split(described(tmp_path, [*nameless, other]))
    assert [r["name"] for r in split.rows()] == ["a/b", "b", "c.d"]


def test_the_size_is_that_of_the_first_pair(tmp_path):
    for name, height in (("a", 4), ("b", 5)):
        for side in ("source", "target"):
            put(tmp_path / side / f"{name}.png", height=height)
    assert Split(tmp_path).size() == (4, 6)


@pytest.mark.parametrize(
    ("file", "name"),
    [("source/a.png", "a"), ("source/a/b.c.jpg", "a/b.c"), ("target/1.ppm.bz2", "1"), ("x", "")],
)
def test_a_name_is_the_path_below_the_side_without_suffix(file, name):
    assert name_of(file) == name


FILES = ("source_file_name", "target_file_name")
HOSTILE = ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "", ".", "a\0b", 5, None, ["a"]]


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, v) for key in FILES for v in HOSTILE] + [("name", v) for v in HOSTILE if v],
    ids=repr,
)
def test_a_hostile_row_is_refused_in_one_line(tmp_path, key, value):
    described(tmp_path, [row("good"), {**row("bad"), key: value}])
    by_hand(tmp_path, ["good"])
    split = Split(tmp_path)
    assert split.pair(0).name == "good"
    with pytest.raises(BadData, match=r"jsonl, row 2: .* relative paths without '\.\.', got"):
        split.pair(1)


@given(some.lists(some.sampled_from(["..", ".", "a", "b", "", "..."]), max_size=5))
def test_a_name_that_is_inside_stays_inside(parts):
    name = "/".join(parts)
    home = Path("/home/of/data")
    if is_inside(name):
        steps = [p for p in (home / name).parts if p != "."]
        assert ".." not in steps
        assert steps[:4] == list(home.parts)
        assert len(steps) > 4


@pytest.mark.parametrize("line", ['{"source_file_name": "sou', "[1, 2]", "hello", "\x00\x00", "7"])
def test_a_line_that_is_no_object_is_one_line_and_others_are_read(tmp_path, line):
    split = Split(described(tmp_path, [row("a"), line, row("b")]))
    assert split.row(2)["name"] == "b"
    with pytest.raises(BadData, match=r"metadata\.jsonl, row 2 is no JSON object: '") as caught:
        split.row(1)
    assert "\n" not in str(caught.value)


def test_a_row_without_a_target_is_refused(tmp_path):
    split = Split(described(tmp_path, [{"source_file_name": "source/a.png"}]))
    with pytest.raises(BadData, match="got None"):
        split.row(0)


def test_names_without_partner_are_counted_and_the_first_is_named(tmp_path):
    by_hand(tmp_path, ["a", "b", "c"])
    put(tmp_path / "source/d.png")
    put(tmp_path / "target/aa.png")
    said = f"{tmp_path}: source and target must hold the same names, but 2 of 5 have no partner, "
    with pytest.raises(BadData) as caught:
        Split(tmp_path)
    assert str(caught.value) == said + "first 'aa'."


def test_the_suffixes_of_a_pair_may_differ(tmp_path):
    by_hand(tmp_path, ["a"])
    (tmp_path / "target/a.png").rename(tmp_path / "target/a.PNG")
    assert Split(tmp_path).pair(0).target[0, 0, 0] == 100


def test_two_files_of_one_name_are_refused_and_none_is_dropped_silently(tmp_path):
    by_hand(tmp_path, ["a"])
    put(tmp_path / "source/a.bmp")
    with pytest.raises(BadData, match=r"source/a\.bmp and source/a\.png have the same name"):
        Split(tmp_path)


def test_pictures_of_two_sizes_are_no_pair(tmp_path):
    put(tmp_path / "source/a.png", height=4, width=6)
    put(tmp_path / "target/a.png", height=5, width=7)
    with pytest.raises(BadData, match=r"source and target of 'a' are 6 x 4 and 7 x 5 pixels;.*--s"):
        Split(tmp_path).pair(0)


def test_a_picture_that_is_gone_or_broken_is_named(tmp_path):
    by_hand(tmp_path, ["a", "b"])
    (tmp_path / "source/a.png").write_bytes(b"no picture")
    split = Split(tmp_path)
    (tmp_path / "target/b.png").unlink()
    for index, name in enumerate(("source/a.png", "target/b.png")):
        with pytest.raises(BadPicture, match=name):
            split.pair(index)


def test_memory_is_eight_bytes_per_row(tmp_path):
    count = 20_000
    described(tmp_path, [row(f"{i:06d}") for i in range(count)])
    tracemalloc.start()
    split = Split(tmp_path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(split) == count
    assert kept < 10 * count
    assert peak < 20 * count + 200_000


def test_a_folder_that_does_not_exist_or_is_no_dataset_is_one_line(tmp_path):
    with pytest.raises(BadData, match=r"No such folder: .*gone\. Make a dataset with: portrayal"):
        Dataset(tmp_path / "gone")
    put(tmp_path / "photo.png")
    with pytest.raises(BadData, match=r"is not a dataset: it has no train, val or test folder"):
        Dataset(tmp_path)
    with pytest.raises(BadData, match="No such folder"):
        Dataset(tmp_path / "photo.png")


def test_a_dataset_that_is_still_being_made_is_not_read(tmp_path):
    by_hand(tmp_path / "train", ["a"])
    (tmp_path / ".partial").mkdir()
    with pytest.raises(BadData, match=r"is not finished\. Run its portrayal prepare command again"):
        Dataset(tmp_path)
    write_json(tmp_path / "manifest.json", {"format": 1})
    assert len(Dataset(tmp_path).split("train")) == 1, "killed while removing .partial"


def test_a_dataset_of_another_format_is_refused(tmp_path):
    by_hand(tmp_path / "train", ["a"])
    write_json(tmp_path / "manifest.json", {"format": 7})
    with pytest.raises(BadData, match=r"has dataset format 7, this version reads 1\. Prepare"):
        Dataset(tmp_path)


def test_a_split_that_is_empty_or_missing_says_what_there_is(tmp_path):
    by_hand(tmp_path / "train", ["a", "b"])
    (tmp_path / "val/source").mkdir(parents=True)
    for name in ("val", "test"):
        with pytest.raises(BadData) as caught:
            Dataset(tmp_path).split(name)
        said = f"{tmp_path} has no pictures in its {name} split (2 in train, 0 in val). Prepare it"
        assert str(caught.value) == said + " with other --fractions or --counts."


@pytest.mark.parametrize("name", ["tets", "../other", "", "/"])
def test_a_split_of_another_name_is_answered(tmp_path, name):
    by_hand(tmp_path / "train", ["a"])
    with pytest.raises(UnknownName, match=r"No split named .* Known: test, train, val\."):
        Dataset(tmp_path).split(name)


def test_a_summary_is_what_a_run_remembers(tmp_path):
    by_hand(tmp_path / "train", ["a", "b"])
    by_hand(tmp_path / "test", ["c"])
    summary = Dataset(tmp_path).summary()
    assert summary.pop("sha256") == Dataset(tmp_path).identity
    assert summary == {
        "path": str(tmp_path),
        "kind": "paired",
        "size": [4, 6],
        "counts": {"train": 2, "test": 1},
    }
    write_json(tmp_path / "manifest.json", {"format": 1, "sha256": "abc", "kind": "unpaired"})
    summary = Dataset(tmp_path).summary()
    assert (summary["sha256"], summary["kind"]) == ("abc", "unpaired")


def test_equal_data_have_an_equal_identity_wherever_they_lie(tmp_path):
    first, second = (by_hand(tmp_path / x / "train", ["a", "b"]).parent for x in ("one", "two"))
    assert Dataset(first).identity == Dataset(second).identity


@pytest.mark.parametrize("change", ["name", "file", "split", "row"])
def test_other_data_have_another_identity(tmp_path, change):
    by_hand(tmp_path / "train", ["a", "b"])
    before = Dataset(tmp_path).identity
    if change == "name":
        by_hand(tmp_path / "train", ["c"])
    elif change == "file":
        put(tmp_path / "train/target/b.png", 7, height=400)
    elif change == "split":
        (tmp_path / "train").rename(tmp_path / "val")
    else:
        described(tmp_path / "train", [row("a"), row("b", subject="x")])
    assert Dataset(tmp_path).identity != before


def apart(folder: Path, sources: int, targets: int) -> Path:
    """A split made by hand whose sides share no name."""
    for index in range(sources):
        put(folder / f"source/s{index}.png", index)
    for index in range(targets):
        put(folder / f"target/t{index}.png", 100 + index)
    return folder


def lone(domain: str, name: str, **more: object) -> dict[str, object]:
    """A row of unpaired data."""
    return {"file_name": f"{domain}/{name}.png", "domain": domain, "name": name, **more}


def test_sides_without_a_common_name_are_two_domains(tmp_path):
    split = Split(apart(tmp_path, 3, 2))
    assert not split.paired
    assert (len(split), split.epoch(), split.size()) == (5, 3, (4, 6))
    sides = {name: split.domain(name) for name in ("source", "target")}
    assert {name: len(side) for name, side in sides.items()} == {"source": 3, "target": 2}
    assert [row["name"] for row in sides["target"].rows()] == ["t0", "t1"]
    assert sides["target"].row(1)["file_name"] == "target/t1.png"
    assert sides["source"].row(1)["source_file_name"] == "source/s1.png"
    assert [int(sides["target"].picture(i)[0, 0, 0]) for i in range(2)] == [100, 101]


def test_rows_with_domains_may_lie_in_any_order_and_share_names(tmp_path):
    apart(tmp_path, 2, 3)
    put(tmp_path / "target/s0.png", 7)
    rows = [lone("target", "t1"), lone("source", "s1"), lone("target", "s0"), lone("source", "s0")]
    split = Split(described(tmp_path, [*rows, lone("target", "t0", subject="Al")]))
    assert [row["name"] for row in split.domain("source").rows()] == ["s1", "s0"]
    assert [row["name"] for row in split.domain("target").rows()] == ["t1", "s0", "t0"]
    assert split.domain("target").row(2)["subject"] == "Al"
    assert int(split.domain("target").picture(1)[0, 0, 0]) == 7
    assert split.epoch() == 3
    assert split.size() == (4, 6)


def test_a_pair_has_both_domains(tmp_path):
    split = Split(by_hand(tmp_path, ["a", "b"]))
    assert split.paired
    assert split.epoch() == 2
    for side, first in (("source", 0), ("target", 100)):
        domain = split.domain(side)
        assert [int(domain.picture(i)[0, 0, 0]) for i in range(2)] == [first, first + 1]
        assert [row["file_name"] for row in domain.rows()] == [f"{side}/a.png", f"{side}/b.png"]


def test_a_pair_whose_source_has_a_column_domain_is_a_pair(tmp_path):
    by_hand(tmp_path, ["a"])
    assert Split(described(tmp_path, [row("a", domain="example.org")])).pair(0).name == "a"


def test_unpaired_data_have_no_pairs_and_say_so_with_the_counts(tmp_path):
    with pytest.raises(BadData) as caught:
        Split(apart(tmp_path, 2, 3)).pair(0)
    said = f"This needs pairs, but {tmp_path} is unpaired: 2 sources, 3 targets. Choose a recipe "
    assert str(caught.value) == said + "or preset that needs none, or prepare pairs of pictures."


@pytest.mark.parametrize(("sources", "targets", "empty"), [(2, 0, "target"), (0, 2, "source")])
def test_an_empty_domain_is_named(tmp_path, sources, targets, empty):
    split = Split(apart(tmp_path, sources, targets))
    assert (split.epoch(), split.size()) == (2, (4, 6))
    with pytest.raises(BadData) as caught:
        split.require_domains("CycleGAN")
    assert str(caught.value) == (
        f"CycleGAN needs pictures of both domains, but {tmp_path} has no {empty} pictures "
        f"({sources} sources, {targets} targets)."
    )
    Split(apart(tmp_path, 2, 2)).require_domains("CycleGAN")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [(key, v, "relative paths") for key in ("file_name", "name") for v in HOSTILE if v]
    + [("domain", v, "domain must be source or target, not") for v in ("A", None, 5, ["x"], "")],
    ids=repr,
)
def test_a_hostile_row_of_unpaired_data_is_refused_in_one_line(tmp_path, key, value, said):
    rows = [lone("source", "s0"), {**lone("target", "t0"), key: value}]
    with pytest.raises(BadData, match=f"row 2: .*{said}") as caught:
        Split(described(apart(tmp_path, 1, 1), rows)).domain("source")
    assert "\n" not in str(caught.value)


def test_a_domain_of_another_name_is_answered(tmp_path):
    with pytest.raises(UnknownName, match=r"No domain named 'A'. Known: source, target"):
        Split(apart(tmp_path, 1, 1)).domain("A")


def test_a_summary_of_unpaired_data_counts_each_domain(tmp_path):
    apart(tmp_path / "train", 3, 2)
    apart(tmp_path / "test", 1, 2)
    dataset = Dataset(tmp_path)
    summary = dataset.summary()
    assert summary["kind"] == "unpaired"
    assert summary["counts"] == {"train": 5, "test": 3}
    assert summary["domains"] == {
        "train": {"source": 3, "target": 2},
        "test": {"source": 1, "target": 2},
    }
    put(tmp_path / "train/target/t9.png")
    assert Dataset(tmp_path).identity != dataset.identity


def test_memory_of_unpaired_data_is_sixteen_bytes_per_row(tmp_path):
    count = 10_000
    rows = [lone("source" if i % 3 else "target", f"{i:06d}") for i in range(count)]
    described(tmp_path, rows)
    split = Split(tmp_path)
    tracemalloc.start()
    found = split.epoch()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == sum(1 for i in range(count) if i % 3)
    assert kept < 12 * count + 20_000
