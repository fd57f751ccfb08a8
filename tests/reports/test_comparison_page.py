import re
from dataclasses import replace

import pytest
from runs import make_dataset, make_run

from portrayal.core.runs import read_json
from portrayal.reports.collect import collect
from portrayal.reports.comparison import Comparison, Cost, Difference, Model, Row
from portrayal.reports.comparison_page import cost_texts, page, unfound, write_comparison
from portrayal.reports.overlay import overlay, training_overlays, validation_overlays, x_axis
from portrayal.reports.votes import VoteResults

NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    data = make_dataset(folder / "discs", {"train": 20, "val": 4, "test": 9})
    return [make_run(folder / name, data) for name in ("one", NASTY.replace("/", "_"))]


@pytest.fixture(scope="module")
def comparison(runs):
    found = [collect(run) for run in runs]
    rows = []
    for metric in found[0].results.metrics():
        first = found[0].results.score(metric)
        cells = {run.name: run.results.score(metric) for run in found}
        if metric == "psnr":
            cells.pop("one")
        difference = Difference(
            first=found[0].name, second=found[1].name, value=0.1, low=0.0, high=0.2, n=9,
            p=0.00001, corrected=0.0004,
        )  # fmt: skip
        rows.append(
            Row(metric=metric, question="fidelity", better=first.better, title=first.title,
                cells=cells, input=found[0].results.score(metric, "input"),
                differences=[difference] if len(cells) > 1 else [])
        )  # fmt: skip
    models = [Model(name=run.name, folder=str(run.folder), recipe="pix2pix") for run in found]
    names = [row["name"] for row in found[0].pictures]
    return Comparison(models=models, rows=rows, split="test", data="ab", names=names)


def test_the_page_shows_every_model_score_and_picture_and_asks_nobody(comparison, tmp_path):
    html = write_comparison(tmp_path, comparison).read_text()
    assert len(re.findall("<img", html)) == 8 * 4  # input, truth and two models
    assert "not found" not in html
    assert "better" in html and "0.0004" in html
    assert NASTY.replace("/", "_") not in html, "names of folders come from strangers"
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
    assert read_json(tmp_path / "comparison.json")["models"][0]["name"] == "one"
    assert (tmp_path / "comparison.csv").read_text().count("\n") == 1 + 3 * 3


def test_votes_of_people_stand_beside_the_scores(comparison, tmp_path):
    assert "Votes of people" not in page(comparison)
    interval = {"value": 0.25, "low": 0.1, "high": 0.4}
    judged = [
        {"name": name, "votes": 5, "shown": 10, "value": 0.5, "same": interval, "other": interval,
         "chance": 0.5, "p_chance": 1.0}
        for name in ("one", "other")
    ]  # fmt: skip
    voted = VoteResults.model_validate(
        {"kind": "choice", "question": "Which?", "voters": 4, "votes": 10, "models": judged,
         "pairs": [], "agreement": interval, "smallest_p": 0.1}
    )  # fmt: skip
    place = write_comparison(tmp_path, comparison.model_copy(update={"votes": voted}))
    html = place.read_text()
    assert '<a href="#votes">' in html and "<b>one</b>" in html and "<b>other</b>" not in html
    assert read_json(tmp_path / "comparison.json")["votes"]["voters"] == 4


def test_equal_files_give_equal_bytes(comparison):
    assert page(comparison) == page(comparison)


def test_a_missing_cell_is_said_to_be_missing(comparison):
    html = page(comparison)
    assert "one has no score in PSNR" in html
    assert "not scored" in html


def test_a_run_whose_pictures_are_gone_still_has_a_page(comparison, tmp_path):
    models = [m.model_copy(update={"folder": m.folder}) for m in comparison.models]
    gone = comparison.model_copy(update={"models": models, "names": ["nobody"]})
    assert "not found" in page(gone)


def test_curves_keep_their_own_steps_and_colours():
    chart = overlay("l1", {"a": ([0, 10], [1, 0]), "b": ([], []), "c": ([5, 20], [0, 1])})
    assert [line.name for line in chart.lines] == ["a", "b", "c"]
    assert chart.lines[1].path == ""
    assert chart.lines[0].points[-1][0] == 50  # step 10 of 20
    assert chart.lines[2].points[0][0] == 25


def test_every_validation_metric_and_log_key_has_a_plot_over_epochs(runs):
    found = {run.name: collect(run) for run in runs}
    assert x_axis(found)[0] == "epoch"
    assert [chart.title for chart in validation_overlays(found, {})] == ["l1", "psnr", "ssim"]
    titles = [chart.title for chart in training_overlays(found)]
    assert titles == [
        "rate", "loss_D_real", "loss_D_fake", "p_real", "p_fake", "adversarial", "l1",
    ]  # fmt: skip
    found["one"].log.clear()
    assert x_axis(found)[0] == "step", "scores without a log know no epochs"


def test_costs_are_told_with_units():
    cost = Cost(
        parameters={"generator": 13_600_000, "discriminator": 400_000}, size=[128, 256],
        flops=772_000_000, seconds=0.0638, step_flops=10**9, training_seconds=75,
        training_steps=9000,
    )  # fmt: skip
    assert cost_texts(cost) == {
        "Generator": "13.6 M",
        "All networks": "14.0 M",
        "One translation": "772 MFLOP, 256 × 128",
        "Time per picture": "63.8 ms",
        "Steps": "9,000",
        "Training": "1 min 15 s",
        "Training, computed": "9.00 TFLOP",
    }
    assert set(cost_texts(Cost()).values()) == {"–"}


def test_pictures_that_cannot_be_shown_are_a_gap_that_says_where_it_looked(
    comparison, runs, tmp_path
):
    found = {run.name: run for run in map(collect, runs)}
    elsewhere = {name: replace(run, moved=tmp_path) for name, run in found.items()}
    gone = {
        name: replace(run, config={}, results=run.results.model_copy(update={"data": {}}))
        for name, run in found.items()
    }
    unscored = {name: replace(run, results=None) for name, run in elsewhere.items()}
    assert unfound(comparison, found) == unfound(comparison, unscored) == []
    (gap,) = unfound(comparison, elsewhere)
    assert f"{tmp_path} does not hold them" in gap and "--data FOLDER" in gap
    (gap,) = unfound(comparison, gone)
    assert "their dataset is not where it was" in gap
