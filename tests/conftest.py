"""What all tests share: the real pictures beside the repository, and generated ones."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # for recording.py

from recording import Recording, summary

SHARED = Path(__file__).resolve().parents[2] / "shared"

CHROMIUM = Path("/usr/bin/chromium")

# A shell that starts the tests in the background ignores Ctrl-C for them and all their children.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The same examples everywhere and always, however slow the machine: a run says something about the
# change and not about its luck. `pytest --hypothesis-profile=default` looks for others.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_collection_modifyitems() -> None:
    """One thread: results are the same to the bit, and tests share the cores with others."""
    import torch

    torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    """What fixtures and tests draw by PyTorch's own generator depends on no test before them."""
    import torch

    torch.manual_seed(0)


pytest_runtest_call = pytest_fixture_setup


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests ran in which browser; kept where PORTRAYAL_RECORD names a folder."""
    lines = summary(terminalreporter.stats, CHROMIUM)
    for line in lines[:1]:
        terminalreporter.write_line(line)
    if lines and (folder := os.environ.get("PORTRAYAL_RECORD")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, "record.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pictures and weights that is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real pictures in {SHARED}")
    return SHARED


@pytest.fixture
def weights(shared) -> Iterator[Path]:
    """The folder of pretrained weights, where everything looks for them during this test."""
    folder, before = shared / "weights", os.environ.get("PORTRAYAL_WEIGHTS")
    if not folder.is_dir():
        pytest.skip(f"needs the pretrained weights in {folder}")
    os.environ["PORTRAYAL_WEIGHTS"] = str(folder)
    yield folder
    os.environ.pop("PORTRAYAL_WEIGHTS")
    if before is not None:
        os.environ["PORTRAYAL_WEIGHTS"] = before


@pytest.fixture(scope="session")
def noise() -> Callable[..., np.ndarray]:
    """noise(height, width, seed=0): every pixel random, (H, W, 3) uint8."""

    def make(height: int, width: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return rng.integers(0, 256, (height, width, 3), np.uint8)

    return make


@pytest.fixture(scope="session")
def scene() -> Callable[..., np.ndarray]:
    """scene(height, width, seed=0): smooth tones with a few sharp discs, like a photograph."""

    def make(height: int, width: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        tones = [100 + 80 * np.sin(3 * (a * x + b * y) + c) for a, b, c in rng.random((3, 3))]
        picture = np.stack(tones, axis=2)
        for cy, cx, radius in rng.random((4, 3)) * [1, 1, 0.25] + [0, 0, 0.05]:
            picture[np.hypot(y - cy, x - cx) < radius] = rng.integers(0, 256, 3)
        return picture.clip(0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Debian's Chromium, with the SWITCHES that a module of tests names.

    Where PORTRAYAL_RECORD names a folder, every context leaves a trace there.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"needs chromium in {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    switches = ["--no-sandbox", *getattr(request.module, "SWITCHES", ())]
    folder = os.environ.get("PORTRAYAL_RECORD")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        recording = Recording(chromium, Path(folder)) if folder else None
        yield recording or chromium
        if recording:
            recording.end()
        chromium.close()


def quiet_pages(browser: Any) -> Iterator[Callable[..., Any]]:
    """quiet_page(url, ...): a page in a context of its own, in which nothing may go wrong.

    At the end its console must be empty, but for what begins with `known`, and every request must
    begin with one of `ours`, if given. `patience` in ms; the other options are the context's.
    """
    contexts, noise = [], []

    def open_page(url, *, ours=None, known=(), patience=120_000, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(patience)
        page = context.new_page()
        page.on("console", lambda m: None if m.text.startswith(known) else noise.append(m.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        if ours:
            context.on("request", lambda r: None if r.url.startswith(ours) else noise.append(r.url))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not noise


@pytest.fixture
def quiet_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Pages of one test, in which nothing may go wrong: see `quiet_pages`."""
    yield from quiet_pages(browser)


@pytest.fixture(scope="module")
def quiet_page_long(browser: Any) -> Iterator[Callable[..., Any]]:
    """The same, until the file is done."""
    yield from quiet_pages(browser)
