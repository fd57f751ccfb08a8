"""Floor 1: image -> image. Filters take and return `Pixels`: (H, W, 3) uint8 RGB, any H and W."""

from portrayal.core.catalog import Catalog

filters = Catalog("filter", __name__)
