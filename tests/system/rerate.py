"""rerate.py - prices corrected afterwards, periods closed, receipts: what changes, what stays, and what is found out."""
import os
import sqlite3

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid c]
decimals = 2
overdraft = no
[currency/prepaid flex]
[service/ratesheet cloud]
sheet = rates.csv
currencies = c
[service/daily desktop]
sheet = daily.csv
currencies = flex
[source/events events]
files = none-*.jsonl
"""
RATES = "product,from,to,rate,per,currency\nR,,,{},1,c\nS,,,1,1,c\n"


def books(rate="2"):
    b = lib.Books(CONFIG)
    b.write("rates.csv", RATES.format(rate))
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,flex\n")
    return b


def usage(id, day, product="R", **data):
    return lib.event("usage", id, "a", f"2022-03-{day:02}T10:00:00Z", product=product, **data)


b = books()
b.events([lib.event("grant", "g1", "a", "2022-03-01T00:00:00Z", currency="c", amount="10", expires="2022-03-20T00:00:00Z"),
          lib.event("grant", "g2", "a", "2022-03-01T00:00:00Z", currency="c", amount="100"),
          lib.event("grant", "g3", "a", "2022-03-01T00:00:00Z", currency="flex", amount="100"),
          usage("u1", 2, quantity="3"), usage("u2", 5, quantity="4"), usage("u3", 12, quantity="5"), usage("s1", 6, product="S"),
          usage("d1", 7, product="ACD", user="x", end="2022-03-08T20:00:00Z"), usage("d2", 8, product="ACD", user="x")])
receipt = b.run("verify", "--receipt").stdout.strip()
assert receipt.startswith("scrip1 "), receipt
assert "unchanged" in b.run("verify", "--since", receipt).stdout
assert b.run("verify", "--requote").stdout.startswith("0 prices"), b.run("verify", "--requote").stdout

# The sheet is corrected: 2 -> 3 from the 5th on. A dry run shows it and writes nothing.
b.write("rates.csv", "product,from,to,rate,per,currency\nR,,2022-03-05,2,1,c\nR,2022-03-05,,3,1,c\nS,,,1,1,c\n")
done = b.run("verify", "--requote", ok=(1,)).stdout
assert done.count("was 4 x 2 c, now 4 x 3 c") == 1 and "2 prices would be others" in done, done
rows = b.ask("rerate", "--service", "cloud", "--from", "2022-03-01", "--to", "2022-03-10", "--dry-run")
lib.equal([(r["event"], r["was"], r["becomes"]) for r in rows], [("u2", "4 x 2 c", "4 x 3 c")], "what would change")
before = b.run("balance", "--by", "grant", "--as-of", "2022-03-15").stdout
lib.equal([u for u in b.ask("usage", "--by", "product") if u["currency"]], [{"product": "ACD", "currency": "flex", "charges": "2", "amount": "14"},
                                              {"product": "R", "currency": "c", "charges": "3", "amount": "24.00"},
                                              {"product": "S", "currency": "c", "charges": "1", "amount": "1.00"}], "before")
rows = b.ask("rerate", "--service", "cloud", "--from", "2022-03-01", "--to", "2022-03-10", "--time", "2022-03-15")
lib.equal([r["outcome"] for r in rows], ["charged"], "charged anew")
lib.equal({u["product"]: u["amount"] for u in b.ask("usage", "--by", "product") if u["currency"]}, {"ACD": "14", "R": "28.00", "S": "1.00"}, "after")
lib.equal({u["day"]: u["amount"] for u in b.ask("usage", "--by", "day", "--where", "product=R")},
          {"2022-03-02": "6.00", "2022-03-05": "12.00", "2022-03-12": "10.00"}, "each charge keeps its day")
lib.equal([r["event"] for r in b.ask("rerate", "--service", "cloud", "--from", "2022-03-01", "--to", "2022-03-10")], [],
          "a second time nothing is left to change")
explained = "\n".join(f"{r['what']} {r['detail']}" for r in b.ask("explain", "u2"))
assert "rerate" in explained, explained
lib.equal([r["event"] for r in b.ask("rerate", "--service", "desktop")], [], "windows come out as they were")
b.run("verify")
assert "unchanged" in b.run("verify", "--since", receipt).stdout, "what was recorded then is as it was"

# A closed period: its statement never changes again; what comes later for it is posted after it, with its own date.
b.run("close", "2022-03", "--time", "2022-04-02")
march = b.run("statement", "a", "--from", "2022-03-01", "--to", "2022-04-01").stdout
b.events([usage("late", 30, quantity="1"), lib.event("usage", "april", "a", "2022-04-05T00:00:00Z", product="R", quantity="1")])
lib.equal(b.run("statement", "a", "--from", "2022-03-01", "--to", "2022-04-01").stdout, march, "March is closed")
april = [(r["event"], r["posted"], r["date"]) for r in b.ask("statement", "a", "--from", "2022-04-01", "--to", "2022-05-01") if r["what"] == "consumed"]
lib.equal(april, [("late", "2022-04-01T00:00:00Z", "2022-03-30T10:00:00Z"), ("april", "2022-04-05T00:00:00Z", None)], "April")
lib.equal({u["day"]: u["amount"] for u in b.ask("usage", "--by", "day", "--from", "2022-03-30", "--to", "2022-03-31")},
          {"2022-03-30": "3.00"}, "usage keeps its own date")
b.run("verify")
done = b.run("close", "2099-01", ok=(1,))
assert "not over" in done.stderr, done.stderr
b.run("close", "March", ok=(2,))
lib.equal("closed before" in b.run("close", "2022-03", "--time", "2022-04-02").stdout, True, "again")

# A receipt finds out what a changed store hides from nobody who kept one.
receipt = b.run("verify", "--receipt").stdout.strip()
b.run("grant", "a", "c", "5", "--id", "more", "--time", "2022-04-10")
assert "unchanged" in b.run("verify", "--since", receipt).stdout
with sqlite3.connect(os.path.join(b.folder, "books.db")) as db:
    db.execute("update event_rows set quantity = 9 where id = 'u1'")
db.close()
assert "does not fit" in b.run("verify", "--since", receipt, ok=(1,)).stdout
b.run("verify", "--since", "nonsense", ok=(2,))
b.done()

# What was given back in part, or took what was there, has no new price that anyone has said: it is left, and shown.
b = books()
b.events([lib.event("grant", "g", "a", "2022-03-01T00:00:00Z", currency="c", amount="20"),
          usage("whole", 2, quantity="1"), usage("part", 3, quantity="5"), usage("back", 4, quantity="1"),
          usage("there", 5, quantity="9", accept="available"),
          lib.event("reversal", "r1", "a", "2022-03-06T00:00:00Z", of={"id": "part"}, amount="4"),
          lib.event("reversal", "r2", "a", "2022-03-06T00:00:00Z", of={"id": "back"})])
b.write("rates.csv", RATES.format("1"))
for dry in (("--dry-run",), ()):
    rows = b.ask("rerate", "--service", "cloud", "--time", "2022-03-15", *dry)
    lib.equal([(r["event"], r["outcome"].split(":")[0]) for r in rows],
              [("whole", "would change" if dry else "charged"), ("part", "left"), ("there", "left")], rows)
lib.equal(b.ask("usage", "--by", "product")[0]["amount"], "13.00", "1 of 2, 6 of 10, none of 2, 6 as it was there")
b.run("verify")
b.done()

# A new price that was owed and then settled comes back in whole, also after a second one with more lines.
b = lib.Books(CONFIG.replace("overdraft = no", "overdraft = debt\n"))
b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,flex\n")
b.write("rates.csv", RATES.format("2"))
b.events([usage("u", 1, quantity="3")])
for day, rate in ((2, "1"), (4, "4")):
    b.write("rates.csv", RATES.format(rate))
    lib.equal([r["outcome"] for r in b.ask("rerate", "--service", "cloud", "--time", f"2022-03-{day:02}")], ["charged"], rate)
    b.events([lib.event("grant", f"g{day}", "a", f"2022-03-{day + 1:02}T00:00:00Z", currency="c", amount="20"),
              lib.event("account", f"a{day}", "a", f"2022-03-{day + 1:02}T12:00:00Z", name="A")]) # settled before it
b.events([lib.event("reversal", "r", "a", "2022-03-09T00:00:00Z", of={"id": "u"})])
lib.equal([(r["available"], r["used"], r["debt"]) for r in b.ask("balance", "--as-of", "2022-03-10")], [("40.00", "0.00", "0.00")], "all of it")
b.run("verify")
b.done()
print("prices, periods, receipts")
