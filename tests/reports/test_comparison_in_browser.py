import pytest
from runs import make_dataset, make_run

from portrayal.reports.collect import collect
from portrayal.reports.comparison import Comparison, Model, Row
from portrayal.reports.comparison_page import write_comparison

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    data = make_dataset(folder / "discs", {"train": 20, "val": 4, "test": 9})
    runs = [collect(make_run(folder / f"run_{i}", data)) for i in range(5)]
    first = runs[0].results
    rows = [
        Row(metric=m, question="fidelity", better=first.score(m).better,
            cells={run.name: run.results.score(m) for run in runs}, input=first.score(m, "input"))
        for m in first.metrics()
    ]  # fmt: skip
    models = [Model(name=run.name, folder=str(run.folder)) for run in runs]
    names = [row["name"] for row in runs[0].pictures]
    made = Comparison(models=models, rows=rows, split="test", data="", names=names)
    return write_comparison(folder / "out", made)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_five_models_fit_the_window_and_nothing_is_asked_for(browser, page_file, width, scheme):
    size = {"width": width, "height": 900}
    page = browser.new_page(viewport=size, color_scheme=scheme, offline=True)
    noise = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("request", lambda request: noise.append(request.url))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pictures = page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.alt])")
    assert len(pictures) == 8 * 7
    assert all(wide and alt for wide, alt in pictures)
    page.close()
    assert not [text for text in noise if not text.startswith(("data:", page_file.as_uri()))]
