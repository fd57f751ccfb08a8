#!/usr/bin/env bash
# Sketch to picture on generated shapes, 64 pixels: the feed-forward completion and the contextual GAN
# with its search for z, from drawing the shapes to scores. Half an hour and an hour on two cores.
# Run it again after an interruption: every step goes on where it stopped.
#
#   scripts/contextual.sh [WORK_FOLDER]
#
# Both are scored by class_colour: the share of held-out outlines that come out filled with the colour
# of their class. By chance one in five would.
set -euo pipefail
work=${1:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
data=$work/datasets/outlines

"$portrayal" prepare shapes --count 6000 --size 64 --seed 0 --counts 5700,100,200 --out "$data"
for recipe in completion contextual; do
    "$portrayal" train "$recipe" "$data" --out "$work/runs/$recipe" --preset quick_64
    "$portrayal" evaluate "$work/runs/$recipe" --metric class_colour --metric l1 --metric ssim
done
# photo to sketch by the same model, beside it, for a run has one results.json
mkdir -p "$work/runs/contextual_reverse"
cp -r "$work"/runs/contextual/{config.json,environment.json,log.jsonl,checkpoints} "$work/runs/contextual_reverse"
"$portrayal" evaluate "$work/runs/contextual_reverse" --reverse --metric l1 --metric ssim
