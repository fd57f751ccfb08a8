import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrayal.core.errors import BadOption, UnknownName, UserError
from portrayal.evaluation.search.grid import grid, label, space, trial_name


def made(*vary, fixed=()):
    return space("pix2pix", "quick_64", list(fixed), list(vary))


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_grid_is_every_combination_the_last_setting_changing_fastest():
    names = [made("width=16,32", "l1=1,2").name(v) for v in grid(made("width=16,32", "l1=1,2"))]
    assert names == ["l1=1,width=16", "l1=1,width=32", "l1=2,width=16", "l1=2,width=32"]


def test_the_order_of_options_changes_neither_trials_nor_names():
    one, other = made("width=16,32", "l1=1,2"), made("l1=1,2", "width=16,32")
    assert grid(one) == grid(other)


def test_a_colon_makes_the_pair_of_a_line():
    each = made("l1=100,100:10")
    configs = [each.chosen(values)[0] for values in grid(each)]
    assert [config.l1 for config in configs] == [100.0, (100.0, 10.0)]
    assert [each.name(values) for values in grid(each)] == ["l1=100", "l1=100..10"]


def test_set_means_what_it_means_in_train_and_lists_values_where_no_pair_fits():
    each = made(fixed=["l1=100,10", "width=8,16", "steps=5"])
    assert each.fixed == ("steps=5", "l1=100,10")
    assert [v.values for v in each.varied] == [("8", "16")]
    config, settings_ = each.chosen(grid(each)[1])
    assert config.l1 == (100.0, 10.0)
    assert (config.width, settings_.steps) == (16, 5)


def test_equal_settings_are_one_trial_however_they_are_typed():
    assert len(grid(made("l1=10,10.0,1e1"))) == 1
    assert made("l1=1").name({"l1": "1e2"}) == made("l1=1").name({"l1": "100.0"}) == "l1=100"


def test_a_colon_in_a_word_stays_what_it_is():
    assert made("device=cpu,cuda:1").varied[0].values == ("cpu", "cuda:1")


@pytest.mark.parametrize(
    ("span", "logarithmic"),
    [("0.1..1", True), ("0.1..0.9", False), ("0..10", False), ("-1..10", False), ("1..10", True)],
)
def test_a_range_of_factors_is_positive_and_ten_times_as_long(span, logarithmic):
    assert made(f"learning_rate={span}").varied[0].logarithmic is logarithmic


def test_a_range_is_for_tuning():
    each = made("learning_rate=1e-5..1e-2", "width=4..32")
    spans = {v.name: (v.span, v.whole, v.logarithmic) for v in each.varied}
    assert spans == {
        "learning_rate": ((1e-5, 1e-2), False, True),
        "width": ((4.0, 32.0), True, False),
    }
    with pytest.raises(BadOption, match="--tune"):
        grid(each)


@pytest.mark.parametrize(
    ("vary", "fixed", "words"),
    [
        (["width"], [], "has no '='"),
        (["width=4,,8"], [], "empty value"),
        (["widht=4"], [], "Did you mean 'width'"),
        (["width=4,x"], [], "width must be a whole number"),
        (["width=4", "width=8"], [], "given twice"),
        (["width=4"], ["width=8"], "given twice"),
        (["learning_rate=1..1"], [], "from a lower to a higher"),
        ([], ["steps=5"], "Nothing varies"),
        (
            ["width=" + ",".join(map(str, range(1, 41))), "l1=" + ",".join(map(str, range(40)))],
            [],
            "1600 trials",
        ),
    ],
)
def test_wrong_syntax_is_one_line(vary, fixed, words):
    with pytest.raises(UserError) as error:
        grid(made(*vary, fixed=fixed))
    assert words in one_line(error)


def test_an_unknown_preset_is_named():
    with pytest.raises(UnknownName, match="quick_64"):
        space("pix2pix", "quick", [], ["width=4"])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_grid_or_one_line(one, other):
    for vary, fixed in (([f"{one}={other}"], []), ([one], []), ([f"l1={one}"], [f"width={other}"])):
        try:
            each = made(*vary, fixed=fixed)
            names = [each.name(values) for values in grid(each)]
        except UserError as error:
            assert "\n" not in str(error).replace(one, "").replace(other, "")
        else:
            assert len(set(names)) == len(names)


floats = st.floats(0, 1e6, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(floats | st.tuples(floats, floats), min_size=1, max_size=5))
def test_numbers_and_pairs_come_back_as_they_were_written(values):
    written = ",".join(":".join(map(repr, v)) if isinstance(v, tuple) else repr(v) for v in values)
    each = made(f"l1={written}")
    found = [each.chosen(chosen)[0].l1 for chosen in grid(each)]
    assert found == list(dict.fromkeys(values))


@given(st.text(max_size=300))
def test_a_name_is_a_folder_on_any_disk(text):
    name = trial_name({"loss": text})
    assert len(name) <= 140
    assert not set(name) & set('/\\:*?"<>| \0')
    assert name.isascii()


@given(floats, floats)
def test_different_numbers_have_different_labels(one, other):
    assert (label(one) == label(other)) == (one == other)
