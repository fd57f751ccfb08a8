import pytest

from portrayal.core.runs import append_line, read_lines, write_json
from portrayal.evaluation.history import FILE, remember, warnings_of
from portrayal.reports.results import Results


def results(model="a", split="test", data="d", checkpoint="newest", search=None):
    facts = {"hash": model, "checkpoint": checkpoint, "step": 1, "search": search}
    return Results(kind="run", split=split, n=2, scores=[], data={"sha256": data}, model=facts)


def test_the_same_model_again_is_no_choice(tmp_path):
    for _ in range(2):
        assert warnings_of(tmp_path, results()) == []
        remember(tmp_path, results())
    assert [row["model"] for row in read_lines(tmp_path / FILE)] == ["a", "a"]


@pytest.mark.parametrize(
    ("then", "now", "warned"),
    [
        ({}, {"model": "b"}, True),
        ({"split": "val"}, {"model": "b"}, False),
        ({"split": "val"}, {"model": "b", "split": "val"}, False),  # what val is for
        ({"data": "other"}, {"model": "b"}, False),
        ({}, {"search": {"starts": 3}}, True),
        ({"search": {"starts": 3}}, {}, True),
        ({"search": {"starts": 3}}, {"search": {"starts": 3}}, False),
    ],
)
def test_another_model_on_the_same_test_pictures_is_said(tmp_path, then, now, warned):
    remember(tmp_path, results(**then))
    assert bool(warnings_of(tmp_path, results(**now))) == warned


def test_what_was_tried_before_is_counted_and_named(tmp_path):
    def said(**now):
        return warnings_of(tmp_path, results(**now))[0]

    for _ in range(2):
        remember(tmp_path, results(search={"starts": 3}))
    assert "with 1 other search of this run (2 times; checkpoint newest with starts=3)" in said()
    remember(tmp_path, results(search={"starts": 9}))
    assert (
        "2 other searches of this run (3 times; checkpoint newest with starts=3, newest" in said()
    )
    remember(tmp_path, results(model="b", checkpoint="last"))
    assert "3 other models of this run (4 times; checkpoint last, newest with" in said()
    assert "2 other models of this run (3 times; " in said(model="b")
    assert [row.get("search") for row in read_lines(tmp_path / FILE)][-2:] == [{"starts": 9}, None]
    assert "search" not in list(read_lines(tmp_path / FILE))[-1]


def test_a_best_checkpoint_chosen_on_another_split_is_said(tmp_path):
    place = tmp_path / "checkpoints" / "best_ssim.json"
    write_json(place, {"step": 1, "split": "test"})
    assert "too good" in warnings_of(tmp_path, results(checkpoint="best_ssim"))[0]
    assert "not on val." in warnings_of(tmp_path, results(split="val", checkpoint="best_ssim"))[0]
    write_json(place, {"step": 1, "split": "val"})
    assert warnings_of(tmp_path, results(checkpoint="best_ssim")) == []


def test_a_broken_history_stops_nothing(tmp_path):
    append_line(tmp_path / FILE, {"model": "b", "split": "test", "data": "d"})
    with (tmp_path / FILE).open("a") as file:
        file.write("{broken\n" + '{"model": "c"}\n')
    assert warnings_of(tmp_path, results()) == []
