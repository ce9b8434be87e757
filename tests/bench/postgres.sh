#!/bin/bash
# postgres.sh - how fast scrip is on PostgreSQL, beside a set-based function (postgres.sql) that is fed the same events on the same
# server in the same run, in lots of 50,000, which are 50 of each account, and of 1,000; and beside SQLite. `make bench` calls it;
# its sums must agree.
#
# ROWS usage rows (200000), RUNS of each (3; the median counts), FLOORS=no: shows only. The server is as durable as SQLite is:
# fsync, synchronous_commit. Its own processor time counts for both.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-$PWD/build} ROWS=${PG_ROWS:-200000} RUNS=${RUNS:-3} FLOORS=${FLOORS:-yes}
if [ -z "${SCRIP_PG:-}" ]; then
    export SCRIP_PG_SETTINGS="fsync=on full_page_writes=on shared_buffers=256MB max_wal_size=4GB checkpoint_timeout=30min"
    export SCRIP_PG_FOLDER=${SCRIP_PG_FOLDER:-$BUILD}
    code=0
    python3 -B tests/pg.py bash "$0" || code=$?
    [ $code != 77 ] || code=0
    exit $code
fi
bench=$BUILD/tests/bench
. tests/bench/pg.sh

"$bench/generate" "$folder" "$ROWS" 2026 90 own
config "$folder/pg.ini" "[store/postgres]
connection = $SCRIP_PG options='-csearch_path=bench'"
config "$folder/lite.ini" "[store/sqlite]
file = books.db"
# Lots as statements, made before the clock runs.
lots="50000 1000"
for lot in $lots; do
    awk -F, -v lot="$lot" -v q="'" 'function flush(i) {
        for (i = 1; i <= 6; i++) { printf "%s%s{%s}%s", (i > 1 ? ", " : "select hand_charge("), q, cell[i], q; cell[i] = "" }
        print ");"
        n = 0
    }
    NR > 1 { for (i = 1; i <= 6; i++) cell[i] = cell[i] (n ? "," : "") $i; if (++n == lot) flush() }
    END { if (n) flush() }' "$folder/usage.csv" >"$folder/hand-$lot.sql"
done
hand() { # LOT
    sql -c "drop schema if exists hand cascade; create schema hand" 2>/dev/null
    export PGOPTIONS=-csearch_path=hand
    sql -f tests/bench/postgres.sql
    awk -F, 'NR > 1 { sub(/\./, "", $2); printf "%s\t%d\n", $1, $2 }' "$folder/rates.csv" | sql -c "copy hand_price from stdin"
    awk -F, 'NR > 1 { sub(/\./, "", $4); printf "%s\t%d\t%s\t%s\t%s\n", $2, substr($1, length($1)), $5, $6, $4 }' "$folder/grants.csv" |
        sql -c "copy hand_grant (account, number, class, ends, available) from stdin"
    sql -c checkpoint
    echo "hand-$1 $(seconds psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$SCRIP_PG" -f "$folder/hand-$1.sql")" >>"$folder/times"
    sql -c "select 'grants', sum(available + expired), sum(used) from hand_grant" >"$folder/hand.sums"
    sql -c "select product, sum(amount) from hand_day group by 1 order by 1" >>"$folder/hand.sums"
    unset PGOPTIONS
    diff "$folder/scrip.sums" "$folder/hand.sums" >"$folder/diff" ||
        fail "scrip and the function disagree: $(paste "$folder"/*.sums | head -n 3 | tr '\n' ';')"
}
for run in $(seq "$RUNS"); do
    sql -c "drop schema if exists bench cascade; create schema bench" 2>/dev/null
    sql -c checkpoint
    echo "scrip $(seconds "$BUILD/scrip" -c "$folder/pg.ini" run)" >>"$folder/times"
    sql -c "select 'grants', sum(available + expired), sum(used) from bench.grant_rows" >"$folder/scrip.sums"
    sql -c "select n.name, sum(amount) from bench.day_rows join bench.names n on n.id = product group by 1 order by 1" \
        >>"$folder/scrip.sums"
    for lot in $lots; do
        hand "$lot"
    done
    rm -f "$folder"/books.db*
    echo "lite $(seconds "$BUILD/scrip" -c "$folder/lite.ini" run)" >>"$folder/times"
done
median() {
    awk -v name="$1" '$1 == name { print $2 }' "$folder/times" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}
own=$(median scrip) most=$(median hand-50000) few=$(median hand-1000) lite=$(median lite)
echo "PostgreSQL $(sql -c 'show server_version' | cut -d ' ' -f 1): $ROWS usage rows, 1000 accounts, durable; medians of $RUNS; sums agree"
awk -v rows="$ROWS" -v own="$own" -v most="$most" -v few="$few" -v lite="$lite" -v holds="$FLOORS" 'BEGIN {
    printf "%-36s %8.2f s %9.0f events/s\n", "scrip on postgres", own, rows / own
    printf "%-36s %8.2f s %9.0f events/s\n", "set-based function, lots of 50,000", most, rows / most
    printf "%-36s %8.2f s %9.0f events/s\n", "set-based function, lots of 1,000", few, rows / few
    printf "%-36s %8.2f s %9.0f events/s; on postgres %.2f of that\n", "scrip on sqlite", lite, rows / lite, lite / own
    fits = most / own >= 1
    print (fits ? "ok      " : "MISSED  ") sprintf("%.2f of the function at 50 events an account (at least 1.0, goal 1.5)", most / own)
    exit holds == "yes" && !fits }'
