"""Catalogues: found by name, filled by importing their package, honest about failures."""

import importlib
import sys
import threading
from types import SimpleNamespace

import pytest

from portrayal.core.catalog import Catalog
from portrayal.core.errors import UnknownName


@pytest.fixture
def package(tmp_path):
    """package(files) -> a new importable package with an empty catalogue in its __init__."""
    made = []
    sys.path.insert(0, str(tmp_path))

    def make(**files: str) -> SimpleNamespace:
        name = f"made_{tmp_path.name}_{len(made)}".replace("-", "_")
        made.append(name)
        folder = tmp_path / name
        folder.mkdir()
        start = "from portrayal.core.catalog import Catalog\nthings = Catalog('thing', __name__)\n"
        (folder / "__init__.py").write_text(start)
        for stem, code in files.items():
            (folder / f"{stem}.py").write_text(f"from {name} import things\n{code}\n")
        importlib.invalidate_caches()
        return SimpleNamespace(
            things=importlib.import_module(name).things, name=name, folder=folder
        )

    yield make
    sys.path.remove(str(tmp_path))
    for name in [m for m in sys.modules if m.partition(".")[0] in made]:
        del sys.modules[name]


def test_the_first_look_imports_every_file_of_the_package(package):
    things = package(
        one="@things\ndef hat(): return 1", two="@things\nclass Shoe: pass\ndef other(): pass"
    ).things
    assert things.entries == {}
    assert things["hat"]() == 1
    assert list(things) == ["hat", "shoe"]
    assert "shoe" in things and "other" not in things
    assert things.package is None, "later looks import nothing"


@pytest.mark.parametrize("look", [list, lambda t: t["hat"], lambda t: "hat" in t])
def test_any_first_look_fills_the_catalogue(package, look):
    assert look(package(one="@things\ndef hat(): return 1").things)


def test_a_miss_is_answered_with_the_nearest_name(package):
    things = package(one="@things\ndef hat(): pass").things
    with pytest.raises(UnknownName, match=r"No thing named 'hta'\. Did you mean 'hat'\?"):
        things["hta"]


def test_adding_returns_the_entry_unchanged():
    things = Catalog("thing", "")

    def hat() -> int:
        return 1

    assert things(hat) is hat
    assert things.described("a card")(hat) is hat


def test_two_entries_of_one_name_in_two_files_are_refused(package):
    things = package(one="@things\ndef hat(): pass", two="@things\ndef Hat(): pass").things
    with pytest.raises(ValueError, match="two things are named 'hat'"):
        list(things)


def test_a_file_that_is_loaded_again_replaces_its_own_entries(package):
    made = package(one="@things\ndef hat(): return 1")
    assert made.things["hat"]() == 1
    importlib.reload(sys.modules[f"{made.name}.one"])
    assert list(made.things) == ["hat"]


def test_a_file_that_fails_to_import_fails_at_every_look_and_not_only_the_first(package):
    made = package(one="@things\ndef hat(): pass\nimport no_such_module_at_all")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
            made.things["hat"]
    (made.folder / "one.py").write_text(
        f"from {made.name} import things\n@things\ndef hat(): return 3  # repaired\n"
    )
    importlib.invalidate_caches()
    assert made.things["hat"]() == 3


def test_threads_that_look_at_once_all_find_the_entry(package):
    slow = "import time\ntime.sleep(0.2)\n@things\ndef hat(): return 1"
    things = package(a_slow=slow).things
    found = []
    threads = [threading.Thread(target=lambda: found.append("hat" in things)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def test_a_card_is_found_by_its_entrys_name_and_an_unknown_one_is_answered(package):
    things = package(one="@things.described('red')\ndef Hat(): pass").things
    assert things.card("hat") == "red"
    with pytest.raises(UnknownName, match="Did you mean 'hat'"):
        things.card("hatt")


def test_a_refused_entry_leaves_no_card(package):
    things = package(
        one="@things.described('red')\ndef hat(): pass",
        two="@things.described('blue')\ndef hat(): pass",
    ).things
    with pytest.raises(ValueError, match="two things"):
        list(things)
    assert things.cards == {"hat": "red"}
