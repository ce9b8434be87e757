#!/bin/bash
# lots.sh - what a draw costs on an account of many grants, beside the same draws on one of few; `make bench` calls it.
#
# USAGES of each part (100000), MANY and FEW grants (100000, 100), LOTS: only the lines whose name contains this.
# FLOORS=no: shows only.
#
# Grants are made before the clock starts. `first` is usage in the process that made them; `again` is as much usage more
# in a new process, which has read the account back: once, for one event before the clock starts. Ratios are of
# processor time, as others may use the machine. Each is measured once.
#
# In the lines marked *, grants come to their ends: a draw writes the row of a grant that no other draw writes, or the
# row and the entry of an expiry. How often is work of its own, whatever lives beside. So both accounts have MANY grants
# that come to their ends, each at the same usage of both; in one all live from the start, in the other they come in
# their turn, and no more than FEW live at a time. Both read usage in files cut at the same places, so that both commit
# as often; making grants is not counted in either. Where rests stay behind, they do with the MANY; the FEW have none.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
USAGES=${USAGES:-100000} MANY=${MANY:-100000} FEW=${FEW:-100} LOTS=${LOTS:-} FLOORS=${FLOORS:-yes}
BUILD=${BUILD:-$PWD/build}
bench=$BUILD/tests/bench
. tests/bench/one.sh

# NAME | SHAPE (lots.c) | DRAW ORDER | OTHER KEYS OF THE CURRENCY
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
every grant is used up *     | spent  | priority, expires, created                  
used up, then they end *     | drained | expires                                    
the others end with a rest * | ending | priority, expires, created                  
one grant pays all, or none  | spread | priority, expires, created                   | split = no
the same, rests stay behind * | rests  | priority, expires, created                   | split = no
one class pays all, or none  | spread | class(free trial starter purchased), expires | split = class
an allowance for each user   | users  | priority, expires, created                   |
with limits                  | limits | priority, expires, created                   |
held, then captured          | holds  | priority, expires, created                   |
one in ten is owed           | owed   | priority, expires, created                   | overdraft = debt
each comes late, is posted   | late   | priority, expires, created                   | settle_lag = 0s
taken away by adjustments    | taken  | priority, expires, created                   |
'
# LABEL SHAPE LIVE: adds "LABEL seconds cpu seconds cpu bytes": of the first part, of the second; of an event
measure() {
    local before payers=$FEW
    rm -f "$folder"/*.db "$folder"/*.db-* "$folder"/*.csv "$folder"/files-*
    case $2 in
    spent | drained | rests | ending)
        [ "$2" != ending ] || payers=$((FEW / 10))
        "$bench/lots" "$folder" "$2" "$MANY" "$payers" "$USAGES" "$3" "$FEW"
        ;;
    *)
        "$bench/lots" "$folder" "$2" "$3" "$payers" "$USAGES"
        echo "$folder/usage-1.csv" >"$folder/files-first"
        printf '%s\n' "$folder/usage-2.csv" "$folder/usage-3.csv" >"$folder/files-again"
        ;;
    esac
    files_take first "$folder/grants.csv"
    before=$(store_size)
    files_take again
    echo "$1 $(took first 0) $(took again 1) $((($(store_size) - before) / USAGES))" >>"$folder/times"
}
files_take() { # PART [FILE]: takes the files of a part in, behind that one; what each took is in $folder/PART
    cat <(printf '%s\n' "${@:2}") "$folder/files-$1" | sed '/^$/d' >"$folder/files"
    xargs -s 2000000 "$bench/timed" "$folder/scrip.ini" <"$folder/files" >"$folder/lines" 2>"$folder/said" ||
        fail "$(cat "$folder/said")"
    paste -d ' ' "$folder/lines" "$folder/files" >"$folder/$1"
    awk '$4 > 0 { exit 1 }' "$folder/$1" || fail "not all was taken in: $(awk '$4 > 0' "$folder/$1" | head -3)"
}
took() { # PART SKIPPED: seconds and processor time of its usage, without so many files of it that come first
    awk -v skipped="$2" '$5 ~ /usage-[0-9]+\.csv$/ && n++ >= skipped { s += $1; cpu += $2 } END { print s, cpu }' \
        "$folder/$1"
}
trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }
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

echo "$USAGES usages on one account of $MANY grants, beside the same draws on one of $FEW;" \
    "*: of $MANY in all, no more than $FEW at a time"
printf '%-7s %-28s %-5s %8s %8s %8s %8s %8s %8s %8s %9s\n' \
    "" "" "" "few: s" "cpu s" "many: s" "cpu s" "ratio" "of cpu" "at most" "bytes/ev."
missed=0
while IFS='|' read -r name shape order option; do
    name=$(trim "$name") shape=$(trim "$shape") order=$(trim "$order") option=$(trim "$option")
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
