import pytest
from runs import make_dataset, make_run

from portrayal.core.runs import append_line, read_lines
from portrayal.reports.pages import write_report

pytestmark = pytest.mark.browser
LONG = "a_name_without_any_end_" * 8


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run = make_run(
        folder / LONG, make_dataset(folder / "discs", {"train": 20, "val": 4, "test": 9})
    )
    for row in list(read_lines(run / "pictures.jsonl"))[:3]:
        append_line(run / "pictures.jsonl", row | {"name": LONG, "scores": {"ssim": 0.99}})
    return write_report(run)[0]


@pytest.fixture
def visit(quiet_page, page_file):
    """Open the report offline; at the end nothing may have gone wrong or out."""
    url = page_file.as_uri()

    def open_page(width=1280, scheme="light"):
        size = {"width": width, "height": 900}
        looks = {"viewport": size, "color_scheme": scheme}
        return quiet_page(url, ours=("data:", url), offline=True, **looks)

    return open_page


def test_every_picture_is_decoded_and_described(visit):
    page = visit()
    pictures = page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.alt])")
    assert len(pictures) > 20
    assert all(width > 0 and alt for width, alt in pictures)


@pytest.mark.parametrize("width", [390, 700, 768, 1280])
def test_nothing_is_wider_than_the_window(visit, width):
    page = visit(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table = "(t => [t.scrollWidth, t.clientWidth])(document.querySelector('.scroll'))"
    scrolled, shown = page.evaluate(table)
    assert scrolled <= shown or width == 768


def test_the_slider_shows_one_step_at_a_time(visit):
    page = visit()
    shown = "[...document.querySelectorAll('.frames .strip')].filter(f => !f.hidden).length"
    assert page.evaluate(shown) == 1
    assert page.inner_text("output") == "step 2,400"
    page.locator("input[type=range]").fill("0")
    assert page.inner_text("output") == "step 10"
    assert page.evaluate(shown) == 1
    page.click("button")
    assert page.get_attribute("button", "aria-label") == "Pause"


def test_the_pointer_reads_values_off_a_curve(visit):
    page = visit()
    page.locator(".plot .box").first.hover(position={"x": 100, "y": 50})
    assert "step" in page.inner_text(".tip")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_both_colour_modes(visit, scheme):
    page = visit(scheme=scheme)
    for selector in (
        "body",
        ".lead",
        ".x",
        ".interval",
        ".place",
        ".key.s1",
        ".key.s2",
        ".facts dt",
    ):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector):
    """WCAG 2 contrast of the first match against the page."""
    script = "s => getComputedStyle(document.querySelector(s))"
    front = page.evaluate(f"s => ({script})(s).color", selector)
    back = page.evaluate(f"s => ({script})(s).backgroundColor", "body")
    light = sorted(luminance(colour) for colour in (front, back))
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour):
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_it_prints(visit, tmp_path):
    page = visit()
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 10_000
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator(".controls").is_hidden()
