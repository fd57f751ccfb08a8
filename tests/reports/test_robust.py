"""The page of robustness: what it says, in words and curves, from its file alone."""

import re

import cv2
import numpy as np
import pytest

from portrayal.core.images import encode_png
from portrayal.reports.results import Score
from portrayal.reports.robust import Robustness, SetScores, Worst, headline
from portrayal.reports.robust_page import curves, line, page, table


def score(metric, value, answer="translation", half=0.01, **more):
    better = "higher" if metric == "ssim" else "lower"
    known = {"low": value - half, "high": value + half, "n": 10, "better": better}
    return Score(metric=metric, answer=answer, value=value, **known, **more)


def test_set(name, ours, theirs, kind="folder", **more):
    scores = [
        score("l1", ours),
        score("l1", theirs, "input"),
        score("l1", ours - theirs, "difference"),
    ]
    return SetScores(name=name, kind=kind, n=10, scores=scores, **more)


test_set.__test__ = False


def found(*sets):
    return Robustness(split="test", ranked_by="l1", metrics=["l1"], sets=list(sets))


@pytest.fixture
def trial():
    return found(
        test_set("own", 0.10, 0.30, "own"),
        test_set("whitebox", 0.30, 0.10, drops=[score("l1", 0.2, "difference")]),
        test_set("<b>", 0.20, 0.205),
        *(
            test_set(f"noise {s:g}", 0.1 + s / 4, 0.3 + s, "damage", group="noise", strength=s)
            for s in (0.5, 1.0)
        ),
    )


def test_the_headline_counts_wins_with_intervals_apart_and_names_losses(trial):
    assert headline(trial) == (
        "l1: better than the input itself on 3 of 5 sets with intervals apart; "
        "worse on 1: whitebox."
    )


def test_the_headline_without_truths_says_so():
    alone = SetScores(name="a", kind="folder", n=3, paired=False, scores=[score("l1", 0.1)])
    assert headline(found(alone)).startswith("No set has truths")


def test_a_row_says_drop_and_verdict(trial):
    row = line(trial.sets[1], "l1", 2)
    assert row.texts == {
        "translation": "0.30 [0.29, 0.31]",
        "input": "0.10 [0.09, 0.11]",
        "drop": "+0.20 [+0.19, +0.21]",
    }
    assert (row.judgement, row.tone) == ("worse", "bad")
    assert line(trial.sets[2], "l1", 2).judgement == "not told apart"  # -0.005 [-0.015, 0.005]


def test_tables_hold_damage_at_its_strongest_only(trial):
    names = [row.name for _, rows in table(trial, "l1").lines for row in rows]
    assert names == ["own", "whitebox", "<b>", "noise 1"]
    assert next(heading for heading, _ in table(trial, "l1").lines) == "In distribution"


def test_a_table_speaks_of_its_metric_alone(trial):
    more = trial.sets[0].model_copy(update={"scores": [*trial.sets[0].scores, score("ssim", 0.5)]})
    both = found(more, *trial.sets[1:])
    assert [t.arrow for t in (table(both, "l1"), table(both, "ssim"))] == ["↓", "↑"]
    ((_, (row,)),) = table(both, "ssim").lines
    assert row.texts["translation"].startswith("0.50") and row.texts["input"] == ""


def test_curves_of_signed_scores_keep_their_place():
    sets = [
        test_set("own", -0.2, 0.1, "own"),
        test_set("noise 1", 0.3, 0.1, "damage", group="noise", strength=1.0),
    ]
    (chart,) = curves(found(*sets), "l1")
    assert [float(text.replace("−", "-")) < 0 for _, text in chart.y_ticks].count(True) >= 1
    assert all(0 <= top <= 100 for top, _ in chart.y_ticks)


def test_curves_start_at_the_undamaged_pictures_and_show_intervals(trial):
    (chart,) = curves(trial, "l1")
    assert chart.title == "noise" and chart.x_label == "strength"
    ours, theirs = chart.lines
    assert [point[1:] for point in ours.points] == [(0.0, 0.1), (0.5, 0.225), (1.0, 0.35)]
    assert [point[1:] for point in theirs.points] == [(0.0, 0.3), (0.5, 0.8), (1.0, 1.3)]
    assert ours.raw.count("M") == 2  # the two bounds
    lowest = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", ours.raw + theirs.raw)]
    assert all(0 <= y <= 300 for y in lowest)


def test_the_page_is_one_file_that_asks_nobody_and_escapes_names(trial, tmp_path):
    strip = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 24, 3), np.uint8), (200, 64))
    (tmp_path / "robustness").mkdir()
    (tmp_path / "robustness" / "a.png").write_bytes(encode_png(strip))
    worst = [
        Worst(name="a", file="robustness/a.png", value=0.3),
        Worst(name="gone", file="robustness/b.png", value=0.2),
    ]
    sets = [*trial.sets, test_set("shown", 0.2, 0.1, worst=worst)]
    text = page(tmp_path, found(*sets))
    assert "&lt;b&gt;" in text and "<b>" not in re.findall(r'<th scope="row">(.*?)<br>', text)
    assert text.count("data:image/") == 1 and "gone: not found" in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert text == page(tmp_path, found(*sets))


def test_the_page_of_an_empty_trial_still_opens(tmp_path):
    alone = SetScores(name="a", kind="folder", n=3, paired=False, scores=[score("l1", 0.1)])
    assert "No set has truths" in page(tmp_path, found(alone))
