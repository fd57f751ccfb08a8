#!/usr/bin/env python3
"""Do the tests notice when the code is wrong? Breaks one thing at a time and runs the tests.

    python scripts/mutate.py src/portrayal/metrics --tests tests/metrics --count 200 --seed 0 \\
        --out /tmp/mutants.jsonl

A mutant changes one operator, comparison, number, condition, argument or returned value. It works
on a copy of the project, never here. Tests that import the mutated file run first, then all others,
nearest first, each time in a fork of one process that has loaded the libraries. The same command
goes on where it was stopped, with --again it tries survivors again; they are listed at the end.
"""

import argparse
import ast
import importlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
Change = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """One change: the n-th possible one of a file."""

    file: str
    place: int
    line: int
    what: str


def changes(tree: ast.Module) -> Iterator[tuple[int, str, Change]]:
    """(line, what, how to do it) for everything in a module that can be broken."""
    spared = {id(node) for node in words_and_types(tree)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if id(node) in spared:
            continue
        match node:
            case ast.BinOp(op=op) if type(op) in OPERATORS and not is_type_union(node):
                other = OPERATORS[type(op)]
                yield line, f"{type(op).__name__} -> {other.__name__}", set_to(node, "op", other())
            case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
                opposite = COMPARISONS[type(op)]
                change = set_to(node, "ops", [opposite()])
                yield line, f"{type(op).__name__} -> {opposite.__name__}", change
            case ast.Constant(value=bool(value)):
                yield line, f"{value} -> {not value}", set_to(node, "value", not value)
            case ast.Constant(value=int() | float() as value):
                changed = value + 1 if isinstance(value, int) else value * 1.5 + 0.1
                yield line, f"{value} -> {changed}", set_to(node, "value", changed)
            case ast.BoolOp(op=ast.And()):
                yield line, "and -> or", set_to(node, "op", ast.Or())
            case ast.BoolOp(op=ast.Or()):
                yield line, "or -> and", set_to(node, "op", ast.And())
            case ast.If(test=test) | ast.IfExp(test=test):
                negated = ast.UnaryOp(ast.Not(), test)
                yield line, "if -> if not", set_to(node, "test", negated)
            case ast.UnaryOp(op=ast.USub()):
                yield line, "- dropped", set_to(node, "op", ast.UAdd())
            case ast.UnaryOp(op=ast.Not()):  # the truth of -x is the truth of x
                yield line, "not dropped", set_to(node, "op", ast.USub())


def words_and_types(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes that no test should hold to the letter: error messages and types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Raise):
            yield from ast.walk(node)
        for name in ("annotation", "returns"):
            if isinstance(found := getattr(node, name, None), ast.AST):
                yield from ast.walk(found)


def is_type_union(node: ast.BinOp) -> bool:
    """`A | B` of names at module level is a type, not arithmetic."""
    return isinstance(node.op, ast.BitOr) and isinstance(node.left, ast.Name | ast.Subscript)


def set_to(node: ast.AST, field: str, value: object) -> Change:
    """A change that can be made later."""
    return lambda: setattr(node, field, value)


def python_files(place: Path, pattern: str = "*.py") -> list[Path]:
    """Those below a folder in a fixed order, or the file itself."""
    return [place] if place.is_file() else sorted(place.rglob(pattern))


def all_mutants(folder: Path) -> list[Mutant]:
    """Every possible mutant of a file or below a folder, in a fixed order."""
    found = []
    for path in python_files(folder):
        for place, (line, what, _) in enumerate(changes(ast.parse(path.read_text()))):
            found.append(Mutant(path.as_posix(), place, line, what))
    return found


def mutated(source: str, place: int) -> str:
    """The source with its n-th possible change made."""
    tree = ast.parse(source)
    for index, (_, _, change) in enumerate(list(changes(tree))):
        if index == place:
            change()
    return ast.unparse(ast.fix_missing_locations(tree))


@cache
def imported(path: Path) -> set[str]:
    """Dotted names of what a file imports anywhere, `from a import b` as both a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def dotted(path: Path) -> str:
    """src/a/b.py -> a.b"""
    parts = path.with_suffix("").parts
    return ".".join(parts[parts.index("src") + 1 :]).removesuffix(".__init__")


def nearest_first(mutant: Path, tests: list[Path]) -> tuple[list[Path], list[Path]]:
    """Test files named after the mutated file or closest by imports; the others by distance,
    short ones first."""
    needs = {path: imported(path) for path in sorted(Path("src").rglob("*.py"))}
    reached, ring, distance = {dotted(mutant)}, {dotted(mutant)}, {}
    for step in range(len(needs)):
        for path in tests:
            if imported(path) & ring or (step == 0 and path.stem == f"test_{mutant.stem}"):
                distance.setdefault(path, step)
        ring = {dotted(path) for path, names in needs.items() if names & ring} - reached
        reached |= ring
        if not ring:
            break
    order = sorted(tests, key=lambda path: (distance.get(path, 99), path.stat().st_size))
    least = min(distance.values(), default=0)
    near = [path for path in order if distance.get(path) == least]
    return near, order[len(near) :]


def load_libraries(files: list[Path]) -> None:
    """Import what the files import from elsewhere, once for all forks."""
    for name in sorted({"pytest", *(name for path in files for name in imported(path))}):
        if not name.startswith("portrayal"):
            try:
                importlib.import_module(name)
            except ImportError:  # the name of a function, or a library that is not here
                continue


def run_tests(project: Path, files: list[Path], limit: int) -> None:
    """In a process of its own: ends with pytest's code, or by SIGXCPU."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(project)
    os.environ["PYTHONPATH"] = str(project / "src")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # two mutants of one second look alike
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(project / "src"))
    import pytest

    loaded = "ignore::pytest.PytestAssertRewriteWarning"  # plugins too, and they work
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-W", loaded, *map(str, files)])
    os._exit(int(code))


def verdict(project: Path, stages: list[list[Path]], limit: int) -> str:
    """killed, survived or hung (more than `limit` CPU seconds), by stages of test files."""
    for files in filter(None, stages):
        fork = multiprocessing.get_context("fork")
        process = fork.Process(target=run_tests, args=(project, files, limit))
        process.start()
        process.join(20 * limit)  # on a busy machine
        if process.exitcode is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.exitcode in (None, -signal.SIGXCPU, -signal.SIGKILL):
            return "hung"
        if process.exitcode:
            return "killed"
    return "survived"


def tried(project: Path, mutant: Mutant, stages: list[list[Path]], limit: int) -> str:
    """The verdict on one mutant, made in a copy of the project."""
    path = project / mutant.file
    original = path.read_text()
    path.write_text(mutated(original, mutant.place))
    try:
        return verdict(project, stages, limit)
    finally:
        path.write_text(original)


def copied(scratch: Path) -> Path:
    """A copy of the project with the shared folder beside it."""
    copy = scratch / "project" / "main"
    left = shutil.ignore_patterns(".git", ".venv", "runs", "demo", "__pycache__", ".hypothesis")
    shutil.copytree(".", copy, ignore=left)
    if (shared := Path("../shared").resolve()).is_dir():
        (copy.parent / "shared").symlink_to(shared)
    return copy


def options_of() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tests", nargs="+", required=True, type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=400, help="CPU seconds for one mutant")
    parser.add_argument("--shard", default="1/1", help="part I of N, each with its own --out")
    parser.add_argument("--again", action="store_true", help="try those that survived again")
    parser.add_argument("--near", action="store_true", help="a quick look: no other tests")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Draw the mutants, run those that are not done, print the figure and the survivors."""
    options = options_of()
    os.environ["OMP_NUM_THREADS"] = "1"
    found = all_mutants(options.folder)
    drawn = random.Random(options.seed).sample(found, min(options.count, len(found)))
    part, parts = map(int, options.shard.split("/"))
    drawn = drawn[part - 1 :: parts]
    tests = [path for folder in options.tests for path in python_files(folder, "test_*.py")]
    done = {}
    if options.out.exists():
        for row in map(json.loads, options.out.read_text().splitlines()):
            done[row["file"], row["place"], row["what"]] = row["end"]
    if options.again:
        done = {key: end for key, end in done.items() if end != "survived"}
    load_libraries([*tests, *python_files(options.folder)])
    with tempfile.TemporaryDirectory() as scratch:
        copy = copied(Path(scratch))
        if not options.near and verdict(copy, [tests], options.limit) != "survived":
            sys.exit("The tests fail without any mutant; nothing can be learned.")
        for number, mutant in enumerate(drawn, 1):
            key = (mutant.file, mutant.place, mutant.what)
            if key not in done:
                stages = [*nearest_first(Path(mutant.file), tests)][: 1 if options.near else 2]
                done[key] = tried(copy, mutant, stages, options.limit)
                with options.out.open("a") as file:
                    print(json.dumps({**vars(mutant), "end": done[key]}), file=file)
            line = f"{mutant.file}:{mutant.line} {mutant.what}: {done[key]}"
            print(f"{number}/{len(drawn)} {line}", flush=True)
    if not drawn:
        raise SystemExit(f"{options.folder} holds nothing that could be changed.")
    ends = [done[m.file, m.place, m.what] for m in drawn]
    killed = len(ends) - ends.count("survived")
    print(f"{killed} of {len(ends)} mutants noticed ({killed / len(ends):.1%}), {len(found)} exist")
    for mutant, end in zip(drawn, ends, strict=True):
        if end == "survived":
            print(f"  survived: {mutant.file}:{mutant.line} {mutant.what}")


if __name__ == "__main__":
    main()
