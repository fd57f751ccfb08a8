#!/usr/bin/env bash
# Build the wheel, install it into an empty environment and test what is installed, not the sources.
# The packages it needs are lent from .venv, so that nothing is downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=$PWD/.venv/bin/python
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/source"
git archive HEAD | tar -x -C "$place/source"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$place" "$place/source"
"$python" -m venv --without-pip "$place/venv"
site=$("$place/venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
"$python" -m pip --python "$place/venv/bin/python" install --quiet --no-deps "$place"/*.whl
"$python" -c "import sysconfig; print(sysconfig.get_path('purelib'))" >"$site/lent.pth"

rm -r "$place/source/src" # so that only the installed package can be imported
cd "$place/source"
"$place/venv/bin/python" - <<'END'
import pathlib, portrayal
place = pathlib.Path(portrayal.__file__)
assert "venv" in place.parts and "src" not in place.parts, place
for name in ("py.typed", "reports/templates/report.html", "web/templates/shell.html",
             "web/static/shell.css", "export/templates/card.md"):
    assert (place.parent / name).is_file(), f"{name} is not in the wheel"
END
"$place/venv/bin/portrayal" --version
OMP_NUM_THREADS=1 "$place/venv/bin/python" -m pytest -q -m "not slow and not browser" \
    -p no:cacheprovider tests/core tests/inference tests/reports/test_report.py tests/cli/test_main.py
echo "the wheel works"
