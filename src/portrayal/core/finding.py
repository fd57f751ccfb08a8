"""Which files are pictures, by name alone. What is inside is settled by reading."""

import os
from collections.abc import Iterator
from pathlib import Path

from portrayal.core.errors import BadData

_PLAIN = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_PNM = (".ppm", ".pgm", ".pbm", ".pnm")
SUFFIXES: frozenset[str] = frozenset((*_PLAIN, *_PNM, *(f"{suffix}.bz2" for suffix in _PNM)))

_SYSTEM = frozenset(  # folders that operating systems and network drives make themselves
    ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
)


def _suffix(name: str) -> str:
    """The picture suffix of a file name as it is written, "" for any other file.

    >>> _suffix("a.JPG"), _suffix("00001_fa.ppm.bz2"), _suffix("notes.txt")
    ('.JPG', '.ppm.bz2', '')
    """
    parts = name.rsplit(".", 2)
    endings = ["." + ".".join(parts[start:]) for start in range(1, len(parts))]
    return next((ending for ending in endings if ending.lower() in SUFFIXES), "")


def is_picture_name(path: Path | str) -> bool:
    """Whether a file is a picture by its suffix; hidden files never are."""
    name = Path(path).name
    return not name.startswith(".") and _suffix(name) != ""


def stem_of(path: Path | str) -> str:
    """A picture's name without folder and suffix.

    >>> stem_of("faces/a.b.jpg"), stem_of("00001_fa.ppm.bz2")
    ('a.b', '00001_fa')
    """
    name = Path(path).name
    return name.removesuffix(_suffix(name))


def find_pictures(folder: Path) -> Iterator[Path]:
    """Picture files under `folder`, in the order of path parts; one folder in memory at a time.

    Links to folders are followed, but each folder is entered once, so loops end. Hidden and system
    entries, pipes and devices are left out.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise BadData(f"{folder} {what}. Give a folder of pictures.")
    yield from _walk(folder, set())


def _walk(folder: Path, entered: set[tuple[int, int]]) -> Iterator[Path]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in entered:
        return
    entered.add((status.st_dev, status.st_ino))
    for name in _names(folder):
        path = folder / name
        if name.startswith(".") or name in _SYSTEM:
            continue
        if path.is_dir():
            yield from _walk(path, entered)
        elif is_picture_name(name) and (path.is_file() or path.is_symlink()):
            yield path  # a dangling link is yielded too: reading it names it as missing


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names need a third of the memory
    except OSError as error:
        raise BadData(f"Cannot look into {folder}: {error.strerror}.") from None
