"""Face detectors: found where they are, small pictures included, and never a crash."""

import pickle

import numpy as np
import pytest

from portrayal.core.errors import BadOption, MissingPart
from portrayal.core.images import find_pictures, read_pixels
from portrayal.features.faces import Detector, Face, detector, find_faces
from portrayal.filters.geometry import squeeze

YUNET = "face_detection_yunet_2026may.onnx"


@pytest.fixture(scope="module")
def portraits(shared):
    return [read_pixels(path) for path in list(find_pictures(shared / "data" / "faces"))[::63]]


@pytest.fixture(scope="module", params=["haar", "yunet"])
def found_by(request, shared):
    return detector(request.param, shared / "weights" / YUNET)


def test_every_clear_face_is_found_in_the_middle_and_inside(found_by, portraits):
    for pixels in portraits:
        face = find_faces(pixels, found_by)[0]
        rows, columns = pixels.shape[:2]
        assert face.x >= 0 and face.y >= 0
        assert face.x + face.w <= columns and face.y + face.h <= rows
        assert abs(face.x + face.w / 2 - columns / 2) < columns / 6
        assert 0.15 < face.w * face.h / (rows * columns) < 0.9


def test_small_pictures_are_enlarged_first(found_by, portraits):
    found = 0
    for pixels in portraits:
        picture = np.full((64, 64, 3), 128, np.uint8)
        picture[20:52, 10:42] = squeeze(pixels, 32, 32)  # the face is about 20 pixels wide
        faces = find_faces(picture, found_by)
        found += any(8 < face.x < 20 and 18 < face.y < 34 and face.w < 34 for face in faces)
    assert found >= len(portraits) - 2


def test_large_pictures_give_the_same_face(found_by, portraits):
    pixels = portraits[0]
    small, large = (find_faces(p, found_by)[0] for p in (pixels, squeeze(pixels, 1500, 1500)))
    scale = 1500 / len(pixels)
    assert abs(large.x - small.x * scale) < 150 and abs(large.w - small.w * scale) < 250


def test_yunet_gives_five_points_inside_the_face(shared, portraits):
    face = find_faces(portraits[0], detector("yunet", shared / "weights"))[0]
    assert face.points is not None and len(face.points) == 5
    right, left, nose, mouth, _ = face.points
    assert right[0] < nose[0] < left[0] and right[1] < nose[1] < mouth[1]
    assert face.y < right[1] and mouth[1] < face.y + face.h


def test_no_face_is_no_face_in_thin_pictures_too(found_by, portraits):
    plane = np.full((120, 90, 3), 128, np.uint8)
    for pixels in (plane, plane[:1, :1], plane[:3], plane[:, :2]) * 8:
        assert find_faces(pixels, found_by) == []
        find_faces(portraits[0], found_by)  # leaves its memory behind


def test_haar_is_always_there_and_the_default():
    assert detector("haar") == Detector("haar")
    assert find_faces(np.zeros((50, 50, 3), np.uint8)) == []


def test_a_detector_crosses_process_borders(found_by, portraits):
    again = pickle.loads(pickle.dumps(found_by))
    assert again == found_by and again(portraits[0]) == found_by(portraits[0])


def test_the_largest_face_comes_first(shared, portraits):
    both = np.full((288, 500, 3), 128, np.uint8)
    both[:150, :150] = squeeze(portraits[1], 150, 150)
    both[:, 212:] = squeeze(portraits[0], 288, 288)
    faces = find_faces(both, detector("yunet", shared / "weights" / YUNET))
    assert len(faces) == 2 and faces[0].x > 200 > faces[1].x


def test_a_missing_or_broken_weight_file_is_one_line_that_says_what_to_do(tmp_path, noise):
    with pytest.raises(MissingPart, match="or use the detector 'haar'"):
        detector("yunet", tmp_path / "none.onnx")
    with pytest.raises(MissingPart, match="No YuNet file at"):
        detector("auto", tmp_path)
    (tmp_path / YUNET).write_bytes(b"no network")
    with pytest.raises(MissingPart, match="is not a YuNet ONNX file"):
        find_faces(noise(50, 50), detector("auto", tmp_path))
    with pytest.raises(
        BadOption, match=r"No face detector named 'mtcnn'. Known: auto, haar, yunet"
    ):
        detector("mtcnn")


def test_a_face_is_plain_data():
    assert Face(1, 2, 3, 4, 0.5) == Face(1, 2, 3, 4, 0.5, None)
