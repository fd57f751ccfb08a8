import pytest
from runs import results_of

from portrayal.reports.results import (
    Results,
    Score,
    comparison,
    decimals,
    number,
    standing,
    verdict,
    with_interval,
)
from portrayal.reports.score_tables import whiskers


def score(value, low, high, answer="translation", better="higher", metric="ssim"):
    return Score(metric=metric, answer=answer, value=value, low=low, high=high, n=9, better=better)


def results(*scores, split="test"):
    return Results(kind="run", split=split, n=9, scores=list(scores))


def compared(ours, theirs, gap, better="higher"):
    return comparison(
        results(
            score(*ours, better=better),
            score(*theirs, answer="input", better=better),
            score(*gap, answer="difference", better=better),
        ),
        "ssim",
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "gap", "higher", "lower"),
    [
        ((7, 6, 8), (3, 2, 4), (4, 3, 5), "better, intervals apart", "worse, intervals apart"),
        ((3, 2, 4), (7, 6, 8), (-4, -5, -3), "worse, intervals apart", "better, intervals apart"),
        (
            (5, 3, 7),
            (4, 2, 6),
            (1, 0.5, 1.5),
            "better in pairs, intervals overlap",
            "worse in pairs, intervals overlap",
        ),
        (
            (4, 2, 6),
            (5, 3, 7),
            (-1, -1.5, -0.5),
            "worse in pairs, intervals overlap",
            "better in pairs, intervals overlap",
        ),
        ((5, 4, 6), (3, 2, 4), (2, 1, 3), "better in pairs, intervals overlap", None),  # they touch
        ((5, 3, 7), (5, 3, 7), (0, -1, 1), *["not told apart, difference may be 0"] * 2),
        ((5, None, None), (1, 0, 2), (4, None, None), *["not told apart, intervals overlap"] * 2),
    ],
)
def test_better_worse_or_not_told_apart(ours, theirs, gap, higher, lower):
    assert compared(ours, theirs, gap) == higher
    if lower:
        assert compared(ours, theirs, gap, better="lower") == lower


def test_digits_show_two_figures_of_the_interval():
    assert decimals([score(0.7, 0.68, 0.72)]) == 3
    assert decimals([score(19, 18, 20)]) == 1
    assert decimals([score(19, 18, 20), score(0.7, 0.68, 0.72)]) == 3
    assert decimals([score(1, 1, 1)]) == 3
    assert with_interval(score(0.7, 0.68, 0.72), 2) == "0.70 [0.68, 0.72]"
    assert with_interval(score(-1.5, -2, 0, answer="difference"), 1) == "−1.5 [−2.0, +0.0]"
    assert number(None, 3) == "?"


def test_the_verdict_leads_with_ssim_and_names_the_split():
    whole = Results.model_validate(results_of(65))
    assert verdict(whole).startswith("On 65 held-out pictures, SSIM 0.713 [0.694, 0.733] against")
    assert "On 9 val pictures" in verdict(results(score(0.7, 0.6, 0.8), split="val"))
    assert (
        verdict(results(score(0.7, 0.6, 0.8), split="")) == "On 9 pictures, ssim 0.70 [0.60, 0.80]."
    )
    assert verdict(results()) == "No scores were computed."
    assert standing(results(score(0.7, 0.6, 0.8))) == ""


def test_the_second_sentence_lists_titles_by_their_standing():
    def pair(metric, title, ours, theirs):
        both = score(*ours, metric=metric), score(*theirs, metric=metric, answer="input")
        return [each.model_copy(update={"title": title}) for each in both]

    better, level = ((7, 6, 8), (3, 2, 4)), ((7, 5, 9), (6, 4, 8))
    found = results(
        *pair("ssim", "SSIM", *better),
        *pair("psnr", "", *better),
        *pair("kid", "KID", *level),
    )
    assert standing(found) == (
        "Compared with returning the input unchanged: better on SSIM and psnr (intervals apart); "
        "not told apart on KID (intervals overlap)."
    )


def test_a_class_score_leads_if_there_is_one():
    both = results(score(0.7, 0.6, 0.8), score(0.9, 0.8, 1, metric="class_colour"))
    assert "class_colour 0.90" in verdict(both)


def test_results_survive_json():
    whole = Results.model_validate(results_of(65))
    assert Results.model_validate_json(whole.model_dump_json()) == whole


def test_whiskers_share_one_axis():
    drawn = whiskers([score(7, 6, 8), score(3, 0, 4, answer="input")])
    assert drawn["input"].low == 6 and drawn["translation"].high == 94
    assert drawn["input"].value < drawn["translation"].low
    assert whiskers([score(7, None, None)]) == {}
