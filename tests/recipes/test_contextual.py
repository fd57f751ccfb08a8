"""The contextual GAN: one step by hand, the search through real networks, and the loop."""

import json

import pytest
import torch
from torch.nn import functional as F

from portrayal.core.devices import Place
from portrayal.core.errors import BadData
from portrayal.data.batch import Batch
from portrayal.losses.contextual import kl
from portrayal.recipes import rebuild
from portrayal.recipes.contextual import PRESETS, QUICK, Config, Contextual
from portrayal.recipes.joint import diversity, halves, joined
from portrayal.recipes.known_half import KnownHalf, disbelief
from portrayal.recipes.terms import varied
from portrayal.training.loop import train
from portrayal.training.settings import Settings
from portrayal.training.update import evaluating

CPU = Place(torch.device("cpu"))
TINY = varied(  # the paper's game, searched as the quick preset does
    QUICK,
    width=2,
    discriminator_width=2,
    discriminator_norm="batch",
    stacked=False,
    blur=0.0,
    search_adversarial=0.01,
    adversarial="vanilla",
    spectral=False,
    latent=6,
    starts=8,
    kept=2,
    search_steps=6,
    floor=1e-3,
)


def pair(count: int = 3, seed: int = 1, size: int = 64) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    source = torch.rand(count, 3, size, size, generator=rng) * 2 - 1
    return Batch(source, source.flip(1), [f"{seed}_{i}" for i in range(count)])


def batches_until(stop: int):
    return lambda first: (pair(3, seed=i) for i in range(first, stop))


def built(**config: object) -> Contextual:
    torch.manual_seed(0)
    recipe = Contextual(varied(TINY, **config), Settings(), CPU)
    for layer in recipe.generator.modules():  # first weights of .02 draw grey, whatever z is
        if isinstance(layer, torch.nn.Linear | torch.nn.ConvTranspose2d):
            torch.nn.init.xavier_normal_(layer.weight, 2.0)
    return recipe


def test_the_paper_preset_is_the_paper():
    config, settings = PRESETS["paper"].config, PRESETS["paper"].settings
    assert config == Config()
    assert (config.latent, config.width, config.kernel, config.g_steps) == (100, 64, 5, 2)
    assert (config.starts, config.search_steps, config.descent) == (30, 1000, "nesterov")
    assert (config.direction, config.mass, config.search_adversarial) == (
        "input_generated",
        "paper",
        0.01,
    )
    assert (settings.batch, settings.learning_rate, settings.betas) == (64, 2e-4, (0.5, 0.999))
    assert not (config.spectral or config.r1 or settings.average)  # stabilisers are named


def test_halves_and_joined_are_inverse():
    batch = pair()
    sketch, photo = halves(joined(batch.source, batch.target))
    assert torch.equal(sketch, batch.source)
    assert torch.equal(photo, batch.target)


def test_a_step_equals_an_independent_writing_of_the_algorithm():
    """D on real and drawn joint pictures, then twice G through the new D; noise in that order."""
    batch, recipe, other = pair(), built(g_steps=2), built(g_steps=2)
    torch.manual_seed(5)
    recipe.step(batch, 0.0)

    g, d = other.generator, other.discriminator
    adam_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    torch.manual_seed(5)
    real = torch.cat([batch.source, batch.target], 3)
    real_logits, fake_logits = d(real), d(g(torch.rand(3, 6) * 2 - 1).detach())
    (F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()).backward()
    adam_d.step()
    for _ in range(2):
        adam_g.zero_grad()
        F.softplus(-d(g(torch.rand(3, 6) * 2 - 1))).mean().backward()
        adam_g.step()
    for ours, theirs in ((recipe.generator, g), (recipe.discriminator, d)):
        for key, value in theirs.state_dict().items():
            off = (ours.state_dict()[key] - value).abs().float()
            assert off.mean() < 1e-5, key


@pytest.mark.parametrize("adversarial", ["vanilla", "lsgan", "hinge"])
@pytest.mark.parametrize("stabilisers", [{}, {"spectral": True, "r1": 1.0}])
def test_every_game_takes_a_step_with_and_without_stabilisers(adversarial, stabilisers):
    terms = built(adversarial=adversarial, **stabilisers).step(pair(), 0.5)
    assert all(value.isfinite() and not value.requires_grad for value in terms.values())
    wanted = {"adversarial", "diversity", "diversity_sketch", "loss_D_real", "p_fake"}
    assert wanted <= terms.keys()
    assert ("r1" in terms) == bool(stabilisers)


def test_a_collapsed_half_is_seen_in_its_own_diversity():
    recipe = built(stacked=True, norm="none")
    with torch.no_grad():
        recipe.generator.rest[-2].weight[:, :3] = 0  # the sketch is the same for every z
    terms = recipe.step(pair(), 0.0)
    assert float(terms["diversity_sketch"]) < 0.1 * float(terms["diversity"])


def test_r1_moves_the_discriminator_and_not_what_it_is_weighed_by():
    plain, more = built(), built(r1=100.0)
    for recipe in (plain, more):
        torch.manual_seed(5)
        recipe.step(pair(), 0.0)
    same = zip(plain.discriminator.parameters(), more.discriminator.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in same)


def test_diversity_is_1_of_real_pictures_and_0_of_one_picture_again_and_again():
    real = pair(5).source
    assert float(diversity(real, real)) == pytest.approx(1)
    assert float(diversity(real[:1].expand_as(real), real)) == 0
    assert float(diversity(real / 2, real)) == pytest.approx(0.5)
    assert diversity(real, torch.zeros_like(real)).isfinite()


def test_what_it_drew_itself_is_found_again():
    """A sketch out of the generator has a z: more starts and steps come nearer to its photo."""
    recipe = built(search_adversarial=0.0, starts=64, kept=4, search_steps=60)
    sketch, photo = halves(recipe.drawn(torch.rand(3, 6) * 2 - 1))
    found = recipe.complete(sketch)
    assert (found.end < 0.2 * found.start).all()
    near = (recipe.translate(sketch) - photo).abs().mean()
    far = (recipe.translate(sketch.flip(0)) - photo)[[0, 2]].abs().mean()
    assert near < far / 2


def test_the_photo_can_be_the_known_half():
    recipe = built(search_adversarial=0.0, starts=64, kept=4, search_steps=60)
    sketch, photo = halves(recipe.drawn(torch.rand(3, 6) * 2 - 1))
    near = (recipe.translate(photo, reverse=True) - sketch).abs().mean()
    far = (recipe.translate(photo.flip(0), reverse=True) - sketch)[[0, 2]].abs().mean()
    assert near < far / 2


def test_the_cost_is_the_weighted_sum_and_looks_at_the_known_half_only():
    recipe = built()
    known = pair().source
    found = recipe.complete(known)
    recipe.generator.eval()
    recipe.discriminator.eval()
    with torch.no_grad():
        joint = recipe.generator(found.z)
        belief = F.softplus(-recipe.discriminator(joint)).squeeze(1)
        divergence = kl(halves(joint)[0], known, mass="ink", floor=1e-3)
    assert torch.allclose(found.end, divergence + 0.01 * belief, atol=1e-6)
    assert (found.end <= found.start).all()


@pytest.mark.parametrize(
    "change",
    [
        {"contextual": "l1"},
        {"direction": "generated_input"},
        {"direction": "symmetric"},
        {"mass": "paper"},
        {"saturating": True},
        {"search_adversarial": 0.0},
        {"descent": "nesterov", "search_rate": 0.5},
        {"floor": 0.5},
        {"blur": 2.0},
        {"amount": 1.0},
    ],
    ids=str,
)
def test_every_switch_of_the_search_changes_it(change):
    known = pair().source
    assert not torch.equal(built().complete(known).end, built(**change).complete(known).end)


def test_saturating_is_log_1_minus_d():
    recipe = built(saturating=True)
    recipe.discriminator.eval()
    joint = joined(pair().source, pair().target)
    with torch.no_grad():
        wanted = (1 - recipe.discriminator(joint).sigmoid()).log().squeeze(1)
        assert torch.allclose(
            disbelief(recipe.discriminator(joint), recipe.config), wanted, atol=1e-5
        )


def test_a_picture_alone_is_the_picture_among_others():
    recipe, known = built(search_steps=20), pair(5).source
    together = recipe.translate(known)
    alone = torch.cat([recipe.translate(known[i : i + 1]) for i in range(5)])
    assert (together - alone).abs().max() < 1 / 255  # half a level of 8 bits in -1..1


@pytest.mark.parametrize("spectral", [False, True])
def test_steps_in_bfloat16_are_judged_in_float32(spectral):
    recipe, known = built(search_precision="bfloat16", search_steps=20, spectral=spectral), pair(5)
    found = recipe.complete(known.source)
    exact = built(search_precision="float32", search_steps=20, spectral=spectral)
    wanted = exact.complete(known.source)
    assert torch.equal(found.start, wanted.start)
    assert not torch.equal(found.end, wanted.end)
    assert (found.end <= found.start).all()
    assert (found.start - found.end).mean() > 0.9 * (wanted.start - wanted.end).mean()
    problem = KnownHalf(exact.config, recipe.generator, recipe.discriminator, known.source, 0)
    with evaluating(recipe.generator, recipe.discriminator):
        drawn, own = problem.draw(found.z)
        costs = problem.match(drawn, torch.arange(5)) + own
    assert torch.allclose(found.end, costs, atol=1e-5)


@pytest.mark.parametrize("patience", [0, 2])
def test_in_bfloat16_too_a_picture_alone_is_the_picture_among_others(patience):
    recipe = built(search_precision="bfloat16", search_steps=20, patience=patience)
    known = pair(5).source
    together = recipe.translate(known)
    alone = torch.cat([recipe.translate(known[i : i + 1]) for i in range(5)])
    assert (together - alone).abs().max() < 1 / 255


def test_an_unknown_precision_is_refused_and_a_run_of_before_takes_the_default():
    with pytest.raises(ValueError, match="search_precision"):
        varied(TINY, search_precision="float16")
    old = {k: v for k, v in QUICK.model_dump().items() if k != "search_precision"}
    assert Config.model_validate(old).search_precision == "auto"


def test_translation_is_the_same_twice_leaves_no_trace_and_works_for_inference():
    recipe, known = built(), pair().source
    weights = {k: v.clone() for k, v in recipe.generator.state_dict().items()}
    before = torch.random.get_rng_state()
    first = recipe.translate(known)
    with torch.inference_mode():
        assert torch.equal(recipe.translate(known.clone()), first)
    assert torch.equal(before, torch.random.get_rng_state())
    assert recipe.generator.training
    assert recipe.discriminator.training
    assert all(torch.equal(v, weights[k]) for k, v in recipe.generator.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in recipe.generator.parameters())
    assert not torch.equal(recipe.translate(known, seed=1), first)


def test_it_reports_progress_and_keeps_snapshots_on_request():
    said: list[str] = []
    found = built().complete(pair().source, report=said.append, snapshots=2)
    assert "at the start" in said[-1]
    assert len(found.snapshots) == 4
    assert torch.equal(found.snapshots[-1], found.z)


def test_looking_searches_shorter_through_the_same_networks():
    recipe = built(look_steps=1, search_steps=20)
    known, shorter = pair().source, recipe.looking()
    assert shorter.generator is recipe.generator
    assert int(shorter.complete(known).steps.max()) == 1
    assert int(recipe.complete(known).steps.max()) == 20
    assert (recipe.complete(known).end <= shorter.complete(known).end).all()


@pytest.mark.parametrize(("size", "advice"), [(128, "--set size=128"), (32, "--resize")])
def test_another_size_is_refused_in_one_line(size, advice):
    with pytest.raises(BadData, match=f"64 x 64 pixels, these are {size} x {size}: .*{advice}"):
        built().translate(pair(1, size=size).source)
    with pytest.raises(BadData, match="64 x 64"):
        built().step(pair(2, size=size), 0.0)


def test_128_pixels():
    torch.manual_seed(0)
    recipe = Contextual(varied(TINY, size=128, search_steps=1), Settings(), CPU)
    recipe.step(pair(2, size=128), 0.0)
    assert recipe.translate(pair(2, size=128).source).shape == (2, 3, 128, 128)
    assert recipe.multiple == 128


def test_a_resumed_run_is_the_unbroken_run(tmp_path):
    settings = Settings(average=0.9, save_every=2, learning_rate=1e-3)
    config = varied(TINY, spectral=True, r1=1.0).model_dump()
    description = {"recipe": "contextual", "config": config, "settings": settings.model_dump()}

    def run(name: str, *lengths: int) -> dict[str, torch.Tensor]:
        for stop in lengths:
            torch.manual_seed(0)
            recipe = rebuild(json.loads(json.dumps(description)), CPU)
            train(recipe, batches_until(stop), tmp_path / name, settings, steps=4, epoch_steps=4)
        return recipe.state()["generator"].state_dict() | recipe.discriminator.state_dict()

    unbroken, resumed = run("unbroken", 4), run("resumed", 2, 4)
    assert all(torch.equal(unbroken[key], resumed[key]) for key in unbroken)
