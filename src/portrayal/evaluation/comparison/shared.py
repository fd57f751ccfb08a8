"""On which pictures scored runs can be compared: the same names, the same files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.evaluation.summary import clusters_of, known
from portrayal.metrics.statistics import bootstrap_mean, wilson
from portrayal.reports.collect import Run
from portrayal.reports.comparison import Cost, Model
from portrayal.reports.results import Results, Score, search_text

HASHES = ("sha256", "source_sha256")  # of a picture's files, where metadata know them


@dataclass(frozen=True)
class Scored:
    """A run with its scores, and its scored pictures by name."""

    name: str
    run: Run
    results: Results
    pictures: dict[str, dict[str, Any]]

    @property
    def identity(self) -> str:
        """SHA-256 of the data it was scored on."""
        return str(self.results.data.get("sha256", ""))

    def model(self, cost: Callable[[Path], Cost] | None) -> Model:
        """Its column in a table."""
        config, model = self.run.config, self.results.model
        step, data = model.get("step"), config.get("data")
        last = self.run.log[-1] if self.run.log else {}
        facts = cost(self.run.folder) if cost and config else Cost()
        logged = {
            "parameters": self.run.parameters,
            "training_seconds": last.get("seconds"),
            "training_steps": int(last["step"]) if last else None,
            "training_machine": str(self.run.environment.get("machine", "")),
        }
        return Model(
            name=self.name,
            folder=str(self.run.folder),
            recipe=str(config.get("recipe", "")),
            preset=str(config.get("preset", "")),
            kind=str(data.get("kind") or "") if isinstance(data, dict) else "",
            step=step if isinstance(step, int) else None,
            checkpoint=str(model.get("checkpoint", "")),
            hash=str(model.get("hash", "")),
            search=search_text(model),
            n=len(self.pictures),
            cost=facts.model_copy(update=logged),
        )


def unique_names(folders: Sequence[Path]) -> list[str]:
    """Folder names; where two are equal, with as many parents as tell them apart.

    >>> unique_names([Path("/a/x"), Path("/b/x"), Path("/b/y")])
    ['a/x', 'b/x', 'y']
    """
    parts = [folder.resolve().parts for folder in folders]
    names = []
    for own in parts:
        length = 1
        while length < len(own) and sum(own[-length:] == p[-length:] for p in parts) > 1:
            length += 1
        names.append("/".join(own[-length:]))
    return names


def common_pictures(scored: Sequence[Scored], shared_only: bool) -> tuple[list[str], list[str]]:
    """Names of the pictures to compare on, and warnings. Refuses runs scored on other data."""
    if len({bool(each.results.model.get("reverse")) for each in scored}) > 1:
        raise BadData(
            f"{listed(scored)} were scored in different directions; evaluate all of them with "
            "--reverse, or none."
        )
    shared = [name for name in scored[0].pictures if same_everywhere(scored, name)]
    kinds = {each.results.kind for each in scored}
    splits = {each.results.split for each in scored if each.results.kind == "run"}
    whole = all(len(shared) == len(each.pictures) for each in scored)
    equal = len({each.identity for each in scored if each.results.kind == "run"}) <= 1
    if not shared:
        raise BadData(
            f"{listed(scored)} share no test picture: they cannot be compared. Evaluate them on "
            "the same data: portrayal evaluate RUN --data FOLDER."
        )
    if not shared_only and not (whole and equal and len(splits) <= 1):
        counts = ", ".join(str(len(each.pictures)) for each in scored)
        why = f"splits {', '.join(sorted(splits))}" if len(splits) > 1 else "other data"
        raise BadData(
            f"{listed(scored)} were scored on different pictures ({why}): {len(shared)} are in "
            f"all of them, of {counts}. To compare on those alone: --shared-only."
        )
    warnings = []
    if len(kinds) > 1:
        warnings.append("Folders are matched with runs by the names of pictures alone.")
    elif not equal:
        warnings.append("The runs were scored on different datasets; pictures match by name.")
    return shared, warnings


def same_everywhere(scored: Sequence[Scored], name: str) -> bool:
    """Whether all runs were scored on this picture, and none says its files are others."""
    rows = [each.pictures.get(name) for each in scored]
    if any(row is None for row in rows):
        return False
    hashes = ({row[key] for row in rows if row and row.get(key)} for key in HASHES)
    return all(len(different) <= 1 for different in hashes)


def restricted(each: Scored, names: Sequence[str], *, seed: int, draws: int) -> Scored:
    """The same run with means over these pictures alone; scores of whole sets fall away."""
    pictures = {name: each.pictures[name] for name in names}
    scores = [score_of(score, pictures, seed, draws) for score in each.results.scores]
    news = {"scores": [score for score in scores if score], "n": len(names)}
    return replace(each, pictures=pictures, results=each.results.model_copy(update=news))


def score_of(
    score: Score, pictures: dict[str, dict[str, Any]], seed: int, draws: int
) -> Score | None:
    """A mean computed again; None where single pictures have no such score."""
    key = {("translation", "fidelity"): "scores", ("input", "fidelity"): "input"}.get(
        (score.answer, score.question), score.question
    )
    if score.answer not in ("translation", "input") or (score.answer == "input") != (
        key == "input"
    ):
        return None
    rows = [row for row in pictures.values() if number(row.get(key), score.metric) is not None]
    if not rows:
        return None
    values = [float(row[key][score.metric]) for row in rows]
    clusters = clusters_of(rows)
    if set(values) <= {0.0, 1.0} and clusters is None:
        interval = wilson(values)
    else:
        interval = bootstrap_mean(values, clusters=clusters, seed=seed, draws=draws)
    news = {
        "value": interval.value,
        "low": known(interval.low),
        "high": known(interval.high),
        "n": interval.n,
        "missing": len(pictures) - interval.n,
    }
    return score.model_copy(update=news)


def number(scores: object, metric: str) -> float | None:
    """A finite score of one picture."""
    value = scores.get(metric) if isinstance(scores, dict) else None
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return known(float(value)) if usable and value is not None else None


def listed(scored: Sequence[Scored]) -> str:
    """Names of runs for a sentence."""
    names = [each.name for each in scored]
    return f"{', '.join(names[:-1])} and {names[-1]}"
