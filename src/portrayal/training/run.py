"""Opening a run folder: start it, go on with it, or say in one line why neither is possible."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadCheckpoint, BadData, BadOption, CannotWrite
from portrayal.core.locks import locked
from portrayal.core.runs import FORMAT, read_json, write_json
from portrayal.training.checkpoint import tidy
from portrayal.training.reading import whole_names
from portrayal.training.settings import FREE_TO_CHANGE, RUN_LENGTH, Settings


@contextmanager
def opened(run: Path, config: Mapping[str, Any], ranks: Ranks = Ranks()) -> Iterator[int]:
    """Hold the run folder, writing config.json if it is new; yields the steps already done."""
    if not ranks.first:
        yield _done(run)
        return
    resumes = (run / "config.json").exists()
    if resumes:
        refuse_changes(run, read_json(run / "config.json"), config)
    else:
        refuse_foreign(run)
    with locked(run / ".lock", run):
        if not resumes:
            write_json(run / "config.json", config)
        tidy(run, config["settings"]["keep"])
        yield _done(run)


def refuse_foreign(run: Path) -> None:
    """A new run needs a new or an empty folder; what a killed start left behind is hidden."""
    if run.exists() and not run.is_dir():
        raise CannotWrite(f"{run} is a file; choose another --out.")
    names = sorted(path.name for path in run.iterdir()) if run.exists() else []
    if "checkpoints" in names:
        raise BadCheckpoint(
            f"{run} is a half-written run: it has checkpoints but no config.json. "
            "Choose another --out, or remove the folder."
        )
    if seen := [name for name in names if not name.startswith(".")]:
        raise CannotWrite(
            f"{run} is in use by something else: it holds {seen[0]!r}. Choose another --out."
        )


def _done(run: Path) -> int:
    names = whole_names(run)
    return int(names[-1]) if names else 0


def refuse_changes(run: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """The same command resumes; another recipe, data set or setting is another run."""
    if old.get("format") != FORMAT:
        raise BadCheckpoint(
            f"{run} was written in run format {old.get('format')}, this version reads {FORMAT}. "
            "Use the version that wrote it, or start a new run with another --out."
        )
    try:
        differing = changes(old, new)
        data = str(old["data"]["sha256"]), str(new["data"]["sha256"])
    except (KeyError, TypeError, AttributeError):
        raise BadCheckpoint(f"{run / 'config.json'} is not whole; choose another --out.") from None
    if length := [text for name, text in differing.items() if name in RUN_LENGTH]:
        raise BadOption(
            f"{run} cannot be prolonged or shortened ({', '.join(length)}): its schedules depend "
            "on the length, so another length is another run. Use another --out."
        )
    if differing:
        raise BadOption(
            f"{run} was started with other choices ({', '.join(differing.values())}). Repeat the "
            "first command to go on, or use another --out."
        )
    if data[0] != data[1]:
        raise BadData(
            f"{run} was started on other data ({data[0][:12]}, now {data[1][:12]}). Use the same "
            "data to go on, or another --out."
        )


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Choices that touch what is learned and differ: name -> "width 64, now 32"."""
    younger = Settings().model_dump(mode="json")  # settings that the run's version did not have
    flat_old, flat_new = (
        {**younger, "recipe": c["recipe"], **c["config"], **c["settings"]} for c in (old, new)
    )
    flat_new = json.loads(json.dumps(flat_new))  # tuples become lists, as in the file
    return {
        name: f"{name} {flat_old.get(name)}, now {flat_new.get(name)}"
        for name in sorted(flat_old.keys() | flat_new.keys())
        if name not in FREE_TO_CHANGE and flat_old.get(name) != flat_new.get(name)
    }
