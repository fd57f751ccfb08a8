"""A photographed drawing on its way to the network, and the picture of what the network got."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from portrayal.core.errors import CannotWrite
from portrayal.core.images import encode, read_pixels
from portrayal.filters.freehand import clean_drawing
from portrayal.inference.drawing import shown, shown_path, write_shown
from portrayal.inference.files import Files
from portrayal.inference.jobs import Job
from portrayal.inference.load import load
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import How


def sketch(size=64):
    page = np.full((size, size, 3), 200, np.uint8)
    page[size // 3 : size // 3 + 4, 8:-8] = 40
    return page


@pytest.fixture(scope="module")
def translator(run):
    return load(run, device="cpu")


def outcomes(translator, folder, names, how, files=Files()):
    jobs = [Job(folder / name, folder / "out" / name, name) for name in names]
    return {each.name: each for each in translate_files(translator, jobs, how, files)}


def test_a_drawing_is_translated_as_its_clean_form(translator):
    one = translator.translate(sketch(), How(drawing=True, stroke=16))
    assert np.array_equal(one, translator.translate(clean_drawing(sketch(), stroke=16)))
    assert not np.array_equal(one, translator.translate(sketch(), How(drawing=True)))
    assert not np.array_equal(one, translator.translate(sketch()))


def test_shown_is_what_the_network_got(translator):
    assert np.array_equal(shown(translator, sketch()), sketch())
    assert np.array_equal(shown(translator, sketch(), How(drawing=True)), clean_drawing(sketch()))
    assert shown(translator, sketch(96), How(drawing=True, resize=True)).shape == (64, 64, 3)


def test_a_drawing_of_any_size_fits_a_network_of_one_size_unasked(translator):
    seen = []
    network = SimpleNamespace(
        size=64, multiple=64, translate=lambda source, **_: seen.append(source.shape) or source
    )
    alone, how = replace(translator, recipe=network), How(drawing=True)
    assert alone.translate(sketch(200)[:160], how).shape == (160, 200, 3)
    assert seen == [(1, 3, 64, 64)]
    assert shown(alone, sketch(200)[:160], how).shape == (51, 64, 3)
    assert alone.fits(how) and not alone.fits(How()) and not translator.fits(how)


def test_so_does_a_file(translator, tmp_path):
    network = SimpleNamespace(size=64, multiple=64, translate=lambda source, **_: -source)
    alone, how = replace(translator, recipe=network), How(drawing=True)
    (tmp_path / "a.png").write_bytes(encode(sketch(200)[:160], ".png"))
    found = outcomes(alone, tmp_path, ["a.png"], how, Files(show_input=True))
    assert found["a.png"].kind == "done", found
    answer = read_pixels(tmp_path / "out" / "a.png")
    assert np.array_equal(answer, alone.translate(sketch(200)[:160], how))
    seen = read_pixels(tmp_path / "out" / "a.input.png")
    assert np.array_equal(seen, shown(alone, sketch(200)[:160], how))


def test_files_of_a_folder_are_cleaned_and_an_empty_one_fails_alone(translator, tmp_path):
    pages = {"a.png": sketch(), "b.png": np.full((64, 64, 3), 240, np.uint8)}
    for name, page in pages.items():
        (tmp_path / name).write_bytes(encode(page, ".png"))
    how = How(drawing=True)
    found = outcomes(translator, tmp_path, pages, how, Files(show_input=True))
    assert found["a.png"].kind == "done"
    assert found["b.png"].kind == "failed" and "empty: 0.00%" in found["b.png"].reason
    answer = read_pixels(tmp_path / "out" / "a.png")
    assert np.array_equal(answer, translator.translate(sketch(), how))
    seen = read_pixels(tmp_path / "out" / "a.input.png")
    assert np.array_equal(seen, clean_drawing(sketch()))
    assert outcomes(translator, tmp_path, ["a.png"], how)["a.png"].reason == "done before"
    (tmp_path / "out" / "a.input.png").unlink()
    again = outcomes(translator, tmp_path, ["a.png"], how, Files(show_input=True))
    assert again["a.png"].kind == "done" and (tmp_path / "out" / "a.input.png").exists()


def test_what_is_shown_never_replaces_a_file_that_is_not_ours(tmp_path):
    output = tmp_path / "a.jpg"
    write_shown(output, sketch())
    write_shown(output, sketch(32))
    assert read_pixels(shown_path(output)).shape == (32, 32, 3)
    shown_path(output).write_bytes(encode(sketch(), ".png"))
    with pytest.raises(CannotWrite, match="not ours"):
        write_shown(output, sketch())
    write_shown(output, sketch(), overwrite=True)


def test_settings_of_drawings_are_in_the_mark_only_where_they_matter():
    assert How().settings() == How(stroke=5).settings()
    assert How(drawing=True).settings() != How(drawing=True, stroke=5).settings()
    assert "drawing" not in How().settings()


def test_pictures_fit_only_where_the_run_knows_its_size(translator):
    network = SimpleNamespace(size=64, multiple=64)
    config = {**translator.config, "data": {}}
    unknown = replace(translator, recipe=network, config=config)
    assert not unknown.fits(How(drawing=True))


def test_the_shorter_side_gets_the_shorter_side_of_training(translator):
    config = {**translator.config, "data": {"size": [64, 96]}}
    assert replace(translator, config=config).working_size(sketch(200)[:100]) == (128, 64)


def test_an_engine_that_changes_pixels_is_in_the_mark(translator):
    inexact, exact = (
        replace(translator, engine=name).provenance(How(), "0")
        for name in ("openvino:int8", "openvino")
    )
    assert inexact != exact
    assert exact == translator.provenance(How(), "0")
