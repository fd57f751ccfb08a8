#!/usr/bin/env bash
# Does it help to leave out grey pictures and small faces? The first report planned to find out. Two
# pix2pix models of equal steps at 64 pixels: one learns from a mixture of sharp faces, grey faces and
# small soft ones, the other from what is left after prepare's own filters; both are scored on the same
# held-out people, all of them and by kind. About half an hour on two cores. Run it again after an
# interruption: every step goes on where it stopped.
#
#   scripts/mix.sh DATA [WORK_FOLDER]
#
# DATA holds faces/, grayscale/ and identities/PERSON/.
set -euo pipefail
data=$(realpath "${1:?usage: scripts/mix.sh DATA [WORK_FOLDER]}")
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}

mkdir -p "$work/mixture"
for kind in faces grayscale identities; do ln -sfn "$data/$kind" "$work/mixture/$kind"; done
options=(--filter cartoon --size 64 --subject 'identities/([^/]*)/.*' --detector haar)
"$portrayal" prepare folder "$work/mixture" --out "$work/datasets/mixed" "${options[@]}" --find-faces \
    --fractions 0.8,0.05,0.15 --test-names 'faces/(08(0[1-9]|[1-9][0-9])|0900)'
# nobody whom the other model is tested on may be learned from
cat "$work"/datasets/mixed/{test,val}/metadata.jsonl |
    sed 's/.*"name": "\([^"]*\)".*/\1/' > "$work/held_out.txt"
"$portrayal" prepare folder "$work/mixture" --out "$work/datasets/filtered" "${options[@]}" \
    --fractions 0.9,0.05,0.05 --test-names "$work/held_out.txt" \
    --grey reject --faces reject --min-face 0.2 --no-face reject
for name in mixed filtered; do
    "$portrayal" train pix2pix "$work/datasets/$name" --out "$work/runs/$name" \
        --preset quick_64 --set steps=6000
    "$portrayal" evaluate "$work/runs/$name" --data "$work/datasets/mixed" \
        --metric l1 --metric ssim --metric lpips_squeeze --by grey --by face_share:0.1,0.2,0.3
done
"$portrayal" compare "$work/runs/mixed" "$work/runs/filtered" --out "$work/comparison_mixture"
