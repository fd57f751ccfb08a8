"""How many votes it takes: the power of exact binomial tests."""

import numpy as np

from portrayal.core.errors import BadOption


def power(votes: int, share: float, null: float, alpha: float = 0.05) -> float:
    """The chance that an exact two-sided binomial test of so many votes finds the difference.

    Counts 9 standard errors from the null are always found: they are not looked at.
    """
    from scipy.stats import binom

    middle, wide = null * votes, 9 * np.sqrt(votes * null * (1 - null)) + 20
    counts = np.arange(max(0, int(middle - wide)), min(votes, int(middle + wide)) + 1)
    chances = binom.pmf(counts, votes, null)
    order = np.argsort(chances, kind="stable")
    # ties within rounding count together, as binomtest does
    limits = np.searchsorted(chances[order], chances * (1 + 1e-7), side="right")
    p_values = np.concatenate([[0.0], np.cumsum(chances[order])])[limits]
    return float(1 - binom.pmf(counts, votes, share)[p_values > alpha].sum())


def votes_needed(
    share: float, null: float, *, wanted: float = 0.8, alpha: float = 0.05, most: int = 1_000_000
) -> int | None:
    """Votes after which the test finds `share` instead of `null` with the wanted power.

    From there on it stays so for the next 20 numbers of votes (the exact power goes in teeth).
    None if it takes more than `most`, or there is no difference.
    """
    from scipy.stats import norm

    if not (0 < null < 1 and 0 <= share <= 1 and 0 < wanted < 1):
        raise BadOption(f"Shares and power are between 0 and 1, not {share}, {null}, {wanted}.")
    if share == null:
        return None
    z, b = norm.ppf(1 - alpha / 2), norm.ppf(wanted)
    spread = z * np.sqrt(null * (1 - null)) + b * np.sqrt(share * (1 - share))
    guess = int((spread / (share - null)) ** 2)
    if guess > most:
        return None
    votes = enough = max(2, int(0.8 * guess) - 10, _nearly(share, null, wanted, alpha, guess))
    while enough - votes < 20:
        enough += 1
        if power(enough, share, null, alpha) < wanted:
            votes = enough
    return votes + 1


def _nearly(share: float, null: float, wanted: float, alpha: float, guess: int) -> int:
    """Votes some teeth below those that are enough; a tooth is about 1.2 sqrt(guess) wide."""
    low, high = 2, 2 * guess + 100
    while high - low > 1:
        middle = (low + high) // 2
        enough = power(middle, share, null, alpha) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return low - int(3 * np.sqrt(guess)) - 30


def votes_to_tell_apart(
    first: float, second: float, *, wanted: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Votes in all, those for others too, after which two models of these shares are told apart."""
    both = first + second
    needed = votes_needed(first / both, 0.5, wanted=wanted, alpha=alpha) if both else None
    return None if needed is None else int(np.ceil(needed / both))
