"""reseller.py - orders by a price sheet: amounts, costs, terms, discounts by size and date, what is wrong with rows and sheets; and the
vendor's snapshots beside the books: what differs is listed, and nothing changed."""
import json
import os
import shutil
import subprocess

import lib
from lib import equal, event

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid flex]
decimals = 0
[currency/prepaid credits]
decimals = 2
[service/metered reported]
currency = flex
[source/events events]
files = none-*.jsonl
[source/csv orders]
prices = prices.csv
type = scrip.grant
map.id = Order
map.time = Date
map.account = Customer
map.product = Article
map.quantity = Quantity?
map.amount = Amount?
map.currency = Currency?
map.cost.amount = Cost?
map.class = Class?
map.expires = Expires?
map.effective = Start?
[source/csv said]
type = scrip.grant
map.account = Account
map.grant = Grant?
map.class = Class?
map.time = Seen
map.amount = Issued?
map.quantity = Used?
map.balance = Left?
map.currency = Currency
identity = row
"""
PRICES = """product,from,to,least,currency,units,price,price_currency,discount,term,class
P100,2022-01-01,2022-07-01,,flex,100,300,USD,,P1Y,purchased
P100,2022-07-01,,,flex,100,330,USD,,P1Y,purchased
P100,2022-01-01,,50,flex,100,300,USD,12.5,P1Y,
P100,2022-01-01,,100,flex,100,300,USD,20,,
OLD,2022-01-01,2022-02-01,,flex,1,1,USD,,,
T,,,,credits,0.01,0.25,EUR,,P1M,
"""


def books(prices=PRICES):
    b = lib.Books(CONFIG)
    b.write("prices.csv", prices)
    return b


def orders(b, rows, ok=(0,), header="Order,Date,Customer,Article,Quantity"):
    return b.run("ingest", b.write("orders.csv", header + "\n" + "".join(row + "\n" for row in rows)), "--as", "orders", ok=ok)


def lots(b, account="a"):
    """Of each grant: amount, cost, currency of the cost, its end, its class."""
    made = {}
    for row in b.ask("expiring", account, "--as-of", "2022-10-01"):
        made[row["grant"]] = (row["amount"], row["cost"], row["cost currency"], row["expires"], row["class"])
    return made


# By date and size; the whole order counts with its size.
b = books()
orders(b, ["o1,2022-06-30,a,P100,1", "o2,2022-07-01,a,P100,1", "o3,2022-06-30,a,P100,49", "o4,2022-06-30,a,P100,50",
           "o5,2022-08-01,a,P100,99.5", "o6,2022-01-31,a,T,3", "o7,2022-02-01,a,P100,"])
equal(lots(b), {"o1": ("100", "300", "USD", "2023-06-30T00:00:00Z", "purchased"),
                "o2": ("100", "330", "USD", "2023-07-01T00:00:00Z", "purchased"),
                "o3": ("4900", "14700", "USD", "2023-06-30T00:00:00Z", "purchased"),
                "o4": ("5000", "13125", "USD", "2023-06-30T00:00:00Z", None),
                "o5": ("9950", "26118.75", "USD", "2023-08-01T00:00:00Z", None),
                "o6": ("0.03", "0.75", "EUR", "2022-02-28T00:00:00Z", None),
                "o7": ("100", "300", "USD", "2023-02-01T00:00:00Z", "purchased")}, "lots")
orders(b, ["o8,2022-08-01,a,P100,100"])
row = next(g for g in b.ask("balance", "a", "--by", "grant", "--as-of", "2022-08-02") if g["grant"] == "o8")
equal((row["issued"], row["expires"]), ("10000", None), "a row without a term leaves it to the currency")
assert "article = P100" in b.run("explain", "o1").stdout
done = orders(b, ["o1,2022-06-30,a,P100,1"])
assert "1 duplicate" in done.stdout, done.stdout
b.run("verify")
b.done()

# What the row gives itself counts.
b = books()
orders(b, ["o1,2022-06-30,a,P100,2,199.5,gift,,", "o2,2022-06-30,a,P100,1,,,2022-12-24,", "o3,2022-06-30,a,P100,1,,,,2022-09-01",
           "o4,2022-06-30,a,P100,50,1,,2022-07-30,"], header="Order,Date,Customer,Article,Quantity,Cost,Class,Expires,Start")
equal({k: v[:1] + v[1:2] + v[3:] for k, v in lots(b).items()},
      {"o1": ("200", "199.5", "2023-06-30T00:00:00Z", "gift"), "o2": ("100", "300", "2022-12-24T00:00:00Z", "purchased"),
       "o3": ("100", "300", "2023-09-01T00:00:00Z", "purchased"), "o4": ("5000", "1", "2022-07-30T00:00:00Z", None)}, "own values")
b.done()
b = books()
orders(b, ["o1,2022-06-30,a,,7,flex", "o2,2022-06-30,a,P100,5,"], header="Order,Date,Customer,Article,Amount,Currency")
equal({g["grant"]: g["issued"] for g in b.ask("balance", "a", "--by", "grant", "--as-of", "2022-07-01")}, {"o1": "7", "o2": "5"},
      "rows that need no sheet")
b.done()

# Rows that cannot be priced wait; with a new row in the sheet they go on.
b = books()
done = orders(b, ["o1,2021-12-31,a,P100,1", "o2,2022-06-30,a,P200,1", "o3,2022-06-30,a,P100,0", "o4,2022-06-30,a,P100,-1",
                  "o5,2022-06-30,a,P100,many", "o6,2022-06-30,a,P100,99999999999999999", "o8,2022-02-01,a,OLD,1",
                  "o7,2022-06-30,a,P100,1", "o9,2022-01-31,a,OLD,1"], ok=(1,))
why = [q["reason"] for q in b.ask("quarantine", "list")]
for n, wanted in enumerate(("product: 'P100': has no price for 1 of it on 2021-12-31: add a row to prices.csv",
                            "product: 'P200': has no price: add a row to prices.csv", "quantity: '0': want a number above 0",
                            "quantity: '-1': want a number above 0", "quantity: 'many': want a number above 0",
                            "quantity: '': so many are more than a number can hold",
                            "product: 'OLD': has no price for 1 of it on 2022-02-01")):
    assert wanted in why[n], (wanted, why[n])
equal(len(why), 7, "rows that wait")
b.write("prices.csv", PRICES + "P200,,,,flex,200,580,USD,,P1Y,\nP100,2021-12-01,2022-01-01,,flex,100,300,USD,,P1Y,\n")
done = b.run("quarantine", "retry", ok=(1,))
assert "2 applied" in done.stdout and "5 quarantined" in done.stdout, done.stdout
equal(sorted(lots(b)), ["o1", "o2", "o7"], "after the sheet was mended")
b.done()

# Sheets that cannot be.
for line, wanted in (("P1,,,,flex,1,3,USD,101,,", "discount: want percent, 0 to 100 (found '101')"),
                     ("P1,,,,flex,0,3,USD,,,", "units: want a number above 0"), ("P1,,,,flex,1,-3,USD,,,", "price: want a decimal"),
                     ("P1,,,,flex,1,,USD,,,", "price: missing"), ("P1,,,,flex,1,3,,,,", "price_currency: missing"),
                     ("P1,,,,gold,1,3,USD,,,", "currency: not configured"), ("P1,,,,flex,1,3,USD,,soon,", "term: want a duration"),
                     (",,,,flex,1,3,USD,,,", "product: missing"), ("P1,2022-02-01,2022-01-01,,flex,1,3,USD,,,", "to: must be after from")):
    b = books(PRICES.splitlines()[0] + "\n" + line + "\n")
    done = b.run("plugins", ok=(2,))
    assert wanted in done.stderr and "prices.csv:2" in done.stderr, done.stderr
    b.done()
b = books("product,price\nP1,3\n")
assert "product, currency, price and price_currency" in b.run("plugins", ok=(2,)).stderr
b.done()

# ---- what others say, and the books ------------------------------------------------------------------------------------

b = books()
orders(b, ["o1,2022-01-01,a,P100,1", "o2,2022-02-01,a,P100,2", "o3,2022-01-01,b,P100,1"])
b.events([event("usage", "u1", "a", "2022-01-05T00:00:00Z", product="X", amount="30"),
          event("usage", "u2", "a", "2022-03-01T00:00:00Z", product="X", amount="80"),
          event("hold", "h1", "b", "2022-03-01T00:00:00Z", currency="flex", amount="10")])


def said(rows, *more, ok=(0, 1)):
    path = b.write("said.csv", "Account,Grant,Class,Seen,Issued,Used,Left,Currency\n" + "".join(r + "\n" for r in rows))
    done = b.run("reconcile", path, "--as", "said", "--format", "json", *more, ok=ok)
    found = [(r["account"], r["grant"], r["what"], r["theirs"], r["ours"], r["difference"]) for r in json.loads(done.stdout)]
    equal(done.returncode, 1 if found else 0, "exit")
    assert f"scrip: {len(rows)} rows compared, {len(found)} differences" in done.stderr, done.stderr
    return found


head = b.run("head", "--format", "csv").stdout
equal(said(["a,o1,,2022-02-01,100,30,70,flex", "a,o1,,2022-03-01,100,30,70,flex", "a,o2,,2022-03-01,200,0,200,flex",
            "b,o3,,2022-04-01,100,,100,flex"]), [], "as it is; a hold is left; a row's instant is not in it")
equal(said(["a,,purchased,2022-04-01,300,110,190,flex", "a,,,2022-04-01,300,110,190,flex", "b,,,2022-04-01,,0,,flex"]), [], "sums")
equal(said(["a,o1,,2022-04-01,101,98,0.5,flex", "a,o2,,2022-04-01,200,10,190,flex"]),
      [("a", "o1", "issued", "101", "100", "1"), ("a", "o1", "used", "98", "100", "-2"), ("a", "o1", "left", "0.5", "0", None)], "amounts")
equal(said(["a,o1,,2022-04-01,100,100,0,flex"]), [("a", "o2", "not in the file", None, "190", None)], "a grant that they do not know")
equal(said(["a,o1,,2022-01-15,100,30,70,flex"]), [], "nor did the books then")
equal(said(["a,o9,,2022-04-01,100,,,flex", "a,o1,,2022-04-01,,,,flex", "a,o2,,2022-04-01,,,,flex", "c,,,2022-04-01,5,,,flex"]),
      [("a", "o9", "not in the books", None, None, None), ("c", None, "not in the books", None, None, None)], "grants that they only know")
equal(said(["a,o1,,2022-04-01,100,,,gold", "a,o1,,yesterday,100,,,flex"])[0], ("a", "o1", "unknown currency", "gold", None, None), "rows")
equal(said(["a,o1,,yesterday,100,,,flex"])[0][2], "cannot be read", "rows")
equal(said(["a,o1,,2099-01-01,100,100,0,flex", "a,o2,,2099-01-01,200,10,190,flex"], "--before", "2022-04-01"), [], "as of another instant")
equal(said(["a,o1,,2023-06-01,100,100,0,flex", "a,o2,,2023-06-01,200,10,0,flex"]), [], "what has ended has nothing left")
equal(b.run("head", "--format", "csv").stdout, head, "nothing was written")
equal([r["source"] for r in json.loads(b.run("quarantine", "list", "--format", "json").stdout)], [], "nothing waits")
assert "source 'sayd': not configured" in b.run("reconcile", "said.csv", "--as", "sayd", ok=(2,)).stderr
b.run("reconcile", os.path.join(b.folder, "nowhere.csv"), "--as", "said", ok=(2, 3))
b.run("verify")
b.done()

# The examples: a reseller's orders, and the contract document with the figures that its documentation shows.
b = lib.Books(None)
shutil.rmtree(b.folder)
shutil.copytree(os.path.join(lib.ROOT, "conf"), b.folder)
for folder, _, files in os.walk(b.folder):
    for name in files:
        os.chmod(os.path.join(folder, name), 0o600)
b.config = os.path.join(b.folder, "reseller.ini")
done = b.run("run", ok=(1,))
assert "8 charged" in done.stdout and "5 applied" in done.stdout and "1 quarantined" in done.stdout, done.stdout
costs = {r["grant"]: r["cost"] for r in b.ask("expiring", "--as-of", "2022-12-31")}
equal(costs["R-1014/1"], str(lib.Decimal(4983) / 5000 * 15000 * lib.Decimal("0.92")).rstrip("0").rstrip("."), "what is left of a lot")
equal(costs["R-1019/1"], "13500", "a price of its own")
done = b.run("reconcile", os.path.join(b.folder, "reseller/packs-2023-02-01.csv"), "--as", "packs", "--format", "json", ok=(1,))
equal([(r["grant"], r["what"], r["difference"]) for r in json.loads(done.stdout)],
      [("R-1014/1", "used", "7"), ("R-1014/1", "left", "-7"), ("W-77", "not in the books", None)], "the vendor's list")

b.config = os.path.join(b.folder, "tokenflex.ini")
year = {"consumedTokens": 146226, "remainingTokens": 197774, "multiyearTokensAtStart": 25000, "multiyearConsumedTokens": 3217}
document = {"contractName": "A", "contractNumber": "110000123", "multiyearProvisionedTokens": 25000,
            "contractYears": [{"year": 1, "startDate": "2015-04-28", "endDate": "2016-04-27", "provisionedTokens": 344000, **year}]}
wanted = [("grant", "current-year-1", "344000", "CY", "2016-04-28"), ("grant", "multi-year", "25000", "MY", "2019-03-11")]
events = [event("grant", name, "110000123", "2015-04-28T00:00:00Z", grant=name, currency="tokens", amount=amount,
                expires=end + "T00:00:00Z", scope={"attributes": {"pool": [pool]}}) for _, name, amount, pool, end in wanted]
events += [event("usage", "u" + pool, "110000123", "2016-01-01T00:00:00Z", product="ACD", amount=amount, attributes={"pool": pool})
           for pool, amount in (("CY", "146226"), ("MY", "3217"))]
b.write("contract.jsonl", "".join(json.dumps(e) + "\n" for e in events))
b.run("ingest", os.path.join(b.folder, "contract.jsonl"), "--as", "contract", ok=(0,))


def contract():
    rows = subprocess.run(["jq", "-r", "-f", os.path.join(b.folder, "tokenflex/contract.jq")], input=json.dumps(document),
                          capture_output=True, text=True, check=True).stdout
    done = b.run("reconcile", "-", "--as", "contract-document", "--format", "json", stdin=rows, ok=(0, 1))
    return [(r["grant"], r["what"], r["difference"]) for r in json.loads(done.stdout)]


equal(contract(), [], "the documented contract, at its first year's end")
document["contractYears"][0].update(consumedTokens=146300, remainingTokens=197700)
equal(contract(), [("current-year-1", "used", "74"), ("current-year-1", "left", "-74")], "a snapshot that does not match")
b.done()
