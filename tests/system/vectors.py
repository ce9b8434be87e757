"""vectors.py - the worked examples of daily tokens (RULES.md 2.4), through the program."""
import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid flex]
draw_order = expires, amount
term = P1Y
[service/daily desktop]
sheet = rates.csv
currencies = flex
[source/events events]
files = none-*.jsonl
"""
SHEET = "product,from,to,rate,per,currency\nACD,,,7,1,flex\nRVT,,,10,1,flex\nFREE,,,0,1,flex\n"


def books(amount="100"):
    b = lib.Books(CONFIG)
    b.write("rates.csv", SHEET)
    b.events([lib.event("grant", "g1", "team", "2022-09-01T00:00:00Z", currency="flex", amount=amount)])
    return b


def session(id, start, end, product="ACD", user="ann"):
    return lib.event("usage", id, "team", start, product=product, user=user, end=end)


def usage(b, *by):
    return {tuple(u[k] for k in by): u["amount"] for u in b.ask("usage", "--by", ",".join(by))}


# Open Monday 08:00 to 17:00: 7. Open Tuesday 07:00 to 17:00: the Monday window ends at 08:00, then 7 more. 14 in two days.
b = books()
b.events([session("s1", "2022-09-05T08:00:00Z", "2022-09-05T17:00:00Z"),
          session("s2", "2022-09-06T07:00:00Z", "2022-09-06T17:00:00Z")])
lib.equal(usage(b, "day"), {("2022-09-05",): "7", ("2022-09-06",): "7"}, "vector 1")
draws = [r["detail"] for r in b.ask("explain", "s2") if r["what"] == "draw"]
assert len(draws) == 1 and draws[0].endswith("dated 2022-09-06T08:00:00Z"), draws
b.run("verify")
b.done()

# Monday 19:00 to Tuesday 17:00 is one day, reported on Monday.
b = books()
b.events([session("s1", "2022-09-05T19:00:00Z", "2022-09-06T17:00:00Z")])
lib.equal(usage(b, "day"), {("2022-09-05",): "7"}, "vector 2")
b.done()

# AutoCAD for two hours, then Revit in the same 24 hours: 17. Another version or a second start costs nothing.
b = books()
b.events([session("s1", "2022-09-05T08:00:00Z", "2022-09-05T10:00:00Z"),
          session("s2", "2022-09-05T11:00:00Z", "2022-09-05T12:00:00Z", product="RVT"),
          session("s3", "2022-09-05T13:00:00Z", "2022-09-05T14:00:00Z")])
lib.equal(usage(b, "product"), {("ACD",): "7", ("RVT",): "10"}, "vector 3")
lib.equal(b.ask("balance", "team", "--as-of", "2022-09-05T14:00:00Z")[0]["available"], "83", "what is left")
b.done()

# Closed within five minutes: no tokens, but a row.
b = books()
b.events([session("s1", "2022-09-05T08:00:00Z", "2022-09-05T08:04:00Z")])
lib.equal([e["outcome"] for e in b.ask("events", "team")], ["applied", "zero"], "grace")
lib.equal(usage(b, "product"), {("ACD",): "0"}, "grace costs nothing")
b.done()

# Balance below the day's rate: refused, nothing drawn (2.5). Another user of the same product opens a window of his own.
b = books("13")
b.events([session("s1", "2022-09-05T08:00:00Z", "2022-09-05T09:00:00Z"),
          session("s2", "2022-09-05T08:30:00Z", "2022-09-05T09:00:00Z", user="bob"),
          session("s3", "2022-09-05T09:30:00Z", "2022-09-05T09:40:00Z", user="bob")])
rows = {e["id"]: e for e in b.ask("events", "team")}
lib.equal([rows[k]["outcome"] for k in ("s1", "s2", "s3")], ["charged", "refused", "refused"], "short balance")
assert "7 flex wanted, 6 available" in rows["s2"]["reason"], rows["s2"]
lib.equal(b.ask("balance", "team", "--as-of", "2022-09-06")[0]["available"], "6", "nothing was drawn")
b.done()

# Exactly at its end a grant is gone; the microsecond before it is there.
b = books()
for at, outcome in (("2023-08-31T23:59:59.999999Z", "charged"), ("2023-09-01T00:00:00Z", "refused")):
    b.events([lib.event("usage", at, "team", at, product="RVT", user=at)])
    lib.equal([e["outcome"] for e in b.ask("events", "team") if e["id"] == at], [outcome], at)
lib.equal(b.ask("balance", "team", "--before", "2023-09-01")[0]["available"], "90", "before the end")
lib.equal(b.ask("balance", "team", "--as-of", "2023-09-01")[0]["expired"], "90", "at the end")
b.run("verify")
b.done()
