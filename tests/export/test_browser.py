"""A page for browsers: what the folder holds, and what is refused before anything is written."""

import base64
import hashlib
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from portrayal.cli import answer
from portrayal.core.errors import BadData, BadOption, MissingPart
from portrayal.export import browser, npm
from portrayal.export.browser import check_half, export_browser, runtime_folder
from portrayal.export.npm import Package, install, npm_pack
from portrayal.export.onnx import Differs, largest_difference
from portrayal.inference.engines import generator_of
from portrayal.inference.load import load
from portrayal.inference.onnx_graph import onnx_model

pytest.importorskip("onnxruntime")


def exported(run, out, runtime, *more):
    command = ["export", str(run), "--to", "browser", "--out", str(out), "--runtime", str(runtime)]
    return answer([*command, *more])


def test_the_folder_is_whole_and_says_what_the_model_is(run, tmp_path, runtime, capsys):
    out = tmp_path / "page"
    assert exported(run, out, runtime, "--licence", "cc-by-4.0 <x>") == 0
    told = capsys.readouterr().out
    assert "differs from PyTorch by at most" in told and "http.server" in told
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert files == {
        *("index.html", "README.txt", "model.onnx", "runtime/LICENSE"),
        *(f"page/{name}" for name in browser.PARTS),
        *(f"runtime/{name}" for name in browser.RUNTIME),
    }
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "cc-by-4.0 &lt;x&gt;" in page and load(run, device="cpu").model_hash in page
    assert "connect-src 'self'" in page and "unsafe-inline" not in page
    assert "{{" not in page and str(tmp_path) not in page
    facts = json.loads(page.partition('id="facts">')[2].partition("</script>")[0])
    assert (facts["bytes"], facts["quick"]) == ((out / "model.onnx").stat().st_size, 0)
    assert facts["multiple"] == load(run, device="cpu").recipe.multiple
    (out / "quick.onnx").write_text("of another model")
    assert exported(run, out, runtime) == 0, "the same command renews it"
    assert not (out / "quick.onnx").exists()


def test_nothing_in_the_page_names_another_place():
    for file in sorted(browser.PAGE.iterdir()):
        if file.name != "onnxruntime_licence.txt":
            text = file.read_text(encoding="utf-8").replace("http://127.0.0.1:8000/", "")
            assert "://" not in text and 'src="//' not in text, file.name


def test_every_file_of_the_page_is_packaged_and_exported():
    sources = {p.name for p in browser.PAGE.iterdir()}
    assert sources == {*browser.PARTS, "index.html", "README.txt", "onnxruntime_licence.txt"}


def test_a_folder_of_other_things_is_not_written_into(run, tmp_path, runtime, capsys):
    (tmp_path / "thesis.txt").write_text("three years")
    assert exported(run, tmp_path, runtime) == 2
    assert "holds 'node_modules'" in capsys.readouterr().err


def test_what_a_page_cannot_hold_is_refused_in_one_line(run, tmp_path, runtime, capsys):
    out = tmp_path / "page"
    assert exported(run, out, runtime, "--precision", "int8") == 2
    assert exported(run, out, tmp_path / "nothing") == 2
    assert answer(["export", str(run), "--to", "hub", "--out", str(out), "--runtime", "x"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and all(line.startswith("Error: ") for line in errors)
    assert not out.exists()


def test_a_recipe_without_a_generator_of_one_pass_is_refused(run, tmp_path, runtime):
    class Search:
        multiple = 64

    searching = replace(
        load(run, device="cpu"), recipe=Search(), config={"recipe": "contextual", "config": {}}
    )
    with pytest.raises(BadOption, match=r"contextual has no feed-forward generator"):
        export_browser(searching, run, tmp_path / "page", runtime=runtime)
    assert not (tmp_path / "page").exists()


def test_a_float16_model_that_changes_pictures_visibly_is_removed(run, tmp_path):
    translator, file, heard = load(run, device="cpu"), tmp_path / "model.onnx", []
    for limit in (1.0, 1e-9):
        file.write_bytes(onnx_model(generator_of(translator)).SerializeToString())
        if limit == 1.0:
            check_half(file, translator, reverse=False, limit=limit, note=heard.append)
            assert file.exists() and "grey levels" in heard[0]
    with pytest.raises(Differs, match="export float32"):
        check_half(file, translator, reverse=False, limit=1e-9, note=heard.append)
    assert not file.exists()


def test_a_wrong_graph_is_found(run):
    translator = load(run, device="cpu")
    generator = generator_of(translator)
    assert largest_difference(onnx_model(generator), translator) < 1e-4
    wrong = generator_of(load(run, device="cpu"))
    with torch.no_grad():
        list(wrong.parameters())[-1].add_(0.01)  # no norm behind it hides this
    with pytest.raises(Differs, match=r"differs from PyTorch by \d"):
        largest_difference(onnx_model(wrong), translator)


@pytest.mark.parametrize("kind", ["onnx", "browser"])
def test_too_large_a_difference_ends_with_exit_code_1_and_no_model(
    run, tmp_path, runtime, capsys, kind
):
    out = tmp_path / ("model.onnx" if kind == "onnx" else "page")
    command = ["export", str(run), "--to", kind, "--out", str(out), "--tolerance", "1e-12"]
    assert answer(command + (["--runtime", str(runtime)] if kind == "browser" else [])) == 1
    assert "more than 1e-12" in capsys.readouterr().err
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".onnx", ".html")]


def test_the_tolerance_can_only_be_made_stricter(run, tmp_path, capsys):
    out = tmp_path / "model.onnx"
    assert answer(["export", str(run), "--to", "onnx", "--out", str(out), "--tolerance", "1"]) == 2


@pytest.mark.parametrize(
    "inside", ["", "dist", "package/dist", "node_modules/onnxruntime-web/dist"]
)
def test_the_runtime_is_found_in_every_usual_layout(tmp_path, inside):
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    for name in browser.RUNTIME:
        (tmp_path / inside / name).write_bytes(b"x")
    assert runtime_folder(tmp_path) == tmp_path / inside
    (tmp_path / inside / browser.RUNTIME[-1]).unlink()
    with pytest.raises(BadData, match="does not hold"):
        runtime_folder(tmp_path)


def test_another_version_of_the_runtime_is_said(runtime):
    heard = []
    runtime_folder(runtime, heard.append)
    assert not heard
    (runtime / "onnxruntime-web" / "package.json").write_text('{"version": "1.2.3"}')
    runtime_folder(runtime, heard.append)
    assert "1.2.3" in heard[0]


def archive(folder, files):
    """As npm packs them."""
    path = folder / "made.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            (folder / "content").write_bytes(content)
            tar.add(folder / "content", f"package/{name}")
    return path


def test_only_the_right_bytes_are_unpacked(tmp_path):
    made = archive(tmp_path, {"a.js": b"good", "b.js": b"not asked for"})
    right = base64.b64encode(hashlib.sha512(made.read_bytes()).digest()).decode()

    def fetch(spec: str, folder: Path) -> Path:
        assert spec == "thing@1.0.0"
        return made

    install(Package("thing", "1.0.0", right, ("a.js",)), tmp_path / "right", fetch)
    assert [p.name for p in (tmp_path / "right").iterdir()] == ["a.js"]
    wrong = ("B" if right.startswith("A") else "A") + right[1:]
    with pytest.raises(BadData, match="nothing of it was used"):
        install(Package("thing", "1.0.0", wrong, ("a.js",)), tmp_path / "wrong", fetch)
    assert not (tmp_path / "wrong").exists()


def test_without_npm_the_way_out_is_said(run, tmp_path):
    def fetch(spec: str, folder: Path) -> Path:
        raise MissingPart(f"npm is not installed, and it would fetch {spec}.")

    with pytest.raises(MissingPart, match=r"npm is not installed.*--runtime FOLDER"):
        export_browser(load(run, device="cpu"), run, tmp_path / "page", fetch=fetch)
    assert not (tmp_path / "page").exists()


def test_a_command_that_fails_is_one_line(tmp_path):
    with pytest.raises(MissingPart, match="npm"):
        npm_pack("./no/such/folder", tmp_path)


def test_packages_are_pinned():
    for package in (npm.ONNXRUNTIME_WEB, npm.AXE):
        assert len(base64.b64decode(package.sha512)) == 64
        assert np.all([part.isdigit() for part in package.version.split(".")])
