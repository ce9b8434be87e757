"""rating.py - tiers: the cases that other systems publish, to the last digit; periods, minimums, maximums, faults."""
import json
import math
import os
import random
from decimal import ROUND_HALF_EVEN, Decimal

import lib

COLUMNS = ("product,model,up_to,at_least,rate,per,flat,factor,block,free,minimum,maximum,currency,from,to,"
           "label").split(",")


def sheet(*rows):
    """Rows of the product `api` in usd, unless they say otherwise."""
    rows = [{"product": "api", "currency": "usd", **row} for row in rows]
    return "".join(",".join(str(row.get(c, "")) for c in COLUMNS) + "\n" for row in [{c: c for c in COLUMNS}] + rows)


def tiered(keys, *rows, **more):
    return lib.Priced("[service/tiered tiers]\nsheet = tiers.csv\n" + keys, tiers=sheet(*rows), **more)


def months(made):
    return {month: Decimal(amount) for month, amount in made.sums("month").items()}


# ---- what others publish -----------------------------------------------------------------------------------

MODELS = {"graduated": "graduated", "volume": "volume", "package": "package", "unit": "graduated",
          "graduated_blocks": "graduated", "capacity": "capacity", "unit_with_threshold_multiplier": "threshold"}


def case_sheet(case):
    params = case["params"]
    if "thresholds" in params:
        rows = [{"at_least": "0", "rate": params["unit"]}]
        rows += [{"at_least": t["from"], "factor": t["factor"]} for t in params["thresholds"]]
    elif "package_size" in params:
        rows = [{"rate": params["package_price"], "block": params["package_size"],
                 "free": params.get("free_units", "")}]
    else:
        rows = [{"up_to": t.get("up_to") or "", "rate": t.get("unit", ""), "flat": t.get("flat", "")}
                for t in params.get("tiers", [params])]
        rows[0]["block"] = params.get("block_size", "")
    rows[0].update(model=MODELS[case["model"]], minimum=params.get("minimum", ""), maximum=params.get("maximum", ""))
    return rows


def published():
    """All of them in one sheet, each a product and an account of its own."""
    path = os.path.join(lib.SHARED, "cases/published-cases.json")
    if not os.path.exists(path):
        print("published cases: skipped: no shared/cases beside the repository")
        return
    with open(path) as file:
        cases = json.load(file)["rating_cases"]
    made = tiered("period = month\n", *(dict(row, product=case["id"]) for case in cases for row in case_sheet(case)))
    for case in cases:
        id, prior = case["id"], case.get("prior_quantity")
        made.waiting.append(lib.event("grant", "g", id, "2022-01-01T00:00:00Z", currency="usd", amount="1000000"))
        if prior is not None:
            made.use("prior " + id, "2022-01-10T00:00:00Z", id, prior, account=id)
        made.use("this " + id, "2022-01-20T00:00:00Z", id, case["quantity"], account=id)
        # The month's end brings what is missing to a minimum.
        made.pass_time("2022-02-02T00:00:00Z", account=id)
    events, sums = made.sums("event"), made.sums("account")
    for case in cases:
        prior = Decimal(events.get("prior " + case["id"], 0))
        if case.get("prior_billed") is not None:
            lib.equal(prior, Decimal(case["prior_billed"]), case["id"] + ": before")
        lib.equal(Decimal(sums[case["id"]]) - prior, Decimal(case["expected_amount"]), case["id"])
    lib.equal(made.sums("month").keys(), {"2022-01"}, "all of it in its month")
    made.run("verify")
    made.done()
    print(len(cases), "published cases")


published()

# ---- each event by itself ----------------------------------------------------------------------------------

AT = "2022-01-05T00:00:00Z"


def each(rows, wanted, keys="", product="api", **more):
    """Events of these quantities, and what each costs."""
    made = tiered(keys, *rows, **more)
    for quantity in wanted:
        made.use(quantity, AT, product, quantity)
    made.check(wanted, rows)


# 100 for each 5 km of road that are begun: 12 km are 3 steps.
each([dict(model="step", rate=100, block=5)], {"12": "300", "5": "100", "5.001": "200", "0": "0"})
# Copies of a solver: 8 are 21, 9 are 40; above the last there is no price.
STAIR = [dict(model="capacity", up_to=8, flat=21), dict(up_to=16, flat=40), dict(up_to=32, flat=50)]
each(STAIR, {"1": "21", "8": "21", "9": "40", "32": "50"})
made = tiered("", *STAIR).use("33", AT, "api", 33).use("-1", AT, "api", -1)
lib.equal(made.why(), {"33": "tiers: quantity: above the last tier (tiers.csv:4 api: up_to 32): add a tier",
                       "-1": "tiers: quantity: below 0 in sum: nothing has a price there"}, "no price")
made.done()
# 20 cover 10,000, and each further 10,000 that are begun 5 more: a bound that belongs to the tier below it.
each([dict(model="graduated", up_to=10000, flat=20), dict(rate=5, per=10000)],
     {"1": "20", "10000": "20", "20000": "25", "12000": "21"})
# The same bounds from below: at 50 the second tier's flat price is due.
each([dict(model="graduated", at_least=0, rate=1), dict(at_least=50, rate=2, flat=10)],
     {"49": "49", "50": "60", "51": "62"})
# A threshold's factors are for all of it; two prices for two products; a product that stands for the rest; a free
# part.
each([dict(model="threshold", at_least=0, rate=3, per=10), dict(at_least=10, factor="0.5")],
     {"9": "2.7", "10": "1.5"})
each([dict(model="graduated", rate=1), dict(product="*", model="graduated", rate=7, free=2)],
     {"1": "0", "3": "7"}, product="unheard")
# A minimum and a maximum of each event; what is not used owes nothing, where that is wanted.
BOUNDS = [dict(model="graduated", up_to=10, rate=1, flat=2, minimum=5, maximum=9), dict(rate=100)]
each(BOUNDS, {"0": "5", "1": "5", "4": "6", "50": "9"})
FLAT = [dict(model="volume", up_to=10, rate=1, flat=2), dict(rate=1, flat=3)]
each(FLAT, {"0": "2", "1": "3", "11": "14"})
each(FLAT, {"0": "0", "1": "3"}, "flat_at_zero = no\n")
# By date: a day is the new price's from its first instant on; an end leaves it without one.
made = tiered("", dict(model="graduated", rate=1, to="2022-02-01"),
              {"model": "graduated", "rate": 3, "from": "2022-02-01"})
made.use("old", "2022-01-31T23:59:59.999999Z", "api", 2).use("new", "2022-02-01T00:00:00Z", "api", 2)
made.check({"old": "2", "new": "6"}, "dated tiers")
made = tiered("", dict(model="graduated", rate=1, currency="aaa"),
              {"model": "graduated", "rate": 3, "from": "2022-02-01"},
              currencies=("aaa", "usd")).use("new", "2022-02-01T00:00:00Z", "api", 2)
lib.equal(made.sums("currency"), {"usd": "6"}, "another currency from a day on")
made.done()
made = tiered("", dict(model="graduated", rate=1, to="2022-01-05")).use("late", AT, "api", 1)
assert "the sheet has it, but no row for this time" in made.why()["late"], made.why()
made.done()
# Either of two currencies: the second pays what the first cannot, all of it.
made = tiered("currencies = low, usd\n", dict(model="graduated", up_to=5, rate=1, currency="low"),
              dict(rate=2, currency="low"),
              dict(model="graduated", rate=3), currencies=("low", "usd"), amount="7")
made.use("a", AT, "api", 6).use("b", AT, "api", 1).use("c", AT, "api", 1)
made.take()
lib.equal([(u["event"], u["currency"], lib.plain(u["amount"])) for u in made.ask("usage", "--by", "event,currency")],
          [("a", "low", "7"), ("b", "usd", "3"), ("c", "usd", "3")], "two currencies")
made.done()

# ---- over a period -----------------------------------------------------------------------------------------

GRADUATED = [dict(model="graduated", up_to=5, flat=100), dict(up_to=10, flat=50), dict(up_to=15, rate=5),
             dict(rate=1)]


def day(number, month="2022-01"):
    return f"{month}-{number:02}T12:00:00Z"


# Many small events cost what one large one does; a new month begins at nothing; users count together unless told.
made = tiered("period = month\n", *GRADUATED)
for n in range(22):
    made.use(f"e{n:02}", day(1 + n), "api", 1, user="ann" if n % 2 else "bob")
made.use("next", "2022-02-01T00:00:00Z", "api", 1)
lib.equal(months(made), {"2022-01": 182, "2022-02": 100}, "22 events of 1")
lib.equal([made.paid()[f"e{n:02}"] for n in (0, 1, 5, 6, 10, 21)], ["100", "0", "50", "0", "5", "1"],
          "what each adds")
made.done()
made = tiered("period = month\ncount_by = user\n", *GRADUATED)
made.use("a", day(1), "api", 5, user="ann")
made.use("b", day(2), "api", 5, user="bob").use("c", day(3), "api", 1, user="ann")
made.check({"a": "100", "b": "100", "c": "50"}, "by user")
made = tiered("period = month\ncount_by = account\n", dict(product="*", model="graduated", rate=1, free=10))
made.use("a", day(1), "x", 8).use("b", day(2), "y", 8)
made.check({"a": "0", "b": "6"}, "by account: 10 are free of all products together")

# Fractions of the smallest unit add up, too: ten tenths are one, where each by itself would be none.
for keys, wanted in (("", "1"), ("carry = no\n", "0")):
    made = tiered("period = month\n" + keys, dict(model="graduated", rate="0.1"), decimals=0)
    for n in range(10):
        made.use(str(n), day(1 + n), "api", 1)
    lib.equal(made.sums("product"), {"api": wanted}, "tenths")
    made.run("verify")
    made.done()

# A volume's price that falls is not given back, and what follows is charged against it.
VOLUME = [dict(model="volume", up_to=100, rate=2, flat=10), dict(up_to=200, rate=1), dict(rate="0.5", flat=50)]
made = tiered("period = month\n", *VOLUME)
for id, quantity in (("a", 200), ("b", 10), ("c", 90), ("d", 100)):
    made.use(id, day(2), "api", quantity)
made.check({"a": "200", "b": "0", "c": "0", "d": "50"}, "volume by event: 400 are 250")
# Charged at the period's end it is exact: dated in the period, with what came late on top.
made = tiered("period = month\ncharge = period\n", *VOLUME)
made.use("a", day(2), "api", 200).use("b", day(3), "api", 10).use("c", "2022-02-03T00:00:00Z", "api", 1)
lib.equal(months(made), {"2022-01": 155, "2022-02": 0}, "volume by period")
made.use("late", day(31), "api", 90).pass_time("2022-03-01T00:00:00Z")
lib.equal(months(made), {"2022-01": 200, "2022-02": 12}, "a late event after the period's end")
rows = [e for e in made.ask("events", "acct") if e["product"] == "api"
        and e["time"].startswith("2022-01-31T23:59:59.999999")]
lib.equal(len(rows), 1, "one charge at the period's last instant")
made.run("verify")
made.done()

# A maximum: what is beyond is not charged, also not by the next. A minimum: at the end, or ahead with the first
# event.
LIMITS = [dict(model="graduated", rate=10, minimum=50, maximum=100)]
made = tiered("period = month\n", *LIMITS)
made.use("a", day(1), "api", 7)
made.use("b", day(2), "api", 5).use("c", day(3), "api", 5).use("d", day(3, "2022-02"), "api", 3)
made.pass_time("2022-03-05T00:00:00Z")
made.check({"a": "70", "b": "30", "c": "0", "d": "30", "": "20"}, "minimum at the end, maximum")
made = tiered("period = month\nminimum_at = first\n", *LIMITS)
made.use("a", day(1), "api", 1).use("b", day(2), "api", 2).use("c", day(3), "api", 4).use("d", day(4), "api", 4)
made.pass_time("2022-03-05T00:00:00Z")
made.check({"a": "50", "b": "0", "c": "20", "d": "30"}, "minimum ahead")

# Periods: a day of a zone, a month from the 15th, a quarter, a year.
def periods(keys, *times):
    """1 for each period that an event is the first of."""
    made = tiered(keys, dict(model="graduated", flat=1))
    for n, time in enumerate(times):
        made.use(str(n), time, "api", 1)
    made.take()
    found = made.paid()
    made.done()
    return "".join(found[str(n)] for n in range(len(times)))


lib.equal(periods("period = day\nzone = +12:00\n", "2022-01-05T11:59:59Z", "2022-01-05T12:00:00Z",
                  "2022-01-06T11:59:59Z"),
          "110", "days that begin at noon")
lib.equal(periods("period = month\nanchor = 2021-05-31\n", "2022-02-27T23:00:00Z", "2022-02-28T00:00:00Z",
                  "2022-03-30T23:00:00Z", "2022-03-31T00:00:00Z", "2022-04-29T23:59:59Z", "2022-04-30T00:00:00Z"),
          "110101", "months from the 31st")
lib.equal(periods("period = month\nanchor = 2030-01-15\n", "2022-01-14T23:00:00Z", "2022-01-15T00:00:00Z",
                  day(14, "2022-02")),
          "110", "months towards an anchor to come")
lib.equal(periods("period = quarter\n", "2022-01-05T00:00:00Z", "2022-03-31T23:00:00Z", "2022-04-01T00:00:00Z",
                  "2022-12-31T00:00:00Z", "2023-01-01T00:00:00Z"), "10111", "quarters")
lib.equal(periods("period = year\n", "2022-02-01T00:00:00Z", "2022-12-31T23:00:00Z", "2023-01-01T00:00:00Z"), "101",
          "years")
lib.equal(periods("period = hour\n", "2022-02-01T00:10:00Z", "2022-02-01T00:50:00Z", "2022-02-01T01:00:00Z"), "101",
          "hours")

# A quote changes nothing: the same question twice, and then the event, are all the first of their period.
made = tiered("period = month\n", *GRADUATED).take()
for n in range(2):
    shown = made.run("quote", "acct", "api", "5", "--time", day(1)).stdout
    assert "100" in shown, shown
made.use("a", day(1), "api", 5).use("b", day(2), "api", 1).check({"a": "100", "b": "50"}, "after two quotes")
# What was refused was not counted.
made = tiered("period = month\n", dict(model="graduated", rate=1), amount="6")
made.use("a", day(1), "api", 4).use("b", day(2), "api", 4).use("c", day(3), "api", 2).take()
lib.equal([e["outcome"] for e in made.ask("events", "acct")][1:], ["charged", "refused", "charged"],
          "refused in a period")
made.run("verify")
made.done()

# ---- against a model too simple to be wrong ----------------------------------------------------------------


def model(rows, quantity):
    """The price of a quantity by itself."""
    first, number = rows[0], lambda row, key, default=0: Decimal(row.get(key, default))
    counted = max(Decimal(0), quantity - number(first, "free"))
    if "block" in first:
        counted = Decimal(math.ceil(counted / number(first, "block")))
    bounds = [Decimal(r["up_to"]) if "up_to" in r else None for r in rows]
    if first["model"] == "volume":
        row = next(r for r, b in zip(rows, bounds) if b is None or counted <= b)
        return counted * number(row, "rate") / number(row, "per", 1) + number(row, "flat")
    sum, low = Decimal(0), Decimal(0)
    for row, bound in zip(rows, bounds):
        part = (counted if bound is None else min(counted, bound)) - low
        if part > 0 or low == 0:
            sum += max(part, 0) * number(row, "rate") / number(row, "per", 1) + number(row, "flat")
        low = bound
    return sum


def random_rows(name):
    pick = random.choice
    rows, bound = [], 0
    for _ in range(random.randint(0, 4)):
        bound += random.randint(1, 40)
        rows.append({"up_to": bound})
    rows.append({})
    for row in rows:
        row.update(product=name, rate=f"{random.randint(0, 500) / 100:.2f}", per=pick([1, 2, 10, 1000]))
        if random.random() < 0.5:
            row["flat"] = random.randint(0, 30)
    rows[0]["model"] = pick(["graduated", "volume"])
    if random.random() < 0.4:
        rows[0]["block"] = pick([1, 5, "2.5"])
    if random.random() < 0.4:
        rows[0]["free"] = random.randint(0, 20)
    return rows


random.seed(os.environ.get("SEED", "11"))
sheets = {f"p{n}": random_rows(f"p{n}") for n in range(60)}
for charge in ("event", "period"):
    made = tiered(f"period = month\ncharge = {charge}\n", *(row for rows in sheets.values() for row in rows))
    wanted = {}
    for name, rows in sheets.items():
        total, highest = Decimal(0), Decimal(0)
        for n in range(random.randint(1, 7)):
            quantity = Decimal(random.randint(0, 3000)) / 100
            made.use(f"{name}-{n}", day(1 + n), name, quantity)
            total += quantity
            highest = max(highest, model(rows, total))
        # What an event was charged is not given back: a volume stands at its highest price on the way.
        wanted[name] = (highest if charge == "event" else model(rows, total)).quantize(Decimal("0.000001"),
                                                                                       ROUND_HALF_EVEN)
    made.pass_time("2022-02-05T00:00:00Z")
    found = made.sums("product")
    for name, amount in wanted.items():
        lib.equal(Decimal(found[name]), amount, f"{charge}: {sheets[name]}")
    made.run("verify")
    made.done()

# ---- what cannot be read -----------------------------------------------------------------------------------

for rows, wanted in (
        ([dict(model="stairs", rate=1)],
         "tiers.csv:2: model: want graduated, volume, package, step, capacity or threshold"),
        ([dict(rate=1)], "tiers.csv:2: model: want graduated"),
        ([dict(model="graduated")], "tiers.csv:2: rate and flat: both are missing: write 0"),
        ([dict(model="graduated", rate="x")], "tiers.csv:2: rate: want a decimal number of 0 or more (found 'x')"),
        ([dict(model="graduated", rate=-1)], "rate: want a decimal number of 0 or more (found '-1')"),
        ([dict(model="graduated", rate=1, per=0)], "per: want a number above 0 (found '0')"),
        ([dict(model="graduated", rate=1, currency="eur")],
         "currency: not configured: add a section [currency/... CODE]"),
        ([dict(model="graduated", rate=1, up_to=5), dict(rate=1, up_to=5)],
         "tiers.csv:3: tiers must go upwards, each once"),
        ([dict(model="graduated", rate=1), dict(rate=1, up_to=5)],
         "a tier behind the one without an end: put that one last"),
        ([dict(model="graduated", rate=1, up_to=5), dict(rate=1, model="volume")], "model: only in the first row"),
        ([dict(model="graduated", rate=1, at_least=5)], "at_least: the first tier must begin at 0"),
        ([dict(model="graduated", rate=1, at_least=0), dict(rate=1, up_to=5)],
         "a schedule has one of them in all its rows"),
        ([dict(model="package", rate=1)], "block: missing: package and step count in blocks of this size"),
        ([dict(model="capacity", rate=1)], "rate: a capacity has flat prices only"),
        ([dict(model="threshold", rate=1)], "at_least: missing: the tiers of a threshold begin at a quantity"),
        ([dict(model="graduated", rate=1, minimum=5, maximum=4)], "maximum: below the minimum"),
        ([{"model": "graduated", "rate": 1, "from": "2022-01-02", "to": "2022-01-02"}], "to: must be after from"),
        ([dict(model="graduated", rate=1, to="soon")],
         "to: want a date such as 2022-03-29, or nothing (found 'soon')"),
        ([dict(product="", model="graduated", rate=1)], "product: missing"),
        ([dict(model="graduated", rate=1), dict(product="b", model="graduated", rate=1),
          dict(model="graduated", rate=1)],
         "its schedule stands further up, too: put the rows of one together")):
    lib.refused("[service/tiered t]\nsheet = tiers.csv\n", wanted, tiers=sheet(*rows))
for text, wanted in (("", "empty: want a header that has product, model and currency"),
                     ("product,rate,currency\n", "a column is missing: product, model and currency must be there"),
                     ("product,model,currency,prize\n", "an unknown column: want product, from, to, model, up_to"),
                     ("product,model,currency,rate\na,graduated,usd,1,000\n", "a field under no column"),
                     ('product,model,currency,rate\na,graduated,usd,"1\n', "a quote that is never closed")):
    lib.refused("[service/tiered t]\nsheet = tiers.csv\n", wanted, tiers=text)
for keys, wanted in (("charge = period\n", "charge = period and anchor need one such as month"),
                     ("period = month\ncurrencies = usd\n", "a period adds up in one currency"),
                     ("currencies = eur\n", "currencies 'eur': not configured"),
                     ("period = month\ncount_by = account\n", "the sheet needs the product *"),
                     ("period = month\nkeep = P1M\n", "keep: want a length without months, such as 35d")):
    lib.refused("[service/tiered t]\nsheet = tiers.csv\n" + keys, wanted,
                tiers=sheet(dict(model="graduated", rate=1)))
lib.refused("[service/tiered t]\nsheet = none.csv\n", "No such file", status=3)
