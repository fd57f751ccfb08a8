"""A run -> a folder that any static web server can host: the page, the model, onnxruntime-web.

Nothing is computed on the server and nothing is uploaded. The page pads and tiles pictures as
inference/tiles.py does, so it gives the pixels that PyTorch gives.

    index.html  README.txt  model.onnx  page/ (our style and scripts)  runtime/ (onnxruntime-web)
    quick.onnx (where a model has layers that processors compute quicker in another way)
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from portrayal import __version__
from portrayal.core.errors import BadData, BadOption, MissingPart
from portrayal.core.provenance import Provenance, marks, settings_hash
from portrayal.core.runs import read_json, write_atomically
from portrayal.export.npm import ONNXRUNTIME_WEB, Fetch, install, npm_pack
from portrayal.export.onnx import Differs, Precision, export_onnx, largest_difference
from portrayal.export.quick import QUICK, write_quick
from portrayal.inference.engines import TOLERANCE, generator_of
from portrayal.inference.onnx_nodes import need
from portrayal.inference.tiles import TILE
from portrayal.inference.translator import How, Translator
from portrayal.training.run import refuse_foreign

PAGE = Path(__file__).parent / "page"
PARTS = ("style.css", "page.js", "pictures.js", "board.js", "png.js", "tiles.js", "worker.js")
RUNTIME = tuple(name.removeprefix("dist/") for name in ONNXRUNTIME_WEB.files[1:])
HALF = 2 / 127.5  # signed; float16 may differ by two grey levels
LARGEST = 12  # megapixels; what a phone's browser can hold beside the network
SOURCE = "0" * 64  # stands for the hash of the source picture until the page knows it
Note = Callable[[str], None]


def export_browser(
    translator: Translator,
    run: Path,
    out: Path,
    precision: Precision = "float32",
    *,
    reverse: bool = False,
    data: Path | None = None,
    licence: str = "other",
    runtime: Path | None = None,
    tolerance: float = TOLERANCE,
    fetch: Fetch = npm_pack,
    note: Note = lambda text: None,
) -> float:
    """Write the folder; the largest difference of its float32 model from PyTorch.

    `runtime`: a folder with onnxruntime-web; None lets npm fetch the version that is tested here.
    """
    generator_of(translator, reverse=reverse)  # refuses what has no generator, before a download
    if precision == "int8":
        raise BadOption("A page takes --precision float32 or float16; int8 is for --to onnx.")
    if foreign(out):
        refuse_foreign(out)
    parts = runtime_parts(runtime, fetch, note)
    off = export_onnx(
        translator,
        run,
        out / "model.onnx",
        precision,
        reverse=reverse,
        data=data,
        tolerance=tolerance,
        note=note,
    )
    quick = 0
    (out / QUICK).unlink(missing_ok=True)  # of another model, by an earlier export
    if precision == "float16":
        check_half(out / "model.onnx", translator, reverse=reverse, note=note)
    else:
        quick = write_quick(translator, out, reverse=reverse, note=note)
    for name, content in parts.items():
        write_atomically(out / "runtime" / name, content)
    for name in PARTS:
        write_atomically(out / "page" / name, (PAGE / name).read_bytes())
    told = words(translator, run.name, licence, precision, reverse=reverse)
    told["facts"] |= {"bytes": (out / "model.onnx").stat().st_size, "quick": quick}
    write_atomically(out / "README.txt", rendered("README.txt", told))
    write_atomically(out / "index.html", rendered("index.html", told))  # last: it is whole now
    return off


def check_half(
    file: Path, translator: Translator, *, reverse: bool, limit: float = HALF, note: Note
) -> None:
    """Refuse a float16 model, and remove its file, where it changes pictures visibly."""
    onnx = need("onnx")
    try:
        off = largest_difference(onnx.load(file), translator, reverse=reverse, tolerance=limit)
    except Differs:
        file.unlink()
        raise Differs(
            f"In float16 this model differs from PyTorch by more than {127.5 * limit:g} grey "
            "levels: export float32."
        ) from None
    note(f"float16 differs from PyTorch by at most {127.5 * off:.2g} grey levels at five sizes")


def foreign(out: Path) -> bool:
    """Whether it holds more than such a page, whole or as an interrupted export left it."""
    ours = {"index.html", "README.txt", "model.onnx", QUICK, "page", "runtime"}
    return not out.is_dir() or not {path.name for path in out.iterdir()} <= ours


def runtime_parts(folder: Path | None, fetch: Fetch, note: Note) -> dict[str, bytes]:
    """Files of onnxruntime-web by name, from a folder or by npm, with their licence."""
    licence = {"LICENSE": (PAGE / "onnxruntime_licence.txt").read_bytes()}
    if folder is not None:
        place = runtime_folder(folder, note)
        return {name: (place / name).read_bytes() for name in RUNTIME} | licence
    with tempfile.TemporaryDirectory() as temporary:
        try:
            install(ONNXRUNTIME_WEB, Path(temporary), fetch)
        except MissingPart as error:
            raise MissingPart(
                f"{str(error).rstrip('.')}. Give a folder that holds onnxruntime-web "
                f"{ONNXRUNTIME_WEB.version}: --runtime FOLDER."
            ) from None
        dist = Path(temporary) / "dist"
        return {name: (dist / name).read_bytes() for name in RUNTIME} | licence


def runtime_folder(folder: Path, note: Note = lambda text: None) -> Path:
    """Where in a folder onnxruntime-web's files lie: an npm package, node_modules or the files."""
    inside = ("", "package", "onnxruntime-web", "node_modules/onnxruntime-web")
    for package in (folder / name for name in inside):
        for place in (package / "dist", package):
            if all((place / name).is_file() for name in RUNTIME):
                about = package / "package.json"
                version = read_json(about).get("version", "?") if about.is_file() else "?"
                if version != ONNXRUNTIME_WEB.version:
                    note(
                        f"--runtime holds onnxruntime-web {version}; pages are tested with "
                        f"{ONNXRUNTIME_WEB.version}."
                    )
                return place
    raise BadData(
        f"--runtime {folder} does not hold {', '.join(RUNTIME)}: unpack "
        f"onnxruntime-web-{ONNXRUNTIME_WEB.version}.tgz there."
    )


def words(
    translator: Translator, name: str, licence: str, precision: str, *, reverse: bool
) -> dict[str, Any]:
    """What the page says of the model, and the facts that its scripts work with."""
    settings = {**asdict(How(reverse=reverse)), "engine": f"onnxruntime-web:{precision}"}
    recipe = str(translator.config["recipe"])
    hashed = settings_hash({**settings, "config": translator.config.get("config")})
    mark = Provenance(__version__, recipe, translator.model_hash, hashed, SOURCE)
    size = translator.training_size
    facts = {
        "name": name,
        "multiple": translator.recipe.multiple,
        "tile": TILE - TILE % translator.recipe.multiple,
        "training": list(size) if size else None,
        "largest": LARGEST * 1_000_000,
        "marks": marks(mark),
        "unknownSource": SOURCE,
    }
    return {
        "facts": facts,
        "name": name,
        "licence": licence,
        "precision": precision,
        "recipe": recipe,
        "direction": "target to source" if reverse else "source to target",
        "size": size,
        "hash": translator.model_hash,
        "version": __version__,
        "runtime": ONNXRUNTIME_WEB.version,
        "largest": LARGEST,
    }


def rendered(name: str, told: dict[str, Any]) -> str:
    """One of the page's templates, filled in."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=name.endswith(".html"),
    )
    return environment.get_template(name).render(told)
