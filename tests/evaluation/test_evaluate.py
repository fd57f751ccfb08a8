import json
import shutil

import numpy as np
import pytest
from skimage.metrics import structural_similarity
from untrained import make_dataset, make_run, save_picture, smooth

from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.core.images import read_pixels
from portrayal.core.runs import read_json, read_lines
from portrayal.evaluation.evaluate import Request, evaluate_folders, evaluate_run
from portrayal.evaluation.translations import safe_name
from portrayal.reports.results import Results

QUICK = Request(draws=200)


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_run_is_translated_scored_and_written_down(run, data):
    scored = evaluate_run(run, QUICK)
    written = Results.model_validate(read_json(run / "results.json"))
    assert written == scored.results
    assert (written.kind, written.split, written.n) == ("run", "test", 4)
    assert written.metrics()[:3] == ["l1", "psnr", "ssim"]  # and sets, where a network is here
    answers = {score.answer for score in written.scores if score.metric == "ssim"}
    assert answers == {"translation", "input", "difference"}
    assert written.model["step"] == 1 and len(written.model["hash"]) == 64
    assert written.data["path"] == str(data)
    rows = list(read_lines(run / "pictures.jsonl"))
    assert [row["name"] for row in rows] == ["p00", "p01", "p02", "p03"]
    for row in rows:
        fake = read_pixels(run / row["fake_file_name"])
        truth = read_pixels(data / "test" / row["target_file_name"])
        away = np.abs(fake / 255 - truth / 255).mean()
        assert row["scores"]["l1"] == pytest.approx(away, abs=1e-6)
        ours = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "data_range": 255}
        same = structural_similarity(fake, truth, use_sample_covariance=False, **ours)
        assert row["scores"]["ssim"] == pytest.approx(same, abs=1e-4)


def test_the_difference_is_that_of_the_same_pictures(run):
    scored = evaluate_run(run, QUICK)
    for metric in ("l1", "psnr", "ssim"):
        gaps = [row["scores"][metric] - row["input"][metric] for row in scored.pictures]
        difference = scored.results.score(metric, "difference")
        assert difference.value == pytest.approx(np.mean(gaps), abs=1e-12)
        assert difference.low <= difference.value <= difference.high


def test_a_second_run_translates_nothing_again_and_scores_the_same(run):
    first = evaluate_run(run, QUICK)
    pictures = sorted((run / "translations").rglob("*.png"))
    stamps = [path.stat().st_mtime_ns for path in pictures]
    pictures[1].unlink()
    second = evaluate_run(run, QUICK)
    assert [path.stat().st_mtime_ns for path in pictures][2:] == stamps[2:]
    assert second.results.scores == first.results.scores
    assert second.pictures == first.pictures


def test_a_translation_of_another_model_is_made_anew(run, data, tmp_path):
    first = evaluate_run(run, QUICK)
    same, other = make_run(tmp_path / "same", data), make_run(tmp_path / "other", data, seed=1)
    for folder in (same, other):
        shutil.copytree(run / "translations", folder / "translations")
    assert evaluate_run(same, QUICK).pictures == first.pictures
    alone = make_run(tmp_path / "alone", data, seed=1)
    assert evaluate_run(other, QUICK).pictures == evaluate_run(alone, QUICK).pictures
    assert evaluate_run(other, QUICK).pictures != first.pictures


def test_the_split_of_the_scores_is_the_one_asked_for(run):
    scored = evaluate_run(run, QUICK, split="val")
    assert (scored.results.split, scored.results.n) == ("val", 5)
    assert (run / "translations" / "val" / "p04.png").exists()


def test_pictures_of_one_subject_are_one_draw(tmp_path):
    alone = make_dataset(tmp_path / "a", {"train": 2, "test": 6}, subject=lambda i: i)
    shared = make_dataset(tmp_path / "b", {"train": 2, "test": 6}, subject=lambda i: i // 2)
    first = evaluate_run(make_run(tmp_path / "r", alone), QUICK).results
    second = evaluate_run(make_run(tmp_path / "s", shared), QUICK).results
    assert "over pictures" in first.interval
    assert "over 3 clusters" in second.interval
    assert first.score("l1").value == pytest.approx(second.score("l1").value)


def test_class_colour_is_scored_when_every_picture_has_a_class(tmp_path, painted):
    results = evaluate_folders(
        painted / "test" / "target", painted / "test" / "target", QUICK
    ).results
    score = results.score("class_colour")
    assert score.value == 1
    assert score.high == 1 and score.low < 1  # Wilson: four of four are not certain
    empty = evaluate_folders(
        painted / "test" / "source", painted / "test" / "target", QUICK
    ).results
    assert empty.score("class_colour").value == 0


@pytest.fixture
def painted(tmp_path):
    """Truths filled with their class colour, sources left white."""
    folder = tmp_path / "painted" / "test"
    colours = {"shape": (220, 30, 40), "tree": (40, 150, 50)}
    lines = []
    for index, name in enumerate(["shape", "tree"] * 2):
        target = np.full((32, 32, 3), 255, np.uint8)
        save_picture(folder / "source" / f"{index}.png", target)
        target[8:24, 8:24] = colours[name]
        save_picture(folder / "target" / f"{index}.png", target)
        row = {"name": str(index), "class": name, "target_file_name": f"target/{index}.png"}
        lines.append(json.dumps(row | {"source_file_name": f"source/{index}.png"}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines))
    return folder.parent


def test_two_folders_score_as_their_pictures_did_in_the_run(run, data, tmp_path):
    ran = evaluate_run(run, QUICK)
    folders = evaluate_folders(
        run / "translations" / "test",
        data / "test" / "target",
        QUICK,
        source=data / "test" / "source",
        out=tmp_path / "scores",
    )
    assert folders.results.scores == ran.results.scores
    assert [row["scores"] for row in folders.pictures] == [row["scores"] for row in ran.pictures]
    assert read_json(tmp_path / "scores" / "results.json")["kind"] == "folders"
    assert folders.results.data["fake"].endswith("translations/test")


def test_equal_folders_are_perfect_and_any_suffix_will_do(data, tmp_path):
    from PIL import Image

    for path in (data / "test" / "target").iterdir():
        place = tmp_path / "bmp" / "deep" / f"{path.stem}.bmp"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(place)
    results = evaluate_folders(tmp_path / "bmp" / "deep", data / "test" / "target", QUICK).results
    assert results.score("l1").value == 0
    assert results.score("psnr").value == 100
    assert results.score("ssim").value == pytest.approx(1)
    assert results.score("ssim", "input") is None


def test_folders_that_do_not_match_say_how_many_and_which_first(data, tmp_path):
    shutil.copytree(data / "test" / "target", tmp_path / "some")
    (tmp_path / "some" / "p00.png").rename(tmp_path / "some" / "a.png")
    with pytest.raises(BadData, match=r"2 of 5 have no partner, first 'a' in .*some") as error:
        evaluate_folders(tmp_path / "some", data / "test" / "target", QUICK)
    one_line(error)
    with pytest.raises(BadData, match="have no partner"):
        evaluate_folders(
            data / "test" / "source", data / "test" / "target", source=tmp_path / "some"
        )


def test_pictures_of_different_sizes_are_refused_with_their_sizes(data, tmp_path):
    shutil.copytree(data / "test" / "target", tmp_path / "some")
    save_picture(tmp_path / "some" / "p02.png", smooth(0, 40, 50))
    said = "'p02' has pictures of different sizes .translation 50 x 40, truth 64 x 64"
    with pytest.raises(BadData, match=said) as error:
        evaluate_folders(tmp_path / "some", data / "test" / "target", QUICK)
    one_line(error)


def test_two_files_of_one_name_are_refused(data):
    folder = data / "test" / "target"
    shutil.copy(folder / "p00.png", folder / "p00.jpg")
    with pytest.raises(BadData, match=r"both p00\.jpg and p00\.png"):
        evaluate_folders(folder, folder, QUICK)


def test_too_few_pictures_are_one_line(tmp_path, run):
    save_picture(tmp_path / "one" / "a.png", smooth(0))
    with pytest.raises(BadData, match="holds 1 picture; scores with intervals need at least 2"):
        evaluate_folders(tmp_path / "one", tmp_path / "one", QUICK)
    (tmp_path / "none").mkdir()
    with pytest.raises(BadData, match="holds no pictures"):
        evaluate_folders(tmp_path / "none", tmp_path / "one", QUICK)
    with pytest.raises(BadData, match="does not exist"):
        evaluate_folders(tmp_path / "gone", tmp_path / "one", QUICK)
    lone = make_dataset(tmp_path / "lone", {"train": 2, "val": 2, "test": 1})
    with pytest.raises(BadData, match=r"test split of .* holds 1 picture"):
        evaluate_run(make_run(tmp_path / "r", lone), QUICK)
    empty = make_dataset(tmp_path / "empty", {"train": 2, "val": 2})
    with pytest.raises(BadData, match="no pictures in its test split"):
        evaluate_run(make_run(tmp_path / "s", empty), QUICK)


def test_a_moved_dataset_is_asked_for_and_can_be_named(run, data, tmp_path):
    data.rename(tmp_path / "moved")
    with pytest.raises(BadData, match=r"not at .* any more. Say where it is: --data FOLDER"):
        evaluate_run(run, QUICK)
    notes = []
    scored = evaluate_run(run, QUICK, data=tmp_path / "moved", note=notes.append)
    assert scored.results.n == 4
    assert not notes


def test_a_changed_dataset_is_said(run, data):
    (data / "val" / "metadata.jsonl").write_text("")
    notes = []
    evaluate_run(run, QUICK, note=notes.append)
    assert "its identity differs" in notes[0]


def test_a_broken_source_is_named_and_nothing_is_scored(run, data):
    (data / "test" / "source" / "p01.png").write_bytes(b"no picture")
    with pytest.raises(BadData, match="1 of 4 pictures could not be translated, first 'p01'"):
        evaluate_run(run, QUICK)
    assert not (run / "results.json").exists()


def test_wrong_metrics_fail_before_any_work(run):
    with pytest.raises(UnknownName, match="Did you mean 'psnr'"):
        evaluate_run(run, Request(["pnsr"]))
    with pytest.raises(BadData, match="'p00' has no class"):
        evaluate_run(run, Request(["class_colour"]))
    assert not (run / "results.json").exists()


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "", "a\0b"])
def test_a_name_never_leads_out_of_the_run(name):
    with pytest.raises(BadData, match="is no name for a picture"):
        safe_name(name)


def test_names_may_hold_folders_and_dots():
    assert [safe_name(name) for name in ("a/b", "a.b", "..a", "ü x")] == [
        "a/b",
        "a.b",
        "..a",
        "ü x",
    ]


def test_metrics_of_sets_are_refused():
    from portrayal.evaluation.scorer import choose_metrics
    from portrayal.metrics import Card, metrics

    def of_sets(fake, real):
        return 0.0

    metrics.described(Card("lower", "sets", "a test"))(of_sets)
    try:
        with pytest.raises(BadOption, match="compares sets of pictures, not pairs"):
            choose_metrics(["of_sets"], [])
    finally:
        del metrics.entries["of_sets"], metrics.cards["of_sets"]


def test_pictures_without_a_value_are_counted_and_left_out():
    from portrayal.evaluation.choice import Choice
    from portrayal.evaluation.summary import summarise

    rows = [
        {"name": str(i), "scores": {"landmark_distance": v}} for i, v in enumerate([1, None, 3])
    ]
    one = summarise(rows, Choice(pictures=("landmark_distance",)), seed=0, draws=50).scores[0]
    assert (one.value, one.n, one.missing) == (2, 2, 1) and one.count.startswith("2 of 3 (no face")
    few = rows[:2]
    left = summarise(few, Choice(pictures=("landmark_distance",)), seed=0, draws=50)
    assert not left.scores and "1 of 2 pictures have a value" in left.warnings[0]
    asked = Choice(pictures=("landmark_distance",), asked=frozenset(["landmark_distance"]))
    with pytest.raises(BadData, match="1 of 2 pictures have a value"):
        summarise(few, asked, seed=0, draws=50)


def test_scoring_another_model_on_test_is_said_and_the_same_again_is_not(run, data, tmp_path):
    evaluate_run(run, QUICK)
    assert not any("scored before" in w for w in evaluate_run(run, QUICK).results.warnings)
    other = make_run(tmp_path / "other", data, seed=1)
    shutil.copy(run / "evaluations.jsonl", other / "evaluations.jsonl")
    warnings = evaluate_run(other, QUICK).results.warnings
    assert any("scored before with 1 other model of this run (2 times" in w for w in warnings)
