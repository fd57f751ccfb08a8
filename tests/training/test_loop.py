"""The loop: a resumed run is the unbroken run, a NaN never reaches the weights."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from portrayal.core.errors import BadData, NotFinite
from portrayal.data.batch import Batch
from portrayal.recipes.pix2pix import Pix2pix
from portrayal.training.loop import Watch, train
from portrayal.training.reading import best_scores, read_weights, whole_names
from portrayal.training.settings import Settings

Batches = Callable[[int], Iterator[Batch]]


def ended(batches: Batches, last: int) -> Batches:
    """The same batches, but the machine "dies" before step `last`."""

    def until(first: int) -> Iterator[Batch]:
        for step, batch in zip(range(first, last), batches(first), strict=False):
            assert step < last
            yield batch

    return until


def weights_of(recipe: Pix2pix) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in recipe.generator.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_resumed_run_equals_an_unbroken_run_to_the_bit(tiny, endless, tmp_path, average):
    settings = Settings(average=average, save_every=2, log_every=1)

    def run(folder: Path, stops: list[int]) -> Pix2pix:
        for stop in stops:
            recipe = tiny(settings)
            train(recipe, ended(endless, stop), folder, settings, steps=6, epoch_steps=3)
        return recipe

    whole, broken = run(tmp_path / "whole", [6]), run(tmp_path / "broken", [3, 5, 6])
    assert same(weights_of(whole), weights_of(broken))
    states = [r.adam_g.state_dict()["state"][0]["exp_avg"] for r in (whole, broken)]
    assert torch.equal(*states)
    saved = [read_weights(tmp_path / name)[0] for name in ("whole", "broken")]
    assert same(*saved)
    assert ("average.generator.first.weight" in saved[0]) == bool(average)

    def terms(name: str) -> list[dict[str, float]]:
        rows = map(json.loads, (tmp_path / name / "log.jsonl").read_text().splitlines())
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]

    assert terms("whole") == terms("broken")
    assert [row["step"] for row in terms("broken")] == [1, 2, 3, 4, 5, 6]


def test_the_learning_rate_is_whole_at_first_and_nothing_at_last(tiny, endless, tmp_path):
    settings = Settings(log_every=1, learning_rate=1e-3)
    train(tiny(settings), endless, tmp_path, settings, steps=5, epoch_steps=5)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["rate"] for row in rows] == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 0.0])


def test_a_logged_line_has_the_four_series_of_the_discriminator_and_unweighted_terms(
    tiny, endless, tmp_path
):
    train(tiny(), endless, tmp_path, Settings(), steps=1, epoch_steps=4)
    row = json.loads((tmp_path / "log.jsonl").read_text())
    series = {"loss_D_real", "loss_D_fake", "p_real", "p_fake", "acc_real", "acc_fake"}
    series |= {"adversarial", "l1"}
    assert series | {"step", "steps", "epoch", "seconds", "rate"} == set(row)
    assert 0 < row["l1"] < 2, "unweighted, or it would be near 100"
    assert row["epoch"] == 0.25


def poisoned(batches: Batches, step: int) -> Batches:
    def stream(first: int) -> Iterator[Batch]:
        for at, batch in zip(range(first, 1000), batches(first), strict=False):
            bad = torch.full_like(batch.target, float("nan"))
            yield replace(batch, target=bad) if at == step else batch

    return stream


def test_a_nan_stops_before_the_optimiser_and_names_the_pictures(tiny, endless, tmp_path):
    settings, recipe = Settings(save_every=1), tiny()
    before: dict[str, torch.Tensor] = {}

    def remember(amount: int, text: str) -> None:
        before.update(weights_of(recipe))

    watch = Watch(advance=remember)
    with pytest.raises(NotFinite, match=r"at step 3, on picture_2_0, picture_2_1\. The last"):
        train(recipe, poisoned(endless, 2), tmp_path, settings, steps=9, epoch_steps=3, watch=watch)
    assert whole_names(tmp_path) == ["00000001", "00000002"]
    finite = {k: v for k, v in weights_of(recipe).items() if "running" not in k and "num" not in k}
    assert all(torch.equal(before[k], v) for k, v in finite.items())


def test_weights_that_are_not_finite_are_never_saved(tiny, endless, tmp_path):
    recipe = tiny()

    def spoil(amount: int, text: str) -> None:
        with torch.no_grad():
            next(recipe.generator.parameters()).fill_(float("inf"))

    with pytest.raises(BadData, match="1 weights are not finite, first generator"):
        watch = Watch(advance=spoil)
        train(recipe, endless, tmp_path, Settings(), steps=1, epoch_steps=1, watch=watch)
    assert whole_names(tmp_path) == []


def test_the_best_checkpoint_of_every_metric_is_kept(tiny, endless, tmp_path):
    scores = iter([(3.0, 0.1), (1.0, 0.5), (2.0, 0.4)])

    def validate() -> dict[str, tuple[float, str]]:
        down, up = next(scores)
        return {"l1": (down, "lower"), "ssim": (up, "higher")}

    settings = Settings(validate_every=1, keep=1, save_every=1)
    watch = Watch(validate=validate, sample=lambda: b"png")
    train(tiny(), endless, tmp_path, settings, steps=3, epoch_steps=3, watch=watch)
    assert best_scores(tmp_path) == {"l1": 1.0, "ssim": 0.5}
    _, about = read_weights(tmp_path, "best_l1")
    assert about["step"] == 2
    assert whole_names(tmp_path) == ["00000003"]
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("weights_*"))
    assert kept == ["weights_00000002"], "weights that are best of nothing are forgotten"
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [row["scores"]["ssim"] for row in rows] == [0.1, 0.5, 0.4]
    samples = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert samples == ["step_00000001.png", "step_00000002.png", "step_00000003.png"]


def test_looking_at_a_model_changes_nothing_in_its_training(tiny, endless, tmp_path):
    def run(folder: Path, looks: bool) -> dict[str, torch.Tensor]:
        recipe = tiny()

        def validate() -> dict[str, tuple[float, str]]:
            recipe.translate(torch.rand(1, 3, 64, 64), seed=3)
            return {"l1": (0.0, "lower")}

        watch = Watch(validate=validate) if looks else Watch()
        settings = Settings(validate_every=1)
        train(recipe, endless, folder, settings, steps=3, epoch_steps=3, watch=watch)
        return weights_of(recipe)

    assert same(run(tmp_path / "a", True), run(tmp_path / "b", False))


def test_a_finished_run_is_left_alone(tiny, endless, tmp_path):
    settings = Settings()
    train(tiny(), endless, tmp_path, settings, steps=2, epoch_steps=2)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    train(tiny(), endless, tmp_path, settings, steps=2, epoch_steps=2)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}


def test_pix2pix_learns_one_pair(tiny, tmp_path):
    source = torch.zeros(1, 3, 64, 64)
    source[..., 16:48, 16:48] = 1.0
    target = torch.full_like(source, -0.5)
    target[..., 16:48, 16:48] = 0.5
    settings = Settings(learning_rate=2e-3, log_every=1000)
    recipe = tiny(settings, dropout=0.0, norm="instance")

    def batches(first: int) -> Iterator[Batch]:
        while True:
            yield Batch(source, target, ["pair"])

    def off() -> float:
        return float((recipe.translate(source) - target).abs().mean())

    start = off()
    train(recipe, batches, tmp_path, settings, steps=120, epoch_steps=1)
    assert start > 0.4
    assert off() < 0.1
