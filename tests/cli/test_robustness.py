"""portrayal robustness: how sets, filters and strengths are typed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from untrained import make_dataset, make_run

from portrayal.cli import answer
from portrayal.cli.robustness import names, numbers, set_of
from portrayal.core.errors import BadOption


def test_a_set_is_a_name_inputs_and_perhaps_truths(tmp_path):
    assert set_of("a=in:out") == ("a", Path("in"), Path("out"))
    assert set_of("a=in") == ("a", Path("in"), None)
    assert set_of(r"a=C:\in") == ("a", Path(r"C:\in"), None)
    (tmp_path / "with:colon").mkdir()
    assert set_of(f"a={tmp_path}/with:colon") == ("a", tmp_path / "with:colon", None)
    for wrong in ("in", "=in", "a="):
        with pytest.raises(BadOption, match="is not NAME=FOLDER"):
            set_of(wrong)


def test_names_are_all_none_or_listed_and_constants_stay_with_their_filter():
    assert names("all") is None and names("none") == []
    assert names("noise,blur") == ["noise", "blur"]
    assert names("cartoon:levels=1,block=11,pencil") == ["cartoon:levels=1,block=11", "pencil"]


def test_strengths_are_numbers_from_0_to_1():
    assert numbers("0.5,1") == [0.5, 1.0]
    for wrong in ("", "x", "0.5,2", "nan"):
        with pytest.raises(BadOption, match="are not numbers from 0 to 1"):
            numbers(wrong)


def test_the_command_prints_every_set_and_where_the_page_is(tmp_path, capsys):
    data = make_dataset(tmp_path / "data", {"train": 2, "test": 3})
    run = make_run(tmp_path / "run", data)
    words = ["--filters", "pencil", "--damage", "noise", "--strengths", "1", "--metric", "l1"]
    assert answer(["robustness", str(run), *words, "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    for text in ("own", "pencil", "noise 1", "L1", "robustness.html"):
        assert text in shown
    assert (run / "robustness.html").exists() and (run / "robustness.json").exists()


def test_no_run_is_one_line(tmp_path, capsys):
    assert answer(["robustness", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
