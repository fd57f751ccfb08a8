"""A model that is watched answers as it does alone."""

from dataclasses import replace
from threading import Lock

import numpy as np

from portrayal.inference.translator import How, Translator
from portrayal.web.waiting import Work
from portrayal.web.watching import Watched


class OneSize:
    """Inverts pictures of 4 x 4, and takes no others."""

    multiple = size = 4

    def translate(self, source, *, reverse=False, seed=0, report=None):
        assert source.shape[2:] == (4, 4)
        return -source


def test_a_picture_that_is_not_square_is_fitted_to_the_one_size_of_a_watched_model():
    facts = {"recipe": "inverting", "config": {}, "data": {"size": [4, 4]}}
    bare = Translator(OneSize(), facts, {"files": {}})
    pixels = np.random.default_rng(0).integers(0, 256, (8, 20, 3), np.uint8)
    how = How(tile=4, resize=True)
    work = Work(task=None, seconds=60, steps=1)
    watched = replace(bare, recipe=Watched(bare.recipe, Lock(), work, slow=False))
    assert np.array_equal(watched.translate(pixels, how), bare.translate(pixels, how))
    assert work.step == 1  # one tile, as its size says
