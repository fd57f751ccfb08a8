"""Writing: what goes into a picture file comes out again."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portrayal.core.errors import BadOption
from portrayal.core.images import (
    WRITES,
    encode,
    encode_png,
    pixels_hash,
    read_exif,
    read_picture,
    read_pixels,
    read_text,
)

XMP = "XML:com.adobe.xmp"


@pytest.mark.parametrize("suffix", sorted(WRITES))
def test_every_format_gives_the_picture_back(suffix, scene):
    pixels = scene(37, 50)
    again = read_pixels(encode(pixels, suffix.upper()))
    lossy = suffix in (".jpg", ".jpeg", ".webp")
    assert np.abs(again.astype(int) - pixels).mean() <= (3 if lossy else 0)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_text_comes_back_in_any_script(suffix, noise):
    text = {
        "Software": "Portrayal",
        "Note": "erzeugt, 生成, \N{ROBOT FACE}\n2 lines",
        XMP: "<x:xmpmeta/>",
    }
    file = encode(noise(8, 9), suffix, text)
    assert read_text(file) == text
    assert read_text(encode(noise(8, 9), suffix)) == {}


def test_text_is_refused_where_there_is_no_place_for_it(noise):
    with pytest.raises(BadOption, match="BMP files cannot hold text"):
        encode(noise(4, 4), ".bmp", {"a": "b"})
    with pytest.raises(BadOption, match=r"Cannot write '.psd' pictures. Choose from .bmp"):
        encode(noise(4, 4), ".psd")


def test_reading_text_of_any_other_file_gives_none(zoo):
    assert read_text(b"no picture") == {}
    assert all(isinstance(read_text(file), dict) for _, file, *_ in zoo)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_kept_exif_loses_its_orientation_because_the_pixels_are_upright(suffix, noise):
    block = Image.Exif()
    block[0x0112], block[0x0110] = 6, "camera"
    file = BytesIO()
    Image.fromarray(noise(6, 8)).save(file, "JPEG", exif=block)
    kept = read_exif(file.getvalue())
    again = encode(read_pixels(file.getvalue()), suffix, {"a": "b"}, exif=kept)
    with Image.open(BytesIO(again)) as image:
        assert image.getexif().get(0x0110) == "camera"
    info = read_picture(again).info
    assert (info["height"], info["width"], info["orientation"]) == (8, 6, 1)


def test_nothing_of_the_source_is_written_unless_asked(noise):
    assert read_exif(encode_png(noise(4, 4))) is None


def test_quality_is_for_jpeg_and_webp(scene):
    for suffix in (".jpg", ".webp"):
        sizes = [len(encode(scene(64, 64), suffix, quality=quality)) for quality in (30, 80, 95)]
        assert sizes == sorted(set(sizes))


def test_the_same_pixels_and_text_give_the_same_bytes(noise):
    assert encode_png(noise(9, 9), {"a": "b"}) == encode_png(noise(9, 9), {"a": "b"})


def test_the_hash_knows_pixels_and_shape_and_nothing_else(noise):
    pixels = noise(6, 8)
    assert pixels_hash(pixels) == pixels_hash(read_pixels(encode_png(pixels, {"a": "b"})))
    assert pixels_hash(pixels) == pixels_hash(np.asfortranarray(pixels))
    assert pixels_hash(pixels) != pixels_hash(pixels.reshape(8, 6, 3))
    assert pixels_hash(pixels) != pixels_hash(pixels ^ np.uint8(1))


def drawn(height: int, width: int, channels: int, flat: bool, seed: int = 0):
    """Grain, or a few flat rectangles: (height, width, channels), no third axis for 0."""
    rng = np.random.default_rng(seed)
    shape = (height, width, channels) if channels else (height, width)
    if not flat:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    pixels = np.full(shape, rng.integers(256), np.uint8)
    for _ in range(3):
        top, left = rng.integers(height), rng.integers(width)
        pixels[top : top + 9, left : left + 9] = rng.integers(256)
    return pixels


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Names and data of a PNG file's chunks, after the check of every length and sum (PNG, 5.3)."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = [], 8
    while place < len(content):
        length, name = struct.unpack(">I4s", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", content[place + 8 + length : place + 12 + length])
        assert (len(data), zlib.crc32(name + data)) == (length, check)
        chunks.append((name, data))
        place += 12 + length
    return chunks


LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), min_size=1, max_size=79)
PRINTED = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    flat=st.booleans(),
    text=st.dictionaries(LATIN, PRINTED, max_size=3),
    seed=st.integers(0, 999),
)
def test_a_quick_png_holds_the_same_pixels_and_text_for_every_reader(size, flat, text, seed):
    pixels = drawn(*size, 3, flat, seed)
    content = encode(pixels, ".png", text, quick=True)
    assert read_text(content) == text
    np.testing.assert_array_equal(read_pixels(content), pixels)
    by_opencv = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(by_opencv[:, :, ::-1], pixels)
    with Image.open(BytesIO(content)) as image:
        image.verify()
    names = [name for name, _ in chunks_of(content)]
    assert names == [b"IHDR", *[b"iTXt"] * len(text), b"IDAT", b"IEND"]
    assert encode(pixels, ".png", text, quick=True) == content


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_a_quick_png_of_any_number_of_channels(channels):
    pixels = drawn(20, 13, channels, False)
    with Image.open(BytesIO(encode(pixels, ".png", quick=True))) as image:
        assert image.mode == ("L", "L", "LA", "RGB", "RGBA")[channels]
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_a_quick_png_of_pixels_that_lie_otherwise_in_memory():
    pixels = drawn(30, 41, 3, False)
    whole = encode(pixels, ".png", quick=True)
    for same in (np.asfortranarray(pixels), np.flip(pixels[:, ::-1], 1), pixels[:, :, :3]):
        assert encode(same, ".png", quick=True) == whole
    pixels.flags.writeable = False
    assert encode(pixels, ".png", quick=True) == whole


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_a_quick_png_keeps_exif_before_the_pixels(prefix):
    block = Image.Exif()
    block[0x0110] = "camera"
    exif = prefix + block.tobytes().removeprefix(b"Exif\0\0")
    content = encode(drawn(5, 5, 3, True), ".png", {"a": "b"}, exif=exif, quick=True)
    chunks = dict(chunks_of(content))
    assert [*chunks] == [b"IHDR", b"iTXt", b"eXIf", b"IDAT", b"IEND"]
    assert chunks[b"eXIf"] == exif.removeprefix(b"Exif\0\0")  # PNG wants it bare
    with Image.open(BytesIO(content)) as image:
        assert image.getexif().get(0x0110) == "camera"
    whole = encode(drawn(5, 5, 3, True), ".png", {"a": "b"}, exif=exif)
    assert read_exif(content) == read_exif(whole) is not None


def test_a_quick_png_is_smaller_of_flat_colours_and_little_larger_of_a_photo(scene):
    grain = np.random.default_rng(1).integers(-4, 5, (128, 128, 3))
    photo = np.clip(scene(128, 128) + grain, 0, 255).astype(np.uint8)
    for pixels, most in ((drawn(128, 128, 3, True), 1), (photo, 1.1)):
        quick, slow = (len(encode(pixels, ".png", quick=quick)) for quick in (True, False))
        assert quick <= most * slow and quick != slow


def test_quick_changes_only_png(scene):
    for suffix in sorted(WRITES - {".png"}):
        assert encode(scene(9, 8), suffix, quick=True) == encode(scene(9, 8), suffix)
