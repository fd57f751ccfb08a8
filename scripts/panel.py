"""A picture for the documentation: input | generated | truth of held-out pairs, not hand-picked.

    python scripts/panel.py RUN OUT.png [--count 6] [--columns 2] [--scale 1]

The pairs are evenly spaced over the test split of an evaluated run. Only runs on generated shapes
or on synthetic faces may be committed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from portrayal.core.images import encode_png, read_pixels
from portrayal.core.runs import dataset_places, read_json, write_atomically

GAP, MARGIN = 2, 10  # white pixels between the pictures of a pair, and between pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--scale", type=int, default=1)
    options = parser.parse_args()
    places = dataset_places(options.run, read_json(options.run / "config.json")["data"])
    data = next(place for place in places if place.is_dir()) / "test"
    rows = [json.loads(line) for line in (data / "metadata.jsonl").open()]
    chosen = [rows[i * len(rows) // options.count] for i in range(options.count)]
    triples = []
    for row in chosen:
        fake = options.run / "translations" / "test" / f"{row['name']}.png"
        files = (data / row["source_file_name"], fake, data / row["target_file_name"])
        pictures = [
            read_pixels(path).repeat(options.scale, 0).repeat(options.scale, 1) for path in files
        ]
        gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
        triples.append(np.concatenate([pictures[0], gap, pictures[1], gap, pictures[2]], axis=1))
    write_atomically(options.out, encode_png(sheet(triples, options.columns)))
    print(f"{options.out}: {', '.join(row['name'] for row in chosen)}")


def sheet(triples: list[np.ndarray], columns: int) -> np.ndarray:
    height, width = triples[0].shape[:2]
    rows = -(-len(triples) // columns)
    tall, wide = rows * (height + MARGIN) - MARGIN, columns * (width + MARGIN) - MARGIN
    page = np.full((tall, wide, 3), 255, np.uint8)
    for index, triple in enumerate(triples):
        top = index // columns * (height + MARGIN)
        left = index % columns * (width + MARGIN)
        page[top : top + height, left : left + width] = triple
    return page


if __name__ == "__main__":
    main()
