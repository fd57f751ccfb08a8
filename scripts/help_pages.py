"""Write the help page of every command as a text file: python scripts/help_pages.py [FOLDER].

FOLDER is docs/help if not given (`make help-pages`). Files of commands that are gone are removed.
"""

import os

os.environ.update(COLUMNS="100", TERM="dumb", NO_COLOR="1")  # before typer looks at the terminal

import io
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from portrayal.cli import COMMANDS, answer, load_command


def command_lines() -> Iterator[list[str]]:
    """Words of every command and sub-command, beginning with the program itself."""
    yield []
    for name in COMMANDS:
        yield [name]
        yield from ([name, below] for below in sorted(getattr(load_command(name), "commands", {})))


def help_page(words: list[str]) -> str:
    """What `portrayal WORDS --help` prints, without spaces at the ends of lines."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = answer([*words, "--help"])
    assert code == 0, f"portrayal {' '.join(words)} --help: exit code {code}"
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()).strip("\n") + "\n"


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/help")
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"_".join(["portrayal", *words]): help_page(words) for words in command_lines()}
    for gone in {path.stem for path in folder.glob("*.txt")} - pages.keys():
        (folder / f"{gone}.txt").unlink()
    for name, page in pages.items():
        (folder / f"{name}.txt").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
