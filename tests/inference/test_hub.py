"""Models by name, from a hub that is a folder; nothing here asks a network."""

import os
import subprocess
import sys
from contextlib import chdir

import numpy as np
import pytest
import torch

from portrayal import load
from portrayal.core.devices import Place
from portrayal.core.errors import BadData, MissingPart, UserError
from portrayal.core.runs import write_json
from portrayal.export.hub import export_hub
from portrayal.inference.hub import fetched, run_folder
from portrayal.recipes.contextual import QUICK, Contextual
from portrayal.recipes.terms import varied
from portrayal.training.checkpoint import save
from portrayal.training.settings import Settings

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(run, tmp_path):
    """A hub with one model, and what it was asked for."""
    folder = tmp_path / COMMIT
    export_hub(load(run), run, folder)
    asked = []

    def fetch(name, revision):
        asked.append((name, revision))
        return folder

    return fetch, asked, folder


def test_a_name_is_fetched_and_loads_as_the_same_model(run, hub, noise):
    fetch, asked, _ = hub
    said = []
    found = run_folder("someone/faces", fetch, said.append)
    assert asked == [("someone/faces", None)]
    assert said == [f"someone/faces of the Hugging Face hub, revision {COMMIT}"]
    picture = noise(64, 64)
    assert np.array_equal(load(found).translate(picture), load(run).translate(picture))


def test_a_revision_is_pinned_behind_the_name(hub):
    fetch, asked, _ = hub
    run_folder("someone/faces.v2@v1.0", fetch)
    run_folder("someone/faces@refs/pr/1", fetch)
    assert asked == [("someone/faces.v2", "v1.0"), ("someone/faces", "refs/pr/1")]


def test_a_folder_comes_first_and_a_mistyped_path_asks_nobody(tmp_path, hub):
    fetch, asked, _ = hub
    (tmp_path / "runs" / "faces").mkdir(parents=True)
    with chdir(tmp_path):
        for path in ("runs/faces", "runs/faecs", "x", "/a/b", "../a/b", "a/b/c", "a b/c", "a/b@"):
            assert str(run_folder(path, fetch)) == path
    assert asked == []


@pytest.mark.parametrize("name", ["training.pt", "model.bin", "code.py", "checkpoints/x.pkl"])
def test_what_could_run_is_refused(name, hub):
    fetch, _, folder = hub
    (folder / name).write_bytes(b"x")
    with pytest.raises(BadData, match=f"someone/faces holds {name}: only .safetensors"):
        run_folder("someone/faces", fetch)


def test_files_of_git_do_not_matter(hub):
    fetch, _, folder = hub
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.lock").write_text("")
    assert run_folder("someone/faces", fetch) == folder


def test_without_the_package_or_the_network_it_is_one_line():
    with pytest.raises(UserError) as caught:
        fetched("someone/faces-that-nobody-has", None, offline=True)
    assert isinstance(caught.value, MissingPart | BadData)
    assert str(caught.value).startswith("someone/faces-that-nobody-has is no folder here")
    assert "\n" not in str(caught.value)


def test_load_and_translate_take_names(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    code = """if True:
        import portrayal
        from portrayal.cli import answer
        from portrayal.core.errors import UserError
        try:
            portrayal.load("someone/nothing")
        except UserError as error:
            print(error)
        print(answer(["translate", "someone/nothing", "x.png", "--out", "out.png"]))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PORTRAYAL_OFFLINE": "1"},
    )  # fmt: skip
    assert done.stdout.startswith("someone/nothing is no folder here"), done.stderr
    assert done.stdout.splitlines()[-1] == "2"
    assert done.stderr.startswith("Error: someone/nothing is no folder here")
    assert done.stderr.count("\n") == 1


def test_what_a_search_asks_travels_with_the_model_and_its_card_is_filled_in(tmp_path):
    config = varied(QUICK, width=2, discriminator_width=2, latent=4, starts=2, search_steps=2)
    config = varied(config, kept=1)
    recipe = Contextual(config, Settings(), Place(torch.device("cpu")))
    run = tmp_path / "run"
    save(run, recipe.state(), {"step": 1, "steps": 1, "epoch": 1.0, "recipe": "contextual"})
    manifest = {"options": {"filter": "sketch", "source": "/home/me", "out": None, "size": 64}}
    write_json(tmp_path / "data" / "manifest.json", manifest)
    data = {"path": str(tmp_path / "data"), "kind": "paired", "size": [64, 64], "sha256": "ab"}
    facts = {"format": 1, "recipe": "contextual", "preset": "quick_64", "settings": {}}
    facts |= {"config": config.model_dump(), "data": data | {"counts": {"train": 9, "test": 2}}}
    write_json(run / "config.json", facts)
    export_hub(load(run), run, tmp_path / "hub", licence="cc-by-4.0")
    picture = np.full((64, 64, 3), 200, np.uint8)
    here, there = (load(each).translate(picture) for each in (run, tmp_path / "hub"))
    assert np.array_equal(here, there)
    card = (tmp_path / "hub" / "README.md").read_text()
    for words in ("license: cc-by-4.0", "9 in train, 2 in test", "filter `sketch`, size `64`",
                  "Intended use", "Limits", "not evaluated", "user/name@revision"):  # fmt: skip
        assert words in card
    assert "/home/me" not in card and str(tmp_path) not in card
