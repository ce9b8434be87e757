#!/bin/bash
# asof.sh - what a question about the past takes on an account of many events, beside one of few; `make bench` calls it.
#
# LONG and SHORT: events (200000, 2000). FLOORS=no: shows only. Questions are asked at instants early, in the middle and
# late in the history; what was known, too. Times are of the processor, a question, in milliseconds.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
LONG=${LONG:-200000} SHORT=${SHORT:-2000} FLOORS=${FLOORS:-yes}
BUILD=${BUILD:-$PWD/build}
bench=$BUILD/tests/bench
. tests/bench/one.sh
noted() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }

# NAME EVENTS: adds "NAME QUESTION WHEN MILLISECONDS BYTES"
history() {
    rm -f "$folder"/*.db "$folder"/*.db-*
    "$bench/lots" "$folder" spread 100 10 $(($2 / 2 - 50))
    known=()
    for file in grants usage-1 usage-3; do
        "$bench/timed" "$folder/scrip.ini" "$folder/$file.csv" >"$folder/took" 2>&1 || fail "$(cat "$folder/took")"
        sleep 0.01
        known+=("$(noted)")
    done
    last=$(date -u -d "2022-01-02 $(($2 * 20)) seconds" +%Y-%m-%dT%H:%M:%SZ)
    "$bench/asked" "$folder/scrip.ini" 2022-01-02 "$last" "${known[@]}" >"$folder/asked" 2>"$folder/said" ||
        fail "$(cat "$folder/said")"
    sed "s/^/$1 /" "$folder/asked" >>"$folder/times"
}
says() {
    case $1 in
    as-of) echo "balance --as-of" ;;
    before) echo "balance --before" ;;
    known) echo "balance --known-at" ;;
    known-then) echo "balance --as-of --known-at" ;;
    usage-days) echo "usage of whole days" ;;
    usage-part) echo "usage of part of a day: replayed" ;;
    esac
}
config_write "priority, expires, created"
history short "$SHORT"
history long "$LONG"
echo "questions about an account of $LONG events, beside one of $SHORT: milliseconds of processor time each;" \
    "at most 3 times what the few take at most"
printf '%-7s %-34s %-8s %10s %10s %8s\n' "" "" "" "few" "many" ratio
missed=0
for question in as-of before known known-then usage-days usage-part; do
    for when in early middle late; do
        # Of usage no floor: whole days are as many rows as days, and part of a day is replayed.
        awk -v says="$(says $question)" -v q="$question" -v w="$when" '
            $2 == q && $1 == "short" && $4 > few { few = $4 }
            $2 == q && $1 == "long" && $3 == w { many = $4 }
            END { ratio = many / (few ? few : 0.001); is_held = q !~ /^usage/
            holds = is_held ? (ratio <= 3 ? "ok" : "MISSED") : ""
            printf "%-7s %-34s %-8s %10.2f %10.2f %8.2f\n", holds, says, w, few, many, ratio
            exit is_held && ratio > 3 }' "$folder/times" || missed=$((missed + 1))
    done
done
[ "$FLOORS" != yes ] || [ "$missed" = 0 ]
