"""Errors of a kernel distance against leaving out rows and computing everything again."""

import math

import numpy as np
import pytest
import torch

from portrayal.metrics.jackknife import grouped, independent, leave_pictures_out, leave_units_out
from portrayal.metrics.kernels import kid
from portrayal.metrics.sets import cubic, sums_between, sums_within


def sets(n, m):
    rng = np.random.default_rng([n, m])
    return (torch.from_numpy(rng.normal(size=(count, 2))) for count in (n, m))


def sums_of(fake, real):
    return (
        sums_within(cubic, fake, 9)[0],
        sums_within(cubic, real, 9)[0],
        *sums_between(cubic, fake, real, 9),
    )


def without(rows, places):
    return rows[[place for place in range(len(rows)) if place not in places]]


@pytest.mark.parametrize(("n", "m"), [(3, 3), (6, 4), (3, 8)])
def test_pictures_left_out_one_by_one(n, m):
    fake, real = sets(n, m)
    parts = (
        [kid(without(fake, [i]), real).unbiased for i in range(n)],
        [kid(fake, without(real, [j])).unbiased for j in range(m)],
    )
    wanted = math.sqrt(sum((len(left) - 1) * np.var(left) for left in parts))
    assert leave_pictures_out(sums_of(fake, real)) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(2, 5), (5, 2)])
def test_two_pictures_leave_no_error(n, m):
    assert math.isnan(leave_pictures_out(sums_of(*sets(n, m))))


def test_persons_left_out_of_both_sets():
    fake, real = sets(7, 6)
    who = ["a", "a", "b", "c", "c", "d", "e"], ["a", "b", "b", "f", "g", "g"]
    strata: dict[tuple[bool, bool], list[float]] = {}
    for name in "abcdefg":
        i, j = ([k for k, other in enumerate(side) if other == name] for side in who)
        left = kid(without(fake, i), without(real, j)).unbiased
        strata.setdefault((bool(i), bool(j)), []).append(left)
    wanted = math.sqrt(sum((len(left) - 1) * np.var(left) for left in strata.values()))
    found = leave_units_out(cubic, fake, real, sums_of(fake, real), who)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_a_stratum_of_one_or_a_set_of_one_without_a_person_leaves_no_error():
    fake, real = sets(4, 4)
    alone = ["a", "b", "c", "d"], ["e", "e", "e", "e"]  # one person in the real pictures
    assert math.isnan(leave_units_out(cubic, fake, real, sums_of(fake, real), alone))
    most = ["a", "a", "a", "b"], ["c", "d", "c", "d"]  # without a one translation is left
    assert math.isnan(leave_units_out(cubic, fake, real, sums_of(fake, real), most))
    halves = ["a", "a", "b", "b"], ["c", "d", "c", "d"]  # two are left, and that is enough
    assert leave_units_out(cubic, fake, real, sums_of(fake, real), halves) > 0


def test_names_keep_their_places():
    assert grouped(["x", "y", "x"]) == {"x": [0, 2], "y": [1]}
    assert independent((["a", "b"], ["c"]))
    assert not independent((["a", "b"], ["b"]))


@pytest.mark.parametrize(("n", "m"), [(2, 5), (5, 2), (2, 2)])
def test_two_pictures_have_no_error(n, m):
    assert math.isnan(leave_pictures_out(sums_of(*sets(n, m))))
