"""What `portrayal train` says before it trains."""

from collections.abc import Mapping
from typing import Any


def plan(name: str, recipe: Any, description: Mapping[str, Any], done: int) -> str:
    """What is about to happen, in two lines."""
    data, settings, steps = description["data"], description["settings"], description["steps"]
    height, width = data["size"]
    weights = sum(p.numel() for p in recipe.exportable().parameters())
    lines = [
        f"{name} ({description['preset']}) on {data['path']}: {shown_examples(data)} of "
        f"{width} x {height} pixels, generator of {weights / 1e6:.1f} M weights",
        f"{steps} steps of {settings['batch']} on {recipe.place.describe()}",
    ]
    if done:
        ended = "nothing is left to do" if done >= steps else "going on"
        lines.append(f"{done} of {steps} steps are done: {ended}")
    return "\n".join(lines)


def shown_examples(data: Mapping[str, Any]) -> str:
    """`600 pairs`, or `1000 sources and 500 targets`."""
    if "domains" not in data:
        return f"{data['counts']['train']} pairs"
    counts = data["domains"]["train"]
    return f"{counts['source']} sources and {counts['target']} targets"


def show_settings(recipe: str, description: Mapping[str, Any], steps: int) -> None:
    """Every setting with its type, value and meaning."""
    from rich.console import Console
    from rich.table import Table

    from portrayal.recipes.choices import described
    from portrayal.recipes.wording import shown

    table = Table(title=f"{recipe}, preset {description['preset']}: {steps} steps")
    for heading in ("setting", "value", "type", "meaning"):
        table.add_column(heading, overflow="fold")
    values = {**description["config"], **description["settings"]}
    for name, kind, _, meaning in described(recipe, description["preset"]):
        table.add_row(name, shown(values[name]), kind, meaning)
    Console().print(table)
