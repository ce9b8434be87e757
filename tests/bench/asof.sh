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

# SHAPE NAME EVENTS: adds "SHAPE NAME QUESTION WHEN MILLISECONDS BYTES"
history() {
    rm -f "$folder"/*.db "$folder"/*.db-* "$folder"/*.csv
    "$bench/lots" "$folder" "$1" 100 10 $(($3 / 2 - 50))
    known=()
    for file in grants usage-1 usage-3; do
        "$bench/timed" "$folder/scrip.ini" "$folder/$file.csv" >"$folder/took" 2>&1 || fail "$(cat "$folder/took")"
        sleep 0.01
        known+=("$(noted)")
    done
    last=$(date -u -d "2022-01-02 $(($3 * 20)) seconds" +%Y-%m-%dT%H:%M:%SZ)
    "$bench/asked" "$folder/scrip.ini" 2022-01-02 "$last" "${known[@]}" >"$folder/asked" 2>"$folder/said" ||
        fail "$(cat "$folder/said")"
    sed "s/^/$1 $2 /" "$folder/asked" >>"$folder/times"
}
says() {
    case $1 in
    as-of) echo "balance --as-of" ;;
    before) echo "balance --before" ;;
    known) echo "balance --known-at" ;;
    known-then) echo "balance --as-of --known-at" ;;
    usage-days) echo "usage --as-of, whole days" ;;
    usage-as-of) echo "usage --as-of" ;;
    usage-before) echo "usage --before" ;;
    usage-hour) echo "usage --from --before, one hour" ;;
    usage-known) echo "usage --known-at" ;;
    usage-known-then) echo "usage --before --known-at" ;;
    esac
}
config_write "priority, expires, created"
echo "questions about an account of $LONG events, beside one of $SHORT: milliseconds of processor time each;" \
    "at most 3 times what the few take at most"
missed=0
for shape in spread periods; do
    history "$shape" short "$SHORT"
    history "$shape" long "$LONG"
    echo
    case $shape in
    spread) echo "an account of grants and usage" ;;
    periods) echo "an account whose usage is held first, holds time out, and grants recur every day" ;;
    esac
    printf '%-7s %-34s %-8s %10s %10s %8s\n' "" "" "" "few" "many" ratio
    for question in as-of before known known-then usage-days usage-as-of usage-before usage-hour usage-known \
        usage-known-then; do
        for when in early middle late; do
            awk -v shape="$shape" -v says="$(says $question)" -v q="$question" -v w="$when" '
                $1 == shape && $3 == q && $2 == "short" && $5 > few { few = $5 }
                $1 == shape && $3 == q && $2 == "long" && $4 == w { many = $5 }
                END { ratio = many / (few ? few : 0.001)
                printf "%-7s %-34s %-8s %10.2f %10.2f %8.2f\n", ratio <= 3 ? "ok" : "MISSED", says, w, few, many, ratio
                exit ratio > 3 }' "$folder/times" || missed=$((missed + 1))
        done
    done
done
echo
if [ "$missed" = 0 ]; then
    echo "ok      a question about the past costs the same however long the history is"
else
    echo "MISSED  $missed questions about the past cost more the longer the history is"
fi
[ "$FLOORS" != yes ] || [ "$missed" = 0 ]
