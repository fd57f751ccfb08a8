"""Several sources per training picture: rows that share a target, drawn by seed, name, variant."""

import json

import numpy as np
import pytest

from portrayal.core.errors import BadOption, CannotWrite
from portrayal.core.images import pixels_hash, read_pixels
from portrayal.data.audit import audit
from portrayal.data.dataset import Dataset
from portrayal.data.options import Options, parse_filter
from portrayal.data.prepare import prepare
from portrayal.data.sources.folder import folder
from portrayal.data.sources.pairs import pairs
from portrayal.data.write import resized
from portrayal.filters.varied import drawn

PLAIN = {"size": "32", "work_size": 64, "filter": ["cartoon"]}


def run(pictures, out, **options):
    extra = {key: options.pop(key) for key in ("workers", "shard") if key in options}
    return prepare(folder(pictures), out, Options(**{**PLAIN, **options}), **{"workers": 1} | extra)


def rows(out, split):
    lines = (out / split / "metadata.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, make):
    place = tmp_path_factory.mktemp("variants")
    make.photos(place / "in", 12)
    outcome = run(place / "in", place / "out", variants=2, subject="(.*)")
    return place, outcome


def test_only_training_pictures_have_variants_and_the_counts_are_rows(prepared):
    place, outcome = prepared
    out = place / "out"
    assert outcome.counts == Dataset(out).counts() == {"train": 30, "val": 1, "test": 1}
    assert json.loads((out / "manifest.json").read_text())["counts"] == outcome.counts
    names = [row["name"] for row in rows(out, "train")]
    plain = [name for name in names if "~" not in name]
    assert sorted(names) == sorted(f"{n}{v}" for n in plain for v in ("", "~v1", "~v2"))
    assert not any("~" in row["name"] for s in ("val", "test") for row in rows(out, s))


def test_variants_share_subject_group_and_the_one_target_file(prepared):
    out = prepared[0] / "out" / "train"
    by_name = {row["name"]: row for row in rows(prepared[0] / "out", "train")}
    assert len(list((out / "target").iterdir())) == 10
    assert len(list((out / "source").iterdir())) == 30
    for name, row in by_name.items():
        plain = by_name[name.partition("~")[0]]
        for same in ("subject", "group", "target_file_name", "sha256", "original", "face_share"):
            assert row[same] == plain[same]
        assert row["sha256"] == pixels_hash(read_pixels(out / row["target_file_name"]))
        assert row["source_sha256"] == pixels_hash(read_pixels(out / row["source_file_name"]))
    assert len({row["source_sha256"] for row in by_name.values()}) == 30


def test_a_source_can_be_made_again_from_its_recipe(prepared):
    place = prepared[0]
    for row in rows(place / "out", "train"):
        pixels = read_pixels(place / "in" / row["original"])
        for text in row["recipe"].split(" "):
            pixels = parse_filter(text)(pixels)
        made = read_pixels(place / "out" / "train" / row["source_file_name"])
        assert np.array_equal(resized(pixels, (32, 32)), made)
        plain = row["name"].partition("~")[0]
        wanted = ["cartoon"] if row["variant"] == 0 else drawn(0, plain, row["variant"])
        assert row["recipe"] == " ".join(wanted)


def test_all_splits_have_the_same_columns(prepared):
    columns = {tuple(row) for s in ("train", "val", "test") for row in rows(prepared[0] / "out", s)}
    assert len(columns) == 1 and {"variant", "recipe"} <= set(*columns)
    assert {row["recipe"] for row in rows(prepared[0] / "out", "test")} == {"cartoon"}


def test_variants_are_no_near_duplicates_to_inspect(prepared):
    assert audit(prepared[0] / "out", faces=False)["near_duplicates"]["groups"] == 0


def test_workers_and_shards_change_no_file(prepared, tmp_path, make):
    pictures = prepared[0] / "in"
    for part in (1, 2, 1, 2):
        run(pictures, tmp_path / "shards", variants=2, subject="(.*)", shard=(part, 2))
    run(pictures, tmp_path / "workers", variants=2, subject="(.*)", workers=2)
    expected = make.tree(prepared[0] / "out")
    del expected["manifest.json"]
    for other in ("shards", "workers"):
        found = make.tree(tmp_path / other)
        assert {name: found[name] for name in expected} == expected


def test_a_broken_variant_or_target_is_made_again(prepared, tmp_path, make):
    """As after a kill: rows are known, but two files are not whole."""
    from portrayal.data import prepare as stages

    expected = make.tree(prepared[0] / "out")
    pictures, out = prepared[0] / "in", tmp_path / "out"

    class Killed(Exception):
        pass

    def dying_bar(title, **_):
        from contextlib import contextmanager

        @contextmanager
        def opened():
            seen = []

            def advance(amount=1, **_):
                seen.append(amount)
                if title == "Writing" and len(seen) == 17:
                    raise Killed

            yield advance

        return opened()

    options = Options(**PLAIN, variants=2, subject="(.*)")
    with pytest.raises(Killed):
        stages.prepare(folder(pictures), out, options, workers=1, bar=dying_bar)
    written = sorted((out / ".partial" / "pictures").rglob("*.png"))
    for path in (next(p for p in written if "~v1" in p.name), written[-1]):
        path.write_bytes(path.read_bytes()[:-4])
    run(pictures, out, variants=2, subject="(.*)")
    found = make.tree(out)
    assert {n: b for n, b in found.items() if n != "manifest.json"} == {
        n: b for n, b in expected.items() if n != "manifest.json"
    }


def test_without_variants_rows_and_finished_folders_are_as_before(tmp_path, make):
    make.photos(tmp_path / "in", 10)
    run(tmp_path / "in", tmp_path / "out")
    assert "variant" not in rows(tmp_path / "out", "train")[0]
    path = tmp_path / "out" / "manifest.json"
    old = json.loads(path.read_text())
    del old["options"]["variants"]  # of a version that did not know the option
    path.write_text(json.dumps(old))
    assert run(tmp_path / "in", tmp_path / "out").again
    with pytest.raises(CannotWrite, match="variants None, not 3"):
        run(tmp_path / "in", tmp_path / "out", variants=3)


def test_copies_of_one_name_and_variants_do_not_collide(tmp_path, make):
    for index in range(10):
        make.save(tmp_path / "in" / f"{index}.png", make.photo(index))
        make.save(tmp_path / "in" / f"{index}.jpg", make.photo(100 + index))
    run(tmp_path / "in", tmp_path / "out", variants=2, counts="18,1,1")
    names = [row["name"] for row in rows(tmp_path / "out", "train")]
    assert len(names) == len(set(names)) == 54
    assert any(name.endswith("~2~v1") for name in names)


@pytest.mark.parametrize("count", [-1, 101])
def test_a_wrong_number_is_one_line(count, tmp_path, make):
    make.photos(tmp_path / "in", 4)
    with pytest.raises(BadOption, match=f"--variants is {count}, but must be 0 to 100"):
        run(tmp_path / "in", tmp_path / "out", variants=count)


def test_pairs_have_their_sources_already(tmp_path, make):
    for side in "ab":
        make.photos(tmp_path / side, 4)
    options = Options(size="32", variants=1)
    with pytest.raises(BadOption, match="come as pairs"):
        prepare(pairs(tmp_path / "a", tmp_path / "b"), tmp_path / "out", options, workers=1)
