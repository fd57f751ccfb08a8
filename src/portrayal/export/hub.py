"""A run -> a folder for a hub: safetensors, config, scores and a model card that is filled in.

The folder is a small run: `portrayal.load` reads it. Discriminators and optimisers stay behind.
"""

from pathlib import Path
from typing import Any

import jinja2
from torch import nn

from portrayal import __version__
from portrayal.core.errors import BadCheckpoint, BadData
from portrayal.core.runs import dataset_places, read_json, write_atomically, write_json
from portrayal.inference.snapshots import searches
from portrayal.inference.translator import Translator
from portrayal.reports.results import Results, decimals, standing, verdict, with_interval
from portrayal.training.checkpoint import store
from portrayal.training.run import refuse_foreign

TEMPLATE = Path(__file__).parent / "templates" / "card.md"
GENERATORS = ("generator", "generator_reverse")
JUDGES = ("discriminator",)  # a search for z asks it, too


def export_hub(translator: Translator, run: Path, out: Path, *, licence: str = "other") -> None:
    """Write the folder; `out` must be new or empty."""
    refuse_foreign(out)
    state: dict[str, Any] = getattr(translator.recipe, "state", dict)()
    kept_parts = GENERATORS + (JUDGES if searches(translator) else ())
    parts = {n: p for n, p in state.items() if n in kept_parts and isinstance(p, nn.Module)}
    have = translator.about.get("networks", parts)
    parts = {name: part for name, part in parts.items() if name in have}
    if not parts:
        raise BadCheckpoint(f"{run} has no generator to export.")
    kept = ("step", "steps", "epoch", "seconds")
    about = {name: translator.about[name] for name in kept if name in translator.about}
    about |= {"step": about.get("step", 0), "networks": list(parts)}
    about["from_sha256"] = translator.model_hash
    folder = store(out, f"{about['step']:08d}", parts, about, with_training=False)
    config = {k: v for k, v in translator.config.items() if k != "command"}
    config["data"] = {**config.get("data", {}), "path": None}  # no folder names of this machine
    config["data"].pop("from_run", None)
    results = results_of(run)
    if results:
        told = results.model_dump(mode="json") | {"command": ""}
        write_json(out / "results.json", told | {"data": {"sha256": results.data.get("sha256")}})
    told_of = card(
        translator, results, run.name, licence, folder.name, prepared(run, translator.config)
    )
    write_atomically(out / "README.md", told_of)
    write_json(out / "config.json", config)  # last: a folder without it is no run


def results_of(run: Path) -> Results | None:
    """The run's scores, if it was evaluated."""
    place = run / "results.json"
    if not place.exists():
        return None
    try:
        return Results.model_validate(read_json(place))
    except ValueError:
        raise BadData(f"{place} is not what this version writes: evaluate again.") from None


def prepared(run: Path, config: dict[str, Any]) -> dict[str, Any]:
    """How the pictures were prepared, without names of folders; empty if the dataset is gone."""
    for place in dataset_places(run, config.get("data")):
        if (place / "manifest.json").is_file():
            options = read_json(place / "manifest.json").get("options", {})
            return {
                name: value
                for name, value in options.items()
                if isinstance(value, str | int | float) and value and "/" not in str(value)
            }
    return {}


def card(
    translator: Translator,
    results: Results | None,
    name: str,
    licence: str,
    step: str,
    prepared: dict[str, Any],
) -> str:
    """The model card in Markdown, from facts alone."""
    config = translator.config
    generator = dict(getattr(translator.recipe, "state", dict)()).get("generator")
    same = (
        bool(results)
        and results is not None
        and (results.model.get("hash") == translator.model_hash)
    )
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        licence=licence,
        version=__version__,
        config=config,
        data=config.get("data", {}),
        prepared=prepared,
        imported=config.get("imported"),
        noisy=translator.noisy,
        size=translator.training_size,
        step=int(step),
        multiple=translator.recipe.multiple,
        parameters=sum(p.numel() for p in generator.parameters()) if generator else 0,
        hash=translator.model_hash,
        results=results,
        same_model=same,
        rows=score_rows(results) if results else [],
        verdict=verdict(results) if results else "",
        standing=standing(results) if results else "",
    )


def score_rows(results: Results) -> list[tuple[str, str, str, str]]:
    """Question and metric, the translation's score with its interval, the input's, pictures."""
    rows = []
    for question, metric in results.asked():
        ours, theirs = (results.score(metric, a, question) for a in ("translation", "input"))
        if ours is None:
            continue
        digits = decimals([score for score in (ours, theirs) if score])
        better = "higher is better" if ours.better == "higher" else "lower is better"
        unit = f" ({ours.unit})" if ours.unit else ""
        title = f"{ours.name}{unit}, {question}, {better}"
        second = with_interval(theirs, digits) if theirs else "–"
        rows.append((title, with_interval(ours, digits), second, ours.count))
    return rows
