"""Which pictures are to be translated and where each answer goes: names kept, the tree mirrored."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import SUFFIXES, find_pictures, is_picture_name, stem_of
from portrayal.core.leftovers import clear_leftovers

Format = Literal["png", "jpg", "webp", "keep"]
MARKED = (".png", ".jpg", ".jpeg", ".webp")  # outputs; each can carry the mark of its origin


@dataclass(frozen=True)
class Job:
    """One picture to translate. `name` is what the person calls it: its path below the input."""

    source: Path
    output: Path
    name: str
    known: Path | None = None  # where the input goes as a model that `redraws` drew it again


def find_jobs(source: Path, out: Path, suffix: Format = "png") -> Iterator[Job]:
    """The picture `source`, or those under the folder `source`, with where each is to go."""
    if not source.exists():
        raise BadData(f"{source} does not exist. Give a picture, a folder or - for standard input.")
    if not source.is_dir() and not source.is_file():
        raise BadData(f"{source} is no file and no folder; what comes through a pipe is INPUT -.")
    if not source.is_dir():
        yield Job(source, output_of_one(source, out, suffix), source.name)
        return
    if out.exists() and not out.is_dir():
        raise BadOption(f"--out {out} is a file, but {source} is a folder: give a folder.")
    if out.resolve() == source.resolve():
        raise BadOption(
            f"--out is the input folder {source}: give another, nothing is overwritten."
        )
    inside = out.resolve().is_relative_to(source.resolve())
    earlier = source / out.resolve().relative_to(source.resolve()) if inside else None
    names_in = lru_cache(maxsize=64)(partial(output_names, suffix=suffix))
    any_found = False
    for path in find_pictures(source):
        if earlier is None or not path.is_relative_to(earlier):
            name = path.relative_to(source)
            written = names_in(path.parent).get(path.name)
            if written is not None:  # else it was removed this moment
                any_found = True
                yield Job(path, out / name.parent / written, str(name))
    if not any_found:
        raise BadData(f"{source} holds no pictures. Known suffixes: {', '.join(sorted(SUFFIXES))}.")


def swept(jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs; what a killed process left in a folder goes before the first answer to it."""
    seen = set()
    for job in jobs:
        if job.output.parent not in seen:
            seen.add(job.output.parent)
            clear_leftovers(job.output.parent)
        yield job


def output_of_one(source: Path, out: Path, suffix: Format) -> Path:
    """Where one picture goes: `out` itself if that names a picture, else into the folder `out`."""
    if out.suffix.lower() in MARKED and not out.is_dir():
        chosen = out
    else:
        chosen = out / (stem_of(source) + suffix_for(source.name, suffix))
    if chosen.exists() and chosen.samefile(source):
        raise BadOption(f"--out {chosen} is the input itself: give another.")
    return chosen


def suffix_for(name: str, suffix: Format) -> str:
    """The suffix of an output; "keep" keeps the input's where such a file can carry the mark."""
    own = Path(name).suffix
    return (own if own.lower() in MARKED else ".png") if suffix == "keep" else f".{suffix}"


def output_names(folder: Path, suffix: Format) -> dict[str, str]:
    """Output name of every picture of one folder; inputs never share one.

    Where a.png and a.jpg would both become a.png, the second becomes a.jpg.png.
    """
    names = sorted(path.name for path in folder.iterdir() if is_picture_name(path.name))
    plain = {name: stem_of(name) + suffix_for(name, suffix) for name in names}
    count = Counter(plain.values())
    chosen = {
        name: wish if count[wish] == 1 or wish == name else name + suffix_for(name, suffix)
        for name, wish in plain.items()
    }
    if len(set(chosen.values())) < len(chosen):
        wish, _ = Counter(chosen.values()).most_common(1)[0]
        both = ", ".join(name for name in chosen if chosen[name] == wish)
        raise BadData(f"{folder}: {both} would all become {wish}; rename one of them.")
    return chosen


def in_shard(job: Job, index: int, count: int) -> bool:
    """Whether part `index` of 1..`count` has this job; its name alone decides."""
    return int(hashlib.sha256(os.fsencode(job.name)).hexdigest(), 16) % count == index - 1


def parse_shard(text: str) -> tuple[int, int]:
    """Part and number of parts.

    >>> parse_shard("1/8")
    (1, 8)
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise BadOption(f"--shard {text} is no part I/N with I from 1 to N, such as 1/8.")
    return int(index), int(count)
