"""CycleGAN: unpaired image-to-image translation (Zhu et al. 2017), and what the reports add to it.

Two generators, source to target and back, and a discriminator of each domain. A picture that went
there and back must return (cycle). The second report's v3 to v6 and the portraits of the fourth
are weights of further terms: PRESETS says in a line what each adds. Shapes: sources, targets, fakes
and cycled pictures are signed, (B, 3, H, W); a term is one value per picture, (B,).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.losses.identity import FaceIdentity
from portrayal.losses.reconstruction import l1, l2
from portrayal.networks import networks
from portrayal.networks.resnet import Upsampling
from portrayal.recipes import Preset, recipes
from portrayal.recipes.terms import (
    Adversarial,
    Discriminator,
    Fooling,
    Generator,
    Label,
    Mix,
    Terms,
    fooling,
    judgement,
    probabilities,
    refuse_soft_hinge,
    varied,
    weighed,
)
from portrayal.recipes.wording import arguments
from portrayal.training.pool import Pool
from portrayal.training.schedule import Weight, weight_at
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend, evaluating, frozen


class Config(BaseModel):
    """What the method is. How long, how fast and where is training.Settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    generator: Generator = Field("resnet_9", description="network from one domain to the other")
    discriminator: Discriminator = Field("patch_70", description="judges patches of a picture")
    width: int = Field(64, gt=0, le=1024, description="channels of G's first convolution")
    discriminator_width: int = Field(64, gt=0, le=1024, description="channels of D's first one")
    norm: Literal["batch", "instance", "none"] = Field("instance", description="normalisation")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="in the generators")
    upsampling: Upsampling = Field("transposed", description="of ResNets; resize: no checkerboard")
    judgement: Literal["patches", "average"] = Field("patches", description="one label each")
    adversarial: Adversarial = Field("lsgan", description="the game of G and D")
    fooling: Fooling = Field("standard", description="what G wants of D: see docs/recipes.md")
    l2_mix: Mix = Field(0.0, description="share of the squared error; the rest is adversarial")
    cycle: Weight = Field(10.0, description="weight of |back again - start|; first,last for a line")
    cycle_features: Mix = Field(0.0, description="share of the cycle that compares D's features")
    feature_layer: int = Field(1, ge=1, le=4, description="of D, counted from its logits back")
    quality: Literal["off", "real", "fake"] = Field("off", description="D's belief weighs cycles")
    identity: Weight = Field(5.0, description="weight of changing what is of the domain already")
    identity_distance: Literal["l1", "l2"] = Field("l1", description="absolute or squared")
    face_identity: Weight = Field(0.0, description="weight of 1 - cosine of FaceNet's embeddings")
    real: Label = Field(1.0, description="label of real pictures in D's step; low,high = drawn")
    fake: Label = Field(0.0, description="label of fakes in D's step; low,high = drawn")
    pool: int = Field(50, ge=0, le=10_000, description="earlier fakes shown to D; 0 = none")
    first: Literal["G", "D"] = Field("G", description="who is updated first in a step")

    @model_validator(mode="after")
    def parts_suit_each_other(self) -> Self:
        """Refuse at the start what would fail at the first step, or do nothing."""
        refuse_soft_hinge(self.adversarial, self.real, self.fake)
        known = arguments(networks[self.generator])
        if self.upsampling != "transposed" and "upsampling" not in known:
            raise BadOption(f"upsampling={self.upsampling} is for ResNets, not {self.generator}.")
        return self


BASE = Config()
V3 = varied(BASE, l2_mix=(0.99, 0.5), fooling="score_match")  # equation 7, both ways
V4 = varied(V3, cycle_features=(0.0, 0.9))  # equation 8
V5 = varied(V4, real=(0.9, 1.0), fake=(0.0, 0.1))  # soft labels
V6 = varied(V5, discriminator="residual")
LITERAL = varied(BASE, adversarial="vanilla", identity=1.0, identity_distance="l2")  # equations 1-4
BETTER = varied(BASE, cycle=(10.0, 1.0), cycle_features=(0.0, 0.9))
FACES = varied(BASE, face_identity=5.0)
QUICK = varied(BASE, generator="resnet_6", width=32, discriminator="patch_16")

PRESETS = {
    "paper": Preset(BASE, Settings(), "Zhu et al. 2017 and their code: 256 pixels, 200 epochs"),
    "base": Preset(BASE, Settings(), "the second report's base: the same"),
    "literal": Preset(LITERAL, Settings(), "its equations 1 to 4 to the letter"),
    "v3": Preset(V3, Settings(), "base + a generator loss that knows the truth (pairs)"),
    "v4": Preset(V4, Settings(), "v3 + cycles that compare the discriminator's features"),
    "v5": Preset(V5, Settings(), "v4 + soft labels"),
    "v6": Preset(V6, Settings(), "v5 + a residual discriminator"),
    "better_cycles": Preset(BETTER, Settings(), "base + feature cycles of falling weight"),
    "face_identity": Preset(FACES, Settings(), "base + the same face before and after (FaceNet)"),
    "quick_64": Preset(QUICK, Settings(epochs=20, average=0.99), "base, small, for 64 pixels"),
}


@dataclass(frozen=True)
class Way:
    """One direction: `there` makes fakes of starts, and `back` has to undo it."""

    suffix: str  # of the names of its terms
    there: nn.Module
    back: nn.Module
    judge: Callable[..., Tensor]  # of the domain that `there` translates to
    judge_start: Callable[..., Tensor]
    pool: Pool
    start: Tensor
    goal: Tensor  # the truth if the recipe is paired, else any picture of the other domain
    together: bool = False  # one pass of `there` for both, a tenth faster: equal but for BatchNorm

    @cached_property
    def made(self) -> tuple[Tensor, ...]:
        """start translated and, if `together`, goal, which should stay as it is."""
        pictures = (self.start, self.goal) if self.together else (self.start,)
        made: tuple[Tensor, ...] = self.there(torch.cat(pictures)).chunk(len(pictures))
        return made

    @property
    def fake(self) -> Tensor:
        """start, translated."""
        return self.made[0]

    def named(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """The terms by their names in the log."""
        return {f"{name}{self.suffix}": value for name, value in terms.items()}


@recipes
class CycleGAN:
    """The networks, their optimisers and one step of training."""

    reversible = True

    def __init__(self, config: Config, settings: Settings, place: Place) -> None:
        self.config, self.place = config, place
        shape: dict[str, Any] = {
            "width": config.width,
            "norm": config.norm,
            "dropout": config.dropout,
        }
        if "upsampling" in arguments(networks[config.generator]):
            shape["upsampling"] = config.upsampling
        judge: dict[str, Any] = {"width": config.discriminator_width, "norm": config.norm}
        self.generator, self.generator_reverse = (
            place.ready(networks[config.generator](**shape)) for _ in range(2)
        )
        self.discriminator, self.discriminator_reverse = (
            place.ready(networks[config.discriminator](3, **judge)) for _ in range(2)
        )
        self.generators = nn.ModuleList([self.generator, self.generator_reverse])
        self.discriminators = nn.ModuleList([self.discriminator, self.discriminator_reverse])
        self.adam_g = adam(self.generators, settings)
        self.adam_d = adam(self.discriminators, settings)
        self.pool, self.pool_reverse = Pool(config.pool), Pool(config.pool)
        self.faces = FaceIdentity(place.device)

    @property
    def paired(self) -> bool:
        """Whether source and target must belong together."""
        return bool(self.config.l2_mix) or self.config.fooling == "score_match"

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update both G and both D. Returns every term, unweighted, and what the D believe."""
        g, f, d_y, d_x = *self.generators, *self.discriminators
        x, y = batch.source, batch.target
        together = self.config.norm != "batch" and weight_at(self.config.identity, progress) > 0
        ways = (
            Way("", g, f, d_y, d_x, self.pool, x, y, together),
            Way("_reverse", f, g, d_x, d_y, self.pool_reverse, y, x, together),
        )
        if self.config.first == "G":
            terms = self.improve_generators(ways, progress)
            terms |= self.improve_discriminators(ways)
        else:
            with self.place.autocast():  # now, with gradients for the generators' step
                assert all(way.fake.requires_grad for way in ways)
            terms = self.improve_discriminators(ways)
            terms |= self.improve_generators(ways, progress)
        return {name: value.detach() for name, value in terms.items()}

    def improve_generators(self, ways: tuple[Way, ...], progress: float) -> dict[str, Tensor]:
        """One step of both generators down the weighted terms of both ways."""
        seen: dict[str, Tensor] = {}
        with frozen(self.discriminators):  # their parameters; gradients flow through them
            with self.place.autocast():
                totals = []
                for way in ways:
                    total, terms = weighed(self.terms(way, progress))
                    totals.append(total)
                    seen |= way.named(terms)
            descend(torch.stack(totals).sum(), self.adam_g)
        return seen

    def terms(self, way: Way, progress: float) -> Terms:
        """What is asked of the generators in one direction: the method, name by name."""
        config, start, goal, fake = self.config, way.start, way.goal, way.fake
        mix, features = (weight_at(w, progress) for w in (config.l2_mix, config.cycle_features))
        cycle, identity = (weight_at(w, progress) for w in (config.cycle, config.identity))
        distance = {"l1": l1, "l2": l2}[config.identity_distance]
        cycled = cache(lambda: way.back(fake))
        same = cache(lambda: way.made[1] if way.together else way.there(goal))
        quality = cache(lambda: self.quality(way))

        def judge(picture: Tensor) -> Tensor:
            return self.verdict(way.judge(picture))

        def features_differ() -> Tensor:
            seen = way.judge_start(cycled(), layer=config.feature_layer)
            with torch.no_grad():  # of the target only: the cycle learns from what D sees
                wanted = way.judge_start(start, layer=config.feature_layer)
            difference: Tensor = l1(seen, wanted)
            return difference

        return {
            "adversarial": (
                1 - mix,
                lambda: fooling(judge, fake, goal, config.adversarial, config.fooling),
            ),
            "l2": (mix, lambda: l2(fake, goal)),
            "cycle": (cycle * (1 - features), lambda: quality() * l1(cycled(), start)),
            "cycle_features": (cycle * features, lambda: quality() * features_differ()),
            "identity": (identity, lambda: distance(same(), goal)),
            "face_identity": (
                weight_at(config.face_identity, progress),
                lambda: self.faces(start, fake, counted=not way.suffix),
            ),
        }

    def quality(self, way: Way) -> Tensor | float:
        """How far a cycle counts, 0 to 1, (B,): what D believes of its start or of its fake."""
        if self.config.quality == "off":
            return 1.0
        real = self.config.quality == "real"
        with torch.no_grad():
            logits = way.judge_start(way.start) if real else way.judge(way.fake)
        return probabilities(logits, self.config.adversarial).flatten(1).mean(1)

    def improve_discriminators(self, ways: tuple[Way, ...]) -> dict[str, Tensor]:
        """One step of both discriminators, on real pictures and on fakes out of the pools."""
        config = self.config
        seen: dict[str, Tensor] = {}
        with self.place.autocast():
            for way in ways:
                real = self.verdict(way.judge(way.goal))
                made = self.verdict(way.judge(way.pool.exchange(way.fake)))
                wanted = (config.real, config.fake)
                seen |= way.named(judgement(real, made, config.adversarial, wanted))
        losses = [value for name, value in seen.items() if name.startswith("loss_D")]
        descend(torch.stack(losses).sum() / 2, self.adam_d)  # halved: sec. 7.1
        return seen

    def verdict(self, logits: Tensor) -> Tensor:
        """Logits of the patches, or their mean, (B, 1)."""
        return logits.flatten(1).mean(1, True) if self.config.judgement == "average" else logits

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Source -> picture, or the other way, float32."""
        generator = self.exportable(reverse=reverse)
        with evaluating(generator):
            picture: Tensor = generator(source.to(self.place.device))
            return picture.float()

    def exportable(self, *, reverse: bool = False) -> nn.Module:
        """The bare generator of one direction."""
        return self.generator_reverse if reverse else self.generator

    @property
    def multiple(self) -> int:
        """Height and width of a picture must be multiples of this."""
        return int(2 ** getattr(self.generator, "levels", 0))

    def state(self) -> dict[str, Any]:
        """Everything to save, by name."""
        names = ("generator", "generator_reverse", "discriminator", "discriminator_reverse")
        return {
            name: getattr(self, name)
            for name in (*names, "adam_g", "adam_d", "pool", "pool_reverse")
        }
