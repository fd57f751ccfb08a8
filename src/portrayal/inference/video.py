"""A video through a model: decoded, translated group by group, encoded; memory does not grow."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from portrayal import __version__
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.core.provenance import GENERATED
from portrayal.core.runs import sync_folder, writing
from portrayal.inference.ffmpeg import WRITTEN, Clip, content_of, decoding, encoding, last_line
from portrayal.inference.files import Files
from portrayal.inference.steady import Steadied, mean_of, steady
from portrayal.inference.translator import How, Translator

GROUP = 16  # frames at once, if they are small


@dataclass(frozen=True)
class Made:
    """What became of a video."""

    frames: int
    flicker: float  # levels of 255; NaN without `steadily`
    flicker_before: float
    complaint: str  # ffmpeg's last line about a damaged input


def translate_video(
    translator: Translator,
    source: Path,
    out: Path,
    clip: Clip,
    how: How = How(),
    files: Files = Files(),
    *,
    steadily: bool = False,
    batch: int | None = None,
    advance: Callable[[int], None] = lambda frames: None,
) -> Made:
    """Translate a video into another of its size, rate and sound; whole, or not there at all."""
    check_out(source, out, files)
    translator.check(how)
    note = comment(translator, how) if files.provenance else ""
    kind, flickers = WRITTEN[out.suffix.lower()], []
    with (
        partial(out) as part,
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as wrote,
        decoding(source, clip, files.limit, read) as frames,
        encoding(part, clip, kind, files.quality, note, source, wrote) as take,
    ):
        first = next(frames, None)
        if first is None:
            reason = last_line(content_of(read), source)
            raise BadData(f"{source} has no frame that can be read: {reason}")
        pairs = answers(translator, chain((first,), frames), how, batch)
        made = steady(pairs) if steadily else (Steadied(answer) for _, answer in pairs)
        for each in made:
            take(each.pixels)
            flickers.append((each.flicker, each.flicker_before))
            advance(1)
        said = content_of(read)
    after, before = (mean_of(values) for values in zip(*flickers, strict=True))
    return Made(len(flickers), after, before, last_line(said, source) if said else "")


def comment(translator: Translator, how: How) -> str:
    """What a video says about itself."""
    made = f"Generated video ({translator.config['recipe']} model {translator.model_hash[:12]})"
    return f"{made}, Portrayal {__version__}, {GENERATED}"


@contextmanager
def partial(out: Path) -> Iterator[Path]:
    """A file beside `out` that becomes `out` when the block ends well, else it is removed."""
    part = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        with writing(out):
            part.replace(out)
            sync_folder(out.parent)
    finally:
        part.unlink(missing_ok=True)


def check_out(source: Path, out: Path, files: Files) -> None:
    """Refuse an output that cannot be made or must not be touched."""
    if out.suffix.lower() not in WRITTEN:
        raise BadOption(f"--out {out} is no video that is written: {', '.join(sorted(WRITTEN))}.")
    if out.exists() and out.samefile(source):
        raise BadOption(f"--out {out} is the input itself: give another.")
    if out.exists() and not (files.overwrite and out.is_file()):
        raise BadOption(f"--out {out} exists: choose another, or add --overwrite.")


def answers(
    translator: Translator, frames: Iterable[Pixels], how: How, batch: int | None
) -> Iterator[tuple[Pixels, Pixels]]:
    """Frames with their answers, in groups that the network takes at once."""
    frames = iter(frames)
    first = next(frames)
    most = batch or max(1, min(GROUP, how.tile**2 // (first.shape[0] * first.shape[1])))
    frames = chain((first,), frames)
    while group := list(islice(frames, most)):
        yield from zip(group, translator.translate_all(group, how, batch=batch), strict=True)
