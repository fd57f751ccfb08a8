"""Writing: what goes into a picture file comes out again."""

from io import BytesIO

import numpy as np
import pytest
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


def test_a_quick_png_holds_the_same_pixels_and_text():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    content = encode(pixels, ".png", {"Title": "a"}, quick=True)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(content))), pixels)
    assert read_text(content) == {"Title": "a"}
    assert content != encode(pixels, ".png", {"Title": "a"})
