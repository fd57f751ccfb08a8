"""How long, how fast and where a recipe is trained: the same for all recipes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from portrayal.core.devices import Precision
from portrayal.core.errors import BadOption

MOST_STEPS = 99_999_999  # the name of a checkpoint has eight digits
Share = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class Settings(BaseModel):
    """Printed at the start, stored in the run, changed by `--set name=value`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: float = Field(200, gt=0, description="times every pair is shown")
    steps: int | None = Field(
        None, gt=0, le=MOST_STEPS, description="updates; counts instead of epochs if given"
    )
    batch: int = Field(1, gt=0, description="pairs per step, over all processes")
    learning_rate: float = Field(2e-4, gt=0, description="of Adam, at the start")
    betas: tuple[Beta, Beta] = Field((0.5, 0.999), description="Adam's running means")
    decay: Share = Field(0.5, description="last share of the run, over which the rate falls to 0")
    average: Beta = Field(
        0.0, description="decay of averaged generator weights, e.g. 0.999; 0 = off"
    )
    average_last: Share = Field(
        0.0, description="last share of the run whose weights are averaged evenly; 0 = none"
    )
    enlarge: float = Field(286 / 256, ge=1, le=2, description="before the random crop; 1 = no crop")
    flip: bool = Field(True, description="mirror half of the pairs")
    tones: Share = Field(0.0, description="other contrast and colours for half of the sources")
    seed: int = Field(0, ge=0, description="fixes order, augmentation, weights and dropout")
    precision: Precision = Field("auto", description="bfloat16 where it is faster, weights float32")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    channels_last: bool | None = Field(None, description="memory layout; none = suits the device")
    compile: bool = Field(False, description="torch.compile the networks")
    deterministic: bool = Field(False, description="same bits on a GPU too, slower")
    workers: int = Field(2, ge=0, description="threads that read pictures ahead")
    log_every: int = Field(20, gt=0, description="steps between lines of log.jsonl")
    validate_every: int = Field(0, ge=0, description="steps between validations; 0 = 20 in all")
    validate_pictures: int = Field(
        100, gt=0, description="most validation pictures scored each time"
    )
    save_minutes: float = Field(10, gt=0, description="minutes between checkpoints")
    save_every: int = Field(0, ge=0, description="steps between checkpoints, besides; 0 = none")
    keep: int = Field(2, ge=1, description="newest checkpoints kept, besides the best ones")

    def total_steps(self, pairs: int) -> int:
        """Updates in the whole run for a data set of that many pairs."""
        wanted = self.steps or max(1, self.epochs * pairs / self.batch)
        if wanted > MOST_STEPS:
            raise BadOption(
                f"{self.epochs:g} epochs of {pairs} pairs in batches of {self.batch} are "
                f"{wanted:.3g} steps, but a run has at most {MOST_STEPS}. Lower epochs."
            )
        return round(wanted)


RUN_LENGTH = ("epochs", "steps", "batch", "decay")  # schedules depend on these
FREE_TO_CHANGE = (  # without touching what is learned
    "device",
    "workers",
    "log_every",
    "validate_every",
    "validate_pictures",
    "save_minutes",
    "save_every",
    "keep",
)
