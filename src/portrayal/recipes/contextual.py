"""Contextual GAN: a picture for a sketch by completing a joint picture (Lu et al. 2018).

An unconditional GAN learns joint pictures, sketch | photo. To translate, nothing is fed forward:
the z is searched whose joint picture has the known half, and its other half is the answer. Shapes:
halves are signed, (B, 3, S, S), joint pictures (B, 3, S, 2S), z (B, latent).
"""

from collections.abc import Callable
from copy import copy
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from portrayal.core.devices import Place, Precision, choose_place
from portrayal.data.batch import Batch
from portrayal.losses import losses
from portrayal.losses.contextual import Direction, Mass
from portrayal.losses.penalties import r1
from portrayal.networks.joint import joint_discriminator, joint_generator
from portrayal.recipes import Preset, recipes
from portrayal.recipes.joint import diversity, halves, joined, require_size
from portrayal.recipes.known_half import KnownHalf
from portrayal.recipes.search import Descent, Found, Search, See, search
from portrayal.recipes.terms import Adversarial, judgement, varied
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend, evaluating, frozen


class Config(BaseModel):
    """What the method is. How long, how fast and where is training.Settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: Literal[64, 128] = Field(64, description="side of a half in pixels")
    latent: int = Field(100, gt=0, le=4096, description="length of z, uniform in -1..1")
    width: int = Field(64, gt=0, le=1024, description="channels before G's last layer")
    discriminator_width: int = Field(64, gt=0, le=1024, description="channels of D's first layer")
    norm: Literal["batch", "instance", "none"] = Field("batch", description="normalisation in G")
    discriminator_norm: Literal["batch", "instance", "none"] = Field(
        "batch", description="normalisation in D"
    )
    kernel: Literal[4, 5] = Field(5, description="side of the convolutions' kernels")
    slope: float = Field(0.0, ge=0, lt=1, description="of G's ReLUs below 0")
    stacked: bool = Field(False, description="G and D see the halves as channels, not side by side")
    adversarial: Adversarial = Field("vanilla", description="the game of G and D")
    real: float = Field(1.0, gt=0, le=1, description="label of real pictures in D's step")
    g_steps: int = Field(2, ge=1, le=10, description="steps of G for one of D")
    spectral: bool = Field(False, description="spectral normalisation of D")
    batch_spread: bool = Field(False, description="D sees how much the pictures of a batch differ")
    r1: float = Field(0.0, ge=0, description="weight gamma of R1, D's gradient at real pictures")
    contextual: Literal["kl", "l1"] = Field("kl", description="distance of known halves")
    direction: Direction = Field("input_generated", description="of KL: KL(input || generated)")
    mass: Mass = Field("paper", description="what KL compares: grey levels, or ink = 1 - grey")
    floor: float = Field(1e-8, gt=0, le=1, description="mass of a pixel that has none")
    blur: float = Field(0.0, ge=0, le=16, description="deviation of the mass's blur, in pixels")
    amount: float = Field(0.0, ge=0, description="weight of how much ink, beside where it is")
    search_adversarial: float = Field(0.01, ge=0, description="weight of D's belief in the search")
    saturating: bool = Field(False, description="log(1 - D), as in the paper, instead of -log D")
    starts: int = Field(30, ge=1, le=100_000, description="random z tried for every picture")
    kept: int = Field(1, ge=1, le=1000, description="best starts searched on; the best end wins")
    search_steps: int = Field(1000, ge=0, le=1_000_000, description="steps of the search for z")
    descent: Descent = Field("nesterov", description="how z moves")
    search_rate: float = Field(0.01, gt=0, description="how far z moves")
    patience: int = Field(0, ge=0, description="steps without a fall that end a search; 0 = never")
    search_precision: Precision = Field(
        "auto", description="of the search's steps; starts and ends are judged in float32"
    )
    look_steps: int = Field(20, ge=0, description="search_steps of samples and validation")


BASE = Config()
QUICK = varied(
    BASE,
    discriminator_width=32,
    discriminator_norm="none",
    kernel=4,
    stacked=True,
    adversarial="hinge",
    spectral=True,
    batch_spread=True,
    g_steps=1,
    mass="ink",
    floor=0.05,
    blur=2.0,
    search_adversarial=0.02,
    starts=256,
    kept=8,
    search_steps=75,
    descent="adam",
    search_rate=0.1,
)
PRESETS = {
    "paper": Preset(
        BASE, Settings(epochs=50, batch=64, decay=0, flip=False, enlarge=1), "Lu et al. 2018"
    ),
    "quick_64": Preset(
        QUICK,
        Settings(
            epochs=50,
            batch=32,
            learning_rate=5e-4,
            betas=(0, 0.9),
            average=0.999,
            channels_last=True,
            validate_pictures=20,
        ),
        "halves stacked, a narrow D with spectral norm, searched with Adam from 8 of 256 starts",
    ),
}


@recipes
class Contextual:
    """The networks, their optimisers, one step of training, and the search."""

    paired, reversible = True, True
    searching = (  # settings of the search alone, which a trained model may change
        "contextual",
        "direction",
        "mass",
        "floor",
        "blur",
        "amount",
        "search_adversarial",
        "saturating",
        "starts",
        "kept",
        "search_steps",
        "descent",
        "search_rate",
        "patience",
        "search_precision",
    )
    at_once = 16  # pictures: more in a batch are not faster, and the first answer comes later

    def __init__(self, config: Config, settings: Settings, place: Place) -> None:
        self.config, self.place = config, place
        self.generator: nn.Module = place.ready(
            joint_generator(
                config.size,
                latent=config.latent,
                width=config.width,
                norm=config.norm,
                kernel=config.kernel,
                slope=config.slope,
                stacked=config.stacked,
            )
        )
        self.discriminator: nn.Module = place.ready(
            joint_discriminator(
                config.size,
                width=config.discriminator_width,
                norm=config.discriminator_norm,
                kernel=config.kernel,
                spectral=config.spectral,
                stacked=config.stacked,
                batch_spread=config.batch_spread,
            )
        )
        self.gan_loss = losses[config.adversarial]
        self.adam_g = adam(self.generator, settings)
        self.adam_d = adam(self.discriminator, settings)

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update D once and G `g_steps` times. Returns every term, unweighted."""
        require_size(batch.source.shape, self.config.size)
        real = joined(batch.source, batch.target)
        terms = self.improve_discriminator(real)
        for _ in range(self.config.g_steps):
            with frozen(self.discriminator):
                with self.place.autocast():
                    fake = self.generator(self.noise(len(real)))
                    fooled = self.gan_loss(self.discriminator(fake), 1.0, fooling=True).mean()
                descend(fooled, self.adam_g)
        if len(real) > 1:
            drawn = halves(fake)
            terms["diversity_sketch"] = diversity(drawn[0], batch.source)
            terms["diversity"] = diversity(drawn[1], batch.target)
        terms["adversarial"] = fooled
        return {name: value.detach() for name, value in terms.items()}

    def improve_discriminator(self, real: Tensor) -> dict[str, Tensor]:
        """One step of D on real and generated joint pictures."""
        config, judge = self.config, self.discriminator
        with self.place.autocast():
            with torch.no_grad():
                fake = self.generator(self.noise(len(real)))
            wanted = (config.real, 0.0)
            terms = judgement(judge(real), judge(fake), config.adversarial, wanted)
            total = terms["loss_D_real"] + terms["loss_D_fake"]
            if config.r1:
                terms["r1"] = r1(judge, real).mean()
                total = total + config.r1 / 2 * terms["r1"]
        descend(total, self.adam_d)
        return terms

    def noise(self, count: int) -> Tensor:
        """z uniform in -1..1 out of torch's generator, (count, latent)."""
        z = torch.rand(count, self.config.latent) * 2 - 1  # on the CPU: the same on any device
        return z.to(self.place.device, non_blocking=True)

    def complete(
        self,
        known: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
        seen: See | None = None,
        snapshots: int = 0,
    ) -> Found:
        """The z whose joint picture has this half: sketches, or photos with `reverse`."""
        config = self.config
        require_size(known.shape, config.size)
        how = Search(
            config.starts,
            config.kept,
            config.search_steps,
            config.descent,
            config.search_rate,
            config.patience,
            seed,
            snapshots,
        )
        # translators look on in inference mode, where no gradient could ever be had
        with torch.inference_mode(False), evaluating(self.generator, self.discriminator):
            known = known.to(self.place.device).clone()
            networks = self.generator, self.discriminator
            problem = KnownHalf(config, *networks, known, int(reverse)).quick()
            walk = problem.rough() if self.rough else problem
            count, device = len(known), self.place.device
            return search(problem, count, config.latent, how, device, report, seen, walk)

    @property
    def rough(self) -> bool:
        """Whether the steps of the search are computed in bfloat16."""
        place = choose_place(str(self.place.device), self.config.search_precision)
        return place.dtype == torch.bfloat16

    def drawn(self, z: Tensor) -> Tensor:
        """Joint pictures of z, float32, by the statistics of training."""
        with evaluating(self.generator):
            joint: Tensor = self.generator(z.to(self.place.device))
            return joint.float()

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
        seen: See | None = None,
    ) -> Tensor:
        """Sketch -> photo, or the other way, float32: the unknown half of what the search found.

        `seen` looks on: `answer(look.z)` are the pictures so far.
        """
        found = self.complete(source, reverse=reverse, seed=seed, report=report, seen=seen)
        return self.answer(found.z, reverse=reverse)

    @torch.no_grad()
    def redrawn(
        self, source: Tensor, *, reverse: bool = False, seed: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The answers, and beside them the known halves as they were drawn again."""
        drawn = halves(self.drawn(self.complete(source, reverse=reverse, seed=seed).z))
        return drawn[int(not reverse)], drawn[int(reverse)]

    @torch.no_grad()
    def answer(self, z: Tensor, *, reverse: bool = False) -> Tensor:
        """The half of the joint pictures of z that is not known, (B, 3, S, S)."""
        return halves(self.drawn(z))[int(not reverse)].contiguous()

    def looking(self) -> "Contextual":
        """The same networks with a short search, to look at them in the middle of training."""
        other = copy(self)
        other.config = varied(self.config, search_steps=self.config.look_steps, kept=1)
        return other

    def exportable(self, *, reverse: bool = False) -> nn.Module:
        """The bare generator, which draws joint pictures of z."""
        return self.generator

    @property
    def size(self) -> int:
        """Height and width of a picture are exactly this."""
        return self.config.size

    @property
    def multiple(self) -> int:
        """Height and width of a picture must be multiples of this."""
        return self.config.size

    def state(self) -> dict[str, Any]:
        """Everything to save, by name."""
        names = ("generator", "discriminator", "adam_g", "adam_d")
        return {name: getattr(self, name) for name in names}
