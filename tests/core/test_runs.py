"""Files of a run: whole or not at all, and every failure to write is one line."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.core.errors import BadData, CannotWrite
from portrayal.core.runs import (
    REASONS,
    append_line,
    dataset_places,
    read_json,
    read_lines,
    write_atomically,
    write_json,
    writing,
)

values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)
rows = some.dictionaries(some.text(), values, max_size=4)
WRITER = """
import sys
from pathlib import Path
from portrayal.core.runs import write_atomically
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in b"ab":
        write_atomically(path, bytes([letter]) * 3_000_000)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    for content in (b"old", b"", "neu: ü\n"):
        write_atomically(tmp_path / "deep/er/file", content)
        expected = content.encode() if isinstance(content, str) else content
        assert (tmp_path / "deep/er/file").read_bytes() == expected
    assert names(tmp_path / "deep/er") == ["file"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_writing_leaves_no_file_open(tmp_path):
    before = len(names(Path("/proc/self/fd")))
    for _ in range(5):
        write_atomically(tmp_path / "file", b"x")
        append_line(tmp_path / "log.jsonl", {})
    assert len(names(Path("/proc/self/fd"))) == before


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    for pause in (0.0, 0.003, 0.01, 0.017, 0.03, 0.041):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 3_000_000 and len(set(content)) == 1


def test_a_write_beyond_the_limit_of_the_system_keeps_the_old_file_and_is_one_line(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(CannotWrite) as caught:
            write_atomically(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    allowed = "it is larger than the file system or `ulimit -f` allows"
    assert str(caught.value) == f"Cannot write {path}: {allowed}."
    assert path.read_bytes() == b"old" and names(tmp_path) == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_line_for_a_full_disk_is_one_line():
    with pytest.raises(CannotWrite, match=r"/dev/full: the disk is full; free some space and run"):
        append_line(Path("/dev/full"), {"step": 1})


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file/deep", "a file stands where a folder is needed"),
        ("file/deep/er", "a file stands where a folder is needed"),
        ("folder", "a folder stands in its place"),
        ("x" * 300, "the name is too long"),
        ("/proc/portrayal/x", "its folder cannot be made or is gone"),
    ],
)
def test_a_place_that_cannot_hold_a_file_is_named_in_one_line(tmp_path, place, said):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotWrite) as caught:
        write_atomically(tmp_path / place, b"x")
    assert str(caught.value).startswith(f"Cannot write {tmp_path / place}: {said}")
    assert str(caught.value).count("\n") == 0
    assert names(tmp_path) == ["file", "folder"], "no litter"


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
def test_every_known_failure_is_one_line_that_names_the_path(number, tmp_path):
    with pytest.raises(CannotWrite) as caught, writing(tmp_path):
        raise OSError(number, "what the system says", "/other")
    assert str(caught.value) == f"Cannot write {tmp_path}: {REASONS[number]}."


def test_a_failure_nobody_foresaw_keeps_its_traceback(tmp_path):
    with pytest.raises(OSError, match="odd") as caught, writing(tmp_path):
        raise OSError(errno.EBADF, "odd")
    assert not isinstance(caught.value, CannotWrite)
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError


@given(rows)
def test_json_comes_back_as_it_was(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "content.json"
    write_json(path, content)
    assert read_json(path) == content


def test_json_is_readable_by_people(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Jürg", "size": [2, 3]})
    assert '"name": "Jürg"' in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_file_name_that_is_no_text_survives_json(tmp_path):
    """Linux allows any bytes in a name; Python shows such bytes as lone surrogates."""
    name = os.fsdecode(b"caf\xe9.png")
    write_json(tmp_path / "a.json", {"file": name})
    append_line(tmp_path / "a.jsonl", {"file": name})
    assert read_json(tmp_path / "a.json")["file"] == name
    assert next(read_lines(tmp_path / "a.jsonl"))["file"] == name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "cannot be read as JSON"),
        (b'{"a": 1', "cannot be read as JSON"),
        (b"\xff\xfe{}", "cannot be read as JSON"),
        (b"[1]", "holds a list, not a JSON object"),
        (b"[" * 100_000, "cannot be read as JSON"),
        ("folder", "cannot be read: Is a directory"),
    ],
    ids=str,
)
def test_what_is_no_json_object_is_one_line(tmp_path, content, said):
    path = tmp_path / "a.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(BadData) as caught:
        read_json(path)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_lines_come_back_in_order_and_a_missing_file_has_none(tmp_path):
    path = tmp_path / "log.jsonl"
    assert list(read_lines(path)) == []
    for step in range(3):
        append_line(path, {"step": step, "text": "a\nb\u2028ü"})
    assert [row["step"] for row in read_lines(path)] == [0, 1, 2]
    assert len(path.read_bytes().splitlines()) == 3
    assert "ü".encode() in path.read_bytes(), "readable by people"


def test_a_row_that_lacks_only_its_line_break_is_kept(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}')
    append_line(path, {"a": 3})
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a": 3}\n'


@given(some.lists(rows, min_size=1, max_size=4), some.data())
def test_a_file_cut_anywhere_has_the_whole_rows_and_goes_on_after_them(
    tmp_path_factory, content, data
):
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.unlink(missing_ok=True)
    for row in content:
        append_line(path, row)
    whole = path.read_bytes()
    end = data.draw(some.integers(0, len(whole)))
    path.write_bytes(whole[:end])
    kept = list(read_lines(path))
    count = whole[:end].count(b"\n")
    assert kept in (content[:count], content[: count + 1])  # a row may lack only its line break
    append_line(path, {"next": 1})
    assert list(read_lines(path)) == [*kept, {"next": 1}]


def test_a_broken_line_in_the_middle_is_named_with_its_number(tmp_path):
    path = tmp_path / "log.jsonl"
    for broken in (b"{half", b"[1]", b"7", b"\xff\xfe\xfd", b"[" * 100_000):
        path.write_bytes(b'{"a":1}\n\n' + broken + b'\n{"a":2}\n')
        with pytest.raises(BadData, match=r"log.jsonl, line 3 is no JSON object: '") as caught:
            list(read_lines(path))
        assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_lines_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a":1}\nbroken\n')
    assert next(read_lines(path)) == {"a": 1}, "the broken line was not looked at yet"


def test_lines_are_whole_json_at_any_moment_they_are_killed(tmp_path):
    code = """
import sys
from pathlib import Path
from portrayal.core.runs import append_line
print("ready", flush=True)
while True:
    append_line(Path(sys.argv[1]), {"text": "x" * 5000})
"""
    path = tmp_path / "log.jsonl"
    for pause in (0.01, 0.03):
        writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        time.sleep(pause)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert all(row == {"text": "x" * 5000} for row in read_lines(path))
    for line in path.read_bytes().splitlines()[:-1]:
        json.loads(line)


def test_a_dataset_is_found_where_it_was_typed_and_where_the_run_leads_to(tmp_path):
    data = {"path": "datasets/faces", "from_run": "../../datasets/faces"}
    assert dataset_places(tmp_path / "runs" / "a", data) == [
        Path("datasets/faces"),
        tmp_path / "runs" / "a" / "../../datasets/faces",
    ]
    assert dataset_places(tmp_path, {"path": 3}) == dataset_places(tmp_path, None) == []


def test_no_pipe_is_waited_for_and_no_endless_json_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(BadData, match="it is no file"):
        read_json(tmp_path / "pipe.json")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(BadData, match="1099511627776 bytes, at most 33554432 are"):
        read_json(tmp_path / "large.json")
