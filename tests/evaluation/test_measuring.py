import json
import shutil

import numpy as np
import pytest
import torch
from untrained import make_dataset, save_picture, smooth

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadData, BadOption, UnknownName, UserError
from portrayal.core.runs import read_lines, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.comparison.shared import Scored, common_pictures
from portrayal.evaluation.evaluate import Request, evaluate_folders, evaluate_run
from portrayal.evaluation.measuring import check_request
from portrayal.recipes import rebuild
from portrayal.reports.collect import collect
from portrayal.reports.pages import page
from portrayal.training.checkpoint import save

CONTENT = ["ssim"]  # a metric alone: no set scores, which need a feature network


def quick(metrics=None, **how):
    return Request(metrics, draws=100, **how)


def make_domains(folder, sources=5, targets=3):
    """Unpaired pictures of 32 pixels, more of one domain than of the other."""
    for split in ("train", "val", "test"):
        lines = []
        for side, count in (("source", sources), ("target", targets)):
            for index in range(count):
                name = f"{side}/p{index}.png"
                save_picture(folder / split / name, smooth(hash_of(split, side, index), 32, 32))
                row = {"name": f"p{index}", "file_name": name, "domain": side}
                lines.append(json.dumps(row) + "\n")
        (folder / split / "metadata.jsonl").write_text("".join(lines))
    return folder


def renamed(folder, prefix):
    """The same pictures under the names of another folder."""
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace(folder.name, prefix))
    return folder


def hash_of(split, side, index):
    return 100 * len(split) + 10 * len(side) + index + (50 if side == "source" else 0)


def make_cyclegan(folder, data):
    small = {"generator": "resnet_6", "discriminator": "patch_16", "width": 2}
    config = {"format": 1, "recipe": "cyclegan", "preset": "paper", "settings": {}}
    config |= {"config": {**small, "discriminator_width": 2}, "data": Dataset(data).summary()}
    torch.manual_seed(0)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    save(folder, recipe.state(), {"step": 1, "steps": 1, "epoch": 1.0, "seconds": 1.0})
    write_json(folder / "config.json", config)
    return folder


@pytest.fixture
def unpaired(tmp_path):
    return make_cyclegan(tmp_path / "cyc", make_domains(tmp_path / "domains"))


def test_an_unpaired_run_is_scored_against_its_inputs_alone(unpaired):
    scored = evaluate_run(unpaired, quick(CONTENT))
    assert scored.results.n == 5
    assert {(s.question, s.answer) for s in scored.results.scores} == {("content", "translation")}
    for row in read_lines(unpaired / "pictures.jsonl"):
        assert "scores" not in row and "ssim" in row["content"]
        assert (unpaired / row["fake_file_name"]).exists()
    assert "SSIM against the input" in page(collect(unpaired))
    assert "truth</div>" not in page(collect(unpaired))  # no empty place for it


def test_the_other_direction_has_translations_of_its_own(unpaired):
    there = evaluate_run(unpaired, quick(CONTENT))
    back = evaluate_run(unpaired, quick(CONTENT), reverse=True)
    assert (there.results.n, back.results.n) == (5, 3)
    assert back.results.model["reverse"] and "reverse" not in there.results.model
    assert (unpaired / "translations" / "test_reverse" / "p2.png").exists()
    assert back.pictures[0]["source_file_name"].startswith("target/")
    assert "from target to source" in page(collect(unpaired))


def test_reverse_of_pairs_asks_for_the_source(tmp_path, data):
    run = make_cyclegan(tmp_path / "cyc", data)
    scored = evaluate_run(run, quick(["l1"]), reverse=True)
    assert scored.pictures[0]["target_file_name"].startswith("source/")
    truths, inputs = (data / "test" / side for side in ("source", "target"))
    same = evaluate_folders(
        run / "translations" / "test_reverse", truths, quick(["l1"]), source=inputs
    )
    assert same.results.scores == scored.results.scores


def test_a_recipe_of_one_direction_says_so(run):
    with pytest.raises(BadOption, match="translates one way") as error:
        evaluate_run(run, quick(["l1"]), reverse=True)
    assert "\n" not in str(error.value)


def test_other_directions_are_not_compared(unpaired):
    found = []
    for reverse in (False, True):
        results = evaluate_run(unpaired, quick(CONTENT), reverse=reverse).results
        found.append(Scored("x", collect(unpaired), results, {"p0": {"name": "p0"}}))
    with pytest.raises(BadData, match="different directions"):
        common_pictures(found, True)


def test_folders_of_other_names_are_compared_as_sets(tmp_path, weights):
    for side, count, first in (("fake", 6, 0), ("real", 8, 40), ("input", 6, 80)):
        for index in range(count):
            save_picture(tmp_path / side / f"{side}{index}.png", smooth(first + index, 48, 40))
    fake, real = tmp_path / "fake", tmp_path / "real"
    found = evaluate_folders(fake, real, quick(["kid"]), paired=False).results
    assert {s.answer for s in found.of("domain")} == {"translation", "real"}
    assert "6 against 8 pictures" in found.score("kid_squeezenet1_1").protocol
    assert not found.of("content")
    with pytest.raises(BadData, match="have no partner"):
        evaluate_folders(fake, real, quick(["kid"]))
    given = evaluate_folders(
        fake, real, quick(["ssim"]), paired=False, source=renamed(tmp_path / "input", "fake")
    )
    assert [s.question for s in given.results.scores] == ["content"]
    with pytest.raises(BadOption, match="ssim compares pictures one by one"):
        evaluate_folders(fake, real, quick(["ssim"]), paired=False)


def test_a_metric_that_was_not_asked_for_may_refuse_and_is_said(run):
    full = evaluate_run(run, quick(full=True)).results  # 64 pixels: too few for MS-SSIM
    assert "ms_ssim" not in full.metrics()
    said = [warning for warning in full.warnings if "ms_ssim" in warning]
    assert len(said) == 1 and said[0].startswith("Left out: ") and "176 x 176" in said[0]
    with pytest.raises(BadData, match="176 x 176"):
        evaluate_run(run, quick(["ms_ssim"]))


def test_full_makes_all_tables_or_says_why_not(run):
    results = evaluate_run(run, quick(full=True)).results
    made = {section.key for section in results.sections}
    assert {"leak", "discriminator", "sift"} <= made
    left = [warning for warning in results.warnings if warning.startswith("Left out: table")]
    assert any("memorisation" in text for text in left)  # 4 pictures make no null
    with pytest.raises(UserError, match=r"null|feature network"):
        evaluate_run(run, quick(["l1"], tables=["memorisation"]))


def test_what_is_misspelt_fails_before_any_work(tmp_path, run):
    for wrong, known in (
        ({"metrics": ["kidd"]}, "kid"),
        ({"tables": ["leaks"]}, "leak"),
        ({"features": "inceptio"}, "inception"),
    ):
        with pytest.raises(UnknownName, match=f"Did you mean '{known}'"):
            check_request(Request(**wrong))
        with pytest.raises(UnknownName):
            evaluate_run(run, Request(**wrong))
    with pytest.raises(BadData):
        check_request(Request(recogniser=tmp_path / "gone.safetensors"))
    assert not (run / "translations").exists()


def test_groups_are_typed_as_columns_edges_or_crossed(tmp_path):
    from untrained import make_run

    columns = {"age": lambda i: 10 * i, "sex": lambda i: "fm"[i % 2]}
    data = make_dataset(tmp_path / "d", {"train": 2, "test": 24}, **columns)
    run = make_run(tmp_path / "r", data)
    found = evaluate_run(run, quick(["l1"], by=["age:45,100", "sex*age:100"])).results
    assert [section.key for section in found.sections] == [
        "slices_age",
        "slices_sexxage",
        "slices_gaps",
    ]
    with pytest.raises(UnknownName, match="column"):
        evaluate_run(run, quick(["l1"], by=["agee"]))
    with pytest.raises(BadOption, match="--by needs scores of single pictures"):
        evaluate_run(run, quick(["kid"], by=["sex"]))


def test_skin_tone_is_a_column_that_is_measured(run):
    scored = evaluate_run(run, quick(["l1"], by=["skin_tone"]))
    assert all("skin_tone" in row for row in scored.pictures)
    assert scored.results.sections[0].key == "slices_skin_tone"


def test_a_second_run_reads_features_and_is_equal_to_the_bit(run, weights, tmp_path):
    first = evaluate_run(run, quick(["kid", "one_nn"]))
    files = {path: path.stat().st_mtime_ns for path in (run / "features").rglob("*.safetensors")}
    assert files
    second = evaluate_run(run, quick(["kid", "one_nn"]))
    assert second.results.scores == first.results.scores
    assert files == {p: p.stat().st_mtime_ns for p in (run / "features").rglob("*.safetensors")}
    shutil.rmtree(run / "features")
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        third = evaluate_run(run, quick(["kid", "one_nn"]))
    finally:
        torch.set_num_threads(threads)
    assert third.results.scores == first.results.scores


def test_the_network_that_was_trained_against_does_not_judge(run):
    from portrayal.evaluation.choice import Choice
    from portrayal.evaluation.measuring import without_trained_judges

    config = {"config": {"face_identity": 5.0}}
    names = ("ssim", "identity_facenet", "identity_mobilefacenet")
    warnings = []
    left = without_trained_judges(Choice(pictures=names, content=names), config, warnings)
    assert left.pictures == left.content == ("ssim", "identity_mobilefacenet")
    assert len(warnings) == 1 and "identity_facenet" in warnings[0]
    asked = Choice(pictures=names, asked=frozenset(names))
    with pytest.raises(BadOption, match="trained with facenet"):
        without_trained_judges(asked, config, [])


def test_order_changes_no_score(data, tmp_path):
    fake, real = data / "test" / "source", data / "test" / "target"
    first = evaluate_folders(fake, real, quick(["l1", "ssim"])).results
    for side in ("source", "target"):
        for index, new in enumerate(np.random.default_rng(0).permutation(4)):
            place = tmp_path / side / f"q{new}.png"
            place.parent.mkdir(exist_ok=True)
            shutil.copy(data / "test" / side / f"p{index:02d}.png", place)
    other = evaluate_folders(
        tmp_path / "source", tmp_path / "target", quick(["l1", "ssim"])
    ).results
    for metric in ("l1", "ssim"):
        assert other.score(metric).value == pytest.approx(first.score(metric).value, abs=1e-12)
