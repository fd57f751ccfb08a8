"""What a run writes down, and what it takes back when it resumes from an earlier step."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.core.errors import BadData, CannotWrite
from portrayal.core.runs import append_line, read_lines
from portrayal.training.journal import Journal, forget_after, is_sample_step


def steps_in(path) -> list[int]:
    return [row["step"] for row in read_lines(path)]


def test_every_kind_of_note_goes_to_its_file(tmp_path):
    journal = Journal(tmp_path / "new/run", 0, writes=True)
    journal.log(1, {"l1": 0.5})
    journal.score(2, {"scores": {"ssim": 0.7}})
    journal.sample(2, b"png")
    run = tmp_path / "new/run"
    assert list(read_lines(run / "log.jsonl")) == [{"step": 1, "l1": 0.5}]
    assert list(read_lines(run / "scores.jsonl")) == [{"step": 2, "scores": {"ssim": 0.7}}]
    assert (run / "samples/step_00000002.png").read_bytes() == b"png"


def test_a_rank_that_does_not_write_leaves_nothing_and_cuts_nothing(tmp_path):
    append_line(tmp_path / "log.jsonl", {"step": 5})
    silent = Journal(tmp_path, 0, writes=False)
    silent.log(1, {})
    silent.score(1, {})
    silent.sample(1, b"png")
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    assert steps_in(tmp_path / "log.jsonl") == [5]


def test_a_resumed_run_forgets_what_it_will_do_again(tmp_path):
    journal = Journal(tmp_path, 0, writes=True)
    for step in range(1, 9):
        journal.log(step, {"text": "ü"})
        journal.score(step, {})
    resumed = Journal(tmp_path, 5, writes=True)
    resumed.log(6, {})
    assert steps_in(tmp_path / "log.jsonl") == [1, 2, 3, 4, 5, 6]
    assert steps_in(tmp_path / "scores.jsonl") == [1, 2, 3, 4, 5]


@given(some.integers(0, 12), some.integers(0, 130))
def test_wherever_the_log_was_cut_it_goes_on_whole(tmp_path_factory, done, cut):
    path = tmp_path_factory.getbasetemp() / "cut_log.jsonl"
    path.unlink(missing_ok=True)
    for step in range(1, 11):
        append_line(path, {"step": step})
    path.write_bytes(path.read_bytes()[:cut])
    whole = steps_in(path)
    forget_after(path, done)
    assert steps_in(path) == [step for step in whole if step <= done]
    append_line(path, {"step": done + 1})
    assert steps_in(path) == [*(step for step in whole if step <= done), done + 1]


def test_a_log_with_nothing_to_forget_is_not_touched(tmp_path):
    path = tmp_path / "log.jsonl"
    for step in (1, 2):
        append_line(path, {"step": step})
    before = path.stat()
    forget_after(path, 2)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    forget_after(path, 0)
    assert path.read_bytes() == b""
    forget_after(tmp_path / "none.jsonl", 2)
    assert not (tmp_path / "none.jsonl").exists()


def test_a_log_broken_in_the_middle_is_named_and_left_as_it_is(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(BadData, match=r"log\.jsonl, line 2"):
        Journal(tmp_path, 9, writes=True)
    assert path.read_bytes().count(b"\n") == 3


def test_a_long_log_is_not_held_in_memory(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f'{{"step": {step}, "text": "{"x" * 90}"}}\n' for step in range(20000)))
    tracemalloc.start()
    forget_after(path, 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000
    assert steps_in(path)[-1] == 10_000


def test_a_run_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="a file stands where a folder is needed"):
        Journal(tmp_path / "file/run", 0, writes=True)


def test_samples_are_drawn_ever_more_seldom_and_at_the_end():
    drawn = [done for done in range(1, 7001) if is_sample_step(done, 7000)]
    assert drawn == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 7000]
    assert not is_sample_step(0, 10)
    assert is_sample_step(3, 3)
