import pytest
from runs import make_dataset, make_run

from portrayal.core.runs import read_json, write_json
from portrayal.reports.collect import collect
from portrayal.reports.pages import page
from portrayal.reports.results import Results, Section, standing, verdict
from portrayal.reports.score_tables import printed, questions, section_tables


@pytest.fixture
def run(tmp_path):
    """SSIM answers two questions; KID of the sets; a table, and two kinds of warnings."""
    data = make_dataset(tmp_path / "discs", {"train": 4, "val": 2, "test": 9})
    folder = make_run(tmp_path / "run", data)
    facts = read_json(folder / "results.json")
    ssim = next(s for s in facts["scores"] if s["metric"] == "ssim")
    kept = {**ssim, "question": "content", "value": 0.4, "low": 0.3, "high": 0.5}
    kept |= {"n": 7, "missing": 2, "why": "no face found"}
    sets = {"metric": "fid", "question": "domain", "better": "lower", "n": 9}
    bare = {"value": 400.0, "low": None, "high": None}
    facts["scores"] += [kept, *({**sets, **bare, "answer": a} for a in ("translation", "input"))]
    facts["warnings"] = ["FID is biased <upwards>.", "Left out: ms_ssim. Too small."]
    facts["sections"] = [
        {"key": "t", "title": "By <age>", "head": ["metric", "mean", "low", "high"]}
        | {"rows": [["SSIM", 0.5, 0.4, 0.6], ["SSIM", None, None, None]]}
    ]
    write_json(folder / "results.json", facts)
    return folder


def test_a_metric_of_two_questions_keeps_them_apart(run):
    fidelity, content, domain = questions(collect(run))
    found = [next(r for r in t.rows if r.title == "SSIM") for t in (fidelity, content)]
    assert found[0].texts["translation"].startswith("0.713")
    assert found[1].texts == {"translation": "0.40 [0.30, 0.50]"}
    assert (found[0].judgement, found[1].judgement) == ("better", "")
    assert (found[1].n, found[1].why) == ("7 of 9", "no face found")
    assert domain.rows[0].judgement == ""  # no interval tells nothing apart


def test_lookups_take_the_question(run):
    results = Results.model_validate(read_json(run / "results.json"))
    assert results.score("ssim").value == 0.713
    assert results.score("ssim", question="content").value == 0.4
    assert results.score("ssim", "input", "content") is None
    assert results.score("fid").question == "domain"
    assert "fid" not in standing(results) and "SSIM 0.713" in verdict(results)


def test_warnings_stand_on_top_and_what_is_left_out_is_folded_away(run):
    html = page(collect(run))
    assert "<li>FID is biased &lt;upwards&gt;.</li>" in html
    assert html.index("FID is biased") < html.index('id="scores"')
    omitted = html[html.index('class="omitted"') :]
    assert "<li>ms_ssim. Too small.</li>" in omitted[: omitted.index("</details>")]


def test_tables_beside_the_scores_show_bounds_with_their_value(run):
    table = section_tables(collect(run))[0]
    assert table.head == ["metric", "mean"] and table.numeric == [False, True]
    assert table.rows == [["SSIM", "0.50 [0.40, 0.60]"], ["SSIM", "–"]]
    html = page(collect(run))
    assert "By &lt;age&gt;" in html and '<tr class="again">' in html


def test_p_values_have_the_digits_they_are_worth():
    rows = [["SSIM", 9.999e-05, 0.00049999], ["PSNR", 0.04321, 0.31], ["L1", None, "too few"]]
    section = Section(key="s", title="S", head=["metric", "p", "p (Holm)"], rows=rows)
    assert printed(section)[2] == [
        ["SSIM", "< 0.0001", "0.0005"],
        ["PSNR", "0.043", "0.31"],
        ["L1", "–", "too few"],
    ]
