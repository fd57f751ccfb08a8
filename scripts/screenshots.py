"""Pictures of every page, for the documentation, taken in Chromium by a visitor who clicks.

    python scripts/screenshots.py runs/shapes runs/faces docs/pictures

Two trained and evaluated runs: one on generated shapes, one on synthetic faces, whose datasets are
where config.json says; nothing else may be in a committed picture. Needs the extras `web` and
`onnx`, `make browser-packages`, playwright and /usr/bin/chromium. About two minutes.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from portrayal.core.images import encode_png, find_pictures, read_pixels
from portrayal.core.runs import read_json, write_atomically

BOAT = [  # strokes on a board from 0 to 1
    [(0.1, 0.68), (0.9, 0.66), (0.78, 0.84), (0.2, 0.85), (0.1, 0.68)],
    [(0.5, 0.66), (0.5, 0.08)],
    [(0.46, 0.14), (0.14, 0.6), (0.46, 0.6), (0.46, 0.14)],
    [(0.55, 0.14), (0.84, 0.58), (0.55, 0.6), (0.55, 0.14)],
]
TRANSLATED = ".result[aria-busy=false] .compare.ready"
VOTERS, LIKING = 8, 0.5  # people who vote, and how often one picks our model on purpose


@contextmanager
def command(*words: Any, says: str = "http") -> Iterator[str]:
    """A portrayal server while it runs; its address."""
    line = [sys.executable, "-m", "portrayal", *map(str, words), "--port", "0"]
    running = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert running.stdout
    try:
        heard = []
        for heard_line in running.stdout:
            heard.append(heard_line)
            if says in heard_line:
                yield next(word for word in heard_line.split() if word.startswith("http"))
                return
        raise SystemExit("".join(heard))
    finally:
        running.terminate()
        running.wait()


def portrayal(*words: Any) -> None:
    """One command that ends."""
    subprocess.run([sys.executable, "-m", "portrayal", *map(str, words)], check=True)


def draw_boat(page: Page, board: str = "#board") -> None:
    """Each stroke by the mouse, as a hand that knows what it wants."""
    page.locator(board).scroll_into_view_if_needed()
    box = page.locator(board).bounding_box()
    assert box
    for stroke in BOAT:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()
    page.mouse.move(2, 2)


def shot(page: Page, out: Path, *, full: bool = False) -> None:
    """What is to be seen, in 256 colours."""
    page.wait_for_timeout(700)  # until what fades in has
    page.screenshot(path=out, full_page=full)
    picture = Image.open(out).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(out, optimize=True)
    print(out, *picture.size)


def choose_model(page: Page, name: str) -> None:
    """Only the model of that name."""
    page.wait_for_selector(".model")
    for label in page.locator(".model").all():
        label.locator("input").set_checked(name == label.locator("strong").inner_text())


def serving(browser: Any, address: str, shapes: Path, faces: list[Path], out: Path) -> None:
    """The pages of `portrayal serve`."""
    page = browser.new_page(viewport={"width": 1280, "height": 840})
    page.goto(address)
    choose_model(page, shapes.name)
    page.click("#tab-draw")
    draw_boat(page)
    page.wait_for_selector(TRANSLATED)
    page.wait_for_timeout(1500)  # the last stroke's answer
    shot(page, out / "serve_draw.png")
    page.goto(address)
    page.locator(".model input").last.check()
    page.click("#tab-several")
    page.set_input_files("#files", faces)
    with page.expect_download():
        page.click("#several-go")
    page.get_by_text("translated and saved").wait_for()
    shot(page, out / "serve_several.png")
    page.close()
    page = browser.new_page(viewport={"width": 1280, "height": 840}, color_scheme="dark")
    page.goto(address)
    choose_model(page, shapes.name)
    page.locator(".model input").last.check()
    page.locator(".model input").first.uncheck()
    page.set_input_files("#file", faces[0])
    page.wait_for_selector(TRANSLATED)
    shot(page, out / "serve_dark.png")
    for path, size, ready in (("runs", 640, ".card .figures"), ("api", 1000, "h2")):
        page = browser.new_page(viewport={"width": 1280, "height": size})
        page.goto(address + path)
        page.wait_for_selector(ready)
        shot(page, out / f"serve_{path}.png")
        if path == "runs":
            page.set_viewport_size({"width": 1280, "height": 1240})
            page.get_by_role("link", name=shapes.name, exact=True).first.click()
            page.wait_for_selector(".chart")
            shot(page, out / "serve_run.png")
    phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5}
    page = browser.new_page(**phone, has_touch=True, is_mobile=True)
    page.goto(address)
    choose_model(page, shapes.name)
    page.click("#tab-draw")
    draw_boat(page)
    page.wait_for_selector(TRANSLATED)
    page.wait_for_timeout(1500)
    shot(page, out / "serve_phone.png", full=True)


def rivals(answers: list[Path], place: Path) -> list[Path]:
    """Folders of the model's answers and of two worse ones: unsharp and grainy."""
    rng = np.random.default_rng(0)
    for path in answers:
        pixels = read_pixels(path)
        grain = pixels + rng.normal(0, 30, pixels.shape)
        made = {
            "ours": pixels,
            "unsharp": cv2.GaussianBlur(pixels, (0, 0), 1.5),
            "grainy": grain.clip(0, 255).round().astype(np.uint8),
        }
        for name, made_pixels in made.items():
            write_atomically(place / name / path.name, encode_png(made_pixels))
    return [place / name for name in ("ours", "unsharp", "grainy")]


def vote(page: Page, address: str, models: dict[str, str], rng: Any) -> None:
    """One person's votes to the end, for our model where it is seen and chance does not object."""
    page.goto(address)
    page.click("button.main")
    while True:
        page.wait_for_selector("#trial[aria-busy=false]:not([hidden]), #end:not([hidden])")
        if page.locator("#end").is_visible():
            return
        page.wait_for_timeout(350)
        before = page.inner_text("#where")
        shown = [each.get_attribute("data-answer") for each in page.locator("[data-answer]").all()]
        liked = [place for place, name in enumerate(shown) if models[name or ""] == "ours"]
        place = liked[0] if rng.random() < LIKING else int(rng.integers(len(shown)))
        page.keyboard.press(str(place + 1))
        page.wait_for_function(
            "before => document.getElementById('trial').hidden || "
            "document.getElementById('where').textContent !== before",
            arg=before,
        )


def studies(browser: Any, run: Path, data: Path, place: Path, out: Path) -> None:
    """The pages of a study of each kind, and what was found."""
    answers = list(find_pictures(run / "translations" / "test"))[:12]
    folders = [word for folder in rivals(answers, place) for word in ("--folders", folder)]
    sources, truths = (data / "test" / side for side in ("source", "target"))
    kinds = {
        "vote": ("--kind", "choice", "--show-input", "--input", sources),
        "real": ("--kind", "real_or_fake", "--seconds", 30, "--real", truths),
        "rating": ("--kind", "rating", "--show-input", "--input", sources),
    }
    for name, options in kinds.items():
        study = place / name
        portrayal("study", "create", study, *folders, *options, "--practice", 0, "--checks", 0)  # fmt: skip  # noqa: E501
        with command("study", "serve", study) as address:
            page = browser.new_page(viewport={"width": 1000, "height": 640})
            page.goto(address)
            if name == "vote":
                shot(page, out / "study_start.png")
            page.click("button.main")
            page.wait_for_selector("#trial[aria-busy=false]")
            shot(page, out / f"study_{name}.png")
            rng, known = np.random.default_rng(0), read_json(study / "key.json")["pictures"]
            models = {blinded: about["model"] for blinded, about in known.items()}
            for _ in range(VOTERS if name == "vote" else 0):
                vote(page, address, models, rng)
        if name == "vote":
            portrayal("study", "results", study)
            page = browser.new_page(viewport={"width": 1000, "height": 900})
            page.goto((study / "results" / "votes.html").resolve().as_uri())
            shot(page, out / "study_results.png", full=True)


def exported(browser: Any, run: Path, place: Path, out: Path) -> None:
    """The page that translates in the browser."""
    packages = Path(sys.prefix) / "npm" / "onnxruntime-web"
    portrayal("export", run, "--to", "browser", "--out", place, "--licence", "cc-by-4.0", "--runtime", packages)  # fmt: skip  # noqa: E501
    line = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "-d", place, "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        port = running.stdout.readline().partition("port ")[2].split()[0]
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_role("button", name="Draw", exact=True).click()
        page.locator("#width").fill("16")
        draw_boat(page, "#drawing")
        page.wait_for_selector("body[data-shown]")
        page.wait_for_timeout(5000)
        shot(page, out / "browser_export.png", full=True)
        running.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data, faces = (
        Path(read_json(run / "config.json")["data"]["path"])
        for run in (options.shapes, options.faces)
    )
    sources = list(find_pictures(faces / "test" / "source"))[:3]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with command("serve", options.shapes, options.faces) as address:
            serving(browser, address, options.shapes, sources, options.out)
        studies(browser, options.shapes, data, Path(place), options.out)
        exported(browser, options.shapes, Path(place) / "page", options.out)
        browser.close()


if __name__ == "__main__":
    main()
