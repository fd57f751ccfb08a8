"""Help pages: every option says its type, its default and an example, and docs/help is current."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from portrayal.cli import COMMANDS, complete, load_command

ROOT = Path(__file__).parents[2]


def leaves(name, command):
    """(words, command) of a command, or of all commands of a group."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    else:
        for word, inner in below.items():
            yield from leaves(f"{name} {word}", inner)


EVERY = [leaf for name in COMMANDS for leaf in leaves(name, load_command(name))]
OPTIONS = [
    pytest.param(parameter, id=f"{name} {parameter.opts[0]}")
    for name, command in EVERY
    for parameter in command.params
    if parameter.param_type_name == "option" and parameter.name != "help"
]


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_has_an_example(option):
    assert "e.g. " in option.help.lower() or "example" in option.help.lower(), option.help


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_shows_its_default_or_that_it_is_required(option):
    speaks = option.default is not None and option.default is not False and option.default != []
    named = isinstance(option.show_default, str) or bool(option.secondary_opts)
    assert option.required or named or (speaks and option.show_default)


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_command_says_what_it_does_with_an_example(name, command):
    assert f"portrayal {name}" in command.help
    assert "Example" in command.help


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_argument_is_explained(name, command):
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    assert all(argument.help for argument in arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_commands_say_themselves(name):
    first_paragraph = load_command(name).help.split("\n\n")[0]
    assert " ".join(first_paragraph.split()) == COMMANDS[name]


def test_help_completed_for_typer_keeps_brackets_and_shows_every_default(capsys):
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")

    @app.command()
    def cut(
        size: Annotated[int | None, typer.Option(help="Sides [h,w]. E.g. --size 4")] = None,
        dry: Annotated[bool, typer.Option("--dry", help="Nothing. E.g. --dry")] = False,
    ) -> None:
        """Cut [red]paper[/red]."""

    complete(typer.main.get_command(app)).main(["--help"], standalone_mode=False)
    page = capsys.readouterr().out
    assert "Cut [red]paper[/red]." in page
    assert "Sides [h,w]." in page
    assert "[default: (none)]" in page
    assert "[default: (off)]" in page
    assert "--with" in page


def test_committed_help_pages_are_current(tmp_path):
    script = ROOT / "scripts" / "help_pages.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, cwd=ROOT)
    new = {path.name: path.read_text() for path in tmp_path.glob("*.txt")}
    committed = {path.name: path.read_text() for path in (ROOT / "docs" / "help").glob("*.txt")}
    assert committed.keys() == new.keys(), "run: make help-pages"
    assert [name for name in new if new[name] != committed[name]] == [], "run: make help-pages"


def test_a_help_page_shows_type_default_and_example_of_an_option():
    page = (ROOT / "docs" / "help" / "portrayal_doctor.txt").read_text()
    line = next(line for line in page.splitlines() if "--json" in line)
    assert "<bool>" in line
    assert "E.g. portrayal doctor --json" in line
    assert "[default: (off)]" in page
