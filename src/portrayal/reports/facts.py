"""Tables of the report: settings, data, environment and cost, as (name, text) pairs."""

import shlex
from dataclasses import dataclass, field
from itertools import pairwise

from portrayal.core.runs import FORMAT
from portrayal.reports.collect import Row, Run

HIDDEN = ("format", "command")  # of the environment: said elsewhere
LONGEST = 400  # characters of one value


@dataclass(frozen=True)
class Fact:
    """One line of a table; `changed` marks what the user set."""

    name: str
    text: str
    changed: bool = False


@dataclass(frozen=True)
class DataFacts:
    """What is known about the pictures."""

    facts: list[Fact] = field(default_factory=list)
    counts: list[tuple[str, int]] = field(default_factory=list)
    rejected: list[tuple[str, int]] = field(default_factory=list)
    options: list[Fact] = field(default_factory=list)


def setting_groups(run: Run) -> list[tuple[str, list[Fact]]]:
    """Every setting of the recipe and of the training, those typed by the user marked."""
    typed = typed_settings(str(run.config.get("command", "")))
    search = _mapping(run.results.model.get("search")) if run.results else {}
    groups = []
    keys = (("Recipe", "config"), ("Training", "settings"))
    for title, key in keys[:1] if run.imported else keys:  # an import's training is unknown
        facts = [
            Fact(name, text, name.split(".")[0] in typed or name in search)
            for name, text in flat(
                _mapping(run.config.get(key)) | (search if key == "config" else {})
            )
        ]
        if facts:
            groups.append((title, facts))
    return groups


def typed_settings(command: str) -> set[str]:
    """Names set by `--set name=value` in a command.

    >>> sorted(typed_settings("portrayal train pix2pix data --set l1=10 --set=width=32"))
    ['l1', 'width']
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    after = [b for a, b in pairwise(words) if a == "--set"]
    joined = [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    return {pair.split("=")[0].split(".")[0] for pair in after + joined}


def data_facts(run: Run) -> DataFacts:
    """Size, counts, options and rejected files, from the run's config and the manifest."""
    data = _mapping(run.config.get("data"))
    counts = _mapping(data.get("counts")) or _mapping(run.manifest.get("counts"))
    facts = [
        Fact("Folder", "unknown" if run.imported else text_of(data.get("path"))),
        Fact("Kind", text_of(data.get("kind"))),
        Fact("Size (height × width)", _size(data.get("size") or run.manifest.get("size"))),
        Fact("Identity (SHA-256)", text_of(data.get("sha256"))[:16]),
    ]
    rejected = _counts(run.manifest.get("rejected"))
    return DataFacts(
        [fact for fact in facts if fact.text],
        _counts(counts),
        sorted(rejected, key=lambda pair: (-pair[1], pair[0])),
        [Fact(name, text) for name, text in flat(run.manifest.get("options"))],
    )


def environment_facts(run: Run) -> list[Fact]:
    """Versions and machine, and who scored it with what."""
    facts = [Fact(name, text) for name, text in flat(run.environment) if name not in HIDDEN]
    if run.results:
        scored = f"{run.results.machine}, version {run.results.version}"
        facts.append(Fact("evaluated on", scored.strip(", ")))
        if run.results.commit:
            facts.append(Fact("evaluated commit", run.results.commit))
    facts.append(Fact("run format", str(run.config.get("format", FORMAT))))
    return facts


def run_costs(run: Run) -> list[Fact]:
    """Parameters, time and speed."""
    facts = [Fact(f"Parameters, {name}", f"{count:,}") for name, count in run.parameters.items()]
    last = run.log[-1] if run.log else {}
    step, seconds = last.get("step", 0), last.get("seconds", 0)
    if step > 0 and seconds > 0:
        facts.append(Fact("Training", f"{duration(seconds)} for {step:,.0f} steps"))
        batch = _mapping(run.config.get("settings")).get("batch")
        if isinstance(batch, int) and batch > 0:
            facts.append(
                Fact("Training speed", f"{batch * step / seconds:,.3g} pictures per second")
            )
    if run.results and run.results.seconds > 0:
        speed = f"{run.results.n} pictures translated and scored"
        facts.append(Fact("Evaluation", f"{duration(run.results.seconds)}, {speed}"))
    return facts


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(12.34), duration(75), duration(7325)
    ('12.3 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def flat(value: object, prefix: str = "") -> list[tuple[str, str]]:
    """A nested mapping as dotted names and texts."""
    pairs: list[tuple[str, str]] = []
    for key, inner in _mapping(value).items():
        if isinstance(inner, dict) and inner and prefix.count(".") < 4:
            pairs += flat(inner, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", text_of(inner)))
    return pairs


def text_of(value: object) -> str:
    """A value as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(text_of(inner) for inner in value[:50])
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _size(value: object) -> str:
    return " × ".join(text_of(side) for side in value) if isinstance(value, list) else "varying"


def _counts(value: object) -> list[tuple[str, int]]:
    pairs = _mapping(value).items()
    return [(str(key), count) for key, count in pairs if isinstance(count, int)]


def _mapping(value: object) -> Row:
    return value if isinstance(value, dict) else {}
