"""Which checkpoints a run has, whether one is what was written, and what its files hold."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from portrayal.core.errors import BadCheckpoint, BadData
from portrayal.core.runs import FORMAT, read_json
from portrayal.core.tensors import Unreadable, state_in, tensors_in

Note = Callable[[str], None]
WEIGHTS, TRAINING, ABOUT = "weights.safetensors", "training.pt", "about.json"
OURS = r"weights\.safetensors|training(_rank\d{1,6})?\.pt"


def whole_names(run: Path) -> list[str]:
    """Names of the checkpoints that can be resumed from, oldest first."""
    folder = run / "checkpoints"
    found = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted(name for name in found if name.isdigit() and len(name) == 8)


def best_scores(run: Path) -> dict[str, float]:
    """The best validation value of every metric so far."""
    pointers = (run / "checkpoints").glob("best_*.json")
    return {best["metric"]: best["value"] for best in map(pointer_in, sorted(pointers))}


def best_names(run: Path) -> list[str]:
    """Names that stand for the best weights by a metric, such as "best_l1", where those are."""
    parent = run / "checkpoints"
    pointers = sorted(parent.glob("best_*.json"))
    return [p.stem for p in pointers if (parent / pointer_in(p)["folder"] / ABOUT).exists()]


def read_weights(
    run: Path, which: str = "newest", note: Note = lambda text: None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Networks of a checkpoint ("newest", "best_ssim", "00000100" or "100") and its about.json."""
    folder, about = find(run, which, note)
    return read_tensors(folder), about


def find(
    run: Path, which: str = "newest", note: Note = lambda text: None
) -> tuple[Path, dict[str, Any]]:
    """The folder of a checkpoint whose files are what was written, and its about.json."""
    if which == "newest":
        folder, about = newest(run, note)
        if folder is None:
            bests = best_names(run)
            only = f", only {', '.join(bests)}: add --checkpoint {bests[0]}, or" if bests else ";"
            raise BadCheckpoint(
                f"{run} has no checkpoint yet{only} let portrayal train run a little longer."
            )
        return folder, about
    parent = run / "checkpoints"
    pointer = parent / f"{which}.json"
    name = pointer_in(pointer)["folder"] if pointer.exists() else which
    number = name.zfill(8)
    for candidate in (name, number, f"weights_{number}"):
        if (parent / candidate / ABOUT).exists():
            return parent / candidate, verified(parent / candidate)
    have = whole_names(run) + best_names(run)
    raise BadCheckpoint(f"{run} has no checkpoint {which!r}. It has: {', '.join(have) or 'none'}.")


def newest(run: Path, note: Note) -> tuple[Path | None, dict[str, Any]]:
    """The newest checkpoint whose files are what about.json says, skipping broken ones aloud."""
    broken = []
    for name in reversed(whole_names(run)):
        folder = run / "checkpoints" / name
        try:
            about = verified(folder)
        except (BadCheckpoint, BadData) as error:
            broken.append(name)
            note(f"{error} Falling back to the checkpoint before it.")
        else:
            return folder, about
    if broken:
        others = "".join(f", or take --checkpoint {name}" for name in best_names(run)[:1])
        raise BadCheckpoint(
            f"All {len(broken)} checkpoints in {run} are damaged; start a new run{others}."
        )
    return None, {}


def verified(folder: Path) -> dict[str, Any]:
    """about.json of a checkpoint whose files are what it says."""
    about = read_json(folder / ABOUT)
    if about.get("format") != FORMAT:
        raise BadCheckpoint(
            f"{folder} has format {about.get('format')}, this version reads {FORMAT}."
        )
    _check_about(about, folder / ABOUT)
    for name, wanted in about["files"].items():
        path = folder / name
        if not path.is_file():  # nor a pipe, which would block
            raise BadCheckpoint(f"{folder} is damaged: {name} is missing.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise BadCheckpoint(f"{folder} is damaged: {name} is not what was written.")
    return about


def _check_about(about: Mapping[str, Any], path: Path) -> None:
    """Refuse an about.json that we would not write: it names the files that are read."""
    files, networks = about.get("files"), about.get("networks", [])
    if not (
        isinstance(files, dict)
        and WEIGHTS in files
        and all(re.fullmatch(OURS, name) for name in files)
        and isinstance(networks, list)
        and all(isinstance(name, str) for name in networks)
        and about.get("step") == int(path.parent.name[-8:])
        and 0 <= _number(about.get("seconds", 0)) < float("inf")
    ):
        raise BadCheckpoint(f"{path} is not what portrayal writes; use another checkpoint.")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else -1.0


def pointer_in(path: Path) -> dict[str, Any]:
    """A best_METRIC.json: metric, value, step and the folder it names, which is one of ours."""
    best = read_json(path)
    folder = best.get("folder")
    if not (isinstance(folder, str) and re.fullmatch(r"(weights_)?\d{8}", folder)):
        raise BadCheckpoint(f"{path} names no checkpoint: {str(folder)[:60]!r}; delete it.")
    if not isinstance(best.get("metric"), str) or type(best.get("value")) not in (int, float):
        raise BadCheckpoint(f"{path} names no score; delete it.")
    return best


def read_tensors(folder: Path, *, shapes_only: bool = False) -> dict[str, Tensor]:
    """Networks of a checkpoint; `shapes_only`: on the meta device, which takes no memory."""
    try:
        return tensors_in(folder / WEIGHTS, shapes_only=shapes_only)
    except Unreadable as reason:
        raise BadCheckpoint(f"{folder / WEIGHTS} cannot be read: {reason}.") from None


def read_training(path: Path) -> dict[str, Any]:
    """What a checkpoint keeps beside the networks: states by name."""
    try:
        state = state_in(path)
    except Unreadable as reason:
        raise BadCheckpoint(f"{path} cannot be read: {reason}.") from None
    if not isinstance(state, dict):
        raise BadCheckpoint(f"{path} holds a {type(state).__name__}, not states by name.")
    return state
