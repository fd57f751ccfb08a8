#!/usr/bin/env bash
# Sketch to object at 64 pixels on COCO: objects of a few classes cut out along their outlines, their
# pencil sketches, the completion model, scores on held-out pictures. The 64 COCO pictures at hand show
# that every step works and NOT what the method can do: from some twenty objects nothing is learned
# that holds for others. On a whole COCO the same command means something:
#
#   SPLIT=train2017 STEPS=20000 scripts/coco.sh COCO [WORK_FOLDER]
#
# COCO holds SPLIT/ and annotations/instances_SPLIT.json. Two to three minutes on two cores at 600 steps. Run it
# again after an interruption: every step goes on where it stopped.
set -euo pipefail
coco=${1:?usage: scripts/coco.sh COCO [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
split=${SPLIT:-val2017}
data=$work/datasets/coco

"$portrayal" prepare coco "$coco/$split" "$coco/annotations/instances_$split.json" \
    --categories "${CLASSES:-person,truck,motorcycle,giraffe}" --out "$data" --filter pencil --size 64 \
    --fractions 0.6,0.1,0.3 --variants 3 --variant-styles pencil,xdog,photocopy,edges
"$portrayal" train completion "$data" --out "$work/runs/coco" --preset quick_64 \
    --set steps="${STEPS:-600}"
"$portrayal" evaluate "$work/runs/coco" --metric l1 --metric ssim --by class
