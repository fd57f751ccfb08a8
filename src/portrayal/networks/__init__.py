"""Floor 1: networks. A catalogue entry is a function that builds an nn.Module."""

from portrayal.core.catalog import Catalog

networks = Catalog("network", __name__)
