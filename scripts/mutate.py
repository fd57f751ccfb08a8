#!/usr/bin/env python3
"""Do the tests notice when the code is wrong? Breaks one thing at a time and runs the tests.

    python scripts/mutate.py src/portrayal/metrics --tests tests/metrics --count 200 --seed 0 \\
        --out /tmp/mutants.jsonl

A mutant changes one operator, comparison, number, condition, argument or returned value. It works
on a copy of the project, never here. Tests of the same name as the mutated file run first, then
all others. The same command goes on where it was stopped; survivors are listed at the end.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


def all_mutants(folder: Path) -> list[Mutant]:
    """Every possible mutant below a folder, in a fixed order."""
    found = []
    for path in sorted(folder.rglob("*.py")):
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


def survives(project: Path, mutant: Mutant, tests: list[str], limit: float) -> str:
    """killed, survived or hung, by the tests in a copy of the project."""
    path = project / mutant.file
    original = path.read_text()
    path.write_text(mutated(original, mutant.place))
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    own = sorted(project.glob(f"tests/**/test_{path.stem}.py"))
    stages = [[*map(str, own)], tests] if own else [tests]
    try:
        for stage in stages:
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *stage]
            done = subprocess.run(
                command, cwd=project, env=environment, capture_output=True, timeout=limit
            )
            if done.returncode:
                return "killed"
        return "survived"
    except subprocess.TimeoutExpired:
        return "hung"
    finally:
        path.write_text(original)


def main() -> None:
    """Draw the mutants, run those that are not done, print the figure and the survivors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=300, help="seconds for one mutant")
    parser.add_argument("--shard", default="1/1", help="part I of N, each with its own --out")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found = all_mutants(options.folder)
    drawn = random.Random(options.seed).sample(found, min(options.count, len(found)))
    part, parts = map(int, options.shard.split("/"))
    drawn = drawn[part - 1 :: parts]
    done = {}
    if options.out.exists():
        for row in map(json.loads, options.out.read_text().splitlines()):
            done[row["file"], row["place"], row["what"]] = row["end"]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "project" / "main"
        shutil.copytree(".", copy, ignore=shutil.ignore_patterns(".git", ".venv", "runs", "demo"))
        if (shared := Path("../shared").resolve()).is_dir():
            (copy.parent / "shared").symlink_to(shared)
        for number, mutant in enumerate(drawn, 1):
            key = (mutant.file, mutant.place, mutant.what)
            if key not in done:
                done[key] = survives(copy, mutant, options.tests, options.limit)
                with options.out.open("a") as file:
                    print(json.dumps({**vars(mutant), "end": done[key]}), file=file)
            print(f"{number}/{len(drawn)} {mutant.file}:{mutant.line} {mutant.what}: {done[key]}")
    ends = [done[m.file, m.place, m.what] for m in drawn]
    killed = len(ends) - ends.count("survived")
    print(f"{killed} of {len(ends)} mutants noticed ({killed / len(ends):.1%}), {len(found)} exist")
    for mutant, end in zip(drawn, ends, strict=True):
        if end == "survived":
            print(f"  survived: {mutant.file}:{mutant.line} {mutant.what}")


if __name__ == "__main__":
    main()
