"""Completion: the students' feed-forward variant of the contextual GAN (the third report).

A joint picture, sketch | photo, goes in with its photo half masked and comes out whole: an encoder,
a bottleneck, the contextual GAN's generator. D judges joint pictures; D and G learn in turns.
docs/deviations.md names what was wrong in the students' code. Shapes: halves are signed,
(B, 3, S, S), joint pictures (B, 3, S, 2S).
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.losses import losses
from portrayal.losses.contextual import Direction, Mass, kl
from portrayal.losses.penalties import r1
from portrayal.losses.reconstruction import l1
from portrayal.networks.completion import Encoder, completer
from portrayal.networks.joint import joint_discriminator
from portrayal.recipes import Preset, recipes
from portrayal.recipes.joint import diversity, halves, joined, require_size
from portrayal.recipes.terms import Adversarial, Terms, judgement, varied, weighed
from portrayal.training.schedule import Weight, weight_at
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend, evaluating, frozen


class Config(BaseModel):
    """What the method is. How long, how fast and where is training.Settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: Literal[64, 128] = Field(64, description="side of a half in pixels")
    encoder: Encoder = Field("convolutions", description="what reads the masked joint picture")
    latent: int = Field(512, gt=0, le=16384, description="numbers in the bottleneck")
    width: int = Field(64, gt=0, le=1024, description="channels before the last layer")
    discriminator_width: int = Field(64, gt=0, le=1024, description="channels of D's first layer")
    norm: Literal["batch", "instance", "none"] = Field("batch", description="normalisation in G")
    discriminator_norm: Literal["batch", "instance", "none"] = Field(
        "batch", description="normalisation in D"
    )
    kernel: Literal[4, 5] = Field(5, description="side of the convolutions' kernels")
    slope: float = Field(0.2, ge=0, lt=1, description="of G's ReLUs below 0")
    fill: float = Field(0.0, ge=-1, le=1, description="value of the masked half; 1 is white")
    mask: bool = Field(True, description="a fourth input channel: 1 where the picture is known")
    adversarial: Adversarial = Field("vanilla", description="the game of G and D")
    adversarial_weight: Weight = Field(0.01, description="weight of fooling D")
    contextual: Weight = Field(0.99, description="weight of KL between grey pictures")
    region: Literal["sketch", "photo", "joint"] = Field("sketch", description="where KL looks")
    l1: Weight = Field(1.0, description="weight of |truth - photo|, without which no colour is")
    direction: Direction = Field("input_generated", description="of KL: KL(input || generated)")
    mass: Mass = Field("paper", description="what KL compares: grey levels, or ink = 1 - grey")
    floor: float = Field(1e-8, gt=0, le=1, description="mass of a pixel that has none")
    turn: int = Field(5, ge=0, le=10_000, description="batches in turn for D, then G; 0 = both")
    spectral: bool = Field(False, description="spectral normalisation of D")
    r1: float = Field(0.0, ge=0, description="weight gamma of R1, D's gradient at real pictures")


BASE = Config()
LITERAL = varied(BASE, encoder="literal", slope=0.3, fill=1.0, mask=False, region="joint", l1=0.0)
QUICK = varied(
    BASE,
    latent=256,
    width=32,
    discriminator_width=32,
    kernel=4,
    mass="ink",
    floor=0.05,
    l1=10.0,
    turn=1,
)
LONG = Settings(epochs=200, batch=128, decay=0, enlarge=1, flip=False)
PRESETS = {
    "paper": Preset(BASE, LONG, "the students' variant with a bottleneck, and colour by L1"),
    "literal": Preset(LITERAL, LONG, "their sizes and losses to the letter: 403 M weights, grey"),
    "quick_64": Preset(
        QUICK,
        Settings(epochs=60, batch=32, average=0.99, channels_last=True),
        "half as wide, averaged, in half an hour",
    ),
}


class Turn:
    """How many batches were seen: whose turn it is. Saved with the run."""

    def __init__(self) -> None:
        self.batches = 0

    def of(self, length: int) -> Literal["D", "G", "both"]:
        """D for `length` batches, then G for as many."""
        if length == 0:
            return "both"
        return "D" if self.batches // length % 2 == 0 else "G"

    def state_dict(self) -> dict[str, int]:
        """The count."""
        return {"batches": self.batches}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from a saved count."""
        self.batches = int(state["batches"])


@recipes
class Completion:
    """The networks, their optimisers and one step of training."""

    paired = True

    def __init__(self, config: Config, settings: Settings, place: Place) -> None:
        self.config, self.place = config, place
        shape: dict[str, Any] = {"norm": config.norm, "kernel": config.kernel}
        self.generator: nn.Module = place.ready(
            completer(
                config.size,
                in_channels=4 if config.mask else 3,
                encoder=config.encoder,
                latent=config.latent,
                width=config.width,
                slope=config.slope,
                **shape,
            )
        )
        shape["norm"] = config.discriminator_norm
        self.discriminator: nn.Module = place.ready(
            joint_discriminator(
                config.size, width=config.discriminator_width, spectral=config.spectral, **shape
            )
        )
        self.adam_g = adam(self.generator, settings)
        self.adam_d = adam(self.discriminator, settings)
        self.turn = Turn()

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update whose turn it is on one batch. Returns every term of both, unweighted."""
        require_size(batch.source.shape, self.config.size)
        real, turn = joined(batch.source, batch.target), self.turn.of(self.config.turn)
        with torch.set_grad_enabled(turn != "D"), self.place.autocast():
            fake = self.generator(self.masked(batch.source))
        terms = self.improve_discriminator(real, fake.detach(), learns=turn != "G")
        terms |= self.improve_generator(real, fake, progress, learns=turn != "D")
        if len(real) > 1:
            terms["diversity"] = diversity(halves(fake)[1], batch.target)
        self.turn.batches += 1
        return {name: value.detach() for name, value in terms.items()}

    def improve_discriminator(
        self, real: Tensor, fake: Tensor, *, learns: bool
    ) -> dict[str, Tensor]:
        """One step of D on real and completed joint pictures, or only a look at its terms."""
        config, judge = self.config, self.discriminator
        with nullcontext() if learns else evaluating(judge, noisy=True), self.place.autocast():
            terms = judgement(judge(real), judge(fake), config.adversarial)
            total = terms["loss_D_real"] + terms["loss_D_fake"]
            if config.r1 and learns:
                terms["r1"] = r1(judge, real).mean()
                total = total + config.r1 / 2 * terms["r1"]
        if learns:
            descend(total, self.adam_d)
        return terms

    def improve_generator(
        self, real: Tensor, fake: Tensor, progress: float, *, learns: bool
    ) -> dict[str, Tensor]:
        """One step of G down the weighted terms, or only a look at them."""
        looking = nullcontext() if learns else evaluating(self.discriminator, noisy=True)
        with frozen(self.discriminator):
            with looking, self.place.autocast():
                total, terms = weighed(self.terms(real, fake, progress))
            if learns:
                descend(total, self.adam_g)
        return terms

    def terms(self, real: Tensor, fake: Tensor, progress: float) -> Terms:
        """What is asked of G: the method, name by name."""
        config = self.config
        gan_loss = losses[config.adversarial]
        seen, truth = (region(joint, config.region) for joint in (fake, real))
        how = {"direction": config.direction, "mass": config.mass, "floor": config.floor}
        return {
            "adversarial": (
                weight_at(config.adversarial_weight, progress),
                lambda: gan_loss(self.discriminator(fake), 1.0, fooling=True),
            ),
            "contextual": (weight_at(config.contextual, progress), lambda: kl(seen, truth, **how)),
            "l1": (weight_at(config.l1, progress), lambda: l1(halves(fake)[1], halves(real)[1])),
        }

    def masked(self, sketch: Tensor) -> Tensor:
        """The joint picture with its photo half masked, and the mask: (B, 3 or 4, S, 2S)."""
        joint = joined(sketch, torch.full_like(sketch, self.config.fill))
        if not self.config.mask:
            return joint
        known = torch.ones_like(sketch[:, :1])
        return torch.cat([joint, joined(known, torch.zeros_like(known))], dim=1)

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Sketch -> photo, float32."""
        return self.redrawn(source, reverse=reverse)[0]

    def redrawn(
        self, source: Tensor, *, reverse: bool = False, seed: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The photos, and beside them the sketches as they were drawn again, float32."""
        if reverse:
            raise BadOption("completion only learned to complete sketches; contextual goes back.")
        require_size(source.shape, self.config.size)
        with evaluating(self.generator):
            sketch, photo = halves(self.generator(self.masked(source.to(self.place.device))))
            return photo.float().contiguous(), sketch.float().contiguous()

    def exportable(self, *, reverse: bool = False) -> nn.Module:
        """The bare generator, from masked to whole joint pictures."""
        if reverse:
            raise BadOption("completion has one direction only.")
        return self.generator

    @property
    def size(self) -> int:
        """Height and width of a picture are exactly this."""
        return self.config.size

    @property
    def multiple(self) -> int:
        """Height and width of a sketch must be multiples of this."""
        return self.config.size

    def state(self) -> dict[str, Any]:
        """Everything to save, by name."""
        names = ("generator", "discriminator", "adam_g", "adam_d", "turn")
        return {name: getattr(self, name) for name in names}


def region(joint: Tensor, name: str) -> Tensor:
    """The part of joint pictures that KL compares."""
    sketch, photo = halves(joint)
    return {"sketch": sketch, "photo": photo, "joint": joint}[name]
