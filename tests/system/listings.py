"""listings.py - what listings say to somebody who reads them: by class, at a date, with their units and hints."""
import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = class(free purchased), expires
[service/metered reported]
currency = credits
products = METERED
[service/ratesheet sheet]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
SHEET = "product,from,rate,currency,unit\nJOB,2022-01-01,2,credits,run\n"

b = lib.Books(CONFIG)
b.write("rates.csv", SHEET)
usage = {"user": "ann"}
done = b.events([
    lib.event("grant", "late", "team", "2021-01-01T00:00:00Z", currency="credits", amount="50",
              expires="2023-01-01T00:00:00Z", **{"class": "purchased"}, cost={"amount": "100", "currency": "USD"}),
    lib.event("grant", "early", "team", "2021-01-01T00:00:00Z", currency="credits", amount="30",
              expires="2022-01-01T00:00:00Z", **{"class": "purchased"}),
    lib.event("grant", "gift", "team", "2021-01-01T00:00:00Z", currency="credits", amount="5", **{"class": "free"}),
    lib.event("usage", "m", "team", "2021-06-01T00:00:00Z", product="METERED", quantity="4", amount="7.5", **usage),
    lib.event("usage", "before", "team", "2021-07-01T00:00:00Z", product="JOB", unit="run", **usage),
    lib.event("usage", "other", "team", "2021-08-01T00:00:00Z", product="OTHER", **usage),
    lib.event("usage", "big", "team", "2022-02-01T00:00:00Z", product="JOB", unit="run", quantity="100", **usage)])

# A refusal is not only a number in the sum: the run says where the reasons are.
assert "1 refused" in done.stdout, done.stdout
assert "scrip events --outcome refused" in done.stderr, done.stderr

# Help on a plugin tells its keys, and those that the host takes for every plugin of its kind.
page = b.run("plugin", "help", "service/ratesheet").stdout
assert "\nsheet (path), required\n" in page and "\ncurrencies (list)\n" in page and "\nproducts (list)\n" in page, page
keys = [row["key"] for row in b.ask("plugin", "help", "report/csv")]
assert keys[:2] == ["delimiter", "query"] and "file" in keys and keys[-1] == "most_wait", keys

# What waits in quarantine for a price says what price, and what mends it.
reasons = {q["id"]: q["reason"] for q in b.ask("quarantine", "list")}
lib.equal(reasons, {
    "before": "sheet: product 'JOB': the sheet has it, but no row for unit 'run' at 2021-07-01T00:00:00Z: add one, "
              "then scrip quarantine retry",
    "other": "product 'OTHER': no service has a price for it: add one to a rate sheet, then scrip quarantine retry"},
          "reasons of quarantine")

# A quantity and an amount are two columns.
events = {e["id"]: e for e in b.ask("events", "team")}
lib.equal((events["m"]["quantity"], events["m"]["amount"]), ("4", "7.5"), "a metered usage")
lib.equal((events["late"]["quantity"], events["late"]["amount"]), (None, "50"), "a grant")
lib.equal((events["big"]["quantity"], events["big"]["amount"]), ("100", None), "a priced usage")

# Balances by class, in the order of the names.
by_class = [(r["account"], r["currency"], r["class"], r["available"], r["used"], r["expired"])
            for r in b.ask("balance", "--by", "class", "--as-of", "2022-02-01")]
lib.equal(by_class, [("team", "credits", "free", "0.00", "5.00", "0.00"),
                     ("team", "credits", "purchased", "50.00", "2.50", "27.50")], "by class")
lib.equal(b.ask("balance", "--by", "class", "--as-of", "2020-12-31"), [], "before the first grant")
refused = b.run("balance", "--by", "color", ok=(2,))
assert "by 'color': a balance can be listed by grant or by class" in refused.stderr, refused.stderr

# What expires, by date; seen from an instant. No event came after the end of 2022, and yet it is over.
def expiring(*args):
    return [(r["grant"], r["amount"], r["stage"], r["cost"]) for r in b.ask("expiring", *args)]


SOON, LATER = ("early", "27.50"), ("late", "50.00")
lib.equal(expiring(), [SOON + ("expired", None), LATER + ("expired", "100")], "seen from today")
lib.equal(expiring("--as-of", "2022-02-01"), [SOON + ("expired", None), LATER + ("will expire", "100")], "from 2022")
lib.equal(expiring("--before", "2022-01-01"), [SOON + ("will expire", None), LATER + ("will expire", "100")],
          "just before an end")
lib.equal(expiring("--as-of", "2021-01-01", "--to", "2022-06-01"), [("early", "30.00", "will expire", None)],
          "before any use")

# An account that never got anything has nothing to list; nor is it unknown. (A sort of no rows at all was undefined.)
b.events([lib.event("account", "empty", "bare", "2021-01-01T00:00:00Z", name="Bare")])
for asked in (("balance", "bare"), ("balance", "bare", "--by", "class"), ("balance", "bare", "--by", "grant"),
              ("expiring", "bare")):
    lib.equal(b.ask(*asked), [], " ".join(asked))

# What is about another event says which; a part that was given back or charged is called one.
c = lib.Books(CONFIG)
c.write("rates.csv", SHEET)
c.run("grant", "team", "credits", "100", "--time", "2022-01-01")
c.run("hold", "team", "JOB", "10", "--unit", "run", "--id", "h", "--time", "2022-01-02")
c.run("capture", "team", "h", "5", "--id", "k", "--time", "2022-01-03")
c.run("charge", "team", "JOB", "10", "--unit", "run", "--id", "u", "--time", "2022-01-04")
c.run("reverse", "team", "u", "5", "--id", "back", "--reason", "failed job", "--time", "2022-01-05")
for id, wanted, entry in (("k", ["hold h"], "5.00 credits from held to used"),
                          ("back", ["of u of source local", "reason failed job"], "5.00 credits from used to available")):
    said = [f"{row['what']} {row['detail']}" for row in c.ask("explain", id)]
    assert all(w in said for w in wanted) and any(s.startswith(f"entry {entry}") for s in said), said
    assert not any(s.startswith("later") for s in said), said
assert any("given back, or a part of it" in row["detail"] for row in c.ask("explain", "u"))
c.done()

b.done()
