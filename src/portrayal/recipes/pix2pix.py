"""pix2pix: image-to-image translation with conditional adversarial networks (Isola et al. 2017).

A U-Net turns the source into a picture, a discriminator judges whether source and picture belong
together, and an L1 term keeps the picture near the truth. Shapes: sources, fakes and targets are
signed, (B, 3, H, W).
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.losses import losses
from portrayal.losses.perceptual import Judge, Perceptual
from portrayal.losses.reconstruction import l1
from portrayal.networks import networks
from portrayal.recipes import Preset, recipes
from portrayal.recipes.terms import Adversarial, Discriminator, Generator, probabilities, weighed
from portrayal.training.schedule import Weight, weight_at
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend, evaluating, frozen


class Config(BaseModel):
    """What the method is. How long, how fast and where is training.Settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    generator: Generator = Field("unet_256", description="network from source to picture")
    discriminator: Discriminator = Field("patch_70", description="judges patches of a pair")
    width: int = Field(
        64, gt=0, le=1024, description="channels after the generator's first convolution"
    )
    discriminator_width: int = Field(64, gt=0, le=1024, description="the same of the discriminator")
    norm: Literal["batch", "instance", "none"] = Field("batch", description="normalisation")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="in the inner levels")
    adversarial: Adversarial = Field("vanilla", description="the game of G and D")
    l1: Weight = Field(100.0, description="weight of |truth - fake|; first,last for a line")
    perceptual: Weight = Field(0.0, description="weight of the difference a network sees")
    perceptual_network: Judge = Field("vgg16", description="that network, pretrained")
    real: float = Field(1.0, gt=0, le=1, description="label of real pairs in D's step")
    translation: Literal["eval", "train_like"] = Field(
        "eval", description="train_like: dropout and batch statistics stay on, as in the paper"
    )

    @model_validator(mode="after")
    def labels_suit_the_loss(self) -> Self:
        """Refuse at the start what the loss would refuse at the first step."""
        if self.adversarial == "hinge" and self.real != 1:
            raise BadOption(
                f"adversarial=hinge knows no soft labels: real must be 1, got {self.real}."
            )
        return self


# Table 1 of the first report is the paper's own table, but for the beta of 0.9999
PRESETS = {
    "paper": Preset(Config(), Settings(), "Isola et al. 2017: 256 pixels, 200 epochs, batch 1"),
    "literal": Preset(
        Config(translation="train_like"),
        Settings(betas=(0.5, 0.9999)),
        "the first report to the letter",
    ),
    "paper_128": Preset(Config(generator="unet_128"), Settings(), "the paper's for 128 pixels"),
    "quick_128": Preset(
        Config(generator="unet_128", width=32, discriminator="patch_34", discriminator_width=32),
        Settings(epochs=60, batch=4, average=0.999),
        "128 pixels on a laptop: half as wide, averaged, an hour for 600 pairs on two cores",
    ),
    "robust_128": Preset(
        Config(
            generator="unet_64",
            width=32,
            discriminator="patch_34",
            discriminator_width=32,
            dropout=0,
            l1=300.0,
            perceptual=30.0,
            perceptual_network="facenet",
        ),
        Settings(steps=9_000, batch=4, learning_rate=4e-4, average=0.999, average_last=0.6667),
        "faces drawn in styles never seen, of prepare --variants; FaceNet's features in the loss",
    ),
    "quick_64": Preset(
        Config(generator="unet_64", width=32, discriminator="patch_16", discriminator_width=32),
        Settings(epochs=20, batch=8, average=0.99),
        "64 pixels, for a first look in minutes",
    ),
}


@recipes
class Pix2pix:
    """The networks, their optimisers and one step of training."""

    paired = True  # source and target must belong together

    def __init__(self, config: Config, settings: Settings, place: Place) -> None:
        self.config, self.place = config, place
        shape = {"norm": config.norm}
        self.generator: nn.Module = place.ready(
            networks[config.generator](width=config.width, dropout=config.dropout, **shape)
        )
        self.discriminator: nn.Module = place.ready(
            networks[config.discriminator](6, width=config.discriminator_width, **shape)
        )
        self.gan_loss = losses[config.adversarial]
        self.perceptual = Perceptual(place.device, config.perceptual_network)
        self.adam_g = adam(self.generator, settings)
        self.adam_d = adam(self.discriminator, settings)

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update D, then G, on one batch. Returns every term, unweighted, and what D believes."""
        config, target = self.config, batch.target
        with self.place.autocast():
            fake = self.generator(batch.source)
            seen = self.discriminator_terms(batch, fake.detach())
        descend((seen["loss_D_real"] + seen["loss_D_fake"]) / 2, self.adam_d)  # halved: sec. 3.3
        with frozen(self.discriminator):
            with self.place.autocast():
                fooled = self.judge(batch.source, fake)
            total, terms = weighed(
                {
                    "adversarial": (1.0, lambda: self.gan_loss(fooled, 1.0, fooling=True)),
                    "l1": (weight_at(config.l1, progress), lambda: l1(fake, target)),
                    "perceptual": (
                        weight_at(config.perceptual, progress),
                        lambda: self.perceptual(fake, target),
                    ),
                }
            )
            descend(total, self.adam_g)
        return {name: value.detach() for name, value in (seen | terms).items()}

    def discriminator_terms(self, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        """D's two losses, the probability it gives to real and fake pairs, and its accuracy."""
        real = self.judge(batch.source, batch.target)
        made = self.judge(batch.source, fake)
        p_real, p_fake = (probabilities(d, self.config.adversarial) for d in (real, made))
        return {
            "loss_D_real": self.gan_loss(real, self.config.real).mean(),
            "loss_D_fake": self.gan_loss(made, 0.0).mean(),
            "p_real": p_real.mean(),
            "p_fake": p_fake.mean(),
            "acc_real": (p_real > 0.5).float().mean(),
            "acc_fake": (p_fake < 0.5).float().mean(),
        }

    def judge(self, source: Tensor, picture: Tensor) -> Tensor:
        """D's raw logits per patch, (B, 1, h, w)."""
        logits: Tensor = self.discriminator(torch.cat([source, picture], dim=1))
        return logits

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Source -> picture, float32. Equal input gives equal output, dropout included."""
        if reverse:
            raise BadOption("pix2pix translates one way; train it with source and target swapped.")
        noisy = self.config.translation == "train_like"
        with evaluating(self.generator, noisy=noisy), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            picture: Tensor = self.generator(source.to(self.place.device))
            return picture.float()

    def exportable(self, *, reverse: bool = False) -> nn.Module:
        """The bare generator."""
        if reverse:
            raise BadOption("pix2pix has one direction only.")
        return self.generator

    @property
    def multiple(self) -> int:
        """Height and width of a source must be multiples of this."""
        return int(2 ** getattr(self.generator, "levels", 0))

    def state(self) -> dict[str, Any]:
        """Everything to save, by name."""
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "adam_g": self.adam_g,
            "adam_d": self.adam_d,
        }
