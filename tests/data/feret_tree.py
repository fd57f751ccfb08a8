"""A small tree laid out as colour FERET: drawn faces, both forms of ground truth, and what is
wrong or does not belong there."""

import bz2
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians
from pathlib import Path

import cv2
import numpy as np

from portrayal.core.seeds import numpy_rng
from portrayal.data.feret import RELEASES, YAW

EYES = 100  # pixels between the eyes at 512 x 768, from the front


@dataclass(frozen=True)
class Person:
    number: str
    disc: str
    gender: str
    yob: int
    form: str  # of the ground truth: name_value or xml
    shots: tuple[str, ...]  # names without number


PEOPLE = (
    Person("00001", "dvd1", "Male", 1943, "name_value", ("930831_fa", "930831_fa_a", "930831_fb")),
    Person("00002", "dvd1", "Female", 1970, "xml", ("940928_fa", "940928_pl", "940928_hr")),
    Person("00741", "dvd2", "Female", 1955, "xml", ("941121_fa", "941121_rc", "960530_fa")),
    Person("00742", "dvd2", "Male", 1961, "name_value", ("941121_fa", "941121_qr", "941121_pr")),
)


def packed_ppm(pixels):
    head = f"P6\n# a comment\n{pixels.shape[1]} {pixels.shape[0]}\n255\n".encode()
    return bz2.compress(head + pixels.tobytes(), 1)


def points(yaw, tall=EYES):
    """Right and left eye (x, y) as in a ground truth of 512 x 768."""
    half = tall / 2 * cos(radians(yaw))
    return (256 - half, 300), (256 + half, 300)


def face(number, shot, release):
    """A drawn face of one person, at the size of the release."""
    half = 2 ** RELEASES.index(release)
    return np.ascontiguousarray(drawn(number, shot)[::half, ::half])


@lru_cache
def drawn(number, shot):
    """The same at 512 x 768."""
    rng = numpy_rng("feret", number, shot)
    tone, shirt = rng.integers(90, 220, 3), rng.integers(0, 255, 3)
    coarse = rng.integers(0, 256, (9, 6, 3)).astype(np.uint8)  # or all would be near-duplicates
    picture = cv2.resize(coarse, (512, 768), interpolation=cv2.INTER_NEAREST)
    cv2.ellipse(picture, (256, 900), (230, 300), 0, 0, 360, shirt.tolist(), -1)
    cv2.ellipse(picture, (256, 340), (105, 150), 0, 0, 360, tone.tolist(), -1)
    for x, y in points(YAW[shot[7:9]]):
        cv2.circle(picture, (round(x), round(y)), 12, (20, 20, 20), -1)
    cv2.ellipse(picture, (256, 420), (40, 15), 0, 0, 180, (120, 20, 30), 6)
    return picture


def lines_of(person, shot):
    """The name_value form, in an order of its own."""
    (rx, ry), (lx, ly) = points(YAW[shot[7:9]])
    eyes = [] if shot[7] == "p" else [f"left_eye_coordinates={lx:.0f} {ly}"]
    eyes += [] if shot[7] == "p" else [f"right_eye_coordinates={rx:.0f} {ry}"]
    rest = ["id=cfrR00002", f"pose={shot[7:9]}", f"yaw={YAW[shot[7:9]] + 1:g}", "pitch=0", "roll=2"]
    return "\r\n".join([*eyes, *rest, "glasses=Yes", "beard=No", "mustache=No", f"x={person}"])


def xml_of(number, shot):
    (rx, ry), (lx, ly) = points(YAW[shot[7:9]])
    eyes = f'<RightEye x="{rx:.0f}" y="{ry}"/><LeftEye x="{lx:.0f}" y="{ly}"/>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Recordings><Recording id="cfrR00100">
<URL root="Disc1" relative="data/images/{number}/{number}_{shot}.ppm.bz2"/>
<CaptureDate>09/28/1994</CaptureDate><Format value="ppm"/><Compression type="bzip2"/>
<Subject id="cfrS{number}"><Application><Face><Pose name="{shot[7:9]}" yaw="{YAW[shot[7:9]]:g}"
 pitch="0" roll="0"/><Wearing glasses="No"/><Hair source="Natural" beard="No" mustache="Yes"/>
{"" if shot[7] == "p" else eyes}</Face></Application></Subject></Recording></Recordings>"""


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def truth(data, person):
    place = data / "ground_truths" / person.form / person.number
    if person.form == "xml":
        put(
            place / f"{person.number}.xml",
            f'<Subjects><Subject id="cfrS{person.number}"><Gender value="{person.gender}"/>'
            f'<YOB value="{person.yob}"/><Race value="White"/></Subject></Subjects>',
        )
    else:
        text = f"id=cfrS{person.number}\nrace=Black-or-African-American\nyob={person.yob}\n"
        put(place / f"{person.number}.txt", f"{text}gender={person.gender}\n")
    for shot in person.shots:
        write = xml_of if person.form == "xml" else lines_of
        suffix = ".xml" if person.form == "xml" else ".txt"
        put(place / f"{person.number}_{shot}{suffix}", write(person.number, shot))


def feret_tree(top: Path) -> Path:
    """TREE with both discs and 12 pictures of four people in each release, and distractors."""
    for person in PEOPLE:
        data = top / person.disc / "data"
        for release in RELEASES:
            for shot in person.shots:
                name = f"{person.number}_{shot}.ppm.bz2"
                place = data / release / person.number / name
                put(place, packed_ppm(face(person.number, shot, release)))
        truth(data, person)
    put(top / "dvd2/data/ground_truths/xml/subjects.xml", "<Subjects><Subject id='x'></Subjects>")
    grey = top / "dvd2/gray_feret_cd1/data/images"
    for index in range(3):
        put(grey / f"{index:05d}/{index:05d}fa010_930831.tif.bz2", b"BZh9")
    put(top / "dvd2/gray_feret_cd1/data/gnd/00000fa010_930831.gnd", "x")
    put(top / "dvd1/misc/readme.txt", "x")
    return top
