"""`portrayal serve` over HTTP, with a real, untrained run."""

import io
import json
import shutil
import zipfile
from importlib.util import find_spec

import httpx
import numpy as np
import pytest
from PIL import Image

from portrayal import load
from portrayal.core.errors import UserError
from portrayal.core.images import encode, read_pixels, read_text
from portrayal.core.provenance import GENERATED, read_provenance
from portrayal.core.runs import write_json
from portrayal.filters.freehand import clean_drawing
from portrayal.inference.searching import with_search
from portrayal.web.app import serving_app
from portrayal.web.models import find_runs, load_models
from portrayal.web.shell import static_file

PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def models(small_run):
    return load_models(find_runs([small_run.parent]), engine="torch")


@pytest.fixture(scope="module")
def client(small_run, models, serve_long):
    app = serving_app([small_run.parent], models)
    with httpx.Client(base_url=serve_long(app), timeout=60) as client:
        yield client
    app.state.line.close()


def post(client, content, path="/api/translate", **params):
    return client.post(path, content=content, headers=PNG, params=params)


@pytest.mark.parametrize("size", [(64, 64), (50, 75), (1, 1)])
def test_the_answer_is_what_the_model_gives_in_python(size, client, small_run, scene):
    content = encode(scene(*size), ".png")
    answer = post(client, content)
    assert answer.status_code == 200
    wanted = load(small_run).translate(read_pixels(content))
    assert np.array_equal(read_pixels(answer.content), wanted)
    assert answer.headers["x-portrayal-model"] == "small"
    assert float(answer.headers["x-portrayal-seconds"]) > 0
    assert float(answer.headers["x-portrayal-queue-seconds"]) >= 0


def test_a_form_a_job_and_a_batch_give_the_same_file(client, scene):
    content = encode(scene(64, 64), ".png")
    wanted = post(client, content).content
    form = client.post("/api/translate", files={"picture": ("a.png", content)})
    assert form.content == wanted
    job = post(client, content, "/api/jobs").json()["job"]
    events = client.get(f"/api/jobs/{job}/events").text.strip().split("\n\n")
    states = [json.loads(event.removeprefix("data: ")) for event in events]
    assert states[-1] == {
        "state": "done", "position": 0, "step": 1, "steps": 1, "loss": None, "error": None,
        "snapshots": 0,
    }  # fmt: skip
    assert client.get(f"/api/jobs/{job}").json() == states[-1]
    assert client.get(f"/api/jobs/{job}/picture").content == wanted
    zipped = client.post("/api/batch", files=[("pictures", ("a.png", content))])
    archive = zipfile.ZipFile(io.BytesIO(zipped.content))
    assert {name: archive.read(name) for name in archive.namelist()} == {"001_a.png": wanted}


def test_a_batch_goes_on_after_bad_pictures_and_names_them(client, scene):
    good = encode(scene(32, 32), ".png")
    named = [("../../evil.png", good), ("b.png", b"nothing"), ("C:\\x\\c d.jpg", good)]
    zipped = client.post(
        "/api/batch", files=[("pictures", pair) for pair in named], params={"format": "webp"}
    )
    assert zipped.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(zipped.content))
    assert archive.testzip() is None
    assert archive.namelist() == ["001_evil.webp", "003_c_d.webp", "errors.txt"]
    assert b"002_b: The picture cannot be read: not a picture" in archive.read("errors.txt")


@pytest.mark.parametrize(("kind", "format"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_answers_say_that_they_are_generated_and_nothing_about_the_photographer(
    kind, format, client, scene
):
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 0.0)
    Image.fromarray(scene(40, 60)).save(photo, "JPEG", exif=exif, comment=b"SecretComment")
    answer = post(client, photo.getvalue(), format=kind)
    assert answer.headers["content-type"] == f"image/{kind}"
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == format
    assert image.size == (40, 60)  # upright
    assert not image.getexif()
    assert b"Secret" not in answer.content
    assert GENERATED.encode() in answer.content
    assert b"Iptc4xmpExt:DigitalSourceType" in answer.content
    assert read_provenance(answer.content).recipe == "pix2pix"
    if kind == "png":
        assert "Generated picture" in read_text(answer.content)["Comment"]


def test_the_input_can_stand_beside_the_answer(client, scene):
    content = encode(scene(40, 60), ".png")
    both = read_pixels(post(client, content, show_input=1).content)
    alone = read_pixels(post(client, content).content)
    assert np.array_equal(both, np.concatenate([read_pixels(content), alone], axis=1))


def test_it_can_work_at_the_size_of_training(client, small_run, scene):
    content = encode(scene(130, 200), ".png")
    answer = read_pixels(post(client, content, resize=1).content)
    assert answer.shape == (130, 200, 3)
    assert np.array_equal(answer, np.array(load(small_run)(content, resize=True)))


def test_what_is_said_while_models_are_loaded_begins_with_their_name(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "one")
    shutil.rmtree(run / "engines", ignore_errors=True)
    said = []
    load_models({"one": run}, note=said.append)
    assert said[-1].startswith("one: pix2pix, step ")
    assert all(each.startswith("one: ") for each in said)
    assert len(said) > 1 or not find_spec("onnxruntime")


def test_models_that_search_may_search_otherwise(small_run, serve, tmp_path, scene):
    from untrained import joint_run, make_dataset  # found once there is a small_run

    data = make_dataset(tmp_path / "data", {"train": 2})
    runs = {"slow": joint_run(tmp_path / "slow", data, "contextual"), "quick": small_run}
    said = []
    how = {"engine": "torch", "note": said.append}
    models = load_models(runs, **how, search=["starts=9", "descent=nesterov"])
    other = {"starts": 9, "descent": "nesterov"}
    app = serving_app(list(runs.values()), models)
    with httpx.Client(base_url=serve(app), timeout=60) as client:
        listed = {each["name"]: each["search"] for each in client.get("/api/models").json()}
        assert listed == {"slow": other, "quick": {}}
        answer = post(client, encode(scene(64, 64), ".png"), model="slow")
        expected = with_search(load(runs["slow"]), ["starts=9", "descent=nesterov"])
        assert np.array_equal(read_pixels(answer.content), expected.translate(scene(64, 64)))
    app.state.line.close()
    assert "slow: contextual, step 1, by torch, searching with starts=9, descent=nesterov" in said
    assert all("searching" not in each for each in said if each.startswith("quick"))
    for search, told in (
        (["start=3"], "No setting of the search named 'start'. Did you mean 'starts'?"),
        (["starts=0"], "Setting starts must be a whole number"),
    ):
        with pytest.raises(UserError, match=told):
            load_models(runs, **how, search=search)
    with pytest.raises(UserError, match="No model here searches for its answers: --set is of a"):
        load_models({"quick": small_run}, **how, search=["starts=3"])


def test_facts_about_models_limits_and_health(client):
    (model,) = client.get("/api/models").json()
    names = ("name", "recipe", "preset", "step", "size", "multiple")
    assert [model[name] for name in names] == ["small", "pix2pix", "quick_64", 1, [64, 64], 64]
    assert model["directions"] == ["forward"]
    assert (model["draws"], model["slow"], model["engine"]) == (False, False, "torch")
    assert model["parameters"] > 1000
    assert "Generated" in model["generated_note"]
    limits = client.get("/api/limits").json()
    assert [limits[name] for name in ("megabytes", "megapixels", "seconds", "workers")] == [
        10, 24, 30, 4,
    ]  # fmt: skip
    assert limits["per_minute"] == 60
    assert client.get("/health").json() == {"status": "ok", "working": 0, "waiting": 0}
    assert client.get("/ready").json() == {"status": "ready", "models": ["small"]}


def test_runs_are_shown_with_thinned_curves_scores_samples_and_report(client):
    (run,) = client.get("/api/runs").json()
    assert (run["name"], run["step"], run["steps"]) == ("small", 1001, 2000)
    assert run["running"] is False
    assert run["translates"] is True
    assert run["best"] == {"l1": {"step": 1, "value": 0.25}}
    whole = client.get("/api/runs/small").json()
    steps = [row["step"] for row in whole["log"]]
    assert len(steps) == 500
    assert (steps[0], steps[-1]) == (1, 1001)
    assert steps == sorted(set(steps))
    assert [sample["step"] for sample in whole["samples"]] == [1, 10]
    assert whole["samples"][-1]["url"] == run["sample"]
    sample = client.get(run["sample"])
    assert sample.headers["content-type"] == "image/png"
    assert read_pixels(sample.content).shape == (64, 64, 3)
    report = client.get(run["report"])
    assert "A report" in report.text
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")


def test_the_openapi_description_names_every_endpoint_and_api_shows_it(client):
    paths = client.get("/openapi.json").json()["paths"]
    page = client.get("/api").text
    for path in (
        "/api/translate", "/api/jobs", "/api/jobs/{job}", "/api/jobs/{job}/events",
        "/api/jobs/{job}/picture", "/api/batch", "/api/models", "/api/limits", "/api/runs",
        "/api/runs/{name}", "/api/runs/{name}/samples/{file}", "/health", "/ready",
    ):  # fmt: skip
        assert path in paths
        assert path in page
    assert "curl" in page
    assert "image/*" in paths["/api/translate"]["post"]["requestBody"]["content"]


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/small", "/api"])
def test_pages_load_nothing_from_elsewhere(path, client):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for mark in ('src="http', 'href="http', 'src="//', 'href="//', "<style", "onclick="):
        assert mark not in answer.text
    assert static_file("api.css")


def test_an_unknown_run_is_a_page_for_people_and_one_line_for_scripts(client):
    browser = {"accept": "text/html,*/*;q=0.8"}
    for path, up in (("/runs/<b>", "../"), ("/runs/x/report", "../../"), ("/nowhere", "")):
        answer = client.get(path, headers=browser)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert f'href="{up}runs"' in answer.text and f'href="{up}static/app.css"' in answer.text
        assert "<b>" not in answer.text
    assert "No run named" in client.get("/runs/x", headers=browser).text
    assert "error" in client.get("/api/runs/x", headers=browser).json()
    assert "error" in client.get("/runs/x").json()


def test_a_run_tells_the_scores_of_its_evaluation_with_intervals(client, small_run):
    assert client.get("/api/runs/small").json()["results"] is None
    scores = [
        {"metric": "l1", "title": "L1", "answer": answer, "value": value, "low": value - 0.01,
         "high": value + 0.01, "n": 9, "better": "lower"}
        for answer, value in (("translation", 0.1), ("input", 0.2))
    ]  # fmt: skip
    facts = {"kind": "run", "split": "test", "n": 9, "scores": scores}
    write_json(small_run / "results.json", facts)
    found = client.get("/api/runs/small").json()["results"]
    (small_run / "results.json").unlink()
    assert (found["split"], found["n"]) == ("test", 9)
    (table,) = found["tables"]
    (row,) = table["rows"]
    assert table["title"] == "Fidelity" and row["title"] == "L1"
    assert row["texts"]["translation"] == "0.100 [0.090, 0.110]"


def test_only_known_runs_have_pages(client):
    assert client.get("/runs/other").status_code == 404
    assert client.get("/runs/other/report").json() == {
        "error": "No run named 'other'. Known: small."
    }


def test_a_drawing_is_cleaned_first_and_shown_as_the_network_got_it(client, small_run):
    sheet = np.full((64, 64, 3), 170, np.uint8)
    sheet[:, 40:] -= 30  # a shadow
    sheet[20:40, 20:23] = 60
    content = encode(sheet, ".png")
    wanted = load(small_run)(sheet, drawing=True)
    cleaned = post(client, content, drawing=1)
    assert np.array_equal(read_pixels(cleaned.content), np.asarray(wanted))
    assert not np.array_equal(read_pixels(post(client, content).content), np.asarray(wanted))
    both = read_pixels(post(client, content, drawing=1, show_input=1).content)
    assert np.array_equal(both[:, :64], clean_drawing(sheet))
    assert np.array_equal(both[:, 64:], np.asarray(wanted))
    job = post(client, content, "/api/jobs", drawing=1).json()["job"]
    client.get(f"/api/jobs/{job}/events")
    assert client.get(f"/api/jobs/{job}/picture").content == cleaned.content
    empty = post(client, encode(np.full((64, 64, 3), 200, np.uint8), ".png"), drawing=1)
    assert 400 <= empty.status_code < 500 and "empty" in empty.json()["error"]


def test_a_run_that_has_only_best_weights_so_far_is_shown_and_waited_for(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    (whole,) = (run / "checkpoints").glob("0*")
    best = whole.rename(whole.with_name(f"weights_{whole.name}")).name
    pointer = {"format": 1, "metric": "l1", "value": 0.25, "step": 1, "folder": best}
    write_json(run / "checkpoints" / "best_l1.json", pointer)
    heard = []
    assert load_models(find_runs([run]), engine="torch", note=heard.append) == {}
    assert "shown but cannot translate" in heard[0] and "--checkpoint best_l1" in heard[0]
