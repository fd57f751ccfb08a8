"""COCO: a JSON file read element by element, outlines against other rasterisers, objects alone."""

import json
import pickle

import numpy as np
import pytest
from skimage.draw import polygon2mask

from portrayal.core.errors import BadData, BadOption, BadPicture, UnknownName
from portrayal.data.coco_file import CHUNK, element_at, elements
from portrayal.data.coco_masks import NoOutline, coverage_of, filled_runs, unpacked
from portrayal.data.coco_objects import objects_of
from portrayal.data.item import SetAside
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.coco import coco, on_plain

CLASSES = [
    {"id": 1, "name": "person"},
    {"id": 6, "name": "bus"},
    {"id": 10, "name": "traffic light"},
]


def packed(runs):
    """Run lengths as COCO packs them, written from its description."""
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            bits, value = value & 31, value >> 5
            last = value == (-1 if bits & 16 else 0)
            text += chr(48 + bits + (0 if last else 32))
            if last:
                break
    return text


def runs_of(mask):
    flat = mask.T.ravel().astype(bool)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    return [0, *runs] if flat[0] else runs


def whole(outline, height, width):
    """Coverage of the whole picture."""
    x, y, part = coverage_of(outline, height, width)
    full = np.zeros((height, width), np.uint8)
    full[y : y + part.shape[0], x : x + part.shape[1]] = part
    return full


def polygon(x, y, side):
    return [[x, y, x + side, y, x + side, y + side, x, y + side]]


def annotation(number, image, of, outline, side=80, **other):
    fields = {"id": number, "image_id": image, "category_id": of, "segmentation": outline}
    return fields | {"bbox": [10, 10, side, side], "iscrowd": 0, "area": 1} | other


@pytest.fixture
def tree(tmp_path, make):
    """Three pictures of 120 x 160 and their annotations; the categories come last, as in COCO."""
    images = []
    for number in range(3):
        make.save(tmp_path / "val" / f"{number:06d}.png", make.photo(number, 120, 160))
        name = f"{number:06d}.png"
        images.append({"id": 40 + number, "file_name": name, "height": 120, "width": 160})
    half = np.zeros((120, 160), bool)
    half[20:100, 30:110] = True
    objects = [
        annotation(7, 42, 6, polygon(10, 10, 80)),
        annotation(5, 40, 1, polygon(20, 20, 70), side=70),
        annotation(6, 40, 6, {"size": [120, 160], "counts": runs_of(half)}),
        annotation(8, 41, 10, {"size": [120, 160], "counts": packed(runs_of(half))}),
        annotation(9, 41, 1, polygon(5, 5, 63), side=63),
        annotation(3, 41, 1, {"size": [120, 160], "counts": runs_of(half)}, iscrowd=1),
    ]
    content = {"info": {"year": 2017}, "licenses": [], "images": images, "annotations": objects}
    path = tmp_path / "instances.json"
    path.write_text(json.dumps({**content, "categories": CLASSES}))
    return tmp_path


def of(tree, **options):
    return coco(tree / "val", tree / "instances.json", **options)


def rewritten(tree, change):
    path = tree / "instances.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("indent", [None, 1])
def test_elements_and_their_places_are_those_of_the_file(tmp_path, indent):
    content = {
        "info": {"a": [1, {"b": "]}"}]},
        "empty": [],
        "images": [{"file_name": f'é{i}"\\.jpg', "n": i} for i in range(40)],
        "annotations": [{"s": [[0.5] * (i * 999)], "id": i} for i in range(60)],
        "numbers": [1, -2.5e3, "x", None, [1, 2]],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False), encoding="utf-8")
    assert path.stat().st_size > 2 * CHUNK  # some elements lie across two chunks
    found = list(elements(path))
    for key in ("annotations", "numbers"):
        assert [element for part, _, element in found if part == key] == content[key]
    assert len(found) == 105
    for _, at, element in found[::7]:
        assert element_at(path, at) == element


@pytest.mark.parametrize("cut", [1, 30, 200, 700])
def test_a_file_that_is_cut_off_is_one_line(tree, cut):
    path = tree / "instances.json"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BadData, match="not a whole JSON file: byte") as caught:
        list(of(tree).names())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not a whole JSON"),
        ("[1, 2]", "not a whole JSON"),
        ("PK\x03\x04", "not a whole JSON"),
        ('{"a": ' + "[" * 5000, "not a whole JSON"),
        ("{}", "no images and no annotations and no categories"),
        ('{"images": [{"id": 1}], "annotations": [{"id": 1}], "categories": []}', "no categories"),
    ],
)
def test_a_file_that_is_not_coco_is_one_line(tree, content, why):
    (tree / "instances.json").write_text(content)
    with pytest.raises(BadData, match=why):
        list(of(tree).names())
    (tree / "instances.json").unlink()
    with pytest.raises(BadData, match="no such file"):
        list(of(tree).names())


def test_captions_are_not_objects(tree):
    rewritten(tree, lambda all: [each.pop("segmentation") for each in all["annotations"]])
    with pytest.raises(BadData, match="holds 6 annotations, but no outlines"):
        list(of(tree).names())


def test_objects_are_listed_by_picture_and_what_is_left_out_is_counted(tree):
    source = of(tree)
    names = list(source.names())
    assert [name.split("@")[0] for name in names] == [
        *("000000.png#5", "000000.png#6", "000001.png#8", "000002.png#7"),
    ]
    assert source.notes() == ["objects left out: 1 smaller than 64 pixels, 1 crowds"]
    assert [source.load(name).meta["class"] for name in names] == [
        *("person", "bus", "traffic light", "bus"),
    ]
    assert source.load(names[1]).meta["subject"] == source.load(names[0]).meta["subject"] == "40"
    assert len(list(of(tree, min_object=63).names())) == 5


def test_objects_whose_picture_or_category_is_not_named_are_counted(tree):
    def change(content):
        content["annotations"][0]["image_id"] = -7
        content["annotations"][1]["category_id"] = 999

    rewritten(tree, change)
    source = of(tree)
    assert len(list(source.names())) == 2
    (note,) = source.notes()
    assert "1 of pictures that the file does not name" in note
    assert "1 of categories that the file does not name" in note
    chosen = of(tree, categories=CLASSES[0]["name"])
    assert "categories that the file" not in "".join(chosen.notes())


def test_an_object_that_is_named_twice_is_taken_once_and_counted(tree):
    before = list(of(tree).names())

    def change(content):
        objects = content["annotations"]
        objects += [objects[0], objects[0], objects[2] | {"image_id": 41}]

    rewritten(tree, change)
    source = of(tree)
    names = [name.split("@")[0] for name in source.names()]
    assert names == sorted([*(name.split("@")[0] for name in before), "000001.png#6"])
    assert "2 named twice" in source.notes()[0]


def test_categories_choose_and_an_unknown_one_is_answered_with_the_nearest(tree):
    source = of(tree, categories="bus, traffic light")
    assert len(list(source.names())) == 3 and source.notes() == []
    with pytest.raises(UnknownName, match="Did you mean 'person'"):
        list(of(tree, categories="persons").names())
    with pytest.raises(BadData, match=r"is left \(1 smaller than 200 pixels\)"):
        list(of(tree, categories="traffic light", min_object=200).names())
    with pytest.raises(BadOption, match="--border 2"):
        of(tree, border=2)


def test_an_object_stands_alone_on_white_in_a_square_with_a_border(tree, make):
    source = of(tree, border=0.1)
    item = source.load(next(name for name in source.names() if "#5@" in name))
    assert item.name == "000000-5" and item.target is None
    assert item.source.shape == (84, 84, 3)
    assert np.array_equal(item.source[7:77, 7:77], make.photo(0, 120, 160)[20:90, 20:90])
    outside = item.source.copy()
    outside[7:77, 7:77] = 255
    assert (outside == 255).all() and item.meta["side"] == 70


def test_another_background_and_half_covered_pixels_are_mixed_by_hand():
    pixels = np.full((1, 3, 3), 100, np.uint8)
    done = on_plain(pixels, np.array([[255, 51, 0]], np.uint8), (0, 50, 200), 0)
    assert done.shape == (3, 3, 3)
    assert done[1].tolist() == [[100, 100, 100], [20, 60, 180], [0, 50, 200]]
    assert (done[0] == (0, 50, 200)).all()


def test_missing_pictures_are_counted_with_the_first_or_left_out_when_asked(tree, tmp_path):
    (tree / "val" / "000001.png").unlink()
    with pytest.raises(BadData, match=r"1 of 3 pictures .* first 000001\.png"):
        list(of(tree).names())
    outcome = prepare(
        of(tree, missing="skip"),
        tmp_path / "out",
        Options(size="32", filter=["pencil"], fractions="0.5,0,0.5"),
        workers=1,
    )
    assert outcome.rejected == {"picture is not there": 1}
    assert sum(outcome.counts.values()) == 3
    lines = [
        json.loads(line)
        for split in ("train", "test")
        for line in (tmp_path / "out" / split / "metadata.jsonl").read_text().splitlines()
    ]
    assert {row["class"] for row in lines} == {"person", "bus"}
    for path in (tree / "val").iterdir():
        path.unlink()
    with pytest.raises(BadData, match="3 of 3 pictures"):
        list(of(tree, missing="skip").names())


def test_a_name_that_leads_out_of_the_folder_is_refused(tree):
    rewritten(tree, lambda all: all["images"][0].update(file_name="../../secret.png"))
    with pytest.raises(BadData, match="leads out of the folder"):
        list(of(tree).names())


def test_a_resized_picture_and_a_changed_file_are_rejected(tree, make):
    names = list(of(tree).names())
    make.save(tree / "val" / "000000.png", make.photo(0, 60, 80))
    with pytest.raises(BadPicture, match="not of the annotated size 160 x 120: 80 x 60"):
        of(tree).load(names[0])
    rewritten(tree, lambda all: all["images"].append({"id": 50, "file_name": "x.png"}))
    with pytest.raises(BadPicture, match="changed meanwhile"):
        of(tree).load(names[2].replace("@", "@1"))


@pytest.mark.parametrize(
    "outline",
    [
        [[1, 2, 3]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [["a"] * 6],
        [[float("nan")] * 6],
        [[500, 500, 600, 500, 600, 600]],
        [],
        "x",
        {"size": [10, 10], "counts": [50, 50]},
        {"size": [20, 30], "counts": [50, 50]},
        {"size": [20, 30], "counts": [-1, 601]},
        {"size": [20, 30], "counts": [600]},
        {"size": [20, 30], "counts": "\x7f\x01"},
        {"size": [20, 30], "counts": "P"},
        {"size": [20, 30]},
        {},
    ],
    ids=str,
)
def test_an_outline_that_makes_no_sense_says_why(outline):
    with pytest.raises(NoOutline):
        coverage_of(outline, 20, 30)


def test_run_lengths_by_hand_go_down_the_columns():
    assert filled_runs({"size": [2, 3], "counts": [1, 2, 3]}, 2, 3).tolist() == [
        [0, 255, 0],
        [255, 0, 0],
    ]
    assert unpacked("0P2") == [0, 64]


def test_packed_run_lengths_are_unpacked_to_the_number():
    rng = np.random.default_rng(0)
    for _ in range(200):
        runs = rng.integers(0, 10 ** rng.integers(1, 7), rng.integers(1, 30)).tolist()
        assert unpacked(packed(runs)) == runs


def test_random_masks_survive_both_forms():
    rng = np.random.default_rng(1)
    for size in ((1, 1), (5, 9), (40, 31)):
        mask = np.ones(size, bool) if size == (1, 1) else rng.random(size) < 0.3
        for counts in (runs_of(mask), packed(runs_of(mask))):
            assert np.array_equal(whole({"size": list(size), "counts": counts}, *size) > 0, mask)


def test_polygons_cover_the_pixels_they_cover():
    assert np.array_equal(whole(polygon(2, 3, 4), 10, 12) == 255, polygon_by_hand())
    half = whole([[2, 2, 6, 2, 6, 5.5, 2, 5.5]], 10, 10)
    assert 90 < half[5, 4] < 200 and half[4, 4] == 255 and half[6, 4] == 0
    both = whole(polygon(1, 1, 5) + polygon(3, 3, 5), 12, 12)
    assert both[4, 4] == 255  # a union, not even-odd
    assert np.array_equal(whole(polygon(-5, -5, 8), 10, 10) > 127, np.pad(np.ones((3, 3)), (0, 7)))


def polygon_by_hand():
    full = np.zeros((10, 12), bool)
    full[3:7, 2:6] = True
    return full


def test_real_outlines_agree_with_another_rasteriser_and_the_area_in_the_file(shared):
    place = shared / "data" / "coco"
    agree, areas = [], []
    for part in ("train2017", "val2017"):
        content = json.loads((place / f"annotations/instances_{part}.json").read_text())
        sizes = {each["id"]: (each["height"], each["width"]) for each in content["images"]}
        for each in content["annotations"][::3]:
            if each["iscrowd"] or min(each["bbox"][2:]) < 64:
                continue
            size = sizes[each["image_id"]]
            ours, theirs = whole(each["segmentation"], *size) > 127, np.zeros(size, bool)
            for flat in each["segmentation"]:
                theirs |= polygon2mask(size, np.reshape(flat, (-1, 2))[:, ::-1] - 0.5)
            agree.append((ours & theirs).sum() / (ours | theirs).sum())
            areas.append(ours.sum() / each["area"])
    assert len(agree) > 40 and min(agree) > 0.95 and np.median(agree) > 0.99
    assert abs(np.median(areas) - 1) < 0.01 and max(areas) < 1.06 and min(areas) > 0.98


def test_real_objects_are_read(shared):
    place = shared / "data" / "coco"
    source = coco(place / "val2017", place / "annotations/instances_val2017.json")
    names = list(source.names())
    items = [source.load(name) for name in names[:6]]
    assert all(item.source.shape[0] == item.source.shape[1] >= 64 for item in items)
    assert all((item.source[0] == 255).all() for item in items)


def test_the_index_is_small_whatever_the_file_holds(tree):
    found = objects_of(tree / "instances.json", 64)
    assert found.id.itemsize + found.at.itemsize + found.image.itemsize == 24
    assert found.category.itemsize == 4 and len(found.id) == 4


def test_the_source_crosses_process_borders(tree):
    source = pickle.loads(pickle.dumps(of(tree)))
    name = next(iter(source.names()))
    assert source.load(name).name == "000000-5"
    with pytest.raises(BadPicture, match="not an entry"):
        source.load("nonsense")
    (tree / "val" / "000000.png").unlink()
    with pytest.raises(SetAside, match="not there"):
        of(tree, missing="skip").load(name)
