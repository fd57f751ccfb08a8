"""What a manifest says about its dataset."""

import pytest

from portrayal.data.manifest import of_drawings


@pytest.mark.parametrize(
    ("filters", "source", "drawn"),
    [
        (None, "shapes (6000 pictures)", True),
        (["pencil:blur=21"], "photos", True),
        (["levels", "edges:width=1"], "photos", True),
        (None, "/data/sketches/sketch", True),
        (["cartoon"], "faces", False),
        (None, "/home/pencil_shop/photos", False),  # only the folder's own name counts
        (None, None, False),
    ],
)
def test_whether_the_sources_are_strokes(filters, source, drawn):
    assert of_drawings({"options": {"filter": filters}, "source": source}) is drawn


def test_a_manifest_that_says_nothing_is_not_of_drawings():
    assert of_drawings({}) is False
