"""Where the faces are: OpenCV's Haar cascade, always there, or YuNet, better, if its file is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from portrayal.core.errors import BadOption, MissingPart
from portrayal.core.images import Pixels
from portrayal.features.weights import find, folders

YUNET_FILES = ("face_detection_yunet_2026may.onnx", "face_detection_yunet_2023mar.onnx")
YUNET_SITE = "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet"


@dataclass(frozen=True)
class Face:
    """A box in pixels, inside the picture; `score` is comparable within one detector only.

    points (YuNet): right eye, left eye, nose, right and left corner of the mouth, as (x, y).
    """

    x: int
    y: int
    w: int
    h: int
    score: float
    points: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class Detector:
    """Which detector, as plain data: crosses process borders, and each process loads its own."""

    name: Literal["haar", "yunet"]
    weights: str = ""

    def __call__(self, pixels: Pixels) -> list[Face]:
        """All faces, the largest first."""
        find = _haar if self.name == "haar" else _yunet
        return find(pixels, self.weights)


def detector(name: str = "auto", weights: Path | None = None) -> Detector:
    """The detector of that name; "auto" is YuNet when its file is found and Haar otherwise."""
    if name not in ("auto", "haar", "yunet"):
        raise BadOption(f"No face detector named {name!r}. Known: auto, haar, yunet.")
    if name == "haar":
        return Detector("haar")
    found = _yunet_file(weights)
    if found is None and (name == "yunet" or weights is not None):
        where = f"at {weights}" if weights else "found"
        raise MissingPart(
            f"No YuNet file {where}. Download {YUNET_FILES[1]} from "
            f"{YUNET_SITE} into {folders()[-1]}, or use the detector 'haar'."
        )
    return Detector("yunet", str(found)) if found else Detector("haar")


def find_faces(
    pixels: Pixels, detector: Callable[[Pixels], list[Face]] | None = None
) -> list[Face]:
    """All faces of a picture (H, W, 3), the largest first; Haar when no detector is given."""
    return (detector or Detector("haar"))(pixels)


def _yunet_file(weights: Path | None) -> Path | None:
    """The file itself, or the first known name in the folders."""
    if weights is not None and weights.is_file():
        return weights
    places = folders() if weights is None else [weights]
    return next(
        (file for place in places for name in YUNET_FILES if (file := find(name, [place]))), None
    )


def _haar(pixels: Pixels, _weights: str) -> list[Face]:
    scaled, factor = _scaled(pixels, shortest=192, longest=800)
    grey = cv2.equalizeHist(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY))
    smallest = max(24, min(grey.shape) // 10)
    cascade = _cascade(threading.get_ident())
    boxes, _, scores = cascade.detectMultiScale3(
        grey, 1.1, 5, minSize=(smallest, smallest), outputRejectLevels=True
    )
    faces = [
        _face(pixels, box / factor, float(score), None)
        for box, score in zip(np.asarray(boxes, float).reshape(-1, 4), scores, strict=True)
    ]
    return _largest_first(faces)


def _yunet(pixels: Pixels, weights: str) -> list[Face]:
    scaled, factor = _scaled(pixels, shortest=160, longest=640)
    network = _network(weights, threading.get_ident())
    missing = [
        max(0, 64 - side) for side in scaled.shape[:2]
    ]  # below 32, OpenCV reads stray memory
    padded = cv2.copyMakeBorder(scaled, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT)
    network.setInputSize((padded.shape[1], padded.shape[0]))
    _, rows = network.detect(cv2.cvtColor(padded, cv2.COLOR_RGB2BGR))
    faces = []
    for row in [] if rows is None else rows:  # x y w h, five points, score
        values = np.asarray(row[:14], float) / factor
        points = tuple((float(x), float(y)) for x, y in values[4:].reshape(5, 2))
        faces.append(_face(pixels, values[:4], float(row[14]), points))
    return _largest_first(faces)


def _scaled(pixels: Pixels, shortest: int, longest: int) -> tuple[Any, float]:
    """Detectors miss faces in small pictures and waste time in large ones."""
    rows, columns = pixels.shape[:2]
    factor = min(max(1.0, shortest / min(rows, columns)), longest / max(rows, columns))
    if factor == 1.0:
        return np.ascontiguousarray(pixels), 1.0
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(pixels), size, interpolation=way), factor


def _face(pixels: Pixels, box: Any, score: float, points: Any) -> Face:
    rows, columns = pixels.shape[:2]
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = min(columns, round(box[0] + box[2])), min(rows, round(box[1] + box[3]))
    return Face(left, top, max(0, right - left), max(0, bottom - top), score, points)


def _largest_first(faces: list[Face]) -> list[Face]:
    real = [face for face in faces if face.w and face.h]
    return sorted(real, key=lambda face: (-face.w * face.h, face.x, face.y))


@lru_cache(maxsize=64)  # per thread: the classifier keeps its buffers inside
def _cascade(_thread: int) -> Any:
    data: Any = cv2.data  # type: ignore[attr-defined]
    return cv2.CascadeClassifier(data.haarcascades + "haarcascade_frontalface_default.xml")


@lru_cache(maxsize=64)
def _network(weights: str, _thread: int) -> Any:
    try:
        return cv2.FaceDetectorYN.create(weights, "", (320, 320), score_threshold=0.6)
    except cv2.error:
        raise MissingPart(
            f"{weights} is not a YuNet ONNX file that OpenCV {cv2.__version__} reads. Get one from "
            f"{YUNET_SITE}, or use the detector 'haar'."
        ) from None
