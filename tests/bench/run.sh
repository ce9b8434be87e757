#!/bin/bash
# run.sh - how fast scrip is, beside plain C programs that write the same to SQLite in the same run: `make bench`.
#
# ROWS usage rows (1000000), RUNS runs of each (3; the median counts), SEED (2026), DAYS that the feed spans (90),
# USERS: `own` or `any` (see generate.c), FLOORS=no: shows only. baseline.c says what each baseline does. Programs take
# turns, so that what disturbs one disturbs all. Every run's sums must agree with scrip's, or nothing is shown.
#
# Then what a draw costs on an account of many grants (lots.sh), and what a question costs on one of many events
# (asof.sh), and how fast it is on PostgreSQL (postgres.sh), which have sizes of their own. Reports over ten million charges are
# apart: reports.sh.
#
# scrip uses two processors, the baselines one. Where others use the machine too, the processor time says more.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
ROWS=${ROWS:-1000000} RUNS=${RUNS:-3} SEED=${SEED:-2026} DAYS=${DAYS:-90} USERS=${USERS:-own} FLOORS=${FLOORS:-yes}
BUILD=${BUILD:-$PWD/build}
bench=$BUILD/tests/bench
commit=$(sed -n 's/^#define BATCH_EVENT_LIMIT //p' core/host.h)
baselines="rows key rollup lean"
# Beside the build, not in /tmp: that may be memory, where nothing is durable.
folder=$(mktemp -d "$BUILD/bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

cat >"$folder/scrip.ini" <<INI
[scrip]
plugins = $BUILD/plugins
[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = expires, created
[service/ratesheet prices]
sheet = rates.csv
[source/csv grants]
files = grants.csv
type = scrip.grant
const.currency = credits
map.id = id
map.account = account
map.time = time
map.amount = amount
map.class = class
map.expires = expires
[source/csv usage]
files = usage.csv
map.id = id
map.account = account
map.time = time
map.product = product
map.user = user
map.quantity = quantity
INI
chmod 600 "$folder/scrip.ini"
scrip() { "$BUILD/scrip" -c "$folder/scrip.ini" "$@"; }

# In hundredths, as `baseline sums` shows them; each account as of its last event.
scrip_sums() {
    sqlite3 "$folder/books.db" \
        "select printf('balance %d %d %d', sum(available), sum(used), sum(expired)) from grant_rows"
    scrip usage --by product --format csv | tr -d . | awk -F, 'NR > 1 { print "usage " $1, $3, $4 + 0 }'
}
# `balance` answers as of now, when all have ended: what was used, and the sum of what is left and what ended, must be
# the same.
answers_check() {
    scrip balance --format csv | tr -d . |
        awk -F, 'NR > 1 { n += $3 + $7; used += $6 } END { printf "%.0f %.0f\n", n, used }' >"$folder/answer"
    awk '$1 == "balance" { printf "%.0f %.0f\n", $2 + $4, $3 }' "$folder/scrip.sums" | diff - "$folder/answer" >&2 ||
        fail "balance and the store's rows disagree"
}
fail() {
    echo "bench: $1" >&2
    exit 1
}
sums_check() { # NAME
    diff "$folder/scrip.sums" "$folder/$1.sums" >"$folder/diff" ||
        fail "$1 and scrip disagree: $(head -n 5 "$folder/diff" | tr '\n' ';')"
}
fresh() {
    rm -f "$folder"/*.db "$folder"/*.db-*
    sync
}
store_size() { cat "$folder"/*.db "$folder"/*.db-wal 2>/dev/null | wc -c; }

"$bench/generate" "$folder" "$ROWS" "$SEED" "$DAYS" "$USERS"
for run in $(seq "$RUNS"); do
    fresh
    "$bench/measure" "$folder/took" "$BUILD/scrip" -c "$folder/scrip.ini" run >"$folder/said" 2>&1 ||
        fail "scrip run: $(cat "$folder/said")"
    echo "scrip $(cat "$folder/took") $(store_size)" >>"$folder/times"
    scrip_sums >"$folder/scrip.sums"
    answers_check
    for name in $baselines; do
        fresh
        "$bench/measure" "$folder/took" "$bench/baseline" "$folder" "$folder/plain.db" "$commit" "$name"
        echo "$name $(cat "$folder/took") $(store_size)" >>"$folder/times"
        "$bench/baseline" sums "$folder/plain.db" >"$folder/$name.sums"
        sums_check "$name"
    done
    "$bench/parse" "$folder/scrip.ini" usage "$folder/usage.csv" | awk '{ print $1, $3 }' >>"$folder/times"
done

# NAME COLUMN: the median of a column of a program's runs.
median() {
    awk -v name="$1" -v n="$2" '$1 == name { print $n }' "$folder/times" | sort -n |
        awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}
says() {
    case $1 in
    scrip) echo "scrip" ;;
    rows) echo "plain C, no unique key" ;;
    key) echo "plain C, unique key" ;;
    rollup) echo "plain C, unique key, day rollup" ;;
    lean) echo "plain C, unique key, fewest rows" ;;
    lines) echo "hand loop, cells found" ;;
    values) echo "hand loop, time and quantity read" ;;
    fields) echo "source csv, mapped to fields" ;;
    events) echo "source csv, read as events" ;;
    esac
}
echo "$ROWS usage rows over $DAYS days, 1000 accounts with 4 grants, 50 products, 2000 users ($USERS), seed $SEED"
echo "commits of $commit, WAL, synchronous FULL; medians of $RUNS; sums agree in every run"
echo
own=$(median scrip 2)
printf '%-36s %8s %9s %8s %12s %9s %14s\n' "" seconds events/s "peak MB" bytes/event "cpu s" "scrip's speed"
for name in scrip $baselines; do
    awk -v says="$(says $name)" -v rows="$ROWS" -v s="$(median $name 2)" -v kib="$(median $name 3)" \
        -v cpu="$(median $name 4)" -v size="$(median $name 5)" -v own="$own" -v name="$name" 'BEGIN {
        printf "%-36s %8.2f %9.0f %8.0f %12.1f %9.2f %14s\n", says, s, rows / s, kib / 1024, size / rows, cpu,
        name == "scrip" ? "" : sprintf("%.2f of it", s / own) }'
done
echo
own=$(median lines 2)
printf '%-36s %8s %9s %46s\n' "parsing alone" seconds rows/s "of the hand loop's speed"
for name in lines values fields events; do
    awk -v says="$(says $name)" -v rows="$ROWS" -v s="$(median $name 2)" -v own="$own" \
        'BEGIN { printf "%-36s %8.3f %9.0f %46.2f\n", says, s, rows / s, own / s }'
done
echo
over=0
awk -v own="$(median scrip 2)" -v key="$(median key 2)" -v kib="$(median scrip 3)" -v size="$(median scrip 5)" \
    -v rows="$ROWS" -v holds="$FLOORS" '
    function floor(says, fits) { print (fits ? "ok      " : "MISSED  ") says; missed += !fits }
    BEGIN { floor(sprintf("%.2f of plain C with a unique key (at least 0.60)", key / own), key / own >= 0.6)
    floor(sprintf("%.0f MB at the peak (at most 256)", kib / 1024), kib / 1024 <= 256)
    floor(sprintf("%.0f bytes an event (at most 200)", size / rows), size / rows <= 200)
    exit holds == "yes" && missed }' || over=1
echo
tests/bench/lots.sh || over=1
echo
tests/bench/asof.sh || over=1
echo
tests/bench/postgres.sh || over=1
exit $over
