"""pix2pix against the paper, by hand and against an independent step."""

import pytest
import torch
from torch import nn

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption, UnknownName
from portrayal.data.batch import Batch
from portrayal.recipes import load_networks, part_of, rebuild, recipes
from portrayal.recipes.pix2pix import PRESETS, Config, Pix2pix
from portrayal.training.settings import Settings

CPU = Place(torch.device("cpu"))
TINY = Config(generator="unet_64", discriminator="patch_16", width=4, discriminator_width=4)


def pair(count: int = 2) -> Batch:
    rng = torch.Generator().manual_seed(1)
    source = torch.rand(count, 3, 64, 64, generator=rng) * 2 - 1
    return Batch(source, source.flip(1), ["a"] * count)


def built(**config: object) -> Pix2pix:
    torch.manual_seed(0)
    return Pix2pix(TINY.model_copy(update=config), Settings(), CPU)


def test_the_paper_preset_is_the_paper():
    config, settings = PRESETS["paper"].config, PRESETS["paper"].settings
    assert (config.generator, config.discriminator, config.width) == ("unet_256", "patch_70", 64)
    assert (config.l1, config.dropout, config.norm) == (100, 0.5, "batch")
    assert (settings.learning_rate, settings.betas) == (2e-4, (0.5, 0.999))
    assert (settings.batch, settings.epochs, settings.decay) == (1, 200, 0.5)
    assert round(256 * settings.enlarge) == 286
    assert settings.flip


def test_the_literal_preset_keeps_the_reports_beta():
    assert PRESETS["literal"].settings.betas == (0.5, 0.9999)


@pytest.mark.parametrize("name", ["vanilla", "lsgan", "hinge"])
def test_every_adversarial_loss_takes_a_step(name):
    terms = built(adversarial=name).step(pair(), 0.5)
    assert all(value.isfinite() for value in terms.values())
    assert not any(value.requires_grad for value in terms.values())


def test_a_step_equals_an_independent_writing_of_the_algorithm():
    """Isola et al. 2017, sec. 3: D on real and fake pairs, halved; then G through the new D."""
    batch, recipe, other = pair(), built(dropout=0.0), built(dropout=0.0)
    recipe.step(batch, 0.0)

    g, d = other.generator, other.discriminator
    adam_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    fake = g(batch.source)
    real_logits = d(torch.cat([batch.source, batch.target], 1))
    fake_logits = d(torch.cat([batch.source, fake.detach()], 1))
    loss = bce(real_logits, torch.ones_like(real_logits)) * 0.5
    (loss + bce(fake_logits, torch.zeros_like(fake_logits)) * 0.5).backward()
    adam_d.step()
    logits = d(torch.cat([batch.source, fake], 1))
    adam_g.zero_grad()
    (bce(logits, torch.ones_like(logits)) + 100 * (fake - batch.target).abs().mean()).backward()
    adam_g.step()
    for ours, theirs in ((recipe.generator, g), (recipe.discriminator, d)):
        for key, value in theirs.state_dict().items():
            off = (ours.state_dict()[key] - value).abs().float()
            # Adam's first step is +-2e-4 whatever the gradient: noise in a gradient of 0 shows
            assert off.mean() < 2e-6, key


def test_the_l1_weight_can_fall_on_a_line_and_a_step_uses_it():
    def moved(weight: object, progress: float) -> torch.Tensor:
        recipe = built(l1=weight, dropout=0.0)
        recipe.step(pair(), progress)
        return recipe.generator.last[1].weight.detach()

    assert torch.equal(moved((100.0, 50.0), 0.0), moved(100.0, 0.5))
    assert torch.equal(moved((100.0, 50.0), 1.0), moved(50.0, 0.5))
    assert not torch.equal(moved(100.0, 0.0), moved(0.0, 0.0))


def test_probabilities_and_losses_of_the_discriminator_are_different_things():
    recipe = built()
    batch = pair()
    with torch.no_grad():
        terms = recipe.discriminator_terms(batch, batch.target.flip(0))
    logits = recipe.judge(batch.source, batch.target).detach()
    assert float(terms["p_real"]) == pytest.approx(float(logits.sigmoid().mean()), abs=1e-3)
    assert float(terms["loss_D_real"]) == pytest.approx(
        float(-logits.sigmoid().log().mean()), abs=1e-3
    )


def test_a_soft_real_label_changes_only_the_real_loss():
    batch = pair()
    hard, soft = (built(real=r).discriminator_terms(batch, batch.target) for r in (1.0, 0.9))
    assert not torch.equal(hard["loss_D_real"], soft["loss_D_real"])
    assert torch.equal(hard["loss_D_fake"], soft["loss_D_fake"])
    one, other = built(real=1.0).step(batch, 0.0), built(real=0.9).step(batch, 0.0)
    assert torch.equal(one["l1"], other["l1"])


def test_translation_is_the_same_twice_and_leaves_no_trace():
    recipe = built()
    source = pair(1).source
    before = torch.random.get_rng_state()
    assert torch.equal(recipe.translate(source), recipe.translate(source))
    assert torch.equal(before, torch.random.get_rng_state())
    assert recipe.generator.training


def test_train_like_translation_has_dropout_fixed_by_the_seed_and_keeps_statistics():
    recipe = built(translation="train_like")
    source = pair(1).source
    statistics = {k: v.clone() for k, v in recipe.generator.named_buffers()}
    assert torch.equal(recipe.translate(source, seed=1), recipe.translate(source, seed=1))
    assert not torch.equal(recipe.translate(source, seed=1), recipe.translate(source, seed=2))
    assert all(torch.equal(statistics[k], v) for k, v in recipe.generator.named_buffers())


def test_eval_translation_of_a_picture_does_not_depend_on_its_neighbours():
    recipe, sources = built(), pair(3).source
    together = recipe.translate(sources)
    alone = torch.cat([recipe.translate(s[None]) for s in sources])
    assert torch.allclose(together, alone, atol=1e-5)


def test_it_says_what_it_needs():
    recipe = built()
    assert recipe.multiple == 64
    with pytest.raises(BadOption, match="one way"):
        recipe.translate(pair().source, reverse=True)
    with pytest.raises(UnknownName, match="Did you mean 'unet_256'"):
        Pix2pix(Config(generator="unet256"), Settings(), CPU)


def test_a_run_is_rebuilt_from_its_description_alone():
    recipe = built()
    recipe.step(pair(), 0.0)
    description = {
        "recipe": "pix2pix",
        "config": TINY.model_dump(),
        "settings": Settings().model_dump(),
    }
    again = rebuild(description, CPU)
    weights = {
        f"{name}.{k}": v
        for name in ("generator", "discriminator")
        for k, v in getattr(recipe, name).state_dict().items()
    }
    load_networks(again, weights, "here")
    source = pair(1).source
    assert torch.equal(again.translate(source), recipe.translate(source))


def test_averaged_weights_are_translated_with_if_there_are_any():
    recipe = built()
    weights = {
        f"{name}.{k}": v.clone()
        for name in ("generator", "discriminator")
        for k, v in getattr(recipe, name).state_dict().items()
    }
    averaged = {f"average.{k}": v + 1 for k, v in weights.items() if k.startswith("generator")}
    load_networks(recipe, weights | averaged, "here")
    assert torch.equal(recipe.generator.first.weight, weights["generator.first.weight"] + 1)


@pytest.mark.parametrize("name", list(recipes))
def test_every_recipe_has_presets_that_validate_and_say_what_they_are(name):
    for preset in part_of(recipes[name], "PRESETS").values():
        assert preset.about
        assert type(preset.config).model_validate(preset.config.model_dump()) == preset.config
        assert Settings.model_validate(preset.settings.model_dump()) == preset.settings


def test_bfloat16_learns_what_float32_learns():
    def l1_after(dtype: torch.dtype) -> float:
        torch.manual_seed(0)
        place = Place(torch.device("cpu"), dtype)
        settings = Settings(learning_rate=2e-3)
        recipe = Pix2pix(TINY.model_copy(update={"dropout": 0.0}), settings, place)
        batch = pair(4)
        for step in range(25):
            torch.manual_seed(step)
            terms = recipe.step(batch, 0.0)
        assert recipe.generator.first.weight.dtype == torch.float32
        return float(terms["l1"])

    assert l1_after(torch.bfloat16) == pytest.approx(l1_after(torch.float32), rel=0.1)
