"""The second pass: pictures of the plan, made and written, each whole or absent."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import Pixels, encode_png, pixels_hash
from portrayal.core.runs import writing
from portrayal.data.columns import own_name
from portrayal.data.domains import SIDES
from portrayal.data.item import Item
from portrayal.data.options import Options, filter_chain, parse_filter
from portrayal.data.plan import Planned
from portrayal.data.sources import Source
from portrayal.data.spread import Advance, spread
from portrayal.data.variants import recipe_of

WRITTEN = "CREATE TABLE IF NOT EXISTS written (name TEXT PRIMARY KEY, split TEXT, row TEXT);"
PNG_END = b"IEND\xaeB`\x82"
COMMIT_EVERY = 200
Filter = Callable[[Pixels], Pixels]


def write(
    source: Source,
    options: Options,
    pictures: Iterator[Planned],
    folder: Path,
    connection: sqlite3.Connection,
    *,
    workers: int = 1,
    setup: Callable[[], None] | None = None,
    advance: Advance,
) -> None:
    """Write SPLIT/{source,target}/NAME.png below `folder` and keep the rows in the database."""
    render_one = partial(render, source, options, folder)
    todo = unwritten(pictures, folder, connection, advance)
    insert = "INSERT OR REPLACE INTO written VALUES (?,?,?)"
    results = spread(render_one, todo, workers, setup=setup)
    try:
        for count, (name, split, row) in enumerate(results, 1):
            connection.execute(insert, (name, split, row))
            advance(1)
            if count % COMMIT_EVERY == 0:
                connection.commit()
    finally:
        connection.commit()


def unwritten(
    pictures: Iterator[Planned], folder: Path, connection: sqlite3.Connection, advance: Advance
) -> Iterator[Planned]:
    """Pictures without a row, or whose files are not whole."""
    query = "SELECT 1 FROM written WHERE name = ?"
    for picture in pictures:
        done = connection.execute(query, (picture.name,)).fetchone()
        sides = (picture.domain,) if picture.domain else SIDES
        if done and all(whole(place(folder, picture, side)) for side in sides):
            advance(1)
        else:
            yield picture


def whole(path: Path) -> bool:
    """Whether a PNG file has its end."""
    try:
        with path.open("rb") as file:
            file.seek(-len(PNG_END), os.SEEK_END)
            return file.read() == PNG_END
    except OSError:
        return False


def place(folder: Path, picture: Planned, side: str) -> Path:
    """Where one picture lies."""
    if picture.domain:
        return folder / picture.split / f"{picture.name}.png"
    name = (side == "target" and picture.target) or picture.name
    return folder / picture.split / side / f"{name}.png"


def render(
    source: Source, options: Options, folder: Path, picture: Planned
) -> tuple[str, str, str]:
    """Make and write one pair; (name, split, metadata line). Variants share a target's file."""
    try:
        item = source.load(picture.key)
    except BadPicture as error:
        raise BadData(
            f"{picture.key} could be read before and cannot now ({error.reason}): the pictures "
            "changed meanwhile. Delete the unfinished output folder and run the command again."
        ) from None
    if picture.domain:
        return render_alone(item, options, folder, picture)
    recipe = recipe_of(picture, options)
    chain = [parse_filter(text) for text in recipe] if picture.variant else plain_chain(options)
    made, wanted = pair_of(item, options, picture.facts["face_box"], chain)
    for side, pixels in (("source", made), ("target", wanted))[: 1 if picture.variant else 2]:
        put(place(folder, picture, side), encode_png(pixels), folder / f"{os.getpid()}.tmp")
    hashes = pixels_hash(made), pixels_hash(wanted)
    row = row_of(picture, *hashes, looked=options.looks_for_faces())
    if options.variants:
        row |= {"variant": picture.variant, "recipe": " ".join(recipe)}
    return picture.name, picture.split, json.dumps(row, ensure_ascii=False)


def render_alone(
    item: Item, options: Options, folder: Path, picture: Planned
) -> tuple[str, str, str]:
    """The same for a picture of an unpaired domain; filters are for sources."""
    chain = plain_chain(options) if picture.domain == "source" else ()
    made, _ = pair_of(item, options, picture.facts["face_box"], chain)
    path = place(folder, picture, str(picture.domain))
    put(path, encode_png(made), folder / f"{os.getpid()}.tmp")
    row = row_of(picture, "", pixels_hash(made), looked=options.looks_for_faces())
    del row["source_file_name"], row["target_file_name"], row["source_sha256"]
    own = {"name": own_name(picture.name, picture.facts["meta"]), "domain": picture.domain}
    row = {"file_name": f"{picture.name}.png", **row, **own}
    return picture.name, picture.split, json.dumps(row, ensure_ascii=False)


def plain_chain(options: Options) -> Sequence[Filter]:
    """The filters of --filter."""
    return filter_chain(tuple(options.filter or ()))


def pair_of(
    item: Item, options: Options, box: list[int] | None, chain: Sequence[Filter]
) -> tuple[Pixels, Pixels]:
    """Source and target of the final size: crop, working size, filter, final size."""
    target = item.source if item.target is None else item.target
    source = item.source
    if options.face_margin is not None and box is not None:
        source, target = (face_crop(p, target, box, options.face_margin) for p in (source, target))
    final = options.height_width()
    work = options.work() if chain else final  # nothing to work on: straight to the final size
    source, target = (fitted(picture, options, work) for picture in (source, target))
    for apply in chain:
        source = apply(source)
    return resized(source, final), resized(target, final)


def face_crop(picture: Pixels, seen: Pixels, box: list[int], margin: float) -> Pixels:
    """The face and its margin; `box` was found in `seen`, which may have another size."""
    from portrayal.filters.geometry import crop_box

    scale = picture.shape[1] / seen.shape[1]
    x, y, w, h = (round(value * scale) for value in box)
    return crop_box(picture, (x, y, w, h), margin)


def fitted(picture: Pixels, options: Options, size: tuple[int, int]) -> Pixels:
    """A picture in the working size by the chosen geometry."""
    from portrayal.filters.geometry import crop, letterbox, squeeze

    if options.geometry == "letterbox":
        return letterbox(picture, *size, options.colour())[0]
    return (crop if options.geometry == "crop" else squeeze)(picture, *size)


def resized(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture in the final size, which has the aspect of the working size."""
    from portrayal.filters.geometry import squeeze

    return picture if picture.shape[:2] == size else squeeze(picture, *size)


def row_of(picture: Planned, source_hash: str, target_hash: str, *, looked: bool) -> dict[str, Any]:
    """The line of metadata.jsonl.

    A column is null in all lines or in none, because Hugging Face's reader wants one type per
    column: a picture without copies is its own group, and face_share is 0 where no face was found.
    """
    facts, meta = picture.facts, picture.facts["meta"]
    row = {
        "source_file_name": f"source/{picture.name}.png",
        "target_file_name": f"target/{picture.target or picture.name}.png",
        "name": picture.name,
        "subject": picture.subject,
        "class": meta.get("class"),
        "group": picture.group,
        "face_share": facts["face_share"] or (0.0 if looked else None),
        "grey": facts["grey"],
        "original": picture.key,
        "sha256": target_hash,
        "source_sha256": source_hash,
    }
    return row | {key: value for key, value in meta.items() if key not in (*row, "split")}


def put(path: Path, content: bytes, temporary: Path) -> None:
    """Write a file that is whole or absent if this process is killed.

    Without fsync, which would cost more than making the picture: after a power cut `whole` finds
    files that lost their end, and they are written again.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
