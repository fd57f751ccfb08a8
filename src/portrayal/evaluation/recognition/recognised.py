"""What a recogniser makes of translations, of inputs, and of real pictures, which are its ceiling.

The score that pix2pix calls FCN score, made generic: a class map or a class of any recogniser.
"""

from pathlib import Path

from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.attributes import attribute_section
from portrayal.evaluation.recognition.maps import Maps, Reference, maps_section
from portrayal.evaluation.recognition.recogniser import Recogniser, load_recogniser
from portrayal.evaluation.recognition.rows import Draws
from portrayal.evaluation.summary import clusters_of
from portrayal.metrics.semantic import Absent
from portrayal.reports.results import Section


def recogniser_section(
    answers: Answers,
    file: Path | Recogniser,
    *,
    maps: Maps | None = None,
    reference: Reference = "auto",
    absent: Absent = "skip",
    seed: int = 0,
    draws: int = 10_000,
    bar: Bar | None = None,
) -> Section:
    """Accuracies of a recogniser on translations, with those on inputs and on real pictures.

    `maps` finds the class map of a picture by its name: `partial(label_map, DATA/test)`. Without
    any, class maps are compared with what the recogniser sees in the real picture.
    """
    recogniser = file if isinstance(file, Recogniser) else load_recogniser(file)
    how = Draws(seed, draws, clusters_of(answers.rows))
    if recogniser.about.kind == "attribute":
        return attribute_section(answers, recogniser, how, bar)
    return maps_section(answers, recogniser, maps, reference, absent, how, bar)
