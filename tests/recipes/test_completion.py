"""The feed-forward completion: turns, masks, terms, and what it refuses."""

import json

import pytest
import torch

from portrayal.core.devices import Place
from portrayal.core.errors import BadData, BadOption
from portrayal.data.batch import Batch
from portrayal.losses.contextual import kl
from portrayal.recipes import rebuild
from portrayal.recipes.completion import PRESETS, QUICK, Completion, Turn
from portrayal.recipes.terms import varied
from portrayal.training.loop import train
from portrayal.training.settings import Settings

CPU = Place(torch.device("cpu"))
TINY = varied(QUICK, width=2, discriminator_width=2, latent=16)


def pair(count: int = 3, seed: int = 1, size: int = 64) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    source = torch.rand(count, 3, size, size, generator=rng) * 2 - 1
    return Batch(source, source.flip(1), [f"{seed}_{i}" for i in range(count)])


def built(**config: object) -> Completion:
    torch.manual_seed(0)
    return Completion(varied(TINY, **config), Settings(), CPU)


def batches_until(stop: int):
    return lambda first: (pair(3, seed=i) for i in range(first, stop))


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def test_the_presets_are_what_the_report_and_its_code_say():
    literal, paper = PRESETS["literal"].config, PRESETS["paper"].config
    for config in (literal, paper):
        assert (config.contextual, config.adversarial_weight, config.turn) == (0.99, 0.01, 5)
        assert (config.width, config.kernel, config.adversarial) == (64, 5, "vanilla")
    assert (literal.encoder, literal.fill, literal.mask) == ("literal", 1.0, False)
    assert (literal.region, literal.l1, literal.slope) == ("joint", 0.0, 0.3)
    assert (paper.region, paper.fill) == ("sketch", 0.0)
    assert PRESETS["literal"].settings.batch == 128


def test_d_and_g_learn_in_turns_of_so_many_batches():
    turn = Turn()
    whose = []
    for _ in range(9):
        whose.append(turn.of(2))
        turn.batches += 1
    assert whose == ["D", "D", "G", "G", "D", "D", "G", "G", "D"]
    assert turn.of(0) == "both"
    later = Turn()
    later.load_state_dict(turn.state_dict())
    assert later.batches == 9


def test_only_whose_turn_it_is_changes():
    recipe = built(turn=1)
    moved = []
    for _ in range(4):
        before = [weights(n) for n in (recipe.discriminator, recipe.generator)]
        terms = recipe.step(pair(), 0.0)
        after = [weights(n) for n in (recipe.discriminator, recipe.generator)]
        moved.append([not torch.equal(a, b) for a, b in zip(before, after, strict=True)])
        assert {"loss_D_real", "adversarial", "contextual", "l1", "diversity"} <= terms.keys()
    assert moved == [[True, False], [False, True]] * 2


def test_without_turns_both_learn_on_every_batch():
    recipe = built(turn=0)
    before = [weights(n) for n in (recipe.discriminator, recipe.generator)]
    recipe.step(pair(), 0.0)
    after = [weights(n) for n in (recipe.discriminator, recipe.generator)]
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_photo_half_is_masked_and_the_mask_says_so():
    sketch = pair().source
    masked = built(fill=0.25).masked(sketch)
    assert masked.shape == (3, 4, 64, 128)
    assert torch.equal(masked[:, :3, :, :64], sketch)
    assert masked[:, :3, :, 64:].unique().tolist() == [0.25]
    assert masked[:, 3, :, :64].unique().tolist() == [1]
    assert masked[:, 3, :, 64:].unique().tolist() == [0]
    assert built(mask=False).masked(sketch).shape == (3, 3, 64, 128)


@pytest.mark.parametrize("region", ["sketch", "photo", "joint"])
def test_kl_looks_at_its_region_only(region):
    recipe = built(region=region)
    real, fake = torch.rand(2, 2, 3, 64, 128).mul(2).sub(1).unbind()
    part = {"sketch": slice(0, 64), "photo": slice(64, 128), "joint": slice(0, 128)}[region]
    _, term = recipe.terms(real, fake, 0.0)["contextual"]
    wanted = kl(fake[..., part], real[..., part], mass="ink", floor=0.05)
    assert torch.allclose(term(), wanted)
    _, colour = recipe.terms(real, fake, 0.0)["l1"]
    assert torch.allclose(colour(), (fake - real)[..., 64:].abs().flatten(1).mean(1), atol=1e-6)


def test_kl_of_the_sketch_leaves_the_photo_alone_which_is_why_l1_is_there():
    recipe = built(region="sketch", adversarial_weight=0.0)
    real = torch.rand(2, 3, 64, 128)
    fake = torch.zeros(2, 3, 64, 128, requires_grad=True)
    recipe.terms(real, fake, 0.0)["contextual"][1]().sum().backward()
    assert fake.grad[..., :64].abs().sum() > 0
    assert fake.grad[..., 64:].abs().sum() == 0


def test_it_learns_two_pictures():
    recipe = Completion(varied(TINY, width=8, turn=0), Settings(learning_rate=2e-3), CPU)
    recipe.adam_g.param_groups[0]["lr"] = 2e-3
    batch = pair(2)
    flat = Batch(batch.source, batch.target.mean((2, 3), True).expand_as(batch.target), ["a", "b"])
    first = float(recipe.step(flat, 0.0)["l1"])
    for _ in range(40):
        last = float(recipe.step(flat, 0.0)["l1"])
    assert last < first / 3


@pytest.mark.parametrize("adversarial", ["vanilla", "lsgan", "hinge"])
@pytest.mark.parametrize("change", [{}, {"spectral": True, "r1": 1.0}, {"encoder": "linear"}])
def test_every_game_takes_a_step_with_and_without_stabilisers(adversarial, change):
    terms = built(adversarial=adversarial, turn=0, **change).step(pair(), 0.5)
    assert all(value.isfinite() and not value.requires_grad for value in terms.values())
    assert ("r1" in terms) == ("r1" in change)


def test_the_literal_preset_takes_a_step_when_it_is_narrow():
    recipe = Completion(varied(PRESETS["literal"].config, width=1), Settings(), CPU)
    terms = recipe.step(pair(), 0.0)
    assert "l1" not in terms
    assert recipe.translate(pair().source).shape == (3, 3, 64, 64)


def test_translation_is_the_same_alone_and_twice():
    recipe, source = built(), pair(4).source
    together = recipe.translate(source)
    assert torch.equal(together, recipe.translate(source))
    assert torch.allclose(together[2:3], recipe.translate(source[2:3]), atol=1e-5)
    assert recipe.generator.training


def test_refusals_are_one_line():
    with pytest.raises(BadOption, match="contextual goes back"):
        built().translate(pair().source, reverse=True)
    with pytest.raises(BadData, match=r"64 x 64 pixels, these are 128 x 128: .*size=128"):
        built().translate(pair(1, size=128).source)
    with pytest.raises(BadOption, match="one direction"):
        built().exportable(reverse=True)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_run_resumed_in_anybodys_turn_is_the_unbroken_run(tmp_path, stop):
    settings = Settings(average=0.9, save_every=1, learning_rate=1e-3)
    config = varied(TINY, turn=2).model_dump()
    description = {"recipe": "completion", "config": config, "settings": settings.model_dump()}

    def run(name: str, *lengths: int) -> dict[str, torch.Tensor]:
        for end in lengths:
            torch.manual_seed(0)
            recipe = rebuild(json.loads(json.dumps(description)), CPU)
            train(recipe, batches_until(end), tmp_path / name, settings, steps=5, epoch_steps=5)
        return recipe.generator.state_dict() | recipe.discriminator.state_dict()

    unbroken, resumed = run("unbroken", 5), run("resumed", stop, 5)
    assert all(torch.equal(unbroken[key], resumed[key]) for key in unbroken)
