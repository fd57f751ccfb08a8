"""A voter's whole session in Chromium."""

import pytest

from portrayal.evaluation.study.votes import Votes
from portrayal.web.study import study_app

pytestmark = pytest.mark.browser
READY = "#trial[aria-busy=false]"
CALM = "() => state.open && performance.now() - state.since >= 250"  # it takes an answer


@pytest.fixture
def visit(quiet_page):
    """visit(url, ...): a page; at the end nothing may have gone wrong or elsewhere."""

    def open_page(url, width=1280, height=800, **options):
        size = {"width": width, "height": height}
        return quiet_page(url, ours=(url, "data:"), viewport=size, **options)

    return open_page


def where(page):
    return page.inner_text("#where").split(" ")[0]


def begin(page):
    page.wait_for_function(
        "() => document.activeElement.matches('button.main')"
    )  # it has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)


def answer(page, key):
    before = where(page)
    page.wait_for_function(CALM)
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.getElementById('trial').hidden || "
        "(document.getElementById('trial').getAttribute('aria-busy') === 'false' && "
        "!document.getElementById('where').textContent.startsWith(before + ' '))",
        arg=before,
    )


def test_a_whole_session_by_keyboard_with_a_reload_in_the_middle(make_study, serve, visit):
    folder = make_study()
    page = visit(serve(study_app(folder)))
    begin(page)
    assert "Practice" in page.inner_text("#where")
    for key in ("1", "3", "2"):
        answer(page, key)
    assert where(page) == "4"
    page.wait_for_function("() => state.waiting.length === 0")
    pictures = page.eval_on_selector_all("[data-answer]", "all => all.map(e => e.dataset.answer)")
    page.reload()
    page.wait_for_selector(READY)
    assert where(page) == "4"
    again = page.eval_on_selector_all("[data-answer]", "all => all.map(e => e.dataset.answer)")
    assert again == pictures
    page.wait_for_function(CALM)
    page.keyboard.press("ArrowRight")  # or by the arrows and Enter
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('where').textContent.startsWith('5 ')")
    for _ in range(3):
        answer(page, "1")
    page.wait_for_selector("#end:not([hidden])")
    assert page.inner_text("#end-title") == "Thank you"
    outline = "title => getComputedStyle(title).outlineStyle"
    assert page.eval_on_selector("#end-title", outline) == "none"  # it is no button
    votes = list(Votes(folder))
    assert [vote.trial for vote in votes] == [f"{n:04d}" for n in range(7)]
    assert [vote.shown.index(vote.answer) for vote in votes] == [0, 2, 1, 1, 0, 0, 0]
    assert all(vote.ms >= 250 for vote in votes)
    page.reload()
    page.wait_for_selector("#end:not([hidden])")
    page.click("#end-delete")
    page.click("#sure-yes")
    page.wait_for_function("() => document.getElementById('end-title').textContent === 'Deleted'")
    assert "7 answers were removed" in page.inner_text("#end-text")
    assert Votes(folder).counts() == (0, 0)


def test_one_press_answers_one_trial_however_long_it_is_held(make_study, serve, visit):
    folder = make_study()
    page = visit(serve(study_app(folder)))
    begin(page)
    page.wait_for_function(CALM)
    still_open = page.evaluate("""() => new Promise((done) => {
      const press = () => dispatchEvent(new KeyboardEvent("keydown", { key: "1" }));
      const again = () => {
        if (!state.index || !state.open) return requestAnimationFrame(again);
        press();
        done(state.open);
      };
      const now = performance.now();
      press();
      press();
      performance.now = () => now; // so the next one opens now, however slow the frames
      again();
    })""")
    assert still_open and where(page) == "2"


def test_a_picture_is_hidden_when_its_time_is_over_and_can_still_be_judged(
    make_study, serve, visit
):
    page = visit(serve(study_app(make_study(kind="real_or_fake", seconds=600))))
    page.clock.install()
    begin(page)
    page.wait_for_function(CALM)
    page.clock.fast_forward(590_000)
    assert page.is_visible(".option img")
    page.clock.fast_forward(11_000)
    page.wait_for_selector(".option.gone")
    assert not page.is_visible(".option img")
    answer(page, "g")
    assert where(page) == "2"


def test_a_reload_gives_no_second_look_and_its_time_is_not_counted(make_study, serve, visit):
    folder = make_study(kind="real_or_fake", seconds=600)
    page = visit(serve(study_app(folder)))
    begin(page)
    assert page.is_visible(".option img")
    page.reload()
    page.wait_for_selector(READY)
    assert where(page) == "1" and not page.is_visible(".option img")
    assert page.inner_text("#hint").startswith("Its time is over")
    answer(page, "g")  # it can still be judged, and the next one is seen
    assert page.is_visible(".option img") and "time" not in page.inner_text("#hint")
    answer(page, "r")
    page.wait_for_function("() => state.waiting.length === 0")
    assert [vote.ms is None for vote in Votes(folder)] == [True, False]


def test_a_lost_answer_takes_no_look_away(make_study, serve, visit):
    page = visit(
        serve(study_app(make_study(kind="real_or_fake", seconds=600))),
        known=("Failed to load resource",),
    )
    lost = []

    def lose(route):
        lost.append(route.fetch().json())
        route.abort()

    page.route("**/shown", lose, times=1)
    begin(page)
    assert lost == [{"first": True}] and page.is_visible(".option img")


def test_ratings_are_given_by_number(make_study, serve, visit):
    folder = make_study(kind="rating")
    page = visit(serve(study_app(folder)))
    begin(page)
    answer(page, "4")
    answer(page, "1")
    assert [vote.answer for vote in Votes(folder)] == ["4", "1"]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("ways", [2, 3])
def test_nothing_is_wider_than_the_window(make_study, serve, visit, width, ways):
    study = study_app(make_study(ways=ways, show_input=True, show_reference=True))
    page = visit(serve(study), width, 700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.eval_on_selector_all(
        ".option", "all => all.map(e => [e.getBoundingClientRect().left, e.offsetWidth])"
    )
    assert len(boxes) == ways
    assert all(left >= 0 and left + wide <= width and wide >= 80 for left, wide in boxes)
    if width == 1280:  # all at one glance
        assert page.evaluate("document.documentElement.scrollHeight") <= 700


def test_a_phone_votes_by_touch(make_study, serve, visit):
    folder = make_study()
    page = visit(serve(study_app(folder)), 390, 844, has_touch=True, is_mobile=True)
    page.tap("button.main")
    page.wait_for_selector(READY)
    page.wait_for_function(CALM)
    page.locator(".option").nth(1).tap()
    page.wait_for_function("() => document.getElementById('where').textContent.startsWith('2 ')")
    page.wait_for_function("() => state.waiting.length === 0")
    assert [vote.shown.index(vote.answer) for vote in Votes(folder)] == [1]


def test_the_next_pictures_are_loaded_before_they_are_needed(make_study, serve, visit):
    page = visit(serve(study_app(make_study())))
    begin(page)
    page.wait_for_function("() => performance.getEntriesByType('resource').filter("
                           "e => e.name.endsWith('.png')).length >= 12")  # fmt: skip


def test_votes_wait_while_the_network_is_away(make_study, serve, browser):
    folder = make_study()
    context = browser.new_context()
    page = context.new_page()
    page.goto(serve(study_app(folder)))
    begin(page)
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    answer(page, "1")
    page.wait_for_function("() => document.getElementById('saving').textContent.includes('again')")
    assert Votes(folder).counts() == (1, 0)
    context.set_offline(False)
    page.wait_for_function("() => state.waiting.length === 0")
    assert page.inner_text("#saving") == ""
    assert Votes(folder).counts() == (1, 1)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_named_and_legible(make_study, serve, visit, scheme):
    page = visit(serve(study_app(make_study(show_input=True))), color_scheme=scheme)
    begin(page)
    page.click("#leave-button")
    unnamed = """() => [...document.querySelectorAll('button, input, img, progress')].filter(e =>
      !(e.innerText || e.getAttribute('aria-label') || e.alt ||
        e.querySelector('img')?.alt)).length"""
    assert page.evaluate(unnamed) == 0
    contrast = """() => {
      const rgb = s => s.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255).map(
        v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
      const lum = s => { const [r, g, b] = rgb(s); return .2126 * r + .7152 * g + .0722 * b; };
      const seen = (e) => { for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; }
        return getComputedStyle(document.body).backgroundColor; };
      return Object.fromEntries(['h1', '.hint', '#where', '.practice', '#leave p', '.button.main',
        '.button.bad', 'input.link', '.option kbd', '.plain', 'figcaption'].map(s => {
          const e = document.querySelector(s);
          const [a, b] = [lum(getComputedStyle(e).color), lum(seen(e))].sort((x, y) => y - x);
          return [s, (a + .05) / (b + .05)]; })); }"""
    assert {k: v for k, v in page.evaluate(contrast).items() if v < 4.5} == {}


def test_three_pictures_on_a_phone_stand_below_each_other_and_all_in_view(make_study, serve, visit):
    page = visit(serve(study_app(make_study())), 390, 844)
    begin(page)
    boxes = [tile.bounding_box() for tile in page.locator("[data-answer]").all()]
    assert len(boxes) == 3 and len({box["x"] for box in boxes}) == 1, "none stands apart"
    assert all(box["width"] >= 179 and box["y"] + box["height"] < 844 for box in boxes)
