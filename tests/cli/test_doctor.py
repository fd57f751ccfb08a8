"""portrayal doctor: says what is here, and fails only when a part is broken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from portrayal.cli import answer
from portrayal.cli.doctor import (
    Fact,
    tell,
    weights,
)
from portrayal.cli.selfcheck import attempt, self_check
from portrayal.features.weights import KNOWN, find, folders


@pytest.fixture(scope="module")
def facts():
    done = subprocess.run(
        [sys.executable, "-m", "portrayal", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_all_is_well_here(facts):
    assert facts["ok"], [fact for fact in facts["facts"] if fact["state"] == "failed"]


def test_device_precision_versions_and_disk_are_said(facts):
    names = {fact["name"] for fact in facts["facts"]}
    wanted = {
        "device",
        "precision",
        "cores",
        "face detector",
        "free disk here",
        "portrayal",
        "python",
        "torch",
        "numpy",
    }
    assert wanted <= names


def test_the_page_for_people_shows_the_same_names(facts, capsys):
    assert answer(["doctor"]) == 0
    page = capsys.readouterr().out
    assert all(fact["name"] in page for fact in facts["facts"])


def test_weights_are_found_by_name_and_missing_ones_are_no_failure(tmp_path):
    for file in ("facenet_fp16.safetensors", KNOWN["vgg16"].first):
        (tmp_path / file).write_bytes(bytes(2_000_000))
    found = {fact.name: fact for fact in weights([tmp_path / "nowhere", tmp_path])}
    assert found.keys() == KNOWN.keys()
    assert found["facenet"].value.startswith("facenet_fp16.safetensors, 2.00 MB: FaceNet")
    assert {name for name, fact in found.items() if fact.state == "ok"} == {"facenet", "vgg16"}
    missing = {fact.state for name, fact in found.items() if name not in ("facenet", "vgg16")}
    assert missing == {"missing"}
    assert found["inception"].hint == f"{KNOWN['inception'].first}: downloaded when needed"
    assert "get it from https://github.com/Xiaoccer" in found["mobilefacenet"].hint


def test_weights_are_looked_for_in_the_named_folder_and_then_in_the_cache(tmp_path):
    cache = folders({})
    assert cache[0].parts[-3:] == (".cache", "portrayal", "weights")
    assert folders({"PORTRAYAL_WEIGHTS": ""}) == cache
    assert folders({"PORTRAYAL_WEIGHTS": "/somewhere"}) == [Path("/somewhere"), *cache]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.onnx").touch()
    places = [tmp_path / "first", tmp_path / "second"]
    assert find("a.onnx", places) == tmp_path / "first" / "a.onnx"
    assert find("b.onnx", places) is None


def test_every_part_works_here():
    assert [result for result in self_check() if result[2] != "ok"] == []


def test_a_part_that_raises_is_a_failure_in_one_line():
    def broken():
        raise ImportError("libGL.so.1:\ncannot open shared object file")

    name, reason, state, _ = attempt("opencv", broken)
    assert (name, state) == ("opencv", "failed")
    assert reason == "ImportError: libGL.so.1: cannot open shared object file"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_failure_is_exit_code_1_and_a_missing_part_is_not(as_json, capsys):
    fine = [Fact("Parts", "a", "here"), Fact("Parts", "b", "optional", "missing", "pip install b")]
    tell(fine, as_json)
    with pytest.raises(typer.Exit) as stopped:
        tell([*fine, Fact("Parts", "c", "broken", "failed")], as_json)
    assert stopped.value.exit_code == 1
    assert "pip install b" in capsys.readouterr().out
