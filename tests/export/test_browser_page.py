"""The exported page in Chromium: PyTorch's pixels, on the visitor's machine and nowhere else."""

import hashlib
import io
import os
import re
import socket

import numpy as np
import pytest
from exported_page import (
    MARKS,
    NPM,
    Isolated,
    answered,
    give,
    pixels_of_file,
    saved_file,
    worst,
)
from PIL import Image

import portrayal
from portrayal.core.images import encode_png
from portrayal.core.provenance import GENERATED, read_provenance
from portrayal.export.npm import AXE, missing
from portrayal.inference.tiles import cut

pytest.importorskip("onnxruntime")
pytestmark = MARKS
SWITCHES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a camera


def test_pictures_of_any_size_are_pytorchs_and_say_that_they_are_generated(
    site, visit, wanted, noise, scene, run
):
    page = visit(site())
    sizes = [(61, 75), (64, 64), (9, 13), (130, 47)]
    for count, (height, width) in enumerate(sizes, 1):
        picture = noise(height, width) if count % 2 else scene(height, width)
        give(page, picture, "my photo.v2.png", count)
        assert f"{width} × {height} pixels" in page.inner_text("#numbers")
        name, content = saved_file(page)
        assert worst(pixels_of_file(content), wanted(picture)) <= 1
    assert name == "my photo.v2_translated.png"
    found = read_provenance(content)
    assert found.model == portrayal.load(run, device="cpu").model_hash
    assert found.source == hashlib.sha256(encode_png(picture)).hexdigest()
    assert GENERATED.encode() in content and b"Generated picture" in content
    assert "WebAssembly, 1 thread" in page.inner_text("#numbers")
    assert re.search(r"\d m?s", page.inner_text("#status"))


LAYOUT = """async (lengths) => {
  const { cut, mirrored } = await import(new URL("page/tiles.js", location.href).href);
  return lengths.map((length) => {
    const { before, tile, starts, windows } = cut(length, 32, 128);
    const inside = Array.from({ length: 20 }, (_, i) => mirrored(i - 9, length));
    return { before, tile, starts, windows: windows.map((each) => [...each]), inside };
  });
}"""


def test_pictures_are_padded_and_cut_as_inference_does_it(site, visit):
    lengths = [1, 2, 3, 31, 32, 33, 100, 128, 129, 230, 239, 240, 241, 1001]
    found = visit(site()).evaluate(LAYOUT, lengths)
    for length, ours in zip(lengths, found, strict=True):
        axis = cut(length, multiple=32, tile=128)
        assert (ours["before"], ours["tile"]) == (axis.before, axis.tile)
        assert ours["starts"] == list(axis.starts)
        np.testing.assert_allclose(ours["windows"], axis.windows, rtol=1e-6)
        around = np.pad(np.arange(length), (9, 20), mode="reflect")[:20]
        assert ours["inside"] == around.tolist()


def test_it_works_without_network_once_it_is_here(site, visit, wanted, noise):
    page = visit(site())
    page.context.set_offline(True)
    give(page, noise(33, 40))
    assert worst(pixels_of_file(saved_file(page)[1]), wanted(noise(33, 40))) <= 1


def test_nothing_can_be_sent_elsewhere_not_even_by_the_worker(site, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site())
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(1)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        script = f"""() => new Promise(done => {{
          const code = `fetch("{url}").then(() => postMessage("sent"), () => postMessage("kept"))`;
          const blob = new Blob([code], {{ type: "text/javascript" }});
          const worker = new Worker(URL.createObjectURL(blob));
          worker.onmessage = event => done(event.data);
        }})"""
        assert page.evaluate(script) == "kept"
        assert page.evaluate(f"() => fetch('{url}').then(() => 'sent', () => 'kept')") == "kept"
        with pytest.raises(TimeoutError):
            elsewhere.accept()
    context.close()


def test_large_pictures_are_shrunk_and_that_is_said_or_tiled(site, visit, wanted, scene):
    page = visit(site())
    picture = scene(40, 1100)
    give(page, picture)
    assert "1024 × 37 pixels" in page.inner_text("#numbers")
    assert "made smaller from 1100 × 40: at most 1024 pixels a side" in page.inner_text("#numbers")
    page.select_option("#size", "all")
    answered(page, 2)
    assert worst(pixels_of_file(saved_file(page)[1]), wanted(picture)) <= 1
    page.select_option("#size", "training")
    answered(page, 3)
    assert "1760 × 64 pixels" in page.inner_text("#numbers")


def test_turned_and_transparent_pictures_are_read_as_everywhere(site, visit, wanted, scene):
    page = visit(site())
    side = np.dstack([scene(40, 56), np.full((40, 56), 255, np.uint8)])
    side[:20, :, 3] = 0
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(side).save(file, "PNG", exif=exif)
    content = file.getvalue()
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": content})
    answered(page, 1)
    upright = np.rot90(np.where(side[..., 3:] > 0, side[..., :3], 255), -1).astype(np.uint8)
    got = pixels_of_file(saved_file(page)[1])
    assert worst(got, wanted(np.ascontiguousarray(upright))) <= 1


def test_what_is_no_picture_is_one_line(site, visit):
    page = visit(site())
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no"})
    page.wait_for_selector("#problem:not([hidden])")
    assert "cannot open a.png as a picture" in page.inner_text("#problem")


GIVEN = """(kind) => {
  const data = new DataTransfer();
  const canvas = Object.assign(document.createElement("canvas"), { width: 9, height: 7 });
  return new Promise(done => canvas.toBlob(blob => {
    data.items.add(new File([blob], "given.png", { type: "image/png" }));
    const more = { bubbles: true, cancelable: true };
    document.body.dispatchEvent(kind === "paste"
      ? new ClipboardEvent("paste", { ...more, clipboardData: data })
      : new DragEvent("drop", { ...more, dataTransfer: data }));
    done();
  }));
}"""


def test_a_picture_given_before_the_model_is_there_is_acknowledged(site, browser, noise):
    page = browser.new_page()
    page.route("**/model.onnx", lambda route: None)  # it never comes
    page.goto(site())
    picture = {"name": "early.png", "mimeType": "image/png", "buffer": encode_png(noise(8, 8))}
    page.set_input_files("#file", picture)
    page.get_by_text("early.png is here; it is translated as soon as").wait_for()
    page.context.close()


def test_pictures_are_dropped_and_pasted(site, visit):
    page = visit(site())
    for count, kind in enumerate(("paste", "drop"), 1):
        page.evaluate(GIVEN, kind)
        answered(page, count)
        assert "9 × 7 pixels" in page.inner_text("#numbers")


def test_a_drawing_is_translated_stroke_by_stroke_and_undone(site, visit):
    page = visit(site())
    page.click("#draw")
    paper = "() => document.getElementById('drawing').toDataURL()"
    blank = page.evaluate(paper)
    box = page.locator("#drawing").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=4)
    page.mouse.up()
    answered(page, 1)
    assert page.evaluate(paper) != blank
    assert page.inner_text("#numbers").startswith("64 × 64 pixels")
    page.keyboard.press("Control+z")
    answered(page, 2)
    assert page.evaluate(paper) == blank
    seen = """() => {
      const { width, height } = document.getElementById("before");
      const context = document.getElementById("before").getContext("2d");
      return context.getImageData(0, 0, width, height).data.every(value => value === 255);
    }"""
    assert page.evaluate(seen), "the paper is white again, and so is what was translated"


def test_a_photograph_is_taken_and_the_camera_goes_off(site, visit):
    page = visit(site(), permissions=["camera"])
    page.click("#camera-open")
    page.wait_for_function("() => document.getElementById('video').videoWidth > 0")
    page.select_option("#size", "training", force=True)
    page.click("#shoot")
    page.wait_for_selector("body[data-shown]")
    assert page.evaluate("() => document.getElementById('video').srcObject") is None
    assert saved_file(page)[0] == "photograph_translated.png"


def test_the_keyboard_moves_the_slider(site, visit, noise):
    page = visit(site())
    give(page, noise(32, 32))
    page.focus("#slider")
    page.keyboard.press("Home")
    assert page.eval_on_selector("#compare", "e => e.style.getPropertyValue('--cut')") == "0%"


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two processors")
def test_threads_are_used_where_the_server_allows_them(site, visit, wanted, noise):
    page = visit(site(Isolated))
    give(page, noise(48, 48))
    assert "threads" in page.inner_text("#numbers")
    assert worst(pixels_of_file(saved_file(page)[1]), wanted(noise(48, 48))) <= 1


def test_nobody_stumbles_and_nothing_is_wider_than_the_window(site, visit, noise):
    if missing(AXE, NPM / "axe-core"):
        pytest.skip("needs axe-core: make browser-packages")
    page = visit(site())
    page.click("#draw")
    page.click("summary")
    give(page, noise(32, 32))
    page.evaluate((NPM / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    check = "() => axe.run().then(r => r.violations.map(v => [v.id, v.nodes[0].html]))"
    for width in (320, 390, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(check) == []
