"""`portrayal inspect` as it is typed."""

import json

from portrayal.cli import answer
from portrayal.core.images import encode_png, read_pixels
from portrayal.data.sources.shapes import draw


def said(capsys, *arguments):
    code = answer([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_a_dataset_is_inspected_into_its_own_folder_and_stays_the_same(tmp_path, capsys):
    prepare = ("prepare", "shapes", "--count", 12, "--workers", 1, "--out", tmp_path / "data")
    said(capsys, *prepare)
    before = (tmp_path / "data" / "manifest.json").read_bytes()
    code, text, _ = said(capsys, "inspect", tmp_path / "data", "--no-faces", "--workers", 1)
    assert code == 0
    assert "train" in text and "64x64" in text and "Leaks across splits: none" in text
    found = json.loads((tmp_path / "data" / "inspect" / "inspect.json").read_text())
    assert found["splits"]["train"]["pictures"] == 10
    assert read_pixels(tmp_path / "data" / "inspect" / "contact_sheet.png").ndim == 3
    assert (tmp_path / "data" / "manifest.json").read_bytes() == before
    assert "was finished before" in said(capsys, *prepare)[1]


def test_a_folder_of_pictures_is_inspected_elsewhere(tmp_path, capsys):
    place = tmp_path / "in"
    place.mkdir()
    for index in (1, 2):
        picture = draw(64, 0, f"shape_{index:06d}").target
        (place / f"{index}.png").write_bytes(encode_png(picture))
    (place / "copy.png").write_bytes((place / "1.png").read_bytes())
    (place / "bad.png").write_bytes(b"")
    code, text, _ = said(
        capsys, "inspect", place, "--no-faces", "--workers", 1, "--out", tmp_path / "look"
    )
    assert code == 0
    assert "2 pictures in 1 group" in text and "bad.png: empty file" in text
    assert sorted(path.name for path in (tmp_path / "look").iterdir()) == [
        "contact_sheet.png",
        "inspect.json",
    ]
    assert len(list(place.iterdir())) == 4


def test_a_leak_is_shouted(tmp_path, capsys):
    for split, index in (("train", 1), ("test", 1), ("val", 2)):
        for side in ("source", "target"):
            place = tmp_path / "data" / split / side
            place.mkdir(parents=True)
            picture = getattr(draw(64, 0, f"shape_{index:06d}"), side)
            (place / "x.png").write_bytes(encode_png(picture))
    text = said(capsys, "inspect", tmp_path / "data", "--no-faces", "--workers", 1)[1]
    assert "LEAK: 1 group of near-duplicates in more than one split" in text


def test_bad_input_is_one_line(tmp_path, capsys):
    for arguments in ((tmp_path / "nope",), (tmp_path,), (tmp_path, "--workers", 0)):
        code, _, error = said(capsys, "inspect", *arguments)
        assert code == 2 and len(error.splitlines()) == 1
