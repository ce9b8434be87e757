# one.sh - what lots.sh and asof.sh share: a scratch folder, and the configuration of one account's feeds (lots.c).
# Beside the build, not in /tmp: that may be memory, where nothing is durable.
folder=$(mktemp -d "$BUILD/bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
fail() {
    echo "bench: $1" >&2
    exit 1
}
config_write() { # DRAW_ORDER [OPTION]
    cat >"$folder/scrip.ini" <<INI
[scrip]
plugins = $BUILD/plugins
[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = $1
${2:-}
[service/ratesheet prices]
sheet = rates.csv
[source/csv grants]
files = grants*.csv
type = scrip.grant
const.currency = credits
map.id = id
map.account = account
map.time = time
map.amount = amount
map.class = class
map.expires = expires
map.priority = priority
map.cost.amount = cost
map.cost.currency = cost_currency
map.recurrence.every = every
map.scope.products = products
map.scope.users = users
[source/csv usage]
files = usage-*.csv
map.type = type
map.id = id
map.account = account
map.time = time
map.product = product
map.user = user
map.quantity = quantity
map.hold = hold
map.limit = limit
map.per = per
map.currency = currency
map.amount = amount
map.expires = expires
INI
    chmod 600 "$folder/scrip.ini"
}
