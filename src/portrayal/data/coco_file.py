"""A large JSON file read element by element, never as a whole.

The file is an object whose values are arrays, like COCO's {"images": [...], "annotations": [...]}.
Bytes are taken as Latin-1, so that a place in the text is a byte offset; `said` mends strings.
"""

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, BinaryIO

from portrayal.core.errors import BadData

CHUNK = 1 << 20
MOST = 16 << 20  # bytes of one element; an outline of a million points has as many
_SPACE = re.compile(r"[ \t\r\n]*")
_decode = JSONDecoder().raw_decode


def elements(path: Path) -> Iterator[tuple[str, int, Any]]:
    """(array, byte offset, element) of every element of every array on the first level."""
    with opened(path) as file:
        text = _Window(file, path)
        text.expect("{")
        while text.peek() != "}":
            key = said(text.value())
            text.expect(":")
            if text.peek() == "[":
                for at, element in array_of(text):
                    yield key, at, element
            else:
                text.value()
            if text.peek() != "}":
                text.expect(",")


def element_at(path: Path, at: int) -> Any:
    """The one element that begins at a byte offset."""
    with opened(path) as file:
        file.seek(at)
        return _Window(file, path, chunk=1 << 14).value()


def array_of(text: "_Window") -> Iterator[tuple[int, Any]]:
    """Elements of the array that begins here, with their byte offsets."""
    text.expect("[")
    while text.peek() != "]":
        yield text.place(), text.value()
        if text.peek() != "]":
            text.expect(",")
    text.expect("]")


def said(text: object) -> str:
    """A string as it was meant: its UTF-8 bytes were read as Latin-1.

    >>> said("cafÃ©.jpg"), said("plain.jpg"), said("\\u4eba")
    ('café.jpg', 'plain.jpg', '人')
    """
    try:
        return str(text).encode("latin-1").decode("utf-8")
    except UnicodeError:  # it was written with escapes
        return str(text)


def opened(path: Path) -> BinaryIO:
    """The file, or one line."""
    try:
        return path.open("rb")
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        raise BadData(f"{path}: {reason}. Give the annotation file, e.g. instances.json") from None


class _Window:
    """The part of a file that is being read, and the place in it."""

    def __init__(self, file: BinaryIO, path: Path, chunk: int = CHUNK) -> None:
        self.file, self.path, self.chunk = file, path, chunk
        self.start = file.tell()  # byte offset of text[0]
        self.text, self.here = "", 0

    def place(self) -> int:
        """Byte offset of the next character that is no space."""
        self.peek()
        return self.start + self.here

    def more(self) -> bool:
        """Forget what was read and add a chunk; False at the end of the file."""
        new = self.file.read(self.chunk)
        self.start += self.here
        self.text, self.here = self.text[self.here :] + new.decode("latin-1"), 0
        return bool(new)

    def peek(self) -> str:
        """The next character that is no space; "" at the end of the file."""
        while True:
            space = _SPACE.match(self.text, self.here)
            self.here = space.end() if space else self.here
            if self.here < len(self.text):
                return self.text[self.here]
            if not self.more():
                return ""

    def expect(self, character: str) -> None:
        """Step over this character."""
        if self.peek() != character:
            self.refuse(f"expected {character!r}, found {self.text[self.here :][:20]!r}")
        self.here += 1

    def value(self) -> Any:
        """The value that begins here. One that ends with the window may go on behind it."""
        self.peek()
        while True:
            wrong, found = "", None
            try:
                found, end = _decode(self.text, self.here)
            except (JSONDecodeError, RecursionError) as error:
                wrong, end = str(error).split(": line")[0], len(self.text)
            whole = end < len(self.text)
            if not whole and len(self.text) - self.here < MOST and self.more():
                continue
            if wrong:
                self.refuse(wrong.lower())
            self.here = end if whole else len(self.text)
            return found

    def refuse(self, why: str) -> None:
        """One line with the byte at which it happened."""
        raise BadData(
            f"{self.path} is not a whole JSON file: byte {self.start + self.here}: {why}. "
            "Download it again, or give the instances JSON of COCO."
        )
