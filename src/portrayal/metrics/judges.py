"""A network that a run was trained to please may not judge it: its scores would be inflated, as
those of adversarial examples are.
"""

from collections.abc import Mapping
from typing import Any

from portrayal.core.errors import BadOption
from portrayal.metrics import metrics

TRAINERS = {  # the weight of a term in a recipe's config -> where its network is named, or which
    "face_identity": ("identity_network", "facenet"),
    "perceptual": ("perceptual_network", "vgg16"),
}


def refuse_trained_judge(config: Mapping[str, Any], metric: str) -> None:
    """Refuse a score by a network that this run's losses were computed with.

    `config` is the run's config.json.
    """
    judges = set(metrics.card(metric).weights) & trained_with(config)
    if judges:
        name = min(judges)
        others = [
            other
            for other in metrics
            if metrics.card(other).weights and name not in metrics.card(other).weights
        ]
        raise BadOption(
            f"{metric} cannot judge this run: it was trained with {name}, which is the judge. "
            f"Score with another network: {', '.join(others)}."
        )


def trained_with(config: Mapping[str, Any]) -> set[str]:
    """The networks of a run's losses, by the names of their weights."""
    inside = config.get("config", {})
    found = set()
    for term, (key, usual) in TRAINERS.items():
        weight = inside.get(term, 0)  # a number, or the first and last of a line
        if any(weight if isinstance(weight, list | tuple) else [weight]):
            found.add(str(inside.get(key, usual)))
    return found
