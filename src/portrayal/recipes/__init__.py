"""Floor 4: training methods, one file each. Read `pix2pix.py` first; it is the shortest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from portrayal.core.catalog import Catalog

if TYPE_CHECKING:
    from pydantic import BaseModel
    from torch import Tensor

    from portrayal.core.devices import Place
    from portrayal.training.settings import Settings

recipes = Catalog("recipe", __name__)


@dataclass(frozen=True)
class Preset:
    """A named choice of what the method is and how it is trained."""

    config: "BaseModel"
    settings: "Settings"
    about: str


def part_of(recipe: type, name: str) -> Any:
    """`Config` or `PRESETS` of the file a recipe stands in."""
    return getattr(import_module(recipe.__module__), name)


def rebuild(config_json: Mapping[str, Any], place: "Place") -> Any:
    """The recipe that a run's config.json describes, with fresh weights."""
    from portrayal.training.settings import Settings

    recipe = recipes[config_json["recipe"]]
    config = part_of(recipe, "Config").model_validate(config_json["config"])
    return recipe(config, Settings.model_validate(config_json["settings"]), place)


def blank(config_json: Mapping[str, Any]) -> Any:
    """The same recipe without memory, on the meta device: names and shapes to hold files against.

    A config.json can ask for hundreds of gigabytes of weights that its checkpoint does not have.
    """
    import torch

    from portrayal.core.devices import Place

    with torch.device("meta"):
        return rebuild(config_json, Place(torch.device("meta")))


def load_networks(
    recipe: Any,
    weights: "Mapping[str, Tensor]",
    where: str,
    names: Collection[str] | None = None,
) -> None:
    """Fill the recipe's networks from a checkpoint, averaged weights before newest ones.

    `names`: those the checkpoint has; None stands for all. Imported models have no discriminator.
    """
    from torch import nn

    from portrayal.training.restoring import load_tensors

    for name, part in recipe.state().items():
        if isinstance(part, nn.Module) and (names is None or name in names):
            averaged = f"average.{name}."
            prefix = averaged if any(k.startswith(averaged) for k in weights) else f"{name}."
            own = {k.removeprefix(prefix): t for k, t in weights.items() if k.startswith(prefix)}
            load_tensors(part, own, f"{where}: {name}")
