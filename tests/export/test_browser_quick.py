"""A page with a second graph for processors: it is what computes, with the weights of the first."""

import pytest
from exported_page import MARKS, PATIENCE, Quiet, give, pixels_of_file, saved_file, worst

pytest.importorskip("onnxruntime")
pytestmark = MARKS
WIDTH = 16  # channels of the first layer: the blocks have 64


def test_the_processors_graph_makes_pytorchs_pixels(site, visit, wanted, scene):
    asked = []

    class Listening(Quiet):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

    page = visit(site(Listening), "?backend=wasm")
    for count, size in enumerate([(64, 64), (61, 75)], 1):
        give(page, scene(*size), count=count)
        assert worst(pixels_of_file(saved_file(page)[1]), wanted(scene(*size))) <= 1
    assert [asked.count(f"/{name}.onnx") for name in ("model", "quick")] == [1, 1]


@pytest.mark.parametrize(
    ("reply", "said"),
    [(b"", "quick.onnx is another one than this page's"), (None, "quick.onnx is not there (404)")],
)
def test_without_it_the_page_says_what_is_missing(site, quiet_page, reply, said):
    class Broken(Quiet):
        def do_GET(self):
            if self.path != "/quick.onnx":
                super().do_GET()
            elif reply is None:
                self.send_error(404)
            else:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(reply)

    url = site(Broken)
    page = quiet_page(url, ours=(url, f"blob:{url}", "data:"), patience=PATIENCE)
    page.wait_for_selector("#problem:not([hidden])")
    assert said in page.inner_text("#problem")
