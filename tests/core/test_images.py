"""Reading: any legal picture gives its pixels, any other file one reason."""

import pickle
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from portrayal.core.errors import BadPicture
from portrayal.core.images import (
    encode_png,
    pixels_of,
    read_picture,
    read_pixels,
    signed,
    stack,
    unit,
    unit_of,
)


def test_every_oddity_gives_its_true_pixels(oddity):
    _, file, expected, tolerance = oddity
    pixels = read_pixels(file)
    assert pixels.shape == expected.shape and pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous and pixels.flags.writeable
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= tolerance


def test_the_zoo_has_at_least_60_kinds(zoo):
    assert len({name for name, *_ in zoo}) >= 60


def test_a_name_with_the_wrong_suffix_does_not_matter(zoo, tmp_path):
    by_name = {name: (file, pixels) for name, file, pixels, _ in zoo}
    file, pixels = by_name["png rgb"]
    path = tmp_path / "really_png.jpg"
    path.write_bytes(file)
    assert np.array_equal(read_pixels(path), pixels)


def test_a_picture_comes_with_what_the_file_was(zoo):
    files = {name: file for name, file, *_ in zoo}
    info = read_picture(files["jpeg exif 6"]).info
    assert info["format"] == "JPEG" and info["orientation"] == 6
    assert (info["height"], info["width"]) == (48, 32)  # upright, as the pixels are
    assert read_picture(files["jpeg exif 9"]).info["orientation"] == 1
    assert read_picture(files["tiff exif 6"]).info["orientation"] == 6
    assert read_picture(files["png rgb 16 bits"]).info["bits"] == 16
    assert read_picture(files["png palette 2 bits"]).info["mode"] == "P"
    assert read_picture(files["png linear profile"]).info["profile"] is True
    assert read_picture(files["png rgb"]).info["profile"] is False


def test_a_broken_profile_is_ignored_and_noted(zoo):
    files = {name: file for name, file, *_ in zoo}
    for name, why in (
        ("png broken profile", "cannot open profile from string"),
        ("png profile of grey", "made for GRAY, the picture is RGB"),
    ):
        (note,) = read_picture(files[name]).info["notes"]
        assert note == f"colour profile ignored: {why}"
    assert read_picture(files["png linear profile"]).info["notes"] == ()


def test_transparency_shows_the_stated_background():
    file = BytesIO()
    Image.new("RGBA", (2, 1), (200, 100, 0, 51)).save(file, "PNG")
    pixels = read_pixels(file.getvalue(), background=(0, 50, 255))
    assert pixels[0, 0].tolist() == [40, 60, 204]  # a fifth of the colour, four of what is behind


REFUSED = {
    "empty": (b"", "empty file"),
    "text": (b"these are no pixels", "not a picture of a known format"),
    "one byte": (b"\xff", "not a picture of a known format"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture of a known format"),
    "wave": (b"RIFF\0\0\0\0WAVEfmt ", "not a picture of a known format"),
    "photoshop": (b"8BPS\0\1" + bytes(40), "not a picture of a known format"),
    "p-word": (b"P6rty at my place", "not a picture of a known format"),
    "bz2 of text": (__import__("bz2").compress(b"no picture"), "not a picture of a known format"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_no_picture_is_refused_with_its_reason(kind, tmp_path):
    content, reason = REFUSED[kind]
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(BadPicture) as caught:
        read_pixels(path)
    assert caught.value.reason == reason and caught.value.name == str(path)
    assert "\n" not in str(caught.value)


def test_missing_files_folders_and_pipes_are_refused_and_do_not_block(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.png")
    for name, reason in (
        ("none.png", "no such file or directory"),
        (".", "not a file"),
        ("pipe.png", "not a file"),
    ):
        with pytest.raises(BadPicture, match=reason):
            read_pixels(tmp_path / name)


def test_a_cut_file_is_refused_wherever_it_is_cut(zoo):
    for name, file, *_ in zoo:
        if name in ("png rgb", "jpeg exif 1", "bmp", "ppm", "webp lossless", "tiff < rgb", "gif"):
            for share in (0.1, 0.3, 0.5, 0.7, 0.9):
                with pytest.raises(BadPicture) as caught:
                    read_pixels(file[: int(len(file) * share)])
                assert caught.value.reason.startswith(("damaged", "not a picture")), name


def test_a_flipped_bit_in_the_pixels_of_a_png_is_noticed(noise):
    file = bytearray(encode_png(noise(20, 20)))
    file[len(file) // 2] ^= 1
    with pytest.raises(BadPicture, match="checksum of the IDAT chunk is wrong"):
        read_pixels(bytes(file))


@pytest.mark.parametrize("kind", ["png", "ppm", "ppm bz2", "bmp", "jpeg", "gif"])
def test_a_huge_picture_is_refused_from_its_header(kind):
    import bz2
    import struct

    wide = struct.pack(">II", 20_000, 6_000)
    ppm = b"P6 20000 6000 255\n" + bytes(100)
    file = BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG")
    jpeg = file.getvalue()
    file = BytesIO()
    Image.new("L", (8, 8)).save(file, "GIF")
    gif = file.getvalue()
    at = jpeg.index(b"\xff\xc0") + 5
    png = encode_png(np.zeros((4, 4, 3), np.uint8))
    start = b"IHDR" + wide + png[24:29]
    bmp = b"BM" + struct.pack("<IIIIIIHHI", 100, 0, 54, 40, 20_000, 6_000, 1, 24, 0) + bytes(80)
    huge = {
        "png": png[:12] + start + __import__("zlib").crc32(start).to_bytes(4, "big") + png[33:],
        "ppm": ppm,
        "ppm bz2": bz2.compress(ppm),
        "bmp": bmp,
        "jpeg": jpeg[:at] + struct.pack(">HH", 6_000, 20_000) + jpeg[at + 4 :],
        "gif": gif[:6] + struct.pack("<HH", 20_000, 6_000) + gif[10:],
    }[kind]
    with pytest.raises(BadPicture, match=r"120 megapixels, more than the limit of 100$"):
        read_pixels(huge, name="huge")


def test_the_limit_is_exact_and_can_be_moved(noise):
    file = encode_png(noise(10, 100))
    assert read_pixels(file, limit=0.001).shape == (10, 100, 3)
    with pytest.raises(BadPicture, match=r"0.001 megapixels, more than the limit of 0.0009"):
        read_pixels(file, limit=0.0009)


def test_a_bzip2_bomb_is_unpacked_no_further_than_its_header_says():
    import bz2

    small = bz2.compress(b"P5 2 2 255\n" + b"\1\2\3\4" + bytes(30_000_000))
    large = bz2.compress(b"P5 20000 20000 255\n" + bytes(30_000_000))
    tracemalloc.start()
    try:
        assert read_pixels(small)[:, :, 0].tolist() == [[1, 2], [3, 4]]
        with pytest.raises(BadPicture, match="400 megapixels"):
            read_pixels(large)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_floats_outside_0_to_1_and_integers_without_a_range_are_refused():
    for values, reason in (
        (np.array([[0.0, 2.0]], np.float32), "from 0 to 2, not 0 to 1"),
        (np.array([[0.0, np.nan]], np.float32), "not 0 to 1"),
        (np.array([[5, 70_000]], np.int32), "32-bit integer pixels have no agreed range"),
    ):
        file = BytesIO()
        Image.fromarray(values).save(file, "TIFF")
        with pytest.raises(BadPicture, match=reason):
            read_pixels(file.getvalue())


def test_16_bits_keep_their_256_levels():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    file = BytesIO()
    Image.fromarray(ramp).save(file, "PNG")
    assert np.array_equal(read_pixels(file.getvalue())[:, :, 0], np.round(ramp / 257))


def test_reading_in_threads_lets_no_warning_out_and_leaves_the_filters_alone(zoo):
    before = list(warnings.filters)
    files = [file for _, file, *_ in zoo] * 3
    with ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(read_pixels, files))) == len(files)
    assert warnings.filters == before


def test_a_bad_picture_crosses_process_borders():
    error = pickle.loads(pickle.dumps(BadPicture("a.png", "empty file")))
    assert (error.name, error.reason) == ("a.png", "empty file")


def test_pixels_survive_every_conversion():
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.array_equal(pixels_of(unit(every)), every)
    assert np.array_equal(pixels_of(unit_of(signed(every))), every)
    assert signed(every).min() == -1 and signed(every).max() == 1
    assert stack([every, every]).shape == (2, 3, 16, 16)


def test_pixels_are_rounded_and_limited():
    values = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7.0]).expand(3, 1, 5)
    assert pixels_of(values)[0, :, 0].tolist() == [0, 0, 1, 255, 255]
