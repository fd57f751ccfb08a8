"""Any Pillow image -> RGB pixels: bit depth, colour profile, transparency, orientation."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = tuple[int, int, int]
Bytes = NDArray[np.uint8]


class Refused(Exception):
    """The reason a file is no picture, on its way to the function that knows the file's name."""


def flatten(image: Image.Image, bits: int, background: Colour) -> tuple[Bytes, tuple[str, ...]]:
    """RGB (H, W, 3) in sRGB on `background`, and notes about what had to be ignored."""
    alpha = _alpha(image, bits)  # (H, W) or None
    colours, note = _srgb(_opaque(image, bits))
    pixels = np.array(colours)
    if alpha is not None:
        pixels = _composite(pixels, alpha, background)
    return pixels, (note,) if note else ()


def upright(pixels: Bytes, orientation: int) -> Bytes:
    """Undo an EXIF orientation, 1..8."""
    turned = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: np.rot90(p),
    }.get(orientation, lambda p: p)(pixels)
    return np.ascontiguousarray(turned)


def _opaque(image: Image.Image, bits: int) -> Image.Image:
    """The colours alone, 8 bits each: mode L, RGB, CMYK or LAB, info kept for the profile."""
    profile = image.info.get("icc_profile")
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        flat = Image.fromarray(_eight_bits(image, bits))
    elif mode in ("1", "LA", "La"):
        flat = image.convert("LA").getchannel("L") if mode != "1" else image.convert("L")
    elif mode in ("L", "RGB", "CMYK", "LAB"):
        flat = image.copy()
    elif mode in ("P", "PA", "RGBA", "RGBX", "RGBa", "YCbCr"):
        flat = (image.convert("RGBA") if mode == "RGBa" else image).convert("RGB")
    else:
        raise Refused(f"pixels of kind {mode} are not supported")
    flat.info = {"icc_profile": profile}
    return flat


def _eight_bits(image: Image.Image, bits: int) -> Bytes:
    """Deep greys -> (H, W) uint8, the full range onto the full range."""
    values = np.asarray(image)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):  # also refuses NaN
            raise Refused(f"floating-point pixels from {low:.4g} to {high:.4g}, not 0 to 1")
        return np.round(values * 255).astype(np.uint8)
    if image.mode == "I" and bits != 16:
        raise Refused(f"{bits}-bit integer pixels have no agreed range")
    top = 2 ** min(bits, 16) - 1 if bits > 8 else 65535
    if getattr(image, "tag_v2", {}).get(262) == 0:  # TIFF "white is zero", which Pillow leaves so
        values = top - values
    return ((values.astype(np.uint32) * 255 + top // 2) // top).clip(0, 255).astype(np.uint8)


def _alpha(image: Image.Image, bits: int) -> Bytes | None:
    """Opacity 0..255 as (H, W); None when every pixel is opaque by kind."""
    if image.mode in ("RGBA", "LA", "PA"):
        return np.asarray(image.getchannel("A"))
    if image.mode in ("RGBa", "La"):
        return np.asarray(image.getchannel("a"))
    key: Any = image.info.get("transparency")
    if key is None:
        return None
    if image.mode == "P":
        table = np.full(256, 255, np.uint8)
        if isinstance(key, bytes):
            table[: len(key)] = np.frombuffer(key[:256], np.uint8)
        elif 0 <= key < 256:
            table[key] = 0
        return np.take(table, np.asarray(image))
    return _keyed(np.asarray(image), key, bits)


def _keyed(values: NDArray[Any], key: Any, bits: int) -> Bytes | None:
    """A PNG may name one colour, in its own bit depth, that is transparent."""
    if values.ndim == 3 and isinstance(key, tuple):
        wanted = np.array(key) >> 8 if bits == 16 else np.array(key)
        clear = (values == wanted).all(axis=2)
    elif values.ndim == 2 and isinstance(key, int):
        clear = values == (key * 255 // (2**bits - 1) if bits in (2, 4) else key)
    else:
        return None
    return np.where(clear, 0, 255).astype(np.uint8)


def _composite(pixels: Bytes, alpha: Bytes, background: Colour) -> Bytes:
    opacity = alpha[:, :, None].astype(np.uint16)  # 255 * 255 + 127 still fits
    behind = np.array(background, np.uint16) * (255 - opacity)
    return ((pixels * opacity + behind + 127) // 255).astype(np.uint8)


def _srgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Mode L, RGB, CMYK or LAB -> RGB in sRGB, through the embedded profile if it is usable."""
    profile = image.info.get("icc_profile")
    note = None
    if profile:
        try:
            return _converted(image, profile), None
        except (
            Exception
        ) as error:  # littlecms and Pillow raise many kinds; the picture is still good
            note = f"colour profile ignored: {' '.join(str(error).split())[:60]}"
    if image.mode == "LAB":
        return _from_lab(image), note
    return image.convert("RGB"), note


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms

    space, transform = _transform(profile)
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
    if mode == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    if mode != image.mode:
        raise ValueError(f"made for {space}, the picture is {image.mode}")
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=16)  # a folder's pictures mostly carry the same few profiles
def _transform(profile: bytes) -> tuple[str, Any]:
    """The profile's colour space and the way from it to sRGB."""
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    return space, _way(source, {"GRAY": "L", "Lab": "LAB"}.get(space, space))


def _way(source: Any, mode: str) -> Any:
    from PIL import ImageCms

    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":  # littlecms' optimised grey table is up to 10 levels off in the shadows
        flags |= ImageCms.Flags.NOOPTIMIZE
    return ImageCms.buildTransform(
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags,
    )


def _from_lab(image: Image.Image) -> Image.Image:
    """CIELAB of D50 white, the TIFF default."""
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return ImageCms.applyTransform(image, _way(lab, "LAB")) or image
