"""Near-duplicates: the same picture again, recompressed, resized, brightened or cropped by 2 %.

Two steps, so that pictures with little in them do not all look alike. A 64-bit perceptual hash
finds candidates: few differing bits (Hamming distance). Alone it is not enough: the bits of a flat
picture hang on its noise, and pencil sketches share so much white that 280 pairs of 211 different
people lie within 10 bits. So every candidate is confirmed on two 16 x 16 thumbnails: one must
explain the other up to brightness, contrast and a small move or stretch (least squares). On real
sets (docs/data.md) that leaves no wrong pair. Colour is not looked at: a picture and its grey copy
are near-duplicates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from portrayal.core.images import Pixels

DISTANCE = 10  # of 64 bits
LIKENESS = 0.97  # multiple correlation of two thumbnails
FLAT = 2.0  # levels of standard deviation below which a thumbnail shows nothing
BITS = np.array([i.bit_count() for i in range(1 << 16)], np.uint8)

Hashes = NDArray[np.uint64]  # (N,)
Grey = NDArray[np.float64]  # (16, 16)


@dataclass(frozen=True)
class Look:
    """What a picture looks like: 8 bytes to find, 256 bytes to confirm."""

    bits: int  # 0..2**64 - 1
    thumbnail: bytes  # 16 x 16 grey levels


def look(pixels: Pixels) -> Look:
    """Hash and thumbnail of a picture of any size."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[ORDER]  # (64,) the slowest waves after the mean
    bits = np.packbits(waves > np.median(waves)).tobytes()
    thumbnail = small.reshape(16, 2, 16, 2).mean(axis=(1, 3)).round().astype(np.uint8)
    return Look(int.from_bytes(bits, "big"), thumbnail.tobytes())


def _slowest(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the DCT coefficients of lowest frequency, the mean left out."""
    rows, columns = np.indices((16, 16)).reshape(2, -1)
    order = np.lexsort((rows, np.maximum(rows, columns), rows + columns))[1 : count + 1]
    return rows[order], columns[order]


ORDER = _slowest(64)


def alike(first: bytes, second: bytes) -> bool:
    """Whether two thumbnails show the same thing."""
    a, b = (np.frombuffer(t, np.uint8).astype(np.float64).reshape(16, 16) for t in (first, second))
    if min(a.std(), b.std()) < FLAT:
        return bool(np.abs(a - b).max() <= 2 * FLAT)
    return min(explained(a, b), explained(b, a)) >= LIKENESS**2


def explained(a: Grey, b: Grey) -> float:
    """Share of the variance of b that a explains when it may be moved and stretched a little.

    b = contrast a + shift . grad a + stretch (position . grad a) + brightness, without the border.
    """
    y, x = np.indices(a.shape) - 7.5
    down, right = np.gradient(a)
    terms = np.stack([a, right, down, x * right, y * down, np.ones_like(a)], axis=-1)
    inner = terms[1:-1, 1:-1].reshape(-1, 6)
    wanted = b[1:-1, 1:-1].ravel()
    weights = np.linalg.lstsq(inner, wanted, rcond=None)[0]
    if weights[0] <= 0 or not wanted.any():  # a negative is another picture
        return 0.0
    return float(1 - (wanted - inner @ weights).var() / max(float(wanted.var()), 1e-9))


def distances(one: Hashes, many: Hashes) -> NDArray[np.uint8]:
    """Number of differing bits, broadcast."""
    apart = np.bitwise_xor(one, many)
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.asarray(np.bitwise_count(apart), np.uint8)
    parts = np.ascontiguousarray(apart).view(np.uint16).reshape(*apart.shape, 4)
    return np.asarray(BITS[parts].sum(axis=-1), np.uint8)


def candidates(hashes: Hashes, limit: int = DISTANCE) -> Iterator[NDArray[np.intp]]:
    """Pairs (K, 2) of indices whose hashes differ in at most `limit` bits, some more than once.

    Of limit + 1 pieces of the hash at least one must agree (pigeonhole), so only pictures that
    share a piece are compared.
    """
    edges = np.linspace(0, 64, limit + 2).round().astype(int)
    for low, high in pairwise(edges):
        piece = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(piece, kind="stable")
        starts = np.flatnonzero(np.diff(piece[order], prepend=piece[order[:1]] + np.uint64(1)))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            yield from _close(hashes, order[start:end], limit)


def _close(hashes: Hashes, members: NDArray[np.intp], limit: int) -> Iterator[NDArray[np.intp]]:
    """Close pairs among `members`, one row block of the comparison table at a time."""
    ours = hashes[members]
    block = max(1, (1 << 20) // len(members))
    for top in range(0, len(members) - 1, block):
        near = distances(ours[top : top + block, None], ours[None, top:]) <= limit
        rows, columns = np.nonzero(near)
        later = columns > rows
        if later.any():
            yield np.stack([members[rows[later] + top], members[columns[later] + top]], axis=1)


class Groups:
    """Union-find over 0..count-1 in 4 bytes each; a group's root is its smallest member."""

    def __init__(self, count: int) -> None:
        self.parent = np.arange(count, dtype=np.int32)

    def root(self, member: int) -> int:
        """The smallest member of the group."""
        path = []
        while (above := int(self.parent[member])) != member:
            path.append(member)
            member = above
        self.parent[path] = member
        return member

    def join(self, first: int, second: int) -> None:
        """Make two groups one."""
        a, b = self.root(first), self.root(second)
        self.parent[max(a, b)] = min(a, b)

    def roots(self) -> NDArray[np.int32]:
        """The root of every member, (count,)."""
        roots = self.parent.copy()
        while not np.array_equal(above := roots[roots], roots):
            roots = above
        return roots


def join_duplicates(
    groups: Groups, hashes: Hashes, thumbnail: Callable[[int], bytes], limit: int = DISTANCE
) -> None:
    """Join near-duplicates. `thumbnail(i)` is asked only for candidates."""
    for pairs in candidates(hashes, limit):
        for first, second in pairs.tolist():
            if groups.root(first) != groups.root(second) and alike(
                thumbnail(first), thumbnail(second)
            ):
                groups.join(first, second)
