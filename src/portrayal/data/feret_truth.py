"""The ground truth of colour FERET: facts by key, from either of its two forms.

DATA/ground_truths/name_value/00001/00001.txt           id=..., gender=..., yob=..., race=...
.../name_value/00001/00001_930831_fa.txt                pose=..., yaw=..., left_eye_coordinates=x y
DATA/ground_truths/xml/00001/00001.xml, ..._fa.xml      the same as elements and attributes

Nothing is read by its line number. What only one form has is taken from that one.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

Facts = dict[str, str]
Point = tuple[float, float]
FORMS = {"name_value": ".txt", "xml": ".xml"}
MOST = 1 << 20  # bytes of one file; they have about one thousand
POINTS = {
    "lefteye": "left_eye_coordinates",
    "righteye": "right_eye_coordinates",
    "nose": "nose_coordinates",
    "mouth": "mouth_coordinates",
}


@dataclass(frozen=True)
class Truth:
    """What is known of one picture. `broken`: the first file that cannot be read, and why."""

    facts: Facts
    broken: str | None = None

    def text(self, key: str) -> str:
        """A fact as it is spelled there; "unknown" where nothing is said."""
        return self.facts.get(key) or "unknown"

    def number(self, key: str) -> float | None:
        """A fact as a number; None when it is not there or not a number."""
        return _numbers(self.facts.get(key, ""), 1)[0]

    def point(self, key: str) -> Point | None:
        """Coordinates x y in the full-size picture; None when not given, or given as 0 0."""
        x, y = _numbers(self.facts.get(key, ""), 2)
        return None if x is None or y is None or x == y == 0 else (x, y)


def truth_of(data: Path, person: str, stem: str) -> Truth:
    """Everything that is said about one picture and the person on it; `data` is a disc's folder."""
    facts, broken = Facts(), None
    for name, read in ((stem, read_form), (person, person_form)):  # a picture's own facts go first
        for form, suffix in FORMS.items():
            found, wrong = read(data / "ground_truths" / form / person / f"{name}{suffix}")
            facts = {**found, **{key: value for key, value in facts.items() if value}}
            broken = broken or wrong
    return Truth(facts, broken)


def read_form(path: Path) -> tuple[Facts, str | None]:
    """The facts of one file, and what is wrong with it; a file that is not there says nothing."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST)
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        return {}, f"{path.name} {(error.strerror or 'cannot be opened').lower()}"
    try:
        facts = from_xml(content) if path.suffix == ".xml" else from_lines(content)
    except (ElementTree.ParseError, ValueError) as error:
        return {}, f"{path.name} {error}"
    return facts, None if facts else f"{path.name} holds no facts"


@lru_cache(maxsize=16)
def person_form(path: Path) -> tuple[Facts, str | None]:
    """`read_form` of the file about a person, which all pictures of that person ask for."""
    return read_form(path)


def from_lines(content: bytes) -> Facts:
    """Facts of the name_value form; the first of two equal keys is kept.

    >>> from_lines(b"gender=Male\\r\\nyob = 1943\\n")
    {'gender': 'Male', 'yob': '1943'}
    """
    facts = Facts()
    for line in content.decode("utf-8-sig", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            facts.setdefault(key.strip().lower(), value.strip())
    return facts


def from_xml(content: bytes) -> Facts:
    """Facts of the XML form under the keys of the other one.

    >>> from_xml(b'<R><Pose name="fa" yaw="0"/><LeftEye x="268" y="289"/><Race>White</Race></R>')
    {'pose': 'fa', 'yaw': '0', 'left_eye_coordinates': '268 289', 'race': 'White'}
    """
    facts = Facts()
    for element in ElementTree.fromstring(content).iter():
        tag = element.tag.rpartition("}")[2].lower().replace("_", "")
        values = {key.lower(): value.strip() for key, value in element.attrib.items()}
        if tag in POINTS and {"x", "y"} <= values.keys():
            facts.setdefault(POINTS[tag], f"{values['x']} {values['y']}")
            continue
        said = values.pop("value", None) or values.pop("name", None) or (element.text or "").strip()
        if said:
            facts.setdefault("capture_date" if tag == "capturedate" else tag, said)
        for key, value in values.items():
            facts.setdefault(key, value)
    return facts


def _numbers(text: str, count: int) -> list[float | None]:
    """`count` numbers of a text such as "268 289" or "268,289"; all None when it is not that."""
    try:
        values = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        values = []
    good = len(values) == count and all(abs(value) < 1e6 for value in values)
    return list(values) if good else [None] * count
