#!/bin/bash
# lots.sh - what a draw costs on an account of many grants, beside the same draws on one of few; `make bench` calls it.
#
# USAGES of each part (100000), MANY and FEW grants (100000, 100), LOTS: only the lines whose name contains this.
# FLOORS=no: shows only.
#
# Grants are made before the clock starts. `first` is usage in the process that made them; `again` is as much usage more
# in a new process, which has read the account back: once, for one event before the clock starts. Ratios are of
# processor time, as others may use the machine. Each is measured once.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
USAGES=${USAGES:-100000} MANY=${MANY:-100000} FEW=${FEW:-100} LOTS=${LOTS:-} FLOORS=${FLOORS:-yes}
BUILD=${BUILD:-$PWD/build}
bench=$BUILD/tests/bench
. tests/bench/one.sh

# NAME | SHAPE (lots.c) | DRAW ORDER | OTHER KEYS OF THE CURRENCY
# Where each usage has a grant of its own, that grant's row is written with it; where the others end with a rest, the
# row and the entry of an expiry are, too: the floor is the same for them.
lines='
default order                | spread | priority, expires, created                   |
by class                     | spread | class(free trial starter purchased), expires |
restricted first             | ahead  | restricted, sequence                         |
by expiry                    | spread | expires                                      |
by taking effect             | ahead  | effective                                    |
newest first                 | behind | created desc                                 |
largest first                | spread | amount desc                                  |
by cost                      | spread | cost nulls last                              |
as they came                 | ahead  | sequence                                     |
every grant is used up       | spent  | priority, expires, created                  
used up, then they end       | drained | expires                                    
the others end with a rest   | ending | priority, expires, created                  
one grant pays all, or none  | spread | priority, expires, created                   | split = no
the same, rests stay behind  | rests  | priority, expires, created                   | split = no
one class pays all, or none  | spread | class(free trial starter purchased), expires | split = class
an allowance for each user   | users  | priority, expires, created                   |
with limits                  | limits | priority, expires, created                   |
held, then captured          | holds  | priority, expires, created                   |
one in ten is owed           | owed   | priority, expires, created                   | overdraft = debt
taken away by adjustments    | taken  | priority, expires, created                   |
'
# LABEL SHAPE GRANTS: adds "LABEL seconds cpu seconds cpu bytes": of the first part, of the second; of an event
measure() {
    local before
    rm -f "$folder"/*.db "$folder"/*.db-*
    "$bench/lots" "$folder" "$2" "$3" "$FEW" "$USAGES"
    "$bench/timed" "$folder/scrip.ini" "$folder/grants.csv" "$folder/usage-1.csv" >"$folder/first" 2>"$folder/said" ||
        fail "$(cat "$folder/said")"
    before=$(store_size)
    "$bench/timed" "$folder/scrip.ini" "$folder/usage-2.csv" "$folder/usage-3.csv" >"$folder/again" 2>"$folder/said" ||
        fail "$(cat "$folder/said")"
    awk '$4 > 0 { exit 1 }' "$folder/first" "$folder/again" ||
        fail "$2: not all was taken in: $(cat "$folder/first" "$folder/again")"
    echo "$1 $(sed -n '2s/ [^ ]* [^ ]*$//p' "$folder/first") $(sed -n '2s/ [^ ]* [^ ]*$//p' "$folder/again")" \
        "$((($(store_size) - before) / USAGES))" >>"$folder/times"
}
store_size() { cat "$folder"/*.db* | wc -c; }
timed() { # LABEL COLUMN
    awk -v name="$1" -v n="$2" '$1 == name { print $n }' "$folder/times"
}
# NAME: the lines of what was measured; what is over the floor is noted in $folder/over.
show() {
    local part column
    for part in first:2 again:4; do
        column=${part#*:}
        awk -v says="$1" -v part="${part%:*}" -v few="$(timed few "$column")" \
            -v few_cpu="$(timed few $((column + 1)))" \
            -v many="$(timed many "$column")" -v many_cpu="$(timed many $((column + 1)))" \
            -v bytes="$(timed many 6)" -v floor=1.5 '
            BEGIN { ratio = many_cpu / (few_cpu ? few_cpu : 0.001)
                printf "%-7s %-28s %-5s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %9.0f\n",
                    ratio <= floor ? "ok" : "MISSED", says, part, few, few_cpu, many, many_cpu,
                    many / (few ? few : 0.001), ratio, floor, bytes
                exit ratio > floor }' || echo >>"$folder/over"
    done
}

echo "$USAGES usages on one account of $MANY grants, beside the same draws on one of $FEW"
printf '%-7s %-28s %-5s %8s %8s %8s %8s %8s %8s %8s %9s\n' \
    "" "" "" "few: s" "cpu s" "many: s" "cpu s" "ratio" "of cpu" "at most" "bytes/ev."
missed=0
while IFS='|' read -r name shape order option; do
    name=$(echo $name) shape=$(echo $shape) order=$(echo $order) option=$(echo $option)
    case $name in "") continue ;; *"$LOTS"*) ;; *) continue ;; esac
    config_write "$order" "$option"
    : >"$folder/times"
    : >"$folder/over"
    measure few "$shape" "$FEW"
    measure many "$shape" "$MANY"
    show "$name"
    [ ! -s "$folder/over" ] || missed=$((missed + 1))
done <<<"$lines"
echo
if [ "$missed" = 0 ]; then
    echo "ok      a draw costs the same however many grants there are"
else
    echo "MISSED  $missed kinds of draws cost more the more grants there are"
fi
[ "$FLOORS" != yes ] || [ "$missed" = 0 ]
