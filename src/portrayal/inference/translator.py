"""What a trained model is: called with a picture it answers with one of the same size."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from portrayal import __version__
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.core.provenance import Provenance, settings_hash
from portrayal.filters.freehand import STROKE, drawing_of
from portrayal.inference.pictures import Picturelike, pixels_from, scaled
from portrayal.inference.tiles import TILE, check_tile, translate_tiled


class Recipe(Protocol):
    """What a translator asks of a training method."""

    @property
    def multiple(self) -> int:
        """Height and width of a source must be multiples of this."""
        ...

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """Signed (B, 3, H, W) -> signed (B, 3, H, W)."""
        ...


class InFront:
    """A recipe that stands in front of another one, whose sizes it takes."""

    recipe: Any

    @property
    def multiple(self) -> int:
        """Height and width of a source must be multiples of this."""
        multiple: int = self.recipe.multiple
        return multiple

    @property
    def size(self) -> int:
        """The one height and width it takes; no such attribute if it takes others, too."""
        size: int = self.recipe.size
        return size


@dataclass(frozen=True)
class How:
    """Everything that changes the pixels of a translation, besides the model."""

    reverse: bool = False  # for recipes with two directions
    seed: int = 0  # of dropout and noise, where a recipe has any at translation
    resize: bool = False  # shrink to the size of the training pictures and enlarge the answer
    tile: int = TILE  # longest side given to the network at once
    overlap: int | None = None  # of tiles; None = an eighth of a tile
    drawing: bool = False  # a scan or photo of a drawing: clean it first
    stroke: float = STROKE  # thickness that a drawing's strokes get, see filters/freehand.py

    def settings(self) -> dict[str, Any]:
        """For the mark of an output; what is not in use is not in it."""
        named = asdict(self)
        if not self.drawing:
            del named["drawing"], named["stroke"]
        return named


@dataclass(frozen=True)
class Translator:
    """A trained model. Call it with a picture, get a picture of the same size.

    `config` is the run's config.json, `about` the checkpoint's about.json.
    """

    recipe: Recipe
    config: dict[str, Any]
    about: dict[str, Any]
    device: str = "cpu"
    engine: str = "torch"  # see engines.py
    search: dict[str, Any] = field(default_factory=dict)  # settings that are not the run's own

    def __call__(
        self,
        image: Picturelike,
        *,
        reverse: bool = False,
        seed: int = 0,
        resize: bool = False,
        tile: int = TILE,
        overlap: int | None = None,
        drawing: bool = False,
        stroke: float = STROKE,
    ) -> Image.Image:
        """Translate a PIL image, uint8 array (H, W, 3), path or file content."""
        how = How(reverse, seed, resize, tile, overlap, drawing, stroke)
        return Image.fromarray(self.translate_all([pixels_from(image)], how)[0])

    def translate(self, pixels: Pixels, how: How = How()) -> Pixels:
        """(H, W, 3) -> (H, W, 3)."""
        return self.translate_all([pixels], how)[0]

    def translate_all(
        self, pictures: Sequence[Pixels], how: How = How(), *, batch: int | None = None
    ) -> list[Pixels]:
        """Translate pictures of one size together; `batch` tiles at once, None = by their size."""
        sizes = [picture.shape[1::-1] for picture in pictures]
        answers = self._drawn(pictures, how, batch, 3)
        return [scaled(answer, size) for answer, size in zip(answers, sizes, strict=True)]

    @property
    def redraws(self) -> bool:
        """Whether the model draws the input again beside its answer: both halves of a picture."""
        return hasattr(self.recipe, "redrawn")

    def redraw_all(
        self, pictures: Sequence[Pixels], how: How = How(), *, batch: int | None = None
    ) -> list[tuple[Pixels, Pixels]]:
        """The same answers, each with the input as the model drew it again; see `redraws`."""
        sizes = [picture.shape[1::-1] for picture in pictures]
        both = self._drawn(pictures, how, batch, 6)
        return [
            (scaled(drawn[..., :3].copy(), size), scaled(drawn[..., 3:].copy(), size))
            for drawn, size in zip(both, sizes, strict=True)
        ]

    def _drawn(
        self, pictures: Sequence[Pixels], how: How, batch: int | None, channels: int
    ) -> list[Pixels]:
        """Answers at the size at which the network sees, (h, w, channels)."""
        self.check(how)
        if how.drawing:
            pictures = [drawing_of(picture, stroke=how.stroke) for picture in pictures]
        if self.fits(how):
            pictures = [scaled(picture, self.working_size(picture)) for picture in pictures]
        return translate_tiled(
            pictures,
            lambda source: self.network(source, how, redrawn=channels > 3),
            multiple=self.recipe.multiple,
            tile=how.tile,
            overlap=how.overlap,
            batch=1 if self.noisy else batch,
            channels=channels,
        )

    @torch.inference_mode()
    def network(self, source: Tensor, how: How, *, redrawn: bool = False) -> Tensor:
        """The recipe's answer to one batch, (B, 3, h, w), refused if it is not finite.

        `redrawn`: three more channels, the input as the model drew it again.
        """
        recipe: Any = self.recipe
        try:
            if redrawn:
                answer = torch.cat(recipe.redrawn(source, reverse=how.reverse, seed=how.seed), 1)
            else:
                answer = recipe.translate(source, reverse=how.reverse, seed=how.seed)
        except torch.OutOfMemoryError:
            raise BadOption(
                f"Not enough memory for {len(source)} pictures or tiles of {source.shape[3]} x "
                f"{source.shape[2]} pixels at once: try --batch 1 or a smaller --tile."
            ) from None
        if not bool(answer.isfinite().all()):
            raise BadData("the network's answer is not finite; try another --checkpoint")
        return answer

    def check(self, how: How) -> None:
        """Refuse what cannot work, before any picture is read."""
        overlap = how.tile // 8 if how.overlap is None else how.overlap
        check_tile(self.recipe.multiple, how.tile, overlap)
        if how.resize and self.training_size is None:
            raise BadOption("This run does not know its training size: --resize has no aim.")
        have = self.about.get("networks", ("generator_reverse",))  # ordinary runs have all
        if how.reverse and "generator_reverse" not in have:
            raise BadOption("This model has one direction only: no generator leads back.")

    def fits(self, how: How) -> bool:
        """Whether pictures are brought to the training size: as asked, and drawings if they must.

        A photo of a drawing has no size of its own, so a network of one size just takes it.
        """
        only = hasattr(self.recipe, "size") and self.training_size is not None
        return how.resize or (how.drawing and only)

    def working_size(self, picture: Pixels) -> tuple[int, int]:
        """(width, height) at which the shorter side is that of the training pictures.

        Of networks that take one size only it is the longer side, and the rest becomes padding.
        """
        assert self.training_size  # held by `check`
        height, width = picture.shape[:2]
        side = max(height, width) if hasattr(self.recipe, "size") else min(height, width)
        factor = min(self.training_size) / side
        return max(1, round(width * factor)), max(1, round(height * factor))

    @property
    def training_size(self) -> tuple[int, int] | None:
        """(height, width) of the pictures it was trained on; None if they varied."""
        size = self.config.get("data", {}).get("size")
        return (int(size[0]), int(size[1])) if size else None

    @property
    def noisy(self) -> bool:
        """Whether dropout and batch statistics stay on, so that each picture must go alone."""
        return bool(self.config.get("config", {}).get("translation") == "train_like")

    @property
    def model_hash(self) -> str:
        """SHA-256 of the weights file."""
        return str(self.about["files"]["weights.safetensors"])

    def provenance(self, how: How, source_hash: str, **more: Any) -> Provenance:
        """The mark of a picture made by this model; `more` are settings of the file."""
        settings = {**how.settings(), **more, "config": self.config.get("config")}
        if ":" in self.engine:  # openvino:int8 and the like change pixels
            settings["engine"] = self.engine
        recipe, hashed = str(self.config["recipe"]), settings_hash(settings)
        return Provenance(__version__, recipe, self.model_hash, hashed, source_hash)
