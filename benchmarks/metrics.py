"""Our scores against the same answers of torchmetrics, scikit-image, SciPy and scikit-learn.

    pip install scikit-learn                             a rival here, not a dependency
    python benchmarks/metrics.py                         10,000 x 2,048 features, 1,000 pictures
    python benchmarks/metrics.py --only mmd,kid          one part alone, under four minutes each
    python benchmarks/metrics.py --rows 2000 --pictures 100

A rival more than three times slower than the best one on little is named and left out. The others
take turns in one run: seconds as medians with the range, the ratio ours / best rival pair by pair,
how far their answers are apart, and by how much each raised the peak memory of a fresh process
(not with --no-memory, which takes half the time).
Every rival gets float64, as ours computes, and all cores that torch may use.
"""

import argparse
import gc
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from portrayal.core.environment import environment
from portrayal.metrics.kernels import kid, mmd
from portrayal.metrics.neighbours import one_nn
from portrayal.metrics.pixel import ssim

Numbers = NDArray[np.float64]
Sets = tuple[Numbers, Numbers]
Score = Callable[[Sets], float]
MILD = 0.01  # a shift between the sets, so that no answer is trivial


def features(rows: int, width: int = 2048) -> Sets:
    """Two sets of made-up features, fakes and reals."""
    rng = np.random.default_rng(0)
    fakes = rng.standard_normal((rows, width)) + MILD
    return fakes, rng.standard_normal((rows, width))


def pictures(count: int, side: int = 256) -> Sets:
    """Two sets of made-up pictures, (N, 3, H, W) in 0..1."""
    rng = np.random.default_rng(0)
    reals = rng.random((count, 3, side, side), dtype=np.float32).astype(np.float64)
    noise = rng.random((count, 3, side, side), dtype=np.float32)
    return 0.7 * reals + 0.3 * noise, reals


def our_ssim(sets: Sets) -> float:
    """Picture by picture, as `evaluate` does."""
    pairs = zip(torch.from_numpy(sets[0]), torch.from_numpy(sets[1]), strict=True)
    return float(np.mean([float(ssim(a[None], b[None])) for a, b in pairs]))


def scikit_image_ssim(sets: Sets) -> float:
    """With Wang's window, the border cropped by itself."""
    from skimage.metrics import structural_similarity

    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    scores = []
    for a, b in zip(*sets, strict=True):
        scores.append(structural_similarity(a, b, data_range=1.0, channel_axis=0, **how))
    return float(np.mean(scores))


def torchmetrics_ssim(sets: Sets) -> float:
    """Ten pictures at a time; it keeps the padded border, so the answer differs slightly."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    scores = []
    for first in range(0, len(sets[0]), 10):
        a, b = (torch.from_numpy(side[first : first + 10]) for side in sets)
        scores += structural_similarity_index_measure(
            a, b, data_range=1.0, reduction="none"
        ).tolist()
    return float(np.mean(scores))


def our_mmd(sets: Sets) -> float:
    """Gaussian kernel of a given width, unbiased."""
    return mmd(*sets, bandwidth=64.0).unbiased


def our_kid(sets: Sets) -> float:
    """Cubic kernel over all pictures, unbiased."""
    return kid(*sets).unbiased


def with_kernel(sets: Sets, kernel: Callable[[Numbers, Numbers], Numbers]) -> float:
    """The unbiased squared discrepancy with anybody's kernel, one matrix at a time."""
    fakes, reals = sets
    n, m = len(fakes), len(reals)
    total = 0.0
    for rows, count in ((fakes, n), (reals, m)):
        block = kernel(rows, rows)
        total += float((block.sum() - np.trace(block)) / (count * (count - 1)))
        del block
    return total - 2 * float(kernel(fakes, reals).mean())


def scikit_learn_mmd(sets: Sets) -> float:
    """scikit-learn's kernel matrices."""
    from sklearn.metrics.pairwise import rbf_kernel

    return with_kernel(sets, partial(rbf_kernel, gamma=1 / (2 * 64.0**2)))


def scipy_mmd(sets: Sets) -> float:
    """SciPy's distances."""
    from scipy.spatial.distance import cdist

    return with_kernel(sets, lambda a, b: np.exp(cdist(a, b, "sqeuclidean") / (-2 * 64.0**2)))


def scikit_learn_kid(sets: Sets) -> float:
    """scikit-learn's kernel matrices."""
    from sklearn.metrics.pairwise import polynomial_kernel

    return with_kernel(sets, partial(polynomial_kernel, degree=3, coef0=1))


def torchmetrics_kid(sets: Sets) -> float:
    """The function inside its KernelInceptionDistance, on one subset of everything."""
    from torchmetrics.image.kid import poly_mmd

    return float(poly_mmd(torch.from_numpy(sets[0]), torch.from_numpy(sets[1])))


def our_one_nn(sets: Sets) -> float:
    """Leave-one-out accuracy."""
    return one_nn(*sets).overall


def scikit_learn_one_nn(sets: Sets) -> float:
    """Brute-force neighbours, itself the first of two."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.concatenate(sets)
    labels = np.arange(len(rows)) < len(sets[0])
    search = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(rows)
    nearest = search.kneighbors(rows, return_distance=False)[:, 1]
    return float((labels[nearest] == labels).mean())


TASKS: dict[str, tuple[str, dict[str, Score]]] = {
    "SSIM": (
        "pictures",
        {
            "ours": our_ssim,
            "scikit-image": scikit_image_ssim,
            "torchmetrics": torchmetrics_ssim,
        },
    ),
    "MMD": (
        "features",
        {"ours": our_mmd, "scikit-learn": scikit_learn_mmd, "SciPy": scipy_mmd},
    ),
    "KID": (
        "features",
        {"ours": our_kid, "scikit-learn": scikit_learn_kid, "torchmetrics": torchmetrics_kid},
    ),
    "1-NN": ("features", {"ours": our_one_nn, "scikit-learn": scikit_learn_one_nn}),
}
FEW = {"pictures": 10, "features": 500}  # enough to see which rival is hopeless
HOPELESS = 3.0
MAKERS: dict[str, Callable[[int], Sets]] = {"pictures": pictures, "features": features}


def peak(kind: str, count: int, task: str, who: str) -> float:
    """MB by which one call raises the peak of this fresh process."""
    sets = MAKERS[kind](count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    TASKS[task][1][who](sets)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def peaks(kind: str, count: int, task: str, asked: list[str]) -> dict[str, float]:
    """Each score in a process of its own."""
    context = multiprocessing.get_context("spawn")
    found = {}
    for who in asked:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            found[who] = pool.submit(peak, kind, count, task, who).result()
    return found


def timed(score: Score, sets: Sets) -> tuple[float, float]:
    """Seconds and the answer."""
    gc.collect()
    started = time.perf_counter()
    value = score(sets)
    return time.perf_counter() - started, value


def worth_measuring(task: str) -> dict[str, float]:
    """Ours and the rivals that are not hopeless, with their seconds on little; loads libraries."""
    kind, scores = TASKS[task]
    few, some = MAKERS[kind](10), MAKERS[kind](FEW[kind])
    for score in scores.values():
        score(few)
    seconds = {who: timed(score, some)[0] for who, score in scores.items()}
    best = min(spent for who, spent in seconds.items() if who != "ours")
    return {who: s for who, s in seconds.items() if who == "ours" or s <= HOPELESS * best}


def measure(task: str, count: int, rounds: int, memory: bool) -> dict[str, Any]:
    """One score and its rivals, interleaved."""
    kind, scores = TASKS[task]
    asked = list(worth_measuring(task))
    sets = MAKERS[kind](count)
    seconds: dict[str, list[float]] = {who: [] for who in asked}
    values = {}
    for _ in range(rounds):
        for who in asked:
            spent, values[who] = timed(scores[who], sets)
            seconds[who].append(spent)
    del sets
    medians = {who: statistics.median(times) for who, times in seconds.items()}
    best = min((who for who in asked if who != "ours"), key=lambda who: medians[who])
    ratios = [a / b for a, b in zip(seconds["ours"], seconds[best], strict=True)]
    return {
        "task": task,
        "count": count,
        "rounds": rounds,
        "seconds": {w: [min(t), medians[w], max(t)] for w, t in seconds.items()},
        "values": values,
        "apart": abs(values["ours"] - values[best]),
        "left_out": [who for who in scores if who not in asked],
        "best_rival": best,
        "ratio": [min(ratios), statistics.median(ratios), max(ratios)],
        "memory_mb": peaks(kind, count, task, asked) if memory else {},
    }


def show(row: dict[str, Any]) -> None:
    """One task as lines."""
    low, middle, high = row["ratio"]
    print(
        f"{row['task']} of {row['count']}: {middle:.2f} x the time of {row['best_rival']}", end=" "
    )
    print(f"[{low:.2f}, {high:.2f}] over {row['rounds']} rounds, answers {row['apart']:.1g} apart")
    for who, (least, median, most) in row["seconds"].items():
        memory = f"+{row['memory_mb'][who]:.0f} MB  " if row["memory_mb"] else ""
        print(f"  {who:13} {median:8.2f} s [{least:.2f}, {most:.2f}]  ", end="")
        print(f"{memory}{row['values'][who]:.12g}")
    if row["left_out"]:
        print(f"  left out, far slower: {', '.join(row['left_out'])}", flush=True)


def chosen(names: str) -> list[str]:
    """Tasks by name: "mmd,kid"."""
    asked = [name.strip() for name in names.lower().split(",")]
    if strange := sorted(set(asked) - {task.lower() for task in TASKS}):
        raise argparse.ArgumentTypeError(f"{', '.join(strange)}: the tasks are {', '.join(TASKS)}")
    return [task for task in TASKS if task.lower() in asked]


def main() -> None:
    """Print a table and, with --json, everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=chosen, default=list(TASKS), help="such as mmd,kid")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    for task in options.only:
        count = options.pictures if TASKS[task][0] == "pictures" else options.rows
        found.append(measure(task, count, options.rounds, options.memory))
        show(found[-1])
    if options.json:
        print(json.dumps({"environment": environment(), "scores": found}))


if __name__ == "__main__":
    main()
