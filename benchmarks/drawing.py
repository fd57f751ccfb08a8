"""How many generated shapes a second one core draws at 64 pixels: python benchmarks/drawing.py"""

import statistics
import time

from portrayal.data.sources.shapes import draw


def main() -> None:
    rates = []
    for _ in range(7):
        started = time.perf_counter()
        for index in range(100):
            draw(64, 0, f"shape_{index:06d}")
        rates.append(100 / (time.perf_counter() - started))
    print(f"{statistics.median(rates):.0f} shapes/s ({min(rates):.0f} to {max(rates):.0f})")


if __name__ == "__main__":
    main()
