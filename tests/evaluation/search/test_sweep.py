import json

import pytest

from portrayal.core.errors import (
    BadData,
    BadOption,
    CannotWrite,
    Interrupted,
    NotFinite,
    UnknownName,
)
from portrayal.core.runs import append_line, read_json, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.search.grid import grid, space
from portrayal.evaluation.search.sweep import Aim, aim_of, sweep

SSIM = {"4": [0.1, 0.5, 0.3], "8": [0.2, 0.4, 0.45]}  # by width, at steps 1, 2, 3


@pytest.fixture
def dataset(data):
    return Dataset(data)


def trainer(each, dataset, log, error=None):
    """Trains nothing: writes what a run leaves behind. `error` is raised for width 8."""

    def train(folder, overrides):
        log.append(folder.name)
        width = dict(text.split("=") for text in overrides)["width"]
        if error and width == "8":
            raise error
        config, settings = each.chosen({"width": width})
        write_json(
            folder / "config.json",
            {"format": 1, "recipe": "pix2pix", "steps": 3, "data": dataset.summary()}
            | {"config": config.model_dump(), "settings": settings.model_dump()},
        )
        for step, value in enumerate(SSIM[width], 1):
            append_line(folder / "scores.jsonl", {"step": step, "scores": {"ssim": value}})
        write_json(folder / "checkpoints" / "00000003" / "about.json", {"step": 3})

    return train


def run(out, dataset, log, error=None, fixed=("steps=3",), vary="width=4,8"):
    each = space("pix2pix", "quick_64", list(fixed), [vary])
    trials = grid(each)
    return sweep(
        out,
        each,
        dataset,
        Aim("ssim", "higher"),
        count=len(trials),
        propose=lambda number, scores: trials[number],
        train=trainer(each, dataset, log, error),
    )


def test_trials_are_ranked_by_their_best_validation_score(dataset, tmp_path):
    done = run(tmp_path / "out", dataset, [])
    assert [trial.name for trial in done.ranked()] == ["width=4", "width=8"]
    first = done.ranked()[0]
    assert (first.best.value, first.best.step) == (0.5, 2)
    assert (first.last.value, first.last.step) == (0.3, 3)
    assert done.best.name == "width=4"
    written = read_json(tmp_path / "out" / "sweep.json")
    assert [trial["state"] for trial in written["trials"]] == ["finished", "finished"]


def test_finished_trials_are_not_repeated_and_the_files_stay_the_same(dataset, tmp_path):
    log, out = [], tmp_path / "out"
    run(out, dataset, log)
    before = {name: (out / name).read_bytes() for name in ("sweep.json", "sweep.html")}
    run(out, dataset, log)
    assert log == ["width=4", "width=8"]
    assert before == {name: (out / name).read_bytes() for name in before}


@pytest.mark.parametrize("error", [NotFinite("l1 became not finite"), BadOption("does not fit")])
def test_a_failed_trial_is_written_down_not_repeated_and_the_sweep_goes_on(
    dataset, tmp_path, error
):
    log, out = [], tmp_path / "out"
    done = run(out, dataset, log, error, vary="width=8,4")
    states = {trial.name: (trial.state, trial.reason) for trial in done.trials}
    assert states == {"width=8": ("failed", str(error)), "width=4": ("finished", "")}
    assert done.best.name == "width=4"
    assert str(error) in (out / "sweep.html").read_text()
    run(out, dataset, log, error, vary="width=8,4")
    assert log == ["width=8", "width=4"]


def test_what_is_wrong_for_all_trials_stops_the_sweep(dataset, tmp_path):
    with pytest.raises(CannotWrite):
        run(tmp_path / "out", dataset, [], CannotWrite("the disk is full"))
    assert not (tmp_path / "out" / "width=8" / "failed.json").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(Interrupted("SIGTERM.", 143), 143), (KeyboardInterrupt(), 130)]
)
def test_a_stop_says_how_to_go_on(dataset, tmp_path, error, code):
    out = tmp_path / "out"
    with pytest.raises(Interrupted, match="1 of 2 trials of the sweep are done") as stop:
        run(out, dataset, [], error)
    assert stop.value.code == code
    log = []
    assert run(out, dataset, log).best.name == "width=4"
    assert log == ["width=8"]


def test_other_settings_or_data_are_refused(dataset, tmp_path):
    out = tmp_path / "out"
    run(out, dataset, [])
    with pytest.raises(BadOption, match="learning_rate"):
        run(out, dataset, [], fixed=("steps=3", "learning_rate=0.5"))
    known = read_json(out / "sweep.json")
    known["data"]["sha256"] = "f" * 64
    (out / "sweep.json").write_text(json.dumps(known))
    with pytest.raises(BadData, match="a sweep on other data"):
        run(out, dataset, [])
    with pytest.raises(BadOption, match="is a run"):
        run(out / "width=4", dataset, [])


def test_a_score_that_validation_does_not_compute_is_refused(dataset):
    assert aim_of(dataset, "l1") == Aim("l1", "lower")
    with pytest.raises(UnknownName, match="validation score"):
        aim_of(dataset, "lpips")


def test_the_page_says_whether_the_test_was_touched(dataset, tmp_path):
    out = tmp_path / "out"
    run(out, dataset, [])
    assert "The test split was not touched" in (out / "sweep.html").read_text()
    tested = {"kind": "run", "split": "test", "n": 2, "scores": []}
    write_json(out / "width=4" / "results.json", tested)
    run(out, dataset, [])
    assert "the test split was used by the chosen trial alone" in (out / "sweep.html").read_text()
    write_json(out / "width=8" / "results.json", tested)
    run(out, dataset, [])
    assert "do not choose by those scores" in (out / "sweep.html").read_text()
