import io

import pytest
from rich.console import Console
from rich.text import Text

from portrayal.cli.scores import LONGEST, question_table, section_table, stacked
from portrayal.reports.results import Results, Score, Section
from portrayal.reports.score_tables import printed


def score(metric, answer="translation", question="fidelity", value=0.5, **more):
    low, high = (more.pop("low", value - 0.1), more.pop("high", value + 0.1))
    facts = {"metric": metric, "answer": answer, "question": question, "value": value}
    return Score(**facts, low=low, high=high, n=more.pop("n", 9), better="higher", **more)


def drawn(table, width=80):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table)
    return out.getvalue()


def results(*scores):
    return Results(kind="run", split="test", n=9, scores=list(scores))


def test_a_question_shows_its_own_scores_alone():
    both = results(score("ssim", value=0.7), score("ssim", question="content", value=0.3))
    assert "0.70" in drawn(question_table(both, "fidelity"))
    content = drawn(question_table(both, "content"))
    assert "0.30" in content and "0.70" not in content
    assert question_table(both, "domain") is None


def test_values_stand_above_their_intervals_and_names_are_whole():
    answers = [score("a", answer, title="Landmark distance", unit="eye distances")
               for answer in ("translation", "input", "difference")]  # fmt: skip
    shown = drawn(question_table(results(*answers), "fidelity"))
    assert "…" not in shown and "[0.40, 0.60]" in shown
    assert all(word in shown for word in ("Landmark", "distance", "(eye", "distances)", "↑"))
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_how_many_have_a_value_is_said_where_some_have_none():
    found = results(score("yaw", n=28, missing=2), score("yaw", "input", n=20, missing=10))
    assert "20 of 30" in drawn(question_table(found, "fidelity"))


def test_a_set_score_without_interval_is_its_value():
    bare = results(score("fid", question="domain", value=449.2, low=None, high=None))
    shown = drawn(question_table(bare, "domain"))
    assert "449" in shown and "[" not in shown


def table(rows, head=("what", "value", "low", "high", "n")):
    return Section(key="k", title="T", note="Said [once].", head=list(head), rows=rows)


def test_bounds_stand_with_their_value_in_digits_that_suit_them():
    head, numeric, rows = printed(table([["x", 0.37172, 0.34527, 0.3981, 30], ["y"] + [None] * 4]))
    assert (head, numeric) == (["what", "value", "n"], [False, True, True])
    assert rows == [["x", "0.372 [0.345, 0.398]", "30"], ["y", "–", "–"]]


def test_columns_named_otherwise_stay_as_they_are():
    two = Section(key="k", title="T", head=["low", "high", "a"], rows=[[1.0, 2.0, "x"]])
    assert printed(two) == (["low", "high", "a"], [True, True, False], [["1", "2", "x"]])
    word = table([["x", "none", 1.0, 2.0, 3]])
    assert printed(word)[2] == [["x", "none", "3"]]


def test_a_long_table_begins_in_the_terminal_and_says_where_it_goes_on():
    rows = [[f"row{index}", 1.0, 0.5, 1.5, 2] for index in range(LONGEST + 7)]
    shown = drawn(section_table(table(rows)))
    assert f"row{LONGEST - 1}" in shown and f"row{LONGEST}" not in shown
    assert "7 more rows in the report" in shown and "[once]" in shown


@pytest.mark.parametrize("text", ["0.5 [0.4, 0.6]", "[red]", "a [b", "a [/b]", "–"])
def test_no_cell_is_taken_for_markup(text):
    assert Text.from_markup(stacked(text)).plain.replace("\n", " ") == text
