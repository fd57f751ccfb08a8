"""`portrayal train`: a dataset folder -> a run folder. The same command resumes."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portrayal.cli.options import With

if TYPE_CHECKING:
    from portrayal.core.devices import Ranks
    from portrayal.data.dataset import Dataset, Split
    from portrayal.training.loop import Watch
    from portrayal.training.settings import Settings


def train(
    recipe: Annotated[str, typer.Argument(help="Method of the catalogue. E.g. pix2pix")],
    data: Annotated[Path, typer.Argument(help="Dataset folder. E.g. datasets/faces")],
    out: Annotated[Path, typer.Option(help="Run folder. E.g. --out runs/faces")],
    preset: Annotated[str, typer.Option(help="Named choices. E.g. --preset quick_128")] = "paper",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting; may be repeated. E.g. --set epochs=50"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show all settings, train nothing. E.g. --dry-run")
    ] = False,
    with_files: With = None,
) -> None:
    """Train a recipe on a dataset folder.

    The same command resumes: a run that was stopped or killed ends with the same bits as one that
    never was. Ctrl-C saves first. Several processes: torchrun --nproc-per-node 2 -m portrayal
    train ...

    Example: portrayal train pix2pix datasets/faces --out runs/faces --preset quick_128
    """
    from portrayal.cli.train_plan import show_settings
    from portrayal.core.devices import join_ranks
    from portrayal.core.environment import command, now
    from portrayal.data.dataset import Dataset
    from portrayal.recipes.choices import choose

    config, settings = choose(recipe, preset, overrides or [])
    dataset = Dataset(data)
    steps = settings.total_steps(dataset.split("train").epoch())
    description = {
        "format": 1,
        "recipe": recipe,
        "preset": preset,
        "config": config.model_dump(),
        "settings": settings.model_dump(),
        "data": {**dataset.summary(), "from_run": os.path.relpath(data, out)},
        "steps": steps,
        "command": command(),
        "started": now(),
    }
    if dry_run:
        show_settings(recipe, description, steps)
        return
    with join_ranks() as ranks:
        start(recipe, description, dataset, out, settings, ranks)


def start(
    name: str,
    description: Mapping[str, Any],
    dataset: "Dataset",
    out: Path,
    settings: "Settings",
    ranks: "Ranks",
) -> None:
    """Build the recipe, open the run folder and hand both to the loop."""
    from portrayal.cli.progress import bar, say, warn
    from portrayal.cli.train_plan import plan
    from portrayal.core.environment import environment
    from portrayal.core.runs import write_json
    from portrayal.training.loop import train as train_loop
    from portrayal.training.run import opened

    recipe = build(description, settings)
    split = dataset.split("train")
    check_domains(f"Recipe {name} ({description['preset']})", recipe, split)
    check_size(recipe, split.size(), description["config"])
    batches = shared_batches(split, settings, ranks, paired=needs_pairs(recipe))
    steps = int(description["steps"])
    with opened(out, description, ranks) as done:
        if ranks.first:
            say(plan(name, recipe, description, done))
            write_json(out / "environment.json", environment(place=recipe.place.describe()))
        if done >= steps:
            return
        showing = bar("Training", steps, "steps", done=done) if ranks.first else nullcontext(ignore)
        with showing as advance:
            train_loop(
                recipe,
                batches,
                out,
                settings,
                steps=steps,
                epoch_steps=split.epoch() / settings.batch,
                ranks=ranks,
                watch=watch(recipe, dataset, settings, advance, warn),
            )
    if ranks.first:
        say(f"Trained {steps} steps. Next: portrayal evaluate {out}")


def build(description: Mapping[str, Any], settings: "Settings") -> Any:
    """The recipe on its device, with first weights that are the same on every rank."""
    import torch

    from portrayal.core.devices import choose_place
    from portrayal.core.seeds import mix
    from portrayal.recipes import rebuild

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic CUDA asks for it
    torch.use_deterministic_algorithms(settings.deterministic)
    place = choose_place(
        settings.device,
        settings.precision,
        channels_last=settings.channels_last,
        compiled=settings.compile,
    )
    torch.manual_seed(mix(settings.seed, "weights"))
    return rebuild(description, place)


def needs_pairs(recipe: Any) -> bool:
    """Whether a recipe learns from pairs."""
    return bool(getattr(recipe, "paired", True))


def check_domains(who: str, recipe: Any, split: "Split") -> None:
    """Refuse data that the recipe cannot learn from, before anything is written."""
    if needs_pairs(recipe):
        split.require_pairs(who)
    else:
        split.require_domains(who)


def shared_batches(split: "Split", settings: "Settings", ranks: "Ranks", *, paired: bool) -> Any:
    """This rank's batches from any step on."""
    from portrayal.data.sampler import training_batches

    return training_batches(
        split,
        settings.batch,
        settings.seed,
        enlarge=settings.enlarge,
        flip=settings.flip,
        tones=settings.tones,
        ranks=ranks,
        workers=settings.workers,
        paired=paired,
    )


def ignore(amount: int = 1, note: str = "") -> None:
    """The progress of ranks that do not print."""


def watch(
    recipe: Any, dataset: "Dataset", settings: "Settings", advance: Any, note: Any
) -> "Watch":
    """Validation and samples from the val split, if there is one; scores need truths."""
    from functools import partial

    from portrayal.core.errors import BadData
    from portrayal.evaluation.scorer import validation_scorer
    from portrayal.training.loop import Watch
    from portrayal.training.samples import sample_sheet

    if hasattr(recipe, "looking"):
        recipe = recipe.looking()  # a translation that is affordable in the middle of training
    back = partial(recipe.translate, reverse=True) if getattr(recipe, "reversible", False) else None
    try:
        split = dataset.split("val")
        if not split.paired:
            split.require_domains("Validation")
    except BadData as error:
        note(f"{error} Training goes on without validation scores.")
        sample = sample_sheet(dataset.split("train"), recipe.translate, back=back)
        return Watch(sample=sample, advance=advance)
    sample = sample_sheet(split, recipe.translate, back=back)
    if not split.paired:
        return Watch(sample=sample, advance=advance, note=note)
    score = validation_scorer(split, limit=settings.validate_pictures)
    return Watch(validate=lambda: score(recipe), sample=sample, advance=advance, note=note)


def check_size(recipe: Any, size: tuple[int, int], config: Mapping[str, Any]) -> None:
    """Refuse pictures that the generator cannot halve often enough."""
    from portrayal.core.errors import BadOption
    from portrayal.recipes.joint import require_size

    if hasattr(recipe, "size"):
        require_size(size, recipe.size)
    multiple = recipe.multiple
    if size[0] % multiple or size[1] % multiple:
        generator = str(config.get("generator", "the generator"))
        fitting = [n for n in (256, 128, 64) if not (size[0] % n or size[1] % n)]
        fitting = fitting if generator.startswith("unet") else []
        advice = f"--set generator=unet_{fitting[0]}" if fitting else "prepare with --size 128"
        raise BadOption(
            f"{generator} needs sides that are multiples of {multiple}, but the pictures "
            f"are {size[1]} x {size[0]}: {advice}."
        )
