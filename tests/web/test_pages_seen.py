"""What everybody can use: all our pages looked at by axe-core, at all widths; runs, live."""

import functools
import json
import os
import sys
from pathlib import Path

import pytest

from portrayal.core.images import encode
from portrayal.web.app import serving_app
from portrayal.web.limits import Limits
from portrayal.web.models import find_runs, load_models
from portrayal.web.study import study_app

AXE = Path(sys.prefix) / "npm" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.browser
READY = ".result[aria-busy=false] .compare.ready"
RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
         "wcag22aa", "best-practice"]}  # fmt: skip


@pytest.fixture
def visit(quiet_page):
    """visit(url, ...): a page whose console stays empty."""
    return functools.partial(quiet_page, patience=120_000)


@pytest.fixture(scope="module")
def address(small_run, serve_long):
    models = load_models(find_runs([small_run]), engine="torch")
    app = serving_app([small_run], models, Limits(per_minute=0))
    yield serve_long(app)
    app.state.line.close()


@pytest.fixture(scope="module")
def axe():
    """axe(page): what bars somebody from using it, as rule: elements."""
    if not AXE.is_file():
        pytest.skip("needs axe-core: make browser-packages")
    script = AXE.read_text(encoding="utf-8")

    def look(page):
        page.evaluate(script)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)
        return {
            each["id"]: [node["target"] for node in each["nodes"]] for each in found["violations"]
        }

    return look


def translated(page, content):
    page.wait_for_selector(".model")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#file", file)
    page.wait_for_selector(READY)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_that_translates_has_no_barriers(address, visit, axe, scene, scheme):
    page = visit(address, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_selector(".model")
    assert axe(page) == {}
    translated(page, encode(scene(64, 64), ".png"))
    for tab in ("picture", "draw", "camera", "several"):
        page.click(f"#tab-{tab}")
        assert axe(page) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_runs_and_of_the_api_have_no_barriers(address, visit, axe, scheme):
    page = visit(address + "runs", color_scheme=scheme)
    page.wait_for_selector(".card .figures")
    assert axe(page) == {}
    page.get_by_role("link", name="small").click()
    page.wait_for_selector(".chart")
    assert axe(page) == {}
    page.goto(address + "api")
    assert axe(page) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["choice", "rating"])
def test_a_study_has_no_barriers(make_study, serve, visit, axe, kind, scheme):
    study = make_study(kind=kind, show_input=True, show_reference=True)
    page = visit(serve(study_app(study)), color_scheme=scheme)
    assert axe(page) == {}
    page.click("button.main")
    page.wait_for_selector("#trial[aria-busy=false]")
    assert axe(page) == {}
    page.click("#leave-button")
    assert axe(page) == {}
    page.click("#leave-delete")
    assert axe(page) == {}
    page.click("#sure-yes")
    page.wait_for_selector("#end:not([hidden])")
    assert axe(page) == {}


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_window(address, visit, scene, width):
    page = visit(address, viewport={"width": width, "height": 760})
    translated(page, encode(scene(64, 90), ".png"))
    wide = "document.documentElement.scrollWidth"
    for tab in ("picture", "draw", "camera", "several"):
        page.click(f"#tab-{tab}")
        assert page.evaluate(wide) <= width
    page.goto(address + "runs")
    page.wait_for_selector(".card")
    assert page.evaluate(wide) <= width
    page.goto(address + "runs/small")
    page.wait_for_selector(".chart")
    assert page.evaluate(wide) <= width


def test_the_first_stop_of_the_keyboard_skips_to_the_content(address, visit):
    page = visit(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_card_says_what_its_curve_and_its_figures_are(address, visit):
    card = visit(address + "runs").locator(".card")
    card.locator("svg.spark").wait_for()
    said = card.inner_text()
    assert "Best on validation pictures" in said
    assert "Loss in training, over time" in said or "on validation pictures, over time" in said


def test_names_in_a_table_of_scores_are_not_squeezed_on_a_phone(address, visit):
    page = visit(address + "runs/small", viewport={"width": 390, "height": 800})
    row = '<div class="evaluated scroll"><table><tr><th scope="row">PSNR, higher is better</th>'
    row += "<td>" + "26.91 [26.58, 27.23] " * 4 + "</td></tr></table></div>"
    page.evaluate("row => document.querySelector('main').insertAdjacentHTML('beforeend', row)", row)
    assert page.locator(".evaluated th").last.bounding_box()["width"] >= 130


def test_the_scores_of_a_training_are_called_what_they_are(address, visit):
    page = visit(address + "runs/small")
    page.wait_for_selector("#scores-part:visible")
    assert page.inner_text("#scores-title") == "Validation scores"


def test_samples_go_through_time_and_curves_are_drawn(address, visit):
    page = visit(address + "runs/small")
    page.wait_for_selector(".chart")
    assert page.inner_text("#when-step") == "step 10"
    page.focus("#when")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#when-step") == "step 1"
    assert page.get_attribute("#sample", "src").endswith("samples/step_00000001.png")
    page.wait_for_function("() => document.getElementById('sample').naturalWidth > 0")
    chart = page.get_by_role("img", name="Training: L1: L1 from ")
    line = chart.locator("path.curve")
    assert line.get_attribute("d").count("L") > 50
    assert line.evaluate("path => getComputedStyle(path).stroke") == "rgb(41, 82, 204)"
    chart.hover()
    assert "at step" in page.locator(".chart", has=chart).inner_text()
    assert page.inner_text("#scores td >> nth=0") == "0.25"


def test_a_training_is_followed(small_run, tmp_path, serve, visit):
    import fcntl
    import shutil

    run = shutil.copytree(small_run, tmp_path / "live")
    for name in ("log.jsonl", "config.json"):
        os.utime(run / name, (1, 1))  # however long ago the last step was, the lock is what counts
    app = serving_app([run], {}, Limits())
    with (run / ".lock").open("w") as lock, (run / "log.jsonl").open("a") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a training does
        url = serve(app)
        page, gallery = visit(f"{url}runs/live"), visit(f"{url}runs")
        page.wait_for_selector("#meter:not([hidden])")
        assert "1,001 of 2,000" in page.inner_text("#progress-note")
        gallery.wait_for_selector(".live")
        log.write(json.dumps({"step": 1500, "steps": 2000, "l1": 0.5}) + "\n")
        log.flush()
        for each, where in ((page, "#progress-note"), (gallery, ".card")):
            each.wait_for_function(
                "where => document.querySelector(where).innerText.includes('1,500')", arg=where
            )
    app.state.line.close()
