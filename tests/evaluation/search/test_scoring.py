import json
from contextlib import nullcontext

import pytest
import torch
from untrained import make_unpaired

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadData, BadOption, Interrupted, UnknownName
from portrayal.core.runs import read_json, write_json
from portrayal.data.dataset import Dataset
from portrayal.evaluation.search.grid import each_alone, grid, space
from portrayal.evaluation.search.scoring import check_judges, check_scores, judge
from portrayal.evaluation.search.sweep import Aim, aim_of, sweep
from portrayal.recipes import rebuild
from portrayal.reports.sweeping import Validation
from portrayal.training.checkpoint import save

SMALL = {
    "generator": "resnet_6",
    "discriminator": "patch_16",
    "width": 2,
    "discriminator_width": 2,
}


@pytest.fixture
def unpaired(tmp_path):
    counts = {"train": (2, 2), "val": (3, 4), "test": (2, 2)}
    return Dataset(make_unpaired(tmp_path / "data", counts))


def untrained(folder, dataset, seed=0):
    """A CycleGAN as it is before its first step."""
    config = {"format": 1, "recipe": "cyclegan", "preset": "base", "steps": 1, "settings": {}}
    config |= {"config": SMALL, "data": dataset.summary()}
    torch.manual_seed(seed)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    save(folder, recipe.state(), {"step": 1, "steps": 1, "epoch": 1.0, "seconds": 1.0})
    write_json(folder / "config.json", config)
    return folder


def test_unpaired_data_are_ordered_by_the_first_score_asked_for(unpaired):
    with pytest.raises(BadData, match=r"has no pairs.*--score ssim"):
        aim_of(unpaired, None)
    with pytest.raises(BadData, match="--score"):
        aim_of(unpaired, "ssim")
    assert aim_of(unpaired, None, ["l1", "ssim"]) == Aim("l1", "lower", ("l1", "ssim"))
    assert aim_of(unpaired, "ssim", ["l1", "ssim"]).better == "higher"
    with pytest.raises(BadOption, match="add --score psnr"):
        aim_of(unpaired, "psnr", ["l1", "ssim"])


def test_what_cannot_be_computed_is_refused_before_training(unpaired, tmp_path):
    with pytest.raises(UnknownName, match="ssim"):
        check_scores(["sim"], unpaired)
    with pytest.raises(BadOption, match="class_colour needs pairs with a known class"):
        check_scores(["class_colour"], unpaired)
    lone = Dataset(make_unpaired(tmp_path / "lone", {"train": (2, 2), "val": (1, 3)}))
    with pytest.raises(BadData, match="holds 1 picture"):
        check_scores(["ssim"], lone)


def test_the_network_of_the_loss_may_not_judge(unpaired):
    made = space("cyclegan", "base", [], ["face_identity=0,5"])
    with pytest.raises(BadOption, match="identity_facenet cannot judge"):
        check_judges(["identity_facenet"], each_alone(made))
    check_judges(["ssim"], each_alone(made))
    check_judges(["identity_facenet"], each_alone(space("cyclegan", "base", [], ["width=4,6"])))


def test_scores_go_to_a_file_of_their_own_and_the_test_split_stays_unread(unpaired, tmp_path):
    run = untrained(tmp_path / "run", unpaired)
    for picture in (unpaired.folder / "test").rglob("*.png"):
        picture.write_bytes(b"no picture")
    judge(run, ["ssim", "l1"], unpaired)
    known = Validation.model_validate(read_json(run / "validation.json"))
    found = known.score("ssim")
    assert (found.question, found.answer, found.n) == ("content", "translation", 3)
    assert found.low < found.value < found.high
    assert (known.step, known.data) == (1, unpaired.identity)
    assert not any((run / name).exists() for name in ("results.json", "evaluations.jsonl"))
    assert {path.name for path in (run / "translations").iterdir()} == {"val"}


def test_scores_are_computed_once_and_again_only_where_something_else_is_asked(unpaired, tmp_path):
    run = untrained(tmp_path / "run", unpaired)
    file, opened = run / "validation.json", []

    def bar(title, total, unit):
        opened.append(title)
        return nullcontext(lambda amount=1: None)

    judge(run, ["ssim", "l1"], unpaired, bar=bar)
    first = file.read_bytes()
    opened.clear()
    judge(run, ["l1"], unpaired, bar=bar)
    assert not opened and file.read_bytes() == first
    judge(run, ["ssim", "psnr"], unpaired, bar=bar)
    assert opened and "psnr" in file.read_text()
    file.write_text("{")  # not by this program
    judge(run, ["ssim", "l1"], unpaired)
    assert file.read_bytes() == first
    other = json.loads(first) | {"data": "0" * 64}
    file.write_text(json.dumps(other))
    judge(run, ["ssim", "l1"], unpaired)
    assert file.read_bytes() == first


def test_scores_of_sets_are_known_by_their_plain_name_and_bound_to_their_network(
    unpaired, tmp_path, weights
):
    run = untrained(tmp_path / "run", unpaired)
    judge(run, ["kid", "one_nn"], unpaired)
    known = Validation.model_validate(read_json(run / "validation.json"))
    assert known.features == "squeezenet1_1"
    assert known.score("kid").metric == "kid_squeezenet1_1"
    assert known.score("one_nn").title.startswith("1-NN accuracy")
    assert known.score("kid").question == "domain"
    first = (run / "validation.json").read_bytes()
    write_json(run / "validation.json", {**json.loads(first), "features": "resnet18"})
    judge(run, ["kid", "one_nn"], unpaired)
    assert (run / "validation.json").read_bytes() == first


def swept(out, dataset, log, stop_at=""):
    """A sweep whose trials are not trained; scoring the trial `stop_at` is interrupted."""
    made = space("cyclegan", "base", ["steps=1"], ["face_identity=0,5,10"])
    trials = grid(made)

    def train(folder, overrides):
        log.append(f"train {folder.name}")
        config, settings = made.chosen(dict([text.split("=") for text in overrides][1:]))
        write_json(
            folder / "config.json",
            {"format": 1, "recipe": "cyclegan", "steps": 1, "data": dataset.summary()}
            | {"config": config.model_dump(), "settings": settings.model_dump()},
        )
        write_json(folder / "checkpoints" / "00000001" / "about.json", {"step": 1})

    def score(folder):
        if (folder / "validation.json").exists():
            return
        if folder.name == stop_at:
            raise Interrupted("SIGTERM.", 143)
        log.append(f"score {folder.name}")
        weight = float(folder.name.split("=")[1])
        scores = [scored("ssim", "content", weight / 10), scored("l1", "content", weight)]
        known = Validation(step=1, model="", data=dataset.identity, scores=scores)
        write_json(folder / "validation.json", known.model_dump())

    aim = Aim("l1", "lower", ("ssim", "l1"))
    return sweep(
        out, made, dataset, aim, count=3, propose=lambda n, _: trials[n], train=train, judge=score
    )


def scored(metric, question, value):
    bounds = {"value": value, "low": value - 1, "high": value + 1}
    return {"metric": metric, "answer": "translation", "question": question, "n": 3, **bounds} | {
        "better": "higher" if metric == "ssim" else "lower"
    }


def test_a_sweep_stopped_while_scoring_goes_on_there_and_ends_with_the_same_bytes(
    unpaired, tmp_path
):
    whole, broken, log = tmp_path / "whole" / "s", tmp_path / "broken" / "s", []
    done = swept(whole, unpaired, [])
    assert [trial.name for trial in done.ranked()] == [f"face_identity={w}" for w in (0, 5, 10)]
    assert done.best.scores["ssim"].value == 0
    with pytest.raises(Interrupted, match="1 of 3 trials of the sweep are done"):
        swept(broken, unpaired, [], stop_at="face_identity=5")
    assert swept(broken, unpaired, log) == done
    assert log == ["score face_identity=5", "train face_identity=10", "score face_identity=10"]
    for name in ("sweep.json", "sweep.html"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
