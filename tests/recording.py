"""A record of the tests that ran in a browser: a line for the summary, and Playwright's traces.

`playwright show-trace FILE.zip` shows a trace: every step with its picture, page and requests.
"""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Recording:
    """A browser whose every context writes folder/TEST.zip when it is closed."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.version = browser.version
        self.count = 0

    def new_context(self, **options: Any) -> Any:
        context = self.browser.new_context(**options)
        context.tracing.start(screenshots=True, snapshots=True)
        test = os.environ.get("PYTEST_CURRENT_TEST", "outside").rpartition(" ")[0]
        self.count += 1
        file = self.folder / f"{plain(test)}_{os.getpid()}_{self.count}.zip"
        close = context.close

        def closing() -> None:
            context.tracing.stop(path=file)
            close()

        context.close = closing
        return context

    def new_page(self, **options: Any) -> Any:
        return self.new_context(**options).new_page()

    def end(self) -> None:
        """Close, and so keep, what tests left open."""
        for context in list(self.browser.contexts):
            context.close()


def plain(name: str) -> str:
    """A test's name as a file's: tests/a/test_b.py::test_c[d-1] -> a_test_b_test_c_d_1."""
    return re.sub(r"\W+", "_", name.removeprefix("tests/").replace(".py", "")).strip("_")[:150]


def summary(stats: Mapping[str, Sequence[Any]], chromium: Path) -> list[str]:
    """The line for the summary, then one per browser test; empty where there were none."""
    reports = [
        (outcome, report)
        for outcome in ("passed", "failed", "error", "skipped", "")
        for report in stats.get(outcome, ())
        if "browser" in getattr(report, "keywords", ())
    ]
    seconds: dict[str, float] = {}
    outcomes: dict[str, str] = {}
    for outcome, report in reports:
        seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration
        outcomes[report.nodeid] = outcome or outcomes.get(report.nodeid, "passed")
    if not outcomes:
        return []
    counts = ", ".join(
        f"{list(outcomes.values()).count(name)} {name}"
        for name in ("passed", "failed", "error", "skipped")
        if name in outcomes.values()
    )
    head = f"Browser tests: {counts} in {version(chromium)}, {sum(seconds.values()):.0f} s together"
    about = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {platform.platform()}"
    rows = [f"{outcomes[test]:8}{seconds[test]:7.1f} s  {test}" for test in sorted(outcomes)]
    return [head, about, *rows]


def version(chromium: Path) -> str:
    """What the browser calls itself."""
    if not chromium.exists():
        return "no Chromium"
    asked = subprocess.run([chromium, "--version"], capture_output=True, text=True)
    return asked.stdout.partition(" built")[0].strip() or "Chromium of unknown version"


def commit() -> str:
    """The commit that stands here."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or "unknown"
    except FileNotFoundError:
        return "unknown"
