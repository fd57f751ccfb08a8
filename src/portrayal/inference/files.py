"""One picture file of a job: read unless it is done, written whole, with what became of it.

A bad file is an outcome with a reason; only what would fail for every file (a full disk, too little
memory) is raised. streams.py takes many files through a network.
"""

import errno
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from portrayal.core.errors import BadData, BadPicture, CannotWrite
from portrayal.core.images import Pixels, encode, read_exif, read_pixels
from portrayal.core.provenance import XMP, Provenance, marks, read_provenance
from portrayal.filters.freehand import drawing_of
from portrayal.inference.drawing import once_clean, shown, shown_path, write_shown
from portrayal.inference.jobs import Job
from portrayal.inference.snapshots import way_paths
from portrayal.inference.translator import How, Translator

OF_ONE_FILE = (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EFBIG)
DONE = "done before"
NOT_OURS = "{} exists and is not ours; --overwrite replaces it"

Writer = Callable[[Path, bytes], None]  # `write_atomically`, or one that fails in a test


@dataclass(frozen=True)
class Files:
    """How files are read and written."""

    quality: int = 95  # of JPEG and WebP
    provenance: bool = True  # store that the picture is generated
    keep_exif: bool = False  # camera data, GPS included
    overwrite: bool = False  # also files that this program did not make
    limit: float = 100  # megapixels
    show_input: bool = False  # write beside each output what the network got
    snapshots: int = 0  # of a search, written beside its output


@dataclass(frozen=True)
class Outcome:
    """What became of one job; `reason` says why where it was not simply done."""

    name: str
    kind: Literal["done", "skipped", "failed"]
    reason: str = ""
    size: tuple[int, int] | None = None  # (height, width) of what was done


@dataclass(frozen=True)
class Loaded:
    """A job with its pixels, before or after translation."""

    job: Job
    pixels: Pixels
    mark: Provenance
    known: Pixels | None = None  # the input as it was drawn again


def load_job(job: Job, translator: Translator, how: How, files: Files) -> Loaded | Outcome:
    """Read a source, unless its output stands already or must not be touched."""
    try:
        with job.source.open("rb") as file:
            source_hash = hashlib.file_digest(file, "sha256").hexdigest()
        mark = mark_of(translator, source_hash, job.output.suffix, how, files)
        lacking = files.show_input and not shown_path(job.output).exists()
        lacking = lacking or not all(p.exists() for p in way_paths(job.output, files.snapshots))
        lacking = lacking or not redrawn_already(job, mark)
        settled = settled_already(job, mark, files) if job.output.exists() else None
        if settled and not (lacking and settled.reason == DONE):
            return settled
        pixels = read_pixels(job.source, limit=files.limit, name=job.name)
        if how.drawing:
            pixels = drawing_of(pixels, stroke=how.stroke)
        if files.show_input:
            seen = shown(translator, pixels, once_clean(translator, how))
            write_shown(job.output, seen, overwrite=files.overwrite)
        return Loaded(job, pixels, mark)
    except BadPicture as error:
        return Outcome(job.name, "failed", error.reason)
    except BadData as error:  # an empty drawing
        return Outcome(job.name, "failed", str(error))
    except OSError as error:
        return Outcome(job.name, "failed", (error.strerror or "cannot be read").lower())


def settled_already(job: Job, mark: Provenance, files: Files) -> Outcome | None:
    """The outcome for an output that exists; None if it is to be made anew."""
    found = read_provenance(job.output)
    if found and same_picture(found, mark):
        return Outcome(job.name, "skipped", DONE)
    if found or files.overwrite:
        return None  # ours, but from another model, source or settings; or given free
    if not files.provenance:
        return Outcome(job.name, "skipped", f"{job.output} exists; --overwrite makes it anew")
    return Outcome(job.name, "failed", NOT_OURS.format(job.output))


def redrawn_already(job: Job, mark: Provenance) -> bool:
    """Whether nothing is to be drawn again, or it was by the same model."""
    found = read_provenance(job.known) if job.known and job.known.exists() else None
    return job.known is None or bool(found and same_picture(found, mark))


def same_picture(one: Provenance, other: Provenance) -> bool:
    """Whether two marks promise the same pixels, whatever version wrote them."""
    return replace(one, version="") == replace(other, version="")


def write_job(item: Loaded | Outcome, files: Files, write: Writer) -> Outcome:
    """Write one answer, whole or not at all."""
    if isinstance(item, Outcome):
        return item
    job = item.job
    try:
        exif = read_exif(job.source) if files.keep_exif else None
        mark = item.mark if files.provenance else None
        if job.known and item.known is not None:  # first: where the answer is, this is too
            write(job.known, encoded(item.known, ".png", item.mark, files))
        write(job.output, encoded(item.pixels, job.output.suffix, mark, files, exif))
    except (CannotWrite, OSError) as error:
        cause = error.__cause__ if isinstance(error, CannotWrite) else error
        if getattr(cause, "errno", None) not in OF_ONE_FILE:
            raise  # a full disk: the next picture would fail as well
        return Outcome(job.name, "failed", str(error))
    height, width = item.pixels.shape[:2]
    return Outcome(job.name, "done", size=(height, width))


def encoded(
    pixels: Pixels,
    suffix: str,
    mark: Provenance | None,
    files: Files,
    exif: bytes | None = None,
) -> bytes:
    """The bytes of an output file. Its pixels are sRGB and upright, so no profile is stored.

    PNGs are written the quick way: a careful one takes a tenth as long as a network on two cores.
    """
    text = marks(mark) if mark else {}
    if suffix.lower() != ".png":  # elsewhere plain text would have to be EXIF
        text = {XMP: text[XMP]} if text else {}
    return encode(pixels, suffix, text, quality=files.quality, exif=exif, quick=True)


def translate_bytes(
    translator: Translator, content: bytes, suffix: str, how: How = How(), files: Files = Files()
) -> bytes:
    """A picture file in memory -> the file of its answer; BadPicture if it is none."""
    pixels = read_pixels(content, limit=files.limit, name="standard input")
    mark = mark_of(translator, hashlib.sha256(content).hexdigest(), suffix, how, files)
    exif = read_exif(content) if files.keep_exif else None
    answer = translator.translate(pixels, how)
    return encoded(answer, suffix, mark if files.provenance else None, files, exif)


def mark_of(
    translator: Translator, source_hash: str, suffix: str, how: How, files: Files
) -> Provenance:
    """The mark of an output, which names every setting that its pixels and EXIF depend on."""
    lossy = {} if suffix.lower() == ".png" else {"quality": files.quality}
    return translator.provenance(how, source_hash, keep_exif=files.keep_exif, **lossy)
