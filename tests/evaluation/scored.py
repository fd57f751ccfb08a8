"""Scored runs written by hand: results.json and pictures.jsonl, and no model."""

import numpy as np

from portrayal.core.runs import append_line, write_json

UP = {"ssim": "higher", "psnr": "higher", "l1": "lower", "fid": "lower"}
DATA = "ab" * 32


def make_scored(folder, scores, *, sha=DATA, split="test", protocol="", names=None, more=(), **row):
    """`scores` holds lists of picture scores by metric; `more` are further scores of the whole."""
    folder.mkdir(parents=True)
    count = len(next(iter(scores.values())))
    names = names or [f"p{index:02d}" for index in range(count)]
    for index, name in enumerate(names):
        own = {metric: values[index] for metric, values in scores.items()}
        line = {"name": name, "scores": own}
        line |= {key: value(index) for key, value in row.items()}
        append_line(folder / "pictures.jsonl", line)
    whole = [score(metric, values, protocol) for metric, values in scores.items()]
    write_json(
        folder / "results.json",
        {"kind": "run", "split": split, "n": count, "scores": [*whole, *more]}
        | {"data": {"sha256": sha}, "interval": "95 % bootstrap"},
    )
    return folder


def score(metric, values, protocol="", question="fidelity", answer="translation"):
    known = [value for value in values if value is not None]
    mean = float(np.mean(known))
    return {
        "metric": metric,
        "answer": answer,
        "question": question,
        "value": mean,
        "low": mean - 0.1,
        "high": mean + 0.1,
        "n": len(known),
        "missing": len(values) - len(known),
        "better": UP[metric],
        "protocol": protocol,
    }
