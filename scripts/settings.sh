#!/usr/bin/env bash
# The first report's last wish: do other settings of pix2pix beat the paper's? A grid around them at 64
# pixels, chosen on validation; the test split is touched once, by the winner. About half an hour on
# two cores. Run it again after an interruption: finished trials are kept.
#
#   scripts/settings.sh DATASET [WORK_FOLDER]
set -euo pipefail
data=${1:?usage: scripts/settings.sh DATASET [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
"$portrayal" sweep pix2pix "$data" --out "$work/sweeps/settings" --preset quick_64 \
    --vary l1=10,100,1000 --vary dropout=0,0.5 --vary norm=batch,instance \
    --set steps="${STEPS:-800}" --set average=0.99 --set validate_every=200 --metric l1 --evaluate-best
