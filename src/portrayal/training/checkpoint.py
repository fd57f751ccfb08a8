"""Checkpoints: whole or absent, checked before they are believed, and nothing in them is run.

checkpoints/00000100/      weights.safetensors (all networks, averaged ones under "average."),
                           training.pt (optimisers and the rest, plain data), training_rank1.pt
                           (what another process keeps: shares.py), about.json (SHA-256s)
checkpoints/weights_00000100/   the same without training.pt, for as long as a best_* points to it
checkpoints/best_ssim.json      which of those is best on validation, and its value
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from portrayal.core.errors import BadCheckpoint, BadData, CannotWrite
from portrayal.core.runs import FORMAT, sync_folder, write_json, writing
from portrayal.training.litter import forget, sweep
from portrayal.training.reading import ABOUT, TRAINING, WEIGHTS, pointer_in, verified, whole_names
from portrayal.training.shares import Parts, file_of


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
    named = {pointer_in(pointer)["folder"] for pointer in pointers}
    for old in (run / "checkpoints").glob("weights_*"):
        if old.name not in named:
            forget(old)


def tidy(run: Path, keep: int) -> None:
    """Remove what a killed process left or no longer removed; for the one who holds the run."""
    sweep(run)
    with suppress(BadCheckpoint, BadData):  # older ones are needed while the newest is damaged
        forget_beaten(run)
        if (names := whole_names(run))[:-keep]:
            verified(run / "checkpoints" / names[-1])
            forget_older(run, keep)


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
        except (RuntimeError, SafetensorError) as error:  # their writers' ways to say "disk full"
            raise CannotWrite(
                f"Cannot write {final}: the disk is full or fails ({str(error).splitlines()[0]}). "
                "Older checkpoints are kept; free space and run the same command again."
            ) from error
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
