"""Models of joint pictures draw their input again: that half is kept, scored and shown."""

import json
import shutil

import numpy as np
import pytest
import torch
from untrained import joint_run, make_dataset, smooth

from portrayal.core.images import read_pixels, signed
from portrayal.evaluation.comparison.compare import Plan, compare
from portrayal.evaluation.evaluate import Request, evaluate_run
from portrayal.inference.load import load
from portrayal.inference.translator import How
from portrayal.reports.pages import write_report

ASKED = Request(["l1"], draws=100)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("known") / "data", {"train": 2, "test": 3})


@pytest.mark.parametrize("recipe", ["completion", "contextual"])
def test_the_known_half_is_scored_against_the_input(tmp_path, data, recipe):
    """KL and L1 of one picture are those of the half that the recipe itself returns."""
    run = joint_run(tmp_path / recipe, data, recipe)
    scored = evaluate_run(run, ASKED)
    assert [s.metric for s in scored.results.of("known")] == ["ink_kl", "l1"]
    source = read_pixels(data / "test/source/p00.png")
    answer, known = load(run).recipe.redrawn(signed(source)[None])
    half = ((known[0] + 1) / 2 * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    assert np.array_equal(read_pixels(run / "translations/test_known/p00.png"), half)
    by_hand = np.abs(half.astype(float) - source).mean() / 255
    assert scored.pictures[0]["known"]["l1"] == pytest.approx(by_hand)
    means = [row["known"]["l1"] for row in scored.pictures]
    assert scored.results.score("l1", question="known").value == pytest.approx(np.mean(means))
    assert "Known half" in write_report(run)[0].read_text()
    assert torch.equal(answer, load(run).recipe.translate(signed(source)[None]))


def test_the_way_back_knows_the_photo(tmp_path, data):
    run = joint_run(tmp_path / "run", data, "contextual")
    scored = evaluate_run(run, ASKED, reverse=True)
    known = read_pixels(run / "translations/test_reverse_known/p01.png")
    photo = read_pixels(data / "test/target/p01.png").astype(float)
    assert scored.pictures[1]["known"]["l1"] == pytest.approx(np.abs(known - photo).mean() / 255)


def test_half_a_picture_changes_no_answer(tmp_path, data):
    """The answer of both halves is that of the answer alone, at any size."""
    translator = load(joint_run(tmp_path / "run", data, "completion"))
    picture = read_pixels(data / "test/source/p00.png")
    small = np.ascontiguousarray(picture[:50, :40])
    for pixels, how in ((picture, How()), (small, How()), (picture[:48, :48], How(resize=True))):
        ((answer, known),) = translator.redraw_all([pixels], how)
        assert np.array_equal(answer, translator.translate(pixels, how))
        assert known.shape == pixels.shape
        assert not np.array_equal(known, answer)


@pytest.mark.parametrize(("height", "width"), [(250, 200), (90, 200), (40, 50)])
def test_resize_takes_a_picture_of_any_aspect_though_the_network_takes_one_size(
    tmp_path, data, height, width
):
    translator = load(joint_run(tmp_path / "run", data, "completion"))
    picture = smooth(1, height, width)
    assert translator.translate(picture, How(resize=True)).shape == picture.shape
    assert max(translator.working_size(picture)) == 64


def test_what_is_missing_or_of_another_model_is_drawn_again(tmp_path, data):
    run = joint_run(tmp_path / "run", data, "completion")
    first = evaluate_run(run, ASKED).pictures
    known = run / "translations/test_known/p00.png"
    content, time = known.read_bytes(), (run / "translations/test_known/p01.png").stat().st_mtime_ns
    known.unlink()
    assert evaluate_run(run, ASKED).pictures == first
    assert known.read_bytes() == content
    assert (run / "translations/test_known/p01.png").stat().st_mtime_ns == time
    other = joint_run(tmp_path / "other", data, "completion", seed=1)
    evaluate_run(other, ASKED)
    shutil.copy(other / "translations/test_known/p00.png", known)
    assert evaluate_run(run, ASKED).pictures == first


def test_two_models_are_compared_by_their_known_halves_and_others_have_none(tmp_path, data, run):
    """pix2pix draws no half: the rows are those of the two models that do."""
    runs = [joint_run(tmp_path / name, data, name) for name in ("completion", "contextual")]
    config = json.loads((run / "config.json").read_text())
    assert config["recipe"] == "pix2pix"
    for each in (*runs, run):
        scored = evaluate_run(each, ASKED, data=data)
        assert bool(scored.results.of("known")) == (each is not run)
    assert not (run / "translations/test_known").exists()
    assert "Known half" not in write_report(run)[0].read_text()
    compared = compare([run, *runs], Plan(draws=100))
    rows = {row.metric: row.cells for row in compared.of("known")}
    assert {name: set(cells) for name, cells in rows.items()} == {
        name: {"completion", "contextual"} for name in ("ink_kl", "l1")
    }
