"""Collages: the cut, the photo among the panels, the badge, and what is set aside."""

import json

import cv2
import numpy as np
import pytest

from portrayal.cli import answer
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import encode_png, read_pixels
from portrayal.core.seeds import numpy_rng
from portrayal.data.collages import (
    QUADRANTS,
    NoCollage,
    cartoonness,
    panels_of,
    parsed_badge,
    photo_among,
    without_badge,
)
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.collage import collage
from portrayal.filters.cartoon import cartoon, cartoon_perturbed, cartoon_poster

CARTOONS = (cartoon, cartoon_perturbed, cartoon_poster)


def photo(scene, seed=0, side=128):
    """A scene with the grain and the soft detail of a photograph."""
    rng = numpy_rng("grain", seed)
    detail = cv2.resize(rng.normal(0, 9, (side // 3, side // 3, 3)), (side, side))
    picture = scene(side, side, seed) + detail + rng.normal(0, 3, (side, side, 3))
    return picture.clip(0, 255).astype(np.uint8)


def composed(panels, gutter=0, colour=255, frame=0):
    """Four panels in reading order as one picture."""
    side = panels[0].shape[0]
    whole = np.full((2 * side + gutter + 2 * frame,) * 2 + (3,), colour, np.uint8)
    for index, panel in enumerate(panels):
        top, left = (frame + part * (side + gutter) for part in divmod(index, 2))
        whole[top : top + side, left : left + side] = panel
    return whole


def jpeg(picture, quality):
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def four(scene, seed=0, place=0, side=128):
    """A photo at `place` among its three cartoons."""
    real = photo(scene, seed, side)
    panels = [filter_(real) for filter_ in CARTOONS]
    panels.insert(place, real)
    return panels


@pytest.mark.parametrize(
    ("gutter", "colour", "frame"),
    [(0, 255, 0), (2, 255, 0), (9, 255, 0), (10, 0, 0), (8, 128, 0), (8, 255, 8), (6, 0, 20)],
)
@pytest.mark.parametrize("place", range(4))
def test_panels_are_cut_to_the_pixel(scene, gutter, colour, frame, place):
    panels = four(scene, 3 + place, place)
    found = panels_of(composed(panels, gutter, colour, frame))
    assert list(found) == list(QUADRANTS)
    for panel, name in zip(panels, QUADRANTS, strict=True):
        assert np.array_equal(found[name], panel), name
    assert photo_among(found) == QUADRANTS[place]


@pytest.mark.parametrize("quality", [95, 80, 60])
@pytest.mark.parametrize("gutter", [0, 8])
def test_jpeg_does_not_move_the_cut(scene, gutter, quality):
    for seed in range(4):
        panels = four(scene, seed, seed)
        found = panels_of(jpeg(composed(panels, gutter), quality))
        assert {panel.shape for panel in found.values()} == {(128, 128, 3)}
        assert photo_among(found) == QUADRANTS[seed]


def test_what_is_no_collage_says_why(scene, noise):
    different = [photo(scene, seed) for seed in (3, 40, 77, 91)]
    two = np.concatenate(four(scene, 3)[:2], axis=1)
    for whole, said in (
        (photo(scene, 1), "no gutter and no edge in the middle of its width"),
        (noise(64, 64), "no gutter and no edge"),
        (np.full((64, 64, 3), 200, np.uint8), "not a collage"),
        (two, "not a collage"),
        (composed(four(scene, 3))[:, 1:], "not a collage"),
        (composed(different, 8), "its panels show different scenes, correlation"),
        (composed(four(scene, 3))[112:144, 100:156][:20, :20], "not a collage"),
    ):
        with pytest.raises(NoCollage, match=said):
            panels_of(whole)


def test_a_photo_is_taken_only_by_a_margin(scene):
    real = photo(scene, 5)
    again = jpeg(real, 90)
    with pytest.raises(NoCollage, match=r"no clear photo: .. and .. look about as drawn, 0\.\d\d"):
        photo_among({"tl": real, "tr": again, "bl": cartoon(real), "br": cartoon_poster(real)})


def test_a_photo_looks_less_drawn_than_its_cartoons_and_its_sketch(scene):
    from portrayal.filters import filters

    for seed in range(4):
        real = photo(scene, seed)
        drawn = [cartoonness(each(real)) for each in (*CARTOONS, filters["pencil"])]
        assert cartoonness(real) + 0.1 < min(drawn)


@pytest.mark.parametrize(
    ("corner", "kept"),
    [("bl", (0, 8, 2, 10)), ("br", (0, 8, 0, 8)), ("tl", (2, 10, 2, 10)), ("tr", (2, 10, 0, 8))],
)
def test_a_badge_takes_its_corner_with_it_and_the_aspect_stays(noise, corner, kept):
    panel = noise(10, 10)
    top, bottom, left, right = kept
    cut = without_badge(panel, parsed_badge(f"{corner}:0.2"))
    assert np.array_equal(cut, panel[top:bottom, left:right])
    assert without_badge(panel, None) is panel


@pytest.mark.parametrize(
    "text", ["bl", "bl:", "bl:0", "bl:0.6", "middle:0.2", "bl:x", "", "bl:nan"]
)
def test_a_badge_that_cannot_be_is_one_line(text):
    with pytest.raises(BadOption, match=r"give CORNER:SHARE up to 0\.5"):
        parsed_badge(text)


@pytest.fixture
def posts(tmp_path, scene):
    """Eight collages, the photo at changing places, and a plain photo among them."""
    folder = tmp_path / "posts"
    folder.mkdir()
    for seed in range(8):
        whole = composed(four(scene, 10 + seed, seed % 4, side=96), 6)
        (folder / f"post{seed}.png").write_bytes(encode_png(whole))
    (folder / "selfie.png").write_bytes(encode_png(photo(scene, 99)))
    return folder


def run(source, out, **options):
    options = {"size": "64", "fractions": "0.5,0.25,0.25", **options}
    return prepare(source, out, Options(**options), workers=1)


def rows(out):
    return [
        {**json.loads(line), "split": split}
        for split in ("train", "val", "test")
        for line in (out / split / "metadata.jsonl").read_text().splitlines()
    ]


def rejected(out):
    lines = (out / "rejected.jsonl").read_text().splitlines()
    return {row["file"]: row["reason"] for row in map(json.loads, lines)}


def test_every_cartoon_is_a_pair_with_the_photo_and_a_collage_has_one_split(posts, tmp_path):
    out = tmp_path / "out"
    outcome = run(collage(posts), out, duplicates="ignore")
    assert sum(outcome.counts.values()) == 24
    splits, photos = {}, {}
    for row in rows(out):
        post = row["subject"]
        splits.setdefault(post, set()).add(row["split"])
        photos.setdefault(post, set()).add(row["sha256"])
        assert row["real"] == QUADRANTS[int(post[-1]) % 4]
        assert row["name"] == f"{post}-{row['panel']}"
        assert row["panel"] != row["real"]
        target, source = (
            read_pixels(out / row["split"] / row[f"{s}_file_name"]) for s in ("target", "source")
        )
        assert cartoonness(target) < cartoonness(source)
    assert len(splits) == 8
    assert all(len(found) == 1 for found in [*splits.values(), *photos.values()])
    assert set(rejected(out)) == {f"selfie.png#{n}" for n in (1, 2, 3)}
    assert all(why.startswith("not a collage: ") for why in rejected(out).values())


def test_one_place_gives_one_pair_and_the_photo_there_is_set_aside(posts, tmp_path):
    out = tmp_path / "out"
    run(collage(posts, panels="tr"), out)
    assert [row["name"] for row in sorted(rows(out), key=lambda row: row["name"])] == [
        f"post{n}-tr" for n in range(8) if n % 4 != 1
    ]
    assert rejected(out)["post1.png#tr"] == "this panel is the photo: tr"


def test_a_given_place_is_believed(posts):
    item = collage(posts, real="br", panels="tl").load("post0.png#tl")
    assert item.meta == {"subject": "post0", "panel": "tl", "real": "br"}


def test_the_badge_is_cut_from_both(posts):
    item = collage(posts, badge="bl:0.25").load("post0.png#1")
    plain = collage(posts).load("post0.png#1")
    for side in ("source", "target"):
        assert np.array_equal(getattr(item, side), getattr(plain, side)[:72, 24:])


def test_a_folder_without_any_collage_is_one_line(tmp_path, scene):
    for seed in range(3):
        path = tmp_path / f"in/{seed}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode_png(photo(scene, seed)))
    with pytest.raises(BadData, match=r"None of 9 pictures is left \(not a collage: 9\)"):
        run(collage(tmp_path / "in"), tmp_path / "out")


def test_the_command_line_knows_collages(posts, tmp_path, capsys):
    out = str(tmp_path / "out")
    words = ["prepare", "collage", str(posts), "--out", out, "--size", "64", "--workers", "1"]
    assert answer([*words, "--real", "tl", "--panels", "tl"]) == 2
    assert "a photo is no cartoon of itself" in capsys.readouterr().err
    assert answer([*words, "--panels", "br", "--dry-run"]) == 0
    assert "not a collage" in capsys.readouterr().out


@pytest.mark.parametrize(("gutter", "quality"), [(0, 85), (8, 75)])
def test_real_faces_among_cartoons_of_other_algorithms_are_found(shared, gutter, quality):
    """Over 55 faces, 10 ways of composing: 546 of 550 right, 4 set aside, none wrong."""
    right = 0
    for place, path in enumerate(sorted((shared / "data/restyled/whitebox").iterdir())[:16]):
        real = read_pixels(shared / "data/faces" / path.name)
        pencil = read_pixels(shared / "data/restyled/pencil" / path.name)
        panels = [read_pixels(path), pencil, cartoon(real)]
        panels.insert(place % 4, real)
        panels = [cv2.resize(panel, (256, 256)) for panel in panels]
        try:
            found = panels_of(jpeg(composed(panels, gutter), quality))
            photo = photo_among(found)
        except NoCollage:
            continue
        assert found["tl"].shape == (256, 256, 3)
        assert photo == QUADRANTS[place % 4]
        right += 1
    assert right >= 15


def test_no_face_and_no_street_is_taken_for_a_collage(shared):
    """Over 150 faces and 64 pictures of COCO: none is."""
    paths = sorted((shared / "data/faces").iterdir())[:20]
    paths += sorted((shared / "data/coco").rglob("*.jpg"))[:20]
    for path in paths:
        height, width = (side // 2 * 2 for side in read_pixels(path).shape[:2])
        with pytest.raises(NoCollage, match="not a collage"):
            panels_of(read_pixels(path)[:height, :width])
