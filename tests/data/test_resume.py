"""Killed with SIGKILL at any time and run again, or split into shards: the same bytes."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from portrayal.core.errors import BadData, BadOption, CannotWrite, Interrupted
from portrayal.core.images import encode_png
from portrayal.core.locks import locked
from portrayal.core.seeds import numpy_rng
from portrayal.data.options import Options
from portrayal.data.prepare import prepare
from portrayal.data.sources.folder import folder
from portrayal.data.sources.shapes import shapes

COUNT = 60
OPTIONS = Options(filter=["pencil"], size="64", bad_limit=0.1, duplicates="drop")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, make):
    """Pictures with a few copies and a few damaged files."""
    place = tmp_path_factory.mktemp("pictures") / "in"
    make.photos(place, COUNT)
    for index in (3, 4, 5):
        make.save(place / f"copy{index}.jpg", make.photo(index))
    (place / "empty.png").write_bytes(b"")
    (place / "cut.png").write_bytes(encode_png(make.photo(77))[:300])
    return place


@pytest.fixture(scope="module")
def unbroken(pictures, tmp_path_factory, make):
    out = tmp_path_factory.mktemp("unbroken") / "out"
    prepare(folder(pictures), out, OPTIONS, workers=1)
    return make.tree(out)


def start(pictures, out, workers):
    command = [sys.executable, "-m", "portrayal", "prepare", "folder", str(pictures)]
    command += ["--filter", "pencil", "--size", "64", "--bad-limit", "0.1"]
    command += ["--duplicates", "drop", "--out", str(out), "--workers", str(workers)]
    with (out.parent / "messages").open("w") as messages:
        return subprocess.Popen(command, stderr=messages, stdout=subprocess.DEVNULL)


def messages(out):
    """What the last process said."""
    return (out.parent / "messages").read_text()


def progress(out):
    """How far the work is: 0 nothing, 1 scanning, 2 and more: pictures written."""
    partial = out / ".partial"
    if not partial.exists():
        return 0
    return 1 + sum(1 for _ in partial.glob("pictures/*/*/*.png"))


def kill_at(process, out, amount):
    """SIGKILL once the work has come so far; False if it was finished before."""
    while process.poll() is None:
        if progress(out) >= amount:
            process.kill()
            process.wait()
            return True
        time.sleep(0.002)
    assert process.returncode == 0, messages(out)
    return False


def test_killed_again_and_again_it_ends_with_the_same_bytes(pictures, unbroken, make, tmp_path):
    out = tmp_path / "out"
    rng = numpy_rng("kills")
    points = [1, 2, *sorted(rng.integers(3, 2 * COUNT, 3).tolist())]
    killed = [kill_at(start(pictures, out, 1), out, point) for point in points]
    assert sum(killed) >= 4
    last = start(pictures, out, 1)
    assert last.wait() == 0, messages(out)
    found = make.tree(out)
    ours, theirs = (json.loads(each.pop("manifest.json")) for each in (found, dict(unbroken)))
    assert found == {name: each for name, each in unbroken.items() if name != "manifest.json"}
    assert ours.pop("command") != theirs.pop("command")
    assert ours.pop("options").items() >= {}.items()
    theirs.pop("options")
    assert ours == theirs


def test_what_is_done_is_not_done_again(pictures, tmp_path):
    """A source that is interrupted at its n-th picture counts how often each was read."""
    reads: Counter[str] = Counter()
    real, out = folder(pictures), tmp_path / "out"

    def source(stop):
        def load(name):
            if sum(reads.values()) == stop:
                raise KeyboardInterrupt
            reads[name] += 1
            return real.load(name)

        return replace(real, load=load)

    total = sum(1 for _ in real.names())
    for stop in (20, total + 15):
        with pytest.raises(Interrupted, match="same command"):
            prepare(source(stop), out, OPTIONS, workers=1)
    prepare(source(-1), out, OPTIONS, workers=1)
    assert set(reads.values()) == {1, 2}  # once looked at, once written; dropped ones only once
    assert sum(count == 1 for count in reads.values()) == 5


def test_a_picture_that_lost_its_end_is_written_again(pictures, unbroken, make, tmp_path):
    """As after a power cut: the row is there, the file is not whole."""
    out = tmp_path / "out"
    for index in (1, 2, 3):
        prepare(folder(pictures), out, OPTIONS, workers=1, shard=(index, 3))
    prepare(folder(pictures), out, OPTIONS, workers=1, shard=(1, 3))
    for done in (out / ".partial").glob("write-*.done"):
        done.unlink()
    written = sorted((out / ".partial" / "pictures").rglob("*.png"))
    written[0].write_bytes(b"")
    written[-1].write_bytes(written[-1].read_bytes()[:-5])
    for index in (1, 2, 3):
        prepare(folder(pictures), out, OPTIONS, workers=1, shard=(index, 3))
    assert make.tree(out) == unbroken


def test_workers_end_with_a_killed_parent_and_the_rest_is_the_same(
    pictures, unbroken, make, tmp_path
):
    out = tmp_path / "out"
    process = start(pictures, out, 2)
    workers: set[int] = set()
    while process.poll() is None and progress(out) < COUNT // 2:
        workers |= set(children(process.pid))
    process.kill()
    process.wait()
    assert len(workers) >= 2
    deadline = time.monotonic() + 600
    while alive(workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(workers)
    last = start(pictures, out, 2)
    assert last.wait() == 0, messages(out)
    assert {n: c for n, c in make.tree(out).items() if n != "manifest.json"} == {
        n: c for n, c in unbroken.items() if n != "manifest.json"
    }


def children(parent):
    """Processes whose parent is `parent`."""
    return [pid for pid, above in parents() if above == parent]


def alive(processes):
    """Those that still run."""
    return [pid for pid, _ in parents() if pid in processes]


def parents():
    """(process, its parent) of all that run."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            yield int(place.parent.name), int(parent)


def test_a_stop_by_ctrl_c_keeps_what_is_done(pictures, make, unbroken, tmp_path):
    out = tmp_path / "out"
    process = start(pictures, out, 1)
    while progress(out) < 10 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert "same command" in messages(out)
    again = prepare(folder(pictures), tmp_path / "x", OPTIONS, workers=1)
    assert again.state == "finished"


@pytest.mark.parametrize("point", ["written", "moved one", "moved all", "manifest"])
def test_killed_while_moving_to_the_end_it_ends_the_same(pictures, unbroken, make, tmp_path, point):
    out = tmp_path / "out"
    prepare(folder(pictures), out, OPTIONS, workers=1)
    partial = out / ".partial"
    (partial / "pictures").mkdir(parents=True)
    if point != "manifest":
        (out / "manifest.json").rename(partial / "manifest.json")
    if point in ("written", "moved one"):
        (out / "rejected.jsonl").rename(partial / "rejected.jsonl")
        (out / "test").rename(partial / "pictures" / "test")
    if point == "written":
        for split in ("train", "val"):
            (out / split).rename(partial / "pictures" / split)
    (partial / "scan-1-of-1.sqlite").write_text("left over")
    options = json.loads((partial / "manifest.json").read_text()) if point != "manifest" else None
    if options:
        kept = {**options["options"], "shards": 1, "version": options["version"]}
        (partial / "options.json").write_text(json.dumps(kept))
    assert prepare(folder(pictures), out, OPTIONS, workers=1).state == "finished"
    assert make.tree(out) == unbroken


def test_shards_in_any_order_end_with_the_same_bytes(pictures, unbroken, make, tmp_path):
    out = tmp_path / "out"

    def part(index):
        return prepare(folder(pictures), out, OPTIONS, workers=1, shard=(index, 3))

    assert [part(index).state for index in (2, 3)] == ["scanned", "scanned"]
    assert part(2).done == 2
    assert [part(index).state for index in (1, 3)] == ["written", "written"]
    assert not (out / "manifest.json").exists()
    assert part(2).state == "finished"
    assert make.tree(out) == unbroken
    assert part(1).again


def test_of_shards_that_finish_at_once_one_puts_the_dataset_together(pictures, make, tmp_path):
    out = tmp_path / "out"

    def part(index):
        options = Options(size="32")
        return prepare(shapes(count=9, size=32), out, options, workers=1, shard=(index, 3))

    for index in (1, 2, 3, 1):
        part(index)
    with locked(out / ".partial" / "lock-merge", out):  # another shard is at it
        late = part(2)
    assert (late.state, late.done) == ("written", 3)
    assert part(2).state == "finished"


def test_shards_with_other_options_or_another_number_are_refused(pictures, tmp_path):
    out = tmp_path / "out"
    prepare(shapes(count=9, size=32), out, Options(size="32"), workers=1, shard=(1, 3))
    with pytest.raises(CannotWrite, match="begun with shards 3, not 4"):
        prepare(shapes(count=9, size=32), out, Options(size="32"), workers=1, shard=(2, 4))
    with pytest.raises(CannotWrite, match="begun with seed 0, not 5"):
        prepare(shapes(count=9, size=32), out, Options(size="32", seed=5), workers=1, shard=(2, 3))
    for wrong in ((0, 3), (4, 3)):
        with pytest.raises(BadOption, match="--shard"):
            prepare(shapes(count=9, size=32), out, Options(size="32"), workers=1, shard=wrong)


def test_before_anything_is_written_other_options_are_welcome(pictures, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(BadOption, match="no subject"):
        prepare(shapes(count=9, size=32), out, Options(size="32", subject="zz"), workers=1)
    scans = (out / ".partial" / "scan-1-of-1.sqlite").stat().st_ino
    with pytest.raises(BadOption, match="fits no picture"):
        prepare(shapes(count=9, size=32), out, Options(size="32", test_names="zz"), workers=1)
    assert (out / ".partial" / "scan-1-of-1.sqlite").stat().st_ino == scans  # kept
    with pytest.raises(BadData, match="too small: 9"):  # the scan knew no such rule
        prepare(shapes(count=9, size=32), out, Options(size="32", min_side=40), workers=1)
    assert prepare(shapes(count=9, size=32), out, Options(size="48"), workers=1).state == "finished"
