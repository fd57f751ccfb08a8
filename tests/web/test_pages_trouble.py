"""Translating by the page when something is in the way, in Chromium: a broken picture among many,
a full server, an impatient person, a camera whose tab is left.

A page takes seconds to open on a busy machine: tests share theirs and leave it as it was.
"""

import io
import zipfile
from pathlib import Path

import httpx
import pytest

from portrayal.core.images import encode
from portrayal.web.app import serving_app
from portrayal.web.limits import Limits
from portrayal.web.models import find_runs, load_models

pytestmark = pytest.mark.browser
SWITCHES = ["--use-fake-device-for-media-stream"]  # a camera
REFUSED = "Failed to load resource"
LIVE = "document.getElementById('video').srcObject !== null"
FOCUSED = "document.activeElement.id"


@pytest.fixture(scope="module")
def models(small_run):
    return load_models(find_runs([small_run]), engine="torch")


@pytest.fixture(scope="module")
def opened(quiet_page_long, serve_long, small_run):
    """opened(models, known, limits, options of the page): a page of its own server."""
    lines = []

    def open_page(models, known=(), limits=Limits(per_minute=0), **options):
        app = serving_app([small_run], models, limits)
        lines.append(app.state.line)
        page = quiet_page_long(serve_long(app), known=known, patience=120_000, **options)
        page.wait_for_selector(".model")
        return page

    yield open_page
    for line in lines:
        line.close()


@pytest.fixture(scope="module")
def page(opened, models):
    """A page with a camera whose server takes any number of pictures."""
    return opened(models, permissions=["camera"])


@pytest.fixture
def calm_page(opened, models):
    """A page whose server takes two pictures a minute, and has had none yet."""
    return opened(models, REFUSED, Limits(per_minute=2))


def file(name, content):
    return {"name": name, "mimeType": "image/png", "buffer": content}


def all_of(page, files):
    """Choose files under Several, press the button; the zip files that come."""
    got = []
    page.on("download", lambda each: got.append(each))
    page.click("#tab-several")
    page.set_input_files("#files", files)
    with page.expect_download():  # which may be told after the page has said it
        page.click("#several-go")
        page.wait_for_function(
            "() => document.getElementById('several-note').innerText.endsWith('saved.')"
        )
    return [zipfile.ZipFile(io.BytesIO(Path(each.path()).read_bytes())) for each in got]


def test_broken_pictures_among_many_are_named_and_the_others_come(page, scene):
    good = encode(scene(64, 64), ".png")
    names = ("a.png", "half.png", "b.png", "words.png", "empty.png")
    contents = (good, good[: len(good) // 3], good, b"words: not a picture", b"")
    [zipped] = all_of(page, list(map(file, names, contents)))
    assert zipped.namelist() == ["001_a.png", "003_b.png", "errors.txt"]
    assert page.inner_text("#several-note") == "2 of 5 pictures translated and saved."
    assert page.inner_text("#several-error").startswith("3 pictures could not be translated")
    lines = page.locator("#several-files li").all_inner_texts()
    assert [line.split(" ")[0] for line in lines] == [names[i] for i in (1, 3, 4, 0, 2)]
    for line, said in zip(lines, zipped.read("errors.txt").decode().splitlines(), strict=False):
        assert line.split(".png ")[1] == said.split(": ", 1)[1]  # the reason


def test_more_pictures_than_a_minute_allows_go_in_parts_and_say_why_they_wait(calm_page, scene):
    page = calm_page
    page.evaluate("""() => { window.heard = [];
      new MutationObserver(() => window.heard.push(document.getElementById('said').textContent))
        .observe(document.getElementById('said'), { childList: true }); }""")
    page.click("#tab-several")
    page.set_input_files(
        "#files", [file(f"{n}.png", encode(scene(8, 8), ".png")) for n in range(3)]
    )
    with page.expect_download():  # the first two
        page.click("#several-go")
    waits = "More than 2 pictures a minute; trying again in "
    note = "document.getElementById('several-note').innerText"
    page.wait_for_function(f"() => {note}.startsWith('{waits}')")
    first = page.inner_text("#several-note")
    page.wait_for_function(f"first => {note} !== first", arg=first)  # it counts
    page.click("#several-stop")
    assert "Stopped" in page.inner_text("#several-error")
    heard = [text for text in page.evaluate("window.heard") if text.startswith(waits)]
    assert len(heard) == 1, "a countdown is not read out second by second"


def test_a_quick_model_that_has_to_wait_can_be_cancelled(calm_page, scene):
    page, content = calm_page, encode(scene(64, 64), ".png")
    post = {"content": content, "headers": {"content-type": "image/png"}}
    while httpx.post(f"{page.url}api/translate", timeout=60, **post).status_code == 200:
        pass  # until the minute's pictures are used up
    page.set_input_files("#file", file("a.png", content))
    page.get_by_role("button", name="Cancel").click()
    assert page.inner_text(".status") == "Cancelled."
    assert page.inner_text("#said") == "small: cancelled"


def test_a_full_server_is_asked_again_and_one_can_leave(opened, gate, noise):
    recipe = gate.forward.recipe
    page = opened({"gate": gate}, REFUSED, Limits(workers=1, waiting=0))
    content = encode(noise(8, 8), ".png")
    post = {"content": content, "headers": {"content-type": "image/png"}}
    job = httpx.post(f"{page.url}api/jobs", timeout=60, **post).json()["job"]
    recipe.entered.acquire()
    page.set_input_files("#file", file("a.png", content))
    page.get_by_role("button", name="Start").click()
    waiting = "document.querySelector('.status').innerText.startsWith("
    page.wait_for_function(f"() => {waiting}'Too many pictures are waiting; trying again in ')")
    page.get_by_role("button", name="Cancel").click()
    assert page.inner_text(".status") == "Cancelled."
    page.get_by_role("button", name="Start again").click()
    page.wait_for_function(f"() => {waiting}'Too many pictures')")
    recipe.open.set()
    page.wait_for_selector(".result[aria-busy=false] .compare.ready")
    assert httpx.get(f"{page.url}api/jobs/{job}", timeout=60).json()["state"] == "done"


def test_a_camera_whose_tab_is_left_while_it_starts_stays_off(page):
    page.evaluate("""() => {
      const devices = navigator.mediaDevices, given = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (wanted) => {
        devices.getUserMedia = given; // the next time as usual
        window.stream = await given(wanted);
        await new Promise((resolve) => { window.goOn = resolve; });
        return window.stream; }; }""")
    page.click("#tab-camera")
    page.click("#camera-start")
    page.wait_for_function("() => window.goOn")
    assert page.inner_text("#camera-start") == "Starting …"
    page.click("#tab-picture")
    page.evaluate("window.goOn()")
    page.wait_for_function("() => window.stream.getTracks().every((t) => t.readyState === 'ended')")
    assert not page.evaluate(LIVE)
    page.click("#tab-camera")
    assert page.inner_text("#camera-start") == "Start the camera"


def test_the_keyboard_stays_where_the_camera_is_and_two_presses_take_one_picture(page):
    page.click("#tab-camera")
    page.click("#camera-start")
    page.wait_for_selector("#camera-take:visible")
    assert page.evaluate(FOCUSED) == "camera-take"
    page.click("#camera-stop")
    assert page.evaluate(FOCUSED) == "camera-start" and not page.evaluate(LIVE)
    page.click("#camera-start")
    page.wait_for_selector("#camera-take:visible")
    page.evaluate(
        "() => { for (const _ of [1, 2]) document.getElementById('camera-take').click() }"
    )
    page.wait_for_selector(".result[aria-busy=false] .compare.ready")
    assert page.evaluate(FOCUSED) == "tab-picture"


def test_a_camera_that_goes_away_is_said(page):
    page.click("#tab-camera")
    page.click("#camera-start")
    page.wait_for_selector("#camera-take:visible")
    page.evaluate(
        "document.getElementById('video').srcObject.getVideoTracks()[0]"
        ".dispatchEvent(new Event('ended'))"
    )
    assert page.inner_text("#camera-error").startswith("The camera is gone.")
    assert page.is_visible("#camera-start") and not page.evaluate(LIVE)
