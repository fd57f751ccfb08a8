"""Generated shapes: fixed by seed and index, painted in their class colour, told apart by form."""

import pickle

import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.core.palette import CLASS_COLOURS
from portrayal.data.drawings import DRAWINGS
from portrayal.data.sources import sources
from portrayal.data.sources.shapes import draw, shapes

COLOURS = np.array([*CLASS_COLOURS.values()])


def nearest_class(pixels):
    distance = np.linalg.norm(pixels[:, None].astype(float) - COLOURS, axis=2)
    return distance.argmin(axis=1)


def painted(item):
    """Pixels of the target that are painted and hold no part of a line: white in the source."""
    return item.target[(item.source.min(axis=2) >= 250) & (item.target.min(axis=2) < 200)]


@pytest.fixture(scope="module")
def items():
    source = shapes(count=300)
    return [source.load(name) for name in source.names()]


def test_a_shape_depends_on_seed_and_index_only():
    ten, thousand = shapes(count=10), shapes(count=1000)
    for name in ten.names():
        ours, theirs = ten.load(name), thousand.load(name)
        assert np.array_equal(ours.source, theirs.source)
        assert np.array_equal(ours.target, theirs.target)
        assert ours.meta == theirs.meta


def test_another_seed_draws_other_pictures():
    assert not np.array_equal(
        draw(64, 0, "shape_000003").source, draw(64, 1, "shape_000003").source
    )


def test_the_source_is_black_on_white(items):
    for item in items:
        assert item.source.shape == item.target.shape == (64, 64, 3)
        assert np.ptp(item.source.astype(int), axis=2).max() == 0
        assert item.source.min() < 90 and np.median(item.source) == 255


def test_every_drawing_stays_inside_the_picture(items):
    for item in items:
        edge = np.concatenate(
            [item.target[0], item.target[-1], item.target[:, 0], item.target[:, -1]]
        )
        assert edge.min() == 255, item.meta


def test_painted_areas_have_one_nearest_class_colour(items):
    for item in items:
        found = nearest_class(painted(item))
        assert len(found) > 25, item.meta
        assert (found == list(CLASS_COLOURS).index(item.meta["class"])).mean() > 0.97, item.meta


def test_class_colours_lie_further_apart_than_the_jitter():
    distance = np.linalg.norm(COLOURS[:, None] - COLOURS, axis=2)
    assert distance[~np.eye(5, dtype=bool)].min() > 100


def test_the_target_keeps_the_lines_and_the_paper_of_the_source(items):
    for item in items:
        ink = item.source.min(axis=2) < 5
        assert item.target[ink].max() < 10
        assert (item.target <= item.source).all()


def test_the_truth_itself_scores_full_on_the_class_colour(items):
    from portrayal.core.images import stack, unit_of
    from portrayal.metrics import metrics

    truth = unit_of(stack([item.target for item in items]))
    empty = unit_of(stack([item.source for item in items]))
    classes = [item.meta["class"] for item in items]
    assert metrics["class_colour"](truth, truth, classes).mean() == 1
    assert metrics["class_colour"](empty, truth, classes).mean() < 0.05


def test_all_classes_and_kinds_appear_about_equally(items):
    seen = [item.meta["class"] for item in items]
    assert set(seen) == set(CLASS_COLOURS)
    assert min(seen.count(name) for name in CLASS_COLOURS) > 30
    kinds = {(item.meta["class"], item.meta["kind"]) for item in items}
    assert kinds == {(of, kind) for of, drawings in DRAWINGS.items() for kind in drawings}


def test_classes_are_told_apart_by_the_outline_alone():
    """A nearest neighbour on blurred outlines does far better than chance (one in five)."""
    import cv2

    def look(index):
        item = draw(64, 0, f"shape_{index:06d}")
        blurred = cv2.GaussianBlur(item.source[..., 0].astype(np.float32), (0, 0), 2)
        return cv2.resize(blurred, (16, 16)).ravel(), item.meta["class"]

    known, asked = ([look(i) for i in part] for part in (range(600), range(600, 700)))
    vectors = np.stack([vector for vector, _ in known])
    answers = [known[int(np.linalg.norm(vectors - v, axis=1).argmin())][1] for v, _ in asked]
    assert np.mean([a == name for a, (_, name) in zip(answers, asked, strict=True)]) > 0.6


@pytest.mark.parametrize("size", [16, 64, 200])
def test_any_size_is_drawn(size):
    assert draw(size, 0, "shape_000001").source.shape == (size, size, 3)


def test_the_source_crosses_process_borders():
    source = pickle.loads(pickle.dumps(shapes(count=2)))
    assert [source.load(name).name for name in source.names()] == ["shape_000000", "shape_000001"]


def test_bad_arguments_are_one_line():
    for arguments in ({"count": 0}, {"size": 4}):
        with pytest.raises(BadOption):
            shapes(**arguments)


def test_the_catalogue_knows_shapes():
    assert sources["shapes"] is shapes
