"""Frames of a film in a folder, named in order: each answer blended with the one before it.

Stopped and started again it ends with the same files: the mark of a frame holds the hash of the
mark before it, so a frame is done only if all before it are still as they were.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import read_pixels
from portrayal.core.provenance import Provenance, settings_hash
from portrayal.core.runs import write_atomically
from portrayal.inference.files import (
    DONE,
    Files,
    Loaded,
    Outcome,
    mark_of,
    settled_already,
    write_job,
)
from portrayal.inference.jobs import Job
from portrayal.inference.steady import STRENGTH, Before, mean_of, steadied
from portrayal.inference.translator import How, Translator


@dataclass
class Flickers:
    """Flicker of each frame: of what was written, and of what the network gave."""

    after: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)

    def means(self) -> tuple[float, float]:
        """NaN where there is none."""
        return mean_of(self.after), mean_of(self.before)


@dataclass(frozen=True)
class Chain:
    """The frame before and the hash of its mark; `known`: whether the network's answer is."""

    before: Before | None = None
    hash: str = ""
    known: bool = False


def translate_frames(
    translator: Translator, jobs: Iterable[Job], how: How, files: Files, flickers: Flickers
) -> Iterator[Outcome]:
    """Translate in the order of names, 2 before 10; yields one outcome per frame, in that order.

    After a frame that fails, and where the size changes, blending begins anew.
    """
    chain = Chain()
    for job in sorted(jobs, key=in_order):
        try:
            outcome, chain = next_frame(translator, job, how, files, chain, flickers)
        except (BadData, OSError) as error:
            reason = error.reason if isinstance(error, BadPicture) else str(error)
            outcome, chain = Outcome(job.name, "failed", reason), Chain()
        yield outcome


def next_frame(
    translator: Translator, job: Job, how: How, files: Files, chain: Chain, flickers: Flickers
) -> tuple[Outcome, Chain]:
    """One frame done, or found done, and what the next one needs."""
    source_hash = hashlib.sha256(job.source.read_bytes()).hexdigest()
    mark = chained(mark_of(translator, source_hash, job.output.suffix, how, files), chain.hash)
    settled = settled_already(job, mark, files) if job.output.exists() else None
    if settled and settled.reason != DONE:
        return settled, Chain()
    frame = read_pixels(job.source, limit=files.limit, name=job.name)
    hashed = settings_hash(asdict(mark))
    if settled:
        made = read_pixels(job.output)
        return settled, Chain(Before(frame, made, made), hashed)
    answer = translator.translate(frame, how)
    blended = steadied(chain.before, frame, answer)
    if chain.known:
        flickers.after.append(blended.flicker)
        flickers.before.append(blended.flicker_before)
    outcome = write_job(Loaded(job, blended.pixels, mark), files, write_atomically)
    return outcome, Chain(Before(frame, answer, blended.pixels), hashed, True)


def chained(mark: Provenance, earlier: str) -> Provenance:
    """The mark of a frame whose pixels depend on all frames before it."""
    facts = {"settings": mark.settings, "steady": STRENGTH, "after": earlier}
    return replace(mark, settings=settings_hash(facts))


def in_order(job: Job) -> list[tuple[int, str]]:
    """A key by which frame_2 comes before frame_10."""
    parts = re.split(r"(\d+)", job.name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts]
