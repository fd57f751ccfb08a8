"""The exported page with WebGPU: PyTorch's pixels; where it fails, WebAssembly's, and it says so.

No graphics card is needed: Chromium's SwiftShader computes WebGPU on the processor.
"""

from pathlib import Path

import pytest
from exported_page import MARKS, Quiet, give, pixels_of_file, saved_file, worst

pytest.importorskip("onnxruntime")
pytestmark = MARKS
SWITCHES = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
FORCED = "?backend=webgpu"  # without it the page leaves a processor that plays a graphics card
ADAPTER = """async () => {
  const found = await navigator.gpu?.requestAdapter();
  return found ? `${found.info.vendor} ${found.info.architecture}` : "";
}"""


@pytest.fixture(scope="module", autouse=True)
def adapter(browser, site):
    """Chromium's name of the graphics processor."""
    page = browser.new_page()
    page.goto(site())  # WebGPU wants a secure place
    name = page.evaluate(ADAPTER)
    page.close()
    if not name:
        pytest.skip(f"Chromium {browser.version} gives no WebGPU adapter with {SWITCHES}")
    return name


def before(path, script):
    """A server that puts a script before one of the page's own."""

    class Changed(Quiet):
        def do_GET(self):
            if self.path != path:
                super().do_GET()
                return
            content = script.encode() + Path(self.translate_path(path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Changed


def test_the_pixels_are_pytorchs(site, visit, wanted, noise, scene):
    page = visit(site(), FORCED)
    for count, (height, width) in enumerate([(61, 75), (64, 64), (9, 13)], 1):
        picture = noise(height, width) if count % 2 else scene(height, width)
        give(page, picture, count=count)
        assert page.inner_text("#numbers").endswith((" ms, WebGPU", " s, WebGPU"))
        assert worst(pixels_of_file(saved_file(page)[1]), wanted(picture)) <= 1


LOSE = """
const ask = GPUAdapter.prototype.requestDevice;
let device = null;
GPUAdapter.prototype.requestDevice = async function (...given) {
  return device = await ask.apply(this, given);
};
self.addEventListener("message", ({ data }) => data.pixels && device.destroy());
"""


def test_a_graphics_processor_that_goes_away_costs_no_picture(site, visit, wanted, noise):
    page = visit(site(before("/page/worker.js", LOSE)), FORCED)
    assert page.inner_text("#status") == "Ready. Computes with WebGPU."
    for count in (1, 2):
        give(page, noise(33, 40), count=count)
        assert "WebAssembly, 1 thread (WebGPU is not used: " in page.inner_text("#numbers")
        assert worst(pixels_of_file(saved_file(page)[1]), wanted(noise(33, 40))) <= 1


FAILING = {
    "no adapter": ("GPU.prototype.requestAdapter = async () => null;", ""),
    "an adapter refused": ('GPU.prototype.requestAdapter = async () => { throw Error("x"); };', ""),
    "no device": (
        'GPUAdapter.prototype.requestDevice = async () => { throw Error("no device"); };',
        "WebGPU is not used: ",
    ),
}


@pytest.mark.parametrize("failure", FAILING)
def test_where_webgpu_fails_webassembly_computes_and_that_is_said(
    site, visit, wanted, noise, failure
):
    script, said = FAILING[failure]
    page = visit(site(before("/page/worker.js", script)), FORCED)
    give(page, noise(9, 13))
    told = page.inner_text("#numbers")
    assert "WebAssembly, 1 thread" in told and said in told
    assert said or "WebGPU" not in told
    assert worst(pixels_of_file(saved_file(page)[1]), wanted(noise(9, 13))) <= 1


def test_a_processor_that_plays_a_graphics_card_is_left_unless_forced(site, visit):
    assert visit(site()).inner_text("#status") == "Ready. Computes with WebAssembly, 1 thread."
