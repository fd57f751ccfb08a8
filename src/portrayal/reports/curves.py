"""Curves of the report: validation scores, losses, the discriminator's certainty, learning rate."""

import math

from portrayal.reports.collect import Row, Run
from portrayal.reports.plots import Chart, chart, epoch_window

NOT_TERMS = ("step", "steps", "epoch", "seconds", "rate")
# of both discriminators, where a recipe translates in two directions
PROBABILITIES = ("p_real", "p_fake", "p_real_reverse", "p_fake_reverse")
JUDGEMENTS = ("loss_D_real", "loss_D_fake", "loss_D_real_reverse", "loss_D_fake_reverse")
ACCURACIES = ("acc_real", "acc_fake", "acc_real_reverse", "acc_fake_reverse")
ARROWS = {"higher": "↑ higher is better", "lower": "↓ lower is better"}


def validation_charts(run: Run) -> list[Chart]:
    """One plot per metric over training, its best step marked."""
    names = dict.fromkeys(name for row in run.scores for name in row["scores"])
    return [_validation_chart(run, name) for name in names]


def _validation_chart(run: Run, metric: str) -> Chart:
    rows = [row for row in run.scores if metric in row["scores"]]
    values = [row["scores"][metric] for row in rows]
    score = run.results.score(metric) if run.results else None
    title = score.name if score else metric
    unit = f" ({score.unit})" if score and score.unit else ""
    best = run.best.get(metric)
    if best is None and score:
        choose = max if score.better == "higher" else min
        best = rows[values.index(choose(values))]["step"]
    mark = None
    if best is not None:
        nearest = min(rows, key=lambda row: abs(row["step"] - best))
        text = f"best {nearest['scores'][metric]:.3g} at step {nearest['step']:,.0f}"
        mark = (float(nearest["step"]), title, text)
    return chart(
        f"{title}{unit}",
        [row["step"] for row in rows],
        {title: values},
        best=mark,
        note=ARROWS[score.better] if score else "",
    )


def training_charts(run: Run) -> list[Chart]:
    """The discriminator's four series, the generator's terms unweighted, the learning rate."""
    rows = run.log
    if not rows:
        return []
    known = {*NOT_TERMS, *PROBABILITIES, *JUDGEMENTS, *ACCURACIES}
    terms = dict.fromkeys(name for row in rows for name in row if name not in known)
    window = epoch_window(_epochs(rows))
    reference = {"ln 2: cannot tell": math.log(2)} if _vanilla(run.config) else {}
    plans: list[tuple[str, tuple[str, ...], dict[str, float], str]] = [
        ("Discriminator: probability of “real”", PROBABILITIES, {"0.5: cannot tell": 0.5}, ""),
        ("Discriminator: loss", JUDGEMENTS, reference, ""),
        ("Discriminator: accuracy", ACCURACIES, {}, ""),
        *((f"Generator: {name}", (name,), {}, "unweighted") for name in terms),
    ]
    charts = []
    for title, names, references, note in plans:
        series = {n: _column(rows, n) for n in names if any(n in row for row in rows)}
        limits = (0.0, 1.0) if names in (PROBABILITIES, ACCURACIES) else None
        if series:
            steps = [row["step"] for row in rows]
            drawn = chart(
                title, steps, series, window=window, limits=limits, references=references, note=note
            )
            charts.append(drawn)
    return charts + _rate_chart(rows)


def window_text(run: Run) -> str:
    """How the curves were smoothed, in words."""
    if len(run.log) < 2:
        return ""
    window = epoch_window(_epochs(run.log))
    steps = (run.log[-1]["step"] - run.log[0]["step"]) / (len(run.log) - 1) * window
    if window == 1:
        return f"All {len(run.log):,} logged values, not smoothed."
    return (
        f"Solid: centred moving mean over {window:,} logged values, about {steps:,.0f} steps. "
        "Faint: the values themselves, of which the most extreme 2 % may lie outside."
    )


def _rate_chart(rows: list[Row]) -> list[Chart]:
    rates = _column(rows, "rate")
    if not any(rate > 0 for rate in rates):
        return []
    top = max(rate for rate in rates if not math.isnan(rate))
    steps = [row["step"] for row in rows]
    return [chart("Learning rate", steps, {"rate": rates}, limits=(0.0, 1.08 * top))]


def _column(rows: list[Row], name: str) -> list[float]:
    return [row.get(name, math.nan) for row in rows]


def _epochs(rows: list[Row]) -> list[float]:
    return [float(row["epoch" if "epoch" in row else "step"]) for row in rows]


def _vanilla(config: Row) -> bool:
    """Whether the discriminator is trained with cross-entropy, for which ln 2 means undecided."""
    inner = config.get("config")
    return isinstance(inner, dict) and "vanilla" in inner.values()
