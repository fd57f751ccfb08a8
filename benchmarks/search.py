"""The contextual GAN's search for z against a plain one, interleaved in one run.

    python benchmarks/search.py                     preset quick_64, untrained, random outlines
    python benchmarks/search.py --run runs/outlines --pictures datasets/outlines/val/source
    python benchmarks/search.py --steps 20          the ratios in a minute

Plain: the networks as they were trained, float32, channels first, the same starts and steps. Then
the same folded (networks/folding.py) in float32, and with the steps in bfloat16, as `translate`
searches where bfloat16 is fast. Prints pictures per second as medians with the range, ratios round
by round, and the mean cost at the ends, judged in float32.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from train_step import interleaved, spread

from portrayal.core.devices import Place, choose_place
from portrayal.core.environment import environment
from portrayal.core.images import find_pictures, read_pixels, stack
from portrayal.inference.load import load
from portrayal.recipes.contextual import QUICK, Contextual
from portrayal.recipes.known_half import KnownHalf
from portrayal.recipes.search import Search, search
from portrayal.training.settings import Settings
from portrayal.training.update import evaluating


def outlines(count: int, size: int) -> Tensor:
    """Random black strokes on white, signed (count, 3, size, size)."""
    rng = torch.Generator().manual_seed(0)
    strokes = torch.rand(count, 1, size, size, generator=rng) < 0.1
    return (1 - 2 * strokes.float()).expand(-1, 3, -1, -1).contiguous()


def read(folder: Path, count: int) -> Tensor:
    """The first pictures of a folder, signed (count, 3, S, S)."""
    paths = sorted(find_pictures(folder))[:count]
    return stack([read_pixels(path) for path in paths])


def compare(recipe: Any, known: Tensor, how: Search, rounds: int) -> list[dict[str, Any]]:
    """Pictures per second, ratios and ends of each way."""
    device, config, ends = recipe.place.device, recipe.config, {}
    with evaluating(recipe.generator, recipe.discriminator):
        plain = KnownHalf(config, recipe.generator, recipe.discriminator, known.to(device), 0)
        quick = plain.quick()
        rough = quick.rough()

        def way(problem: KnownHalf, walk: KnownHalf, name: str):
            def work() -> None:
                found = search(problem, len(known), config.latent, how, device, walk=walk)
                ends[name] = float(found.end.mean())

            return work

        ways = {"plain": (plain, plain), "folded": (quick, quick), "bfloat16": (quick, rough)}
        times = interleaved({k: way(*v, k) for k, v in ways.items()}, rounds, device)
    rows = []
    for name, taken in times.items():
        rates = [len(known) / seconds for seconds in taken]
        ratios = [a / b for a, b in zip(times["plain"], taken, strict=True)]
        print(
            f"{name:9} {spread(rates)} pictures/s, {spread(ratios)} x plain, "
            f"mean cost at the end {ends[name]:.5f}"
        )
        rows.append({"name": name, "rates": rates, "times_plain": ratios, "end": ends[name]})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a trained contextual run; its networks and search")
    parser.add_argument("--pictures", type=Path, help="a folder of outlines")
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--steps", type=int, help="of the search; the preset's if not given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    place = choose_place(precision="float32")
    print(place.describe())
    recipe: Any = (
        load(options.run).recipe
        if options.run
        else Contextual(QUICK, Settings(), Place(place.device))
    )
    config = recipe.config
    steps = config.search_steps if options.steps is None else options.steps
    how = Search(config.starts, config.kept, steps, config.descent, config.search_rate)
    count, size = options.count, config.size
    known = read(options.pictures, count) if options.pictures else outlines(count, size)
    print(f"{len(known)} pictures, {how}")
    rows = compare(recipe, known, how, options.rounds)
    if options.json:
        with open(options.json, "w") as file:  # noqa: PTH123
            json.dump({"environment": environment(place=place.describe()), "rows": rows}, file)


if __name__ == "__main__":
    main()
