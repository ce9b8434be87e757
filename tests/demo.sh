#!/bin/bash
# demo.sh - tells the story of conf/transition.ini in tables. `make demo` calls it, with SCRIP set to the built program.
# Works on a copy of conf in a scratch folder: nothing is left behind. Ends with 0 only where all went as it should.
set -euo pipefail
cd "$(dirname "$0")/.."
scrip=${SCRIP:-$PWD/build/scrip} export=${SHARED:-$PWD/../shared}/data/tokenflex-agreement0.csv
[ -x "$scrip" ] || { echo "demo: $scrip: no such program: run make first" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r conf "$scratch/conf"
rm -f "$scratch"/conf/*.db*
cd "$scratch"
config=conf/transition.ini

say() { # HEADING: a line in plain words
    printf '\n=== %s\n' "$1"
}
show() { # COMMAND...: as it would be typed
    local word
    printf '$ scrip -c %s' "$config"
    for word; do
        case $word in *[!A-Za-z0-9_.,:=/-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
}
run() { # CODE COMMAND...: shows the command and what it answers; its exit must be CODE
    local wanted=$1 code=0
    shift
    show "$@"
    "$scrip" -c "$config" "$@" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { echo "demo: scrip $1: exit $code, wanted $wanted" >&2; exit 1; }
}

say 'Two teams, 22 months: orders, subscriptions, cloud usage and desktop sessions are read and charged'
run 1 run # 1: some events were refused or put in quarantine, which this story wants

say 'The last day on which credits had been sold is over: what each team holds'
run 0 balance --by class --as-of 2022-03-29
say 'Half a year later: the first lots, a year old, have ended'
run 0 balance --by class --as-of 2022-09-30
say 'The instant before all credits expire'
run 0 balance --by class --before 2023-03-29
say 'The instant at which they do: starter credits too, which had been promised for ever'
run 0 balance --by class --as-of 2023-03-29
say 'Tokens only'
run 0 balance --by class --as-of 2023-06-30

say 'What each product burnt in the first year (without a currency: starts within a day that was paid, or a grace)'
run 0 usage --by product --from 2021-09-01 --to 2022-09-01
say 'And in the second: simulations go from credits to tokens'
run 0 usage --by product --from 2022-09-01 --to 2023-07-01
say 'Who burnt it in the first year'
run 0 usage --by user --from 2021-09-01 --to 2022-09-01
say 'And in the second'
run 0 usage --by user --from 2022-09-01 --to 2023-07-01
say 'All of it, in one line a currency and service'
run 0 usage --by service

say 'What expired unused, and what it had cost'
run 0 expiring --as-of 2023-06-30 --to 2023-07-01
lost=$("$scrip" -c "$config" expiring --as-of 2023-06-30 --to 2023-07-01 --format csv |
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["cost"] != "" { sum[$at["cost currency"] " for " $at["currency"]] += $at["cost"] }
        END { for (what in sum) printf "%10.2f %s\n", sum[what], what }' | sort -k 4)
[ -n "$lost" ] || { echo "demo: expiring: no costs" >&2; exit 1; }
printf 'in money:\n%s\n' "$lost"
say 'What would have been seen coming on the last day of credit sales'
run 0 expiring --as-of 2022-03-29 --to 2023-03-30

say 'What was refused, and why: a late order, kinds of credits that do not mix, credits after their end, tokens too few'
run 0 events --outcome refused
say 'What waits in quarantine: two usages that nobody has a price for'
run 0 quarantine list

say 'Why this session cost one day, not two: it began within the day before, paid already, and went on past its end'
run 0 explain '2022-09-06T07:00:00|petra@works.example|AutoCAD'

say 'The same run again changes nothing'
run 0 run
say 'The books, replayed from the first event on'
run 0 verify

say 'A real enterprise export: a year of an agreement with two pools of tokens'
config=conf/tokenflex.ini
if [ -e "$export" ]; then
    cp "$export" .
    run 0 ingest tokenflex-agreement0.csv
    run 0 balance --by grant --as-of 2011-12-31
    run 0 usage --by category
    run 0 verify
else
    echo 'skipped: it is not here (shared/data/tokenflex-agreement0.csv beside the repository)'
fi
