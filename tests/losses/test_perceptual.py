"""The perceptual loss: maps of length 1, a mean over layers, gradients through the fake only."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.features.frozen import Frozen, imagenet
from portrayal.features.published import MAKERS
from portrayal.features.weights import load
from portrayal.losses.perceptual import LAYERS, Perceptual
from portrayal.recipes.pix2pix import PRESETS

CPU = torch.device("cpu")


class Eyes(Frozen):
    """Two maps: the picture itself, and its four times smaller mean."""

    def layers(self, pictures: Tensor) -> list[Tensor]:
        assert pictures.min() >= 0 and pictures.max() <= 1, "unit pictures"
        return [pictures, F.avg_pool2d(pictures, 2)]


def loss() -> Perceptual:
    return Perceptual(CPU, "facenet", lambda name, device: Eyes())


def pictures(seed: int) -> Tensor:
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_picture_does_not_differ_from_itself():
    assert loss()(pictures(0), pictures(0)).tolist() == [0, 0, 0]


def test_by_hand():
    red = torch.tensor([1.0, -1, -1]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    green = red[:, [1, 0, 2]]
    half = torch.cat([red[..., :2], green[..., 2:]], 3)
    assert loss()(green, red).item() == pytest.approx(2), "two vectors of length 1, orthogonal"
    assert loss()(half, red).item() == pytest.approx(1)
    assert loss()(red * 0.5 - 0.5, red).item() == pytest.approx(0), "half as light, the same hue"


def test_against_a_plain_loop():
    fake, real = pictures(1), pictures(2)
    wanted = []
    for one, two in zip((fake + 1) / 2, (real + 1) / 2, strict=True):
        layers = []
        for scale in (1, 2):
            a, b = (F.avg_pool2d(each[None], scale)[0] for each in (one, two))
            a, b = a / a.norm(dim=0), b / b.norm(dim=0)
            layers.append(float(((a - b) ** 2).sum(0).mean()))
        wanted.append(sum(layers) / 2)
    assert loss()(fake, real).tolist() == pytest.approx(wanted, rel=1e-5)


def test_the_gradient_reaches_the_fake_and_not_the_truth():
    fake, real = pictures(1).requires_grad_(), pictures(2).requires_grad_()
    loss()(fake, real).sum().backward()
    assert fake.grad is not None and fake.grad.abs().sum() > 0
    assert real.grad is None


def test_the_network_is_fetched_once_and_at_the_first_use():
    asked = []

    def fetch(name: str, device: torch.device) -> Frozen:
        asked.append((name, device))
        return Eyes()

    judge = Perceptual(CPU, "vgg16", fetch)
    assert asked == []
    judge(pictures(0), pictures(1))
    judge(pictures(0), pictures(1))
    assert asked == [("vgg16", CPU)]


def test_squeezenet_gets_normalised_pictures():
    class Seen(Frozen):
        def layers(self, pictures: Tensor) -> list[Tensor]:
            return [pictures]

    unit = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(LAYERS["squeezenet1_1"](Seen(), unit)[0], imagenet(unit))
    assert LAYERS["vgg16"](Seen(), unit)[0] is unit, "VGG16.layers normalises by itself"


@pytest.mark.parametrize("judge", ["squeezenet1_1", "facenet"])
def test_real_networks_see_structure(shared, judge):
    def fetch(name: str, device: torch.device) -> Frozen:
        return MAKERS[name](load(name, [shared / "weights"]))

    real = F.interpolate(pictures(3), 64, mode="bicubic").clamp(-1, 1)
    blurred = F.interpolate(F.avg_pool2d(real, 8), 64).clamp(-1, 1)
    near = (real + 0.02).clamp(-1, 1)
    judged = Perceptual(CPU, judge, fetch)
    assert (judged(near, real) < judged(blurred, real)).all()


def test_pix2pix_logs_the_term_only_where_it_has_a_weight():
    from portrayal.core.devices import Place
    from portrayal.data.batch import Batch
    from portrayal.recipes.pix2pix import Pix2pix
    from portrayal.recipes.terms import varied
    from portrayal.training.settings import Settings

    config = varied(PRESETS["quick_64"].config, width=4, discriminator_width=4, perceptual=10.0)
    batch = Batch(torch.zeros(2, 3, 64, 64), torch.ones(2, 3, 64, 64), ["a", "b"])
    recipe = Pix2pix(config, Settings(), Place(CPU))
    recipe.perceptual = loss()
    assert "perceptual" in recipe.step(batch, 0.0)
    plain = Pix2pix(varied(config, perceptual=0.0), Settings(), Place(CPU))
    assert "perceptual" not in plain.step(batch, 0.0)
