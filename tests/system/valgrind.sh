#!/bin/bash
# valgrind.sh - a small run, and questions, under valgrind: no access that it may not make, no memory lost.
set -eu
[ -z "${SAN:-}" ] || { echo "skipped: sanitizers look for the same, and valgrind cannot run beside them"; exit 77; }
command -v valgrind >/dev/null || { echo "skipped: no valgrind: install valgrind"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/scrip.ini" <<'INI'
[scrip]
dimensions = pool
[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
[currency/prepaid flex]
draw_order = priority, class(free purchased), expires, amount desc
[service/daily desktop]
sheet = daily.csv
products = CAD
[service/ratesheet rates]
sheet = rates.csv
[source/events grants]
files = grants.jsonl
[source/csv usage]
files = usage.csv
map.account = account
map.time = time
map.product = product
map.user = user
map.quantity = quantity
map.attribute.pool = pool
filter.pool = CY, MY
amounts = loose
[report/json all]
query = events
file = events.json
INI
chmod 600 "$folder/scrip.ini"
printf 'product,rate,per,currency\n"A ""x""",1,3,credits\nB,2,1,credits\n' >"$folder/rates.csv"
printf 'product,rate,currency\nCAD,7,flex\n' >"$folder/daily.csv"
for i in 1 2 3 4; do
    printf '{"specversion":"1.0","id":"g%d","source":"t","type":"scrip.grant","subject":"team-%d",' $i $((i % 2))
    printf '"time":"2022-01-0%dT00:00:00Z","data":{"currency":"%s","amount":"%d00","scope":{"products":["CAD","B"]},' \
        $i "$([ $((i % 2)) = 1 ] && echo credits || echo flex)" $i
    printf '"expires":"2022-02-0%d"}}\n' $i
done >"$folder/grants.jsonl"
echo '{"not":"an event"' >>"$folder/grants.jsonl"
{
    echo 'account,time,product,user,quantity,pool'
    for i in $(seq 120); do
        case $((i % 10)) in
        0) echo "team-$((i % 2)),2022-01-$((i % 18 + 10)),\"A \"\"x\"\"\",ann,\"\$1,000.50\",CY" ;;
        1) echo "team-$((i % 2)),2022-01-$((i % 18 + 10))T10:00:00Z,CAD,bob,1,MY" ;;
        2) echo "team-1,never,B,ann,1,CY" ;;
        3) echo "team-1,2022-01-12,\"B,ann,1,CY" ;;
        4) echo "team-1,2022-01-12,B,ann,1,other" ;;
        5) echo "team-1,2022-01-12,unknown,ann,1,CY" ;;
        *) echo "team-$((i % 2)),2022-01-$((i % 18 + 10)),B,ann,0.25,CY" ;;
        esac
    done
} >"$folder/usage.csv"
failed=0
try() { # EXIT ARGUMENTS...
    local wanted=$1 code=0
    shift
    valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible \
        "$SCRIP" -c "$folder/scrip.ini" "$@" >"$folder/out" 2>"$folder/err" </dev/null || code=$?
    [ $code = "$wanted" ] && return
    echo "scrip $*: exit $code, wanted $wanted"
    cat "$folder/out" "$folder/err"
    failed=1
}
try 1 run
try 0 run
try 0 balance --by grant --as-of 2022-01-20
try 0 usage --by product,user,month,class --format csv
try 0 usage --by pool
try 0 quote team-1 B 2
try 2 quote team-1 unknown
try 0 grant team-1 credits 5 --id g9 --scope-products A,B
try 0 charge team-1 B 1 --id c9
try 0 explain c9
try 0 void team-1 g9 --id v9
try 1 quarantine retry
try 0 verify
try 2 balance --by colour
exit $failed
