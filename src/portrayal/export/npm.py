"""A package from npm's registry: one fixed version, its SHA-512 checked before it is opened.

npm itself fetches it, so that proxies, mirrors and caches of the person's own set-up are used.
Nothing in it is run at installation: it is unpacked, and only the files asked for are kept.
"""

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from portrayal.core.errors import BadData, MissingPart
from portrayal.core.runs import write_atomically

Fetch = Callable[[str, Path], Path]  # NAME@VERSION, an empty folder -> the archive in it


@dataclass(frozen=True)
class Package:
    """A version, what its archive must hash to, and the files wanted of it."""

    name: str
    version: str
    sha512: str  # base64, as npm's "integrity" gives it behind "sha512-"
    files: tuple[str, ...]


ONNXRUNTIME_WEB = Package(
    "onnxruntime-web",
    "1.30.0",
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    (
        "package.json",
        "dist/ort.wasm.min.mjs",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
        "dist/ort.webgpu.min.mjs",
        "dist/ort-wasm-simd-threaded.asyncify.mjs",
        "dist/ort-wasm-simd-threaded.asyncify.wasm",
    ),
)
AXE = Package(  # only for tests: finds what people with screen readers would stumble over
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    ("package.json", "axe.min.js"),
)


def npm_pack(spec: str, folder: Path) -> Path:
    """The archive of `spec`, fetched by npm."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), spec]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        raise MissingPart(f"npm is not installed, and it would fetch {spec}.") from None
    except subprocess.TimeoutExpired:
        raise MissingPart(f"npm did not fetch {spec} within ten minutes.") from None
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or not found:
        reason = next((line for line in done.stderr.splitlines() if "error" in line), "no network?")
        raise MissingPart(f"npm could not fetch {spec}: {reason.strip()}")
    return found[0]


def install(package: Package, out: Path, fetch: Fetch = npm_pack) -> None:
    """Fetch the package and write its wanted files below `out`; refused if one byte is wrong."""
    spec = f"{package.name}@{package.version}"
    with tempfile.TemporaryDirectory() as folder:
        archive = fetch(spec, Path(folder))
        content = archive.read_bytes()
        found = base64.b64encode(hashlib.sha512(content).digest()).decode()
        if found != package.sha512:
            raise BadData(
                f"What npm sent for {spec} has SHA-512 {found[:16]}..., expected "
                f"{package.sha512[:16]}...: nothing of it was used."
            )
        unpack(archive, package.files, out)


def unpack(archive: Path, files: Sequence[str], out: Path) -> None:
    """The named files of an npm archive, whose paths all begin with package/."""
    with tarfile.open(archive) as tar:
        for name in files:
            member = tar.extractfile(f"package/{name}")
            if member is None:
                raise BadData(f"{archive.name} has no file {name}.")
            write_atomically(out / name, member.read())


def missing(package: Package, folder: Path) -> list[str]:
    """The wanted files that are not in the folder."""
    return [name for name in package.files if not (folder / name).is_file()]
