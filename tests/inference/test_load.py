"""`portrayal.load(run)(picture)`: what goes in, what comes out, and which folders are no runs."""

import io
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import portrayal
from portrayal.core.errors import BadCheckpoint, BadData, BadOption, BadPicture, UnknownName
from portrayal.core.images import encode_png
from portrayal.core.runs import read_json, write_json
from portrayal.inference.pictures import pixels_from
from portrayal.inference.translator import How, Translator

ABOUT = {"files": {"weights.safetensors": "0" * 64}}


class Echo:
    """A recipe that answers with its source."""

    multiple = 4

    def __init__(self, change=lambda source: source):
        self.change = change

    def translate(self, source, *, reverse=False, seed=0, report=None):
        return self.change(source)


def echo(change=lambda source: source, size=(64, 64), **config):
    facts = {"recipe": "echo", "config": config, "data": {"size": size}}
    return Translator(Echo(change), facts, ABOUT)


@pytest.fixture(scope="module")
def translator(run):
    return portrayal.load(run, device="cpu")


def test_importing_portrayal_does_not_import_torch():
    code = "import sys, portrayal; portrayal.load; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("size", [(260, 260), (258, 258), (64, 64), (1, 1), (70, 200)])
def test_a_u_net_returns_the_size_it_was_given(translator, noise, size):
    answer = translator(noise(*size))
    assert answer.size == size[::-1]
    assert answer.mode == "RGB"


def test_what_a_u_net_takes_unpadded_is_what_its_recipe_answers(translator, noise):
    picture = noise(64, 64)
    source = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    wanted = (translator.recipe.translate(source)[0].permute(1, 2, 0) + 1) * 127.5
    np.testing.assert_allclose(np.array(translator(picture)), wanted.numpy(), atol=0.51)


def test_two_runs_of_one_model_are_identical(run, noise):
    picture = noise(100, 90)
    first, second = (portrayal.load(run, device="cpu").translate(picture) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_model_that_keeps_dropout_on_repeats_itself_and_changes_with_the_seed(
    run_like_training, noise
):
    translator = portrayal.load(run_like_training, device="cpu")
    pictures = [noise(64, 64, seed) for seed in range(3)]
    together = translator.translate_all(pictures, batch=3)
    np.testing.assert_array_equal(together, [translator.translate(each) for each in pictures])
    other = translator.translate(pictures[0], How(seed=1))
    assert (together[0] != other).any()


def test_the_network_is_not_changed_by_translating(run_like_training, noise):
    translator = portrayal.load(run_like_training, device="cpu")
    before = {k: v.clone() for k, v in translator.recipe.generator.state_dict().items()}
    translator(noise(64, 64))
    after = translator.recipe.generator.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_an_identity_changes_no_grey_level():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(np.array(echo()(levels)), levels)


def test_a_16_bit_picture_is_not_saturated(tmp_path):
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    Image.fromarray(levels).save(tmp_path / "deep.png")
    wanted = np.arange(256).reshape(16, 16)
    for image in (tmp_path / "deep.png", Image.open(tmp_path / "deep.png")):
        np.testing.assert_array_equal(np.array(echo()(image))[..., 1], wanted)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "F"])
def test_a_pillow_image_and_its_file_are_read_alike(tmp_path, noise, mode):
    image = Image.fromarray(noise(9, 7)).convert("L" if mode in ("I;16", "F") else mode)
    if mode == "I;16":
        image = Image.fromarray(np.array(image).astype(np.uint16) * 257)
    if mode == "F":
        image = Image.fromarray(np.array(image).astype(np.float32) / 255)
    path = tmp_path / "any.tif"
    image.save(path)
    answers = [np.array(echo()(each)) for each in (image, path, str(path), path.read_bytes())]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answers[0], answer)


def test_a_deep_ppm_is_read_alike_as_a_file_and_as_a_pillow_image(tmp_path):
    levels = (np.arange(256, dtype=">u2") * 257).tobytes()
    path = tmp_path / "deep.pgm"
    path.write_bytes(b"P5 16 16 65535 " + levels)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.array(echo()(image)), np.array(echo()(path)))


def test_integers_without_an_agreed_range_are_refused_and_not_shown_black():
    with pytest.raises(BadPicture, match="no agreed range"):
        echo()(Image.fromarray(np.full((4, 4), 200, np.int32)))


@pytest.mark.parametrize("name", ["turned.png", "turned.tif"])
def test_a_turned_photo_comes_back_upright(tmp_path, name):
    picture = np.zeros((8, 16, 3), np.uint8)
    picture[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by a quarter to see it upright
    Image.fromarray(picture).save(tmp_path / name, exif=exif)
    for image in (tmp_path / name, Image.open(tmp_path / name)):
        upright = np.array(echo()(image))
        assert upright.shape == (16, 8, 3)
        assert upright[:4].min() == 255
        assert upright[4:].max() == 0


def test_a_pillow_image_is_left_as_it_was(noise):
    image = Image.fromarray(noise(5, 5)).convert("P")
    image.info["transparency"] = 3
    before = (image.tobytes(), dict(image.info), image.mode)
    echo()(image)
    assert (image.tobytes(), dict(image.info), image.mode) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (np.zeros((8, 8, 3), np.float32), r"got float32 of shape \(8, 8, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), r"got uint8 of shape \(3, 8, 8\)"),
        (np.zeros((8, 8), np.uint8), r"got uint8 of shape \(8, 8\)"),
        (np.zeros((8, 0, 3), np.uint8), r"got uint8 of shape \(8, 0, 3\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"got torch.uint8 of shape \(8, 8, 3\)"),
        (None, r"got NoneType of shape \(\)"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_shape(wrong, told):
    with pytest.raises(BadData, match=told):
        pixels_from(wrong)


def test_a_file_that_is_no_picture_is_refused_with_its_name(tmp_path):
    (tmp_path / "no.png").write_text("hello")
    with pytest.raises(BadPicture, match=r"no\.png: not a picture"):
        echo()(tmp_path / "no.png")


def test_an_answer_that_is_not_finite_is_never_shown_as_a_black_picture(noise):
    with pytest.raises(BadData, match="not finite"):
        echo(lambda source: source * float("nan"))(noise(8, 8))


def test_resize_shows_the_network_the_training_size_and_keeps_the_pictures(noise):
    seen = []

    def look(source):
        seen.append(tuple(source.shape[2:]))
        return source

    assert echo(look)(noise(300, 200), resize=True).size == (200, 300)
    assert seen == [(96, 64)]


def test_resize_of_a_smooth_picture_changes_little():
    ramp = np.linspace(0, 255, 400).astype(np.uint8)[:, None, None]
    picture = np.broadcast_to(ramp, (400, 300, 3)).copy()
    again = np.array(echo()(picture, resize=True)).astype(int)
    assert np.abs(again - picture).max() <= 6


def test_resize_without_a_training_size_is_refused(noise):
    with pytest.raises(BadOption, match="no aim"):
        echo(size=None)(noise(8, 8), resize=True)


def test_a_run_may_have_moved_and_its_data_and_device_be_gone(run, tmp_path, noise):
    moved = shutil.copytree(run, tmp_path / "elsewhere")
    answer = portrayal.load(str(moved))(noise(64, 64))
    assert answer.size == (64, 64)


def test_newest_is_the_default_and_another_checkpoint_another_model(run, noise):
    newest, last, first = (
        portrayal.load(run, device="cpu", checkpoint=name) for name in ("newest", "2", "00000001")
    )
    assert newest.model_hash == last.model_hash != first.model_hash
    assert (newest.translate(noise(64, 64)) != first.translate(noise(64, 64))).any()


def test_a_broken_newest_checkpoint_falls_back_aloud(run, tmp_path):
    broken = shutil.copytree(run, tmp_path / "broken")
    weights = broken / "checkpoints" / "00000002" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    notes = []
    translator = portrayal.load(broken, device="cpu", note=notes.append)
    assert translator.about["step"] == 1
    assert len(notes) == 1
    assert "Falling back" in notes[0]


def test_the_mark_names_model_settings_and_source(translator):
    how, other = How(), How(seed=1)
    mark = translator.provenance(how, "abc")
    assert (mark.recipe, mark.source) == ("pix2pix", "abc")
    assert mark.model == translator.model_hash
    assert mark.settings != translator.provenance(other, "abc").settings
    assert mark.settings != translator.provenance(how, "abc", quality=90).settings
    noisy = replace(translator, config={**translator.config, "config": {"translation": "noisy"}})
    assert mark.settings != noisy.provenance(how, "abc").settings


def changed(run, tmp_path, **changes):
    copy = shutil.copytree(run, tmp_path / "changed")
    write_json(copy / "config.json", {**read_json(copy / "config.json"), **changes})
    return copy


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"format": 2}, BadCheckpoint, "has format 2, this version reads 1"),
        ({"recipe": "pix3pix"}, UnknownName, "Did you mean 'pix2pix'"),
        ({"config": {"wdith": 4}}, BadCheckpoint, "does not fit this version: wdith"),
        ({"config": {"generator": "unet_64", "width": 8}}, BadCheckpoint, "does not fit"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_in_a_line(run, tmp_path, changes, error, told):
    with pytest.raises(error, match=told) as caught:
        portrayal.load(changed(run, tmp_path, **changes), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_half_written_run_is_refused_in_a_line(run, tmp_path):
    config = read_json(run / "config.json")
    write_json(tmp_path / "config.json", {"format": 1, "recipe": "pix2pix"})
    with pytest.raises(BadCheckpoint, match="incomplete: config, settings missing"):
        portrayal.load(tmp_path)
    write_json(tmp_path / "config.json", config)
    with pytest.raises(BadCheckpoint, match="has no checkpoint yet"):
        portrayal.load(tmp_path, device="cpu")


def test_what_is_no_run_is_refused_in_a_line(tmp_path):
    with pytest.raises(BadData, match="does not exist"):
        portrayal.load(tmp_path / "nowhere")
    with pytest.raises(BadData, match=r"no config\.json"):
        portrayal.load(tmp_path)


def test_bytes_of_a_file_are_a_picture(noise):
    picture = noise(6, 5)
    np.testing.assert_array_equal(np.array(echo()(encode_png(picture))), picture)
    with pytest.raises(BadPicture, match="not a picture"):
        echo()(io.BytesIO(b"nothing").getvalue())


def test_the_example_in_the_repository_runs(run, tmp_path, noise):
    (tmp_path / "photo.png").write_bytes(encode_png(noise(90, 70)))
    script = Path(__file__).parents[2] / "examples" / "translate.py"
    words = [sys.executable, script, run, "photo.png"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "(70, 90) and (70, 90)" in done.stdout
    assert pixels_from(tmp_path / "translated.png").shape == (90, 70, 3)
