"""Names: kept, mirrored, never shared by two inputs."""

import os
from pathlib import Path

import pytest

from portrayal.core.errors import BadData, BadOption
from portrayal.inference.jobs import find_jobs, in_shard, output_names, parse_shard


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(source, out, suffix="png"):
    return {job.name: str(job.output.relative_to(out)) for job in find_jobs(source, out, suffix)}


def test_a_tree_is_mirrored_with_its_names_and_what_is_no_picture_is_ignored(tmp_path):
    source = touch(
        tmp_path / "in", "a.jpg", "b/c.PNG", "b/d/ö ü.ppm.bz2", "Thumbs.db", ".hidden.png", "x.txt"
    )
    assert names(source, tmp_path / "out") == {
        "a.jpg": "a.png",
        "b/c.PNG": "b/c.png",
        "b/d/ö ü.ppm.bz2": "b/d/ö ü.png",
    }


def test_formats_are_kept_where_such_a_file_can_be_marked(tmp_path):
    source = touch(tmp_path / "in", "a.JPG", "b.webp", "c.png", "d.bmp", "e.tif", "f.gif")
    assert list(names(source, tmp_path / "out", "keep").values()) == [
        "a.JPG",
        "b.webp",
        "c.png",
        "d.png",
        "e.png",
        "f.png",
    ]


def test_two_inputs_never_share_an_output(tmp_path):
    folder = touch(tmp_path, "a.png", "a.jpg", "a.webp", "b.jpg", "b.bmp", "c.gif")
    assert output_names(folder, "png") == {
        "a.png": "a.png",
        "a.jpg": "a.jpg.png",
        "a.webp": "a.webp.png",
        "b.jpg": "b.jpg.png",
        "b.bmp": "b.bmp.png",
        "c.gif": "c.png",
    }


def test_names_that_cannot_be_told_apart_are_refused(tmp_path):
    folder = touch(tmp_path, "a.png", "a.jpg", "a.jpg.png")
    with pytest.raises(BadData, match=r"a\.jpg, a\.jpg\.png would all become a\.jpg\.png"):
        output_names(folder, "png")


def test_pictures_of_one_name_in_two_folders_are_not_confused(tmp_path):
    source = touch(tmp_path / "in", "a/x.png", "b/x.jpg")
    assert names(source, tmp_path / "out") == {"a/x.png": "a/x.png", "b/x.jpg": "b/x.png"}


def test_outputs_inside_the_input_folder_are_not_translated_again(tmp_path):
    source = touch(tmp_path, "a.png", "painted/a.png", "painted/b/c.png", "b/d.png")
    found = names(source, tmp_path / "painted")
    assert found == {"a.png": "a.png", "b/d.png": "b/d.png"}


def test_writing_over_the_input_is_refused(tmp_path):
    source = touch(tmp_path / "in", "a.png")
    for same in (source, tmp_path / "in" / ".." / "in"):
        with pytest.raises(BadOption, match="input folder"):
            list(find_jobs(source, same))
    with pytest.raises(BadOption, match="the input itself"):
        list(find_jobs(source / "a.png", source))
    with pytest.raises(BadOption, match="the input itself"):
        list(find_jobs(source / "a.png", source / "a.png"))


@pytest.mark.parametrize(
    ("out", "suffix", "wanted"),
    [
        ("b.png", "png", "b.png"),
        ("b.jpg", "png", "b.jpg"),  # the name says more than the option
        ("folder", "webp", "folder/a.webp"),
        ("folder.d", "keep", "folder.d/a.jpg"),
    ],
)
def test_one_picture_goes_to_a_file_or_into_a_folder(tmp_path, out, suffix, wanted):
    source = touch(tmp_path / "in", "a.jpg") / "a.jpg"
    assert names(source, tmp_path, suffix)["a.jpg"] == f"a.{'jpg' if suffix == 'keep' else suffix}"
    (job,) = find_jobs(source, tmp_path / out, suffix)
    assert job.output == tmp_path / wanted


def test_a_folder_into_a_file_is_refused(tmp_path):
    source = touch(tmp_path / "in", "a.png")
    (tmp_path / "out").touch()
    with pytest.raises(BadOption, match="is a file"):
        list(find_jobs(source, tmp_path / "out"))


def test_nothing_to_do_is_said_with_what_would_be_a_picture(tmp_path):
    with pytest.raises(BadData, match="does not exist"):
        list(find_jobs(tmp_path / "nowhere", tmp_path / "out"))
    with pytest.raises(BadData, match=r"holds no pictures.*\.png"):
        list(find_jobs(touch(tmp_path / "in", "notes.txt"), tmp_path / "out"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BadData, match="INPUT -"):
        list(find_jobs(tmp_path / "pipe.png", tmp_path / "out"))


def test_parts_are_disjoint_complete_and_do_not_move_when_files_are_added(tmp_path):
    source = touch(tmp_path / "in", *(f"{i}.png" for i in range(200)))
    parts = [
        {job.name for job in find_jobs(source, tmp_path / "out") if in_shard(job, i, 4)}
        for i in (1, 2, 3, 4)
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 200
    assert min(map(len, parts)) > 25
    touch(source, *(f"new/{i}.png" for i in range(50)))
    again = {job.name for job in find_jobs(source, tmp_path / "out") if in_shard(job, 1, 4)}
    assert parts[0] == {name for name in again if Path(name).parent == Path()}


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", "", "1/2/3"])
def test_a_part_that_does_not_exist_is_refused(text):
    with pytest.raises(BadOption, match="I/N"):
        parse_shard(text)


def test_jobs_are_a_stream(tmp_path):
    source = touch(tmp_path / "in", "a.png", "b.png")
    jobs = find_jobs(source, tmp_path / "out")
    assert next(jobs).name == "a.png"
    (source / "b.png").unlink()
    assert [job.name for job in jobs] in (["b.png"], [])
