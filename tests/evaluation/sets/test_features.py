import numpy as np
import pytest

from portrayal.core.images import pixels_hash
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.sets.crowds import Crowd, balanced, half_sampling, halves, strangers
from portrayal.evaluation.sets.features import domain
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.sets.scores import estimates


def crowd(seed, n=24, shift=0.0, side="pair"):
    rows = np.random.default_rng(seed).normal(size=(n, 3)) + shift
    return Crowd(rows.astype(np.float32), [(side, i) for i in range(n)])


def by_key(name, fake, real):
    return {e.key: e for e in estimates(name, fake, real, halves(real.units, 0), seed=0)}


def test_a_perfect_translator_is_at_chance_among_strangers_and_at_0_beside_its_truths():
    found = by_key("one_nn", crowd(1), crowd(1))
    assert found["one_nn_paired"].value == 0
    assert 0.2 < found["one_nn"].value < 0.8
    assert found["one_nn"].low <= found["one_nn"].value <= found["one_nn"].high


def test_sets_without_a_common_person_are_compared_whole():
    fake, real = crowd(1, side="a"), crowd(2, side="b")
    assert strangers(fake, real, halves(real.units, 0)) == [(fake, real)]
    assert "one_nn_paired" not in by_key("one_nn", fake, real)


def test_strangers_share_nobody_and_leave_nobody_out():
    fake, real = crowd(1), crowd(2)
    folds = strangers(fake, real, halves(real.units, 0))
    assert all(not set(f.units) & set(r.units) for f, r in folds)
    assert sum(len(f.units) for f, _ in folds) == 24


def test_far_sets_are_told_apart_with_certainty_below_1():
    found = by_key("one_nn", crowd(1), crowd(2, shift=50))["one_nn"]
    assert found.value == found.high == 1 and 0.7 < found.low < 1


def test_fid_has_no_interval_and_a_value_of_halves():
    found = by_key("fid", crowd(1), crowd(2))
    assert np.isnan(found["fid"].low)
    assert found["fid_halves"].value > found["fid"].value


def test_the_order_of_pictures_changes_no_draw():
    fake, real = crowd(1, 10, side="a"), crowd(2, 7, side="b")
    turned = Crowd(fake.features[::-1], fake.units[::-1])
    one = fake.features[balanced(fake, real, 0)[0]]
    other = turned.features[balanced(turned, real, 0)[0]]
    assert sorted(one.tolist()) == sorted(other.tolist()) and len(one) == 7


def test_half_sampling_gives_the_error_of_a_mean():
    fake, real = crowd(1, 200, side="a"), crowd(2, 200, side="b")

    def mean(a, b):
        return {"mean": float(a.features[:, 0].mean())}

    error = half_sampling(mean, fake, real, set(), seed=0, draws=400)["mean"]
    assert error == pytest.approx(1 / np.sqrt(200), rel=0.15)


def of(pixels):
    return pixels.reshape(-1, 3).mean(0).astype(np.float32)


@pytest.fixture
def answers(noise):
    sides = {s: [noise(4, 4, 100 * i + k) for i in range(12)] for k, s in enumerate("fst")}
    names = {"f": "fake", "s": "source", "t": "target"}
    rows = [{"name": str(i)} for i in range(12)]
    return Answers(
        rows, lambda i: {names[s]: sides[s][i] for s in sides}, rows, lambda i: sides["t"][i]
    )


@pytest.mark.parametrize(("network", "key"), [("inception", "kid"), ("vgg16", "kid_vgg16")])
def test_only_the_standard_network_gives_the_standard_name(answers, tmp_path, network, key):
    found = domain(answers, ["fid", "kid"], Extractor(network, "ab" * 32, of), tmp_path)
    assert [s.answer for s in found.scores if s.metric == key] == ["translation", "input", "real"]
    kid = found.scores[0]
    assert kid.metric == key and kid.question == "domain" and "abababababab" in kid.network
    assert (kid.title == "KID") == (network == "inception")
    assert "FID is biased upwards with 12 pictures" in found.warnings[0]


def test_known_hashes_change_nothing(answers, tmp_path):
    extractor = Extractor("vgg16", "ab" * 32, of)
    hashes = [{side: pixels_hash(p) for side, p in answers.pictures(i).items()} for i in range(12)]
    one = domain(answers, ["kid"], extractor, tmp_path / "a")
    assert domain(answers, ["kid"], extractor, tmp_path / "b", hashes=hashes) == one
