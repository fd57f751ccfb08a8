"""Serving an exported page to Chromium, giving it pictures and reading its answers."""

import http.server
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portrayal.core.images import encode_png
from portrayal.export.npm import ONNXRUNTIME_WEB, missing

NPM = Path(sys.prefix) / "npm"
PATIENCE = 120_000  # ms; a busy machine is slow and not wrong
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(
        bool(missing(ONNXRUNTIME_WEB, NPM / "onnxruntime-web")),
        reason="needs onnxruntime-web: make browser-packages",
    ),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Isolated(Quiet):
    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


def give(page, pixels, name="picture.png", count=1):
    file = {"name": name, "mimeType": "image/png", "buffer": encode_png(pixels)}
    page.set_input_files("#file", file)
    answered(page, count)


def answered(page, count=1):
    """Wait for the answer to the picture of that number, or for the problem with it."""
    page.wait_for_selector(f'body[data-shown="{count}"], #problem:not([hidden])')
    assert page.inner_text("#problem") == ""


def saved_file(page):
    with page.expect_download() as download:
        page.click("#save")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels_of_file(content):
    return np.array(Image.open(io.BytesIO(content)).convert("RGB"))


def worst(one, other):
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())
