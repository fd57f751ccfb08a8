"""Picture files through a network, one or a million: read ahead, batch equal sizes, write behind.

Nothing holds all the pictures: jobs, pictures and outcomes are streams.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels
from portrayal.core.runs import write_atomically
from portrayal.inference.ahead import MOST, THREADS, behind, far_ahead
from portrayal.inference.drawing import once_clean
from portrayal.inference.files import Files, Loaded, Outcome, Writer, load_job, write_job
from portrayal.inference.jobs import Job, swept
from portrayal.inference.translator import How, Translator

Answering = Callable[
    [Translator, Sequence[Loaded | Outcome], How, int | None], Iterator[Loaded | Outcome]
]


def translate_files(
    translator: Translator,
    jobs: Iterable[Job],
    how: How = How(),
    files: Files = Files(),
    *,
    batch: int | None = None,
    write: Writer = write_atomically,
    answer: Answering | None = None,
) -> Iterator[Outcome]:
    """Translate and write; yields one outcome per job as it comes, not always in order.

    Closing the iterator, or an interrupt, leaves whole files only; the next run goes on from there.
    `answer` translates a group; searching.py has another one.
    """
    answer = answer or translate_group
    batch = batch or getattr(translator.recipe, "at_once", None)  # of recipes that take their time
    read = partial(load_job, translator=translator, how=how, files=files)
    finish = partial(write_job, files=files, write=write)
    most = max(MOST, 2 * (batch or 1))
    with (
        ThreadPoolExecutor(THREADS) as readers,
        ThreadPoolExecutor(THREADS) as writers,
        closing(far_ahead(readers, read, swept(jobs), weight_of, most=most)) as loaded,
    ):
        answered: Iterator[Loaded | Outcome] = (
            item
            for group in equal_sizes(loaded, how.tile, batch)
            for item in answer(translator, group, once_clean(translator, how), batch)
        )
        yield from behind(writers, finish, answered, weight_of)


def weight_of(item: "Loaded | Outcome") -> int:
    """Pixels that an item keeps in memory."""
    return item.pixels.shape[0] * item.pixels.shape[1] if isinstance(item, Loaded) else 0


def equal_sizes(
    items: Iterable[Loaded | Outcome], tile: int, batch: int | None
) -> Iterator[list[Loaded | Outcome]]:
    """Group pictures of one size, each group as large as the network takes at once.

    Outcomes pass by as groups of one. Unfinished groups never hold more than four tiles' pixels.
    """
    groups: dict[tuple[int, ...], list[Loaded | Outcome]] = {}
    pending = 0
    for item in items:
        if isinstance(item, Outcome):
            yield [item]
            continue
        height, width = shape = item.pixels.shape[:2]
        groups.setdefault(shape, []).append(item)
        pending += height * width
        if len(groups[shape]) >= (batch or tile * tile // (height * width)):
            pending -= len(groups[shape]) * height * width
            yield groups.pop(shape)
        elif pending > 4 * tile * tile:
            yield from groups.values()
            groups, pending = {}, 0
    yield from groups.values()


def translate_group(
    translator: Translator, group: Sequence[Loaded | Outcome], how: How, batch: int | None
) -> Iterator[Loaded | Outcome]:
    """Answers to pictures of one size; if that fails for the data's sake, each is a failure."""
    loaded = [item for item in group if isinstance(item, Loaded)]
    yield from (item for item in group if isinstance(item, Outcome))
    if not loaded:
        return
    pictures, drawn = [item.pixels for item in loaded], [item.job.known for item in loaded]
    try:
        both: Sequence[tuple[Pixels, Pixels | None]]
        if any(drawn):
            both = translator.redraw_all(pictures, how, batch=batch)
        else:
            answers = translator.translate_all(pictures, how, batch=batch)
            both = [(answer, None) for answer in answers]
    except BadData as error:
        yield from (Outcome(item.job.name, "failed", str(error)) for item in loaded)
    else:
        for item, (answer, known) in zip(loaded, both, strict=True):
            yield replace(item, pixels=answer, known=known)
