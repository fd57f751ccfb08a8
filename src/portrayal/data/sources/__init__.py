"""Sources: where pictures come from. A catalogue entry yields `Item`s one by one."""

from portrayal.core.catalog import Catalog

sources = Catalog("source", __name__)
