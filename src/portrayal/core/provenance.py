"""The mark in every output that it is generated: which program, which model, from which source.

It is an XMP packet, which PNG, JPEG and WebP all carry, with the IPTC's DigitalSourceType that
other programs look for; a PNG says the same in plain text chunks. There is no date in it: the same
picture through the same model gives the same file.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

XMP = "XML:com.adobe.xmp"  # keyword of the PNG chunk that holds an XMP packet
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "portrayal": "https://portrayal.invalid/ns/1/",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LARGEST = 1 << 20  # bytes of an XMP packet worth reading; ours has 900


@dataclass(frozen=True)
class Provenance:
    """Where a generated picture comes from. Hashes are SHA-256 in hexadecimal."""

    version: str  # of Portrayal
    recipe: str
    model: str  # hash of the weights file
    settings: str  # hash of how it was translated, see `settings_hash`
    source: str  # hash of the source picture's file


def settings_hash(settings: Mapping[str, Any]) -> str:
    """SHA-256 of plain settings, the same for any order of their names.

    >>> settings_hash({"a": 1, "b": 2}) == settings_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def marks(provenance: Provenance) -> dict[str, str]:
    """Text to store with a picture, by PNG keyword; JPEG and WebP take only the one named XMP."""
    software = f"Portrayal {provenance.version}"
    made = f"Generated picture ({provenance.recipe} model {provenance.model[:12]})"
    return {"Software": software, "Comment": made, XMP: packet(provenance)}


def packet(provenance: Provenance) -> str:
    """An XMP packet (ISO 16684-1) that says so."""
    facts = {
        "Iptc4xmpExt:DigitalSourceType": GENERATED,
        "xmp:CreatorTool": f"Portrayal {provenance.version}",
        **{f"portrayal:{name}": value for name, value in asdict(provenance).items()},
    }
    spaces = "".join(f" xmlns:{short}={quoteattr(uri)}" for short, uri in SPACES.items())
    values = "".join(f"\n  {name}={quoteattr(value)}" for name, value in facts.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">\n'
        f' <rdf:Description rdf:about=""{spaces}{values}/>\n'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
    )


def read_provenance(file: Path | bytes) -> Provenance | None:
    """What `marks` stored in a picture; None if it carries no such mark or is no whole picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            found = image.info.get("xmp", b"")
            image.verify()
    except Exception:  # Pillow raises many kinds on damaged files
        return None
    return parse(found if isinstance(found, bytes) else str(found).encode())


def parse(xmp: bytes) -> Provenance | None:
    """The provenance in an XMP packet; None if there is none or it is not what we write."""
    if len(xmp) > LARGEST or b"<!" in xmp:  # no entities: they can grow without end
        return None
    try:
        tree = ElementTree.fromstring(xmp.strip(b"\0 \n"))
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    space = SPACES["portrayal"]
    for element in tree.iter(f"{{{RDF}}}Description"):
        names = Provenance.__dataclass_fields__
        facts = {name: element.get(f"{{{space}}}{name}") for name in names}
        values = {name: value for name, value in facts.items() if value is not None}
        if len(values) == len(names):
            return Provenance(**values)
    return None
