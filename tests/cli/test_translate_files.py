"""What is said after a folder: advice where it helps, and the first hundred failures by name."""

from types import SimpleNamespace

import pytest
import typer

from portrayal.cli.translate_files import LISTED, advise, list_failures
from portrayal.inference.files import Outcome


def model(trained=(64, 96), fits=False):
    return SimpleNamespace(training_size=trained, fits=lambda how: fits)


@pytest.mark.parametrize(
    ("translator", "largest", "said"),
    [
        (model(), (20, 193), True),
        (model(), (193, 20), True),
        (model(), (192, 192), False),
        (model(trained=None), (999, 999), False),
        (model(fits=True), (999, 999), False),
    ],
    ids=["wide", "tall", "twice as large", "any size", "resized"],
)
def test_pictures_over_twice_as_large_as_those_of_training_bring_advice(
    translator, largest, said, capsys
):
    advise(translator, largest, None)
    told = capsys.readouterr().err
    height, width = largest
    wanted = f"largest picture is {width} x {height}; the model learned on 96 x 64"
    assert (wanted in told and "--resize" in told) if said else told == ""


def test_failures_are_named_up_to_a_hundred_and_then_counted(capsys):
    failed = [Outcome(f"{index}.png", "failed", "empty file") for index in range(LISTED + 3)]
    with pytest.raises(typer.Exit) as caught:
        list_failures(failed)
    lines = capsys.readouterr().err.splitlines()
    assert caught.value.exit_code == 1
    assert lines[0] == "failed: 0.png: empty file"
    assert len(lines) == LISTED + 1 and lines[-1] == "and 3 more"
    with pytest.raises(typer.Exit):
        list_failures(failed[:LISTED])
    assert "more" not in capsys.readouterr().err


def test_without_failures_nothing_is_said(capsys):
    list_failures([])
    assert capsys.readouterr() == ("", "")
