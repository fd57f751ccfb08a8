"""portrayal demo: shows what it runs, stops where something fails, and goes the whole way."""

import json
import shlex
import sys

import pytest
import typer

from portrayal.cli import COMMANDS
from portrayal.cli.demo import PICTURES, TRAINING, commands, perform, summary, typed


def test_every_command_is_shown_as_it_can_be_typed_again(tmp_path, capsys):
    ran = []
    perform(
        commands(tmp_path / "a b", PICTURES, TRAINING), run=lambda words: ran.append(words) or 0
    )
    shown = [line[2:] for line in capsys.readouterr().out.splitlines() if line.startswith("$ ")]
    assert [shlex.split(line) for line in shown] == [["portrayal", *words] for words in ran]
    assert [words[0] for words in ran] == ["prepare", "train", "evaluate"]
    assert {words[0] for words in ran} <= COMMANDS.keys()


def test_the_first_command_that_fails_ends_the_demo_with_its_code(tmp_path):
    ran = []

    def failing(words):
        ran.append(words[0])
        return 130 if words[0] == "train" else 0

    with pytest.raises(typer.Exit) as stopped:
        perform(commands(tmp_path, PICTURES, TRAINING), run=failing)
    assert stopped.value.exit_code == 130
    assert ran == ["prepare", "train"]


def test_a_step_sees_its_own_command_line_and_ours_comes_back():
    before = sys.argv
    with typed(["train", "pix2pix"]):
        assert sys.argv[1:] == ["train", "pix2pix"]
    assert sys.argv is before


def results(tmp_path, value):
    score = {"metric": "class_colour", "value": value, "low": 0.8, "high": 0.99, "n": 100}
    scores = [{**score, "answer": "input", "value": 0.0}, {**score, "answer": "translation"}]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.json").write_text(json.dumps({"scores": scores}))


def test_the_summary_is_the_score_of_translations_with_its_interval(tmp_path):
    results(tmp_path, 0.953)
    text = summary(tmp_path)
    assert "95.3% of 100 held-out outlines" in text
    assert "80.0% to 99.0%" in text
    assert "expected" not in text
    assert str(tmp_path / "run" / "report.html") in text


def test_a_disappointing_score_is_called_so(tmp_path):
    results(tmp_path, 0.5)
    assert "expected: at least 90%" in summary(tmp_path)


@pytest.mark.slow
def test_the_whole_way_in_small_and_again_without_doing_it_twice(tmp_path, capsys):
    small = commands(
        tmp_path, {"count": "40", "size": "64"}, {"steps": "4", "batch": "2", "width": "4"}
    )
    perform(small)
    report = (tmp_path / "run" / "report.html").read_text()
    checkpoint = tmp_path / "run" / "checkpoints" / "00000004" / "weights.safetensors"
    first = checkpoint.stat().st_mtime_ns
    assert "held-out outlines" in summary(tmp_path)
    assert "<html" in report
    recorded = json.loads((tmp_path / "run" / "config.json").read_text())["command"]
    assert recorded.startswith("portrayal train pix2pix")

    capsys.readouterr()
    perform(small)
    assert checkpoint.stat().st_mtime_ns == first
