from pathlib import Path

import pytest

from portrayal.reports.sweep_page import page
from portrayal.reports.sweep_plots import parallel, places, scatter
from portrayal.reports.sweep_scores import series_of
from portrayal.reports.sweeping import Point, Sweep, Trial, Variable


def trial(width, rate, score):
    point = Point(value=score, step=3) if score is not None else None
    return Trial(
        name=f"learning_rate={rate},width={width}",
        values={"width": width, "learning_rate": rate},
        state="finished" if point else "failed",
        best=point,
        last=point,
    )


def sweep(better="higher"):
    variables = [
        Variable(name="learning_rate", values=["1e-4", "1e-2"]),
        Variable(name="width", values=["4", "8"]),
    ]
    trials = [
        trial("4", "1e-4", 0.2),
        trial("8", "1e-4", 0.4),
        trial("4", "1e-2", 0.6),
        trial("8", "1e-2", None),
    ]
    return Sweep(
        recipe="pix2pix", preset="quick_64", fixed=[], varied=variables, metric="ssim",
        better=better, count=4, trials=trials,
    )  # fmt: skip


def test_scores_lie_higher_in_the_plot_and_means_join_listed_values():
    made = sweep()
    plot = scatter(made, *series_of(made), "learning_rate")
    tops = {dot.text.split(":")[0]: dot.top for dot in plot.dots}
    assert tops["learning_rate=1e-2,width=4"] < tops["learning_rate=1e-4,width=8"]
    assert [dot.best for dot in plot.dots] == [True, False, False]
    assert plot.mean == "M60.0 216.0L940.0 18.0"  # (.2 + .4) / 2 is a quarter up; .6 is the top


def test_the_direction_of_the_metric_decides_who_is_best():
    assert sweep().best.name == "learning_rate=1e-2,width=4"
    assert sweep("lower").best.name == "learning_rate=1e-4,width=4"
    assert sweep().ranked()[-1].state == "failed"


@pytest.mark.parametrize(
    ("texts", "shares"),
    [
        (["1", "2", "3"], [6, 50, 94]),
        (["1", "10", "100"], [6, 50, 94]),  # by factors
        (["0", "50", "100"], [6, 50, 94]),
        (["batch", "none"], [6, 94]),
        (["100", "100,1"], [6, 94]),  # a pair is no number
        (["5"], [50]),
    ],
)
def test_numbers_lie_where_they_belong_and_words_at_even_steps(texts, shares):
    assert list(places(texts)[0].values()) == shares


def test_every_scored_trial_is_a_line_and_the_best_is_drawn_last():
    made = sweep()
    lines = parallel(made, *series_of(made)).paths
    assert [best for _, _, _, best in lines] == [False, False, True]
    assert lines[-1][2] == 1


def test_a_page_of_nothing_yet_stands():
    made = sweep().model_copy(update={"trials": []})
    html = page(made, Path("sweeps"))
    assert "No trial is finished yet" in html
    assert "0 of 4 trials" in html
