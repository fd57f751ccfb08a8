"""colour FERET: both discs, three sizes, both forms of ground truth, by key; nothing is silent."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
from feret_tree import PEOPLE, face, feret_tree, put, xml_of

from portrayal.core.errors import BadData, BadOption, BadPicture
from portrayal.data.feret import shot_of
from portrayal.data.feret_truth import from_lines, from_xml, truth_of
from portrayal.data.item import SetAside
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.colorferet import colorferet, face_of

FIRST = "dvd1/data/smaller/00001/00001_930831_fa.ppm.bz2"
OPTIONS = {"size": "32", "filter": ["cartoon"], "fractions": "0.5,0.25,0.25"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return feret_tree(tmp_path_factory.mktemp("feret") / "colorferet")


@pytest.fixture
def own(tree, tmp_path):
    """A tree that a test may break."""
    shutil.copytree(tree, tmp_path / "tree")
    return tmp_path / "tree"


def rows(out):
    found = {}
    for path in out.glob("*/metadata.jsonl"):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            found[row["name"]] = row | {"split": path.parent.name}
    return found


@pytest.mark.parametrize("release", ["images", "smaller", "thumbnails"])
def test_every_picture_of_both_discs_is_read_in_memory_at_its_size(tree, release):
    source = colorferet(tree, release=release)
    found = [source.load(name) for name in source.names()]
    assert [item.name for item in found] == [
        f"{person.number}/{person.number}_{shot}"
        for person in PEOPLE
        for shot in sorted(person.shots)
    ]
    for item in found:
        number, name = item.name.split("/")
        assert np.array_equal(item.source, face(number, name[6:], release))
        assert item.meta["subject"] == number
    assert not list(tree.rglob("*.ppm"))


def test_a_disc_alone_and_a_folder_above_are_found_too(tree):
    assert len(list(colorferet(tree / "dvd1").names())) == 6
    assert len(list(colorferet(tree.parent).names())) == 12
    with pytest.raises(BadData, match=r"no dvd1/data/smaller .*\(no release at all\)"):
        list(colorferet(tree / "dvd1" / "misc").names())
    with pytest.raises(BadData, match="not a folder"):
        list(colorferet(tree / "none").names())


def test_a_release_that_is_not_there_names_those_that_are(tmp_path):
    (tmp_path / "dvd1" / "data" / "images").mkdir(parents=True)
    with pytest.raises(BadData, match="it has --release images"):
        list(colorferet(tmp_path).names())


def test_columns_come_from_the_ground_truth_by_key_in_both_forms(tree):
    lines = colorferet(tree).load(FIRST).meta
    assert lines == {
        **{"subject": "00001", "date": "1993-08-31", "pose": "fa", "capture": ""},
        **{"yaw": 1.0, "pitch": 0.0, "roll": 2.0, "angles": "given"},
        **{"gender": "Male", "race": "Black-or-African-American", "yob": "1943", "age": "50"},
        **{"glasses": "Yes", "beard": "No", "mustache": "No"},
        **{"left_eye": "153 150", "right_eye": "103 150", "eye_distance": "0.1953"},
    }
    xml = colorferet(tree).load("dvd1/data/smaller/00002/00002_940928_hr.ppm.bz2").meta
    assert xml | {"yaw": -67.5, "gender": "Female", "yob": "1970", "age": "24"} == xml
    assert xml | {"race": "White", "glasses": "No", "mustache": "Yes", "pose": "hr"} == xml
    assert list(xml) == list(lines)


@pytest.mark.parametrize(("release", "scale"), [("images", 1), ("smaller", 2), ("thumbnails", 4)])
def test_eyes_are_scaled_to_the_size_that_is_read_and_lie_on_the_drawn_ones(tree, release, scale):
    item = colorferet(tree, release=release).load(FIRST.replace("smaller", release))
    for eye, x in (("left_eye", 306), ("right_eye", 206)):
        found = [float(part) for part in item.meta[eye].split()]
        assert found == [x / scale, 300 / scale]
        assert item.source[int(found[1]), int(found[0])].tolist() == [20, 20, 20]


def test_without_ground_truth_the_pose_code_gives_the_yaw_and_the_rest_is_unknown(own):
    shutil.rmtree(own / "dvd1" / "data" / "ground_truths")
    item = colorferet(own).load("dvd1/data/smaller/00002/00002_940928_hr.ppm.bz2")
    assert item.meta["yaw"] == -67.5 and item.meta["angles"] == "nominal"
    assert {item.meta[key] for key in ("gender", "race", "glasses", "beard")} == {"unknown"}
    assert {item.meta[key] for key in ("yob", "age", "left_eye", "eye_distance")} == {""}
    assert item.remark is None and item.face is None


def test_what_one_form_lacks_comes_from_the_other_and_a_value_that_is_empty_is_lacking(own):
    data = own / "dvd1" / "data"
    place = data / "ground_truths" / "name_value" / "00002"
    put(place / "00002_940928_fa.txt", "glasses=Yes\nbeard=\nyaw=abc\n")
    truth = truth_of(data, "00002", "00002_940928_fa")
    assert (truth.text("glasses"), truth.text("beard")) == ("Yes", "No")
    assert truth.number("yaw") is None and truth.text("gender") == "Female"
    assert truth.point("left_eye_coordinates") == (306, 300)


@pytest.mark.parametrize(
    ("content", "why"),
    [("<Recordings><Pose", "unclosed token"), ("", "no element found"), ("<a/>", "no facts")],
)
def test_broken_xml_is_told_and_the_picture_stays(own, tmp_path, content, why):
    put(own / "dvd1/data/ground_truths/xml/00002/00002_940928_fa.xml", content)
    source = colorferet(own)
    item = source.load("dvd1/data/smaller/00002/00002_940928_fa.ppm.bz2")
    assert item.meta["gender"] == "Female" and item.meta["glasses"] == "unknown"
    assert item.meta["angles"] == "nominal"
    outcome = prepare(source, tmp_path / "out", Options(**OPTIONS), workers=1)
    note = next(note for note in outcome.notes if "ground truth" in note)
    assert note.startswith("ground truth cannot be read: 1 pictures, first dvd1/data/smaller/00002")
    assert why in note and "00002_940928_fa.xml" in note
    assert sum(outcome.counts.values()) == 12


@pytest.mark.parametrize("x", [-3, 512, 900])
def test_eyes_outside_the_picture_are_left_out_and_told(own, x):
    text = xml_of("00002", "940928_fa").replace('LeftEye x="306"', f'LeftEye x="{x}"')
    put(own / "dvd1/data/ground_truths/xml/00002/00002_940928_fa.xml", text)
    item = colorferet(own).load("dvd1/data/smaller/00002/00002_940928_fa.ppm.bz2")
    assert item.remark == "eyes left out: they lie outside the picture"
    assert item.meta["left_eye"] == item.meta["eye_distance"] == "" and item.face is None


def test_a_picture_of_another_aspect_has_no_eyes_to_scale(own, make):
    make.save(own / "dvd1/data/smaller/00001/00001_930831_fb.ppm", make.photo(1, 256, 256))
    (own / "dvd1/data/smaller/00001/00001_930831_fb.ppm.bz2").unlink()
    item = colorferet(own).load("dvd1/data/smaller/00001/00001_930831_fb.ppm")
    assert "256 x 256, not 2:3" in item.remark and item.face is None


def test_the_face_box_holds_the_drawn_face_and_does_not_shrink_when_the_head_turns():
    x, y, w, h = face_of(((306, 300), (206, 300)), 0, 512, 768)
    assert (x, w) == (151, 210) and y == 191 and h == 280
    turned = face_of(((256 + 50 * 0.924, 300), (256 - 50 * 0.924, 300)), 22.5, 512, 768)
    assert np.allclose(turned, (x, y, w, h), atol=1)
    assert face_of(((300, 300), (260, 300)), 67.5, 512, 768) is None
    assert face_of(((300, 300), (300, 300)), 0, 512, 768) is None
    assert face_of(((20, 20), (120, 20)), 0, 512, 768) == (0, 0, 175, 191)


def test_small_faces_are_told_by_the_eyes_and_profiles_stay_unknown(tree, tmp_path):
    rule = Options(**OPTIONS, faces="reject", min_face=0.05, detector="haar")
    outcome = prepare(colorferet(tree), tmp_path / "out", rule, workers=1)
    found = {name[6:]: row["face_share"] for name, row in rows(tmp_path / "out").items()}
    assert len(found) == 12 and outcome.rejected == {}
    assert found["00001_930831_fa"] == pytest.approx(0.1495, abs=0.005)
    assert found["00742_941121_qr"] == pytest.approx(0.1495, abs=0.005)
    assert found["00742_941121_pr"] == found["00002_940928_pl"] == 0  # no face found: kept
    strict = replace(rule, min_face=0.2, fractions="1,0,0")
    kept = prepare(colorferet(tree), tmp_path / "strict", strict, workers=1)
    assert kept.rejected == {"face takes less than 0.2 of the picture": 9}


def test_one_command_makes_cartoon_and_face_split_by_person_with_the_distractors_told(
    tree, tmp_path
):
    outcome = prepare(colorferet(tree), tmp_path / "out", Options(**OPTIONS), workers=1)
    assert sum(outcome.counts.values()) == 12
    found = rows(tmp_path / "out")
    splits = {row["subject"]: row["split"] for row in found.values()}
    assert all(row["split"] == splits[row["subject"]] for row in found.values())
    assert set(splits.values()) == {"train", "val", "test"}
    note = "3 pictures of the old grey release are left alone (dvd2/gray_feret_cd1)"
    assert note in outcome.notes
    assert note in json.loads((tmp_path / "out" / "manifest.json").read_text())["notes"]


def test_poses_choose_and_a_wrong_one_is_refused(tree, tmp_path):
    source = colorferet(tree, poses="fa, FB")
    outcome = prepare(source, tmp_path / "out", Options(**OPTIONS), workers=1)
    assert sum(outcome.counts.values()) == 7
    assert outcome.rejected == {"pose not asked for": 5}
    with pytest.raises(BadOption, match="'zz'"):
        colorferet(tree, poses="fa,zz")


def test_stray_damaged_and_doubled_files_are_each_accounted_for(own, make):
    place = own / "dvd1/data/smaller/00001"
    make.save(place / "holiday.ppm", make.photo(1))
    make.save(place / "00001_930831_zz.ppm", make.photo(2))
    put(place / "00001_930831_fb.ppm.bz2", b"BZh91AY&SYbroken")
    make.save(place / "00001_930831_fa.ppm", make.photo(3))  # unpacked beside the packed one
    source, reasons = colorferet(own), {}
    names = [name for name in source.names() if "/00001/" in name]
    for name in names:
        try:
            source.load(name)
        except BadPicture as error:
            reasons[name.rsplit("/", 1)[1]] = (isinstance(error, SetAside), error.reason)
    assert len(names) == 5 and len([name for name in names if "_fa." in name]) == 1
    assert reasons.pop("holiday.ppm") == (True, "not named NNNNN_YYMMDD_PP of colour FERET")
    assert reasons.pop("00001_930831_zz.ppm") == (True, "unknown pose code: zz")
    assert reasons.pop("00001_930831_fb.ppm.bz2")[0] is False and not reasons


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("00001_930831_fa.ppm.bz2", ("00001", "930831", "fa", "")),
        ("00001_930831_FA_a.ppm", ("00001", "930831", "fa", "a")),
        ("0001_930831_fa.ppm", None),
        ("00001fa010_930831.tif", None),
        ("00001_930831_fa_a_b.ppm", None),
    ],
)
def test_names_are_taken_apart(name, parts):
    shot = shot_of(name)
    found = shot and (shot.person, shot.day, shot.pose, shot.capture)
    assert found == parts


def test_a_day_that_does_not_exist_is_unknown_and_gives_no_age(own):
    folder = own / "dvd1/data/smaller/00001"
    (folder / "00001_930831_fa.ppm.bz2").rename(folder / "00001_930231_fa.ppm.bz2")
    meta = colorferet(own).load("dvd1/data/smaller/00001/00001_930231_fa.ppm.bz2").meta
    assert meta["date"] == "unknown" and meta["age"] == "" and meta["yob"] == "1943"


def test_both_forms_say_the_same(tree):
    lines = from_lines(b"pose=fa\nyaw=0\nglasses=No\nleft_eye_coordinates=306 300\nx=1=2")
    assert lines["x"] == "1=2"
    xml = from_xml(xml_of("00002", "940928_fa").encode())
    for key in ("pose", "yaw", "glasses", "left_eye_coordinates"):
        assert xml[key] == lines[key]
    assert xml["capture_date"] == "09/28/1994"


def test_the_source_crosses_process_borders(tree):
    source = pickle.loads(pickle.dumps(colorferet(tree)))
    assert (
        next(iter(source.names())) == FIRST and source.load(FIRST).name == "00001/00001_930831_fa"
    )
