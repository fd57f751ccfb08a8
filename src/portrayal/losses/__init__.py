"""Floor 2: objectives. A loss takes raw tensors and returns one value per image, shape (B,)."""

from portrayal.core.catalog import Catalog

losses = Catalog("loss", __name__)
