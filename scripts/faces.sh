#!/usr/bin/env bash
# Cartoon to photo at 128 pixels on a folder of face pictures, from pictures to report: the main
# result of docs/results.md. About an hour on two cores. Run it again after an interruption: every
# step goes on where it stopped.
#
#   scripts/faces.sh PICTURES [WORK_FOLDER]
#
# PICTURES here were 751 synthetic faces (docs/results.md); the pictures 0801 to 0900 are the test.
set -euo pipefail
pictures=${1:?usage: scripts/faces.sh PICTURES [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}

"$portrayal" prepare folder "$pictures" --out "$work/datasets/faces" --filter cartoon --size 128 \
    --counts 600,51,100 --test-names '08(0[1-9]|[1-9][0-9])|0900' --find-faces --detector haar
"$portrayal" train pix2pix "$work/datasets/faces" --out "$work/runs/faces" --preset quick_128
"$portrayal" evaluate "$work/runs/faces"
