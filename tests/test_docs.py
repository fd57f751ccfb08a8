"""Documentation says only what is true: its links, commands, presets, settings and code work."""

import doctest
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import torch

import portrayal
from portrayal.cli import COMMANDS, load_command
from portrayal.cli.options import load_extensions

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGE = Path(portrayal.__file__).parent
WITH_EXAMPLES = [
    ".".join(("portrayal", *file.relative_to(PACKAGE).with_suffix("").parts))
    for file in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


def fenced(page, language):
    """Code blocks of one language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def command_lines():
    """Every `portrayal ...` line in a fenced block, with continued lines joined."""
    for page in PAGES:
        for language in ("", "bash", "console"):
            for block in fenced(page, language):
                for line in block.replace("\\\n", " ").splitlines():
                    words = re.sub(r"^\$ ", "", line).split(" -m ")[-1]
                    if words.startswith("portrayal ") and re.match(r"\$ |port|torchrun", line):
                        yield pytest.param(words.split("   ")[0], id=f"{page.name}: {words[:60]}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", prose)
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("line", list(command_lines()))
def test_every_command_in_the_pages_exists_with_its_options(line):
    words = shlex.split(line, comments=True)[1:]
    command = load_command(words[0]) if words[0] in COMMANDS else None
    if words[0].startswith("--"):
        return
    assert command is not None, f"no command {words[0]}"
    below = getattr(command, "commands", {})
    if len(words) > 1 and words[1] in below:
        command = below[words[1]]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    used = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
    assert used - known - {"--help"} == set()


def test_every_preset_and_every_setting_is_described():
    from portrayal.recipes import part_of, recipes
    from portrayal.training.settings import Settings

    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    wanted = set(Settings.model_fields)
    for name in recipes:
        if recipes[name].__module__.startswith("portrayal.recipes."):
            wanted |= set(part_of(recipes[name], "Config").model_fields)
            wanted |= set(part_of(recipes[name], "PRESETS"))
            wanted.add(name)
    assert {
        name for name in wanted if f"`{name}`" not in text and f"| {name} |" not in text
    } == set()


def test_the_floors_in_the_design_are_the_floors_of_the_test():
    layers = (ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8")
    floors = {
        package: int(number)
        for packages, number in re.findall(r"fromkeys\(\((.*?)\), (\d)\)", layers)
        for package in re.findall(r'"(\w+)"', packages)
    }
    drawn = {
        package: int(number)
        for number, packages in re.findall(
            r"^(\d)  ((?:[a-z]+ {1,3})+)", (ROOT / "docs" / "design.md").read_text(), re.M
        )
        for package in packages.split()
    }
    assert floors.items() <= drawn.items()
    assert len(floors) == 15


def test_the_rooms_in_the_design_are_the_files_that_stand():
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    drawn, packages = [], []
    for line in text.split("## Rooms")[1].split("```")[1].splitlines():
        if found := re.match(r"((?:  )*)(\w+)/ ", line):
            packages[len(found[1]) // 2 - 1 :] = [found[2]]
        drawn += ["/".join([*packages, name]) for name in re.findall(r"\b\w+\.py\b", line)]
    stands = [file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("[!_]*.py")]
    assert sorted(drawn) == sorted(stands)


def test_files_named_in_the_code_stand():
    """In docstrings and comments: x.py is in the same package, room/x.py anywhere."""
    gone = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for line in file.read_text(encoding="utf-8").splitlines():
            for name in re.findall(r"(?<![\w/.-])(?!my_)((?:[a-z_]+/)*[a-z_]{2,}\.py)\b", line):
                places = (file.parent, *file.parent.parents)
                if not any((place / name).exists() for place in places):
                    gone.append(f"{file.relative_to(PACKAGE)}: {name}")
    assert gone == []


def test_the_recipe_in_the_documentation_trains_and_translates(tmp_path):
    from portrayal.core.devices import Place
    from portrayal.data.batch import Batch
    from portrayal.recipes import part_of, recipes
    from portrayal.training.settings import Settings

    (code,) = (
        block for block in fenced(ROOT / "docs" / "recipes.md", "python") if "@recipes" in block
    )
    (tmp_path / "plain.py").write_text(code)
    load_extensions([tmp_path / "plain.py"])
    plain = recipes["plain"]
    recipe = plain(part_of(plain, "Config")(width=4), Settings(), Place(torch.device("cpu")))
    batch = Batch(torch.zeros(2, 3, 64, 64), torch.ones(2, 3, 64, 64), ["a", "b"])
    losses = [float(recipe.step(batch, 0.0)["l1"]) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert recipe.translate(batch.source).shape == batch.source.shape
    del recipes.entries["plain"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_pages_compiles(page):
    for block in fenced(page, "python"):
        compile(block.replace(": ...  #", ": pass  #"), page.name, "exec")


def test_the_changelog_knows_this_version():
    assert f"## [{portrayal.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_come_out_as_they_say(module):
    result = doctest.testmod(import_module(module))
    assert result.attempted
    assert result.failed == 0


def test_a_licence_lies_beside_the_code():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
