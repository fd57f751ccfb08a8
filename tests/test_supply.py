"""What comes from others: every package is pinned and has a known licence, every download a hash.

Works offline. It does not ask whether a pinned version has a known hole: that needs a database,
for example `pip-audit -r constraints.txt` where there is a network.
"""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from portrayal.features.weights import KNOWN

ROOT = Path(__file__).parents[1]
PINS = {
    canonicalize_name(name): version
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line
    for name, version in [line.strip().split("==")]
}
LICENCE = re.compile(r"MIT|BSD|Apache|MPL|PSF|ISC|Python|HPND|Zlib|matplotlib|Unlicense", re.I)
BY_HAND = {  # their metadata hold the text of a licence without its name: read in November 2026
    "kiwisolver": "BSD-3-Clause",
    "scikit-image": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
}


def needed() -> dict[str, Distribution]:
    """All installed distributions that portrayal and its extras ask for, directly or not."""
    found: dict[str, Distribution] = {}
    waiting = [("portrayal", {"dev", "web", "onnx", "openvino", "tune"})]
    while waiting:
        name, extras = waiting.pop()
        try:
            each = distribution(name)
        except PackageNotFoundError:  # an extra that is not installed, or for another system
            continue
        found.setdefault(canonicalize_name(name), each)
        for text in each.requires or []:
            wanted = Requirement(text)
            names = [{"extra": extra} for extra in (extras or {""})]
            if wanted.marker and not any(wanted.marker.evaluate(extra) for extra in names):
                continue
            if canonicalize_name(wanted.name) not in found:
                waiting.append((wanted.name, wanted.extras))
    for own in ("portrayal", "setuptools"):  # setuptools comes with the environment, and builds it
        found.pop(own, None)
    return found


def licence(each: Distribution) -> str:
    facts = each.metadata
    classifiers = [c for c in facts.get_all("Classifier") or [] if c.startswith("License")]
    name = canonicalize_name(facts["Name"])
    return BY_HAND.get(name) or " ".join(
        [facts.get("License-Expression") or "", (facts.get("License") or "")[:200], *classifiers]
    )


def test_every_package_that_is_asked_for_is_pinned_to_the_version_that_is_here():
    here = {name: each.version.partition("+")[0] for name, each in needed().items()}
    assert len(here) > 30
    assert {name: version for name, version in here.items() if PINS.get(name) != version} == {}


def test_every_package_has_a_licence_that_may_be_used_beside_apache():
    assert [name for name, each in needed().items() if not LICENCE.search(licence(each))] == []


def test_every_download_is_https_and_has_its_hash():
    for name, known in KNOWN.items():
        assert not known.url or known.url.startswith("https://"), name
        for file, digest in known.files.items():
            published = 8 if file.startswith("resnet34") else 64  # its publisher states no more
            assert re.fullmatch(rf"[0-9a-f]{{{published}}}", digest), file
