#!/usr/bin/env bash
# Sketch to face at 64 pixels: pix2pix, completion and the contextual GAN on the same pairs FOR THE SAME
# TIME, then on real pencil drawings, a style that none of them has seen. Each test in one table and one
# picture. Run it again after an interruption: every step goes on where it stopped.
#
#   [MINUTES=30] scripts/sketches.sh DATA [WORK_FOLDER]
#
# DATA holds faces/ (photos 0801 to 0900 are the test) and sketches/{sketch,photo}/. MINUTES is the time
# of each training: a short one first measures how many steps that is on this machine, so let nothing
# else run beside it. Squeeze-Net, its LPIPS heads, MobileFaceNet and YuNet lie in PORTRAYAL_WEIGHTS.
set -euo pipefail
data=${1:?usage: scripts/sketches.sh DATA [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
python=$(dirname "$portrayal")/python
scores=(--metric l1 --metric ssim --metric lpips_squeeze --metric identity_mobilefacenet)
faces=$work/datasets/sketched
drawings=$work/datasets/drawings

"$portrayal" prepare folder "$data/faces" --out "$faces" --filter pencil --size 64 \
    --counts 600,51,100 --test-names '08(0[1-9]|[1-9][0-9])|0900' --find-faces --detector haar \
    --variants 3 --variant-styles pencil,xdog,photocopy,edges
"$portrayal" prepare pairs "$data/sketches/sketch" "$data/sketches/photo" --size 64 \
    --counts 11,0,200 --out "$drawings"

steps_of() { # RECIPE: steps in MINUTES, without validations and checkpoints
    local probe=$work/probe/$1
    if [ ! -e "$probe.steps" ]; then
        "$portrayal" train "$1" "$faces" --out "$probe" --preset quick_64 --set steps=120 \
            --set validate_every=120 >&2
        "$python" - "$probe/log.jsonl" "${MINUTES:-30}" > "$probe.steps.part" <<'PYTHON'
import json, statistics, sys
from itertools import pairwise
rows = [json.loads(line) for line in open(sys.argv[1])]
# the lower quartile: others hold the first steps, which are slow, or samples, early ones close together
paces = [(b["seconds"] - a["seconds"]) / (b["step"] - a["step"]) for a, b in pairwise(rows)]
print(max(1, round(60 * float(sys.argv[2]) / statistics.quantiles(paces, n=4)[0])))
PYTHON
        mv "$probe.steps.part" "$probe.steps"
    fi
    cat "$probe.steps"
}

# of a pencil sketch's fine grain a black page has the right share everywhere: its amount must count
runs=() drawn=() more=()
for recipe in pix2pix completion contextual; do
    run=$work/runs/sketches/$recipe
    [ "$recipe" = contextual ] && more=(--set amount=0.05)
    "$portrayal" train "$recipe" "$faces" --out "$run" --preset quick_64 "${more[@]}" \
        --set steps="${STEPS:-$(steps_of "$recipe")}"
    "$portrayal" evaluate "$run" "${scores[@]}"
    # the same model once more, for a run has one results.json
    mkdir -p "$run"_drawn
    cp -r "$run"/{config.json,environment.json,log.jsonl,checkpoints} "$run"_drawn
    "$portrayal" evaluate "$run"_drawn --data "$drawings" "${scores[@]}"
    runs+=("$run") drawn+=("$run"_drawn)
done
"$portrayal" compare "${runs[@]}" --out "$work/comparison_sketches"
"$portrayal" compare "${drawn[@]}" --out "$work/comparison_drawings"
"$python" "$(dirname "$0")/panel.py" "${runs[@]}" "$work/comparison_sketches/panel.png"
"$python" "$(dirname "$0")/panel.py" "${drawn[@]}" "$work/comparison_drawings/panel.png"
