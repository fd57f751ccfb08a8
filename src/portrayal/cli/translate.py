"""`portrayal translate`: pictures through a trained model, each to a file of the same size."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from portrayal.cli.options import SetSearch, With
from portrayal.cli.stopping import stoppable, tell
from portrayal.cli.translate_files import translate_all
from portrayal.cli.translate_options import (
    BatchSize,
    Checkpoint,
    Device,
    Drawing,
    Engine,
    Input,
    KeepExif,
    Limit,
    Mark,
    Out,
    Overlap,
    Overwrite,
    Quality,
    Resize,
    Reverse,
    Run,
    Seed,
    Shard,
    ShowInput,
    Snapshots,
    Steady,
    Stroke,
    Suffix,
    Tile,
    refuse_mixed,
    refuse_no_search,
    refuse_snapshots,
)
from portrayal.cli.translate_video import (
    refuse_unsteady,
    video_ahead,
    video_asked,
    video_through,
)

if TYPE_CHECKING:
    from portrayal.inference.files import Files
    from portrayal.inference.jobs import Format, Job
    from portrayal.inference.translator import How, Translator


def translate(
    run: Run,
    source: Input,
    out: Out,
    checkpoint: Checkpoint = "newest",
    resize: Resize = False,
    suffix: Suffix = "png",
    quality: Quality = 95,
    reverse: Reverse = False,
    seed: Seed = 0,
    tile: Tile = 1024,
    overlap: Overlap = None,
    batch: BatchSize = None,
    device: Device = "auto",
    engine: Engine = "auto",
    shard: Shard = "1/1",
    overwrite: Overwrite = False,
    keep_exif: KeepExif = False,
    provenance: Mark = True,
    limit: Limit = 100.0,
    drawing: Drawing = False,
    stroke: Stroke = 3.0,
    show_input: ShowInput = False,
    steady: Steady = False,
    snapshots: Snapshots = 0,
    overrides: SetSearch = None,
    with_files: With = None,
) -> None:
    """Translate a picture, a folder of pictures, a video or standard input.

    Every output has the name and the size of its input, and a folder's tree is mirrored. What is
    done is skipped, so the same command goes on after a stop. Pictures that fail are named at the
    end and the exit code is 1; the others are done all the same.

    Example: portrayal translate runs/faces photos --out painted
    """
    piped = "-" in (source, out)
    refuse_mixed(piped, drawing, stroke, show_input)
    refuse_snapshots(snapshots, steady or piped or video_asked(source, out))
    content = read_input(source, out, overwrite) if piped else b""
    from portrayal.inference.files import Files
    from portrayal.inference.translator import How

    how = How(reverse, seed, resize, tile, overlap, drawing, stroke)
    files = Files(quality, provenance, keep_exif, overwrite, limit, show_input, snapshots)
    if not piped and video_asked(source, out):
        target, clip = video_ahead(source, out, shard, files)
        count = clip.frames or 1000
        translator = loaded(run, device, checkpoint, how, engine, overrides or (), count)
        with stoppable("Stopped. Nothing was written; a video is made whole or not at all."):
            video_through(translator, Path(source), target, clip, how, files, steady, batch)
        return
    jobs: Iterable[Job] = () if piped else Jobs(Path(source), Path(out), suffix, shard)
    total = sum(1 for _ in jobs)  # says what is wrong with INPUT before the model is loaded
    if steady:
        refuse_unsteady(piped, suffix, shard, files)
    count = 1 if piped else total
    translator = loaded(run, device, checkpoint, how, engine, overrides or (), count)
    if snapshots:
        refuse_no_search(translator)
    if piped:
        pipe(translator, content, out, suffix, how, files)
    elif steady:
        translate_all(translator, jobs, total, how, files, batch, steadily=True)
    else:
        translate_all(translator, jobs, total, how, files, batch)


@dataclass(frozen=True)
class Jobs:
    """The jobs of one part, found anew at every iteration, so that none need to be kept."""

    source: Path
    out: Path
    suffix: "Format"
    shard: str

    def __iter__(self) -> "Iterator[Job]":
        from portrayal.inference.jobs import find_jobs, in_shard, parse_shard

        part = parse_shard(self.shard)
        every = find_jobs(self.source, self.out, self.suffix)
        return (job for job in every if in_shard(job, *part))


def read_input(source: str, out: str, overwrite: bool) -> bytes:
    """What is to be translated when standard input or output is used."""
    from portrayal.core.errors import BadData, BadOption

    if out != "-" and Path(out).suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise BadOption(f"Standard input has no name: --out {out} must be a .png, .jpg or .webp.")
    if out != "-" and Path(out).exists() and not overwrite:
        raise BadOption(f"--out {out} exists: choose another, or add --overwrite.")
    if out == "-" and sys.stdout.isatty():
        raise BadOption("--out - would write a picture into the terminal: add > FILE.")
    if source != "-" and not Path(source).is_file():
        raise BadData(f"{source} is not a file: --out - takes one picture or standard input.")
    content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    if not content:
        raise BadData("Standard input is empty: give a picture, such as < photo.jpg.")
    return content


def loaded(
    run: Path,
    device: str,
    checkpoint: str,
    how: "How",
    engine: str,
    overrides: Sequence[str],
    pictures: int,
) -> "Translator":
    """The model, with a line about which one it is; unusable settings are refused here."""
    from portrayal.inference.engines import with_engine
    from portrayal.inference.hub import run_folder
    from portrayal.inference.load import load
    from portrayal.inference.searching import with_search

    run = run_folder(run, note=tell)
    translator = load(run, device=device, checkpoint=checkpoint, note=tell)
    translator = with_search(translator, overrides)
    translator.check(how)
    translator = with_engine(
        translator, run, engine, pictures=pictures, reverse=how.reverse, note=tell
    )
    step, recipe = translator.about.get("step", "?"), translator.config["recipe"]
    inexact = ", inexact" if ":" in translator.engine else ""
    where = f"{translator.device} by {translator.engine}{inexact}"
    tell(f"{recipe} of {run}, checkpoint {checkpoint} (step {step}), on {where}")
    return translator


def pipe(
    translator: "Translator", content: bytes, out: str, suffix: str, how: "How", files: "Files"
) -> None:
    """One picture from memory to standard output or to a file."""
    from portrayal.core.runs import write_atomically
    from portrayal.inference.files import translate_bytes

    kind = Path(out).suffix if out != "-" else ".png" if suffix == "keep" else f".{suffix}"
    answer = translate_bytes(translator, content, kind, how, files)
    if out == "-":
        sys.stdout.buffer.write(answer)
    else:
        write_atomically(Path(out), answer)
