"""Floor 4: training methods, one file each. Read `pix2pix.py` first; it is the shortest."""

from portrayal.core.catalog import Catalog

recipes = Catalog("recipe", __name__)
