"""A zoo of legal picture files, most of them written byte by byte, with the pixels they must give.

An oddity is (name, file, pixels, tolerance in levels). H x W is 6 x 9 unless the name says more.
"""

import bz2
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

RGB = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)
GREY = RGB[:, :, 0]
ALPHA = RGB[:, :, 1]
BLOCKS = np.kron(np.arange(6).reshape(2, 3), np.ones((16, 16), int))  # (32, 48) for JPEG
COLOURS = np.array(
    [(200, 60, 40), (40, 180, 60), (30, 60, 200), (220, 200, 40), (128,) * 3, (9,) * 3]
)
BLOCKY = COLOURS[BLOCKS].astype(np.uint8)
Oddity = tuple[str, bytes, np.ndarray, int]


def png(pixels: np.ndarray, colour: int, depth: int, chunks: tuple = (), **head: int) -> bytes:
    """A PNG file of (H, W) or (H, W, C) numbers below 2**depth."""
    wide = pixels.shape[1]
    if head.get("interlace"):
        steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
        parts = [pixels[y::dy, x::dx] for y, x, dy, dx in (*steps, (1, 0, 2, 1))]
        raw = b"".join(rows(part, depth) for part in parts if part.size)
    else:
        raw = rows(pixels, depth)
    start = struct.pack(
        ">IIBBBBB", wide, len(pixels), depth, colour, 0, 0, head.get("interlace", 0)
    )
    packed = chunk(b"IDAT", zlib.compress(raw))
    before = b"".join(chunk(kind, content) for kind, content in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", start) + before + packed + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def rows(pixels: np.ndarray, depth: int) -> bytes:
    """Filter type 0 before every row; depths below 8 are packed from the left."""
    lines = []
    for row in pixels.reshape(len(pixels), -1):
        if depth >= 8:
            line = row.astype(">u2" if depth == 16 else "u1").tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth)[::-1] & 1).astype(np.uint8)
            line = np.packbits(bits).tobytes()
        lines.append(b"\0" + line)
    return b"".join(lines)


def tiff(
    pixels: np.ndarray, photometric: int, order: str = "<", kind: int = 1, **more: int
) -> bytes:
    """A one-strip TIFF; `kind` is the sample format: 1 unsigned, 3 float."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = pixels.dtype.itemsize * 8
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    tags = {256: width, 257: height, 259: 1, 262: photometric, 273: 8, 277: channels, 278: height}
    tags |= {258: bits, 279: len(data), 339: kind} | {
        int(tag): value for tag, value in more.items()
    }
    where = 8 + len(data)
    after = where + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, value in sorted(tags.items()):
        if tag in (258, 339) and channels > 2:
            place = after + (channels * 2 if tag == 339 else 0)
            entries += struct.pack(order + "HHII", tag, 3, channels, place)
        else:
            short = tag not in (273, 279)
            packed = struct.pack(order + ("H" if short else "I"), value).ljust(4, b"\0")
            entries += struct.pack(order + "HHI", tag, 3 if short else 4, 1) + packed
    lists = struct.pack(order + f"{2 * channels}H", *[bits] * channels, *[kind] * channels)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", where)
    return start + data + struct.pack(order + "H", len(tags)) + entries + bytes(4) + lists


def icc(space: bytes, gamma: float, primaries: tuple = ((0, 0, 0),) * 3) -> bytes:
    """A minimal ICC v2 profile with a pure power curve; primaries as XYZ of D50."""

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249)}
    if space == b"RGB ":
        tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
        tags |= {n + b"XYZ": xyz(*p) for n, p in zip((b"r", b"g", b"b"), primaries, strict=True)}
    else:
        tags[b"kTRC"] = curve
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", space, b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + xyz(0.9642, 1, 0.8249)[8:]
    return head.ljust(128, b"\0") + table + body


SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))


def saved(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(grey, np.uint8)[:, :, None], 3, axis=2)


def on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    a = alpha[:, :, None] / 255
    return np.round(pixels * a + 255 * (1 - a)).astype(np.uint8)


def oddities() -> Iterator[Oddity]:
    yield from pngs()
    yield from clear_keys()
    yield from profiles()
    yield from jpegs()
    yield from tiffs()
    yield from others()
    yield from netpbms()


def pngs() -> Iterator[Oddity]:
    deep = RGB.astype(np.uint16) * 257
    two, four = GREY >> 6, GREY >> 4
    yield "png rgb", png(RGB, 2, 8), RGB, 0
    yield "png interlaced", png(RGB, 2, 8, interlace=1), RGB, 0
    yield "png grey", png(GREY, 0, 8), three(GREY), 0
    yield "png grey 1 bit", png(GREY >> 7, 0, 1), three((GREY >> 7) * 255), 0
    yield "png grey 2 bits", png(two, 0, 2), three(two * 85), 0
    yield "png grey 4 bits", png(four, 0, 4), three(four * 17), 0
    yield "png grey 16 bits", png(deep[:, :, 0], 0, 16), three(GREY), 0
    low = np.minimum(deep[:, :, 0], 65400) + 120  # rounds to the nearest level, not down
    yield "png grey 16 bits between", png(low, 0, 16), three(np.round(low / 257)), 0
    yield "png rgb 16 bits", png(deep, 2, 16), RGB, 0
    yield "png grey alpha", png(RGB[:, :, :2], 4, 8), on_white(three(GREY), ALPHA), 0
    yield "png grey alpha 16 bits", png(deep[:, :, :2], 4, 16), on_white(three(GREY), ALPHA), 0
    rgba = np.dstack([RGB, ALPHA])
    yield "png rgba", png(rgba, 6, 8), on_white(RGB, ALPHA), 0
    yield "png rgba 16 bits", png(rgba.astype(int) * 257, 6, 16), on_white(RGB, ALPHA), 0
    for depth in (1, 2, 4, 8):
        index = GREY >> (8 - depth)
        table = np.random.default_rng(2).integers(0, 256, (2**depth, 3), np.uint8)
        colours = (b"PLTE", table.tobytes())
        yield f"png palette {depth} bits", png(index, 3, depth, (colours,)), table[index], 0
        clear = np.arange(2**depth).astype(np.uint8)[::-1]
        file = png(index, 3, depth, (colours, (b"tRNS", clear.tobytes())))
        yield f"png palette {depth} bits alpha", file, on_white(table[index], clear[index]), 0
    second = Image.fromarray(255 - RGB)
    film = saved(RGB, "PNG", save_all=True, append_images=[second])
    yield "png animated", film, RGB, 0
    turned = saved(RGB, "PNG", exif=exif(6))
    yield "png exif 6", turned, np.rot90(RGB, -1), 0
    yield "png 1 x 1", png(RGB[:1, :1], 2, 8), RGB[:1, :1], 0
    line = np.random.default_rng(3).integers(0, 256, (3, 8192, 3), np.uint8)
    yield "png 3 x 8192", png(line, 2, 8), line, 0
    yield "png 8192 x 3", png(line.swapaxes(0, 1), 2, 8), line.swapaxes(0, 1), 0


def profiles() -> Iterator[Oddity]:
    linear = RGB / 255
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    curved = np.round(curved * 255).astype(np.uint8)
    profile = icc(b"RGB ", 1.0, SRGB_PRIMARIES)
    yield "png linear profile", saved(RGB, "PNG", icc_profile=profile), curved, 2
    yield (
        "png grey, rgb profile",
        saved(GREY, "PNG", icc_profile=profile),
        three(curved[:, :, 0]),
        2,
    )
    profile = icc(b"GRAY", 1.0)
    yield "png grey profile", saved(GREY, "PNG", icc_profile=profile), three(curved[:, :, 0]), 2
    swapped = icc(b"RGB ", 2.2, (SRGB_PRIMARIES[1], SRGB_PRIMARIES[0], SRGB_PRIMARIES[2]))
    yield "png swapped primaries", saved(RGB, "PNG", icc_profile=swapped), RGB[:, :, [1, 0, 2]], 9
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "png srgb profile", saved(RGB, "PNG", icc_profile=same), RGB, 0
    yield "png broken profile", saved(RGB, "PNG", icc_profile=b"no profile at all"), RGB, 0
    yield "png profile of grey", saved(RGB, "PNG", icc_profile=profile), RGB, 0


def clear_keys() -> Iterator[Oddity]:
    deep = RGB.astype(np.uint16) * 257
    two, four = GREY >> 6, GREY >> 4
    for name, pixels, colour, depth in (
        ("grey", GREY, 0, 8),
        ("grey 2 bits", two, 0, 2),
        ("grey 4 bits", four, 0, 4),
        ("grey 1 bit", GREY >> 7, 0, 1),
        ("grey 16 bits", deep[:, :, 0], 0, 16),
        ("rgb", RGB, 2, 8),
        ("rgb 16 bits", deep, 2, 16),
    ):
        key = np.atleast_1d(pixels[2, 3]).astype(">u2")
        clear = (pixels.reshape(6, 9, -1) == key).all(axis=2)
        shown = three(pixels // ((2**depth - 1) / 255)) if colour == 0 else RGB
        shown = np.where(clear[:, :, None], np.uint8(255), shown)
        yield (
            f"png {name} clear key",
            png(pixels, colour, depth, ((b"tRNS", key.tobytes()),)),
            shown,
            0,
        )


def jpegs() -> Iterator[Oddity]:
    turns = {1: BLOCKY, 2: BLOCKY[:, ::-1], 3: np.rot90(BLOCKY, 2), 4: BLOCKY[::-1]}
    turns |= {5: BLOCKY.swapaxes(0, 1), 6: np.rot90(BLOCKY, -1)}
    turns |= {7: np.rot90(BLOCKY, 2).swapaxes(0, 1), 8: np.rot90(BLOCKY)}
    for number, shown in turns.items():
        file = saved(BLOCKY, "JPEG", quality=95, subsampling=0, exif=exif(number))
        yield f"jpeg exif {number}", file, shown, 4
    yield "jpeg exif 9", saved(BLOCKY, "JPEG", subsampling=0, quality=95, exif=exif(9)), BLOCKY, 4
    smooth = saved(BLOCKY, "JPEG", quality=95, subsampling=0, progressive=True)
    yield "jpeg progressive", smooth, BLOCKY, 4
    yield "jpeg grey", saved(BLOCKY[:, :, 0], "JPEG", quality=95), three(BLOCKY[:, :, 0]), 4
    ink = Image.fromarray(255 - BLOCKY).convert("RGB")
    cmyk = Image.merge("CMYK", [*ink.split(), Image.new("L", ink.size)])
    adobe = saved(cmyk, "JPEG", quality=95, subsampling=0)
    yield "jpeg cmyk adobe", adobe, BLOCKY, 4
    at = adobe.index(b"\xff\xee")
    plain = adobe[:at] + adobe[at + 2 + int.from_bytes(adobe[at + 2 : at + 4], "big") :]
    yield "jpeg cmyk plain", plain, BLOCKY, 4  # browsers take all CMYK JPEGs as inverted
    pair = saved(BLOCKY, "MPO", save_all=True, append_images=[ink], quality=95, subsampling=0)
    yield "jpeg of two pictures", pair, BLOCKY, 4


def tiffs() -> Iterator[Oddity]:
    deep = RGB.astype(np.uint16) * 257
    for order in "<>":
        yield f"tiff {order} rgb", tiff(RGB, 2, order), RGB, 0
        yield f"tiff {order} grey 16 bits", tiff(deep[:, :, 0], 1, order), three(GREY), 0
        yield f"tiff {order} rgb 16 bits", tiff(deep, 2, order), RGB, 0
        unit = (GREY / 255).astype(np.float32)
        yield f"tiff {order} float", tiff(unit, 1, order, 3), three(GREY), 0
    yield "tiff white is zero", tiff(GREY, 0), three(255 - GREY), 0
    yield "tiff white is zero 16 bits", tiff(deep[:, :, 0], 0), three(255 - GREY), 0
    yield "tiff exif 6", tiff(RGB, 2, **{"274": 6}), np.rot90(RGB, -1), 0
    yield "tiff exif 3", tiff(RGB, 2, **{"274": 3}), np.rot90(RGB, 2), 0
    rgba = np.dstack([RGB, ALPHA])
    yield "tiff rgba", tiff(rgba, 2, **{"338": 2}), on_white(RGB, ALPHA), 0
    cmyk = np.dstack([255 - RGB, np.zeros_like(GREY)])
    yield "tiff cmyk", tiff(cmyk, 5), RGB, 1
    grey_lab = np.dstack([GREY, np.zeros_like(RGB[:, :, :2])])  # L* only: a and b are signed
    tone = GREY / 255 * 100
    light = np.where(tone > 8, ((tone + 16) / 116) ** 3, tone / 903.3)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    yield "tiff lab", tiff(grey_lab, 8), three(np.round(shown * 255)), 2
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"tiff {packing}", saved(RGB, "TIFF", compression=packing), RGB, 0
    black = Image.fromarray(GREY > 127)
    yield "tiff 1 bit", saved(black, "TIFF"), three((GREY > 127) * 255), 0
    yield "tiff fax", saved(black, "TIFF", compression="group4"), three((GREY > 127) * 255), 0
    pages = saved(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(255 - RGB)])
    yield "tiff two pages", pages, RGB, 0


def others() -> Iterator[Oddity]:
    yield "bmp", saved(RGB, "BMP"), RGB, 0
    yield "bmp grey", saved(GREY, "BMP"), three(GREY), 0
    yield "bmp 1 bit", saved(Image.fromarray(GREY > 127), "BMP"), three((GREY > 127) * 255), 0
    down = bytearray(saved(RGB, "BMP"))
    down[22:26] = struct.pack("<i", -6)  # a negative height stores the rows from the top
    yield "bmp top down", bytes(down), RGB[::-1], 0
    few = Image.fromarray(GREY).quantize(8)
    shown = np.asarray(few.convert("RGB"))
    yield "gif", saved(few, "GIF"), shown, 0
    moving = saved(few, "GIF", save_all=True, append_images=[Image.fromarray(255 - GREY)])
    yield "gif animated", moving, shown, 0
    key = int(np.asarray(few)[0, 0])
    clear = np.where((np.asarray(few) == key)[:, :, None], np.uint8(255), shown)
    yield "gif clear key", saved(few, "GIF", transparency=key), clear, 0
    still = {"lossless": True, "exact": True}
    yield "webp lossless", saved(RGB, "WEBP", **still), RGB, 0
    rgba = Image.fromarray(np.dstack([RGB, ALPHA]))
    yield "webp alpha", saved(rgba, "WEBP", **still), on_white(RGB, ALPHA), 0
    yield "webp exif 8", saved(RGB, "WEBP", exif=exif(8), **still), np.rot90(RGB), 0
    second = Image.fromarray(255 - RGB)
    film = saved(RGB, "WEBP", save_all=True, append_images=[second], **still)
    yield "webp animated", film, RGB, 0


def netpbms() -> Iterator[Oddity]:
    def text(values: np.ndarray) -> bytes:
        return " ".join(str(value) for value in values.ravel()).encode()

    deep = RGB.astype(">u2") * 257
    ppm = b"P6\n# made by hand\n9 6\n255\n" + RGB.tobytes()
    tenth = GREY // 26
    yield "ppm", ppm, RGB, 0
    yield "ppm 16 bits", b"P6 9 6 65535\n" + deep.astype(">u2").tobytes(), RGB, 0
    yield "ppm text", b"P3\n9 6\n255\n" + text(RGB), RGB, 0
    yield "pgm", b"P5 9 6 255\n" + GREY.tobytes(), three(GREY), 0
    yield "pgm 16 bits", b"P5 9 6 65535\n" + deep[:, :, 0].astype(">u2").tobytes(), three(GREY), 0
    yield "pgm 10 levels", b"P5 9 6 9\n" + tenth.tobytes(), three(np.round(tenth * (255 / 9))), 0
    yield "pgm text", b"P2\n9 6\n255\n" + text(GREY), three(GREY), 0
    ink = (GREY < 128).astype(np.uint8)
    yield "pbm", b"P4 9 6\n" + np.packbits(ink, axis=1).tobytes(), three(255 * (1 - ink)), 0
    yield "pbm text", b"P1\n9 6\n" + text(ink), three(255 * (1 - ink)), 0
    yield "ppm bz2", bz2.compress(ppm), RGB, 0
    yield "ppm bz2 in two streams", bz2.compress(ppm[:40]) + bz2.compress(ppm[40:]), RGB, 0


ZOO = list(oddities())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "oddity" in metafunc.fixturenames:
        metafunc.parametrize("oddity", ZOO, ids=[oddity[0].replace(" ", "-") for oddity in ZOO])


@pytest.fixture(scope="session")
def zoo() -> list[Oddity]:
    return ZOO
