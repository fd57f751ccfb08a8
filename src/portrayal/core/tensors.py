"""Files of tensors, from anybody: nothing in them is run, no size is believed before it is checked.

What is read takes at most the size of its file, and the Python objects around the tensors at most
some 60 MB: a header, or a pickle without its tensors, is read up to 1 MiB (ours have 0.1).
torch's own `weights_only` is not enough: it runs no code, but 500 bytes can ask it for a bytearray
of any length, and it unpacks what a zip compressed.
"""

import pickletools
import re
import stat
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import safe_open
from torch import Tensor

MOST_WORDS = 1 << 20  # bytes of a header or a pickle
ARCHIVE, LEGACY = b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
NAMES = re.compile(
    r"collections OrderedDict|torch Size|torch\._utils _rebuild_(tensor|tensor_v2|parameter)"
    r"|torch (Double|Float|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)Storage"
)
MAKERS = ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4")
KINDS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class Unreadable(Exception):
    """Why a file is not read: part of one line."""


def tensors_in(path: Path, *, shapes_only: bool = False) -> dict[str, Tensor]:
    """The tensors of a .safetensors file; `shapes_only`: on the meta device, without memory."""
    with refusing(), regular(path) as file:
        check_header(file)
        with safe_open(path, framework="pt") as content:
            names = content.keys()
            if not shapes_only:
                return {name: content.get_tensor(name) for name in names}
            return {name: outline(content.get_slice(name)) for name in names}


def metadata_in(path: Path) -> dict[str, str]:
    """The texts in the header of a .safetensors file."""
    with refusing(), regular(path) as file:
        check_header(file)
        with safe_open(path, framework="pt") as content:
            return dict(content.metadata() or {})


def state_in(path: Path) -> Any:
    """What `torch.save` wrote, if it is tensors, numbers and texts in dicts, lists and tuples."""
    with refusing(), regular(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of pickles that it then refuses anyway
        archive = file.read(4) == ARCHIVE
        file.seek(0)
        (check_archive if archive else check_legacy)(file)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
        check_claims(content, path.stat().st_size)
        return deepcopy(content)  # away from the file, which may be deleted or change


@contextmanager
def refusing() -> Iterator[None]:
    """Readers raise many kinds on damaged files; all become one short reason."""
    try:
        yield
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or short(error)}") from None
    except Exception as error:
        raise Unreadable(short(error)) from None


def short(error: Exception) -> str:
    """The first line of an error, or its kind."""
    return (str(error).strip().splitlines() or [""])[0][:160] or type(error).__name__


@contextmanager
def regular(path: Path) -> Iterator[BinaryIO]:
    """The open file; no pipe or device, which could block or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise Unreadable("cannot be read: not a file")
    with path.open("rb") as file:
        yield file


def check_header(file: BinaryIO) -> None:
    """Refuse a safetensors header longer than its file or than any of ours."""
    length = int.from_bytes(file.read(8), "little")
    whole = file.seek(0, 2)
    if whole < 8 or length > min(whole - 8, MOST_WORDS):
        raise Unreadable(
            f"no safetensors: it claims a header of {length} bytes, the file has {whole}"
            if length > whole - 8
            else f"its header has {length} bytes, more than {MOST_WORDS}"
        )


def outline(part: Any) -> Tensor:
    """Shape and kind of one stored tensor."""
    kind = str(part.get_dtype())
    if kind not in KINDS:
        raise Unreadable(f"tensors of kind {kind[:20]} are not known here")
    return torch.empty(part.get_shape(), dtype=KINDS[kind], device="meta")


def check_archive(file: BinaryIO) -> None:
    """Refuse a zip that torch.save would not write: packed, overlapping, or with two readings.

    Another program's view of a zip can differ from Python's when it does not start with its first
    entry or does not end with its directory.
    """
    whole = file.seek(0, 2)
    file.seek(max(0, whole - 22))
    last = file.read()
    if last[:4] != b"PK\x05\x06" or last[-2:] != b"\0\0":
        raise Unreadable("damaged: the archive does not end with its directory")
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if min((entry.header_offset for entry in entries), default=1) != 0:
            raise Unreadable("the archive does not begin with its first entry")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise Unreadable("the archive is packed, which torch.save never does")
        if sum(entry.file_size for entry in entries) > whole:
            raise Unreadable("the archive claims more than the file holds")
        words = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(words) != 1:
            raise Unreadable("no single data.pkl in the archive")
        if words[0].file_size > MOST_WORDS:
            raise Unreadable(f"its pickle has {words[0].file_size} bytes, more than {MOST_WORDS}")
        check_pickle(archive.read(words[0]))


def check_legacy(file: BinaryIO) -> None:
    """The same for files before torch 1.6: five pickles, then the numbers."""
    head = file.read(MOST_WORDS)
    if not head.startswith(LEGACY):
        raise Unreadable("not a file of torch.save")
    for _ in range(5):
        head = head[check_pickle(head) :]


def check_pickle(words: bytes) -> int:
    """Refuse a pickle that names anything but tensors, without running it; where it ends."""
    for operation, argument, place in pickletools.genops(words):
        if operation.name in MAKERS:
            raise Unreadable(f"it makes objects ({operation.name}); nothing of it was run")
        if operation.name == "GLOBAL" and not NAMES.fullmatch(str(argument)):
            name = str(argument).replace(" ", ".")[:60]
            raise Unreadable(f"it names {name}, which is no tensor; nothing of it was run")
        if operation.name == "STOP":
            return int(place or 0) + 1
    raise Unreadable("damaged: a pickle without end")


def check_claims(content: Any, size: int) -> None:
    """Refuse tensors that together show, or stand on, more than the file holds."""
    shown, held = 0, {}
    waiting, seen = [content], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, Tensor):
            shown += item.nbytes
            held[item.untyped_storage()._cdata] = item.untyped_storage().nbytes()
        elif isinstance(item, dict | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            waiting += item.values() if isinstance(item, dict) else item
    if (claimed := max(shown, sum(held.values()))) > size:
        raise Unreadable(f"its tensors claim {claimed} bytes, the file has {size}")
