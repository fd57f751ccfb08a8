"""Put what the browser tests need from npm into .venv/npm: onnxruntime-web and axe-core.

    python scripts/browser_packages.py [FOLDER]

Versions and hashes stand in portrayal/export/npm.py. What is there already stays; without npm or
network it says so and ends well, and the tests that need these files are skipped with that reason.
"""

import sys
from pathlib import Path

from portrayal.core.errors import UserError
from portrayal.export.npm import AXE, ONNXRUNTIME_WEB, install, missing


def main() -> None:
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(sys.prefix) / "npm"
    for package in (ONNXRUNTIME_WEB, AXE):
        folder = place / package.name
        if not missing(package, folder):
            continue
        try:
            install(package, folder)
        except UserError as error:
            print(f"Not fetched, its tests will be skipped: {error}")
        else:
            print(f"{package.name} {package.version} is in {folder}")


if __name__ == "__main__":
    main()
