#!/bin/bash
# reports.sh - what reports over many charges take on PostgreSQL: `make bench-reports`.
#
# CHARGES (10000000) over 90 days, 1,000 accounts, 50 products, 2,000 users. scrip itself takes in a tenth of them, and `verify`
# proves those books; then reports.sql makes ten of each account. What `usage --by product,user` answers is compared, line by line,
# with sums over the charges themselves. Needs about 6 GB of disk and a few minutes. FLOORS=no: shows only.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
CHARGES=${CHARGES:-10000000} TIMES=10 FLOORS=${FLOORS:-yes} BUILD=${BUILD:-$PWD/build}
if [ -z "${SCRIP_PG:-}" ]; then
    export SCRIP_PG_SETTINGS="shared_buffers=256MB max_wal_size=8GB checkpoint_timeout=30min work_mem=64MB"
    export SCRIP_PG_FOLDER=${SCRIP_PG_FOLDER:-$BUILD}
    code=0
    python3 -B tests/pg.py bash "$0" || code=$?
    [ $code != 77 ] || code=0
    exit $code
fi
bench=$BUILD/tests/bench
. tests/bench/pg.sh

"$bench/generate" "$folder" $((CHARGES / TIMES)) 2026 90 own 100
config "$folder/pg.ini" "[store/postgres]
connection = $SCRIP_PG options='-csearch_path=bench'"
scrip() { "$BUILD/scrip" -c "$folder/pg.ini" "$@"; }
sql -c "drop schema if exists bench cascade; create schema bench" 2>/dev/null
taken=$(seconds "$BUILD/scrip" -c "$folder/pg.ini" run)
scrip verify >"$folder/said" 2>&1 || fail "verify: $(tail -n 3 "$folder/said")"
export PGOPTIONS="-csearch_path=bench"
begun=$SECONDS
sql -v times=$TIMES -f tests/bench/reports.sql
sql -c "vacuum analyze"
echo "$((CHARGES / TIMES)) charges taken in by scrip in $taken s and verified; $CHARGES made of them in $((SECONDS - begun)) s;" \
    "$(sql -c "select count(*) || ' rows by month, ' || (select count(*) from day_rows) || ' by day' from month_rows")"
# The charges themselves, as the same lines but for their count: a charge that grants of two classes paid counts for both.
begun=$SECONDS
sql -F , -c "select p.name, u.name, 'credits', round(sum(amount) / 100.0, 2) from (
        select e.product, e.user_name, sum(r.amount) as amount from entry_rows r
        join event_rows e on e.account = r.account and e.number = r.event where e.type = 0
        and r.debit = (select number from books where name = 'used') group by 1, 2) x
    join names p on p.id = product join names u on u.id = user_name group by 1, 2" | LC_ALL=C sort >"$folder/charges"
scanned=$((SECONDS - begun))
unset PGOPTIONS
scrip usage --by product,user --format csv | sed 1d | cut -d , -f 1,2,3,5 | LC_ALL=C sort >"$folder/own"
diff "$folder/charges" "$folder/own" >"$folder/diff" ||
    fail "the rollup and the charges disagree: $(head -n 4 "$folder/diff" | tr '\n' ';')"
echo "usage --by product,user: $(wc -l <"$folder/own") lines, equal to the sums over the charges themselves, which took $scanned s"
missed=0
for by in product,user product user product,month product,day account class; do
    for run in 1 2 3; do seconds "$BUILD/scrip" -c "$folder/pg.ini" usage --by "$by" --format csv; done | sort -n >"$folder/three"
    took=$(sed -n 2p "$folder/three")
    printf '%-36s %8.2f s\n' "usage --by $by" "$took"
    [ "$by" != product,user ] || own=$took
done
awk -v own="$own" -v charges="$CHARGES" 'BEGIN { fits = own <= 1
    print (fits ? "ok      " : "MISSED  ") sprintf("usage by product and user over %d charges in %.2f s (at most 1)", charges, own)
    exit !fits }' || missed=1
[ "$FLOORS" != yes ] || exit $missed
