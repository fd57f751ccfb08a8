#!/usr/bin/env bash
# Photo to portrait without pairs, at 64 pixels with narrow networks: does a loss of identity keep the
# person, and does the domain suffer? Its weight is chosen on 200 pictures of each domain and on
# validation: the highest identity whose KID is not told apart from the baseline's. Baseline and best
# are then trained on all pictures and tested once. FaceNet is in the loss, MobileFaceNet judges.
# The time is stated in docs/results.md. Run it again after an interruption: every step goes on.
#
#   scripts/portraits.sh DATA [WORK_FOLDER]
#
# DATA holds faces/ (photos 0801 to 0900 are the test) and portraits/ (paintings); PHOTOS=identities
# takes several pictures of each person instead. FaceNet, MobileFaceNet, YuNet and SqueezeNet lie in
# PORTRAYAL_WEIGHTS. Test and validation are the same pictures in both datasets.
set -euo pipefail
data=${1:?usage: scripts/portraits.sh DATA [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
photos=${PHOTOS:-faces}
steps=${STEPS:-1500}
small=(--set generator=resnet_6 --set width=24 --set discriminator=patch_34
    --set discriminator_width=32 --set average="${AVERAGE:-0.995}")
scores=(identity_mobilefacenet kid ssim)

options=(--size 64)
if [ "$photos" = identities ]; then
    options+=(--subject '([^/]*)/.*')
    all=${ALL_COUNTS:-1515,60,100:570,60,100}
else
    options+=(--test-names '08(0[1-9]|[1-9][0-9])|0900')
    all=${ALL_COUNTS:-591,60,100:570,60,100}
fi
prepare() { # NAME COUNTS
    "$portrayal" prepare domains "$data/$photos" "$data/portraits" "${options[@]}" \
        --out "$work/datasets/$1" --counts "$2"
}

prepare portraits_few "${COUNTS:-200,60,100}"
"$portrayal" sweep cyclegan "$work/datasets/portraits_few" --out "$work/sweeps/portraits" \
    --preset base --vary face_identity=0,1,5,10 "${small[@]}" --set steps="$steps" \
    "${scores[@]/#/--score=}"

best=$("$(dirname "$portrayal")/python" - "$work/sweeps/portraits/sweep.json" <<'PYTHON'
import json, sys
trials = json.load(open(sys.argv[1]))["trials"]
scores = {t["values"]["face_identity"]: t["scores"] for t in trials if t["scores"]}
stays = [w for w in scores if w != "0" and scores[w]["kid"]["low"] <= scores["0"]["kid"]["high"]]
print(max(stays or set(scores) - {"0"}, key=lambda w: scores[w]["identity_mobilefacenet"]["value"]))
PYTHON
)
echo "face_identity=$best is the best on validation"

prepare portraits_all "$all"
runs=()
for weight in 0 "$best"; do
    run="$work/runs/portraits_$weight"
    "$portrayal" train cyclegan "$work/datasets/portraits_all" --out "$run" --preset base \
        "${small[@]}" --set face_identity="$weight" --set steps="${ALL_STEPS:-$((2 * steps))}"
    "$portrayal" evaluate "$run" "${scores[@]/#/--metric=}" --table verification
    runs+=("$run")
done
"$portrayal" compare "${runs[@]}" --out "$work/comparison_portraits"
