"""`portrayal prepare SOURCE ...`: one sub-command per source, made from its signature.

A source's own parameters come first (positional ones as arguments), then the options that all
sources share (data/options.py). A parameter that both have, such as `size` of shapes, is one
option with the source's default and goes to both.
"""

import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from portrayal.core.errors import BadOption


def add_sources(app: typer.Typer) -> typer.Typer:
    """The application with a sub-command for every source of the catalogue."""
    from portrayal.data.sources import sources

    for name in sources:
        app.command(name, help=help_of(sources[name]))(command_of(name, sources[name]))
    return app


def help_of(source: Callable[..., Any]) -> str:
    """Help text of a sub-command: the source's first line and an example."""
    examples = {
        "collage": "portrayal prepare collage posts --real tl --badge bl:0.18 --out data/posts",
        "coco": "portrayal prepare coco val2017 annotations/instances_val2017.json --categories "
        "person,bus --filter pencil --size 64 --out data/coco",
        "colorferet": "portrayal prepare colorferet colorferet --filter cartoon --grey reject "
        "--fractions 0.6,0.2,0.2 --out data/feret",
        "cufsf": "portrayal prepare cufsf CUFSF colorferet --size 200x250 --out data/cufsf",
        "domains": "portrayal prepare domains photos paintings --size 128 --out data/paintings",
        "folder": "portrayal prepare folder photos --filter cartoon --size 128 --out data/photos",
        "pairs": "portrayal prepare pairs sketches photos --out data/sketches",
        "shapes": "portrayal prepare shapes --count 1000 --size 64 --out data/shapes",
    }
    name = source.__name__
    first = (source.__doc__ or "").strip().splitlines()[0]
    return f"{first}\n\nExample: {examples.get(name, f'portrayal prepare {name} ... --out DATA')}"


def command_of(name: str, source: Callable[..., Any]) -> Callable[..., None]:
    """A function with the merged signature, for typer."""

    def command(**values: Any) -> None:
        run(name, source, values)

    parameters = merged(source)
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def merged(source: Callable[..., Any]) -> list[inspect.Parameter]:
    """Parameters of a source, then the shared ones it does not have itself, then how to run."""
    from portrayal.data.options import Options

    shared = {
        each.name: each.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY)
        for each, hint in zip(
            inspect.signature(Options).parameters.values(),
            get_type_hints(Options, include_extras=True).values(),
            strict=True,
        )
    }
    hints = get_type_hints(source, include_extras=True)
    own = []
    for each in inspect.signature(source).parameters.values():
        hint = hints[each.name]
        if each.name in shared and not hasattr(hint, "__metadata__"):
            own.append(shared.pop(each.name))
        else:
            shared.pop(each.name, None)
            own.append(each.replace(annotation=hint))
    return [keyword(each) for each in (*own, *shared.values(), *running())]


def keyword(each: inspect.Parameter) -> inspect.Parameter:
    """A parameter as typer wants it: help text becomes an argument or an option."""
    hint, default = each.annotation, each.default
    text = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), None)
    if text is not None:
        positional = each.kind is not inspect.Parameter.KEYWORD_ONLY
        flag = f"--{each.name.replace('_', '-')}"
        shown = typer.Argument(help=text) if positional else typer.Option(flag, help=text)
        hint = Annotated[hint.__origin__, shown]
    return each.replace(annotation=hint, default=default, kind=inspect.Parameter.KEYWORD_ONLY)


def running() -> list[inspect.Parameter]:
    """Options that say how the work is done, and have no say in the data."""

    def ways(
        *,
        out: Annotated[Path, "Folder for the dataset; new or empty. E.g. --out data/faces"],
        workers: Annotated[int | None, "Processes; none: one per core. E.g. --workers 4"] = None,
        shard: Annotated[
            str, "Part I of N of the work, for array jobs; run every part twice. E.g. --shard 3/16"
        ] = "1/1",
        dry_run: Annotated[
            bool, "Look at everything, say what would be done, write nothing. E.g. --dry-run"
        ] = False,
    ) -> None: ...

    hints = get_type_hints(ways, include_extras=True)
    parameters = inspect.signature(ways).parameters.values()
    return [each.replace(annotation=hints[each.name]) for each in parameters]


def run(name: str, source: Callable[..., Any], values: dict[str, Any]) -> None:
    """Prepare and say what came out."""
    from functools import partial

    from portrayal.cli.options import extension_paths, load_extensions
    from portrayal.cli.progress import bar, say
    from portrayal.data.options import Options
    from portrayal.data.prepare import prepare

    own = {key: values[key] for key in inspect.signature(source).parameters}
    shared = {key: values[key] for key in inspect.signature(Options).parameters}
    options = Options(**{**shared, "size": str(shared["size"])})
    extensions = extension_paths(sys.argv)
    outcome = prepare(
        source(**own),
        values["out"],
        options,
        command=command_line(name, source, values),
        arguments={key: value for key, value in own.items() if key not in shared},
        workers=values["workers"],
        shard=parsed_shard(values["shard"]),
        dry_run=values["dry_run"],
        setup=partial(load_extensions, extensions) if extensions else None,
        bar=bar,
    )
    for line in summary(outcome, values["out"], values["shard"]):
        say(line)


def parsed_shard(text: str) -> tuple[int, int]:
    """`3/16` as (3, 16)."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise BadOption(f"--shard {text!r}: give I/N, e.g. --shard 3/16")
    return int(parts[0]), int(parts[1])


def command_line(name: str, source: Callable[..., Any], values: dict[str, Any]) -> str:
    """The command that makes this dataset: what differs from the defaults, not how it was run."""
    words = ["portrayal", "prepare", name]
    positional = inspect.signature(source).parameters
    for each in merged(source):
        value = values[each.name]
        if each.name in ("workers", "shard", "dry_run") or value == each.default or value is None:
            continue
        own = positional.get(each.name)
        flag = f"--{each.name.replace('_', '-')}"
        if own is not None and own.kind is not inspect.Parameter.KEYWORD_ONLY:
            words.append(str(value))
        elif value is True:
            words.append(flag)
        elif each.name == "out":
            words += [flag, value.resolve().name]  # the same bytes wherever the folder lies
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [flag, str(one)]
    return shlex.join(words)


def counted(outcome: Any) -> list[str]:
    """Pictures per split, of unpaired data for each domain."""
    if not outcome.domains:
        counts = ", ".join(f"{count} {split}" for split, count in outcome.counts.items())
        return [f"{'Pictures':<16}{counts}"]
    lines = []
    for side, title in (("source", "Sources"), ("target", "Targets")):
        counts = ", ".join(f"{by[side]} {split}" for split, by in outcome.domains.items())
        lines.append(f"{title:<16}{counts}")
    return lines


def summary(outcome: Any, out: Path, shard: str) -> list[str]:
    """What a person wants to know at the end, and what to do next."""
    if outcome.state == "scanned":
        count = shard.split("/")[1]
        return [
            f"Looked at shard {shard}; {outcome.done} of {count} shards are through. When all are, "
            "run every shard again with the same command: each then writes its pictures."
        ]
    if outcome.state == "written":
        count = shard.split("/")[1]
        return [
            f"Wrote shard {shard}; {outcome.done} of {count} shards are written. "
            "The last one to finish puts the dataset together; nothing else is to be done."
        ]
    lines = counted(outcome)
    if outcome.rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in outcome.rejected.items())
        total = sum(outcome.rejected.values())
        where = "" if outcome.state == "planned" else f" (each in {out / 'rejected.jsonl'})"
        lines.append(f"{'Rejected':<16}{total}: {reasons}{where}")
    if outcome.groups:
        lines.append(f"{'Near-duplicates':<16}{outcome.groups} groups")
    lines += [f"{'Note':<16}{note}" for note in outcome.notes]
    if outcome.state == "planned":
        return [*lines, "Nothing was written (--dry-run)."]
    done = "was finished before" if outcome.again else "written"
    recipe = "cyclegan" if outcome.domains else "pix2pix"
    return [
        *lines,
        f"{'Dataset':<16}{out} ({done})",
        f"{'Next':<16}portrayal inspect {out}   or   "
        f"portrayal train {recipe} {out} --out runs/NAME",
    ]


app = add_sources(
    typer.Typer(
        help="Turn pictures of any kind into a dataset folder.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
    )
)
