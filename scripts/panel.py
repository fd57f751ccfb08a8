"""A picture for the documentation: input | generated | truth of held-out pictures, not hand-picked.

    python scripts/panel.py RUN... OUT.png [--count 6] [--columns 2] [--scale 1]

They are evenly spaced over the split that the runs were evaluated on; each run has a column, and
unpaired data have no truth.
Only runs on generated shapes or on synthetic faces may be committed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from portrayal.core.images import encode_png, read_pixels
from portrayal.core.runs import read_json, write_atomically

GAP, MARGIN = 2, 10  # white pixels between the pictures of a pair, and between pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--scale", type=int, default=1)
    options = parser.parse_args()
    scored = read_json(options.runs[0] / "results.json")
    split = scored["split"]
    data = Path(scored["data"]["path"]) / split
    rows = [json.loads(line) for line in (data / "metadata.jsonl").open()]
    rows = [row for row in rows if row.get("domain", "source") == "source"]
    chosen = [rows[i * len(rows) // options.count] for i in range(options.count)]
    shown = []
    for row in chosen:
        answers = [f"{run}/translations/{split}/{row['name']}.png" for run in options.runs]
        source = data / row.get("source_file_name", row.get("file_name", ""))
        truths = [data / row["target_file_name"]] if "target_file_name" in row else []
        files = (source, *answers, *truths)
        shown.append(beside([read_pixels(Path(file)) for file in files], options.scale))
    write_atomically(options.out, encode_png(sheet(shown, options.columns)))
    print(f"{options.out}: {', '.join(row['name'] for row in chosen)}")


def beside(pictures: list[np.ndarray], scale: int) -> np.ndarray:
    large = [each.repeat(scale, 0).repeat(scale, 1) for each in pictures]
    gap = np.full((large[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([part for each in large for part in (gap, each)][1:], axis=1)


def sheet(shown: list[np.ndarray], columns: int) -> np.ndarray:
    height, width = shown[0].shape[:2]
    rows = -(-len(shown) // columns)
    tall, wide = rows * (height + MARGIN) - MARGIN, columns * (width + MARGIN) - MARGIN
    page = np.full((tall, wide, 3), 255, np.uint8)
    for index, each in enumerate(shown):
        top = index // columns * (height + MARGIN)
        left = index % columns * (width + MARGIN)
        page[top : top + height, left : left + width] = each
    return page


if __name__ == "__main__":
    main()
