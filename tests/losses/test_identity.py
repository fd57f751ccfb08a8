"""The face identity loss: same picture, same crop, gradient through the picture only."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.core.devices import Place
from portrayal.core.errors import BadData, MissingPart
from portrayal.core.images import read_pixels, signed
from portrayal.data.batch import Batch
from portrayal.features.faces import Face
from portrayal.features.weights import load
from portrayal.losses.identity import PROBED, FaceIdentity, distance
from portrayal.recipes.cyclegan import PRESETS, CycleGAN
from portrayal.recipes.terms import varied
from portrayal.training.settings import Settings

CPU = torch.device("cpu")


class Embedder(nn.Module):
    """A frozen random embedding of crops, (B, 3, 160, 160) -> (B, 8) of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 16, 8).requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        assert faces.min() >= 0 and faces.max() <= 1, "unit crops"
        return F.normalize(self.layer(F.adaptive_avg_pool2d(faces, 4).flatten(1) - 0.5))


class Finder:
    """Says where the faces are, and counts how often it was asked."""

    def __init__(self, faces: list[Face]) -> None:
        self.faces, self.asked = faces, 0

    def __call__(self, pixels: object) -> list[Face]:
        self.asked += 1
        return self.faces


FACE = Face(8, 8, 16, 16, 1.0)


def loss_with(faces: list[Face]) -> FaceIdentity:
    torch.manual_seed(0)
    return FaceIdentity(CPU, Embedder(), Finder(faces))


def pictures(count: int = 3, seed: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 32, 32, generator=rng) * 2 - 1


def test_a_picture_is_as_far_from_itself_as_can_be_expected():
    loss, start = loss_with([FACE]), pictures()
    assert loss(start, start).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    values = loss(start, -start)
    assert values.shape == (3,)
    assert (values > 0.01).all()
    assert (values <= 2).all()


def test_permuting_the_batch_changes_the_loss():
    loss, start, fake = loss_with([FACE]), pictures(), pictures(seed=2)
    straight, crossed = loss(start, fake), loss(start, fake.flip(0))
    assert not torch.allclose(straight, crossed, atol=1e-3)
    torch.testing.assert_close(loss(start.flip(0), fake.flip(0)), straight.flip(0))


def test_it_is_half_the_squared_distance_of_unit_embeddings():
    torch.manual_seed(0)
    one, two = (F.normalize(torch.randn(20, 512)) for _ in range(2))
    half = (one - two).square().sum(1) / 2
    torch.testing.assert_close(distance(one, two), half, atol=1e-6, rtol=0)


def test_the_gradient_goes_through_the_fake_alone_and_only_inside_the_crop():
    loss, start = loss_with([FACE]), pictures().requires_grad_()
    fake = pictures(seed=2).requires_grad_()
    loss(start, fake).sum().backward()
    assert start.grad is None
    assert fake.grad[:, :, 10:22, 10:22].abs().max() > 0
    assert fake.grad[:, :, :5].abs().max() == 0
    assert all(p.grad is None for p in loss.embedder.parameters())


def test_a_picture_without_a_face_has_no_say():
    loss, fake = loss_with([]), pictures(seed=2).requires_grad_()
    values = loss(pictures(), fake)
    assert values.tolist() == [0, 0, 0]
    values.sum().backward()
    assert fake.grad.abs().max() == 0


def test_some_with_and_some_without():
    loss, start, fake = loss_with([FACE]), pictures(), pictures(seed=2)
    whole = loss(start, fake)
    key = list(loss.boxes)[1]
    loss.boxes[key] = None
    values = loss(start, fake)
    assert values[1] == 0
    torch.testing.assert_close(values[[0, 2]], whole[[0, 2]])


def test_a_picture_is_looked_at_once_and_known_by_its_content():
    loss, start = loss_with([FACE]), pictures()
    for _ in range(3):
        loss(start, start.clone())
    assert loss.finder.asked == 3
    loss(start.flip(3), start)
    assert loss.finder.asked == 6, "a mirrored picture has its face elsewhere"


def test_the_largest_face_is_taken():
    loss = loss_with([FACE, Face(0, 0, 4, 4, 1.0)])
    loss(pictures(1), pictures(1))
    assert list(loss.boxes.values()) == [(8, 8, 16, 16)]


def test_under_half_of_the_sources_with_a_face_is_refused_in_one_line():
    loss = loss_with([])
    loss(pictures(PROBED - 1), pictures(PROBED - 1))
    with pytest.raises(BadData, match=f"Only 0 of the first {PROBED} sources have a face") as said:
        loss(pictures(1, seed=3), pictures(1))
    assert "\n" not in str(said.value)


def test_exactly_half_is_enough_and_paintings_are_not_counted():
    loss, half = loss_with([FACE]), PROBED // 2
    loss(pictures(half), pictures(half))
    loss.finder.faces = []
    loss(pictures(PROBED, seed=4), pictures(PROBED), counted=False)
    loss(pictures(half, seed=3), pictures(half))
    assert sum(loss.probed.values()) == half == PROBED - half


def test_bfloat16_fakes_are_embedded_in_float32():
    loss, start, fake = loss_with([FACE]), pictures(), pictures(seed=2)
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(start, fake.bfloat16())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, loss(start, fake), atol=0.02, rtol=0)


def test_missing_weights_are_said_at_the_first_step_and_not_when_translating(tmp_path):
    config = varied(
        PRESETS["face_identity"].config, generator="resnet_6", width=2, discriminator="patch_16"
    )
    recipe = CycleGAN(config, Settings(), Place(CPU))
    recipe.faces = FaceIdentity(
        CPU, None, Finder([FACE]), fetch=lambda: load("facenet", [tmp_path], offline=True)
    )
    recipe.translate(pictures(1))
    with pytest.raises(MissingPart, match="FaceNet") as said:
        recipe.step(Batch(pictures(1), pictures(1, 2), ["a"]), 0.0)
    assert str(tmp_path) in str(said.value)
    assert "\n" not in str(said.value)


def test_with_facenet_a_face_is_nearer_to_itself_than_to_others(shared):
    weights = load(shared / "weights" / "facenet_fp16.safetensors")
    from portrayal.features.facenet import facenet

    loss = FaceIdentity(CPU, facenet(weights), Finder([Face(24, 24, 80, 80, 1.0)]))
    files = sorted((shared / "data" / "faces").rglob("*.*"))
    faces = [f for f in files if f.suffix in (".png", ".jpg")][:2]
    start = torch.stack([signed(read_pixels(file)) for file in faces])
    start = F.interpolate(start, (128, 128), mode="bilinear", antialias=True)
    fake = (start * 0.9).requires_grad_()
    same, other = loss(start, fake), loss(start, start.flip(0))
    assert (same < 0.1).all()
    assert (other > 0.3).all()
    same.sum().backward()
    assert fake.grad.abs().max() > 0
    assert all(not p.requires_grad for p in loss.embedder.parameters())
