"""Folders through a model: a tree of the same names, in groups of one size, whole when stopped."""

import errno
import time
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from inverting import kinds, negative, run, tree
from PIL import Image

from portrayal.core.errors import CannotWrite
from portrayal.core.images import encode, read_pixels
from portrayal.inference.files import Files, Loaded, Outcome
from portrayal.inference.jobs import find_jobs
from portrayal.inference.streams import equal_sizes, translate_files
from portrayal.inference.translator import How


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


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(photos, tmp_path, suffix):
    run(negative(), photos, tmp_path / "whole", suffix=suffix)
    jobs = find_jobs(photos, tmp_path / "parts", suffix)
    stopped = translate_files(negative(), jobs, How(), Files(), batch=1)
    assert len(list(islice(stopped, 1))) == 1
    stopped.close()
    assert "skipped" in kinds(run(negative(), photos, tmp_path / "parts", suffix=suffix))
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


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
        deadline = time.monotonic() + 600
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


def test_an_answer_that_is_not_finite_is_a_failure_of_that_picture(photos, tmp_path):
    translator = negative("1", lambda source, call: source * float("nan") if call == 1 else source)
    outcomes = run(translator, photos, tmp_path / "out", batch=1)
    assert kinds(outcomes) == ["done", "done", "done", "failed"]
    assert len(tree(tmp_path / "out")) == 3
