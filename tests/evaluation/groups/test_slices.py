"""Slices by columns of any kind, and skin tone by group; rows made by hand, a face from skimage."""

import cv2
import numpy as np
import pytest
from skimage import data as photographs

from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.groups.columns import columns_of, grouped
from portrayal.evaluation.groups.skin import skin_section, skin_tones
from portrayal.evaluation.groups.slices import slices_sections


def rows_of(count, seed=0, **columns):
    """Rows of pictures.jsonl with an L1 and an SSIM; `columns` are functions of the index."""
    rng = np.random.default_rng(seed)
    return [
        {"name": f"p{i}", "scores": {"l1": float(rng.random()), "ssim": float(rng.random())}}
        | {key: value(i) for key, value in columns.items()}
        for i in range(count)
    ]


def test_numbers_are_cut_into_three_equal_parts():
    groups = grouped(rows_of(30, age=lambda i: i), "age")
    assert groups.order == ["up to 9.667", "9.667 to 19.33", "above 19.33"]
    assert [groups.of.count(name) for name in groups.order] == [10, 10, 10]
    assert groups.of[0] == "up to 9.667" and groups.of[29] == "above 19.33"


def test_given_edges_belong_to_the_group_below():
    groups = grouped(rows_of(5, share=lambda i: i / 10), "share:0.1,0.3")
    assert groups.of == ["up to 0.1", "up to 0.1", "0.1 to 0.3", "0.1 to 0.3", "above 0.3"]


def test_few_different_numbers_are_kinds_and_sorted_by_size():
    poses = (-45, 0, 10, 45)
    groups = grouped(rows_of(40, pose=lambda i: poses[i % 4]), "pose")
    assert groups.order == ["-45", "0", "10", "45"]
    assert grouped(rows_of(40, pose=lambda i: str(i)), "pose").order[0].startswith("up to")


def test_yes_and_no_are_no_numbers_and_unknown_comes_last_and_loses_nobody():
    values = [True, False, None, "", float("nan"), True]
    groups = grouped(rows_of(6, grey=lambda i: values[i]), "grey")
    assert groups.order == ["no", "yes", "unknown"]
    assert groups.of == ["yes", "no", "unknown", "unknown", "unknown", "yes"]
    rows = rows_of(3)
    rows[0]["grey"] = False
    assert grouped(rows, "grey").of == ["no", "unknown", "unknown"]


def test_skin_tones_go_from_light_to_dark():
    tones = ("dark", "tan", "very light", "unknown")
    assert grouped(rows_of(8, tone=lambda i: tones[i % 4]), "tone").order == [
        "very light",
        "tan",
        "dark",
        "unknown",
    ]


def test_crossed_columns_are_all_pairs_that_there_are():
    rows = rows_of(24, sex=lambda i: "mf"[i % 2], age=lambda i: i if i % 3 else None)
    groups = grouped(rows, "sex*age:10")
    assert groups.column == "sex x age"
    assert groups.order == [
        "f x up to 10",
        "f x above 10",
        "f x unknown",
        "m x up to 10",
        "m x above 10",
        "m x unknown",
    ]
    assert groups.unknown == {"f x unknown", "m x unknown"}
    assert groups.of[1] == "f x up to 10" and groups.of[0] == "m x unknown"


@pytest.mark.parametrize(
    ("column", "kind", "said"),
    [
        ("gendre", UnknownName, "No column named 'gendre'. Did you mean 'gender'? Known: age, gen"),
        ("scores", UnknownName, "No column named 'scores'"),
        ("gender*", UnknownName, "No column named ''"),
        ("gender:1,2", BadOption, "'gender' holds 'm', which edges cannot cut"),
        ("age:3,1", BadOption, "rising numbers"),
        ("age:x", BadOption, "rising numbers"),
        ("age:nan", BadOption, "rising numbers"),
        ("word", BadData, "'word' has 70 different values in 70 pictures"),
    ],
)
def test_a_column_that_groups_nothing_is_one_line(column, kind, said):
    rows = rows_of(70, gender=lambda i: "mf"[i % 2], age=lambda i: i, word=lambda i: f"w{i}")
    with pytest.raises(kind) as caught:
        grouped(rows, column)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_file_names_and_hashes_are_not_offered():
    row = {"name": "a", "scores": {}, "input": {}, "grey": True, "sha256": "0"}
    row |= {"source_file_name": "x", "source_sha256": "1"}
    assert columns_of([row]) == ["grey"]


def cells(section, **wanted):
    """Rows of a section as dictionaries, those that have the wanted cells."""
    rows = [dict(zip(section.head, row, strict=True)) for row in section.rows]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_a_planted_gap_is_found_named_and_survives_the_correction():
    rows = rows_of(120, group=lambda i: "abc"[i % 3], other=lambda i: i % 2 == 0)
    for row in rows:
        row["scores"]["l1"] += 0.5 * (row["group"] == "b")
    by_group, by_other, gaps = slices_sections(rows, ["l1", "ssim"], ["group", "other"], draws=499)
    assert [by_group.title, by_other.key] == ["By group", "slices_other"]
    assert [row["group"] for row in cells(by_group, metric="L1")] == ["a", "b", "c"]
    (worst,) = [row for row in cells(by_group, metric="L1") if row[""] == "worst"]
    b = [row["scores"]["l1"] for row in rows if row["group"] == "b"]
    assert (worst["group"], worst["n"], worst["mean"]) == ("b", 40, pytest.approx(np.mean(b)))
    assert worst["low"] < worst["mean"] < worst["high"]
    (found,) = cells(gaps, metric="L1", column="group")
    assert found["groups"].startswith("b behind ") and found[""] == "differ"
    assert found["p"] == pytest.approx(0.002) and found["p (Holm)"] == pytest.approx(0.008)
    assert found["low"] > 0.3
    for other in (*cells(gaps, metric="SSIM"), *cells(gaps, column="other")):
        assert other[""] == "may be chance" and other["p (Holm)"] >= other["p"]


def test_the_worst_group_is_the_lowest_where_higher_is_better():
    rows = rows_of(40, group=lambda i: "ab"[i % 2])
    for row in rows:
        row["scores"]["ssim"] = row["scores"]["l1"] = float(row["group"] == "a")
    _, gaps = slices_sections(rows, ["l1", "ssim"], ["group"], draws=99)
    assert [row["groups"] for row in cells(gaps)] == ["a behind b", "b behind a"]


def test_small_groups_are_named_but_not_judged():
    rows = rows_of(31, group=lambda i: "ab"[i % 2] if i < 22 else "c" if i < 30 else None)
    section, gaps = slices_sections(rows, ["l1"], ["group"], least=10, draws=99)
    found = {row["group"]: row for row in cells(section)}
    assert list(found) == ["a", "b", "c", "unknown"]
    assert (found["c"]["n"], found["c"]["mean"]) == (8, None)
    assert found["c"][""] == "too few to judge (under 10)"
    assert not {"c", "unknown"} & set(cells(gaps)[0]["groups"].split(" behind "))
    section, gaps = slices_sections(rows, ["l1"], ["group"], least=20, draws=99)
    assert all(row["mean"] is None for row in cells(section))
    assert cells(gaps)[0][""] == "not compared"


def test_the_unknown_are_shown_with_their_score_but_no_gap_is_named_after_them():
    rows = rows_of(60, group=lambda i: ("a", "b", None)[i % 3])
    for row in rows:
        row["scores"]["l1"] += row["group"] is None
    section, gaps = slices_sections(rows, ["l1"], ["group"], draws=99)
    assert cells(section, group="unknown")[0]["mean"] > 1
    assert "unknown" not in cells(gaps)[0]["groups"]
    crossed = [row | {"half": i < 30} for i, row in enumerate(rows)]
    section, gaps = slices_sections(crossed, ["l1"], ["group*half"], least=5, draws=99)
    assert "unknown" not in cells(gaps)[0]["groups"]


def test_pictures_without_a_value_are_counted_beside_n():
    rows = rows_of(40, group=lambda i: "ab"[i % 2])
    for row in rows[:6]:
        row["scores"]["l1"] = None
    section, _ = slices_sections(rows, ["l1"], ["group"], draws=99)
    assert [(row["n"], row[""].split(",")[0]) for row in cells(section)] == [
        (17, "3 without a value"),
        (17, "3 without a value"),
    ]


def test_pictures_of_one_subject_are_resampled_together():
    rows = rows_of(80, group=lambda i: "ab"[i // 40], subject=lambda i: i // 10)
    for row in rows:
        row["scores"]["l1"] = float(row["subject"])
    alone = [row | {"subject": None} for row in rows]
    widths = []
    for pictures in (rows, alone):
        section, gaps = slices_sections(pictures, ["l1"], ["group"], draws=499)
        row = cells(section, group="a")[0]
        widths.append((row["high"] - row["low"], cells(gaps)[0]["p"]))
    assert widths[0][0] > 2 * widths[1][0]
    assert widths[0][1] > 0.02 > widths[1][1]  # 4 against 4 people: at best 2 of 70 groupings


def test_scores_against_the_input_can_be_asked_for_too():
    rows = [row | {"content": {"ssim": 0.5}} for row in rows_of(24, group=lambda i: "ab"[i % 2])]
    section, _ = slices_sections(rows, ["ssim"], ["group"], part="content", draws=99)
    assert {row["mean"] for row in cells(section)} == {0.5}


@pytest.mark.parametrize(
    ("metrics", "columns", "least", "kind", "said"),
    [
        (["l2"], ["group"], 10, UnknownName, "No scored metric named 'l2'"),
        (["l1"], ["group"], 1, BadOption, "Groups of 1 picture"),
        ([], ["group"], 10, BadOption, "a metric and a column"),
        (["l1"], [], 10, BadOption, "a metric and a column"),
    ],
)
def test_slices_of_nothing_are_one_line(metrics, columns, least, kind, said):
    with pytest.raises(kind, match=said):
        slices_sections(rows_of(24, group=lambda i: "ab"[i % 2]), metrics, columns, least=least)


FACE = cv2.resize(photographs.astronaut()[:256, 96:352], (128, 128), interpolation=cv2.INTER_AREA)


def lit(pixels, change):
    """The picture, lighter by so many levels."""
    return np.clip(pixels.astype(np.int16) + change, 0, 255).astype(np.uint8)


def answers_of(count, shift, *, sides=("target", "source")):
    """Faces of several tones, their inputs 12 darker, their translations `shift(i)` lighter."""

    def pictures(index):
        truth = lit(FACE, 12 * (index % 3) - 36)
        pixels = {"target": truth, "source": lit(truth, -12), "fake": lit(truth, shift(index))}
        if index == count - 1:
            pixels = {side: cv2.blur(one, (99, 99)) for side, one in pixels.items()}  # no face
        return {side: pixels[side] for side in ("fake", *sides)}

    rows = [{"name": f"p{i}"} for i in range(count)]
    return Answers(rows, pictures, rows, lambda j: FACE)


def test_lightening_is_said_with_its_size_and_only_if_it_is_beyond_chance():
    section = skin_section(answers_of(7, lambda i: 10), least=2, draws=199)
    (everybody,) = cells(section, **{"against the": "truth", "skin tone": "all"})
    assert everybody["n"] == 6 and everybody[""] == "lightened"
    assert 2 < everybody["low"] <= everybody["shift in degrees"] <= everybody["high"] < 20
    (inputs,) = cells(section, **{"against the": "input", "skin tone": "all"})
    assert inputs["shift in degrees"] > everybody["shift in degrees"] + 2
    (unknown,) = cells(section, **{"skin tone": "unknown"})
    assert unknown["n"] == 1 and unknown["low"] is None
    counted = cells(section, **{"against the": "truth"})
    assert sum(row["n"] for row in counted if row["skin tone"] not in ("all", "unknown")) == 6

    darker = skin_section(answers_of(7, lambda i: -10), least=2, draws=199)
    assert cells(darker, **{"skin tone": "all"})[0][""] == "darkened"
    either = skin_section(answers_of(7, lambda i: 10 - 20 * (i % 2)), least=2, draws=199)
    assert cells(either, **{"skin tone": "all"})[0][""] == "may be none"
    assert "too few to judge (under 40)" in {
        row[""] for row in cells(skin_section(answers_of(5, lambda i: 10), least=40, draws=99))
    }


def test_without_truths_the_input_decides_the_group_and_without_both_it_is_refused():
    section = skin_section(answers_of(5, lambda i: 10, sides=["source"]), least=2, draws=99)
    assert {row["against the"] for row in cells(section)} == {"input"}
    assert "ITA of the input" in section.note
    with pytest.raises(BadData, match="neither"):
        skin_section(answers_of(3, lambda i: 10, sides=[]), least=2, draws=99)


def test_skin_tone_is_a_column_of_its_own_and_comes_from_the_truth_alone():
    tones = skin_tones(answers_of(4, lambda i: 10))
    assert tones == skin_tones(answers_of(4, lambda i: 30))
    assert tones[-1] == "unknown" and "unknown" not in tones[:-1]
    assert len(set(tones[:-1])) > 1
