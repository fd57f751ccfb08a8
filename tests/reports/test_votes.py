import re
import xml.etree.ElementTree as ET

import pytest
from runs import make_dataset, make_run

from portrayal.core.errors import BadData
from portrayal.core.runs import write_json
from portrayal.reports.pages import write_report
from portrayal.reports.votes import (
    Bounds,
    ModelVotes,
    PairVotes,
    VoteResults,
    find_votes,
    read_votes,
    study_votes,
)
from portrayal.reports.votes_page import csv_text, page, plot, write_votes
from portrayal.reports.votes_plot import people
from portrayal.reports.votes_words import filled, headline, holds, pair_rows, remarks, table


def bounds(value, low=None, high=None):
    return Bounds(value=value, low=low, high=high)


def results(**changes):
    names = ["<b>plain</b>", "good & better"]
    models = [
        ModelVotes(name=name, votes=votes, shown=100, value=votes / 100, chance=0.5, p_chance=p,
                   same=bounds(votes / 100, 0.1, 0.8), other=bounds(votes / 100),
                   strength=bounds(0.2, -0.1, 0.5))
        for name, votes, p in zip(names, (30, 70), (0.2, 0.001), strict=True)
    ]  # fmt: skip
    pair = PairVotes(first=names[0], second=names[1], values=(30, 70), p_same=0.001, p_other=0.5,
                     needed=1234)  # fmt: skip
    made = {
        "kind": "choice", "question": "Which one?", "voters": 3, "votes": 100, "models": models,
        "pairs": [pair], "agreement": bounds(0.25, 0.1, 0.4), "agreement_note": "9 questions",
        "smallest_p": 0.25,
    }  # fmt: skip
    return VoteResults(**{**made, **changes})


def test_models_go_from_best_to_worst_and_chance_is_judged():
    _, rows = table(results())
    assert [row.name for row in rows] == ["good & better", "<b>plain</b>"]
    assert rows[0].chance == "above, p = 0.001"
    assert rows[1].chance == "not told apart"
    assert rows[0].value == "70.0 % [10.0, 80.0]"
    assert rows[0].other == "unknown"


def test_the_headline_says_for_whom_differences_hold():
    said = headline(results())
    assert "good & better was chosen in 70.0 %" in said
    assert "chance is 50.0 %" in said
    assert (
        "The difference between the two models holds among these 3 voters and does not hold for "
        "other voters" in said
    )
    more = headline(results(pairs=results().pairs * 3))
    assert "Of 3 differences between two models, 3 hold among these 3 voters and 0 for" in more


def test_what_a_kind_of_study_has_no_value_for_is_no_column():
    head, rows = table(results())
    bare = [row._replace(strength="–", chance="–") for row in rows]
    short, cells = filled(head, bare)
    assert short == ["Model", "Votes", "Share", "Other voters"]
    assert cells == [row[:4] for row in rows]
    kept = [rows[0], bare[1]]
    assert filled(head, kept) == (head, [tuple(row) for row in kept]), "one value is enough"


def test_one_voter_is_one():
    alone = results(voters=1, unfinished=1)
    assert "holds among this 1 voter and" in headline(alone)
    said = " ".join(remarks(alone))
    assert "1 of 1 voter stopped early" in said and "1 voters" not in said


def test_failed_checks_and_too_few_voters_are_said():
    said = " ".join(remarks(results(left_out=["voter 2"], votes_left_out=50, unfinished=1)))
    assert "1 voter failed checks and 50 votes are left out" in said
    assert "1 of 3 voters stopped early" in said
    assert "no p-value over voters can be below 0.25" in said
    assert "rough" in said
    assert "0.25 [0.10, 0.40]; 9 questions" in said
    assert "unknown" in " ".join(remarks(results(agreement=bounds(None))))


def test_a_p_value_at_the_limit_tells_nothing_apart():
    assert "no p-value over voters" in " ".join(remarks(results(smallest_p=0.05)))
    assert "no p-value over voters" not in " ".join(remarks(results(smallest_p=0.04)))
    models = [m.model_copy(update={"p_chance": 0.05}) for m in results().models]
    assert {row.chance for row in table(results(models=models))[1]} == {"not told apart"}


@pytest.mark.parametrize(
    ("same", "other", "said"),
    [(0.01, 0.01, "for other voters too"), (0.01, 0.2, "among these voters"),
     (0.2, 0.01, "for other voters"), (0.05, 0.05, "not told apart")],
)  # fmt: skip
def test_a_difference_holds_for_those_it_was_tested_on(same, other, said):
    assert (
        holds(PairVotes(first="a", second="b", values=(1, 2), p_same=same, p_other=other)) == said
    )


def test_page_and_plot_are_well_formed_and_names_are_text(tmp_path):
    place = write_votes(tmp_path, results(), [["voter"], ["voter 1"]])
    text = place.read_text()
    assert "<b>plain</b>" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    drawn = ET.fromstring(plot(results()))
    assert len(drawn.findall("{*}circle")) == 2
    assert len(drawn.findall("{*}path[@class='chance']")) == 1
    assert {file.name for file in tmp_path.iterdir()} == {
        "votes.html", "votes.svg", "votes.json", "votes.csv", "scores.csv"
    }  # fmt: skip
    assert read_votes(tmp_path / "votes.json") == results()


@pytest.mark.parametrize("kind", ["real_or_fake", "rating"])
def test_other_kinds_have_pages_too(kind):
    text = page(results(kind=kind))
    assert ("Mean rating" in text) == (kind == "rating")
    assert "0.30 : 0.70" not in pair_rows(results())[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voted")
    return make_run(folder / "run", make_dataset(folder / "discs", {"train": 4, "test": 9}))


def visible(html):
    return re.sub(r"<style>.*?</style>", "", html, flags=re.S)


def test_a_report_shows_the_votes_of_a_study_or_those_in_the_run(run, tmp_path):
    write_report(run, tmp_path / "bare.html")
    assert "Votes of people" not in (tmp_path / "bare.html").read_text()
    write_json(tmp_path / "study" / "results" / "votes.json", results().model_dump(mode="json"))
    write_report(run, tmp_path / "study.html", study=tmp_path / "study")
    write_json(run / "votes.json", results().model_dump(mode="json"))
    write_report(run, tmp_path / "own.html")
    (run / "votes.json").unlink()
    text = visible((tmp_path / "study.html").read_text())
    assert text == visible((tmp_path / "own.html").read_text())
    for word in ("Which one?", "70.0 % [10.0, 80.0]", "0.20 [−0.10, 0.50]", "kappa", "1,234"):
        assert word in text
    assert len(re.findall('class="chance"', text)) == 2  # of the plot, and of the one for phones
    assert "None of the models that people judged is named run." in text
    assert "<b>plain</b>" not in text
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", text)


def test_the_models_of_the_page_stand_out():
    voted = results()
    assert people(voted, ["good & better", "gone"]).own == {"good & better"}
    assert "None of" not in " ".join(people(voted, ["good & better"]).remarks)
    assert "None of" not in " ".join(people(voted).remarks)


def test_a_folder_without_votes_is_refused_in_one_line(tmp_path):
    assert find_votes(tmp_path) is None
    with pytest.raises(BadData, match=r"holds no votes\.json: portrayal study results"):
        study_votes(tmp_path)
    write_json(tmp_path / "votes.json", {"kind": "choice"})
    with pytest.raises(BadData, match="does not fit"):
        study_votes(tmp_path)


def test_a_spreadsheet_takes_no_cell_for_a_formula():
    assert csv_text([["=1+1", -1, "a,b", None]]) == '\'=1+1,-1,"a,b",\n'


def test_the_plot_for_phones_shows_the_same_within_their_width():
    wide, narrow = plot(results()), plot(results(), narrow=True)
    assert 'viewBox="0 0 350 ' in narrow
    for mark in ('class="dot"', 'class="same"', "<text"):
        assert wide.count(mark) == narrow.count(mark) > 0
    edges = [float(x) for x in re.findall(r'(?:cx="|[MH])([0-9.]+)', narrow)]
    assert min(edges) >= 0 and max(edges) <= 350
