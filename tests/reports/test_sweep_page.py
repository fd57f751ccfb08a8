from pathlib import Path

import pytest

from portrayal.reports.results import Score
from portrayal.reports.sweep_page import page
from portrayal.reports.sweep_plots import parallel, places, scatter, trade_off
from portrayal.reports.sweep_scores import columns, leading, series_of, spread_digits
from portrayal.reports.sweeping import Point, Sweep, Trial, Validation, Variable


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


def score(metric, value, question="content", better="higher", half=1.0, answer="translation"):
    return Score(
        metric=metric, answer=answer, question=question, value=value, n=9, better=better,
        low=value - half, high=value + half, title=metric.upper(),
    )  # fmt: skip


def scored(values):
    """A sweep whose trials have a `same` and a `far` of these values, by weight."""
    trials = [
        Trial(
            name=f"weight={weight}",
            values={"weight": weight},
            state="finished",
            best=Point(value=same, step=3),
            last=Point(value=same, step=3),
            scores={"same": score("same", same), "far": score("far_net", far, "domain", "lower")},
        )
        for weight, (same, far) in values.items()
    ]
    return Sweep(
        recipe="cyclegan", preset="base", fixed=[], metric="same", better="higher",
        scores=["same", "far"], varied=[Variable(name="weight", values=list(values))],
        count=len(trials), trials=trials,
    )  # fmt: skip


def test_one_score_against_another_has_a_named_dot_and_two_intervals_per_trial():
    made = scored({"0": (10.0, 20.0), "5": (12.0, 20.0), "10": (14.0, 24.0)})
    plot = trade_off(made, *series_of(made))
    assert [dot.label for dot in plot.dots] == ["weight=10", "weight=5", "weight=0"]
    assert [dot.best for dot in plot.dots] == [True, False, False]
    last, middle, first = plot.dots  # 9 to 15 upwards, 19 to 25 along
    assert first.left == middle.left < last.left
    assert last.top < middle.top < first.top
    assert plot.bars.count("M") == 6
    assert (plot.y_title, plot.title) == ("SAME to the input ↑", "FAR_NET ↓")
    html = page(made, Path("sweeps"))
    assert html.count('class="plot points"') == 3
    assert "14.0 [13.0, 15.0] n = 9" in html


def test_the_score_that_orders_the_trials_leads_wherever_it_stands():
    made = scored({"0": (10.0, 20.0), "5": (12.0, 20.0)})
    assert leading(made, series_of(made)).title == "SAME to the input ↑"
    other = made.model_copy(update={"metric": "far"})
    assert leading(other, series_of(other)).title == "FAR_NET ↓"
    assert leading(sweep(), series_of(sweep())).title == "ssim"
    assert leading(sweep(), []) is None


def test_digits_tell_scores_apart_between_two_and_six():
    spans = ([], [0.3], [10, 90], [0.2, 0.25], [0, 1e-9])
    assert [spread_digits(values) for values in spans] == [4, 4, 2, 4, 6]


def test_a_score_that_no_trial_has_yet_leaves_the_others():
    made = scored({"0": (10.0, 20.0)})
    bare = [t.model_copy(update={"scores": {"far": t.scores["far"]}}) for t in made.trials]
    made = made.model_copy(update={"trials": bare})
    assert [column.text(bare[0])[:1] for column in columns(made)] == ["–", "2"]
    assert [series.title for series in series_of(made)] == ["FAR_NET ↓"]
    assert leading(made, series_of(made)).title == "FAR_NET ↓"
    assert "FAR_NET" in page(made, Path("sweeps"))


def test_a_plain_name_means_fidelity_before_content_and_finds_the_network_of_sets():
    scores = [
        score("ssim", 0.1),
        score("ssim", 0.2, "fidelity"),
        score("ssim", 0.3, "fidelity", answer="input"),
        score("kid_net", 4.0, "domain"),
        score("one_nn_fake_net", 5.0, "domain"),
        score("one_nn_net", 6.0, "domain"),
    ]
    known = Validation(step=1, model="", data="", features="net", scores=scores)
    assert known.score("ssim").value == 0.2
    assert (known.score("kid").value, known.score("one_nn").value) == (4, 6)
    assert known.score("l1") is None
    standard = known.model_copy(
        update={"features": "inception", "scores": [score("kid", 1.0, "domain")]}
    )
    assert standard.score("kid").value == 1


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
