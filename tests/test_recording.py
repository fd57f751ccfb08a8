"""What is said of the browser tests: how many, and how long with what stands before and after."""

from pathlib import Path
from types import SimpleNamespace

from recording import plain, summary

NOWHERE = Path("/no/such/chromium")


def report(test, duration, *marks):
    return SimpleNamespace(nodeid=test, duration=duration, keywords=dict.fromkeys(marks, 1))


def test_tests_are_counted_once_with_all_their_seconds():
    stats = {
        "": [report("a.py::one", 2.0, "browser"), report("a.py::other", 9.0)],
        "passed": [report("a.py::one", 3.0, "browser"), report("a.py::other", 9.0)],
        "skipped": [report("a.py::two", 0.0, "browser")],
        "warnings": [SimpleNamespace()],
    }
    head, about, *rows = summary(stats, NOWHERE)
    assert head == "Browser tests: 1 passed, 1 skipped in no Chromium, 5 s together"
    assert "UTC, commit " in about
    assert [row.split()[0] for row in rows] == ["passed", "skipped"] and "5.0 s" in rows[0]


def test_without_browser_tests_nothing_is_said():
    assert summary({"passed": [report("a.py::other", 1.0)]}, NOWHERE) == []


def test_the_name_of_a_trace_is_the_tests():
    assert plain("tests/web/test_a.py::test_b[390-dark]") == "web_test_a_test_b_390_dark"
