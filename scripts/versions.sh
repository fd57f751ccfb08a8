#!/usr/bin/env bash
# The oldest or the newest versions that pyproject.toml allows: installed afresh, imported, tested.
#   scripts/versions.sh oldest | newest    [PYTHON]        (needs the network; some 3 GB)
# The last results stand in docs/reliability.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

which=${1:?oldest or newest}
python=${2:-.venv/bin/python}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m venv "$place/venv"
"$python" - "$which" >"$place/wanted.txt" <<'END'
import re, sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
wanted = project["dependencies"] + project["optional-dependencies"]["web"]
for text in wanted:  # the lower bound, exactly; or whatever the newest is
    print(re.sub(r">=([^,]+).*", r"==\1", text) if sys.argv[1] == "oldest" else text)
END
cat "$place/wanted.txt"
index=${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
"$place/venv/bin/pip" install --quiet --extra-index-url "$index" -r "$place/wanted.txt" \
    "pytest>=8" "hypothesis>=6.100" "scikit-image>=0.25" "httpx>=0.27" "packaging"
"$place/venv/bin/pip" install --quiet --no-deps .
"$place/venv/bin/portrayal" doctor || true
OMP_NUM_THREADS=1 "$place/venv/bin/python" -m pytest -q -m "not slow and not browser" -W default \
    -p no:cacheprovider tests/core tests/data tests/networks tests/recipes tests/training \
    tests/inference tests/export
