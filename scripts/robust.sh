#!/usr/bin/env bash
# Does seeing other kinds of cartoons in training help with kinds that were never seen? Two models, one
# trained on Beyeler's cartoons only, one on these and twice as many drawn in flat styles (prepare
# --variants) with a perceptual term and averaged weights, measured on cartoons of two neural stylisers
# that neither has seen, on comics, sketches, grey pictures, other filters and graded damage. FaceNet,
# SqueezeNet, its LPIPS heads and YuNet lie in PORTRAYAL_WEIGHTS.
# On two cores of its own: prepare 3 minutes, each training about 50, each measurement about 20:
# two and a half hours in all. Run it again after an interruption: it goes on where it stopped.
#
#   scripts/robust.sh DATA [WORK_FOLDER]
#
# DATA holds faces/ (photos 0801 to 0900 are the test), restyled/{whitebox,pencil}/ (those 100 by
# the stylisers), comics/{cartoon,photo}/, sketches/{sketch,photo}/ and grayscale/ (photos).
set -euo pipefail
data=${1:?usage: scripts/robust.sh DATA [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
options=(--size 128 --work-size 256 --filter cartoon --find-faces --detector haar
    --counts 600,51,100 --test-names '08(0[1-9]|[1-9][0-9])|0900')
"$portrayal" prepare folder "$data/faces" --out "$work/datasets/plain" "${options[@]}"
"$portrayal" prepare folder "$data/faces" --out "$work/datasets/varied" "${options[@]}" \
    --variants 2 --variant-styles flat_regions,flat_flow,flat_shift,flat_smooth

for name in plain varied; do
    preset=quick_128
    [ "$name" = plain ] || preset=robust_128
    "$portrayal" train pix2pix "$work/datasets/$name" --out "$work/runs/$name" --preset "$preset"
    "$portrayal" robustness "$work/runs/$name" \
        --set whitebox="$data/restyled/whitebox" \
        --set pencil_neural="$data/restyled/pencil" \
        --set comics="$data/comics/cartoon:$data/comics/photo" \
        --set sketches="$data/sketches/sketch:$data/sketches/photo" \
        --photos grayscale="$data/grayscale"
done
