"""Which picture goes to train, val or test: whole units only, fixed by the seed and the names.

A unit is what must not be torn apart: the pictures of one subject, near-duplicates, and whatever
hangs together through both. Units come in an order drawn from (seed, unit), so neither the order of
the files nor the other units have a say in it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData, BadOption

SPLITS = ("train", "val", "test")
TRAIN, VAL, TEST = range(3)
FREE, UNUSED = -1, -2  # not yet in a split; in none


@dataclass(frozen=True)
class Wanted:
    """How many pictures per split: shares of all that sum to 1, or exact numbers."""

    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    counts: tuple[int, int, int] | None = None


def parse_wanted(fractions: str, counts: str | None) -> Wanted:
    """`0.8,0.1,0.1` or `551,100,100`, checked."""
    if counts is not None:
        numbers = _three(counts, int, "--counts", "551,100,100")
        if min(numbers) < 0 or sum(numbers) == 0:
            raise BadOption(f"--counts {counts}: give three numbers from 0, not all 0.")
        return Wanted(counts=(int(numbers[0]), int(numbers[1]), int(numbers[2])))
    shares = _three(fractions, float, "--fractions", "0.8,0.1,0.1")
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise BadOption(f"--fractions {fractions}: three shares from 0 must add up to 1.")
    return Wanted((shares[0], shares[1], shares[2]))


def _three(text: str, kind: type, option: str, example: str) -> list[float]:
    try:
        numbers = [kind(part) for part in text.replace("/", ",").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise BadOption(f"{option} {text!r}: give train,val,test, e.g. {option} {example}")
    return numbers


def assign(
    sizes: NDArray[np.int64],
    order: NDArray[np.uint64],
    given: NDArray[np.int8],
    wanted: Wanted,
    closed: Collection[int] = (),
) -> NDArray[np.int8]:
    """Split of every unit, (U,): 0 train, 1 val, 2 test, UNUSED where counts leave some over.

    sizes: pictures per unit; order: a random number per unit that hangs on (seed, unit) only;
    given: the split a unit must have, or FREE; closed: splits that came with the source and get
    no more than they were given.
    """
    split = given.copy()
    total = int(sizes.sum())
    targets = list(wanted.counts) if wanted.counts else _targets(wanted, total)
    if wanted.counts and sum(targets) > total:
        raise BadOption(
            f"--counts ask for {sum(targets)} pictures, but {total} are left after selection. "
            "Ask for fewer or reject less."
        )
    shuffled = np.argsort(order, kind="stable")
    for part in (TEST, VAL):
        if part not in closed or wanted.counts:
            _fill(split, sizes, shuffled, part, targets[part], exact=bool(wanted.counts))
    if wanted.counts:
        _fill(split, sizes, shuffled, TRAIN, targets[TRAIN], exact=True)
        split[split == FREE] = UNUSED
    split[split == FREE] = TRAIN
    _check(split, sizes, targets)
    return split


def _targets(wanted: Wanted, total: int) -> list[int]:
    """Pictures per split: rounded, and at least one wherever the share is not 0."""
    val, test = (
        max(1, int(np.floor(share * total + 0.5))) if share else 0 for share in wanted.fractions[1:]
    )
    return [max(1, total - val - test), val, test] if wanted.fractions[0] else [0, val, total - val]


def _fill(
    split: NDArray[np.int8],
    sizes: NDArray[np.int64],
    shuffled: NDArray[np.intp],
    part: int,
    target: int,
    *,
    exact: bool,
) -> None:
    """Move free units into `part` until it holds `target` pictures, exactly or nearly."""
    gap = target - int(sizes[split == part].sum())
    if gap < 0 and exact:
        raise BadOption(
            f"--counts ask for {target} {SPLITS[part]} pictures, but {target - gap} are given "
            f"already (by --test-names, or with their subject). Ask for {target - gap}."
        )
    chosen = []
    for unit in shuffled[split[shuffled] == FREE].tolist():
        if gap <= 0:
            break
        size = int(sizes[unit])
        if size <= gap or (not exact and size - gap < gap):
            chosen.append(unit)
            gap -= size
    free = shuffled[split[shuffled] == FREE]
    if not exact and target and not chosen and not (split == part).any() and len(free) > 1:
        chosen.append(free[np.argmin(sizes[free])])  # every unit is larger than the target
    split[chosen] = part
    if exact and gap:
        _swap(split, sizes, shuffled, part, gap)


def _swap(
    split: NDArray[np.int8],
    sizes: NDArray[np.int64],
    shuffled: NDArray[np.intp],
    part: int,
    gap: int,
) -> None:
    """Close a gap by trading units: out goes one of size s, in comes one of size s + gap."""
    inside = {int(sizes[u]): u for u in shuffled[::-1].tolist() if split[u] == part}
    outside = {int(sizes[u]): u for u in shuffled[::-1].tolist() if split[u] == FREE}
    for size in sorted(inside):
        if size + gap in outside:
            split[inside[size]], split[outside[size + gap]] = FREE, part
            return
    have = int(sizes[split == part].sum())
    raise BadOption(
        f"The {SPLITS[part]} split cannot hold exactly {have + gap} pictures, because subjects and "
        f"near-duplicates stay together (nearest: {have}). Ask for {have}, or use --fractions."
    )


def _check(split: NDArray[np.int8], sizes: NDArray[np.int64], targets: Sequence[int]) -> None:
    """Refuse a split that should hold pictures and holds none."""
    for part, target in enumerate(targets):
        if target and not (split == part).any():
            raise BadData(
                f"The {SPLITS[part]} split would hold no picture: {int(sizes.sum())} pictures in "
                f"{len(sizes)} units that must stay together (subjects, near-duplicates). "
                "Add pictures, or change --subject, --duplicates or --fractions."
            )
