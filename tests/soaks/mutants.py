"""Damage and malice, drawn: of any bytes, of JSON, of safetensors, of torch files."""

import io
import json
import random
import zipfile

import numpy as np

HOSTILE = (
    *(None, True, 0, -1, 3, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), 0.5),
    *("", "a", "../../../etc/passwd", "/dev/zero", "\x1b[31m\nred", "\udcff", "x" * 5000),
    *([], {}, [[]], [-1, -1], [2**40], [2**40, 2**40], [0, 2**62], {"folder": []}),
    *("F64", "BOOL", "F8_E4M3", "pix2pix", "contextual", "unet_256", "auto", "nan", 1024),
)


def damaged(file: bytes, rng: np.random.Generator) -> bytes:
    """One of six kinds of damage."""
    content = bytearray(file)
    kind = rng.integers(6)
    if kind == 0:  # cut
        return bytes(content[: rng.integers(len(content))])
    if kind == 1:  # a few flipped bits anywhere
        for place in rng.integers(len(content), size=rng.integers(1, 9)):
            content[place] ^= 1 << rng.integers(8)
    elif kind == 2:  # extreme values in the header
        place = rng.integers(min(64, len(content)))
        width = rng.integers(1, 5)
        content[place : place + width] = (b"\xff", b"\0", b"\x7f", b"\x80")[rng.integers(4)] * width
    elif kind == 3:  # a piece is missing
        start = rng.integers(len(content))
        del content[start : start + rng.integers(1, 40)]
    elif kind == 4:  # a piece twice
        start = rng.integers(len(content))
        content[start:start] = content[start : start + rng.integers(1, 40)]
    else:  # noise in the middle
        start = rng.integers(len(content))
        length = min(int(rng.integers(1, 40)), len(content) - start)
        content[start : start + length] = rng.bytes(length)
    return bytes(content)


def changed_json(content: object, draw: random.Random) -> object:
    """JSON with one to three values replaced, removed, renamed or nested."""
    content = json.loads(json.dumps(content))
    for _ in range(draw.randint(1, 3)):
        places = [(content, key) for key in keys(content)]
        for holder, key in places:
            places += [(holder[key], below) for below in keys(holder[key])]
        if not places:
            break
        holder, key = draw.choice(places)
        kind = draw.randrange(8)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[str(draw.choice(HOSTILE))] = holder.pop(key)
        elif kind == 2:
            nested: object = holder[key]
            for _ in range(draw.choice((1, 2, 300))):
                nested = [nested]
            holder[key] = nested
        else:
            holder[key] = draw.choice(HOSTILE)
    return content


def keys(value: object) -> list:
    """Where a JSON value can be changed."""
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def changed_json_file(file: bytes, draw: random.Random, rng: np.random.Generator) -> bytes:
    """A JSON file, changed in its values or in its bytes."""
    if draw.random() < 0.25:
        return damaged(file, rng)
    return json.dumps(changed_json(json.loads(file), draw)).encode()


def changed_safetensors(file: bytes, draw: random.Random, rng: np.random.Generator) -> bytes:
    """A safetensors file: bytes, header, or the length of the header."""
    if draw.random() < 0.3:
        return damaged(file, rng)
    end = 8 + int.from_bytes(file[:8], "little")
    words = json.dumps(changed_json(json.loads(file[8:end]), draw)).encode()
    length = len(words) if draw.random() < 0.8 else draw.choice((0, 1, 2**20, 2**40, 2**64 - 1))
    return length.to_bytes(8, "little") + words + file[end:]


def changed_torch(file: bytes, draw: random.Random, rng: np.random.Generator) -> bytes:
    """A file of torch.save: bytes, or an entry of the archive with right checksums around it."""
    if draw.random() < 0.3:
        return damaged(file, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(out, "w") as new:
        entries = old.infolist()
        chosen = draw.choice(entries) if draw.random() < 0.3 else entries[0]
        for entry in entries:
            content, name, packing = old.read(entry), entry.filename, zipfile.ZIP_STORED
            if entry is chosen and content:
                kind = draw.randrange(10)
                if kind < 7:
                    content = damaged(content, rng)
                elif kind == 7:
                    packing = zipfile.ZIP_DEFLATED
                elif kind == 8:
                    name = draw.choice(("x/../../y", "/etc/x", "data.pkl", "a/b/data.pkl"))
                else:
                    continue
            new.writestr(name, content, compress_type=packing)
    return out.getvalue()
