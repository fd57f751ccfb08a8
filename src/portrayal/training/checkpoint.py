"""Checkpoints: whole or absent, checked before they are believed, and nothing in them is run.

checkpoints/00000100/      weights.safetensors (all networks, averaged ones under "average."),
                           training.pt (optimisers and the rest, plain data), training_rank1.pt
                           (what another process keeps: shares.py), about.json (SHA-256s)
checkpoints/weights_00000100/   the same without training.pt, for as long as a best_* points to it
checkpoints/best_ssim.json      which of those is best on validation, and its value
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadCheckpoint, BadData, CannotWrite
from portrayal.core.runs import FORMAT, read_json, sync_folder, write_json, writing
from portrayal.core.tensors import Unreadable, short, state_in, tensors_in
from portrayal.training.litter import forget, sweep
from portrayal.training.shares import file_of, own, tell_of_others

Note = Callable[[str], None]
WEIGHTS, TRAINING, ABOUT = "weights.safetensors", "training.pt", "about.json"
OURS = r"weights\.safetensors|training(_rank\d{1,6})?\.pt"
Parts = Mapping[str, Any]  # name -> module, optimiser, pool, ...: state_dict and load_state_dict


def save(
    run: Path,
    parts: Parts,
    about: Mapping[str, Any],
    keep: int = 2,
    others: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write checkpoints/STEP with everything that a resumed run needs; forget the oldest ones.

    `others`: what ranks 1, 2, ... keep of their own.
    """
    folder = store(run, f"{about['step']:08d}", parts, about, with_training=True, others=others)
    forget_older(run, keep)
    return folder


def save_best(
    run: Path, parts: Parts, about: Mapping[str, Any], scores: Mapping[str, float]
) -> None:
    """Write the weights of this step; best_METRIC.json of every given score then names them."""
    folder = store(run, f"weights_{about['step']:08d}", parts, about, with_training=False)
    for metric, value in scores.items():
        best = {"format": FORMAT, "metric": metric, "value": value, "step": about["step"]}
        write_json(run / "checkpoints" / f"best_{metric}.json", {**best, "folder": folder.name})
    forget_beaten(run)


def forget_older(run: Path, keep: int) -> None:
    """Remove all but the newest checkpoints."""
    for old in whole_names(run)[:-keep]:
        forget(run / "checkpoints" / old)


def forget_beaten(run: Path) -> None:
    """Remove weights that no best_METRIC.json names any more."""
    pointers = (run / "checkpoints").glob("best_*.json")
    named = {_pointer(pointer)["folder"] for pointer in pointers}
    for old in (run / "checkpoints").glob("weights_*"):
        if old.name not in named:
            forget(old)


def tidy(run: Path, keep: int) -> None:
    """Remove what a killed process left or no longer removed; for the one who holds the run."""
    sweep(run)
    with suppress(BadCheckpoint, BadData):  # older ones are needed while the newest is damaged
        forget_beaten(run)
        if (names := whole_names(run))[:-keep]:
            _verified(run / "checkpoints" / names[-1])
            forget_older(run, keep)


def best_scores(run: Path) -> dict[str, float]:
    """The best validation value of every metric so far."""
    pointers = (run / "checkpoints").glob("best_*.json")
    return {best["metric"]: best["value"] for best in map(_pointer, sorted(pointers))}


def restore(
    run: Path, parts: Parts, note: Note = lambda text: None, ranks: Ranks = Ranks()
) -> dict[str, Any] | None:
    """Fill `parts` from the newest whole checkpoint; its about.json, or None if there is none."""
    folder, about = _newest(run, note)
    if folder is None:
        return None
    weights = read_tensors(folder)
    training = _read_training(folder / TRAINING)
    if not ranks.first:
        training = {name: state for name, state in training.items() if not own(parts.get(name))}
        if (mine := folder / file_of(ranks.rank)).exists():
            training |= _read_training(mine)
    tell_of_others(parts, folder, ranks, note)
    for name, part in parts.items():
        if isinstance(part, nn.Module) or name == "average":
            load_tensors(part, _under(name, weights), f"{folder}: {name}")
        elif name not in training and own(part) and not ranks.first:
            continue  # more processes than before
        elif name not in training:
            raise BadCheckpoint(f"{folder / TRAINING} holds nothing for {name!r}.")
        else:
            _load_other(part, training[name], f"{folder / TRAINING}: {name}")
    return {"seconds": 0.0, **about}


def read_weights(
    run: Path, which: str = "newest", note: Note = lambda text: None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Networks of a checkpoint ("newest", "best_ssim", "00000100" or "100") and its about.json."""
    folder, about = find(run, which, note)
    return read_tensors(folder), about


def load_tensors(part: Any, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load tensors into a module after checking every name, shape and kind."""
    wanted = part.state_dict()
    if lost := sorted(wanted.keys() ^ tensors.keys()):
        raise BadCheckpoint(
            f"{where} does not fit this network: {len(lost)} names differ, first {lost[0]!r}."
        )
    for key, tensor in wanted.items():
        found = tensors[key]
        if found.shape != tensor.shape or found.is_floating_point() != tensor.is_floating_point():
            raise BadCheckpoint(
                f"{where} does not fit this network: {key} is {tuple(found.shape)} {found.dtype}, "
                f"{tuple(tensor.shape)} {tensor.dtype} is needed."
            )
    part.load_state_dict(tensors)


def whole_names(run: Path) -> list[str]:
    """Names of the checkpoints that can be resumed from, oldest first."""
    folder = run / "checkpoints"
    found = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted(name for name in found if name.isdigit() and len(name) == 8)


def store(
    run: Path,
    name: str,
    parts: Parts,
    about: Mapping[str, Any],
    *,
    with_training: bool,
    others: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write into a hidden folder, then give it its name: a rename happens or does not."""
    parent = run / "checkpoints"
    final, hidden = parent / name, parent / f".{name}.{os.getpid()}.tmp"
    tensors, training = _sorted_out(parts)
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _require_room(parent, tensors, training if with_training else {})
        sweep(run)
        hidden.mkdir()
        try:
            save_file(tensors, hidden / WEIGHTS)
            if with_training:
                torch.save(training, hidden / TRAINING)
            for rank, state in enumerate(others, start=1):
                torch.save(state, hidden / file_of(rank))
            files = {path.name: _hash_synced(path) for path in sorted(hidden.iterdir())}
            write_json(hidden / ABOUT, {"format": FORMAT, **about, "files": files})
            if final.exists():  # the same step again, for example after a broken file was found
                forget(final)
            hidden.rename(final)
            sync_folder(parent)
        except RuntimeError as error:  # torch.save's and safetensors' way to say "disk full"
            raise CannotWrite(f"Cannot write {final}: {str(error).splitlines()[0]}") from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    return final


def _sorted_out(parts: Parts) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of all networks by full name, and the state of everything else."""
    tensors, training = {}, {}
    for name, part in parts.items():
        state = part.state_dict()
        if isinstance(part, nn.Module) or name == "average":
            for key, tensor in state.items():
                tensors[f"{name}.{key}"] = tensor.detach().cpu().contiguous()
        else:
            training[name] = state
    if bad := [n for n, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]:
        raise BadData(
            f"{len(bad)} weights are not finite, first {bad[0]}; this state is not saved. "
            "The last checkpoint is good: lower learning_rate or use --set precision=float32."
        )
    return tensors, training


def _require_room(
    parent: Path,
    tensors: Mapping[str, Tensor],
    training: Mapping[str, Any],
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> None:
    moments = 2 * sum(t.nbytes for t in tensors.values()) if training else 0
    need = sum(t.nbytes for t in tensors.values()) + moments + 2**20
    if (room := free(parent)) < need:
        raise CannotWrite(
            f"Cannot write a checkpoint to {parent}: it needs {need / 1e6:.0f} MB, but only "
            f"{room / 1e6:.0f} MB are free. Older checkpoints are kept; free space and "
            "run the same command again."
        )


def _hash_synced(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest


def _newest(run: Path, note: Note) -> tuple[Path | None, dict[str, Any]]:
    """The newest checkpoint whose files are what about.json says, skipping broken ones aloud."""
    broken = []
    for name in reversed(whole_names(run)):
        folder = run / "checkpoints" / name
        try:
            about = _verified(folder)
        except (BadCheckpoint, BadData) as error:
            broken.append(name)
            note(f"{error} Falling back to the checkpoint before it.")
        else:
            return folder, about
    if broken:
        raise BadCheckpoint(f"All {len(broken)} checkpoints in {run} are damaged; start a new run.")
    return None, {}


def find(
    run: Path, which: str = "newest", note: Note = lambda text: None
) -> tuple[Path, dict[str, Any]]:
    """The folder of a checkpoint whose files are what was written, and its about.json."""
    if which == "newest":
        folder, about = _newest(run, note)
        if folder is None:
            raise BadCheckpoint(
                f"{run} has no checkpoint yet; let portrayal train run a little longer."
            )
        return folder, about
    parent = run / "checkpoints"
    pointer = parent / f"{which}.json"
    name = _pointer(pointer)["folder"] if pointer.exists() else which
    number = name.zfill(8)
    for candidate in (name, number, f"weights_{number}"):
        if (parent / candidate / ABOUT).exists():
            return parent / candidate, _verified(parent / candidate)
    have = whole_names(run) + sorted(path.stem for path in parent.glob("best_*.json"))
    raise BadCheckpoint(f"{run} has no checkpoint {which!r}. It has: {', '.join(have) or 'none'}.")


def _verified(folder: Path) -> dict[str, Any]:
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


def _pointer(path: Path) -> dict[str, Any]:
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


def _read_training(path: Path) -> dict[str, Any]:
    try:
        state = state_in(path)
    except Unreadable as reason:
        raise BadCheckpoint(f"{path} cannot be read: {reason}.") from None
    if not isinstance(state, dict):
        raise BadCheckpoint(f"{path} holds a {type(state).__name__}, not states by name.")
    return state


def _load_other(part: Any, state: Any, where: str) -> None:
    """Load an optimiser or the like; what is stored must be what this part would store."""
    try:
        if isinstance(part, torch.optim.Optimizer):
            _check_optimiser(part, state, where)
        part.load_state_dict(state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise BadCheckpoint(
            f"{where} is not what this part stores: {type(error).__name__}: {short(error)}."
        ) from None


FREE_IN_GROUPS = {"params", "lr", "initial_lr", "fused", "foreach", "capturable"}  # or the device's


def _check_optimiser(part: torch.optim.Optimizer, state: Any, where: str) -> None:
    """Moments need the shapes of their parameters, and groups the settings of this optimiser."""
    parameters = [p for group in part.param_groups for p in group["params"]]
    for index, moments in state["state"].items():
        for key, moment in moments.items():
            wanted = () if key == "step" else parameters[index].shape
            if moment.shape != wanted or not moment.is_floating_point():
                raise BadCheckpoint(
                    f"{where}: {key} of parameter {index} is {tuple(moment.shape)} {moment.dtype}."
                )
    for ours, theirs in zip(part.param_groups, state["param_groups"], strict=True):
        for key in (ours.keys() & theirs.keys()) - FREE_IN_GROUPS:
            if ours[key] != theirs[key] or type(ours[key]) is not type(theirs[key]):
                raise BadCheckpoint(f"{where}: {key} is {theirs[key]!r}, not {ours[key]!r}.")
        if not (isinstance(theirs["lr"], float) and 0 <= theirs["lr"] < float("inf")):
            raise BadCheckpoint(f"{where}: lr is {theirs['lr']!r}, which is no rate.")


def _under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
