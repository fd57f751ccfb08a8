"""The votes of a poll, counted, as `VoteResults`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from portrayal import __version__
from portrayal.core.environment import command, now
from portrayal.core.errors import BadData
from portrayal.evaluation.study.polls import Ballot, Poll
from portrayal.metrics.power import votes_to_tell_apart
from portrayal.metrics.statistics import Interval, bootstrap_mean, holm, wilson
from portrayal.metrics.strengths import Strengths, strengths
from portrayal.metrics.votes import (
    Pair,
    fleiss_kappa,
    pairs,
    rated_pairs,
    shares,
    smallest_p,
)
from portrayal.reports.votes import Bounds, ModelVotes, PairVotes, VoteResults

POWER = 0.8


def count(poll: Poll, *, allow: int = 0, seed: int = 0, draws: int = 10_000) -> VoteResults:
    """Everything that the votes say. Voters with more than `allow` failed checks are left out."""
    failures = Counter(b.voter for b in poll.ballots if b.passed is False)
    left_out = {voter for voter, failed in failures.items() if failed > allow}
    scored = [b for b in poll.ballots if b.role == "scored"]
    kept = [b for b in scored if b.voter not in left_out]
    if not kept:
        raise BadData(none_counted(scored, failures, allow))
    voters = [b.voter for b in kept]
    counted = by_choice if poll.kind == "choice" else by_picture
    models, tested, remarks = counted(poll, kept, voters, seed, draws)
    agreed = agreement(kept, draws, seed)
    return VoteResults(
        kind=poll.kind,
        title=poll.title,
        question=poll.question,
        voters=len(set(voters)),
        votes=len(kept),
        left_out=sorted(left_out),
        votes_left_out=len(scored) - len(kept),
        unfinished=unfinished(poll, voters),
        models=models,
        pairs=tested,
        agreement=bounds(agreed),
        agreement_note=agreed.method,
        smallest_p=smallest_p(len(set(voters))),
        places=places(poll, kept),
        median_ms=float(np.median(times)) if (times := [b.ms for b in kept if b.ms]) else None,
        warnings=remarks,
        seed=seed,
        command=command(),
        version=__version__,
        time=now(),
    )


def none_counted(scored: Sequence[Ballot], failures: Counter[str], allow: int) -> str:
    """Why there is nothing to count, and what would be counted."""
    said = f"There are no votes to count: {len(scored)} were given"
    if not scored:
        return said + "."
    most = min(failures[ballot.voter] for ballot in scored)
    return (
        f"{said}, all by voters who failed more than {allow} checks. "
        f"--allow {most} would count some of them."
    )


def by_choice(
    poll: Poll, kept: Sequence[Ballot], voters: Sequence[str], seed: int, draws: int
) -> tuple[list[ModelVotes], list[PairVotes], list[str]]:
    """Shares, strengths and pairs of a forced choice."""
    number = {name: index for index, name in enumerate(poll.models)}
    offered = np.zeros((len(kept), len(number)), bool)
    for row, ballot in enumerate(kept):
        offered[row, [number[name] for name in ballot.shown]] = True
    chosen = [number[ballot.answer] for ballot in kept]
    parts = shares(offered, chosen, voters, draws=draws, seed=seed)
    same, other = strengths(offered, chosen), strengths(offered, chosen, voters=voters)
    chance = holm([part.p_chance for part in parts])
    models = [
        ModelVotes(
            name=name,
            votes=part.votes,
            shown=part.shown,
            value=part.same_voters.value,
            same=bounds(part.same_voters),
            other=bounds(part.other_voters),
            chance=part.chance,
            p_chance=float(chance[index]),
            strength=strength(same, index),
            strength_other=strength(other, index),
        )
        for name, part, index in zip(poll.models, parts, range(len(parts)), strict=True)
    ]
    tested = pairs(offered, chosen, voters, draws=draws, seed=seed)
    # with two at a time the votes for others do not count, with more they do
    value = [part.same_voters.value for part in parts]
    alpha = 0.05 / max(1, len(tested))
    needed = {
        (a, b): votes_to_tell_apart(value[a], value[b], wanted=POWER, alpha=alpha)
        for a, b in combinations(range(len(parts)), 2)
    }
    remarks = [f"Strengths are {same.method}."] if same.penalised else []
    return models, [described(poll, pair, needed) for pair in tested], remarks


def by_picture(
    poll: Poll, kept: Sequence[Ballot], voters: Sequence[str], seed: int, draws: int
) -> tuple[list[ModelVotes], list[PairVotes], list[str]]:
    """How often each model's pictures were taken for real, or their mean rating."""
    binary = poll.kind == "real_or_fake"
    values = np.array([float(b.answer == "real") if binary else float(b.answer) for b in kept])
    of = np.array([list(poll.models).index(b.shown[0]) for b in kept])
    models = []
    for index, name in enumerate(poll.models):
        rows = np.flatnonzero(of == index).tolist()
        if not rows:
            raise BadData(f"No picture of {name} has been judged yet.")
        spread = bootstrap_mean(
            values[rows], clusters=[voters[row] for row in rows], draws=draws, seed=seed
        )
        alone = wilson(values[rows]) if binary else bootstrap_mean(values[rows], seed=seed)
        models.append(
            ModelVotes(
                name=name,
                votes=int(values[rows].sum()) if binary else len(rows),
                shown=len(rows),
                value=spread.value,
                same=bounds(alone),
                other=bounds(spread),
            )
        )
    tested = rated_pairs(values, of, voters, draws=draws, seed=seed)
    return models, [described(poll, pair, {}) for pair in tested], []


def described(poll: Poll, pair: Pair, needed: Mapping[tuple[int, int], int | None]) -> PairVotes:
    """A pair with the names of its models."""
    return PairVotes(
        first=poll.models[pair.first],
        second=poll.models[pair.second],
        values=pair.values,
        p_same=pair.p_same,
        p_other=pair.p_other,
        needed=needed.get((pair.first, pair.second)),
    )


def agreement(kept: Iterable[Ballot], draws: int, seed: int) -> Interval:
    """Fleiss' kappa over the questions that several voters were asked alike."""
    asked: dict[tuple[str, ...], Counter[str]] = {}
    for ballot in kept:
        question = (ballot.item, *sorted(ballot.shown))
        asked.setdefault(question, Counter())[ballot.answer] += 1
    answers = sorted({answer for counted in asked.values() for answer in counted})
    counts = [[counted[answer] for answer in answers] for counted in asked.values()]
    found = fleiss_kappa(counts, draws=draws, seed=seed)
    if not found.n:
        return replace(found, method="no question is known to be answered by two voters")
    return replace(found, method=f"{found.n} questions answered twice or more; {found.method}")


def places(poll: Poll, kept: Sequence[Ballot]) -> list[int]:
    """How often each place on the screen was chosen, if it is known."""
    if poll.kind != "choice" or not poll.asked:
        return []
    chosen = Counter(ballot.shown.index(ballot.answer) for ballot in kept)
    return [chosen[place] for place in range(max(len(b.shown) for b in kept))]


def unfinished(poll: Poll, voters: Sequence[str]) -> int:
    """Voters who stopped before the end; what they gave counts."""
    return sum(count < poll.asked for count in Counter(voters).values()) if poll.asked else 0


def bounds(found: Interval) -> Bounds:
    """An interval for JSON: NaN becomes None."""
    return Bounds.of(found.value, found.low, found.high)


def strength(found: Strengths, index: int) -> Bounds:
    """One model's strength."""
    return Bounds.of(found.values[index], found.low[index], found.high[index])
