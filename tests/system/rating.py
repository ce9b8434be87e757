"""rating.py - tiers: the rating cases that other systems publish, to the last digit, then periods, minimums, maximums, faults."""
import json
import os
from decimal import Decimal

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid usd]
decimals = 6
[service/tiered tiers]
sheet = tiers.csv
{keys}
[source/events events]
files = none-*.jsonl
"""
COLUMNS = "product,model,up_to,at_least,rate,per,flat,factor,block,free,minimum,maximum,currency,from,to".split(",")


def sheet(*rows):
    return "".join(",".join(str(row.get(c, "")) for c in COLUMNS) + "\n" for row in ({c: c for c in COLUMNS},) + rows)


def books(text, keys=""):
    made = lib.Books(CONFIG.format(keys=keys))
    made.write("tiers.csv", text)
    made.events([lib.event("grant", "g", "acct", "2022-01-01T00:00:00Z", currency="usd", amount="1000000000")])
    return made


def use(id, time, quantity, product="api", **data):
    return lib.event("usage", id, "acct", time, product=product, quantity=str(quantity), **data)


def paid(made, id):
    """What one event was charged."""
    rows = [r for r in made.ask("events", "acct") if r["id"] == id]
    assert rows, id
    return Decimal(rows[0]["amount"] or 0) if "amount" in rows[0] else sum(
        Decimal(r["amount"]) for r in made.ask("explain", id) if r["what"] == "draw")


def month(made):
    return {u["month"]: Decimal(u["amount"]) for u in made.ask("usage", "--by", "month")}


# ---- what others publish --------------------------------------------------------------------------------------------

MODELS = {"graduated": "graduated", "volume": "volume", "package": "package", "unit": "graduated",
          "graduated_blocks": "graduated", "capacity": "capacity", "unit_with_threshold_multiplier": "threshold"}


def case_sheet(case):
    params = case["params"]
    if "thresholds" in params:
        rows = [{"at_least": "0", "rate": params["unit"]}]
        rows += [{"at_least": t["from"], "factor": t["factor"]} for t in params["thresholds"]]
    elif "package_size" in params:
        rows = [{"rate": params["package_price"], "block": params["package_size"], "free": params.get("free_units", "")}]
    else:
        rows = [{"up_to": t.get("up_to") or "", "rate": t.get("unit", ""), "flat": t.get("flat", "")}
                for t in params.get("tiers", [params])]
        rows[0]["block"] = params.get("block_size", "")
    rows[0].update(model=MODELS[case["model"]], minimum=params.get("minimum", ""), maximum=params.get("maximum", ""))
    for row in rows:
        row.update(product="api", currency="usd")
    return sheet(*rows)


def run_case(case):
    made = books(case_sheet(case), "period = month")
    prior = case.get("prior_quantity")
    if prior is not None:
        made.events([use("prior", "2022-01-10T00:00:00Z", prior)])
        if case.get("prior_billed") is not None:
            lib.equal(month(made).get("2022-01"), Decimal(case["prior_billed"]), case["id"] + ": before")
    before = month(made).get("2022-01", 0)
    made.events([use("this", "2022-01-20T00:00:00Z", case["quantity"])])
    # The month's end, which brings what is missing to a minimum.
    made.events([lib.event("grant", "later", "acct", "2022-02-02T00:00:00Z", currency="usd", amount="1")])
    lib.equal(month(made)["2022-01"] - before, Decimal(case["expected_amount"]), case["id"])
    made.run("verify")
    made.done()


def published():
    path = os.path.join(lib.SHARED, "cases/published-cases.json")
    if not os.path.exists(path):
        print("published cases: skipped: no shared/cases beside the repository")
        return
    with open(path) as file:
        cases = json.load(file)["rating_cases"]
    for case in cases:
        run_case(case)
    print(len(cases), "published cases")


published()
