"""A model that searches, scored by another search than its own: said everywhere, mixed nowhere."""

import shutil

import numpy as np
import pytest
from untrained import joint_run, make_dataset, make_run

from portrayal.cli import answer
from portrayal.core.errors import BadOption, UnknownName, UserError
from portrayal.core.images import read_pixels
from portrayal.core.runs import read_json
from portrayal.evaluation.comparison.compare import Plan, compare
from portrayal.evaluation.comparison.cost import model_scored
from portrayal.evaluation.evaluate import Request, evaluate_run
from portrayal.evaluation.robustness.robustness import Wanted, robustness
from portrayal.inference.load import load
from portrayal.inference.searching import with_search
from portrayal.reports.collect import collect
from portrayal.reports.comparison_page import write_comparison
from portrayal.reports.facts import setting_groups
from portrayal.reports.pages import write_report

ASKED = Request(["l1"], draws=100)
LONGER = ("starts=16", "search_steps=12")
OWN = Wanted(filters=[], damages=[], metrics=["l1"], draws=100)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("d") / "data", {"train": 2, "val": 2, "test": 3})


@pytest.fixture(scope="module")
def scored(tmp_path_factory, data):
    """A contextual run, scored by its own search."""
    run = joint_run(tmp_path_factory.mktemp("runs") / "own", data, "contextual")
    evaluate_run(run, ASKED)
    return run


@pytest.fixture
def run(tmp_path, scored):
    return shutil.copytree(scored, tmp_path / "own")


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_its_scores_are_those_of_its_own_pictures_and_name_the_settings(run, data, tmp_path):
    before = contents(run)
    out = tmp_path / "longer"
    found = evaluate_run(run, ASKED, search=LONGER, out=out)
    model = with_search(load(run), LONGER)
    assert model.search == {"starts": 16, "search_steps": 12}
    for number, row in enumerate(found.pictures):
        name = f"p{number:02d}.png"
        expected = model.translate(read_pixels(data / "test/source" / name))
        mine = read_pixels(out / "translations/test" / name)
        assert np.array_equal(mine, expected)
        assert not np.array_equal(mine, read_pixels(run / "translations/test" / name))
        truth = read_pixels(data / "test/target" / name).astype(float)
        assert row["scores"]["l1"] == pytest.approx(np.abs(mine - truth).mean() / 255)
    written = read_json(out / "results.json")["model"]
    assert written["search"] == model.search and written["run"] == str(run)
    after = contents(run)
    assert {path.name for path in after if before.get(path) != after[path]} == {"evaluations.jsonl"}
    own = read_json(run / "results.json")["model"]
    assert "search" not in own and "run" not in own


def test_its_page_says_so_and_shows_the_run(run, tmp_path):
    out = tmp_path / "longer"
    evaluate_run(run, ASKED, search=LONGER, out=out)
    page, verdict = write_report(out)
    assert "On 3 held-out pictures searched with starts=16, search_steps=12, " in verdict
    assert verdict in page.read_text() and "config.json is missing" not in page.read_text()
    facts = {fact.name: fact for _, group in setting_groups(collect(out)) for fact in group}
    assert (facts["starts"].text, facts["starts"].changed) == ("16", True)
    assert (facts["latent"].text, facts["latent"].changed) == ("6", False)
    assert "searched with" not in write_report(run)[1]
    shutil.rmtree(run)  # then only the scores are known
    assert "searched with starts=16" in write_report(out)[1]


def test_without_a_folder_of_its_own_nothing_is_searched_or_replaced(run, tmp_path):
    before = contents(run)
    for call in (evaluate_run, robustness):
        asked = ASKED if call is evaluate_run else OWN
        with pytest.raises(BadOption, match=r"another search \(starts=16, search_steps=12\)"):
            call(run, asked, search=LONGER)
        other = shutil.copytree(run, tmp_path / f"other{call is robustness}")
        for place in (run, other):
            with pytest.raises(BadOption, match="is a run with scores of its own"):
                call(run, asked, search=LONGER, out=place)
        with pytest.raises(BadOption, match="is a file"):
            call(run, asked, search=LONGER, out=run / "results.json")
    assert contents(run) == before


def test_the_runs_own_settings_are_no_other_search(run):
    found = evaluate_run(run, ASKED, search=("starts=4", "search_rate=0.05"))
    assert "search" not in found.results.model and found.results.warnings == []


def test_it_goes_on_where_it_stopped_and_begins_anew_with_other_settings(run, tmp_path):
    out = tmp_path / "longer"
    place = out / "translations" / "test"
    evaluate_run(run, ASKED, search=LONGER, out=out)
    pictures = contents(place)
    (place / "p01.png").unlink()
    kept = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    evaluate_run(run, ASKED, search=LONGER, out=out)
    assert contents(place) == pictures
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    evaluate_run(run, ASKED, search=("starts=16", "search_steps=0"), out=out)
    assert all(path.read_bytes() != content for path, content in pictures.items())


def test_compare_keeps_the_two_apart_and_times_each_ones_search(run, tmp_path):
    out = tmp_path / "longer"
    evaluate_run(run, ASKED, search=(*LONGER, "saturating=true"), out=out)
    assert model_scored(out).search == {"starts": 16, "search_steps": 12, "saturating": True}
    assert model_scored(run).search == {}
    found = compare([run, out], Plan(draws=200))
    own, other = found.models
    assert (own.name, own.search) == ("own", "")
    assert other.search == "saturating=true, starts=16, search_steps=12"
    assert other.recipe == "contextual" and other.hash == own.hash
    page = write_comparison(tmp_path / "comparison", found).read_text()
    assert page.count("searched with saturating=true, starts=16, search_steps=12") == 1


def test_pictures_of_its_tables_lie_beside_its_scores(run, tmp_path):
    out = tmp_path / "longer"
    asked = Request(["l1"], draws=100, tables=("sift",))
    (section,) = evaluate_run(run, asked, search=LONGER, out=out).results.sections
    assert section.pictures
    assert all((out / file).exists() and not (run / file).exists() for file in section.pictures)


def test_choosing_a_search_on_the_test_split_is_said(run, tmp_path):
    how = {"search": LONGER, "out": tmp_path / "longer"}
    assert evaluate_run(run, ASKED, **how, split="val").results.warnings == []
    (warning,) = evaluate_run(run, ASKED, **how).results.warnings
    assert "1 other search of this run (1 times; checkpoint newest)" in warning
    (warning,) = evaluate_run(run, ASKED).results.warnings
    assert "checkpoint newest with starts=16, search_steps=12)" in warning


def test_robustness_measures_it_in_a_folder_of_its_own(run, data, tmp_path):
    out = tmp_path / "longer"
    own = robustness(run, OWN)
    before = contents(run)
    found = robustness(run, OWN, search=LONGER, out=out)
    assert found.model["search"] == {"starts": 16, "search_steps": 12}
    scores = evaluate_run(run, ASKED, search=LONGER, out=tmp_path / "evaluated")
    value = scores.results.score("l1").value
    assert found.sets[0].score("l1").value == pytest.approx(value)
    assert own.sets[0].score("l1").value != pytest.approx(value)
    assert "(searched with starts=16, search_steps=12)" in (out / "robustness.html").read_text()
    changed = {path.name for path, content in contents(run).items() if before.get(path) != content}
    assert changed == {"evaluations.jsonl"}  # by evaluate
    again = robustness(run, OWN, search=("starts=16", "search_steps=0"), out=out)
    assert again.sets[0].score("l1").value != found.sets[0].score("l1").value


def test_the_same_checks_as_in_translate(run, data, tmp_path):
    quick = make_run(tmp_path / "quick", data)
    out = tmp_path / "out"
    for overrides, kind, said in (
        (("start=3",), UnknownName, "No setting of the search named 'start'. Did you mean 'starts"),
        (("width=3",), UnknownName, "No setting of the search named 'width'"),
        (("starts=0",), BadOption, "Setting starts must be a whole number"),
        (("starts",), BadOption, "'starts' has no '='; write --se"),
    ):
        for call, asked in ((evaluate_run, ASKED), (robustness, OWN)):
            with pytest.raises(kind, match=said):
                call(run, asked, search=overrides, out=out)
    with pytest.raises(UserError, match="A pix2pix model answers at once: --set is of a search"):
        evaluate_run(quick, ASKED, search=("starts=3",), out=out)
    with pytest.raises(UserError, match="A pix2pix model answers at once: --search is of a"):
        robustness(quick, OWN, search=("starts=3",), out=out)
    assert not out.exists()


def test_the_commands(run, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["evaluate", str(run), "--metric", "l1", "--set", "starts=16", "--device", "cpu"]
    assert answer(words) == 2
    assert "say where they go with --out FOLDER" in capsys.readouterr().err
    assert answer([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "searched with starts=16" in said and f"Wrote {out}/report.html" in said
    both = [str(run), str(out)]
    assert answer(["compare", *both, "--out", str(tmp_path / "c"), "--no-cost"]) == 0
    assert "out: searched with starts=16" in capsys.readouterr().out
    few = ["--filters", "none", "--damage", "none", "--metric", "l1", "--device", "cpu"]
    words = ["robustness", str(run), *few, "--search", "starts=16"]
    assert answer(words) == 2
    assert "--out FOLDER" in capsys.readouterr().err
    assert answer([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"Wrote {out}/robustness.html" in said and "(searched with starts=16)" in said
    assert answer(["evaluate", *both, "--set", "starts=16"]) == 2
    assert "are for runs, not for two folders" in capsys.readouterr().err
