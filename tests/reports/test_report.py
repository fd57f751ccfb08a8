import json
import math
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import disc, make_dataset, make_run, results_of, save

from portrayal.core.errors import BadCheckpoint, BadData, UnknownName, UserError
from portrayal.core.runs import append_line, read_json, read_lines, write_json
from portrayal.reports.collect import collect
from portrayal.reports.curves import training_charts
from portrayal.reports.facts import data_facts, setting_groups
from portrayal.reports.pages import page, write_report


@pytest.fixture
def run(tmp_path):
    return make_run(
        tmp_path / "run", make_dataset(tmp_path / "discs", {"train": 20, "val": 4, "test": 9})
    )


@pytest.fixture
def small(tmp_path):
    """A run without pictures: quick to report many times."""
    data = make_dataset(tmp_path / "none", {})
    folder = make_run(tmp_path / "small", data, rows=24, tested=2)
    shutil.rmtree(folder / "samples")
    shutil.rmtree(folder / "translations")
    return folder


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_says_what_the_numbers_say(run):
    place, verdict = write_report(run)
    html = place.read_text()
    said = "On 9 held-out pictures, SSIM 0.713 [0.694, 0.733] against 0.552 [0.531, 0.574]"
    assert place == run / "report.html"
    assert verdict == f"{said} for the input itself."
    for words in (
        verdict,
        "better on L1, PSNR and SSIM (intervals apart)",
        "Wang 2004",
        "95 % bootstrap over pictures, 10000 draws, seed 0",
        "portrayal train pix2pix data --out run --set l1=100",
        "no face 5",
        "Parameters, generator 3,072",
        "24 min 0 s for 2,400 steps",
        "best 0.705 at step 2,400",
        "0.5: cannot tell",
        "ln 2: cannot tell",
    ):
        assert words in text_of(html), words
    for series in ("loss_D_real", "loss_D_fake", "p_real", "p_fake"):
        assert f">{series}</span>" in html
    assert "What is missing" not in html
    assert "Parameters, average" not in html  # a copy of the generator


def test_equal_files_give_equal_bytes(run, tmp_path):
    first = write_report(run, tmp_path / "one.html")[0].read_bytes()
    script = (
        "import sys; from pathlib import Path; from portrayal.reports.pages import write_report"
    )
    line = f"{script}; write_report(Path(sys.argv[1]), Path(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", line, run, tmp_path / "two.html"], check=True)
    assert (tmp_path / "two.html").read_bytes() == first


def test_reports_need_no_torch(run):
    code = "import sys, portrayal.reports.pages, portrayal.cli.report; assert 'torch' not in "
    code += "sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_asks_nobody_for_anything(run):
    html = page(collect(run))
    sources = re.findall(r'(?:src|href|action)\s*=\s*"([^"]*)"', html)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\((?!data:)|https?://", html)


@pytest.mark.parametrize(
    "name", ['<script>alert("x")</script>', '"><img src=x onerror=y>', "{{ 7*7 }}"]
)
def test_names_are_shown_and_never_obeyed(run, name):
    row = next(read_lines(run / "pictures.jsonl"))
    append_line(run / "pictures.jsonl", row | {"name": name})
    config = read_json(run / "config.json")
    config["recipe"], config["config"][name] = name, name
    write_json(run / "config.json", config)
    log = (run / "log.jsonl").read_text()
    (run / "log.jsonl").write_text(log.replace('"l1"', json.dumps(name)))
    html = page(collect(run))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert ">49<" not in html


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/secret", "a/../../../secret", "\0", "x" * 5000]
)
def test_a_name_cannot_bring_in_other_files(run, name):
    save(run.parent.parent / "secret.png", disc(0)[0])
    row = {"name": name, "scores": {"ssim": 0.5}, "fake_file_name": f"{name}.png"}
    (run / "pictures.jsonl").write_text(json.dumps(row) + "\n")
    html = page(collect(run))
    assert html.count("not found</div>") == 3


def test_a_run_in_progress_is_reported_with_its_gaps(run):
    for name in ("results.json", "pictures.jsonl", "scores.jsonl", "environment.json"):
        (run / name).unlink()
    place, verdict = write_report(run)
    assert verdict == "Not scored yet: training has reached step 2,400 (epoch 20.0)."
    html = text_of(place.read_text())
    for gap in ("results.json is missing", "no validation scores", "the machine is unknown"):
        assert gap in html


def test_only_results_make_a_report(tmp_path):
    write_json(tmp_path / "results.json", results_of(5))
    html = text_of(page(collect(tmp_path)))
    assert "On 5 held-out pictures" in html
    assert "config.json is missing" in html


def test_a_moved_dataset_leaves_room_and_a_word(run):
    config, results = read_json(run / "config.json"), read_json(run / "results.json")
    config["data"]["path"] = results["data"]["path"] = "gone"
    write_json(run / "config.json", config)
    write_json(run / "results.json", results)
    html = page(collect(run))
    assert "The dataset is no longer where it was" in html
    assert "not found</div>" in html


def test_a_moved_dataset_is_found_where_the_person_says(run, tmp_path):
    shown = write_report(run, tmp_path / "one.html")[0].read_text()
    (tmp_path / "discs").rename(tmp_path / "moved")
    assert "not found</div>" in write_report(run)[0].read_text()
    again = write_report(run, tmp_path / "two.html", data=tmp_path / "moved")[0].read_text()
    assert again == shown and "not found</div>" not in again


def test_an_import_lacks_a_dataset_only_where_it_was_scored_on_one(run):
    config, word = read_json(run / "config.json"), "The dataset is no longer where it was"
    config |= {"imported": {"from": "elsewhere"}, "data": {"path": None}}
    write_json(run / "config.json", config)
    (run.parent / "discs").rename(run.parent / "moved")
    assert word in "".join(collect(run).gaps)
    (run / "results.json").unlink()
    assert word not in "".join(collect(run).gaps)


def test_an_import_has_neither_settings_of_a_training_nor_a_folder_of_data(run):
    trained = collect(run)
    write_json(run / "config.json", {**trained.config, "imported": {"from": "elsewhere"}})
    assert [title for title, _ in setting_groups(trained)] == ["Recipe", "Training"]
    assert [title for title, _ in setting_groups(collect(run))] == ["Recipe"]
    folders = [data_facts(each).facts[0].text for each in (trained, collect(run))]
    assert folders == [trained.config["data"]["path"], "unknown"]


def test_what_is_no_run_is_one_line(tmp_path, run):
    for folder, words in ((tmp_path / "no", "No such folder"), (run / "samples", "is not a run")):
        with pytest.raises(BadData, match=words) as error:
            write_report(folder)
        assert "\n" not in str(error.value)
    write_json(run / "config.json", {"format": 7})
    with pytest.raises(BadCheckpoint, match="run format 7, this version reads 1"):
        write_report(run)


def test_a_metric_that_was_not_scored_is_answered_with_the_nearest(run):
    with pytest.raises(UnknownName, match="Did you mean 'ssim'"):
        write_report(run, metric="sssim")


def test_best_and_worst_are_ranked_in_the_metrics_own_direction(run):
    for metric in ("ssim", "l1"):  # the fixture's last picture is the best in both
        html = text_of(page(collect(run), metric))
        best = html[html.index(" Best ") : html.index(" Worst ")]
        worst = html[html.index(" Worst ") : html.index(" Progress ", html.index(" Worst "))]
        assert "disc_032" in best and "disc_024" not in best
        assert "disc_024" in worst and "disc_032" not in worst


FILES = (
    "config.json",
    "environment.json",
    "results.json",
    "log.jsonl",
    "scores.jsonl",
    "pictures.jsonl",
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["step", "scores", "data", "path", "size", "config", "name", "epoch", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(file=st.sampled_from(FILES), content=ANYTHING, cut=st.floats(0, 1))
def test_broken_files_become_gaps_and_never_a_traceback(small, file, content, cut):
    whole = (small / file).read_bytes()
    try:
        for broken in (
            json.dumps(content).encode(),
            whole[: int(len(whole) * cut)],
            whole[: int(len(whole) * cut)] + b"\xff\n" + whole,
        ):
            (small / file).write_bytes(broken)
            try:
                assert "</html>" in page(collect(small))
            except UserError as error:
                assert "\n" not in str(error)
    finally:
        (small / file).write_bytes(whole)


@pytest.mark.parametrize("file", ["config.json", "results.json"])
def test_every_value_of_a_wrong_type_is_survived(small, file):
    whole = read_json(small / file)
    for key in whole:
        for wrong in (None, 3, "x", [1], {"a": {}}, True):
            write_json(small / file, whole | {key: wrong})
            try:
                assert "</html>" in page(collect(small))
            except UserError as error:
                assert "\n" not in str(error)


def test_numbers_that_are_none_leave_gaps(small):
    with (small / "log.jsonl").open("a") as log:
        for wrong in ("NaN", "Infinity", "null", '"x"', "true", "9" * 400):
            log.write(f'{{"step": 900, "p_real": {wrong}, "l1": {wrong}}}\n')
    run = collect(small)
    assert run.log[-1] == {"step": 900}
    assert "</html>" in page(run)


def test_undecided_is_ln_2_where_the_loss_is_cross_entropy(run):
    def reference(run):
        chart = next(c for c in training_charts(run) if "loss_D_real" in [x.name for x in c.lines])
        return [(mark.text, mark.top) for mark in chart.references], chart.y_ticks

    [(text, top)], ticks = reference(collect(run))
    (top_1, one), (top_0, zero) = ticks[0], ticks[-1]
    share = (top - top_1) / (top_0 - top_1)
    assert text == "ln 2: cannot tell"
    assert float(one) + share * (float(zero) - float(one)) == pytest.approx(math.log(2), abs=0.001)
    config = read_json(run / "config.json")
    config["config"]["loss"] = "lsgan"
    write_json(run / "config.json", config)
    assert reference(collect(run))[0] == []


def test_a_broken_sample_is_named(run):
    (run / "samples" / "step_00000100.png").write_bytes(b"no picture")
    assert "samples/step_00000100.png cannot be read" in page(collect(run))
