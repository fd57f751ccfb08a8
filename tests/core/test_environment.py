"""What is written beside every number: enough to repeat it, nothing about the person."""

import getpass
import json
import platform
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from portrayal.core import environment as here
from portrayal.core.environment import commit, environment, installed, machine, now, processor

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [*GIT, "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path):
    """A package with a floor below, committed in a repository with other things beside it."""
    (tmp_path / "src/package/core").mkdir(parents=True)
    for name in ("README", "src/package/__init__.py", "src/package/core/a.py", ".gitignore"):
        (tmp_path / name).write_text("__pycache__\n.venv\n" if name == ".gitignore" else "a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path / "src/package"


def test_the_commit_is_the_heads_first_twelve_digits(package):
    assert commit.__wrapped__(package) == git(package, "rev-parse", "HEAD")[:12]


@pytest.mark.parametrize("name", ["__init__.py", "core/a.py", "core/new.py"])
def test_a_changed_or_new_file_of_the_package_adds_a_plus(package, name):
    (package / name).write_text("a = 2\n")
    assert commit.__wrapped__(package) == git(package, "rev-parse", "HEAD")[:12] + "+"


def test_files_beside_the_package_and_ignored_ones_do_not(package):
    (package.parent.parent / "README").write_text("changed")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.pyc").write_text("x")
    assert commit.__wrapped__(package) == git(package, "rev-parse", "HEAD")[:12]


def test_a_package_installed_inside_a_foreign_repository_has_no_commit_of_it(package):
    inside = package.parent.parent / ".venv/lib/package"
    inside.mkdir(parents=True)
    (inside / "__init__.py").write_text("a = 1\n")
    assert commit.__wrapped__(inside) is None


def test_without_repository_or_git_there_is_no_commit(tmp_path):
    assert commit.__wrapped__(tmp_path) is None
    assert commit.__wrapped__(tmp_path / "gone") is None
    code = "from portrayal.core.environment import commit; print(commit())"
    bare = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert bare.stdout == "None\n"


def test_asking_for_the_commit_does_not_touch_the_index(package):
    index = package.parent.parent / ".git/index"
    (package / "core/a.py").touch()  # git would like to refresh its notes about this file
    before = index.stat().st_mtime_ns, index.read_bytes()
    commit.__wrapped__(package)
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before


def test_the_machine_is_told_without_its_name_and_its_user():
    for word in {platform.node(), getpass.getuser(), str(Path.home())} - {"", "localhost"}:
        assert word not in machine()
    assert f"{platform.machine()}, {processor()}, " in machine()
    assert "\n" not in machine()


def test_the_processor_is_called_by_its_name_where_the_system_tells_it(tmp_path):
    told = tmp_path / "cpuinfo"
    told.write_text("processor: 0\nmodel name\t: A: Chip @ 2 GHz \nmodel name: Other\n")
    assert processor(told) == "A: Chip @ 2 GHz"
    told.write_text("processor: 0\n")  # an ARM core
    untold = platform.processor() or "unknown processor"
    assert processor(told) == processor(tmp_path / "none") == untold


def test_everything_fits_into_json_and_more_can_be_added():
    said = environment(place="cpu, float32")
    assert json.loads(json.dumps(said)) == said
    assert said["place"] == "cpu, float32"
    assert said["packages"]["torch"].startswith("2.")
    assert said["portrayal"] and said["python"] == platform.python_version()


def test_a_package_that_came_by_another_way_has_no_version():
    assert installed("no-such-package-at-all") is None
    assert installed("numpy")


def test_the_command_is_what_a_person_would_type():
    code = "from portrayal.core.environment import command; print(command())"
    words = ["train", "my data", "--set", "l1=100,1"]
    asked = [sys.executable, "-c", code, *words]
    typed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert typed == "portrayal train 'my data' --set l1=100,1\n"


def test_the_time_is_utc_to_the_second():
    time = datetime.fromisoformat(now())
    assert time.utcoffset() == timedelta(0)
    assert time.microsecond == 0
    assert abs(datetime.now(time.tzinfo) - time) < timedelta(seconds=30)


def test_the_source_tree_asked_about_is_the_whole_package():
    assert (here.PACKAGE / "recipes").is_dir() and (here.PACKAGE / "core").is_dir()
