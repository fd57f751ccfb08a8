"""Two folders of pictures made by anybody, matched by name."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, find_pictures, read_pixels, stem_of
from portrayal.core.runs import read_lines
from portrayal.evaluation.answers import Answers


@dataclass(frozen=True)
class Matched:
    """Pictures of equal names in a folder of answers, one of truths and, if given, of inputs.

    Names are paths below the folder without suffix, so that a.png may answer to a.jpg.
    """

    fake: Path
    real: Path
    source: Path | None = None

    @cached_property
    def files(self) -> list[tuple[str, dict[str, Path]]]:
        """Names in order, each with its files; refuses folders that do not match one to one."""
        sides = {"fake": self.fake, "target": self.real}
        if self.source:
            sides["source"] = self.source
        found = {side: pictures_by_name(folder) for side, folder in sides.items()}
        for side, folder in sides.items():
            if side != "fake":
                require_same_names(self.fake, found["fake"], folder, found[side])
        names = sorted(found["fake"])
        return [(name, {side: found[side][name] for side in sides}) for name in names]

    @cached_property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What a dataset's metadata.jsonl beside the truths says, by name; else nothing."""
        rows = {}
        for row in read_lines(self.real.parent / "metadata.jsonl"):
            file = row.get("target_file_name")
            if isinstance(file, str) and file.startswith(f"{self.real.name}/"):
                path = Path(file).relative_to(self.real.name)
                rows[(path.parent / stem_of(path)).as_posix()] = row
        return rows

    def row(self, index: int) -> dict[str, Any]:
        """Name, file names and what is known about one picture."""
        name, files = self.files[index]
        folders = {"fake": self.fake, "target": self.real, "source": self.source}
        named = {
            f"{side}_file_name": path.relative_to(folders[side] or path.parent).as_posix()
            for side, path in files.items()
        }
        known = {k: v for k, v in self.facts.get(name, {}).items() if not k.endswith("_file_name")}
        return {**known, "name": name, **named}

    def picture(self, index: int, side: str) -> Pixels:
        """One picture of one name."""
        return read_pixels(self.files[index][1][side])

    def pictures(self, index: int) -> dict[str, Pixels]:
        """The pictures of one name, of one size."""
        name, files = self.files[index]
        pixels = {side: read_pixels(path) for side, path in files.items()}
        require_same_size(name, pixels)
        return pixels

    def answers(self) -> Answers:
        """The pictures with their truths, and their inputs if there is a third folder."""
        rows = [self.row(index) for index in range(len(self.files))]
        return Answers(rows, self.pictures, rows, lambda index: self.picture(index, "target"))


def unmatched(fake: Path, real: Path, source: Path | None = None) -> Answers:
    """Two folders whose names have nothing to do with each other; inputs are named as `fake`."""
    reals = sorted(pictures_by_name(real).items())
    real_rows = [
        {"name": name, "target_file_name": path.relative_to(real).as_posix()}
        for name, path in reals
    ]
    ours = Matched(fake, source) if source else Matched(fake, fake)

    def pictures(index: int) -> dict[str, Pixels]:
        _, files = ours.files[index]
        found = {"fake": read_pixels(files["fake"])}
        return found | ({"source": read_pixels(files["target"])} if source else {})

    rows = []
    for name, files in ours.files:
        row = {"name": name, "fake_file_name": files["fake"].relative_to(fake).as_posix()}
        if source:
            row["source_file_name"] = files["target"].relative_to(source).as_posix()
        rows.append(row)
    return Answers(
        rows, pictures, real_rows, lambda index: read_pixels(reals[index][1]), paired=False
    )


def pictures_by_name(folder: Path) -> dict[str, Path]:
    """Pictures below a folder by their path without suffix."""
    found: dict[str, Path] = {}
    for path in find_pictures(folder):
        name = (path.relative_to(folder).parent / stem_of(path)).as_posix()
        if name in found:
            raise BadData(
                f"{folder} holds both {found[name].name} and {path.name}: which one is meant by "
                f"{name!r}? Remove one."
            )
        found[name] = path
    if not found:
        raise BadData(f"{folder} holds no pictures.")
    return found


def require_same_names(
    one: Path, ours: dict[str, Path], other: Path, theirs: dict[str, Path]
) -> None:
    """Refuse folders whose names differ, with how many and which first."""
    if alone := sorted(ours.keys() ^ theirs.keys()):
        where = one if alone[0] in ours else other
        raise BadData(
            f"{one} and {other} must hold the same names, but {len(alone)} of "
            f"{len(ours.keys() | theirs.keys())} have no partner, first {alone[0]!r} in {where}. "
            "Add the missing pictures or remove the others."
        )


def require_same_size(name: str, pixels: dict[str, Pixels]) -> None:
    """Refuse pictures of one name with different sizes."""
    words = {"fake": "translation", "target": "truth", "source": "input", "known": "known half"}
    sizes = {words[side]: f"{p.shape[1]} x {p.shape[0]}" for side, p in pixels.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{word} {size}" for word, size in sizes.items())
        raise BadData(
            f"{name!r} has pictures of different sizes ({said}): scores compare pixel by pixel. "
            "Resize one of the folders, and say so beside the scores."
        )
