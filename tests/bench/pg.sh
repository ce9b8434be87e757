# pg.sh - what the benchmarks on PostgreSQL share: a scratch folder, a configuration, the clock. Sourced, with BUILD, SCRIP_PG and
# bench set.
folder=$(mktemp -d "$BUILD/bench-pg.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
fail() {
    echo "bench: $1" >&2
    exit 1
}
sql() { psql -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 -d "$SCRIP_PG" "$@"; }
config() { # FILE SECTION
    cat >"$1" <<INI
[scrip]
plugins = $BUILD/plugins
$2
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
    chmod 600 "$1"
}
seconds() { # COMMAND...: what it took, on standard output
    "$bench/measure" "$folder/took" "$@" >"$folder/said" 2>&1 || fail "$*: $(tail -n 3 "$folder/said")"
    cut -d ' ' -f 1 "$folder/took"
}
