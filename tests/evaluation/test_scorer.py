import pytest
import torch

from portrayal.core.images import pixels_of, read_pixels, unit
from portrayal.data.dataset import Dataset
from portrayal.evaluation.evaluate import Request, evaluate_run
from portrayal.evaluation.scorer import choose_metrics, score_picture, validation_scorer
from portrayal.inference.load import load


class Returning:
    """A recipe that does something simple, and counts."""

    def __init__(self, change=lambda source: source):
        self.change, self.seen = change, []

    def translate(self, source):
        self.seen.append(source)
        return self.change(source)


def test_validation_and_evaluation_are_one_scorer(run, data):
    scores = validation_scorer(Dataset(data).split("val"))(load(run, device="cpu").recipe)
    results = evaluate_run(run, Request(draws=10), split="val").results
    for metric, (value, better) in scores.items():
        assert value == pytest.approx(results.score(metric).value, abs=1e-12)
        assert better == results.score(metric).better


def test_returning_the_input_scores_as_the_input(run, data):
    scores = validation_scorer(Dataset(data).split("val"))(Returning())
    results = evaluate_run(run, Request(draws=10), split="val").results
    for metric, (value, _) in scores.items():
        assert value == pytest.approx(results.score(metric, "input").value, abs=1e-12)


def test_a_limit_takes_the_same_pictures_from_all_over_the_split(data):
    recipe = Returning()
    score = validation_scorer(Dataset(data).split("val"), limit=3)
    assert score(recipe) == score(recipe)
    split = Dataset(data).split("val")
    seen = [pixels_of((source[0] + 1) / 2) for source in recipe.seen]
    wanted = [split.pair(index).source for index in (0, 2, 4)] * 2
    assert len(seen) == 6
    assert all((a == b).all() for a, b in zip(seen, wanted, strict=True))


def test_validation_keeps_the_random_state_of_training(run, data):
    recipe = load(run, device="cpu").recipe
    torch.manual_seed(3)
    before = torch.get_rng_state()
    validation_scorer(Dataset(data).split("val"))(recipe)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_lone_picture_can_be_validated(tmp_path):
    from untrained import make_dataset

    split = Dataset(make_dataset(tmp_path / "d", {"train": 1, "val": 1})).split("val")
    assert validation_scorer(split)(Returning())["ssim"][0] < 1


def test_a_picture_in_memory_scores_as_its_file(data, tmp_path):
    from untrained import save_picture

    pair = Dataset(data).split("test").pair(0)
    fake = pixels_of(unit(pair.source) * 0.7)
    save_picture(tmp_path / "a.png", fake)
    names = ["l1", "psnr", "ssim"]
    in_memory = score_picture(names, fake, pair.target, pair.row)
    assert in_memory == score_picture(names, read_pixels(tmp_path / "a.png"), pair.target, pair.row)


def test_classes_are_scored_only_when_all_are_known():
    usual = ["l1", "psnr", "ssim"]
    assert choose_metrics(None, ["ship", "tree"]) == ["class_colour", *usual]
    for classes in ([], ["ship", None], ["ship", "car"], [None], [3]):
        assert choose_metrics(None, classes) == usual
    assert choose_metrics(["ssim", "l1", "ssim"], []) == ["ssim", "l1"]
