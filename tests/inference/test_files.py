"""Folders through a model: resumable, one bad file is one line, only whole files."""

import errno
import os
import time
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from portrayal.core.errors import BadPicture, CannotWrite
from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import GENERATED, marks, read_provenance
from portrayal.inference.files import (
    Files,
    Loaded,
    Outcome,
    equal_sizes,
    translate_bytes,
    translate_files,
)
from portrayal.inference.jobs import find_jobs
from portrayal.inference.translator import How, Translator


class Negative:
    """A recipe that inverts; counts how many pictures it was shown at once."""

    multiple = 4

    def __init__(self, answer=lambda source, call: -source):
        self.answer, self.batches = answer, []

    def translate(self, source, *, reverse=False, seed=0, report=None):
        self.batches.append(len(source))
        return self.answer(source, len(self.batches))


def negative(model="1", *answer):
    facts = {"recipe": "negative", "config": {}, "data": {"size": [8, 8]}}
    return Translator(Negative(*answer), facts, {"files": {"weights.safetensors": model * 64}})


@pytest.fixture
def photos(tmp_path, noise):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for index, name in enumerate(["a.png", "b.png", "below/c.png", "below/d.png"]):
        (folder / name).write_bytes(encode(noise(8, 8 + index % 2 * 4, index), ".png"))
    return folder


def run(translator, source, out, how=How(), files=Files(), suffix="png", **options):
    jobs = find_jobs(source, out, suffix)
    outcomes = list(translate_files(translator, jobs, how, files, **options))
    return {outcome.name: outcome for outcome in outcomes}


def kinds(outcomes):
    return sorted(outcome.kind for outcome in outcomes.values())


def tree(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_folder_is_translated_into_a_tree_of_the_same_names(photos, tmp_path):
    assert kinds(run(negative(), photos, tmp_path / "out")) == ["done"] * 4
    assert tree(tmp_path / "out").keys() == tree(photos).keys()
    for name in tree(photos):
        wanted = 255 - read_pixels(photos / name)
        np.testing.assert_array_equal(read_pixels(tmp_path / "out" / name), wanted)


def test_more_than_fifty_outputs_keep_their_names(tmp_path, noise):
    (tmp_path / "in").mkdir()
    for index in range(120):
        Image.fromarray(noise(4, 4, index)).save(tmp_path / "in" / f"face {index}.bmp")
    outcomes = run(negative(), tmp_path / "in", tmp_path / "out")
    assert kinds(outcomes) == ["done"] * 120
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {
        f"face {index}" for index in range(120)
    }


def test_what_is_done_is_skipped_and_its_file_is_not_touched(photos, tmp_path):
    run(negative(), photos, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    translator = negative()
    assert kinds(run(translator, photos, tmp_path / "out")) == ["skipped"] * 4
    assert translator.recipe.batches == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(photos, tmp_path, suffix):
    run(negative(), photos, tmp_path / "whole", suffix=suffix)
    jobs = find_jobs(photos, tmp_path / "parts", suffix)
    stopped = translate_files(negative(), jobs, How(), Files(), batch=1)
    assert len(list(islice(stopped, 1))) == 1
    stopped.close()
    assert "skipped" in kinds(run(negative(), photos, tmp_path / "parts", suffix=suffix))
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_another_model_setting_or_source_is_translated_anew(photos, tmp_path):
    out = tmp_path / "out"
    run(negative(), photos, out)
    assert kinds(run(negative("2"), photos, out)) == ["done"] * 4
    assert kinds(run(negative("2"), photos, out, How(seed=1))) == ["done"] * 4
    kept = Files(keep_exif=True)
    assert kinds(run(negative("2"), photos, out, How(seed=1), kept)) == ["done"] * 4
    (photos / "a.png").write_bytes(encode(np.zeros((8, 8, 3), np.uint8), ".png"))
    outcomes = run(negative("2"), photos, out, How(seed=1), kept)
    assert [name for name, outcome in outcomes.items() if outcome.kind == "done"] == ["a.png"]


def test_what_another_version_made_in_the_same_way_is_done(photos, tmp_path):
    run(negative(), photos, tmp_path / "out")
    path = tmp_path / "out" / "a.png"
    older = replace(read_provenance(path), version="0.0.1")
    path.write_bytes(encode(read_pixels(path), ".png", marks(older)))
    assert kinds(run(negative(), photos, tmp_path / "out")) == ["skipped"] * 4


def test_quality_is_that_of_jpeg_and_webp(photos, tmp_path):
    sizes = {}
    for suffix in ("jpg", "webp", "png"):
        for quality in (20, 95):
            out = tmp_path / f"{quality}.{suffix}"
            run(negative(), photos / "a.png", out, files=Files(quality=quality))
            sizes[suffix, quality] = out.stat().st_size
    assert sizes["jpg", 20] < sizes["jpg", 95]
    assert sizes["webp", 20] < sizes["webp", 95]
    assert sizes["png", 20] == sizes["png", 95]


def test_the_next_group_is_read_while_the_network_has_this_one(tmp_path, noise):
    (tmp_path / "in").mkdir()
    for index in range(40):
        (tmp_path / "in" / f"{index:02d}.png").write_bytes(encode(noise(4, 4, index), ".png"))
    opened = []

    class Watched(type(tmp_path)):
        def open(self, *args, **kwargs):
            opened.append(self.name)
            return super().open(*args, **kwargs)

    def slowly(source, call):  # no answer before the pictures of the next group are being read
        deadline = time.monotonic() + 20
        while call == 1 and len(opened) < 32:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return -source

    jobs = [replace(j, source=Watched(j.source)) for j in find_jobs(tmp_path / "in", tmp_path)]
    outcomes = list(translate_files(negative("1", slowly), jobs, batch=16))
    assert [outcome.name for outcome in outcomes] == [job.name for job in jobs]
    assert {outcome.kind for outcome in outcomes} == {"done"}


def test_an_interrupt_in_the_network_ends_while_readers_wait_for_room(tmp_path):
    (tmp_path / "in").mkdir()
    content = encode(np.zeros((2100, 2100, 3), np.uint8), ".png")  # four fill the room
    for index in range(10):
        (tmp_path / "in" / f"{index}.png").write_bytes(content)

    def interrupted(source, call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(negative("1", interrupted), tmp_path / "in", tmp_path / "out")
    assert tree(tmp_path / "in").keys() == {f"{index}.png" for index in range(10)}


def test_a_file_that_is_not_ours_is_never_overwritten_unless_asked(photos, tmp_path, noise):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(encode(noise(3, 3), ".png"))
    (out / "b.png").write_bytes(b"a diary")
    before = tree(out)
    outcomes = run(negative(), photos, out)
    assert outcomes["a.png"].kind == outcomes["b.png"].kind == "failed"
    assert "is not ours; --overwrite" in outcomes["a.png"].reason
    assert {name: tree(out)[name] for name in before} == before
    outcomes = run(negative(), photos, out, files=Files(overwrite=True))
    assert kinds(outcomes) == ["done", "done", "skipped", "skipped"]


def test_without_a_mark_what_exists_is_left_alone(photos, tmp_path):
    out, plain = tmp_path / "out", Files(provenance=False)
    assert kinds(run(negative(), photos, out, files=plain)) == ["done"] * 4
    assert read_provenance(out / "a.png") is None
    assert b"Portrayal" not in (out / "a.png").read_bytes()
    outcomes = run(negative(), photos, out, files=plain)
    assert kinds(outcomes) == ["skipped"] * 4
    assert "--overwrite" in outcomes["a.png"].reason


def test_bad_files_are_named_with_reasons_and_the_others_are_done(photos, tmp_path, noise):
    (photos / "cut.png").write_bytes(encode(noise(50, 50), ".png")[:900])
    (photos / "empty.jpg").touch()
    (photos / "text.png").write_text("hello")
    (photos / "huge.png").write_bytes(encode(noise(1100, 1000), ".png"))
    (photos / "lost.png").symlink_to(tmp_path / "nowhere.png")
    outcomes = run(negative(), photos, tmp_path / "out", files=Files(limit=1))
    failed = {n: outcome.reason for n, outcome in outcomes.items() if outcome.kind == "failed"}
    assert failed.keys() == {"cut.png", "empty.jpg", "text.png", "huge.png", "lost.png"}
    assert failed["empty.jpg"] == "empty file"
    assert "1.1 megapixels" in failed["huge.png"]
    assert failed["lost.png"] == "no such file or directory"
    assert not any(str(tmp_path) in reason or "\n" in reason for reason in failed.values())
    assert kinds(outcomes).count("done") == 4
    assert len(tree(tmp_path / "out")) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_one_failure(photos, tmp_path):
    (photos / "a.png").chmod(0)
    assert run(negative(), photos, tmp_path / "out")["a.png"].reason == "permission denied"


def test_an_output_that_cannot_exist_fails_alone(photos, tmp_path):
    (tmp_path / "out" / "a.png").mkdir(parents=True)  # a folder where a file should go
    (photos / ("x" * 245 + ".png")).write_bytes((photos / "a.png").read_bytes())
    outcomes = run(negative(), photos, tmp_path / "out")
    assert kinds(outcomes) == ["done"] * 3 + ["failed"] * 2
    assert "too long" in outcomes["x" * 245 + ".png"].reason


def test_a_full_disk_ends_the_run_in_one_line(photos, tmp_path):
    def full(path, content):
        raise CannotWrite(f"Cannot write {path}: the disk is full.") from OSError(errno.ENOSPC, "")

    jobs = find_jobs(photos, tmp_path / "out")
    with pytest.raises(CannotWrite, match="disk is full"):
        list(translate_files(negative(), jobs, write=full))


def test_pictures_of_one_size_go_together_and_others_do_not_wait_for_ever(photos, tmp_path):
    translator = negative()
    run(translator, photos, tmp_path / "out", batch=4)
    assert sorted(translator.recipe.batches) == [2, 2]
    alone = negative()
    run(alone, photos, tmp_path / "alone", batch=1)
    assert alone.recipe.batches == [1, 1, 1, 1]
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")


def test_groups_hold_one_size_and_a_bounded_number_of_pixels():
    def loaded(height, width):
        return Loaded(None, np.zeros((height, width, 3), np.uint8), None)

    items = [loaded(10 + index, 10) for index in range(100)]
    items.insert(50, Outcome("x", "failed"))
    seen = pending = 0
    for group in equal_sizes(iter(items), tile=32, batch=None):
        assert len({getattr(item, "pixels", np.empty(0)).shape for item in group}) == 1
        seen += len(group)
    assert seen == 101
    taken = 0

    def counting():
        nonlocal taken
        for item in items:
            taken += 1
            yield item

    groups = equal_sizes(counting(), tile=32, batch=None)
    next(groups)
    pending = sum(item.pixels.shape[0] * 10 for item in items[:taken] if hasattr(item, "pixels"))
    assert pending <= 4 * 32 * 32 + 110 * 10


def photo_with_gps(path, orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of Ann"
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_exif_is_dropped_unless_asked_for_and_then_turned_upright(tmp_path, suffix):
    source = photo_with_gps(tmp_path / "in.jpg")
    run(negative(), source, tmp_path / "plain", suffix=suffix)
    plain = tmp_path / "plain" / f"in.{suffix}"
    with Image.open(plain) as image:
        assert image.size == (8, 16)
        assert not image.getexif()
    assert b"Camera of Ann" not in plain.read_bytes()
    run(negative(), source, tmp_path / "kept", files=Files(keep_exif=True), suffix=suffix)
    with Image.open(tmp_path / "kept" / f"in.{suffix}") as image:
        assert image.size == (8, 16)
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F] == "Camera of Ann"
        assert image.getexif().get_ifd(0x8825)[1] == "N"
    assert read_provenance(tmp_path / "kept" / f"in.{suffix}").recipe == "negative"


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_grey_transparent_and_deep_pictures_are_fine(tmp_path, noise, mode):
    image = Image.fromarray(noise(12, 9)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.array(image).astype(np.uint16) * 257)
    source = tmp_path / ("in.tif" if mode == "CMYK" else "in.png")
    image.save(source)
    assert kinds(run(negative(), source, tmp_path / "out")) == ["done"]
    with Image.open(tmp_path / "out" / "in.png") as answer:
        assert (answer.mode, answer.size) == ("RGB", (9, 12))
        np.testing.assert_array_equal(np.array(answer), 255 - read_pixels(source))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_an_output_says_what_made_it(photos, tmp_path, suffix):
    run(negative(), photos / "a.png", tmp_path / f"out.{suffix}")
    mark = read_provenance(tmp_path / f"out.{suffix}")
    assert (mark.recipe, mark.model) == ("negative", "1" * 64)
    assert GENERATED.encode() in (tmp_path / f"out.{suffix}").read_bytes()


def test_bytes_in_and_bytes_out(photos):
    content = (photos / "a.png").read_bytes()
    answer = translate_bytes(negative(), content, ".png")
    np.testing.assert_array_equal(read_pixels(answer), 255 - read_pixels(content))
    assert read_provenance(answer).recipe == "negative"
    with pytest.raises(BadPicture, match="standard input: not a picture"):
        translate_bytes(negative(), b"hello", ".png")


def test_an_answer_that_is_not_finite_is_a_failure_of_that_picture(photos, tmp_path):
    translator = negative("1", lambda source, call: source * float("nan") if call == 1 else source)
    outcomes = run(translator, photos, tmp_path / "out", batch=1)
    assert kinds(outcomes) == ["done", "done", "done", "failed"]
    assert len(tree(tmp_path / "out")) == 3
