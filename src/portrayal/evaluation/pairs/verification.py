"""Would a face verifier take the translation for the same person? Rates with their intervals.

References are the truths, or the inputs where there are no pairs. The threshold is the one that
lets in FAR of real impostor pairs, two references of different subjects; no translation moves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData, UnknownName
from portrayal.core.seeds import numpy_rng
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.pairs.pairing import bounds, each, reference, subjects
from portrayal.evaluation.progress import Bar
from portrayal.metrics.face_identity import EMBEDDERS, embeddings, find_face
from portrayal.metrics.identity import (
    LEAST_FALSE_ACCEPTS,
    Verification,
    rank_hits,
    verification,
)
from portrayal.metrics.statistics import Interval, bootstrap_mean, wilson
from portrayal.reports.results import Section

FARS = (1e-2, 1e-3)
IMPOSTORS = 50_000  # pairs drawn at most
ROWS = 256  # translations compared with all real pictures at once
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Embedded:
    """Unit embeddings of the references and translations on which a face was found."""

    people: list[str]  # (N,)
    real: Numbers  # (N, D)
    fake: Numbers  # (N, D), of the same place in the translation
    missing: int  # references without a face

    def __len__(self) -> int:
        return len(self.people)


@dataclass(frozen=True)
class Kept:
    """How translations fare at the threshold of one FAR."""

    share: Interval  # accepted as their own reference
    strangers: float  # share of (translation, reference of another subject) accepted


def embed(answers: Answers, embedder: str, bar: Bar | None = None) -> Embedded:
    """Both sides of each pair through the embedder; the face is found on the reference."""
    if embedder not in EMBEDDERS:
        raise UnknownName("embedder", embedder, EMBEDDERS)

    def both(index: int) -> Numbers | None:
        real = reference(answers, index)
        pair = [real, answers.pictures(index)["fake"]]
        found = embeddings(pair, find_face(real, embedder), embedder)
        return None if found is None else found.numpy()

    pairs = each(both, len(answers), "Identity", bar)
    people = subjects(answers.rows)
    found = [(who, pair) for who, pair in zip(people, pairs, strict=True) if pair is not None]
    if len(found) < 2:
        raise BadData(
            f"{len(found)} of {len(people)} real pictures show a face that was found; verification "
            "needs at least 2. Leave it out for pictures that are no faces."
        )
    sides = np.stack([pair for _, pair in found])  # (N, 2, D)
    names = [who for who, _ in found]
    return Embedded(names, sides[:, 0], sides[:, 1], len(people) - len(found))


def impostor_scores(one: Numbers, other: Numbers, people: Sequence[str], seed: int) -> Numbers:
    """Cosines of pairs (N, D) x (N, D) of different subjects; drawn from the seed if too many.

    If both sides are the same pictures, each pair is taken once.
    """
    _, owners = np.unique(np.asarray(people), return_inverse=True)
    count, rng = len(owners), numpy_rng(seed, "impostors")
    if count**2 <= 20 * IMPOSTORS:  # few enough to look at all
        rows, columns = np.divmod(np.arange(count**2), count)
    else:  # enough that remain, whoever is the same or drawn twice
        rows, columns = rng.integers(count, size=(2, 10 * IMPOSTORS))
    if one is other:
        rows, columns = np.maximum(rows, columns), np.minimum(rows, columns)
    places = np.unique((rows * count + columns)[owners[rows] != owners[columns]])
    if len(places) > IMPOSTORS:
        places = rng.choice(places, IMPOSTORS, replace=False)
    rows, columns = np.divmod(places, count)
    return np.asarray((one[rows] * other[columns]).sum(1), np.float64)


def genuine_scores(embedded: Embedded, seed: int) -> Numbers:
    """Cosines of two real pictures of each subject that has several, drawn from the seed.

    One pair of each: pairs count as independent, and those of one subject are not.
    """
    places: dict[str, list[int]] = {}
    for index, who in enumerate(embedded.people):
        places.setdefault(who, []).append(index)
    several = [own for _, own in sorted(places.items()) if len(own) > 1]
    rng = numpy_rng(seed, "genuine")
    pairs = [rng.choice(own, 2, replace=False) for own in several]
    return np.array([embedded.real[a] @ embedded.real[b] for a, b in pairs])


def kept(embedded: Embedded, threshold: float, seed: int) -> Kept:
    """Translations above the threshold, and strangers' that are, which should stay near FAR."""
    own = (embedded.real * embedded.fake).sum(1) > threshold
    strangers = impostor_scores(embedded.fake, embedded.real, embedded.people, seed)
    return Kept(share(own, embedded.people, seed), float((strangers > threshold).mean()))


def first_hits(embedded: Embedded) -> NDArray[np.bool_]:
    """Whether the real picture most like each translation shows its subject. (N,)"""
    hits = []
    for start in range(0, len(embedded), ROWS):
        rows = slice(start, start + ROWS)
        similarity = embedded.fake[rows] @ embedded.real.T
        hits.append(rank_hits(similarity, embedded.people[rows], embedded.people))
    return np.concatenate(hits) > 0


def share(hits: Sequence[bool] | NDArray[np.bool_], people: Sequence[str], seed: int) -> Interval:
    """A share of pictures: Wilson's interval, or over subjects where some have several."""
    values = np.asarray(hits, np.float64)
    if len(set(people)) == len(people):
        return wilson(values)
    return bootstrap_mean(values, clusters=people, seed=seed)


def verification_section(
    answers: Answers, embedder: str = "mobilefacenet", *, seed: int = 0, bar: Bar | None = None
) -> Section:
    """Real pairs as the ceiling, then how many translations keep their identity."""
    which = "truths" if answers.paired else "inputs"
    return section_of(embed(answers, embedder, bar), embedder, which, seed)


def section_of(embedded: Embedded, embedder: str, which: str, seed: int = 0) -> Section:
    """The table of these embeddings; `which` says what the references are."""
    genuine, impostor = (
        genuine_scores(embedded, seed),
        impostor_scores(embedded.real, embedded.real, embedded.people, seed),
    )
    if not len(impostor):
        raise BadData("All real pictures show one subject; verification needs impostors.")
    fars = [far for far in FARS if far * len(impostor) >= LEAST_FALSE_ACCEPTS]
    judged = (embedded.real * embedded.fake).sum(1)
    rows = [*_ceiling_rows(genuine, impostor, fars, seed)]
    ours = verification(judged, impostor, fars=tuple(fars), seed=seed)
    rows += _rates("translations and their own", ours)
    for far in FARS:
        if far not in fars:
            rows.append([f"kept at FAR {far:g}: needs {_needed(far)} pairs", *[None] * 4])
            continue
        result = kept(embedded, ours.thresholds[far], seed)
        rows.append([f"translations kept at FAR {far:g}", *bounds(result.share), len(embedded)])
        rows.append([f"strangers accepted at FAR {far:g}", result.strangers, None, None, None])
        rows.append([f"threshold of FAR {far:g}", ours.thresholds[far], None, None, None])
    first = share(first_hits(embedded), embedded.people, seed)
    rows.append(["rank 1 of translations among all real", *bounds(first), first.n])
    return Section(
        key=f"verification_{embedder}",
        title=f"Verification by {embedder}",
        note=_note(which, embedded, len(genuine), len(impostor)),
        head=["rate", "value", "low", "high", "n"],
        rows=[[float(cell) if isinstance(cell, int) else cell for cell in row] for row in rows],
    )


def _ceiling_rows(
    genuine: Numbers, impostor: Numbers, fars: Sequence[float], seed: int
) -> list[list[str | float | None]]:
    if len(genuine) < 2:
        return []
    return _rates("two real", verification(genuine, impostor, fars=tuple(fars), seed=seed))


def _rates(who: str, found: Verification) -> list[list[str | float | None]]:
    rows: list[list[str | float | None]] = [
        [f"AUC, {who}", *bounds(found.auc), found.genuine],
        [f"EER, {who}", *bounds(found.eer), found.genuine],
    ]
    for far, rate in found.tar.items():
        if who == "two real":
            rows.append([f"TAR at FAR {far:g}, {who}", *bounds(rate), rate.n])
    return rows


def _needed(far: float) -> int:
    return round(LEAST_FALSE_ACCEPTS / far)


def _note(which: str, embedded: Embedded, genuine: int, impostor: int) -> str:
    ceiling = (
        f"The ceiling is {genuine} pairs of two real pictures, one pair of each subject."
        if genuine > 1
        else "Each subject has one picture, so there is no ceiling of two real pictures: genuine "
        "pairs are translations with their own, and impostors are different names."
    )
    return (
        f"Cosines with the {which}, the face found there and cut out of both at the same place. "
        f"Thresholds come from {impostor} pairs of {which} of different subjects. {ceiling} "
        f"No face was found on {embedded.missing} of {len(embedded) + embedded.missing} {which}, "
        "which are left out. Impostor pairs share pictures, so intervals of thresholds are "
        "somewhat too narrow."
    )
