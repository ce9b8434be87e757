#!/bin/bash
# bench.sh - `make bench` runs, and its baselines agree with scrip. A small feed; no time is judged.
set -eu
export USAGES=300 MANY=300 FEW=20 LONG=3000 SHORT=1500
out=$(ROWS=20000 RUNS=1 FLOORS=no "$(dirname "$0")/../bench/run.sh") || { echo "$out"; exit 1; }
echo "$out"
for line in "sums agree" "plain C, unique key" "source csv, read as events" "bytes an event" \
    "one in ten is owed" "balance --as-of --known-at"; do
    case $out in *"$line"*) ;; *) echo "no line '$line'"; exit 1 ;; esac
done
case $out in *nan* | *inf*) echo "a figure is missing"; exit 1 ;; esac
# It cleans up after itself.
! ls -d "${BUILD:-build}"/bench.* 2>/dev/null
# The generator is deterministic, and another seed gives another feed.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for seed in 1 1 2; do
    "${BUILD:-build}/tests/bench/generate" "$folder" 1000 $seed 90 own
    cat "$folder"/*.csv | cksum
done >"$folder/sums"
[ "$(sort -u "$folder/sums" | wc -l)" = 2 ] && [ "$(head -n 2 "$folder/sums" | sort -u | wc -l)" = 1 ]
