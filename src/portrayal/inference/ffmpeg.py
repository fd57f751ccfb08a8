"""ffmpeg as a child: what a video is, its frames as pixels, and pixels as a video.

ffmpeg may open files only, and only of the kinds named here: a playlist that calls itself .mp4 can
make it read neither an address nor another file. Frames come upright, with square pixels, at a
constant rate from time 0, so that the sound stays with them.
"""

import json
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from portrayal.core.errors import BadData, CannotWrite, MissingPart
from portrayal.core.images import Pixels

VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv")
WRITTEN = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
COPIED = ("aac", "mp3", "ac3", "eac3", "alac")  # sound that all of these hold
KINDS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg"  # ffmpeg's demuxers
SAFE = ("-protocol_whitelist", "file,pipe", "-format_whitelist", KINDS)
UNWRITTEN = (b"Error writing trailer", b"No space left")  # it may end with 0 all the same
NOTHING = subprocess.DEVNULL
FASTEST = 240  # frames per second
GET = "Debian: apt-get install ffmpeg; macOS: brew install ffmpeg; a folder of frames needs none."


@dataclass(frozen=True)
class Clip:
    """What is known of a video before it is decoded. The size is as it is shown."""

    width: int
    height: int
    rate: Fraction
    frames: int | None  # by its header
    sound: str | None  # codec


def is_video(name: str) -> bool:
    """Whether a file is a video by its suffix.

    >>> is_video("a.MP4"), is_video("a.png")
    (True, False)
    """
    return Path(name).suffix.lower() in VIDEOS


def program(name: str) -> str:
    """Where ffmpeg or ffprobe is."""
    if (found := shutil.which(name)) is None:
        raise MissingPart(f"Videos need {name}, which is not here. {GET}")
    return found


def look(path: Path, limit: float) -> Clip:
    """Size, rate and sound of a video of at most `limit` megapixels."""
    words = ["-v", "error", *SAFE, "-show_streams", "-show_format", "-of", "json"]
    command = [program("ffprobe"), *words, "-i", f"file:{path}"]
    answer = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    try:
        found = json.loads(answer.stdout)
    except ValueError:
        found = {}
    streams = [each for each in found.get("streams", []) if isinstance(each, dict)]
    shown = [each for each in streams if is_shown(each)]
    if answer.returncode or not shown:
        raise BadData(f"{path} is no video that can be read: {last_line(answer.stderr, path)}")
    sounds = [each.get("codec_name") for each in streams if each.get("codec_type") == "audio"]
    width, height = size_of(shown[0])
    if width * height > limit * 1e6:
        raise BadData(
            f"{path} is {width} x {height} pixels, more than {limit:g} megapixels: see --limit."
        )
    rate, sound = rate_of(shown[0], path), sounds[0] if sounds else None
    return Clip(width, height, rate, frames_of(shown[0], found, rate), sound)


def is_shown(stream: dict[str, Any]) -> bool:
    """Whether it is moving pictures, and no cover of an album."""
    cover = stream.get("disposition", {}).get("attached_pic")
    return stream.get("codec_type") == "video" and not cover and bool(stream.get("width"))


def size_of(stream: dict[str, Any]) -> tuple[int, int]:
    """(width, height) as shown: pixels made square, then turned."""
    width, height = int(stream["width"]), int(stream["height"])
    shape = fraction(str(stream.get("sample_aspect_ratio", "1:1")).replace(":", "/"))
    if Fraction(1, 16) <= shape <= 16:  # else unknown or nonsense
        width = max(1, round(width * shape))
    turns = [each.get("rotation", 0) for each in stream.get("side_data_list", [])]
    turned = any(round(float(turn)) % 180 for turn in turns)
    return (height, width) if turned else (width, height)


def rate_of(stream: dict[str, Any], path: Path) -> Fraction:
    """Frames per second: the mean, or what the header claims."""
    for name in ("avg_frame_rate", "r_frame_rate"):
        rate = fraction(str(stream.get(name)))
        if 0 < rate <= FASTEST:
            return rate
    raise BadData(f"{path} has no usable rate of frames: more than 0 and at most {FASTEST} wanted.")


def frames_of(stream: dict[str, Any], found: dict[str, Any], rate: Fraction) -> int | None:
    """How many frames there will be, nearly; None if the file does not say."""
    for holder in (stream, found.get("format", {})):
        with suppress(KeyError, ValueError, TypeError, OverflowError):
            if (count := round(float(holder["duration"]) * rate)) > 0:
                return count
    return None


def fraction(text: str) -> Fraction:
    """A ratio in text; 0 if it is none.

    >>> fraction("30000/1001"), fraction("0/0")
    (Fraction(30000, 1001), Fraction(0, 1))
    """
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


@contextmanager
def decoding(
    source: Path, clip: Clip, limit: float, complaints: IO[bytes]
) -> Iterator[Iterator[Pixels]]:
    """The frames of a video, (H, W, 3) each; the decoder ends with the block."""
    limits = ["-max_pixels", str(int(min(limit * 1e6, 2**31 - 1)))]
    shape = f"fps={clip.rate}:start_time=0,scale={clip.width}:{clip.height}"
    scale = f"{shape}:flags=bicubic+accurate_rnd+full_chroma_int,setsar=1"
    read = [*SAFE, *limits, "-i", f"file:{source}", "-map", "0:V:0", "-vf", scale]
    write = ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    with running([*read, *write], complaints, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield frames_from(process.stdout, clip)


def frames_from(stream: IO[bytes], clip: Clip) -> Iterator[Pixels]:
    """Whole frames of raw bytes; a cut last one is dropped."""
    shape = (clip.height, clip.width, 3)
    while len(content := stream.read(math.prod(shape))) == math.prod(shape):
        yield np.frombuffer(content, np.uint8).reshape(shape).copy()


@contextmanager
def encoding(
    target: Path, clip: Clip, form: str, quality: int, comment: str, source: Path, said: IO[bytes]
) -> Iterator[Callable[[Pixels], None]]:
    """`take(frame)` for each frame of the video `target`, with the sound of `source`.

    H.264 in BT.709, which every player knows; odd sides get their last row or column twice.
    """
    size = f"{clip.width + clip.width % 2}x{clip.height + clip.height % 2}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", size]
    read = [*raw, "-framerate", str(clip.rate), "-i", "pipe:0"]
    if clip.sound:
        sound = ["-c:a", "copy"] if clip.sound in COPIED else ["-c:a", "aac", "-b:a", "192k"]
        read += [*SAFE, "-i", f"file:{source}", "-map", "0:v:0", "-map", "1:a:0", *sound]
    colours = [f"-{name}" for name in ("colorspace", "color_primaries", "color_trc")]
    told = [word for name in colours for word in (name, "bt709")]
    picture = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", *told]
    coder = ["-c:v", "libx264", "-crf", str(rate_factor(quality)), "-color_range", "tv"]
    plain = ["-map_metadata", "-1", "-map_chapters", "-1", "-metadata", f"comment={comment}"]
    same = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    front = ["-movflags", "+faststart"] if form != "matroska" else []
    write = [*picture, *coder, *plain, *same, *front, "-y", "-f", form, f"file:{target}"]
    with running([*read, *write], said, stdin=subprocess.PIPE) as process:
        assert process.stdin
        stream = process.stdin
        with suppress(BrokenPipeError):  # it has ended; the code says why
            yield lambda frame: put(stream, frame, process, said)
            stream.close()
        ended(process, said)


def rate_factor(quality: int) -> int:
    """x264's constant rate factor for the quality 1..100 that JPEG has.

    >>> rate_factor(95), rate_factor(100), rate_factor(1)
    (18, 16, 51)
    """
    return round(51 - 0.35 * quality)


def put(
    stream: IO[bytes], frame: Pixels, process: "subprocess.Popen[bytes]", said: IO[bytes]
) -> None:
    """One frame for the encoder, its sides made even."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    try:
        stream.write(np.ascontiguousarray(frame).data)
    except BrokenPipeError:
        ended(process, said)
        raise


def ended(process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
    """Wait for an encoder; one line if it failed."""
    failed, text = process.wait(), content_of(said)
    if failed or any(word in text for word in UNWRITTEN):
        raise CannotWrite(f"ffmpeg could not write the video: {last_line(text)}")


@contextmanager
def running(
    words: Sequence[str], said: IO[bytes], stdin: int = NOTHING, stdout: int = NOTHING
) -> Iterator["subprocess.Popen[bytes]"]:
    """ffmpeg with these words; when the block ends, it has ended too. Ctrl-C reaches only us."""
    command = [program("ffmpeg"), "-nostdin", "-v", "error", *words]
    process = subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=said, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        process.wait()


def content_of(file: IO[bytes]) -> bytes:
    """The end of what ffmpeg said."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 4096))
    return file.read()


def last_line(said: bytes, path: Path | None = None) -> str:
    """The last line of what ffmpeg said, without the name it repeats."""
    lines = said.decode(errors="replace").strip().splitlines() or ["no reason given"]
    text = lines[-1].removeprefix(f"file:{path}: ") if path else lines[-1]
    return text[:200]
