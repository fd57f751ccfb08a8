"""GAN v1 and v2: a generator, a discriminator of single pictures, and how the truth is used.

The one-way models of the second report. D never sees the source, so only a term on the truth ties
the picture to it. Equation 7 mixes that term with the adversarial one, after GP-GAN (Wu et al.
2019). Shapes: sources, fakes and targets are signed, (B, 3, H, W).
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from portrayal.core.devices import Place
from portrayal.core.errors import BadOption
from portrayal.data.batch import Batch
from portrayal.losses.reconstruction import l1, l2
from portrayal.networks import networks
from portrayal.recipes import Preset, recipes
from portrayal.recipes.terms import (
    Adversarial,
    Discriminator,
    Fooling,
    Generator,
    Label,
    Mix,
    fooling,
    judgement,
    refuse_soft_hinge,
    varied,
    weighed,
)
from portrayal.training.pool import Pool
from portrayal.training.schedule import Weight, weight_at
from portrayal.training.settings import Settings
from portrayal.training.update import adam, descend, evaluating, frozen


class Config(BaseModel):
    """What the method is. How long, how fast and where is training.Settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    generator: Generator = Field("resnet_9", description="network from source to picture")
    discriminator: Discriminator = Field("patch_70", description="judges patches of a picture")
    width: int = Field(
        64, gt=0, le=1024, description="channels after the generator's first convolution"
    )
    discriminator_width: int = Field(64, gt=0, le=1024, description="the same of the discriminator")
    norm: Literal["batch", "instance", "none"] = Field("instance", description="normalisation")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="in the generator")
    adversarial: Adversarial = Field("vanilla", description="the game of G and D")
    fooling: Fooling = Field(
        "standard", description="G wants of D: real, the score of the truth, or more than it"
    )
    l2_mix: Mix = Field(
        0.0, description="share of the squared error, the rest is adversarial; first,last = line"
    )
    l1: Weight = Field(0.0, description="weight of |truth - fake| besides; first,last for a line")
    real: Label = Field(1.0, description="label of real pictures in D's step; low,high = drawn")
    fake: Label = Field(0.0, description="label of fakes in D's step; low,high = drawn")
    pool: int = Field(0, ge=0, le=10_000, description="earlier fakes shown to D; 0 = none")

    @model_validator(mode="after")
    def labels_suit_the_loss(self) -> Self:
        """Refuse at the start what the loss would refuse at the first step."""
        refuse_soft_hinge(self.adversarial, self.real, self.fake)
        return self


V1 = Config()
V2 = varied(V1, l2_mix=(0.99, 0.5), fooling="score_match")  # equation 7

SMALL = {"generator": "resnet_6", "width": 32, "discriminator": "patch_16"}
QUICK = Settings(epochs=20, batch=4, average=0.99)
PRESETS = {
    "paper": Preset(V2, Settings(), "the same as gan_v2, the report's own method"),
    "gan_v1": Preset(V1, Settings(), "adversarial only, to the letter: pairs are not used"),
    "gan_v1_paired": Preset(varied(V1, l1=100.0), Settings(), "gan_v1 with a constant L1 term"),
    "gan_v2": Preset(V2, Settings(), "equation 7: squared error falling from .99 to .5"),
    "gp_gan": Preset(varied(V2, l2_mix=0.999), Settings(), "equation 7 with GP-GAN's constant"),
    "quick_64": Preset(varied(V2, **SMALL), QUICK, "gan_v2 for 64 pixels, a first look in minutes"),
}


@recipes
class Paired:
    """The networks, their optimisers and one step of training."""

    def __init__(self, config: Config, settings: Settings, place: Place) -> None:
        self.config, self.place = config, place
        shape = {"norm": config.norm}
        self.generator: nn.Module = place.ready(
            networks[config.generator](width=config.width, dropout=config.dropout, **shape)
        )
        self.discriminator: nn.Module = place.ready(
            networks[config.discriminator](3, width=config.discriminator_width, **shape)
        )
        self.adam_g = adam(self.generator, settings)
        self.adam_d = adam(self.discriminator, settings)
        self.pool = Pool(config.pool)

    @property
    def paired(self) -> bool:
        """Whether source and target must belong together."""
        return bool(self.config.l2_mix or self.config.l1 or self.config.fooling == "score_match")

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update D, then G, on one batch. Returns every term, unweighted, and what D believes."""
        config, judge = self.config, self.discriminator
        with self.place.autocast():
            fake = self.generator(batch.source)
            made = judge(self.pool.exchange(fake))
            seen = judgement(
                judge(batch.target), made, config.adversarial, (config.real, config.fake)
            )
        descend((seen["loss_D_real"] + seen["loss_D_fake"]) / 2, self.adam_d)
        mix, near = weight_at(config.l2_mix, progress), weight_at(config.l1, progress)
        with frozen(judge):
            with self.place.autocast():
                total, terms = weighed(
                    {
                        "adversarial": (
                            1 - mix,
                            lambda: fooling(
                                judge, fake, batch.target, config.adversarial, config.fooling
                            ),
                        ),
                        "l2": (mix, lambda: l2(fake, batch.target)),
                        "l1": (near, lambda: l1(fake, batch.target)),
                    }
                )
            descend(total, self.adam_g)
        return {name: value.detach() for name, value in (seen | terms).items()}

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Source -> picture, float32."""
        if reverse:
            raise BadOption("paired translates one way; train it with source and target swapped.")
        with evaluating(self.generator):
            picture: Tensor = self.generator(source.to(self.place.device))
            return picture.float()

    def exportable(self, *, reverse: bool = False) -> nn.Module:
        """The bare generator."""
        if reverse:
            raise BadOption("paired has one direction only.")
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
            "pool": self.pool,
        }
