"""CycleGAN and its variants: against an independent step, term by term, and to the bit."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.recipes import load_networks, rebuild
from portrayal.recipes.cyclegan import PRESETS, Config, CycleGAN, Way
from portrayal.recipes.terms import varied
from portrayal.training.loop import train
from portrayal.training.reading import read_weights
from portrayal.training.settings import Settings
from portrayal.training.update import frozen

CPU = Place(torch.device("cpu"))
TINY = {"generator": "resnet_6", "width": 2, "discriminator_width": 2}


def batch_at(step: int = 1, count: int = 2) -> Batch:
    rng = torch.Generator().manual_seed(step)
    source = torch.rand(count, 3, 32, 32, generator=rng) * 2 - 1
    return Batch(source, source.flip(1), ["a"] * count)


def built(preset: str = "base", **config: object) -> CycleGAN:
    chosen = PRESETS[preset].config
    judge = {} if chosen.discriminator == "residual" else {"discriminator": "patch_16"}
    torch.manual_seed(0)
    return CycleGAN(varied(chosen, **{**TINY, **judge, **config}), Settings(), CPU)


def differing(one: str, other: str) -> dict[str, Any]:
    a, b = (PRESETS[name].config.model_dump() for name in (one, other))
    return {name: b[name] for name in a if a[name] != b[name]}


def test_every_variant_is_the_one_before_it_and_a_field_or_two():
    assert differing("base", "v3") == {"l2_mix": (0.99, 0.5), "fooling": "score_match"}
    assert differing("v3", "v4") == {"cycle_features": (0.0, 0.9)}
    assert differing("v4", "v5") == {"real": (0.9, 1.0), "fake": (0.0, 0.1)}
    assert differing("v5", "v6") == {"discriminator": "residual"}
    assert differing("base", "face_identity") == {"face_identity": 5.0}
    changes = {"cycle": (10.0, 1.0), "cycle_features": (0.0, 0.9)}
    assert differing("base", "better_cycles") == changes
    changes = {"adversarial": "vanilla", "identity": 1.0, "identity_distance": "l2"}
    assert differing("base", "literal") == changes


def test_base_is_the_paper():
    config, settings = PRESETS["base"].config, PRESETS["base"].settings
    assert (config.generator, config.discriminator, config.norm) == (
        "resnet_9",
        "patch_70",
        "instance",
    )
    assert (config.adversarial, config.cycle, config.identity, config.pool) == ("lsgan", 10, 5, 50)
    assert (settings.learning_rate, settings.betas, settings.batch) == (2e-4, (0.5, 0.999), 1)
    assert (settings.epochs, settings.decay) == (200, 0.5)


@pytest.mark.parametrize("preset", PRESETS)
def test_only_what_looks_at_the_truth_needs_pairs(preset):
    assert built(preset).paired == (preset in ("v3", "v4", "v5", "v6"))


@pytest.mark.parametrize("first", ["G", "D"])
def test_a_step_equals_an_independent_writing_of_the_algorithm(first):
    """Zhu et al. 2017, sec. 3 and 7.1, as their code sums it, on a batch that fits the pool."""
    batch, recipe, other = batch_at(), built(first=first), built()
    recipe.step(batch, 0.0)

    g, f, d_y, d_x = *other.generators, *other.discriminators
    x, y = batch.source, batch.target
    adam_g = torch.optim.Adam(other.generators.parameters(), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(other.discriminators.parameters(), 2e-4, (0.5, 0.999))
    fake_y, fake_x = g(x), f(y)

    def generators() -> None:
        one = torch.ones(())
        fooled = sum(
            F.mse_loss(d(p), one.expand_as(d(p))) for d, p in ((d_y, fake_y), (d_x, fake_x))
        )
        cycle = F.l1_loss(f(fake_y), x) + F.l1_loss(g(fake_x), y)
        same = F.l1_loss(g(y), y) + F.l1_loss(f(x), x)
        adam_g.zero_grad()
        (fooled + 10 * cycle + 5 * same).backward()
        adam_g.step()

    def discriminators() -> None:
        adam_d.zero_grad()
        for d, real, fake in ((d_y, y, fake_y), (d_x, x, fake_x)):
            on_real, on_fake = d(real), d(fake.detach())
            (((on_real - 1) ** 2).mean() + (on_fake**2).mean()).div(2).backward()
        adam_d.step()

    order = (generators, discriminators) if first == "G" else (discriminators, generators)
    for part in order:
        part()
    for ours, theirs in (
        (recipe.generators, other.generators),
        (recipe.discriminators, other.discriminators),
    ):
        for key, value in theirs.state_dict().items():
            off = (ours.state_dict()[key] - value).abs()
            # a bias before a normalisation cancels: Adam turns its rounding into a step of 2e-4
            assert key.endswith("bias") or off.mean() < 4e-6, key


def moved(recipe: CycleGAN, progress: float) -> torch.Tensor:
    torch.manual_seed(0)
    recipe.step(batch_at(), progress)
    return recipe.generator[-2].weight.detach()


@pytest.mark.parametrize("name", ["cycle", "cycle_features", "l2_mix", "identity"])
def test_a_weight_can_move_on_a_line_that_is_exact_at_both_ends(name):
    line, near = {name: (0.8, 0.2)}, {name: 0.2}
    extra = {} if name == "cycle" else {"cycle": 2.0}
    assert torch.equal(moved(built(**line, **extra), 1.0), moved(built(**near, **extra), 0.5))
    assert not torch.equal(moved(built(**line, **extra), 0.0), moved(built(**near, **extra), 0.0))


@pytest.mark.parametrize(
    ("config", "absent"),
    [
        ({"cycle": 0.0}, {"cycle", "cycle_features"}),
        ({"cycle_features": 0.0}, {"cycle_features"}),
        ({"cycle_features": 1.0}, {"cycle"}),
        ({"identity": 0.0}, {"identity"}),
        ({"l2_mix": 0.0}, {"l2"}),
        ({"l2_mix": 1.0}, {"adversarial"}),
    ],
)
def test_a_term_of_weight_zero_is_not_computed_and_not_logged(config, absent):
    recipe = built(**{"l2_mix": 0.5, "cycle_features": 0.5, "identity": 5.0, **config})
    terms = recipe.step(batch_at(), 0.0)
    known = {"adversarial", "l2", "cycle", "cycle_features", "identity"}
    for suffix in ("", "_reverse"):
        assert {n for n in known if n + suffix in terms} == known - absent


def ways_of(recipe: CycleGAN, batch: Batch) -> Way:
    return Way(
        "",
        recipe.generator,
        recipe.generator_reverse,
        recipe.discriminator,
        recipe.discriminator_reverse,
        recipe.pool,
        batch.source,
        batch.target,
    )


def test_the_feature_cycle_moves_both_generators_and_no_discriminator():
    recipe = built("v4")
    with frozen(recipe.discriminators):
        way = ways_of(recipe, batch_at())
        weight, term = recipe.terms(way, 1.0)["cycle_features"]
        assert weight == pytest.approx(9.0)
        term().mean().backward()
    for generator in recipe.generators:
        assert generator[-2].weight.grad.abs().max() > 0
    assert all(p.grad is None for p in recipe.discriminators.parameters())
    assert all(p.requires_grad for p in recipe.discriminators.parameters())


def test_terms_are_what_they_are_called():
    recipe, batch = built("v4"), batch_at()
    way = ways_of(recipe, batch)
    terms = {name: (w, term().mean()) for name, (w, term) in recipe.terms(way, 0.5).items() if w}
    g, f = recipe.generators
    cycled = f(g(batch.source))
    look = recipe.discriminator_reverse[:-1]
    by_hand = {
        "l2": (0.745, F.mse_loss(g(batch.source), batch.target)),
        "cycle": (5.5, F.l1_loss(cycled, batch.source)),
        "cycle_features": (4.5, F.l1_loss(look(cycled), look(batch.source))),
        "identity": (5.0, F.l1_loss(g(batch.target), batch.target)),
    }
    for name, (weight, value) in by_hand.items():
        assert terms[name][0] == pytest.approx(weight), name
        assert terms[name][1].item() == pytest.approx(value.item(), rel=1e-4), name
    assert terms["adversarial"][0] == pytest.approx(1 - 0.745)


@pytest.mark.parametrize("quality", ["real", "fake"])
def test_the_quality_of_the_start_or_of_the_fake_weighs_the_cycle(quality):
    plain, weighing, batch = built(), built(quality=quality), batch_at()
    way, judged = ways_of(plain, batch), ways_of(weighing, batch)
    logits = judged.judge_start(batch.source) if quality == "real" else judged.judge(judged.fake)
    belief = logits.clamp(0, 1).flatten(1).mean(1)
    one = plain.terms(way, 0.0)["cycle"][1]()
    torch.testing.assert_close(weighing.terms(judged, 0.0)["cycle"][1](), belief * one)
    assert not weighing.quality(judged).requires_grad


def test_soft_labels_touch_only_the_discriminators():
    """First the generators, so that they see the same discriminators."""
    hard, soft = built("v4"), built("v5")
    torch.manual_seed(3)
    one = hard.step(batch_at(), 0.5)
    torch.manual_seed(3)
    other = soft.step(batch_at(), 0.5)
    for name in one:
        equal = torch.equal(one[name], other[name])
        assert equal == (not name.startswith("loss_D")), name
    for a, b in zip(hard.generators.parameters(), soft.generators.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_average_of_the_patches_is_judged_if_wanted():
    recipe = built(judgement="average")
    assert recipe.verdict(torch.ones(2, 1, 5, 5)).shape == (2, 1)
    assert built().verdict(torch.ones(2, 1, 5, 5)).shape == (2, 1, 5, 5)
    terms = recipe.step(batch_at(), 0.0)
    assert all(value.isfinite() for value in terms.values())


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "face_identity"])
def test_every_preset_learns_what_its_terms_ask_for(preset):
    recipe = built(preset, width=4)
    adam_g = recipe.adam_g.param_groups[0]
    adam_g["lr"] = 4e-3
    batch, seen = batch_at(count=1), []
    for step in range(60 if preset == "v6" else 30):  # the features of its D move more
        torch.manual_seed(step)
        terms = recipe.step(batch, 0.5)
        assert not any(value.requires_grad for value in terms.values())
        asked = ("cycle", "cycle_features", "identity", "l2")
        seen.append(sum(float(terms.get(name, 0.0)) for name in asked))
    # means: single steps of a game swing, and differently on each kind of processor
    assert np.mean(seen[-10:]) < 0.9 * np.mean(seen[:5])


@pytest.mark.parametrize("name", ["vanilla", "lsgan", "hinge"])
@pytest.mark.parametrize("form", ["standard", "score_match", "difference"])
def test_every_game_takes_a_step(name, form):
    terms = built(adversarial=name, fooling=form).step(batch_at(count=1), 0.0)
    assert all(value.isfinite() for value in terms.values())


def test_a_unet_and_other_norms_are_alternatives():
    for config in (
        {"generator": "unet_64", "dropout": 0.5},
        {"norm": "batch", "upsampling": "resize"},
    ):
        recipe = built(**config)
        big = batch_at()
        pictures = F.interpolate(big.source, 64)
        recipe.step(Batch(pictures, pictures.flip(1), ["a"] * 2), 0.0)
        assert recipe.multiple == (64 if config.get("generator") else 4)


def test_what_does_not_go_together_is_refused_at_the_start():
    with pytest.raises(BadOption, match="upsampling=resize is for ResNets, not unet_64"):
        Config(generator="unet_64", upsampling="resize")
    with pytest.raises(BadOption, match="hinge knows no soft labels"):
        Config(adversarial="hinge", real=(0.9, 1.0))


def test_both_directions_translate_and_leave_no_trace():
    recipe, source = built(), batch_at().source
    assert recipe.reversible
    before = torch.get_rng_state()
    there, back = recipe.translate(source), recipe.translate(source, reverse=True)
    assert torch.equal(there, recipe.generator(source).detach())
    assert torch.equal(back, recipe.generator_reverse(source).detach())
    assert not torch.equal(there, back)
    assert torch.equal(before, torch.get_rng_state())
    assert recipe.exportable() is recipe.generator
    assert recipe.exportable(reverse=True) is recipe.generator_reverse


def endless(first: int) -> Iterator[Batch]:
    step = first
    while True:
        yield batch_at(step, 1)
        step += 1


def trained(run: Any, stops: list[int], preset: str) -> dict[str, torch.Tensor]:
    """Weights after 8 steps in one go, or killed after each of `stops`."""
    settings = Settings(save_every=2, average=0.9, log_every=1)
    for stop in stops:
        recipe = built(preset, pool=3)
        pictures = lambda first, stop=stop: (  # noqa: E731
            batch for batch, _ in zip(endless(first), range(first, stop), strict=False)
        )
        train(recipe, pictures, run, settings, steps=8, epoch_steps=4)
    return read_weights(run)[0]


@pytest.mark.parametrize("preset", ["v6", "better_cycles"])
def test_killed_and_resumed_equals_unbroken_to_the_bit(tmp_path, preset):
    """With pools, schedules, soft labels and averages of both generators."""
    whole = trained(tmp_path / "whole", [8], preset)
    broken = trained(tmp_path / "broken", [5, 8], preset)
    assert whole.keys() == broken.keys()
    assert all(torch.equal(whole[key], broken[key]) for key in whole)
    assert any(key.startswith("average.generator_reverse.") for key in whole)
    ends = [tmp_path / name / "checkpoints" / "00000008" for name in ("whole", "broken")]
    states = [torch.load(end / "training.pt", weights_only=True) for end in ends]
    for name in ("pool", "pool_reverse"):
        pools = [state[name]["pictures"] for state in states]
        assert len(pools[0]) == 3
        assert all(map(torch.equal, *pools))


def test_a_run_is_rebuilt_from_its_description_and_translates_both_ways():
    recipe = built()
    recipe.step(batch_at(), 0.0)
    description = {
        "recipe": "cyclegan",
        "config": recipe.config.model_dump(),
        "settings": Settings().model_dump(),
    }
    again = rebuild(description, CPU)
    weights = {
        f"{name}.{key}": value
        for name, part in recipe.state().items()
        if isinstance(part, nn.Module)
        for key, value in part.state_dict().items()
    }
    load_networks(again, weights, "here")
    source = batch_at().source
    for reverse in (False, True):
        assert torch.equal(
            again.translate(source, reverse=reverse), recipe.translate(source, reverse=reverse)
        )


def test_bfloat16_learns_what_float32_learns():
    def cycle_after(dtype: torch.dtype) -> float:
        torch.manual_seed(0)
        config = varied(PRESETS["base"].config, **{**TINY, "width": 4, "discriminator": "patch_16"})
        place = Place(torch.device("cpu"), dtype)
        recipe = CycleGAN(config, Settings(learning_rate=2e-3), place)
        batch = batch_at(count=1)
        for step in range(12):
            torch.manual_seed(step)
            terms = recipe.step(batch, 0.0)
        return float(terms["cycle"])

    assert cycle_after(torch.bfloat16) == pytest.approx(cycle_after(torch.float32), rel=0.1)
