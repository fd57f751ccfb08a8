#!/usr/bin/env bash
# The seven models of the second report on the same pairs, steps and seed, at 64 pixels with narrow
# networks: cartoon to photo in one table, then real drawn pairs and foreign drawings (anime, which have
# no truths) as styles that none has seen. The time is stated in docs/results.md. Run it again after an
# interruption: every step goes on where it stopped.
#
#   scripts/family.sh DATA [WORK_FOLDER]
#
# DATA holds faces/ (photos 0801 to 0900 are the test), comics/{cartoon,photo}/ and anime/.
set -euo pipefail
data=${1:?usage: scripts/family.sh DATA [WORK_FOLDER]}
work=${2:-.}
portrayal=${PORTRAYAL:-.venv/bin/portrayal}
small=(--set width=24 --set generator=resnet_6 --set discriminator_width=32 --set average=0.995
    --set steps="${STEPS:-4000}")

"$portrayal" prepare folder "$data/faces" --out "$work/datasets/faces_64" --filter cartoon --size 64 \
    --counts 600,51,100 --test-names '08(0[1-9]|[1-9][0-9])|0900' --find-faces --detector haar
"$portrayal" prepare folder "$data/anime" --out "$work/datasets/anime_64" --filter none --size 64 \
    --counts 399,101,100
runs=()
for model in gan_v1 gan_v2 base v3 v4 v5 v6; do
    recipe=cyclegan discriminator=patch_34
    case $model in gan_*) recipe=paired ;; v6) discriminator=residual ;; esac
    run="$work/runs/family/$model"
    "$portrayal" train "$recipe" "$work/datasets/faces_64" --out "$run" --preset "$model" \
        "${small[@]}" --set discriminator="$discriminator"
    "$portrayal" evaluate "$run" --metric l1 --metric ssim --metric lpips_squeeze --metric kid \
        --metric mmd --metric one_nn --metric identity_mobilefacenet
    "$portrayal" robustness "$run" --set comics="$data/comics/cartoon:$data/comics/photo" \
        --filters none --damage none
    "$portrayal" translate "$run" "$work/datasets/anime_64/test/source" --out "$work/anime/$model"
    "$portrayal" evaluate "$work/anime/$model" "$work/datasets/faces_64/test/target" --unpaired \
        --input "$work/datasets/anime_64/test/source" --metric kid --metric mmd \
        --out "$work/anime_scores/$model"
    runs+=("$run")
done
"$portrayal" compare "${runs[@]}" --out "$work/comparison_family"
