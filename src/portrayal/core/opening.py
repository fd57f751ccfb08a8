"""From a path or bytes to the right decoder, quietly, and every way to fail as one short reason."""

import bz2
import logging
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from portrayal.core.colours import Refused

logging.getLogger("PIL").addHandler(logging.NullHandler())  # or its errors go to stderr

_SIGNATURES: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),  # also the first picture of an MPO
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    *((b"P%d" % kind, PpmImagePlugin.PpmImageFile) for kind in range(1, 7)),
)


def plugin(file: BinaryIO) -> type[ImageFile]:
    """The decoder for what the file starts with."""
    head = file.read(16)
    file.seek(0)
    if not head:
        raise Refused("empty file")
    for signature, plugin in _SIGNATURES:
        if head.startswith(signature):
            if (signature == b"RIFF" and head[8:12] != b"WEBP") or (
                plugin is PpmImagePlugin.PpmImageFile and head[2:3] not in b"\t\n\v\f\r #"
            ):
                break
            return plugin
    raise Refused("not a picture of a known format")


def check_size(image: ImageFile, limit: float) -> None:
    """Refuse by the header, before memory is taken; `limit` is in megapixels."""
    width, height = image.size
    if width < 1 or height < 1:
        raise Refused(f"damaged: {width} x {height} pixels")
    if width * height > limit * 1e6:
        raise Refused(f"{width * height / 1e6:.4g} megapixels, more than the limit of {limit:g}")


@contextmanager
def opened(source: Path | bytes, limit: float) -> Iterator[BinaryIO]:
    """The file, unpacked if it is bzip2; nothing but regular files, so that no pipe can block."""
    if isinstance(source, bytes):
        yield _unpacked(BytesIO(source), limit)
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise Refused("not a file")
        file = source.open("rb")
    except OSError as error:
        raise Refused((error.strerror or "cannot be opened").lower()) from None
    with file:
        yield _unpacked(file, limit)


def _unpacked(file: BinaryIO, limit: float) -> BinaryIO:
    """A .ppm.bz2 unpacked in memory, never more of it than its header announces."""
    packed = file.read(3) == b"BZh"
    file.seek(0)
    if not packed:
        return file
    with pillow("damaged bzip2"):
        unpacker = bz2.BZ2File(file)
        head = BytesIO(unpacker.read(1 << 16))
        if plugin(head) is not PpmImagePlugin.PpmImageFile:
            raise Refused("bzip2 of something that is not PPM or PGM")
        image = PpmImagePlugin.PpmImageFile(head)
        check_size(image, limit)
        most = image.width * image.height * 24  # bytes: 3 channels as text such as "65535  "
        return BytesIO(head.getvalue() + unpacker.read(most))


@contextmanager
def pillow(what: str) -> Iterator[None]:
    """Anything a decoder raises means a damaged file: Pillow lets through far more than OSError."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:80].rstrip(" .")
        raise Refused(f"{what}: {text or type(error).__name__}") from None


_silence = warnings.catch_warnings()
_readers = 0
_lock = Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """No Pillow warning while any thread reads: the first one in mutes, the last unmutes."""
    global _silence, _readers
    with _lock:
        if _readers == 0:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _silence.__exit__(None, None, None)
