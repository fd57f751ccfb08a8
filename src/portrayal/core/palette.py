"""The colours of the five generated classes: what `shapes` paints, what the colour score expects.

They lie far apart (see tests/data/test_shapes.py), so that a painted area with jitter still has one
nearest class colour.
"""

CLASS_COLOURS: dict[str, tuple[int, int, int]] = {  # RGB, 0..255
    "shape": (220, 30, 40),  # red basic shapes
    "animal": (105, 64, 32),  # dark brown
    "tree": (40, 150, 50),  # green
    "flower": (255, 150, 20),  # orange
    "ship": (35, 85, 205),  # blue
}
