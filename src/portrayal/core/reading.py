"""Any legal picture file -> upright 8-bit sRGB pixels, and for any other file one short reason.

The content decides what a file is, never its name. The header is checked before memory is taken.
What is done to get to RGB, in this order:

16 bit      v / 257, rounded; of 16-bit RGB files Pillow hands out the upper byte (exact for 257 k)
float       only when every value lies in 0..1; other ranges and 32-bit integers are refused
profile     an embedded colour profile is converted to sRGB (relative colorimetric); a broken one
            is ignored and noted
CMYK        JPEGs are taken as inverted, as browsers do (Adobe wrote them so)
alpha       composited on `background`, in sRGB
EXIF        turned upright (all 8 orientations)
animated    first frame
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from portrayal.core.colours import Colour, Refused, flatten, upright
from portrayal.core.errors import BadPicture
from portrayal.core.opening import check_size, opened, pillow, plugin, quiet

Pixels = NDArray[np.uint8]  # (H, W, 3), RGB
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """Pixels and what the file was.

    info: mode, format, bits, orientation (1..8), profile (bool) as in the file; width and height of
    `pixels`, so after turning; notes: a tuple of what was ignored.
    """

    pixels: Pixels
    info: dict[str, Any]


def read_pixels(
    source: Path | bytes, *, limit: float = 100, background: Colour = WHITE, name: str = ""
) -> Pixels:
    """A picture file as upright sRGB (H, W, 3); see `read_picture`."""
    return read_picture(source, limit=limit, background=background, name=name).pixels


def read_picture(
    source: Path | bytes, *, limit: float = 100, background: Colour = WHITE, name: str = ""
) -> Picture:
    """Read a picture file; anything else raises BadPicture(name, reason).

    `limit` is in megapixels. `name` is what the error calls bytes that have no path.
    """
    name = name or (str(source) if isinstance(source, Path) else "picture")
    try:
        with quiet(), opened(source, limit) as file:
            image, info = _decoded(file, limit)
            pixels, notes = flatten(image, info["bits"], background)
            turn = (
                1 if info["format"] == "TIFF" else info["orientation"]
            )  # Pillow turns TIFF itself
    except Refused as refusal:
        raise BadPicture(name, str(refusal)) from None
    pixels = upright(pixels, turn)
    height, width = pixels.shape[:2]
    return Picture(pixels, {**info, "width": width, "height": height, "notes": notes})


def read_exif(source: Path | bytes) -> bytes | None:
    """The EXIF block of a picture file, orientation set upright as the pixels are; None if none.

    Contains what the camera wrote, GPS included: use it only when asked to keep it.
    """
    try:
        with quiet(), opened(source, limit=1000) as file, pillow("damaged"):
            exif = plugin(file)(file).getexif()
            for tag in (0x0112, 0x0100, 0x0101):  # orientation; sizes of the file it came from
                exif.pop(tag, None)
            return exif.tobytes() if len(exif) else None
    except Refused:
        return None


def _decoded(file: BinaryIO, limit: float) -> tuple[ImageFile, dict[str, Any]]:
    """The picture with its pixels loaded, and the facts about the file."""
    with pillow("damaged"):
        image = plugin(file)(file)
    check_size(image, limit)
    with pillow("damaged"):
        if image.format == "PNG":
            _check_sums(file)
        info = {
            "mode": image.mode,
            "format": image.format,
            "bits": _bits(image, file),
            "orientation": _orientation(image),
            "profile": bool(image.info.get("icc_profile")),
        }
        image.load()
    return image, info


def _bits(image: ImageFile, file: BinaryIO) -> int:
    """Bits per channel as stored."""
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2.get(258, (1,))[0])
    if image.format == "PNG":
        here = file.tell()
        file.seek(24)
        depth = file.read(1)[0]
        file.seek(here)
        return depth
    return {"1": 1, "I": 16, "F": 32}.get(
        image.mode, 8
    )  # of the rest, only PPM gives I (scaled) and F


def _orientation(image: ImageFile) -> int:
    """The EXIF orientation; 1 where there is none, or one that makes no sense."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block does not make the picture unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _check_sums(file: BinaryIO) -> None:
    """Refuse a PNG with a wrong checksum where it matters; Pillow does not look."""
    here = file.tell()
    file.seek(8)
    while len(start := file.read(8)) == 8:
        length, kind = int.from_bytes(start[:4], "big"), start[4:]
        if kind in (b"IHDR", b"PLTE", b"IDAT"):
            content = file.read(length)
            if zlib.crc32(kind + content).to_bytes(4, "big") != file.read(4):
                raise Refused(f"damaged: checksum of the {kind.decode()} chunk is wrong")
        else:
            file.seek(length + 4, 1)
    file.seek(here)
