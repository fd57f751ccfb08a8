"""A run folder -> a translator of pictures: `portrayal.load("runs/faces")("photo.jpg")`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from portrayal.core.devices import choose_place
from portrayal.core.errors import BadCheckpoint, BadData
from portrayal.core.runs import FORMAT, read_json
from portrayal.inference.translator import Translator
from portrayal.recipes import blank, load_networks, rebuild
from portrayal.training.reading import find, read_tensors


def load(
    run: Path | str,
    *,
    device: str | None = None,
    checkpoint: str = "newest",
    note: Callable[[str], None] = lambda text: None,
) -> Translator:
    """The translator in a run folder. `checkpoint`: newest, best_METRIC or a step.

    Float32 on any device; averaged weights where the run kept them.
    """
    folder = Path(run)
    config = read_config(folder)
    place = choose_place(device or "auto", "float32")
    try:
        outline = blank(config)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(map(str, wrong["loc"]))
        raise BadCheckpoint(
            f"{folder / 'config.json'} does not fit this version: {name}: {wrong['msg']}."
        ) from None
    weights, about = find(folder, checkpoint, note)
    names, shapes = about.get("networks"), read_tensors(weights, shapes_only=True)
    load_networks(outline, shapes, str(folder), names)  # refused before memory is taken
    recipe = rebuild(config, place)
    load_networks(recipe, read_tensors(weights), str(folder), names)
    return Translator(recipe, config, about, str(place.device))


def read_config(folder: Path) -> dict[str, Any]:
    """A run's config.json, refused in one line if this is no run or one of another version."""
    if not folder.is_dir():
        raise BadData(f"{folder} does not exist or is not a folder. Give a run's folder.")
    path = folder / "config.json"
    if not path.exists():
        raise BadData(
            f"{folder} is not a run: it has no config.json. Give the --out of a training."
        )
    config = read_json(path)
    if config.get("format") != FORMAT:
        raise BadCheckpoint(
            f"{path} has format {config.get('format')}, this version reads {FORMAT}."
        )
    if missing := [name for name in ("recipe", "config", "settings") if name not in config]:
        raise BadCheckpoint(f"{path} is incomplete: {', '.join(missing)} missing.")
    data = config.get("data", {})
    size = data.get("size") if isinstance(data, dict) else 0
    sizes = size is None or (
        isinstance(size, list)
        and len(size) == 2
        and all(type(side) is int and 0 < side < 2**16 for side in size)
    )
    if not (isinstance(config["recipe"], str) and sizes):
        raise BadCheckpoint(f"{path} is not what portrayal train writes; copy the run again.")
    return config
