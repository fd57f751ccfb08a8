"""Files through a model that searches for its answers, with pictures of the way to each."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from portrayal.core.errors import BadData, BadOption
from portrayal.core.provenance import read_provenance
from portrayal.core.runs import write_atomically
from portrayal.inference.files import NOT_OURS, Files, Loaded, Outcome, encoded
from portrayal.inference.snapshots import Searched, searched, searches, way_paths
from portrayal.inference.streams import Answering
from portrayal.inference.translator import How, Translator
from portrayal.recipes.choices import changed


def with_search(
    translator: Translator, overrides: Sequence[str], option: str = "--set"
) -> Translator:
    """The same model with other settings of its search, as `name=value`; see `Translator.search`.

    They are in the marks of its pictures, so that those of other settings are made anew. `option`
    is what the person typed.
    """
    if not overrides:
        return translator
    if not searches(translator):
        name = translator.config["recipe"]
        raise BadOption(f"A {name} model answers at once: {option} is of a search.")
    recipe: Any = copy(translator.recipe)
    wanted = changed(recipe.config, overrides, recipe.searching, "setting of the search", option)
    own, new = recipe.config.model_dump(), wanted.model_dump()
    search = {name: value for name, value in new.items() if value != own[name]}
    if not search:
        return translator
    recipe.config = wanted
    config = {**translator.config, "config": new}
    return replace(translator, recipe=recipe, config=config, search=search)


@dataclass
class Losses:
    """What the searches of all groups came down from, and to; means over pictures."""

    start: float = 0.0
    end: float = 0.0
    pictures: int = 0
    steps: tuple[int, int] = (0, 0)  # of the longest search, and how many it might have taken

    def add(self, found: Searched) -> None:
        """Take in a group."""
        pictures = len(found.answers)
        self.pictures += pictures
        self.start += (found.losses[0] - self.start) * pictures / self.pictures
        self.end += (found.losses[1] - self.end) * pictures / self.pictures
        self.steps = max(self.steps, found.steps)

    def __str__(self) -> str:
        early = f", after at most {self.steps[0]} of {self.steps[1]} steps"
        ended = early if self.steps[0] < self.steps[1] else ""
        return f"{self.start:.4g} at the best start, {self.end:.4g} at the end{ended}"


def answering(files: Files, losses: Losses) -> Answering:
    """For `translate_files`: search, and write `files.snapshots` of each search.

    They stand before the answer does, so that what is done is all there.
    """

    def answer(
        translator: Translator, group: Sequence[Loaded | Outcome], how: How, batch: int | None
    ) -> Iterator[Loaded | Outcome]:
        checked = [refused(item, files) or item for item in group]
        yield from (item for item in checked if isinstance(item, Outcome))
        loaded = [item for item in checked if isinstance(item, Loaded)]
        if not loaded:
            return
        pictures = [item.pixels for item in loaded]
        try:
            found = searched(translator, pictures, how, files.snapshots, batch)
        except BadData as error:
            yield from (Outcome(item.job.name, "failed", str(error)) for item in loaded)
            return
        losses.add(found)
        for item, pixels, way in zip(loaded, found.answers, found.ways, strict=True):
            mark = item.mark if files.provenance else None
            for path, picture in zip(way_paths(item.job.output, len(way)), way, strict=True):
                write_atomically(path, encoded(picture, path.suffix, mark, files))
            yield replace(item, pixels=pixels)

    return answer


def refused(item: Loaded | Outcome, files: Files) -> Outcome | None:
    """Why a picture is not searched for: a snapshot would replace what is not ours."""
    if isinstance(item, Outcome) or files.overwrite:
        return None
    for path in way_paths(item.job.output, files.snapshots):
        if path.exists() and read_provenance(path) is None:
            return Outcome(item.job.name, "failed", NOT_OURS.format(path))
    return None
