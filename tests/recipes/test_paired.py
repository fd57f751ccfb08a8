"""GAN v1 and v2 against the second report's equations."""

import pytest
import torch
from torch.nn import functional as F

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.recipes.paired import PRESETS, Paired
from portrayal.recipes.terms import varied
from portrayal.training.settings import Settings

TINY = {
    "generator": "resnet_6",
    "width": 4,
    "discriminator": "patch_16",
    "discriminator_width": 2,
}


def pair(count: int = 2) -> Batch:
    rng = torch.Generator().manual_seed(1)
    source = torch.rand(count, 3, 32, 32, generator=rng) * 2 - 1
    return Batch(source, source.flip(1), ["a"] * count)


def built(preset: str = "gan_v2", rate: float = 2e-4, **config: object) -> Paired:
    torch.manual_seed(0)
    config = varied(PRESETS[preset].config, **{**TINY, **config})
    return Paired(config, Settings(learning_rate=rate), Place(torch.device("cpu")))


def test_presets_differ_as_the_report_says():
    v1, v2, constant = (PRESETS[n].config for n in ("gan_v1", "gan_v2", "gp_gan"))
    assert (v1.l2_mix, v1.l1, v1.fooling) == (0, 0, "standard")
    assert (v2.l2_mix, v2.fooling) == ((0.99, 0.5), "score_match")
    assert constant == varied(v2, l2_mix=0.999)
    assert PRESETS["gan_v1_paired"].config == varied(v1, l1=100.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_only_the_literal_first_model_does_without_pairs(preset):
    assert built(preset).paired == (preset != "gan_v1")


def test_equation_7_mixes_both_terms_and_falls_on_a_line():
    def moved(mix: object, progress: float) -> torch.Tensor:
        recipe = built(l2_mix=mix)
        recipe.step(pair(), progress)
        return recipe.generator[-2].weight.detach()

    assert torch.equal(moved((0.99, 0.5), 0.0), moved(0.99, 0.7))
    assert torch.equal(moved((0.99, 0.5), 1.0), moved(0.5, 0.7))
    assert not torch.equal(moved(0.99, 0.0), moved(0.5, 0.0))


def test_terms_are_logged_unweighted_by_name():
    batch, recipe = pair(), built()
    with torch.no_grad():
        fake = recipe.generator(batch.source)
    terms = recipe.step(batch, 0.5)
    assert float(terms["l2"]) == pytest.approx(float(F.mse_loss(fake, batch.target)), rel=1e-5)
    known = {"adversarial", "l2", "loss_D_real", "loss_D_fake", "p_real", "p_fake"}
    assert terms.keys() == known | {"acc_real", "acc_fake"}
    assert "l2" not in built("gan_v1").step(batch, 0.5)
    assert "l1" in built("gan_v1_paired").step(batch, 0.5)


def test_the_literal_first_model_does_not_look_at_the_truth():
    """G's step is the same whatever the truth, if D is: then only D's real pictures matter."""
    batch = pair()
    recipes = [built("gan_v1"), built("gan_v1")]
    for recipe, target in zip(recipes, (batch.target, batch.target.flip(0)), strict=True):
        recipe.step(Batch(batch.source, target, batch.names), 0.0)
    for a, b in zip(*(r.generator.parameters() for r in recipes), strict=True):
        torch.testing.assert_close(a, b, atol=5e-4, rtol=0)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_learns_one_pair(preset):
    recipe, batch, seen = built(preset, rate=3e-3), pair(1), []
    for step in range(30):
        torch.manual_seed(step)
        terms = recipe.step(batch, 0.5)
        assert all(value.isfinite() and not value.requires_grad for value in terms.values())
        seen.append(float(F.mse_loss(recipe.translate(batch.source), batch.target)))
    if recipe.paired:
        assert seen[-1] < 0.7 * seen[0]


def test_the_discriminator_alone_gets_soft_labels():
    hard, soft = built(), built(real=(0.9, 1.0), fake=(0.0, 0.1))
    one, other = hard.step(pair(), 0.5), soft.step(pair(), 0.5)
    assert torch.equal(one["l2"], other["l2"])
    assert not torch.equal(one["loss_D_real"], other["loss_D_real"])


def test_it_translates_one_way():
    recipe = built()
    assert torch.equal(recipe.translate(pair().source), recipe.translate(pair().source))
    assert recipe.multiple == 4
    with pytest.raises(BadOption, match="one way"):
        recipe.translate(pair().source, reverse=True)
    with pytest.raises(BadOption, match="one direction"):
        recipe.exportable(reverse=True)
