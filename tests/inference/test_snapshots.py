"""What a search has so far, with a real contextual model of hardly any width."""

import numpy as np
import pytest
import torch

from portrayal.core.devices import Place
from portrayal.inference.snapshots import picture_of
from portrayal.inference.translator import How, Translator
from portrayal.recipes.contextual import QUICK, Contextual
from portrayal.recipes.terms import varied
from portrayal.training.settings import Settings

SHORT = {"starts": 4, "kept": 1, "search_steps": 20, "look_steps": 1}


@pytest.fixture(scope="module")
def translator():
    torch.manual_seed(0)
    config = varied(QUICK, width=2, discriminator_width=2, latent=6, **SHORT)
    recipe = Contextual(config, Settings(), Place(torch.device("cpu")))
    for layer in recipe.generator.modules():  # first weights of .02 draw grey, whatever z is
        if isinstance(layer, torch.nn.Linear | torch.nn.ConvTranspose2d):
            torch.nn.init.xavier_normal_(layer.weight, 2.0)
    return Translator(recipe, {"recipe": "contextual", "config": {}}, {"files": {}})


@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_look_is_the_answer_and_the_first_is_the_best_start(translator, reverse):
    source = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    recipe, looks, said = translator.recipe, [], []
    answer = recipe.translate(source, reverse=reverse, seen=looks.append, report=said.append)
    assert [(look.step, look.steps, look.pictures) for look in looks] == [(0, 20, 3), (20, 20, 3)]
    assert looks[1].loss < looks[0].loss
    assert said[:2] == [str(look) for look in looks]
    assert said[0].startswith("0 of 3 pictures searched, step 0 of 20, mean loss")
    last = recipe.answer(looks[-1].z, reverse=reverse)
    assert torch.equal(last, answer) and not last.requires_grad
    assert not torch.equal(recipe.answer(looks[0].z, reverse=reverse), answer)


def test_nobody_who_looks_changes_what_is_found(translator):
    source = torch.zeros(1, 3, 64, 64)
    looked = translator.recipe.translate(source, seen=lambda look: translator.recipe.answer(look.z))
    assert torch.equal(looked, translator.recipe.translate(source))


@pytest.mark.parametrize("size", [(64, 64), (50, 60), (64, 150)])
def test_all_answers_make_the_translation_and_missing_ones_show_the_source(translator, noise, size):
    pixels, how, answers = noise(*size), How(tile=64), []

    class Kept:
        multiple = 64

        def translate(self, source, **options):
            answers.append(translator.recipe.translate(source, **options))
            return answers[-1]

    whole = Translator(Kept(), translator.config, translator.about).translate(pixels, how)
    assert np.array_equal(picture_of(translator, pixels, how, answers), whole)
    assert np.array_equal(picture_of(translator, pixels, how, []), pixels)
    first = picture_of(translator, pixels, how, [answers[0][:1]])
    assert np.array_equal(first[:, :40], whole[:, :40])
    if size[1] > 64:
        assert np.array_equal(first[:, -40:], pixels[:, -40:])
