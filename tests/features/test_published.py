"""The real weights, where they are: they fit to the letter, and they see what they should."""

import json

import numpy as np
import pytest
import torch

from portrayal.core.images import find_pictures, read_pixels, unit
from portrayal.features.crops import aligned, cropped
from portrayal.features.facenet import facenet
from portrayal.features.faces import detector
from portrayal.features.mobilefacenet import mobilefacenet
from portrayal.features.squeezenet import squeezenet1_1

PERSONS = 60
CLASSES = {  # of COCO, and the ImageNet classes that show them
    "zebra": {340},
    "train": {466, 705, 820, 829},
    "bus": {654, 779, 874},
    "bear": {294, 295, 296, 297},
    "cat": {281, 282, 283, 284, 285},
    "boat": {484, 625, 814},
    "keyboard": {508},
    "umbrella": {879},
}


@pytest.fixture(scope="module")
def persons(shared):
    """Two pictures each of PERSONS people, with the largest face: [(pixels, face), ...]."""
    found = []
    find = detector("yunet", shared / "weights")
    for folder in sorted((shared / "data" / "identities").iterdir())[::4]:
        files = sorted(find_pictures(folder))
        pictures = [read_pixels(file) for file in (files[0], files[-1])]
        faces = [find(pixels) for pixels in pictures]
        if len(files) > 1 and all(faces):
            found.append([(p, f[0]) for p, f in zip(pictures, faces, strict=True)])
    assert len(found) >= PERSONS
    return found[:PERSONS]


def area_under_curve(embeddings: torch.Tensor) -> float:
    """How often a pair of one person is closer than a pair of two, from (persons, 2, D)."""
    same = (embeddings[:, 0] * embeddings[:, 1]).sum(1)
    different = (embeddings[:, 0] * embeddings[:, 1].roll(1, 0)).sum(1)
    return float((same[:, None] > different[None]).float().mean())


@pytest.mark.slow
def test_facenet_tells_persons_apart(published, persons):
    """0.989 on 150 + 150 pairs of identities in the notes that come with the weights."""
    network = facenet(published("facenet"))
    with torch.no_grad():
        seen = [
            torch.cat([network(cropped(unit(p)[None], box(f))) for p, f in pair])
            for pair in persons
        ]
    assert area_under_curve(torch.stack(seen)) == pytest.approx(0.989, abs=0.015)


@pytest.mark.slow
def test_mobilefacenet_tells_persons_apart_and_needs_alignment(published, persons):
    """0.974 on 150 + 150 pairs of identities in the notes that come with the weights."""
    network = mobilefacenet(published("mobilefacenet"))
    with torch.no_grad():
        seen, plain = (
            torch.stack(
                [torch.cat([network(cut(unit(p)[None], f)) for p, f in pair]) for pair in persons]
            )
            for cut in (
                lambda picture, face: aligned(picture, torch.tensor([face.points])),
                lambda picture, face: cropped(picture, box(face), 112),
            )
        )
    assert area_under_curve(seen) == pytest.approx(0.974, abs=0.02)
    assert area_under_curve(plain) < area_under_curve(seen) - 0.02


def box(face):
    return torch.tensor([[face.x, face.y, face.w, face.h]], dtype=torch.float32)


def test_the_wrong_range_moves_a_face_far_from_itself(published, persons):
    network = facenet(published("facenet"))
    pixels, face = persons[0][0]
    crop = cropped(unit(pixels)[None], box(face))
    with torch.no_grad():
        right, signed = network(torch.cat([crop, crop * 2 - 1]))
    assert (right * signed).sum() < 0.9


def coco_pictures(shared):
    """(file, class) of pictures in which one thing of CLASSES takes most of the named area."""
    for split in ("train2017", "val2017"):
        notes = json.loads((shared / f"data/coco/annotations/instances_{split}.json").read_text())
        names = {row["id"]: row["name"] for row in notes["categories"]}
        areas: dict[int, dict[str, float]] = {}
        for row in notes["annotations"]:
            things = areas.setdefault(row["image_id"], {})
            name = names[row["category_id"]]
            things[name] = things.get(name, 0) + row["area"]
        for row in notes["images"]:
            things = areas.get(row["id"], {"": 0})
            name = max(things, key=lambda thing: things[thing])
            file = shared / "data" / "coco" / split / row["file_name"]
            large = things[name] > 0.1 * row["width"] * row["height"]
            if name in CLASSES and large and file.is_file():
                yield file, name


def test_squeezenet_names_what_is_in_a_picture(published, shared):
    """Five guesses of 1000: chance would be right in 1 of 100 to 200."""
    network = squeezenet1_1(published("squeezenet1_1"))
    right = [
        bool(
            set(network.logits(unit(read_pixels(file))[None])[0].topk(5).indices.tolist())
            & CLASSES[name]
        )
        for file, name in coco_pictures(shared)
    ]
    assert len(right) >= 8
    assert np.mean(right) >= 0.4


def test_squeezenet_finds_faces_alike_and_noise_apart(published, shared):
    network = squeezenet1_1(published("squeezenet1_1"))
    faces = list(find_pictures(shared / "data" / "faces"))[::150]
    scenes = list(find_pictures(shared / "data" / "coco"))[::12]
    with torch.no_grad():
        first, second = (
            torch.nn.functional.normalize(
                torch.cat([network(unit(read_pixels(file))[None]) for file in files])
            )
            for files in (faces, scenes)
        )
    alike = (first @ first.T)[~torch.eye(len(first), dtype=torch.bool)].mean()
    apart = (first @ second.T).mean()
    assert alike > apart + 0.2, (alike, apart)
