"""The Dockerfile, read: no container is built here."""

import re
import shlex
import tomllib
from pathlib import Path

from portrayal.cli import answer

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
LINES = [line.split(None, 1) for line in TEXT.splitlines() if line and not line.startswith("#")]
STAGES = [index for index, (word, _) in enumerate(LINES) if word == "FROM"]
LAST = LINES[STAGES[-1] :]


def test_two_stages_slim_and_of_a_named_version():
    images = [LINES[index][1].split()[0] for index in STAGES]
    assert len(images) == 2 and len(set(images)) == 1
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", images[0])
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert version and int(version[1]) >= int(wanted.removeprefix(">=3."))


def test_every_install_is_pinned():
    installs = [text for word, text in LINES if word == "RUN" and "pip install" in text]
    assert installs and all("--constraint constraints.txt" in text for text in installs)
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(), re.M)


def test_what_is_copied_is_here_and_nothing_else_is_sent():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        path
        for word, text in LINES
        if word == "COPY" and not text.startswith("--from")
        for path in shlex.split(text)[:-1]
    }
    assert "*" in ignore and copied == sent
    assert all((ROOT / path).exists() for path in copied)


def test_it_runs_without_rights_and_says_whether_it_is_well(capsys):
    words = dict(LAST)
    assert int(words["USER"]) > 0
    assert "127.0.0.1:8000/health" in words["HEALTHCHECK"] and "python" in words["HEALTHCHECK"]
    code = re.search(r'"(from .*)"\]', words["HEALTHCHECK"])
    assert code
    compile(code[1], "health", "exec")
    assert answer(["serve", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in re.findall(r"--[a-z]+", words["CMD"]))
