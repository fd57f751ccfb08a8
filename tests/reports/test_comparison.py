import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrayal.reports.comparison import (
    Comparison,
    Difference,
    Model,
    Row,
    as_csv,
    letter,
    letters,
    verdict,
)
from portrayal.reports.results import Score

NAMES = "abcdef"
pairs = st.sets(st.sampled_from(list(itertools.combinations(NAMES, 2))))


@given(pairs)
def test_models_share_a_letter_exactly_when_they_are_not_told_apart(apart):
    given_letters = letters(NAMES, apart)
    for one, other in itertools.combinations(NAMES, 2):
        shared = set(given_letters[one]) & set(given_letters[other])
        assert bool(shared) == ((one, other) not in apart)


@given(pairs)
def test_the_best_model_has_the_first_letter(apart):
    assert letters(NAMES, apart)["a"].startswith("a")


@given(pairs)
def test_the_order_of_differences_changes_no_letter(apart):
    assert letters(NAMES, sorted(apart)) == letters(NAMES, sorted(apart, reverse=True))


def test_letters_do_not_run_out():
    assert [letter(0), letter(25), letter(26), letter(52)] == ["a", "z", "a1", "a2"]


def score(value, better="higher"):
    low, high = value - 0.01, value + 0.01
    return Score(
        metric="ssim", answer="translation", value=value, low=low, high=high, n=9, better=better
    )


def compared(corrected, better="higher"):
    cells = {"x, y": score(0.8, better), "z": score(0.7, better)}
    difference = Difference(
        first="x, y", second="z", value=0.1, low=0, high=1, n=9, p=0.01, corrected=corrected
    )
    row = Row(metric="ssim", question="fidelity", better=better, title="SSIM", cells=cells)
    row = row.model_copy(update={"differences": [difference], "letters": {"x, y": "a", "z": "b"}})
    models = [Model(name=name, folder=name) for name in cells]
    return Comparison(models=models, rows=[row], split="test", data="", names=["p"])


@pytest.mark.parametrize(
    ("corrected", "better", "words"),
    [
        (0.05, "higher", "x, y is best on SSIM."),
        (0.05, "lower", "z is best on SSIM."),
        (0.051, "higher", "The best is not told apart from the next on SSIM."),
    ],
)
def test_the_verdict_names_a_best_model_only_if_its_lead_holds(corrected, better, words):
    assert verdict(compared(corrected, better)) == words


def test_the_table_for_a_spreadsheet_keeps_names_with_commas():
    rows = list(csv.DictReader(io.StringIO(as_csv(compared(0.01)))))
    assert [(row["model"], float(row["value"]), row["letters"]) for row in rows] == [
        ("x, y", 0.8, "a"),
        ("z", 0.7, "b"),
    ]
