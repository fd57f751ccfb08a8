"""The house stays as designed: who imports whom, who may not wait for torch, what is readable."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import portrayal

ROOT = Path(portrayal.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FLOOR = {
    **dict.fromkeys(("core",), 0),
    **dict.fromkeys(("networks", "features", "filters", "reports"), 1),
    **dict.fromkeys(("data", "losses", "metrics"), 2),
    **dict.fromkeys(("training",), 3),
    **dict.fromkeys(("recipes",), 4),
    **dict.fromkeys(("inference",), 5),
    **dict.fromkeys(("evaluation", "export"), 6),
    **dict.fromkeys(("web",), 7),
    **dict.fromkeys(("cli",), 8),
}
WITHOUT_TORCH = (
    "portrayal",
    "portrayal.__main__",
    "portrayal.core.catalog",
    "portrayal.core.errors",
    "portrayal.core.images",
    "portrayal.core.runs",
    "portrayal.core.seeds",
    "portrayal.filters",
    "portrayal.features.faces",
    "portrayal.data.prepare",
    "portrayal.data.select",
    "portrayal.data.manifest",
    "portrayal.data.audit",
    "portrayal.data.item",
    "portrayal.data.sources",
    *(f"portrayal.reports.{path.stem}" for path in sorted((ROOT / "reports").glob("[!_]*.py"))),
    *(f"portrayal.filters.{path.stem}" for path in sorted((ROOT / "filters").glob("[!_]*.py"))),
    *(f"portrayal.cli.{path.stem}" for path in sorted((ROOT / "cli").glob("[!_]*.py"))),
)
CATALOGUES = (
    "filters.filters",
    "networks.networks",
    "losses.losses",
    "metrics.metrics",
    "data.sources.sources",
    "recipes.recipes",
)


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Full names of all modules that a file imports anywhere, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_imports(here: str, code: str) -> list[str]:
    """Packages of portrayal that a file of package `here` must not import."""
    parts = (name.split(".") for name in imported_modules(ast.parse(code)))
    seen = {part[1] for part in parts if part[0] == "portrayal" and len(part) > 1}
    return sorted(
        there for there in seen & FLOOR.keys() if there != here and FLOOR[there] >= FLOOR[here]
    )


def packages_of_a_floor(file: Path) -> str | None:
    """The package a file belongs to; None for portrayal/__init__.py and __main__.py."""
    parts = file.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else None


def test_imports_point_downwards():
    wrong = {
        str(file.relative_to(ROOT)): bad
        for file in FILES
        if (package := packages_of_a_floor(file))
        and (bad := wrong_imports(package, file.read_text(encoding="utf-8")))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("here", "code"),
    [
        ("core", "from portrayal.data.item import Item"),
        ("losses", "import portrayal.metrics.pixel"),  # the same floor
        ("training", "def late():\n    from portrayal.recipes import recipes"),
        ("networks", "from portrayal import training"),
    ],
)
def test_an_import_upwards_or_sideways_is_found_however_it_is_written(here, code):
    assert wrong_imports(here, code)


def test_every_package_has_a_floor():
    packages = {path.parent.relative_to(ROOT).parts[0] for path in ROOT.glob("*/__init__.py")}
    assert packages <= FLOOR.keys()


def test_only_the_command_line_prints():
    printing = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in FILES
        if packages_of_a_floor(file) not in ("cli", None)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not printing


def test_torchvision_is_never_imported():
    guilty = [
        str(file.relative_to(ROOT))
        for file in FILES
        if any(
            name.split(".")[0] == "torchvision"
            for name in imported_modules(ast.parse(file.read_text(encoding="utf-8")))
        )
    ]
    assert not guilty


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_needs_no_torch_does_not_wait_for_it(module):
    code = f"import sys, {module}; print(*sorted({{'torch', 'torchvision'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_every_catalogue_entry_says_what_it_does(path):
    package, name = path.rsplit(".", 1)
    catalogue = getattr(import_module(f"portrayal.{package}"), name)
    assert [entry for entry in catalogue if not catalogue[entry].__doc__] == []


def test_files_stay_short_enough_to_read():
    long = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in FILES}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_functions_stay_short_enough_to_read():
    long = {
        f"{file.relative_to(ROOT)}:{node.name}": lines
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.body[0].lineno + 1) > 52
    }
    assert long == {}
