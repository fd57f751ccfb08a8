"""Files through a model: what is done stays, one bad file is one line, marks and camera data."""

import os
from dataclasses import replace

import numpy as np
import pytest
from inverting import kinds, negative, run, tree
from PIL import Image

from portrayal.core.errors import BadPicture
from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import GENERATED, marks, read_provenance
from portrayal.inference.files import Files, translate_bytes
from portrayal.inference.translator import How


def test_what_is_done_is_skipped_and_its_file_is_not_touched(photos, tmp_path):
    run(negative(), photos, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    translator = negative()
    assert kinds(run(translator, photos, tmp_path / "out")) == ["skipped"] * 4
    assert translator.recipe.batches == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}


def test_another_model_setting_or_source_is_translated_anew(photos, tmp_path):
    out = tmp_path / "out"
    run(negative(), photos, out)
    assert kinds(run(negative("2"), photos, out)) == ["done"] * 4
    assert kinds(run(negative("2"), photos, out, How(seed=1))) == ["done"] * 4
    kept = Files(keep_exif=True)
    assert kinds(run(negative("2"), photos, out, How(seed=1), kept)) == ["done"] * 4
    (photos / "a.png").write_bytes(encode(np.zeros((8, 8, 3), np.uint8), ".png"))
    outcomes = run(negative("2"), photos, out, How(seed=1), kept)
    assert [name for name, outcome in outcomes.items() if outcome.kind == "done"] == ["a.png"]


def test_what_another_version_made_in_the_same_way_is_done(photos, tmp_path):
    run(negative(), photos, tmp_path / "out")
    path = tmp_path / "out" / "a.png"
    older = replace(read_provenance(path), version="0.0.1")
    path.write_bytes(encode(read_pixels(path), ".png", marks(older)))
    assert kinds(run(negative(), photos, tmp_path / "out")) == ["skipped"] * 4


def test_quality_is_that_of_jpeg_and_webp(photos, tmp_path):
    sizes = {}
    for suffix in ("jpg", "webp", "png"):
        for quality in (20, 95):
            out = tmp_path / f"{quality}.{suffix}"
            run(negative(), photos / "a.png", out, files=Files(quality=quality))
            sizes[suffix, quality] = out.stat().st_size
    assert sizes["jpg", 20] < sizes["jpg", 95]
    assert sizes["webp", 20] < sizes["webp", 95]
    assert sizes["png", 20] == sizes["png", 95]


def test_a_file_that_is_not_ours_is_never_overwritten_unless_asked(photos, tmp_path, noise):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(encode(noise(3, 3), ".png"))
    (out / "b.png").write_bytes(b"a diary")
    before = tree(out)
    outcomes = run(negative(), photos, out)
    assert outcomes["a.png"].kind == outcomes["b.png"].kind == "failed"
    assert "is not ours; --overwrite" in outcomes["a.png"].reason
    assert {name: tree(out)[name] for name in before} == before
    outcomes = run(negative(), photos, out, files=Files(overwrite=True))
    assert kinds(outcomes) == ["done", "done", "skipped", "skipped"]


def test_without_a_mark_what_exists_is_left_alone(photos, tmp_path):
    out, plain = tmp_path / "out", Files(provenance=False)
    assert kinds(run(negative(), photos, out, files=plain)) == ["done"] * 4
    assert read_provenance(out / "a.png") is None
    assert b"Portrayal" not in (out / "a.png").read_bytes()
    outcomes = run(negative(), photos, out, files=plain)
    assert kinds(outcomes) == ["skipped"] * 4
    assert "--overwrite" in outcomes["a.png"].reason


def test_bad_files_are_named_with_reasons_and_the_others_are_done(photos, tmp_path, noise):
    (photos / "cut.png").write_bytes(encode(noise(50, 50), ".png")[:900])
    (photos / "empty.jpg").touch()
    (photos / "text.png").write_text("hello")
    (photos / "huge.png").write_bytes(encode(noise(1100, 1000), ".png"))
    (photos / "lost.png").symlink_to(tmp_path / "nowhere.png")
    outcomes = run(negative(), photos, tmp_path / "out", files=Files(limit=1))
    failed = {n: outcome.reason for n, outcome in outcomes.items() if outcome.kind == "failed"}
    assert failed.keys() == {"cut.png", "empty.jpg", "text.png", "huge.png", "lost.png"}
    assert failed["empty.jpg"] == "empty file"
    assert "1.1 megapixels" in failed["huge.png"]
    assert failed["lost.png"] == "no such file or directory"
    assert not any(str(tmp_path) in reason or "\n" in reason for reason in failed.values())
    assert kinds(outcomes).count("done") == 4
    assert len(tree(tmp_path / "out")) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_one_failure(photos, tmp_path):
    (photos / "a.png").chmod(0)
    assert run(negative(), photos, tmp_path / "out")["a.png"].reason == "permission denied"


def test_an_output_that_cannot_exist_fails_alone(photos, tmp_path):
    (tmp_path / "out" / "a.png").mkdir(parents=True)  # a folder where a file should go
    (photos / ("x" * 245 + ".png")).write_bytes((photos / "a.png").read_bytes())
    outcomes = run(negative(), photos, tmp_path / "out")
    assert kinds(outcomes) == ["done"] * 3 + ["failed"] * 2
    assert "too long" in outcomes["x" * 245 + ".png"].reason


def photo_with_gps(path, orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of Ann"
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_exif_is_dropped_unless_asked_for_and_then_turned_upright(tmp_path, suffix):
    source = photo_with_gps(tmp_path / "in.jpg")
    run(negative(), source, tmp_path / "plain", suffix=suffix)
    plain = tmp_path / "plain" / f"in.{suffix}"
    with Image.open(plain) as image:
        assert image.size == (8, 16)
        assert not image.getexif()
    assert b"Camera of Ann" not in plain.read_bytes()
    run(negative(), source, tmp_path / "kept", files=Files(keep_exif=True), suffix=suffix)
    with Image.open(tmp_path / "kept" / f"in.{suffix}") as image:
        assert image.size == (8, 16)
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F] == "Camera of Ann"
        assert image.getexif().get_ifd(0x8825)[1] == "N"
    assert read_provenance(tmp_path / "kept" / f"in.{suffix}").recipe == "negative"


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_grey_transparent_and_deep_pictures_are_fine(tmp_path, noise, mode):
    image = Image.fromarray(noise(12, 9)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.array(image).astype(np.uint16) * 257)
    source = tmp_path / ("in.tif" if mode == "CMYK" else "in.png")
    image.save(source)
    assert kinds(run(negative(), source, tmp_path / "out")) == ["done"]
    with Image.open(tmp_path / "out" / "in.png") as answer:
        assert (answer.mode, answer.size) == ("RGB", (9, 12))
        np.testing.assert_array_equal(np.array(answer), 255 - read_pixels(source))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_an_output_says_what_made_it(photos, tmp_path, suffix):
    run(negative(), photos / "a.png", tmp_path / f"out.{suffix}")
    mark = read_provenance(tmp_path / f"out.{suffix}")
    assert (mark.recipe, mark.model) == ("negative", "1" * 64)
    assert GENERATED.encode() in (tmp_path / f"out.{suffix}").read_bytes()


def test_bytes_in_and_bytes_out(photos):
    content = (photos / "a.png").read_bytes()
    answer = translate_bytes(negative(), content, ".png")
    np.testing.assert_array_equal(read_pixels(answer), 255 - read_pixels(content))
    assert read_provenance(answer).recipe == "negative"
    with pytest.raises(BadPicture, match="standard input: not a picture"):
        translate_bytes(negative(), b"hello", ".png")
