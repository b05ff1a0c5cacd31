#!/usr/bin/env bash
# The demo on the whole year, twice: it learns as well as it should, the second run takes less than a minute, and both give
# the same bits of predictions and parameters.
#
#     tests/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

results=target/demo
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT

make --no-print-directory demo
cp "$results"/{predictions.csv,parameters.safetensors} "$first"
start=$SECONDS
make --no-print-directory demo
seconds=$((SECONDS - start))

for file in predictions.csv parameters.safetensors; do
    cmp "$first/$file" "$results/$file" || { echo "demo: two runs differ in $file" >&2; exit 1; }
done
.venv/bin/python tests/demo_goals.py "$results"
[ "$seconds" -le 60 ] || { echo "demo: the second run took $seconds s, more than a minute" >&2; exit 1; }
echo "demo: two runs have equal bits, the second took $seconds s"
