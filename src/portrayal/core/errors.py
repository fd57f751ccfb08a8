"""Everything that can go wrong, as a tree.

UserError                 the person can fix it: shown as one line, exit code 2, without a traceback
+-- UnknownName           a name that no catalogue or config knows
+-- BadOption             an option or setting of the wrong type, range or combination
+-- BadData               files that are missing, unreadable or do not match
|   +-- BadPicture        one file that cannot be read as a picture, with the reason
|   +-- NotFinite         a loss became NaN or infinite, with the names of the pictures
+-- BadCheckpoint         a run folder that cannot be loaded or continued
+-- CannotWrite           no space, no permission, or a folder that is in use
+-- MissingPart           an optional package or weight file that is not here, with how to get it
Interrupted               a signal asked to stop; everything is saved; carries the exit code
Any other exception is our bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 2000  # characters of a message


class UserError(Exception):
    """Base of all errors a user can repair. The message is one line: what is wrong, and what to do.

    Errors cross process borders whole: those with arguments of their own say how in `__reduce__`.
    """

    def __str__(self) -> str:
        """One line that a terminal can show, whatever names from a file stand in it."""
        text = " ".join(super().__str__().split())
        short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


class UnknownName(UserError):
    """A name that no catalogue knows, answered with the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        near = get_close_matches(name[:60].lower(), self.known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        names = ", ".join(self.known) or "none"
        short = name if len(name) <= 60 else f"{name[:60]}..."
        super().__init__(f"No {kind} named {short!r}.{hint} Known: {names}.")

    def __reduce__(self) -> tuple[type, tuple[str, str, list[str]]]:
        return UnknownName, (self.kind, self.name, self.known)


class BadOption(UserError):
    """An option or setting of the wrong type, range or combination."""


class BadData(UserError):
    """Files that are missing, unreadable or do not match."""


class BadPicture(BadData):
    """One file that cannot be read as a picture. `reason` is short enough for a table."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return BadPicture, (self.name, self.reason)


class NotFinite(BadData):
    """A loss became NaN or infinite; the optimiser did not step."""


class BadCheckpoint(UserError):
    """A run folder that cannot be loaded or continued."""


class CannotWrite(UserError):
    """No space, no permission, or a folder that is in use."""


class MissingPart(UserError):
    """An optional package or weight file that is not here, with the way to get it."""


class Interrupted(Exception):
    """A signal asked to stop and everything was saved. Exit code 130 (SIGINT) or 143 (SIGTERM)."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        return Interrupted, (str(self), self.code)
