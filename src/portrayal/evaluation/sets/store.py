"""Features of pictures, computed once: found again by what the picture shows, not by its file.

FOLDER/NETWORK-SHA-PROTOCOL-DEVICE/SHARD.safetensors holds "hashes" (K, 32), the SHA-256 of the
pixels, and "features" (K, D). A shard is named by its own SHA-256 and appears whole or not at all,
so a kill or a second process costs work and never a value; a damaged one is passed over.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save

from portrayal.core.images import Pixels, pixels_hash
from portrayal.core.runs import write_atomically
from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.sets.networks import Extractor, Vector
from portrayal.inference.ahead import ahead

PROTOCOL = 2  # of all that lies between a picture and its features; a new one forgets all shards
SHARD = 256  # pictures; a kill loses at most so many
NONE = np.zeros(0, np.float32)  # a picture without features, such as one without a face
Found = dict[str, Vector]


def user_cache() -> Path:
    """Where the features of folders are kept: $XDG_CACHE_HOME/portrayal/features."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "portrayal" / "features"


def features_of(
    pictures: Sequence[Callable[[], Pixels]],
    hashes: Sequence[str | None],
    extractor: Extractor,
    folder: Path,
    *,
    bar: Bar | None = None,
) -> list[Vector | None]:
    """Features (D,) of each picture, None where it has none; only new pictures are looked at.

    `hashes` are the pixels_hash of the pictures, None where it is not known yet.
    """
    place = shelf(folder, extractor)
    stored = stored_features(place)
    hashed = [name or pixels_hash(read()) for name, read in zip(hashes, pictures, strict=True)]
    new = {name: read for name, read in zip(hashed, pictures, strict=True) if name not in stored}
    if new:
        stored |= computed(new, extractor, place, bar)
    return [stored[name] if len(stored[name]) else None for name in hashed]


def shelf(folder: Path, extractor: Extractor) -> Path:
    """The folder of one network's features under one protocol."""
    parts = (extractor.name, extractor.sha256[:16], f"v{PROTOCOL}", extractor.kind)
    return folder / "-".join(parts)


def computed(
    new: Mapping[str, Callable[[], Pixels]], extractor: Extractor, place: Path, bar: Bar | None
) -> Found:
    """Features of pictures by hash, kept in shards; what is done before an interruption stays."""
    found: Found = {}
    unsaved: Found = {}

    def one(name: str) -> tuple[str, Vector | None]:
        return name, extractor.of(new[name]())

    with (
        one_thread_each() as cores,
        opened(bar, f"Features ({extractor.title})", len(new)) as advance,
        ThreadPoolExecutor(cores, initializer=partial(torch.set_num_threads, 1)) as pool,
    ):
        try:
            for name, vector in ahead(pool, one, new):
                unsaved[name] = NONE if vector is None else vector
                advance(1)
                if len(unsaved) >= SHARD:
                    write_shard(place, unsaved)
                    found |= unsaved
                    unsaved = {}
        finally:
            pool.shutdown(cancel_futures=True)
            if unsaved:
                write_shard(place, unsaved)
    return found | unsaved


@contextmanager
def one_thread_each() -> Iterator[int]:
    """How many pictures to compute at once; in here torch gives each of them one thread.

    Sums that are shared out among threads round otherwise with another number of them.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def write_shard(place: Path, found: Found) -> None:
    """Write features under the name of their content; those without any in a shard of their own."""
    by_length: dict[int, list[str]] = {}
    for name, vector in found.items():
        by_length.setdefault(len(vector), []).append(name)
    for names in by_length.values():
        content = save({
            "hashes": np.array([list(bytes.fromhex(name)) for name in names], np.uint8),
            "features": np.stack([found[name] for name in names]),
        })  # fmt: skip
        write_atomically(place / f"{hashlib.sha256(content).hexdigest()}.safetensors", content)


def stored_features(place: Path) -> Found:
    """All features of a shelf by the hash of their picture."""
    found: Found = {}
    for path in sorted(place.glob("*.safetensors")) if place.is_dir() else ():
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != path.stem:
            continue  # damaged: its pictures are computed again
        shard = load(content)
        names = [bytes(row).hex() for row in shard["hashes"]]
        found |= dict(zip(names, shard["features"], strict=True))
    return found


def stacked(vectors: Sequence[Vector | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features (N', D) of the pictures that have any, and which these are, (N,)."""
    have = np.array([vector is not None for vector in vectors], bool)
    rows = [vector for vector in vectors if vector is not None]
    return np.stack(rows) if rows else np.zeros((0, 1), np.float32), have
