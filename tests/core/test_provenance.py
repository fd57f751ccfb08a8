"""Every output says that it is generated, and what it says is read back."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import (
    GENERATED,
    XMP,
    Provenance,
    marks,
    packet,
    parse,
    read_provenance,
    settings_hash,
)

MARK = Provenance("0.1.0", "pix2pix", "a" * 64, "b" * 64, "c" * 64)
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_mark_is_read_back_from_every_format(tmp_path, suffix):
    content = encode(PIXELS, suffix, {XMP: packet(MARK)})
    path = tmp_path / f"marked{suffix}"
    path.write_bytes(content)
    assert read_provenance(content) == read_provenance(path) == MARK


def test_a_png_says_it_in_plain_text_too_and_keeps_its_pixels():
    content = encode(PIXELS, ".png", marks(MARK))
    assert b"Portrayal 0.1.0" in content
    assert b"Generated picture (pix2pix model aaaaaaaaaaaa)" in content
    np.testing.assert_array_equal(read_pixels(content), PIXELS)


def test_other_programs_find_the_type_of_source_where_the_iptc_puts_it():
    tree = ElementTree.fromstring(packet(MARK).encode())
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    description = tree.find(f"{rdf}RDF/{rdf}Description")
    iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    assert description.get(f"{iptc}DigitalSourceType") == GENERATED
    assert GENERATED.endswith("/digitalsourcetype/trainedAlgorithmicMedia")


def test_the_same_mark_gives_the_same_bytes():
    assert encode(PIXELS, ".png", marks(MARK)) == encode(PIXELS, ".png", marks(MARK))


@pytest.mark.parametrize(
    "content", [b"", b"hello", encode(PIXELS, ".png"), encode(PIXELS, ".jpg"), b"\x89PNG\r\n\x1a\n"]
)
def test_a_picture_without_a_mark_has_none(content):
    assert read_provenance(content) is None


def test_a_missing_file_has_no_mark(tmp_path):
    assert read_provenance(tmp_path / "no.png") is None


def test_a_marked_picture_that_was_cut_is_not_believed():
    content = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), ".png")
    content = encode(read_pixels(content), ".png", marks(MARK))
    assert read_provenance(content) == MARK
    assert read_provenance(content[:-2000]) is None


def test_a_foreign_packet_is_no_mark_of_ours():
    foreign = packet(MARK).replace("portrayal.invalid", "example.org")
    assert parse(foreign.encode()) is None
    assert parse(packet(MARK).replace("portrayal:model=", "portrayal:other=").encode()) is None


def test_entities_that_would_grow_are_not_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>' + packet(MARK)
    assert parse(bomb.encode()) is None
    assert parse(b" " * (1 << 21) + packet(MARK).encode()) is None


@given(some.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_packet_makes_the_reader_raise(noise):
    whole = packet(MARK).encode()
    middle = len(whole) // 2
    for damaged in (noise, whole[:middle] + noise + whole[middle:], whole + noise):
        found = parse(damaged)
        assert found is None or isinstance(found, Provenance)


names = some.text(some.characters(codec="utf-8", exclude_categories=("C",)), min_size=1)


@given(recipe=names, model=names)
def test_any_text_survives_the_packet(recipe, model):
    mark = Provenance("1", recipe, model, "s", "t")
    assert parse(packet(mark).encode()) == mark


def test_settings_are_told_apart_by_value_and_not_by_order():
    assert settings_hash({"a": 1, "b": None}) == settings_hash({"b": None, "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})


def test_pillow_and_a_plain_search_both_find_the_mark(tmp_path):
    path = tmp_path / "marked.jpg"
    path.write_bytes(encode(PIXELS, ".jpg", {XMP: packet(MARK)}))
    assert GENERATED.encode() in path.read_bytes()
    with Image.open(path) as image:
        assert b"trainedAlgorithmicMedia" in image.info["xmp"]
