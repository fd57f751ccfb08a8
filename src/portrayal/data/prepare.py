"""Pictures of any kind -> a dataset folder: scan, plan, write, merge.

OUT/.partial/ holds everything until the end (see job.py). Killed at any time, the same command goes
on. The last step moves the splits to OUT, then manifest.json, and removes .partial: a dataset
folder is whole or has no manifest.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, BadOption, Interrupted
from portrayal.core.locks import Busy, locked
from portrayal.core.runs import write_json
from portrayal.data.columns import refuse_bad, rejected, remarks
from portrayal.data.job import Job, Outcome, claim, finished_before, plain, publish
from portrayal.data.manifest import counted, write_manifest, write_metadata, write_rejected
from portrayal.data.options import Options
from portrayal.data.plan import Plan, Planned, dropped, make_plan, planned
from portrayal.data.scan import Shard, database, reading, scan
from portrayal.data.sources import Source
from portrayal.data.spread import Bar, cores, silent
from portrayal.data.variants import refuse_wrong, row_counts, with_variants
from portrayal.data.write import WRITTEN, write


def prepare(
    source: Source,
    out: Path,
    options: Options,
    *,
    command: str = "",
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    shard: tuple[int, int] = (1, 1),
    dry_run: bool = False,
    setup: Callable[[], None] | None = None,
    bar: Bar = silent,
) -> Outcome:
    """Make the dataset folder `out`, or one shard of it. `arguments`: the source's own."""
    if not 1 <= shard[0] <= shard[1]:
        raise BadOption(f"--shard {shard[0]}/{shard[1]}: give I/N with I from 1 to N, e.g. 2/8.")
    if workers is not None and workers < 1:
        raise BadOption(f"--workers is {workers}, but must be at least 1.")
    if source.single and not options.filter:
        raise BadOption(
            "These are single pictures: say how the source is made from each, "
            "e.g. --filter cartoon (or --filter none to leave it as it is)."
        )
    refuse_wrong(options, single=source.single)
    job = Job(source, options.checked(), out, Shard(*shard), workers or cores(), setup, bar)
    every_option = plain({**(arguments or {}), **asdict(options)})
    if dry_run:
        return rehearse(job)
    if finished := finished_before(job, every_option):
        return finished
    try:
        with locked(job.partial / f"lock-{shard[0]}", out):
            claim(job, every_option)
            if (job.partial / "manifest.json").exists():
                return publish(job)
            return work(job, every_option, command)
    except KeyboardInterrupt:
        raise Interrupted("Stopped; the same command goes on from here.", 130) from None


def work(job: Job, every_option: dict[str, Any], command: str) -> Outcome:
    """The stages that this shard has not been through."""
    if not job.file("scan", job.shard.index, ".done").exists():
        scan_shard(job, job.file("scan", job.shard.index, ".sqlite"))
        write_json(job.file("scan", job.shard.index, ".done"), {})
    if (done := job.through("scan")) < job.shard.count:
        return Outcome("scanned", done=done)
    with ExitStack() as stack:
        scans = [
            stack.enter_context(closing(reading(job.file("scan", index, ".sqlite"))))
            for index in job.shard.every()
        ]
        plan = decided(job, scans)
        write_shard(job, plan, scans)
        return put_together(job, plan, scans, every_option, command)


def put_together(
    job: Job,
    plan: Plan,
    scans: list[sqlite3.Connection],
    every_option: dict[str, Any],
    command: str,
) -> Outcome:
    """Finish the dataset if every shard is written and no other shard is at it or has done it."""
    if finished := finished_before(job, every_option):
        return finished
    if (done := job.through("write")) < job.shard.count:
        return Outcome("written", done=done)
    try:
        with locked(job.partial / "lock-merge", job.out):
            if finished := finished_before(job, every_option):
                return finished
            merge(job, plan, scans, every_option, command)
            return publish(job)
    except Busy:
        return Outcome("written", done=job.shard.count)


def scan_shard(job: Job, path: Path) -> None:
    """Look at every picture of the shard."""
    total = sum(1 for _ in job.source.names())
    mine = total if job.shard.count == 1 else sum(map(job.shard.holds, job.source.names()))
    with closing(database(path)) as connection:
        known = connection.execute("SELECT COUNT(*) FROM facts").fetchone()[0]
        with job.bar("Looking", total=mine, unit="pictures", done=known) as advance:
            scan(
                job.source,
                job.options,
                connection,
                job.shard,
                total,
                workers=job.workers,
                setup=job.setup,
                advance=advance,
            )
        refuse_bad([connection], job.options, total)


def decided(job: Job, scans: list[sqlite3.Connection]) -> Plan:
    """The plan, if there is anything to plan with."""
    query = "SELECT COUNT(*), COUNT(reason) FROM facts"
    counts = [connection.execute(query).fetchone() for connection in scans]
    total, gone = (sum(column) for column in zip(*counts, strict=True))
    refuse_bad(scans, job.options, total)
    if total == gone:
        reasons = counted(reason for _, reason in rejected(scans))
        listed = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
        raise BadData(f"None of {total} pictures is left ({listed}). Reject less.")
    plan = make_plan(scans, job.options, distinct=job.source.distinct)
    plan.notes += [*job.source.notes(), *remarks(scans)]
    return plan


def write_shard(job: Job, plan: Plan, scans: list[sqlite3.Connection]) -> None:
    """Write the pictures of this shard."""
    done = job.file("write", job.shard.index, ".done")
    if done.exists():
        return
    mine = job.shard.index - 1

    def pictures() -> Iterator[Planned]:
        mine_only = (each for each in planned(scans, plan, job.options) if each.shard == mine)
        return with_variants(mine_only, job.options)

    total = sum(1 for _ in pictures())
    path = job.file("write", job.shard.index, ".sqlite")
    bar = job.bar("Writing", total=total, unit="pictures")
    with closing(database(path, WRITTEN)) as connection, bar as advance:
        write(
            job.source,
            job.options,
            pictures(),
            job.pictures,
            connection,
            workers=job.workers,
            setup=job.setup,
            advance=advance,
        )
    write_json(done, {})


def merge(
    job: Job,
    plan: Plan,
    scans: list[sqlite3.Connection],
    every_option: dict[str, Any],
    command: str,
) -> None:
    """Write the files that speak of all pictures, the manifest last."""
    with ExitStack() as stack:
        written = [
            stack.enter_context(closing(reading(job.file("write", index, ".sqlite"))))
            for index in job.shard.every()
        ]
        sha256 = write_metadata(job.pictures, written)
    write_manifest(
        job.partial / "manifest.json",
        size=job.options.height_width(),
        counts=row_counts(plan.counts(), job.options),
        domains=plan.domains() if job.source.apart else None,
        options=every_option,
        source=job.source.title,
        generated=job.source.distinct,
        command=command,
        rejected=write_rejected(job.partial / "rejected.jsonl", dropped(scans, plan)),
        groups=plan.groups(),
        notes=plan.notes,
        sha256=sha256,
    )


def rehearse(job: Job) -> Outcome:
    """What would be done; writes to a temporary folder only."""
    with tempfile.TemporaryDirectory(prefix="portrayal-") as folder:
        trial = replace(job, out=Path(folder), shard=Shard())
        scan_shard(trial, trial.file("scan", 1, ".sqlite"))
        with closing(reading(trial.file("scan", 1, ".sqlite"))) as connection:
            plan = decided(trial, [connection])
            reasons = counted(reason for _, reason in dropped([connection], plan))
    counts = row_counts(plan.counts(), job.options)
    domains = plan.domains() if job.source.apart else {}
    return Outcome("planned", counts, reasons, plan.groups(), plan.notes, domains=domains)
