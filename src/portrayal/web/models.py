"""The runs a server was given, and their models, ready to be used by several threads."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import nn

from portrayal.core.errors import BadData, BadOption, UserError
from portrayal.core.images import Pixels
from portrayal.core.runs import dataset_places, read_json
from portrayal.data.manifest import of_drawings
from portrayal.inference.engines import WORTH, with_engine
from portrayal.inference.load import load
from portrayal.inference.searching import with_search
from portrayal.inference.snapshots import picture_of, searches
from portrayal.inference.tiles import cut
from portrayal.inference.translator import How, Translator
from portrayal.reports.results import search_text
from portrayal.training.reading import whole_names
from portrayal.web.waiting import Work
from portrayal.web.watching import Watched

DRAWING = ("contextual", "completion")  # recipes that start from sketches
Note = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """A translator under the name it is served by; `back` leads the other way, if there is one."""

    name: str
    forward: Translator
    back: Translator | None
    slow: bool
    fixed: int | None  # side of the only size its networks take
    draws: bool
    parameters: int
    lock: Lock

    def way(self, reverse: bool) -> Translator:
        """The translator of a direction."""
        if not reverse:
            return self.forward
        if self.back is None:
            raise BadOption(f"The model {self.name} has one direction only.")
        return self.back

    def how(self, reverse: bool = False, resize: bool = False) -> How:
        """The settings of a translation: those of `load(run)(picture)`, or what fits the model."""
        if self.fixed:
            fits = self.forward.training_size is not None
            return How(reverse, resize=fits, tile=self.fixed)
        return How(reverse, resize=resize and self.forward.training_size is not None)

    def translate(
        self, pixels: Pixels, how: How, work: Work, show: Callable[[Pixels], None] | None = None
    ) -> Pixels:
        """(H, W, 3) -> (H, W, 3), with progress told to `work`; `show` gets what a search has."""
        translator = self.way(how.reverse)
        if not self.slow:
            work.steps = self.tiles(pixels, how)
        watched = Watched(translator.recipe, self.lock, work, self.slow)
        if show:
            watched.show = lambda answers: show(picture_of(translator, pixels, how, answers))
        return replace(translator, recipe=watched).translate(pixels, how)

    def tiles(self, pixels: Pixels, how: How) -> int:
        """How many tiles the network is given."""
        size = self.forward.working_size(pixels) if self.forward.fits(how) else pixels.shape[1::-1]
        multiple = self.forward.recipe.multiple
        across, down = (cut(side, multiple=multiple, tile=how.tile).starts for side in size)
        return len(across) * len(down)

    def facts(self) -> dict[str, Any]:
        """What a client may know."""
        translator, config = self.forward, self.forward.config
        size = translator.training_size
        return {
            "name": self.name,
            "recipe": config["recipe"],
            "preset": config.get("preset"),
            "step": None if config.get("imported") else translator.about.get("step"),
            "train_like": translator.noisy,
            "size": list(size) if size else None,
            "multiple": translator.recipe.multiple,
            "directions": ["forward", "reverse"] if self.back else ["forward"],
            "draws": self.draws,
            "slow": self.slow,
            "search": translator.search,
            "engine": translator.engine,
            "parameters": self.parameters,
            "generated_note": f"Generated picture ({config['recipe']} model "
            f"{translator.model_hash[:12]}); the file says so.",
        }


def find_runs(places: Sequence[Path]) -> dict[str, Path]:
    """Run folders by the names they are served under. A place is a run, or a folder of runs."""
    found: dict[str, Path] = {}
    for place in places:
        for folder in [place] if is_run(place) else runs_in(place):
            plain = re.sub(r"[^\w.-]+", "-", folder.resolve().name, flags=re.ASCII)[:60].strip(".-")
            name, number = plain or "run", 1
            while name in found:
                number += 1
                name = f"{plain or 'run'}-{number}"
            found[name] = folder
    return found


def runs_in(place: Path) -> list[Path]:
    """The runs in a folder, by name; one line if there are none."""
    if not place.is_dir():
        raise BadData(f"{place} does not exist or is not a folder. Give a run's folder.")
    if not (runs := sorted(folder for folder in place.iterdir() if is_run(folder))):
        raise BadData(f"{place} is not a run and holds none: there is no config.json.")
    return runs


def is_run(folder: Path) -> bool:
    """Whether a training has begun there."""
    return (folder / "config.json").is_file()


def load_models(
    runs: dict[str, Path],
    *,
    device: str = "auto",
    checkpoint: str = "newest",
    engine: str = "auto",
    search: Sequence[str] = (),
    note: Note = lambda text: None,
) -> dict[str, Model]:
    """The models of all runs that have one; of the others a note says why. One line if none has.

    `search`: other settings, as `name=value`, of all models that search.
    """
    turns = Lock()  # quick models take turns: each uses all cores, and torch's generator is shared
    models: dict[str, Model] = {}
    reasons: list[str] = []

    def failed(name: str, error: UserError) -> None:
        reasons.append(str(error))
        note(f"{name} is shown but cannot translate: {error}")

    loaded: dict[str, Translator] = {}
    for name, folder in runs.items():
        try:
            loaded[name] = load(
                folder, device=device, checkpoint=checkpoint, note=named(name, note)
            )
        except UserError as error:
            failed(name, error)
    for name, translator in searching(loaded, search).items():
        try:
            models[name] = load_model(name, runs[name], translator, engine, turns, note)
        except UserError as error:
            failed(name, error)
        else:
            note(line_of(models[name]))
    if reasons and not models and not any(map(in_training, runs.values())):
        raise BadData(reasons[0])
    return models


def searching(loaded: dict[str, Translator], search: Sequence[str]) -> dict[str, Translator]:
    """The models, those that search with these settings; one line if none does."""
    if not (search and loaded):
        return loaded
    found = {name: with_search(each, search) for name, each in loaded.items() if searches(each)}
    if not found:
        raise BadOption("No model here searches for its answers: --set is of a search.")
    return loaded | found


def line_of(model: Model) -> str:
    """A model for who starts the server."""
    facts = model.facts()
    where = "imported" if facts["step"] is None else f"step {facts['step']}"
    found = search_text(facts)
    how = f", searching with {found}" if found else ""
    return f"{model.name}: {facts['recipe']}, {where}, by {facts['engine']}{how}"


def named(name: str, note: Note) -> Note:
    """Notes that begin with a model's name: several are loaded in a row."""
    return lambda said: note(f"{name}: {said}")


def in_training(folder: Path) -> bool:
    """Whether a run has no checkpoint yet: a model may come."""
    return not whole_names(folder)


def load_model(
    name: str, folder: Path, torch_one: Translator, engine: str, turns: Lock, note: Note
) -> Model:
    """One model on its engines."""
    recipe: Any = torch_one.recipe
    slow = searches(torch_one)
    ways = [False, True] if goes_back(recipe) else [False]
    made = [
        with_engine(torch_one, folder, engine, pictures=WORTH, reverse=way, note=named(name, note))
        for way in ways
    ]
    generator: nn.Module = recipe.exportable()
    return Model(
        name=name,
        forward=made[0],
        back=made[1] if len(made) > 1 else None,
        slow=slow,
        fixed=getattr(recipe, "size", None),
        draws=starts_from_drawings(folder, torch_one.config),
        parameters=sum(values.numel() for values in generator.parameters()),
        lock=Lock() if slow else turns,
    )


def goes_back(recipe: Any) -> bool:
    """Whether a recipe translates both ways."""
    try:
        return isinstance(recipe.exportable(reverse=True), torch.nn.Module)
    except (BadOption, AttributeError):
        return False


def starts_from_drawings(folder: Path, config: dict[str, Any]) -> bool:
    """Whether people can draw its inputs: by the recipe, or by how the data were made."""
    if config["recipe"] in DRAWING:
        return True
    for place in dataset_places(folder, config.get("data")):
        try:
            return of_drawings(read_json(place / "manifest.json"))
        except UserError:
            continue
    return False
