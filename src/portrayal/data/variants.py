"""Several sources per training picture: the plain filter's, and others drawn at random.

A variant is a row of its own, NAME~v1 and so on, that shares the target file, subject and group of
NAME. Its recipe is a function of (seed, name, variant), and stands in the row as `--filter` texts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from portrayal.core.errors import BadOption
from portrayal.data.options import Options
from portrayal.data.plan import Planned

MOST = 100


def with_variants(pictures: Iterable[Planned], options: Options) -> Iterator[Planned]:
    """Every picture, and after each training picture its variants."""
    for picture in pictures:
        yield picture
        if picture.split == "train":
            for variant in range(1, (options.variants or 0) + 1):
                name = f"{picture.name}~v{variant}"
                yield replace(picture, name=name, target=picture.name, variant=variant)


def recipe_of(picture: Planned, options: Options) -> tuple[str, ...]:
    """The `--filter` texts that make the source of one row."""
    from portrayal.filters.varied import drawn

    if picture.variant == 0:
        return tuple(options.filter or ())
    parts = options.seed, picture.target or picture.name, picture.variant
    return tuple(drawn(*parts, styles=options.styles()))


def row_counts(counts: dict[str, int], options: Options) -> dict[str, int]:
    """Rows per split from pictures per split."""
    return {
        split: count * (1 + (options.variants or 0) if split == "train" else 1)
        for split, count in counts.items()
    }


def refuse_wrong(options: Options, *, single: bool) -> None:
    """One line when variants cannot be made."""
    from portrayal.filters.varied import named

    for style in options.styles():
        named(style)
    if not options.variants:
        if options.variant_styles:
            raise BadOption("--variant-styles says what --variants draws from: add --variants 4.")
        return
    if not 0 < options.variants <= MOST:
        raise BadOption(f"--variants is {options.variants}, but must be 0 to {MOST}.")
    if not single:
        raise BadOption(
            "--variants draws filters for single pictures, but these come as pairs, whose sources "
            "are given. Leave --variants out, or prepare the targets with: prepare folder"
        )
