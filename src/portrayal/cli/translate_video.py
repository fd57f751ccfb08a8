"""`portrayal translate` of a video, and of frames in a folder whose order matters."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from portrayal.cli.progress import bar, say, warn
from portrayal.core.errors import BadOption

if TYPE_CHECKING:
    from portrayal.inference.ffmpeg import Clip
    from portrayal.inference.files import Files
    from portrayal.inference.translator import How, Translator


def video_asked(source: str, out: str) -> bool:
    """Whether INPUT or --out is a video by its suffix."""
    from portrayal.inference.ffmpeg import is_video

    return is_video(source) or is_video(out)


def video_ahead(source: str, out: str, shard: str, files: "Files") -> tuple[Path, "Clip"]:
    """Where the video goes and what is known of it; what cannot work is refused in one line."""
    from portrayal.inference.ffmpeg import is_video, look
    from portrayal.inference.video import check_out

    if not is_video(source):
        raise BadOption(f"--out {out} is a video, so INPUT must be one: {source} is not.")
    if shard != "1/1" or files.show_input or files.keep_exif:
        raise BadOption("--shard, --show-input and --keep-exif are not for videos.")
    if not Path(source).is_file():
        raise BadOption(f"{source} is not a file. Give a video, such as clip.mp4.")
    target = Path(out) if Path(out).suffix else Path(out) / f"{Path(source).stem}.mp4"
    check_out(Path(source), target, files)
    return target, look(Path(source), files.limit)


def video_through(
    translator: "Translator",
    source: Path,
    target: Path,
    clip: "Clip",
    how: "How",
    files: "Files",
    steadily: bool,
    batch: int | None,
) -> None:
    """Translate under a bar, then say what was made and how much it flickers."""
    from portrayal.inference.video import translate_video

    with bar("Translating", clip.frames, "frames") as advance:
        made = translate_video(
            translator, source, target, clip, how, files,
            steadily=steadily, batch=batch, advance=advance,
        )  # fmt: skip
    size = f"{clip.width} x {clip.height}"
    if clip.width % 2 or clip.height % 2:
        size += ", one line added to odd sides"
    say(f"{made.frames} frames translated to {target} ({size}, {float(clip.rate):.4g} a second)")
    if made.complaint:
        warn(f"{source} is damaged: {made.complaint}")
    say_flicker(made.flicker, made.flicker_before)


def say_flicker(after: float, before: float) -> None:
    """The flicker of blended answers beside that of the network's."""
    if not math.isnan(after):
        say(
            f"Flicker {after:.2f} of 255 levels; {before:.2f} without --steady "
            "(mean change between frames where the input only moves)"
        )


def refuse_unsteady(piped: bool, suffix: str, shard: str, files: "Files") -> None:
    """One line where frames have no order, or could not be read back as they were."""
    if piped or shard != "1/1":
        raise BadOption("--steady needs all frames in order: a video, or a folder as one part.")
    if suffix != "png":
        raise BadOption(f"--steady goes on from frames written before: --format {suffix} loses.")
    if files.show_input:
        raise BadOption("--steady and --show-input do not go together.")
