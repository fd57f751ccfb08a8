"""All questions asked of some answers: fidelity, content, domain, and the tables beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadOption, UnknownName, UserError
from portrayal.data.dataset import Dataset
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.choice import Choice, check_names, choose
from portrayal.evaluation.groups.columns import grouped
from portrayal.evaluation.groups.skin import skin_tones
from portrayal.evaluation.judging import data_hash, judged
from portrayal.evaluation.progress import Bar
from portrayal.evaluation.recognition.recogniser import load_recogniser
from portrayal.evaluation.sets.features import Domain, domain
from portrayal.evaluation.sets.networks import NETWORKS, Extractor, choose_extractor
from portrayal.evaluation.summary import summarise
from portrayal.evaluation.tables import TABLES, Context, sections_of
from portrayal.metrics.judges import refuse_trained_judge
from portrayal.reports.results import Question, Score, Section

SKIN = "skin_tone"  # a column that is measured, not read
Row = dict[str, Any]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """How to score, whatever is scored."""

    metrics: Sequence[str] | None = None  # None: all that fit
    seed: int = 0
    draws: int = 10_000
    full: bool = False  # everything whose weights are here
    features: str | None = None  # network of the set scores; None: the first that is here
    by: Sequence[str] = ()  # columns to slice by
    tables: Sequence[str] = ()  # names in tables.py
    recogniser: Path | None = None  # file of a trained recogniser


@dataclass(frozen=True)
class Work:
    """The run that made the answers; nothing is known of folders."""

    run: Path | None = None
    dataset: Dataset | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str = "newest"
    folder: Path | None = None  # where its scores go


@dataclass
class Measured:
    """Scores and tables of some answers, and the single pictures they stand on."""

    pictures: list[Row]
    identity: str  # SHA-256 of names and truths
    scores: list[Score] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    interval: str = ""


def measure(
    answers: Answers,
    request: Request,
    features: Path,
    *,
    work: Work = Work(),
    device: str = "cpu",
    bar: Bar | None = None,
) -> Measured:
    """Score answers; `features` is where the features of pictures are kept."""
    warnings: list[str] = []
    choice = chosen(answers, request, work, warnings)
    extractor = extractor_for(choice, request, warnings, device)
    found = judged(choice, answers, bar)
    pictures, hashes = found.rows, found.hashes
    if SKIN in request.by:
        add_skin_tones(pictures, answers, bar)
    drawn = {"seed": request.seed, "draws": request.draws}
    summary = summarise(pictures, choice, **drawn, refused=found.refused)
    sets = Domain()
    if extractor and choice.sets:
        sets = domain(
            answers,
            choice.sets,
            extractor,
            features,
            hashes=hashes,
            asked=choice.asked,
            seed=request.seed,
            bar=bar,
        )
    part: Question = "fidelity" if answers.paired else "content"
    context = Context(
        answers,
        pictures,
        metrics=tuple(dict.fromkeys(s.metric for s in summary.scores if s.question == part)),
        features=features,
        extractor=extractor,
        run=work.run,
        folder=work.folder,
        dataset=work.dataset,
        checkpoint=work.checkpoint,
        seed=request.seed,
        draws=request.draws,
        bar=bar,
    )
    asked = (tuple(request.tables), tuple(request.by), request.recogniser)
    beside = sections_of(context, *asked, full=request.full, warnings=warnings)
    return Measured(
        pictures,
        data_hash(pictures, hashes),
        scores=summary.scores + sets.scores,
        sections=sets.sections + beside,
        warnings=list(dict.fromkeys(warnings + summary.warnings + sets.warnings)),
        interval="; ".join(dict.fromkeys(summary.methods + sets.methods)),
    )


def chosen(answers: Answers, request: Request, work: Work, warnings: list[str]) -> Choice:
    """The metrics that fit; what was asked for by name and does not is refused before any work."""
    check_columns(request.by, answers)
    choice = choose(request.metrics, answers, full=request.full, note=warnings.append)
    choice = without_inputs(choice, answers)
    choice = without_trained_judges(choice, work.config, warnings)
    if request.by and not (choice.pictures or choice.content):
        raise BadOption("--by needs scores of single pictures; add --metric ssim, or leave it out.")
    return choice


def extractor_for(
    choice: Choice, request: Request, warnings: list[str], device: str
) -> Extractor | None:
    """The feature network of set scores and memorisation, if those are computed."""
    if not choice.sets and "memorisation" not in request.tables:
        return None
    extractor = choose_extractor(request.features, warnings.append, device)
    if extractor is None and (named := [name for name in choice.sets if name in choice.asked]):
        raise BadOption(f"{named[0]} needs a feature network. {warnings[-1]}")
    return extractor


def check_request(request: Request) -> None:
    """Unknown names, missing weights and broken files fail before any work."""
    check_names(request.metrics)
    for name in request.tables:
        if name not in TABLES:
            raise UnknownName("table", name, TABLES)
    if request.features is not None and request.features not in NETWORKS:
        raise UnknownName("feature network", request.features, NETWORKS)
    if request.recogniser:
        load_recogniser(request.recogniser)


def check_columns(columns: Sequence[str], answers: Answers) -> None:
    """Refuse a column that no picture has, before any work."""
    rows = [{**row, SKIN: None} for row in answers.rows]
    for column in columns:
        grouped(rows, column)


def add_skin_tones(pictures: list[Row], answers: Answers, bar: Bar | None) -> None:
    """A column of the skin tones of the truths (without any: the inputs), if there is none."""
    if not any(SKIN in row for row in pictures):
        for row, tone in zip(pictures, skin_tones(answers, bar), strict=True):
            row[SKIN] = tone


def without_inputs(choice: Choice, answers: Answers) -> Choice:
    """Leave out what compares pictures one by one, if these have no partners at all."""
    if answers.paired or not choice.content or "source" in answers.pictures(0):
        return choice
    if named := [name for name in choice.content if name in choice.asked]:
        raise BadOption(
            f"{named[0]} compares pictures one by one: give their inputs with --input FOLDER, or "
            "two folders of the same names without --unpaired."
        )
    return replace(choice, content=())


def without_trained_judges(
    choice: Choice, config: Mapping[str, Any], warnings: list[str]
) -> Choice:
    """Leave out scores by the very network that the run was trained to please."""
    left = set()
    for name in dict.fromkeys(choice.pictures + choice.content):
        try:
            refuse_trained_judge(config, name)
        except UserError as error:
            if name in choice.asked:
                raise
            warnings.append(f"Left out: {name}. {error}")
            left.add(name)
    return replace(
        choice,
        pictures=tuple(name for name in choice.pictures if name not in left),
        content=tuple(name for name in choice.content if name not in left),
    )
