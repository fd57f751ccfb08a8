"""Files through a model that searches for its answers, with pictures of the way to each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from portrayal.core.errors import BadData
from portrayal.core.provenance import read_provenance
from portrayal.core.runs import write_atomically
from portrayal.inference.files import NOT_OURS, Files, Loaded, Outcome, encoded
from portrayal.inference.snapshots import searched, way_paths
from portrayal.inference.streams import Answering
from portrayal.inference.translator import How, Translator


@dataclass
class Losses:
    """What the searches of all groups came down from, and to; means over pictures."""

    start: float = 0.0
    end: float = 0.0
    pictures: int = 0

    def add(self, losses: tuple[float, float], pictures: int) -> None:
        """Take in a group."""
        self.pictures += pictures
        self.start += (losses[0] - self.start) * pictures / self.pictures
        self.end += (losses[1] - self.end) * pictures / self.pictures


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
        losses.add(found.losses, len(loaded))
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
