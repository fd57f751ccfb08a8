"""One call of `prepare`: its files while it works, and what it leaves behind.

OUT/.partial/options.json               what the folder was begun with
OUT/.partial/scan-1-of-4.sqlite         facts of the pictures of shard 1; with .done when whole
OUT/.partial/write-1-of-4.sqlite        metadata lines of shard 1; with .done when whole
OUT/.partial/pictures/SPLIT/...         the pictures
OUT/.partial/manifest.json              all is made; only renames are left
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from portrayal import __version__
from portrayal.core.errors import CannotWrite
from portrayal.core.runs import read_json, write_json, writing
from portrayal.data.options import Options
from portrayal.data.scan import Shard
from portrayal.data.sources import Source
from portrayal.data.split import SPLITS
from portrayal.data.spread import Bar

PARTIAL = ".partial"
NOT_THE_DATA = ("bad_limit",)  # options that may differ when the same command is run again
OF_THE_PLAN = (  # not of the scan
    *("fractions", "counts", "seed", "subject", "table", "test_names"),
    *("variants", "variant_styles"),
)


@dataclass(frozen=True)
class Outcome:
    """What `prepare` did: finished a dataset, or part of it, or only said what it would do."""

    state: Literal["finished", "scanned", "written", "planned"]
    counts: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    groups: int = 0  # of near-duplicates
    notes: list[str] = field(default_factory=list)
    done: int = 1  # shards that are through this stage
    again: bool = False  # the folder was finished already
    domains: dict[str, dict[str, int]] = field(default_factory=dict)  # of unpaired data


@dataclass(frozen=True)
class Job:
    """One call of `prepare`."""

    source: Source
    options: Options
    out: Path
    shard: Shard
    workers: int
    setup: Callable[[], None] | None
    bar: Bar

    @property
    def partial(self) -> Path:
        """Where the work lies until it is finished."""
        return self.out / PARTIAL

    @property
    def pictures(self) -> Path:
        """Where the splits lie until they are finished."""
        return self.partial / "pictures"

    def file(self, stage: str, index: int, suffix: str) -> Path:
        """A file of one stage and shard."""
        return self.partial / f"{stage}-{index}-of-{self.shard.count}{suffix}"

    def through(self, stage: str) -> int:
        """How many shards are through a stage."""
        return sum(self.file(stage, index, ".done").exists() for index in self.shard.every())


def publish(job: Job) -> Outcome:
    """Move what is whole to its place; every step is a rename, and the manifest comes last."""
    with writing(job.out):
        for split in SPLITS:
            if (job.pictures / split).exists():
                (job.pictures / split).rename(job.out / split)
        for name in ("rejected.jsonl", "manifest.json"):
            if (job.partial / name).exists():
                (job.partial / name).replace(job.out / name)
        shutil.rmtree(job.partial, ignore_errors=True)  # another shard may just be looking at it
    return outcome_of(read_json(job.out / "manifest.json"))


def outcome_of(manifest: dict[str, Any], again: bool = False) -> Outcome:
    """The outcome that a finished dataset tells."""
    return Outcome(
        "finished",
        manifest["counts"],
        manifest["rejected"],
        manifest["near_duplicate_groups"],
        manifest["notes"],
        again=again,
        domains=manifest.get("domains", {}),
    )


def finished_before(job: Job, every_option: dict[str, Any]) -> Outcome | None:
    """The outcome when this very command has finished; refuses a folder that is something else."""
    if (job.out / "manifest.json").exists():
        manifest = read_json(job.out / "manifest.json")
        refuse_other(job.out, manifest.get("options", {}), every_option, "was made")
        if job.partial.exists():  # killed while removing it
            shutil.rmtree(job.partial)
        return outcome_of(manifest, again=True)
    if job.out.exists() and not job.out.is_dir():
        raise CannotWrite(f"{job.out} is a file. Choose another --out.")
    if job.out.exists() and not job.partial.exists():
        other = sorted(path.name for path in job.out.iterdir() if not path.name.startswith("."))
        if other:
            raise CannotWrite(
                f"{job.out} is not empty: it holds {other[0]!r}"
                + (f" and {len(other) - 1} more" if len(other) > 1 else "")
                + ". Choose another --out."
            )
    return None


def claim(job: Job, every_option: dict[str, Any]) -> None:
    """Mark the folder as begun with these options; refuses one that was begun with others.

    While no picture is written, other options are welcome: the scan is kept if it still holds.
    """
    path = job.partial / "options.json"
    mine = {**every_option, "shards": job.shard.count, "version": __version__}
    if not path.exists():
        write_json(path, mine)
        return
    theirs = read_json(path)
    if job.pictures.exists() or job.shard.count > 1 or theirs.get("shards") != 1:
        refuse_other(job.out, theirs, mine, "was begun")
        return
    differ = {name for name in {**theirs, **mine} if theirs.get(name) != mine.get(name)}
    if differ - {*NOT_THE_DATA, *OF_THE_PLAN}:
        for old in job.partial.glob("scan-*"):
            old.unlink()
    write_json(path, mine)


def refuse_other(
    out: Path, theirs: dict[str, Any], mine: dict[str, Any], how: Literal["was made", "was begun"]
) -> None:
    """One line when a folder is in use by other options, with the first one that differs."""
    names = [name for name in {**theirs, **mine} if name not in NOT_THE_DATA]
    for name in names:
        if theirs.get(name) != mine.get(name):
            flag = name.replace("_", "-")
            raise CannotWrite(
                f"{out} is in use: it {how} with {flag} {theirs.get(name)}, not {mine.get(name)}. "
                "Choose another --out, or delete it."
            )


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON gives them back."""
    return dict(json.loads(json.dumps(options, default=str)))
