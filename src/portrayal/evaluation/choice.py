"""Which metrics answer which question, of all that the catalogue holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portrayal.core.errors import MissingPart
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.scorer import choose_metrics
from portrayal.features.weights import KNOWN, locate
from portrayal.metrics import metrics

SETS = ("kid", "fid", "one_nn")  # KID first: it has no bias that hangs on the number of pictures
CONTENT = ("ssim",)  # of unpaired translations against their inputs, if nothing is asked for
KNOWN_HALF = ("ink_kl", "l1")  # of an input as it was drawn again, against the input
CHANGED = ("l1", "psnr")  # a translator must change these: no content, unless asked for


@dataclass(frozen=True)
class Choice:
    """Names of metrics by question; what was `asked` for by name may not be left out silently."""

    pictures: tuple[str, ...] = ()  # fidelity: translation against truth
    content: tuple[str, ...] = ()  # translation against input
    sets: tuple[str, ...] = ()  # domain: all translations against all real pictures
    asked: frozenset[str] = frozenset()
    known: tuple[str, ...] = ()  # the input as it was drawn again against the input


def choose(
    wanted: Sequence[str] | None,
    answers: Answers,
    *,
    full: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Choice:
    """What was asked for, or what is usual, or with `full` all whose weights are there."""
    names = list(dict.fromkeys(wanted or ()))
    of_sets = [name for name in names if metrics.card(name).needs == "sets"]
    wanted_pairs = [name for name in names if name not in of_sets]
    of_pairs = choose_metrics(wanted_pairs, ()) if wanted_pairs else []
    classes = [row.get("class") for row in answers.rows]
    if not names:
        of_pairs, of_sets = choose_metrics(None, classes), list(SETS)
    if full:
        of_pairs = list(dict.fromkeys([*of_pairs, *present("pairs", note)]))
        of_sets = list(dict.fromkeys([*SETS, *of_sets, *present("sets", note)]))
    content = [name for name in of_pairs if may_be_kept(name)] if names or full else []
    if not answers.paired:
        asked = [name for name in names if name in of_pairs]
        content = list(dict.fromkeys([*asked, *content])) or ([] if names else list(CONTENT))
        of_pairs = []
    known = KNOWN_HALF if answers.redrawn else ()
    return Choice(tuple(of_pairs), tuple(content), tuple(of_sets), frozenset(names), known)


def check_names(wanted: Sequence[str] | None) -> None:
    """Unknown metrics and missing weights fail before any work."""
    for name in wanted or ():
        card = metrics.card(name)
        for weights in card.weights:
            locate(KNOWN[weights])


def may_be_kept(name: str) -> bool:
    """Whether a metric of pairs says something about a translation and its own input."""
    return name not in CHANGED and metrics.card(name).needs == "pairs"


def present(needs: str, note: Callable[[str], None]) -> list[str]:
    """Metrics of a kind whose weights are there; says which are not."""
    found: list[str] = []
    absent: dict[str, list[str]] = {}
    for name in metrics:
        if metrics.card(name).needs != needs:
            continue
        try:
            for weights in metrics.card(name).weights:
                locate(KNOWN[weights], offline=True)
        except MissingPart as error:
            absent.setdefault(str(error), []).append(name)
            continue
        found.append(name)
    for reason, names in absent.items():
        note(f"Left out: {', '.join(names)}. {reason}")
    return found
