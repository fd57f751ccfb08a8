"""Which files are pictures, and in which order they are found."""

import pytest

from portrayal.core.errors import BadData
from portrayal.core.images import SUFFIXES, find_pictures, is_picture_name, stem_of


def test_names_decide_without_regard_to_case():
    for name in (
        "a.jpg",
        "A.JPEG",
        "b.Png",
        "c.ppm.bz2",
        "d.PGM.BZ2",
        "e.tif",
        "f.webp",
        "x.y.gif",
    ):
        assert is_picture_name(name)
    for name in (
        "Thumbs.db",
        "a.txt",
        "jpg",
        ".jpg",
        "._a.jpg",
        "a.bz2",
        "a.png.bz2",
        "a.jpg.part",
    ):
        assert not is_picture_name(name)


def test_stems_lose_their_whole_suffix_and_nothing_else():
    stems = {stem_of(f"folder.d/a.b{suffix}") for suffix in SUFFIXES}
    assert stems == {"a.b"}
    assert stem_of("a.PPM.bz2") == "a" and stem_of("notes.txt") == "notes.txt"


def test_pictures_are_found_in_path_order_without_system_files(tmp_path):
    names = ["b/2.png", "b/10.jpg", "a.png", "b.jpg", "c/d/e.ppm.bz2", "é.webp"]
    junk = [
        ".hidden/x.png",
        "__MACOSX/x.png",
        "@eaDir/x.jpg",
        "b/Thumbs.db",
        "b/.DS_Store",
        "x.txt",
    ]
    for name in names + junk:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path) for path in find_pictures(tmp_path)]
    assert sorted(str(path) for path in found) == sorted(names)
    assert found == sorted(found, key=lambda path: path.parts)


def test_links_are_followed_once_and_loops_end(tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "1.png").write_bytes(b"")
    (tmp_path / "a" / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    assert [path.name for path in find_pictures(tmp_path)] == ["1.png"]


def test_a_dangling_link_is_found_so_that_it_is_named_as_missing(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert [path.name for path in find_pictures(tmp_path)] == ["gone.png"]


def test_a_missing_folder_and_a_file_are_refused(tmp_path):
    (tmp_path / "file.png").write_bytes(b"")
    with pytest.raises(BadData, match="does not exist"):
        list(find_pictures(tmp_path / "nothing"))
    with pytest.raises(BadData, match="is a file, not a folder"):
        list(find_pictures(tmp_path / "file.png"))
