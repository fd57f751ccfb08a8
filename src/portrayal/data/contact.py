"""A contact sheet: a few pictures of every split, pairs side by side, on one PNG."""

from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from portrayal.core.errors import BadPicture
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.seeds import mix
from portrayal.data.audit import Entry, entries
from portrayal.data.domains import SIDES
from portrayal.data.split import SPLITS
from portrayal.filters.geometry import letterbox

CELL, GAP, BAR = 128, 6, 26  # pixels
PAPER, BACK, INK = (250, 250, 250), (232, 232, 232), (40, 40, 40)


def contact_sheet(folder: Path, *, columns: int = 8, rows: int = 3, limit: float = 100) -> Pixels:
    """Some pictures of every split, three times as many of a plain folder, chosen by names."""
    strips = []
    parts = [part for split in SPLITS for part in (split, *(f"{split} {side}" for side in SIDES))]
    for part in (*parts, "all"):
        many = columns * rows * (3 if part == "all" else 1)
        chosen = choose(folder, part, many)
        if chosen:
            paired = chosen[0].partner is not None
            cells = [cell(entry, limit) for entry in chosen[: many // (2 if paired else 1)]]
            strips += [title(part, columns), grid(cells, columns // (2 if paired else 1))]
    return np.concatenate(strips)


def choose(folder: Path, part: str, many: int) -> list[Entry]:
    """Some entries of a split, or of one domain of it, drawn by their names."""
    found = (entry for entry in entries(folder) if entry.part == part)
    return nsmallest(many, found, key=lambda entry: mix("contact", entry.name))


def cell(entry: Entry, limit: float) -> Pixels:
    """A picture with its source to the left, or a cross where it cannot be read."""
    paths = [path for path in (entry.partner, entry.path) if path is not None]
    return np.concatenate([thumbnail(path, limit) for path in paths], axis=1)


def thumbnail(path: Path, limit: float) -> Pixels:
    """A picture fitted into a cell."""
    try:
        return letterbox(read_pixels(path, limit=limit), CELL, CELL, BACK)[0]
    except BadPicture:
        image = Image.new("RGB", (CELL, CELL), BACK)
        draw = ImageDraw.Draw(image)
        for start, end in (((0, 0), (CELL, CELL)), ((0, CELL), (CELL, 0))):
            draw.line((*start, *end), fill=(200, 60, 60), width=3)
        return np.asarray(image)


def grid(cells: Sequence[Pixels], columns: int) -> Pixels:
    """Cells in rows on light paper."""
    height, width = cells[0].shape[:2]
    lines = -(-len(cells) // columns)
    sheet = np.empty((lines * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), np.uint8)
    sheet[:] = PAPER
    for index, picture in enumerate(cells):
        top = GAP + index // columns * (height + GAP)
        left = GAP + index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return widened(sheet)


def widened(sheet: Pixels, columns: int = 8) -> Pixels:
    """All strips get the width of eight single cells."""
    wanted = columns * (CELL + GAP) + GAP
    plane = np.empty((sheet.shape[0], max(wanted, sheet.shape[1]), 3), np.uint8)
    plane[:] = PAPER
    plane[:, : sheet.shape[1]] = sheet
    return plane


def title(text: str, columns: int) -> Pixels:
    """A strip with the name of a split."""
    image = Image.new("RGB", (columns * (CELL + GAP) + GAP, BAR), PAPER)
    font = ImageFont.load_default(size=15)
    ImageDraw.Draw(image).text((GAP, 5), text, fill=INK, font=font)
    return np.asarray(image)
