"""Options that several commands share, and files of the user that add to the catalogues."""

import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from portrayal.core.errors import BadData, BadOption

With = Annotated[
    list[Path] | None,
    typer.Option(
        "--with",
        help="Python file whose @filters, @metrics, ... add to the catalogues; may be repeated. "
        "E.g. --with my_filters.py",
    ),
]

RunData = Annotated[
    Path | None, typer.Option(help="The run's dataset, if it moved. E.g. --data datasets/faces")
]
MovedData = Annotated[
    Path | None,
    typer.Option(
        help="Dataset, if it is not where it was: for the pictures. E.g. --data datasets/faces"
    ),
]


SetSearch = Annotated[
    list[str] | None,
    typer.Option("--set", help="Setting of a search; may be repeated. E.g. --set starts=64"),
]


def require_dataset(data: Path | None) -> None:
    """A folder that was given has to be there."""
    if data and not data.is_dir():
        raise BadData(f"No such dataset folder: {data}.")


def extension_paths(arguments: Sequence[str]) -> list[Path]:
    """The files that `--with FILE` or `--with=FILE` name, wherever they stand in a command line.

    >>> [path.name for path in extension_paths(["--with", "a.py", "prepare", "--with=b.py"])]
    ['a.py', 'b.py']
    """
    apart = [Path(after) for before, after in pairwise(arguments) if before == "--with"]
    joined = [Path(text[7:]) for text in arguments if text.startswith("--with=")]
    return apart + joined


def load_extensions(paths: Iterable[Path]) -> None:
    """Execute files of the user, each once, so that their decorators add to the catalogues."""
    for path in paths:
        name = f"portrayal_with_{path.stem}_{abs(hash(path.resolve())):x}"
        if name not in sys.modules:
            load_extension(path, name)


def load_extension(path: Path, name: str) -> None:
    """Execute one file as module `name`; whatever it raises becomes one line naming its line."""
    spec = spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BadOption(f"--with {path}: no such Python file.")
    module = module_from_spec(spec)
    sys.modules[name] = module  # so that its functions can be found again by worker processes
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BadOption(
            f"--with {path}{line_of(error, path)}: {type(error).__name__}: {error}"
        ) from error


def line_of(error: Exception, path: Path) -> str:
    """', line N' where the file itself is in the traceback of `error`."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
    return f", line {lines[-1]}" if lines else ""
