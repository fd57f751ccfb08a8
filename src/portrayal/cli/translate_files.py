"""`portrayal translate` of picture files: a bar, a summary, advice, and what failed."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from portrayal.cli.progress import bar, say
from portrayal.cli.stopping import stoppable, tell
from portrayal.cli.translate_video import say_flicker

if TYPE_CHECKING:
    from portrayal.inference.files import Files, Outcome
    from portrayal.inference.jobs import Job
    from portrayal.inference.translator import How, Translator

LISTED = 100  # failures named at the end; the rest are only counted


def translate_all(
    translator: "Translator",
    jobs: "Iterable[Job]",
    total: int,
    how: "How",
    files: "Files",
    batch: int | None,
    steadily: bool = False,
) -> None:
    """Work through the jobs under a bar, then say what was done and what was not."""
    from portrayal.inference.frames import Flickers, translate_frames
    from portrayal.inference.searching import Losses, answering
    from portrayal.inference.snapshots import searches
    from portrayal.inference.streams import translate_files

    flickers, losses = Flickers(), Losses()
    answer = answering(files, losses) if searches(translator) else None
    failed: list[Outcome] = []
    counts = Counter[str]()
    largest, started = (0, 0), time.monotonic()
    with stoppable(), bar("Translating", total, "pictures") as advance:
        outcomes = (
            translate_frames(translator, jobs, how, files, flickers)
            if steadily
            else translate_files(translator, jobs, how, files, batch=batch, answer=answer)
        )
        for outcome in outcomes:
            counts[outcome.kind if outcome.kind != "skipped" else outcome.reason] += 1
            if outcome.kind == "failed":
                failed.append(outcome)
            largest = max(largest, outcome.size or largest, key=max)
            advance(1)
    done, bad = counts.pop("done", 0), counts.pop("failed", 0)
    skipped = [f"{count} {reason}" for reason, count in sorted(counts.items())]
    took = time.monotonic() - started
    speed = f" ({took:.1f} s, {done / took:.3g} pictures/s)" if done else ""
    parts = [f"{done} of {total} pictures translated", *skipped, f"{bad} failed"]
    say(", ".join(parts) + speed)
    say_flicker(*flickers.means())
    if losses.pictures:
        say(f"Loss of the search: {losses}")
    advise(translator, largest, how)
    list_failures(failed)


def advise(translator: "Translator", largest: tuple[int, int], how: "How") -> None:
    """One line when pictures are much larger than what the model has learned on."""
    trained = translator.training_size
    if trained and not translator.fits(how) and max(largest) > 2 * max(trained):
        tell(
            f"The largest picture is {largest[1]} x {largest[0]}; the model learned on "
            f"{trained[1]} x {trained[0]} and expects things of that size. If the answers look "
            "wrong, try --resize."
        )


def list_failures(failed: "Sequence[Outcome]") -> None:
    """Name every picture that failed and leave with exit code 1, if any did."""
    if not failed:
        return
    for outcome in failed[:LISTED]:
        tell(f"failed: {outcome.name}: {outcome.reason}")
    if len(failed) > LISTED:
        tell(f"and {len(failed) - LISTED} more")
    raise typer.Exit(1)
