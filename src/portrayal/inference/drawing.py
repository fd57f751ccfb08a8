"""What the network is shown: the picture itself, its drawing, or either at the training size."""

from dataclasses import replace
from pathlib import Path

from portrayal.core.errors import CannotWrite
from portrayal.core.images import Pixels, encode, read_text
from portrayal.core.runs import write_atomically
from portrayal.filters.freehand import drawing_of
from portrayal.inference.pictures import scaled
from portrayal.inference.translator import How, Translator

SHOWN = "What the network was shown"  # comment in a file, so that only ours is replaced


def shown(translator: Translator, pixels: Pixels, how: How = How()) -> Pixels:
    """What the network gets of a picture under `how`, before padding and tiles."""
    seen = drawing_of(pixels, stroke=how.stroke) if how.drawing else pixels
    return scaled(seen, translator.working_size(seen)) if translator.fits(how) else seen


def once_clean(translator: Translator, how: How) -> How:
    """What `how` asks of drawings that are clean already: that they still fit the network."""
    return replace(how, drawing=False, resize=translator.fits(how)) if how.drawing else how


def shown_path(output: Path) -> Path:
    """Where that is written: beside the output.

    >>> shown_path(Path("out/a.jpg")).name
    'a.input.png'
    """
    return output.with_name(f"{output.stem}.input.png")


def write_shown(output: Path, seen: Pixels, *, overwrite: bool = False) -> None:
    """Write what the network was shown, never over a file that is not ours."""
    path = shown_path(output)
    if path.exists() and not overwrite and read_text(path).get("Comment") != SHOWN:
        raise CannotWrite(f"{path} exists and is not ours; --overwrite replaces it")
    write_atomically(path, encode(seen, ".png", {"Comment": SHOWN}))
