"""`portrayal recognise` as it is typed."""

import pytest

from portrayal.cli import answer
from portrayal.evaluation.recognition.recogniser import load_recogniser

QUICK = ("--steps", 12, "--width", 4)


def said(capsys, *arguments):
    code = answer([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes") / "data"
    given = ("shapes", "--count", 30, "--size", 32, "--workers", 1, "--out", folder)
    assert answer([str(word) for word in ("prepare", *given)]) == 0
    return folder


def test_a_column_is_learned_into_one_file(shapes, tmp_path, capsys):
    out = tmp_path / "class.safetensors"
    code, text, _ = said(capsys, "recognise", shapes, "--column", "class", "--out", out, *QUICK)
    assert code == 0
    assert "Learned 5 classes from 24 real pictures: animal, flower, shape, ship, tree" in text
    assert "On 3 held-out pictures (val): accuracy" in text and f"Wrote {out}" in text
    assert load_recogniser(out).about.held_out.n == 3


def test_class_maps_of_shapes_need_no_files(shapes, tmp_path, capsys):
    out = tmp_path / "maps.safetensors"
    code, text, _ = said(capsys, "recognise", shapes, "--labels", "--out", out, *QUICK)
    assert code == 0 and "pixel accuracy" in text and "class IoU" in text
    assert load_recogniser(out).about.maps == "painted"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "either --column NAME or --labels"),
        (("--labels", "--column", "class"), "either --column NAME or --labels"),
        (("--labels", "--bins", 3), "--bins cuts a column"),
        (("--column", "subject"), "val has 0 pictures with a label"),
        (("--column", "nothing"), "No picture has a value in column 'nothing'"),
        (("--column", "class", "--network", "unet_64"), "No recogniser named 'unet_64'"),
        (("--column", "class", "--network", "segmenter"), "a class for every pixel"),
        (("--labels", "--network", "classifier"), "one class for the whole picture"),
        (("--column", "class", "--batch", 1), "--batch is 1"),
    ],
)
def test_what_cannot_be_is_one_line(shapes, tmp_path, capsys, arguments, says):
    out = tmp_path / "x.safetensors"
    code, _, error = said(capsys, "recognise", shapes, "--out", out, *QUICK, *arguments)
    assert code == 2 and says in error and error.count("\n") == 1
    assert not out.exists()


def test_a_file_of_another_kind_is_not_written(shapes, tmp_path, capsys):
    code, _, error = said(
        capsys, "recognise", shapes, "--column", "class", "--out", tmp_path / "x.pt"
    )
    assert code == 2 and "must end in .safetensors" in error


def test_a_network_of_your_own_comes_with_a_file(shapes, tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from torch import nn\n"
        "from portrayal.networks.recogniser import recognisers\n\n"
        "@recognisers\n"
        "def tiny(classes, *, width=4):\n"
        '    """A linear look at the mean colour."""\n'
        "    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        "    return nn.Sequential(*pool, nn.Linear(3, classes))\n"
    )
    given = ("--column", "class", "--network", "tiny", "--with", mine)
    out = tmp_path / "tiny.safetensors"
    code, _, error = said(capsys, "recognise", shapes, *given, "--out", out, "--steps", 3)
    assert code == 0, error
    assert load_recogniser(out).about.network == "tiny"
