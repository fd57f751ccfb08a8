"""Pictures of a set on their way through a model."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from portrayal.evaluation.robustness.scores import Bench, translated
from portrayal.evaluation.robustness.trials import Trial


class Model:
    """Answers with the negative, and remembers how many pictures came at once."""

    def __init__(self, **recipe):
        self.recipe, self.groups = SimpleNamespace(**recipe), []

    def translate_all(self, pictures):
        assert len({picture.shape for picture in pictures}) == 1
        self.groups.append(len(pictures))
        return [255 - picture for picture in pictures]


@pytest.mark.parametrize(
    ("recipe", "groups"),
    [({}, [1] * 9), ({"at_once": 3}, [3, 2, 1, 3]), ({"at_once": 16}, [5, 1, 3])],
)
def test_only_models_that_search_take_several_of_a_size_at_once_and_all_keep_their_order(
    recipe, groups, noise
):
    heights = [8, 8, 8, 8, 8, 9, 8, 8, 8]
    shown = [{"source": noise(height, 8, seed)} for seed, height in enumerate(heights)]
    rows = [{"name": f"p{index}"} for index in range(len(shown))]
    trial = Trial("own", "own", rows, shown.__getitem__, [])
    model = Model(**recipe)
    found = list(translated(Bench(Path("run"), model, ["l1"]), trial))
    assert model.groups == groups
    assert [row["name"] for row, _ in found] == [row["name"] for row in rows]
    for (_, pixels), given in zip(found, shown, strict=True):
        np.testing.assert_array_equal(pixels["fake"], 255 - given["source"])
        np.testing.assert_array_equal(pixels["source"], given["source"])
