"""The colour FERET database as NIST sends it: both discs, three sizes, packed pictures, and what
the ground truth says about each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import cos, dist, radians
from pathlib import Path
from typing import Annotated, Any

from portrayal.core.errors import BadOption
from portrayal.core.images import stem_of
from portrayal.data import feret
from portrayal.data.feret import FULL, YAW, Release, Shot, shot_of
from portrayal.data.feret_truth import Point, Truth, truth_of
from portrayal.data.item import Item, SetAside
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources

SEEN = 50  # degrees of yaw beyond which two eyes do not tell how large the face is
WIDE, HIGH, ABOVE = 2.1, 2.8, 0.39  # face box in eye distances, and the eyes' height in it; medians
# of YuNet on 422 CUFS pictures and 270 others: 2.03 to 2.26, 2.73 to 3.0, 0.38 to 0.40


@dataclass(frozen=True)
class Ask:
    """What was asked for."""

    tree: Path
    release: Release
    poses: frozenset[str]
    limit: float
    background: tuple[int, int, int]


@sources
def colorferet(
    tree: Annotated[Path, "Folder that holds dvd1 and dvd2 of the colour FERET database."],
    *,
    release: Annotated[
        Release,
        "Which size is read: images (512 x 768), smaller (256 x 384), thumbnails (128 x 192). "
        "E.g. --release images",
    ] = "smaller",
    poses: Annotated[
        str | None, "Only pictures of these pose codes. E.g. --poses fa,fb (from the front)"
    ] = None,
    limit: float = 100,
    background: str = "white",
) -> Source:
    """colorFERET: faces with pose, eyes and facts about the person; split by person."""
    asked = frozenset(each.strip().lower() for each in (poses or "").split(",") if each.strip())
    if unknown := asked - YAW.keys():
        raise BadOption(f"--poses has {min(unknown)!r}. Known: {', '.join(sorted(YAW))}.")
    ask = Ask(tree, release, asked, limit, colour(background))
    return Source(
        f"colorFERET {release} {tree}",
        partial(names, ask),
        partial(load, ask),
        single=True,
        notes=partial(notes, tree),
    )


def names(ask: Ask) -> Iterator[str]:
    """Paths below the tree, disc by disc."""
    for data in feret.discs(ask.tree, ask.release):
        for path in feret.pictures(data, ask.release):
            yield path.relative_to(ask.tree).as_posix()


def notes(tree: Path) -> list[str]:
    """What lies in the tree and is not read."""
    count, places = feret.grey_release(tree)
    if not places:
        return []
    return [f"{count} pictures of the old grey release are left alone ({', '.join(places)})"]


def load(ask: Ask, name: str) -> Item:
    """One picture, called 00001/00001_930831_fa, with its facts as columns."""
    shot = shot_of(name)
    if shot is None:
        raise SetAside(name, "not named NNNNN_YYMMDD_PP of colour FERET")
    if ask.poses and shot.pose not in ask.poses:
        raise SetAside(name, f"pose not asked for: {shot.pose}")
    data = (ask.tree / name).parents[2]
    truth = truth_of(data, shot.person, stem_of(name))
    if shot.pose not in YAW and truth.number("yaw") is None:
        raise SetAside(name, f"unknown pose code: {shot.pose}")
    pixels = folder.read(ask.tree, name, ask.limit, ask.background)
    height, width = pixels.shape[:2]
    eyes, wrong = eyes_of(truth, width, height)
    meta = facts_of(shot, truth) | eye_columns(eyes, width)
    if truth.broken:
        wrong = f"ground truth cannot be read: {truth.broken}"
    box = face_of(eyes, meta["yaw"], width, height)
    return Item(f"{shot.person}/{stem_of(name)}", pixels, meta=meta, face=box, remark=wrong)


def facts_of(shot: Shot, truth: Truth) -> dict[str, Any]:
    """Columns: where nothing is said, "unknown" for a kind and "" for a number. Degrees."""
    yaw, year = truth.number("yaw"), truth.number("yob")
    age = shot.date.year - year if shot.date and year else None
    return {
        "subject": shot.person,
        "date": shot.date.isoformat() if shot.date else "unknown",
        "pose": shot.pose,
        "capture": shot.capture,
        "yaw": YAW[shot.pose] if yaw is None else yaw,
        "pitch": truth.number("pitch") or 0.0,
        "roll": truth.number("roll") or 0.0,
        "angles": "nominal" if yaw is None else "given",
        **{key: truth.text(key) for key in ("gender", "race", "glasses", "beard", "mustache")},
        "yob": f"{year:.0f}" if year else "",
        "age": f"{age:.0f}" if age is not None and 0 < age < 120 else "",
    }


def eyes_of(truth: Truth, width: int, height: int) -> tuple[tuple[Point, Point] | None, str | None]:
    """Left and right eye in pixels of the picture that was read, or what is wrong with them."""
    points = [truth.point(f"{side}_eye_coordinates") for side in ("left", "right")]
    if points[0] is None or points[1] is None:
        return None, None
    if abs(width * FULL[1] - height * FULL[0]) > 0.02 * width * FULL[1]:
        return None, f"eyes left out: the picture is {width} x {height}, not 2:3 as they are"
    scale = width / FULL[0]
    left, right = ((x * scale, y * scale) for x, y in (points[0], points[1]))
    if not all(0 <= x < width and 0 <= y < height for x, y in (left, right)):
        return None, "eyes left out: they lie outside the picture"
    return (left, right), None


def eye_columns(eyes: tuple[Point, Point] | None, width: int) -> dict[str, str]:
    """Columns "x y" in pixels of the picture that was read, and their distance as its share."""
    if eyes is None:
        return dict.fromkeys(("left_eye", "right_eye", "eye_distance"), "")
    left, right = (f"{x:g} {y:g}" for x, y in eyes)
    return {"left_eye": left, "right_eye": right, "eye_distance": f"{dist(*eyes) / width:.4f}"}


def face_of(
    eyes: tuple[Point, Point] | None, yaw: float, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """Box x, y, w, h of the face around two eyes, inside the picture.

    A turned head brings its eyes together by the cosine; from `SEEN` on they say nothing.
    """
    if eyes is None or abs(yaw) > SEEN or not dist(*eyes):
        return None
    between = dist(*eyes) / cos(radians(yaw))
    (x, y), (w, h) = (((a + b) / 2 for a, b in zip(*eyes, strict=True)), (WIDE, HIGH))
    edges = x - w / 2 * between, y - ABOVE * h * between, w * between, h * between
    left, top = max(0, round(edges[0])), max(0, round(edges[1]))
    right = min(width, round(edges[0] + edges[2]))
    bottom = min(height, round(edges[1] + edges[3]))
    return left, top, right - left, bottom - top
