import numpy as np
import pytest
from scored import make_scored, score

from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.evaluation.comparison.compare import Plan, compare
from portrayal.evaluation.comparison.differences import enough
from portrayal.evaluation.comparison.shared import unique_names
from portrayal.metrics.statistics import holm, permutation_test

RNG = np.random.default_rng(0)
BASE = RNG.random(30)
QUICK = Plan(draws=2000)


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def three(tmp_path):
    """a is better than b on every picture, c is a with a little noise."""
    noise = RNG.normal(0, 0.01, 30)
    columns = {"a": BASE + 0.2, "b": BASE, "c": BASE + 0.2 + noise - noise.mean()}
    return [
        make_scored(tmp_path / name, {"ssim": list(values), "l1": list(1 - values)})
        for name, values in columns.items()
    ]


def test_what_differs_on_every_picture_holds_and_what_is_noise_does_not(three):
    comparison = compare(three, QUICK)
    assert comparison.tests == 6  # three pairs, two metrics
    for row in comparison.rows:
        holds = {(d.first, d.second): d.holds for d in row.differences}
        assert holds == {("a", "b"): True, ("a", "c"): False, ("b", "c"): True}
        assert row.letters["b"] == "b"
        assert row.letters["a"] == row.letters["c"] == "a"


def test_p_values_are_those_of_the_permutation_test_and_corrected_over_all_of_them(three):
    comparison = compare(three, QUICK)
    tests = [d for row in comparison.rows for d in row.differences]
    assert [d.corrected for d in tests] == pytest.approx(holm([d.p for d in tests]))
    first = comparison.rows[0].differences[0]
    assert first.p == permutation_test(BASE + 0.2, BASE, draws=2000)
    assert first.value == pytest.approx(0.2)
    assert first.n == 30


def test_the_order_of_runs_changes_no_p_value(three):
    one, other = compare(three, QUICK), compare(three[::-1], QUICK)
    by_pair = [
        {
            (r.metric, frozenset((d.first, d.second))): d.corrected
            for r in c.rows
            for d in r.differences
        }
        for c in (one, other)
    ]
    assert by_pair[0] == by_pair[1]


def test_enough_flips_are_drawn_for_many_tests_to_pass():
    assert enough(10_000, 3) == 10_000
    assert enough(10_000, 5_000) / 5_000 >= 2 / 0.05  # the smallest p times the tests is below .05


def test_too_few_pictures_are_said_to_show_nothing(tmp_path):
    runs = [make_scored(tmp_path / n, {"ssim": [v, v, v]}) for n, v in (("a", 0.9), ("b", 0.1))]
    comparison = compare(runs, QUICK)
    assert "3 pictures are too few" in comparison.warnings[0]
    assert not comparison.rows[0].differences[0].holds


def test_pictures_of_one_person_are_one_draw(tmp_path):
    """Eight pictures of two people cannot prove what eight people could."""
    alone, shared = (
        [
            make_scored(tmp_path / f"{kind}{n}", {"ssim": list(BASE[:8] + v)}, subject=subject)
            for n, v in (("a", 0.5), ("b", 0))
        ]
        for kind, subject in (("x", lambda i: f"s{i}"), ("y", lambda i: f"s{i // 4}"))
    )
    assert compare(alone, QUICK).rows[0].differences[0].holds
    assert compare(shared, QUICK).rows[0].differences[0].p > 0.4


def test_a_picture_without_a_value_is_left_out_of_its_pair_alone(tmp_path):
    values = list(BASE)
    one = make_scored(tmp_path / "a", {"ssim": [None, *values[1:]]})
    other = make_scored(tmp_path / "b", {"ssim": [*values[:-1], None]})
    difference = compare([one, other], QUICK).rows[0].differences[0]
    assert difference.n == 28
    assert difference.value == 0


def test_missing_scores_are_missing_cells_and_scores_of_sets_are_not_tested(tmp_path):
    fid = score("fid", [40.0], question="domain")
    one = make_scored(tmp_path / "a", {"ssim": list(BASE), "l1": list(BASE)}, more=[fid])
    other = make_scored(tmp_path / "b", {"ssim": list(BASE)}, more=[fid])
    rows = {row.metric: row for row in compare([one, other], QUICK).rows}
    assert list(rows["l1"].cells) == ["a"]
    assert rows["l1"].untested == "scored for one model only"
    assert list(rows["fid"].cells) == ["a", "b"]
    assert "whole set" in rows["fid"].untested
    assert rows["fid"].question == "domain"


def test_content_is_tested_on_its_own_scores(tmp_path):
    more = [score("ssim", list(BASE), question="content")]
    runs = [
        make_scored(tmp_path / name, {"ssim": list(BASE)}, more=more, content=kept)
        for name, kept in (
            ("a", lambda i: {"ssim": float(BASE[i]) + 1}),
            ("b", lambda i: {"ssim": float(BASE[i])}),
        )
    ]
    rows = {row.question: row for row in compare(runs, QUICK).rows}
    assert rows["content"].differences[0].value == pytest.approx(1)
    assert rows["fidelity"].differences[0].value == 0


def test_one_metric_by_two_protocols_is_two_rows_and_a_warning(tmp_path):
    one = make_scored(tmp_path / "a", {"ssim": list(BASE)}, protocol="11 x 11")
    other = make_scored(tmp_path / "b", {"ssim": list(BASE)}, protocol="7 x 7")
    comparison = compare([one, other], QUICK)
    assert [list(row.cells) for row in comparison.rows] == [["a"], ["b"]]
    assert "ssim was computed in 2 ways" in comparison.warnings[0]


def test_other_pictures_are_refused_and_the_shared_ones_compared_if_asked(tmp_path):
    names = [f"p{index}" for index in range(12)]
    one = make_scored(tmp_path / "a", {"ssim": list(BASE[:10])}, names=names[:10], sha="11")
    other = make_scored(tmp_path / "b", {"ssim": list(BASE[2:12])}, names=names[2:], sha="22")
    with pytest.raises(BadData) as error:
        compare([one, other])
    assert "8 are in all of them, of 10, 10" in one_line(error)
    assert "--shared-only" in str(error.value)
    comparison = compare([one, other], Plan(shared_only=True, draws=500))
    assert comparison.names == names[2:10]
    assert comparison.data == ""
    row = comparison.rows[0]
    assert row.cells["a"].value == pytest.approx(BASE[2:10].mean())
    assert row.cells["a"].n == 8
    assert row.cells["a"].low < row.cells["a"].value < row.cells["a"].high


def test_scores_of_sets_fall_away_when_only_shared_pictures_count(tmp_path):
    fid = score("fid", [40.0], question="domain")
    names = [f"p{index}" for index in range(12)]
    one = make_scored(tmp_path / "a", {"ssim": list(BASE[:10])}, names=names[:10], more=[fid])
    other = make_scored(tmp_path / "b", {"ssim": list(BASE[:12])}, names=names, more=[fid])
    comparison = compare([one, other], Plan(shared_only=True, draws=500))
    assert [row.metric for row in comparison.rows] == ["ssim"]
    assert "scores of whole sets are left out" in " ".join(comparison.warnings)


def test_the_same_name_over_other_files_is_no_shared_picture(tmp_path):
    one = make_scored(tmp_path / "a", {"ssim": list(BASE)}, sha256=lambda i: f"{i}")
    other = make_scored(
        tmp_path / "b", {"ssim": list(BASE)}, sha256=lambda i: f"{i if i < 25 else -1}"
    )
    with pytest.raises(BadData, match="25 are in all of them"):
        compare([one, other])


def test_what_cannot_be_compared_is_one_line(tmp_path, three):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "config.json").write_text("{}")
    far = make_scored(tmp_path / "far", {"ssim": [1.0, 2.0]}, names=["x", "y"])
    val = make_scored(tmp_path / "val", {"ssim": list(BASE)}, split="val")
    cases = [
        ([three[0], tmp_path / "raw"], BadData, "1 of 2 runs have no readable scores yet"),
        ([three[0]], BadOption, "Only 1 run"),
        ([three[0], three[0]], BadOption, "named twice"),
        ([three[0], far], BadData, "share no test picture"),
        ([three[0], val], BadData, "splits test, val"),
        ([three[0], tmp_path / "gone"], BadData, "No such folder"),
    ]
    for runs, kind, words in cases:
        with pytest.raises(kind) as error:
            compare(runs)
        assert words in one_line(error)
    with pytest.raises(UnknownName, match="ssim"):
        compare(three, Plan(metrics=["sim"]))


def test_only_the_metrics_asked_for_are_shown_and_corrected_for(three):
    comparison = compare(three, Plan(metrics=["l1"], draws=500))
    assert [row.metric for row in comparison.rows] == ["l1"]
    assert comparison.tests == 3


def test_names_are_as_short_as_they_can_be(tmp_path):
    folders = [tmp_path / "x" / "run", tmp_path / "y" / "run", tmp_path / "y" / "other"]
    assert unique_names(folders) == ["x/run", "y/run", "other"]
