"""Snapshots of a search as files: from the best start towards the answer, resumable."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from pydantic import BaseModel, Field

from portrayal.core.errors import BadOption, UnknownName
from portrayal.core.images import encode, read_pixels
from portrayal.core.provenance import read_provenance
from portrayal.inference.files import Files
from portrayal.inference.jobs import find_jobs
from portrayal.inference.searching import Losses, answering, with_search
from portrayal.inference.snapshots import searched, searches
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import How, Translator
from portrayal.recipes.search import Look

HOW = How(tile=4)


class Halving:
    """Searches z = the mean of each picture, from 1 on, two pictures at a time: 5 looks each."""

    multiple, at_once = 4, 3

    def __init__(self):
        self.batches = []

    def translate(self, source, *, reverse=False, seed=0, report=None, seen=None):
        self.batches.append(len(source))
        wanted, found = source.mean((1, 2, 3))[:, None], []
        for done in range(0, len(source), 2):
            part = wanted[done : done + 2]
            for step in range(5):
                z = torch.cat([*found, part + (1 - part) * (4 - step) / 4])
                if seen:
                    loss = float((z[done:] - part).abs().mean())
                    seen(Look(len(source), done, step, 4, loss, z))
            found.append(part)
        return self.answer(torch.cat(found))

    def answer(self, z, *, reverse=False):
        return z[:, :, None, None].expand(-1, 3, 4, 4).contiguous()


def translator():
    facts = {"recipe": "halving", "config": {}, "data": {"size": [4, 4]}}
    return Translator(Halving(), facts, {"files": {"weights.safetensors": "1" * 64}})


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, grey in enumerate([0, 50, 100]):
        picture = np.full((4, 4, 3), grey, np.uint8)
        (folder / f"{index}.png").write_bytes(encode(picture, ".png"))
    return folder


def run(model, photos, out, files, losses=None):
    answer = answering(files, losses or Losses())
    found = list(translate_files(model, find_jobs(photos, out), HOW, files, answer=answer))
    return {outcome.name: outcome for outcome in found}


def greys(out):
    return {path.name: int(read_pixels(path)[0, 0, 0]) for path in sorted(out.iterdir())}


class Settings(BaseModel):
    """Two of a search, and one of the network."""

    starts: int = Field(4, ge=1)
    saturating: bool = False
    width: int = 8


def test_another_search_is_another_model_that_says_so_and_the_first_stays_as_it_was():
    own = translator()
    own.recipe.config, own.recipe.searching = Settings(), ("starts", "saturating")
    own.config["config"] = Settings().model_dump()
    before = own.provenance(HOW, "0").settings
    other = with_search(own, ["starts=9", "saturating=false", "starts=5"])
    assert other.search == {"starts": 5} and other.recipe.config == Settings(starts=5)
    assert other.config == own.config | {"config": Settings(starts=5).model_dump()}
    assert other.model_hash == own.model_hash
    assert other.provenance(HOW, "0").settings != before
    assert (own.search, own.recipe.config) == ({}, Settings())
    assert own.provenance(HOW, "0").settings == before
    for same in ([], ["starts=4"], ["saturating=false", "starts=4"]):
        assert with_search(own, same) is own
    with pytest.raises(UnknownName, match="No setting of the search named 'width'"):
        with_search(own, ["width=9"])
    with pytest.raises(BadOption, match=r"--search 'starts' has no '='"):
        with_search(own, ["starts"], "--search")


def test_snapshots_go_evenly_from_the_best_start_to_the_answer(photos, tmp_path):
    losses = Losses()
    outcomes = run(translator(), photos, tmp_path / "out", Files(snapshots=2), losses)
    assert {outcome.kind for outcome in outcomes.values()} == {"done"}
    found = greys(tmp_path / "out")
    for index, grey in enumerate([0, 50, 100]):  # z goes down from 1, white, to the picture's grey
        assert found[f"{index}.search-1-of-2.png"] == 255
        assert abs(found[f"{index}.search-2-of-2.png"] - (255 + grey) / 2) <= 1
        assert abs(found[f"{index}.png"] - grey) <= 1
    mean = (2 + (2 - 50 / 127.5) + (2 - 100 / 127.5)) / 3
    assert losses.pictures == 3
    assert losses.start == pytest.approx(mean, abs=0.01)
    assert losses.end == pytest.approx(0, abs=1e-6)
    assert read_provenance(tmp_path / "out" / "0.search-1-of-2.png").recipe == "halving"


def test_answers_are_those_without_snapshots(photos, tmp_path):
    run(translator(), photos, tmp_path / "seen", Files(snapshots=3))
    plain = list(translate_files(translator(), find_jobs(photos, tmp_path / "plain"), HOW))
    assert len(plain) == 3
    for path in (tmp_path / "plain").iterdir():
        assert path.read_bytes() == (tmp_path / "seen" / path.name).read_bytes()


def test_what_is_done_is_skipped_and_a_lost_snapshot_is_made_again(photos, tmp_path):
    out, files = tmp_path / "out", Files(snapshots=2)
    run(translator(), photos, out, files)
    again = translator()
    assert {each.kind for each in run(again, photos, out, files).values()} == {"skipped"}
    assert again.recipe.batches == []
    (out / "1.search-2-of-2.png").unlink()
    assert run(again, photos, out, files)["1.png"].kind == "done"
    assert again.recipe.batches == [1]
    assert (out / "1.search-2-of-2.png").exists()


def test_a_file_that_is_not_ours_is_kept_and_its_picture_not_searched_for(photos, tmp_path):
    out, model = tmp_path / "out", translator()
    out.mkdir()
    (out / "1.search-1-of-1.png").write_bytes(b"a diary")
    outcomes = run(model, photos, out, Files(snapshots=1))
    assert outcomes["1.png"].kind == "failed"
    assert "not ours; --overwrite" in outcomes["1.png"].reason
    assert (out / "1.search-1-of-1.png").read_bytes() == b"a diary"
    assert not (out / "1.png").exists()
    assert model.recipe.batches == [2]
    outcomes = run(model, photos, out, Files(snapshots=1, overwrite=True))
    assert outcomes["1.png"].kind == "done"
    assert read_provenance(out / "1.search-1-of-1.png")


def test_a_bad_file_and_an_answer_that_is_not_finite_are_failures(photos, tmp_path):
    (photos / "bad.png").write_bytes(b"no")
    outcomes = run(translator(), photos, tmp_path / "out", Files(snapshots=1))
    assert outcomes["bad.png"].kind == "failed"
    assert outcomes["0.png"].kind == "done"
    broken = translator()
    broken.recipe.answer = lambda z, reverse=False: torch.full((len(z), 3, 4, 4), torch.nan)
    outcomes = run(broken, photos, tmp_path / "other", Files(snapshots=1))
    assert {each.kind for each in outcomes.values()} == {"failed"}
    assert not (tmp_path / "other").exists()


def test_tiles_of_one_picture_keep_their_places():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 4:] = 200
    how = How(tile=4, overlap=0)
    found = searched(translator(), [pixels, 255 - pixels], how, 2, None)
    assert [way.shape for way in found.ways[0]] == [(4, 8, 3)] * 2
    assert found.ways[0][0].min() == 255
    assert np.abs(found.ways[0][1].astype(int) - (pixels.astype(int) + 255) / 2).max() <= 1
    assert np.abs(found.answers[1].astype(int) - (255 - pixels)).max() <= 1


def test_only_models_that_search_have_snapshots():
    assert searches(translator())

    class AtOnce:
        multiple = 4
        translate = partial(lambda source: source)

    assert not searches(Translator(AtOnce(), {}, {}))


class OneSize(Halving):
    """Takes pictures of 4 x 4 only, as models of joint pictures do."""

    size = 4

    def translate(self, source, **more):
        assert source.shape[2:] == (4, 4)
        return super().translate(source, **more)


def test_a_picture_that_is_not_square_is_fitted_to_the_one_size_on_the_way_as_at_the_end():
    one = replace(translator(), recipe=OneSize())
    pixels = np.random.default_rng(0).integers(0, 256, (8, 20, 3), np.uint8)
    how = How(tile=4, resize=True)
    found = searched(one, [pixels], how, 2, None)
    assert found.answers[0].shape == pixels.shape
    assert np.array_equal(found.answers[0], one.translate(pixels, how))
    assert all(picture.shape == pixels.shape for picture in found.ways[0])
    assert len(one.recipe.batches) == 2 and one.recipe.batches == [1, 1]  # one tile, no more
