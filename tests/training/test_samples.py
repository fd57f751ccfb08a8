"""A sheet of samples: fixed pictures, source | generated | truth."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from portrayal.core.images import read_pixels
from portrayal.data.dataset import Pair
from portrayal.training.samples import GAP, sample_sheet


@dataclass
class Made:
    """Grey pairs: source i, target 100 + i; the sizes may grow with i."""

    count: int
    grows: bool = False
    paired: bool = True

    def __len__(self) -> int:
        return self.count

    def pair(self, index: int) -> Pair:
        size = (5 + index, 7 + 2 * index) if self.grows else (5, 7)
        source = np.full((*size, 3), index, np.uint8)
        return Pair(str(index), source, source + 100, {})


def rows_of(sheet: np.ndarray) -> list[int]:
    """Which pairs are shown, by the grey of their sources."""
    return [int(sheet[top, 0, 0]) for top in range(0, sheet.shape[0], 5 + GAP)]


@pytest.mark.parametrize(
    ("count", "rows", "shown"),
    [
        (1, 4, [0]), (3, 4, [0, 1, 2]), (4, 4, [0, 1, 2, 3]),
        (10, 4, [0, 3, 6, 9]), (10, 1, [0]), (100, 2, [0, 99]),
    ],
)  # fmt: skip
def test_the_pictures_are_spread_over_the_split_and_none_comes_twice(count, rows, shown):
    draw = sample_sheet(Made(count), lambda source: source, rows=rows)
    assert rows_of(read_pixels(draw())) == shown


def test_a_row_is_source_generated_truth_with_white_between():
    def darker(source: torch.Tensor) -> torch.Tensor:
        assert source.shape == (1, 3, 5, 7)
        assert float(source.min()) >= -1
        return torch.full_like(source, -0.5)

    sheet = read_pixels(sample_sheet(Made(2), darker)())
    assert sheet.shape == (5 * 2 + GAP, 7 * 3 + 2 * GAP, 3)
    for row, top in enumerate((0, 5 + GAP)):
        for column, grey in enumerate((row, 64, 100 + row)):  # -0.5 is 0.25 of 255
            left = column * (7 + GAP)
            assert (sheet[top : top + 5, left : left + 7] == grey).all()
    assert (sheet[5 : 5 + GAP] == 255).all()
    assert (sheet[:, 7 : 7 + GAP] == 255).all()


def test_the_model_is_asked_anew_at_every_drawing():
    greys = iter([-1.0, 1.0])
    draw = sample_sheet(Made(1), lambda source: torch.full_like(source, next(greys)))
    assert [int(read_pixels(draw())[0, 7 + GAP, 0]) for _ in range(2)] == [0, 255]


def test_the_same_model_draws_the_same_bytes():
    draw = sample_sheet(Made(3), lambda source: source / 2)
    assert draw() == draw()


def test_pictures_of_different_sizes_fit_on_one_sheet():
    sheet = read_pixels(sample_sheet(Made(3, grows=True), lambda source: source)())
    assert sheet.shape == (7 * 3 + 2 * GAP, 11 * 3 + 2 * GAP, 3)
    assert (sheet[:5, :7] == 0).all()
    assert (sheet[:5, 7:11] == 255).all()
    assert (sheet[14 + 2 * GAP :, :11] == 2).all()


@dataclass
class Strangers:
    """Two domains: source i is grey i, target i is grey 200 + i."""

    counts: dict[str, int]
    paired: bool = False

    def require_domains(self, who: str) -> None:
        """Both are there."""

    def domain(self, name: str) -> "Domain":
        return Domain(self.counts[name], 0 if name == "source" else 200)


@dataclass
class Domain:
    count: int
    first: int

    def __len__(self) -> int:
        return self.count

    def picture(self, index: int) -> np.ndarray:
        return np.full((5, 7, 3), self.first + index, np.uint8)


def greys(sheet: np.ndarray) -> list[list[int]]:
    """Grey of every picture, by rows."""
    return [
        [int(sheet[top, left, 0]) for left in range(0, sheet.shape[1], 7 + GAP)]
        for top in range(0, sheet.shape[0], 5 + GAP)
    ]


def black(picture: torch.Tensor) -> torch.Tensor:
    return torch.full_like(picture, -1.0)


def inverse(picture: torch.Tensor) -> torch.Tensor:
    return -picture


def test_domains_without_pairs_show_source_and_translation_and_no_truth():
    draw = sample_sheet(Strangers({"source": 10, "target": 3}), inverse)
    assert greys(read_pixels(draw())) == [[0, 255], [4, 251], [9, 246]]


def test_a_way_back_adds_targets_and_their_translations():
    draw = sample_sheet(Strangers({"source": 2, "target": 20}), inverse, back=black)
    assert greys(read_pixels(draw())) == [[0, 255, 200, 0], [1, 254, 219, 0]]


def test_of_pairs_the_truth_is_what_is_translated_back():
    draw = sample_sheet(Made(2), black, back=inverse)
    assert greys(read_pixels(draw())) == [[0, 0, 100, 155], [1, 0, 101, 154]]
