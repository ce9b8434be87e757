"""quarantine.py - out of quarantine: what waited for a price is charged as if the price had always been there.

A row of a CSV feed kept only its bytes there, which are no native event, so a retry could never take it.
"""
import re

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid flex]
[service/ratesheet sheet]
sheet = rates.csv
products = JOB
[service/daily desktop]
sheet = days.csv
[source/events events]
files = none-*.jsonl
[source/csv usage]
identity = When, Who
map.time = When
map.end = Until
time = %d.%m.%Y %H:%M
zone = Europe/Berlin
map.user = Who
map.product = What
map.quantity = Count
decimal = comma
map.attribute.job = Job
const.account = team
"""
HEADER = "product,rate,currency\n"
ROWS = """When,Until,Who,What,Count,Job
01.06.2022 09:00,,ann,JOB,"2,5","P, 1"
02.06.2022 09:00,03.06.2022 10:00,bob,CAD,,P 2
"""


def books(rates, days):
    b = lib.Books(CONFIG)
    b.write("rates.csv", HEADER + rates)
    b.write("days.csv", HEADER + days)
    b.events([lib.event("grant", "g", "team", "2022-01-01T00:00:00Z", currency="flex", amount="100")])
    b.feed = b.write("usage.csv", ROWS)
    return b


def native(b):
    b.events([lib.event("usage", "n", "team", "2022-06-04T09:00:00Z", product="JOB", quantity="2",
                        attributes={"job": "P3"})])


whole = books("JOB,4,flex\n", "CAD,7,flex\n")
whole.run("ingest", whole.feed, "--as", "usage")
native(whole)
lib.equal([(u["product"], u["amount"]) for u in whole.ask("usage", "--by", "product")],
          [("CAD", "14"), ("JOB", "18")], "prices")

waits = books("", "")
waits.run("ingest", waits.feed, "--as", "usage", ok=(1,))
native(waits)
lib.equal([q["class"] for q in waits.ask("quarantine", "list")], ["unpriced"] * 3, "what waits")
waits.run("quarantine", "retry", ok=(1,))
lib.equal(len(waits.ask("quarantine", "list")), 3, "nothing changed, so it waits on")
waits.write("rates.csv", HEADER + "JOB,4,flex\n")
waits.write("days.csv", HEADER + "CAD,7,flex\n")
retried = waits.run("quarantine", "retry")
assert "3 charged" in retried.stdout, retried.stdout
lib.equal(waits.ask("quarantine", "list"), [], "nothing waits")
waits.run("verify")
for asked in (("usage", "--by", "product,day"), ("usage", "--by", "user,month"), ("balance", "--by", "grant")):
    lib.equal(waits.run(*asked).stdout, whole.run(*asked).stdout, asked)
for id in ("n", "01.06.2022 09:00|ann", "02.06.2022 09:00|bob"):
    # The same but for its number, and for what was left: others were charged before it.
    found, wanted = ([(r["what"], re.sub(", [0-9.]+ of it left", "", r["detail"])) for r in b.ask("explain", id)
                      if r["what"] != "event"] for b in (waits, whole))
    lib.equal(found, wanted, f"explanation of {id}")
# The feed again: each row is known.
again = waits.write("again.csv", ROWS)
assert "2 duplicate" in waits.run("ingest", again, "--as", "usage").stdout
waits.done()
# A field that its type has no use for, and that is meant: it waits, with what to give instead.
for kind, data, instead in (("void", {"grant": "g", "amount": "3"}, "by a scrip.adjustment"),
                            ("reset", {"currency": "flex", "amount": "3"}, "by a scrip.adjustment"),
                            ("grant", {"currency": "flex", "amount": "3", "product": "JOB"}, "scope.products"),
                            ("limit", {"currency": "flex", "amount": "3", "user": "ann"}, "scope.users")):
    whole.events([lib.event(kind, f"misplaced-{kind}", "team", "2022-06-05T09:00:00Z", **data)], ok=(1,))
    why = [q["reason"] for q in whole.ask("quarantine", "list") if f"a scrip.{kind}" in q["reason"]]
    assert len(why) == 1 and instead in why[0], (kind, why)
lib.equal([(b["available"], b["voided"]) for b in whole.ask("balance")], [("68", "0")], "nothing of it was done")
whole.done()
