import pytest

from portrayal.core.errors import MissingPart
from portrayal.evaluation.search.grid import space
from portrayal.evaluation.search.tuning import proposer, rounded


def tuned(**more):
    each = space(
        "pix2pix", "quick_64", [], ["learning_rate=1e-4..1e-1", "width=4..64", "norm=batch,none"]
    )
    return proposer(each, "higher", **more)


def test_without_optuna_it_is_one_line_that_says_how_to_get_it():
    with pytest.raises(MissingPart, match=r"pip install 'portrayal\[tune\]'"):
        tuned(package="no_such_optuna")


def test_a_sweep_that_starts_again_proposes_what_it_proposed():
    pytest.importorskip("optuna", reason="needs the extra portrayal[tune]")

    def proposals(seed):
        propose, scores = tuned(seed=seed), []
        made = []
        for number in range(14):  # Optuna draws at random for the first ten
            made.append(propose(number, scores))
            scores.append(None if number == 3 else -float(made[-1]["learning_rate"]))
        return made

    assert proposals(0) == proposals(0)
    assert proposals(0) != proposals(1)
    for values in proposals(0):
        assert 1e-4 <= float(values["learning_rate"]) <= 1e-1
        assert 4 <= int(values["width"]) <= 64
        assert values["norm"] in ("batch", "none")


def test_drawn_numbers_have_few_digits_and_stay_in_their_range():
    varied = space("pix2pix", "quick_64", [], ["learning_rate=0.123456..0.2"]).varied[0]
    assert rounded(varied, 0.1234567) == 0.123456
    assert rounded(varied, 0.1567891) == 0.157
