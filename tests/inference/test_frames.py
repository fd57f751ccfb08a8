"""Frames in a folder: in the order of a film, blended, and the same files after any stop."""

import math
from itertools import islice

import numpy as np
import pytest

from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import read_provenance
from portrayal.inference.files import Files
from portrayal.inference.frames import Flickers, in_order, translate_frames
from portrayal.inference.jobs import Job, find_jobs
from portrayal.inference.steady import Before, steadied
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import How, Translator

COUNT = 11


class Flickering:
    """Inverts; every other answer is lighter."""

    multiple = 4

    def __init__(self):
        self.calls = 0

    def translate(self, source, *, reverse=False, seed=0, report=None):
        light = float(source.mean() > 0) * 0.2  # of the frame alone, so that any order gives it
        self.calls += 1
        return (light - source).clamp(-1, 1)


def translator(model="1"):
    facts = {"recipe": "flickering", "config": {}, "data": {"size": [32, 32]}}
    return Translator(Flickering(), facts, {"files": {"weights.safetensors": model * 64}})


@pytest.fixture
def film(tmp_path, scene):
    """frame_0 to frame_10: a still picture, every other frame a little lighter."""
    folder = tmp_path / "film"
    folder.mkdir()
    still = scene(32, 32).astype(float)
    still += 126 - still.mean()
    for index in range(COUNT):
        pixels = np.clip(still + 4 * (index % 2), 0, 255).astype(np.uint8)
        (folder / f"frame_{index}.png").write_bytes(encode(pixels, ".png"))
    return folder


def run(model, film, out, how=How(), files=Files(), flickers=None):
    flickers = flickers or Flickers()
    return list(translate_frames(model, find_jobs(film, out), how, files, flickers))


def tree(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_order_is_that_of_numbers_in_names(tmp_path):
    names = ["b1.png", "a10.png", "a2.png", "a2/b.png", "a.png", "a02.png"]
    jobs = [Job(tmp_path / name, tmp_path / name, name) for name in names]
    found = [job.name for job in sorted(jobs, key=in_order)]
    assert found.index("a2.png") < found.index("a10.png") < found.index("b1.png")
    backwards = list(reversed(jobs))
    assert found == [job.name for job in sorted(backwards, key=in_order)]


def test_every_frame_is_its_answer_blended_with_the_one_before(film, tmp_path):
    outcomes = run(translator(), film, tmp_path / "out")
    assert [outcome.name for outcome in outcomes] == [f"frame_{n}.png" for n in range(COUNT)]
    assert {outcome.kind for outcome in outcomes} == {"done"}
    before, model = None, translator()
    for index in range(COUNT):
        frame = read_pixels(film / f"frame_{index}.png")
        answer = model.translate(frame)
        wanted = steadied(before, frame, answer).pixels
        found = read_pixels(tmp_path / "out" / f"frame_{index}.png")
        np.testing.assert_array_equal(found, wanted)
        before = Before(frame, answer, wanted)
    assert read_provenance(tmp_path / "out" / "frame_3.png").recipe == "flickering"


def test_flicker_is_told_and_lower_than_without(film, tmp_path):
    flickers = Flickers()
    run(translator(), film, tmp_path / "out", flickers=flickers)
    after, before = flickers.means()
    assert len(flickers.after) == COUNT - 1
    assert 0 < after < before / 1.5
    assert all(map(math.isnan, Flickers().means()))


@pytest.mark.parametrize("done", [1, 4, COUNT - 1])
def test_a_stopped_run_goes_on_to_the_same_bytes_without_doing_a_frame_twice(film, tmp_path, done):
    run(translator(), film, tmp_path / "whole")
    jobs = find_jobs(film, tmp_path / "parts")
    stopped = translate_frames(translator(), jobs, How(), Files(), Flickers())
    assert len(list(islice(stopped, done))) == done
    stopped.close()
    again = translator()
    kinds = [outcome.kind for outcome in run(again, film, tmp_path / "parts")]
    assert kinds == ["skipped"] * done + ["done"] * (COUNT - done)
    assert again.recipe.calls == COUNT - done
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")
    third = translator()
    assert {o.kind for o in run(third, film, tmp_path / "parts")} == {"skipped"}
    assert third.recipe.calls == 0


def test_a_frame_that_changed_makes_all_after_it_anew_and_none_before(film, tmp_path):
    run(translator(), film, tmp_path / "out")
    (film / "frame_5.png").write_bytes(encode(np.zeros((32, 32, 3), np.uint8), ".png"))
    kinds = [outcome.kind for outcome in run(translator(), film, tmp_path / "out")]
    assert kinds == ["skipped"] * 5 + ["done"] * (COUNT - 5)
    assert {o.kind for o in run(translator("2"), film, tmp_path / "out")} == {"done"}


def test_answers_that_are_not_steady_are_not_taken_for_it(film, tmp_path):
    list(translate_files(translator(), find_jobs(film, tmp_path / "out"), How(), Files()))
    assert {outcome.kind for outcome in run(translator(), film, tmp_path / "out")} == {"done"}


def test_a_bad_frame_fails_alone_and_blending_begins_anew_after_it(film, tmp_path):
    (film / "frame_4.png").write_bytes(b"no picture")
    outcomes = run(translator(), film, tmp_path / "out")
    assert [o.name for o in outcomes if o.kind == "failed"] == ["frame_4.png"]
    frame = read_pixels(film / "frame_5.png")
    found = read_pixels(tmp_path / "out" / "frame_5.png")
    np.testing.assert_array_equal(found, translator().translate(frame))


def test_a_file_that_is_not_ours_stays(film, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "frame_2.png").write_bytes(b"a diary")
    outcomes = {o.name: o for o in run(translator(), film, out)}
    assert "not ours" in outcomes["frame_2.png"].reason
    assert (out / "frame_2.png").read_bytes() == b"a diary"
    assert [o.kind for o in outcomes.values()].count("done") == COUNT - 1
