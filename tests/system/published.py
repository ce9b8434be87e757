"""published.py - worked cases that other systems publish: burn-down under every policy, holds, conversions, shares, top-ups.

Each policy is a section of configuration; no case has code of its own. Where a peer reads an instant differently, the case is
asked with --before, and the difference is named here. (The rating cases are in rating.py.)
"""
import collections
import json
from decimal import Decimal

import lib

# Each policy as the keys of its currency.
POLICIES = {
    "openmeter_entitlement": "draw_order = priority, expires, created, sequence\noverdraft = debt\nreset = lose",
    "openmeter_credit_ledger": "draw_order = priority, restricted, expires, sequence",
    "stigg": "draw_order = priority, expires, class(promotional paid), effective, created\noverdraft = debt",
    "aurora_meter": "draw_order = class(promotional paid), expires, created, sequence",
    "lago_wallet_transactions": "draw_order = priority, class(granted purchased), created, sequence",
    "lago_wallets": "draw_order = priority, created, sequence",
    "flexprice": "draw_order = priority, expires, amount desc, sequence",
    "fifo": "draw_order = effective, created, sequence",
    "lifo": "draw_order = effective desc, created desc, sequence",
    "hifo": "draw_order = cost desc, effective, sequence",
    "proportional": "draw_order = proportional",
    "listed_order": "draw_order = listed",
    "cgrates": "draw_order = priority desc, sequence",
}
CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid units]
decimals = 6
{policy}
[service/metered meter]
currency = units
[source/events events]
files = none-*.jsonl
"""


def dec(value):
    return Decimal(str(value))


def grant_event(case, number, grant, first):
    data = {"grant": grant["id"], "currency": "units", "amount": str(grant["amount"])}
    for key, field in (("expires_at", "expires"), ("category", "class"), ("initial_balance", "balance"),
                       ("unit_factor", "grant_unit"), ("floor", "floor")):
        if grant.get(key) is not None:
            data[field] = str(grant[key])
    if grant.get("priority") is not None:
        data["priority"] = str(grant["priority"])
    if grant.get("unlimited"):
        data["floor"] = "unlimited"
    if grant.get("overdraft_limit", 0) > 0:
        # A negative overdraft is treated like none by the peer.
        data["floor"] = str(-grant["overdraft_limit"])
    if grant.get("cost"):
        # The case gives a price for one unit; a grant has the cost of its whole lot.
        data["cost"] = {"amount": str(dec(grant["cost"]) * dec(grant["amount"])), "currency": "USD"}
    if grant.get("features"):
        data["scope"] = {"products": grant["features"]}
    if grant.get("fee_types"):
        data["scope"] = {"attributes": {"fee_type": grant["fee_types"]}}
    if grant.get("recurrence"):
        data["recurrence"] = grant["recurrence"]
    if grant.get("rollover_max") is not None:
        data["rollover"] = {"min": str(grant["rollover_min"]), "max": str(grant["rollover_max"])}
    return lib.event("grant", f"a-{number:06}", "acct", grant["effective_at"] or first, **data)


def case_grants(case):
    made = list(case["grants"])
    if "generator" in case:
        g = case["generator"]
        for n in range(g["count"]):
            one = {"id": g["id"] % n, "amount": g["amount"], "priority": g["priority"], "effective_at": g["effective_at"],
                   "expires_at": g["expires_at"]}
            one.update(g["override"].get(one["id"], {}))
            made.append(one)
    return made


def usage_data(case, usage):
    data = {"amount": str(usage["amount"]), "currency": "units", "product": usage.get("feature", "any")}
    if "uncovered" in case["expected"] or "debited" in case["expected"]:
        data["accept"] = "available"
    if usage.get("fee_type"):
        data["attributes"] = {"fee_type": usage["fee_type"]}
    if usage.get("from_grant"):
        data["grant"] = usage["from_grant"]
    if case["policy"] == "listed_order":
        data["grants"] = [g["id"] for g in case["grants"]]
    return data


def case_events(case):
    grants = case_grants(case)
    first = case.get("start") or min([g["effective_at"] for g in grants if g["effective_at"]] +
                                     [u["at"] for u in case["usage"]] + [case["as_of"]])
    for number, grant in enumerate(grants):
        yield grant_event(case, number, grant, first)
    for number, usage in enumerate(case["usage"]):
        # What came before the start is in the balance already; what comes after as_of was not yet.
        if "hold" in case or usage["at"] > case["as_of"] or usage["at"] < case.get("start", ""):
            continue
        yield lib.event("usage", usage.get("idempotency_key", f"u-{number:03}"), "acct", usage["at"], **usage_data(case, usage))
    for number, reset in enumerate(case.get("resets", [])):
        yield lib.event("reset", f"r-{number}", "acct", reset["at"], currency="units", preserve_overage=str(reset["preserve_overage"]).lower())


def totals(books, flag, instant):
    row = books.ask("balance", "acct", flag, instant)
    assert len(row) <= 1, row
    return row[0] if row else {"available": "0", "debt": "0", "used": "0"}


def check_hold(case, books):
    """A hold takes in draw order; what is not used goes back to where it came from."""
    hold = case["hold"]
    books.events([lib.event("hold", "h1", "acct", case["as_of"], currency="units", amount=str(hold["amount"]))])
    held = {g["grant"]: dec(g["held"]) for g in books.ask("balance", "acct", "--by", "grant", "--as-of", case["as_of"])}
    for grant, amount in hold["reserved"].items():
        lib.equal(held[grant], dec(amount), f"{case['id']}: held of {grant}")
    books.events([lib.event("capture", "c1", "acct", case["as_of"], hold="h1", amount=str(hold["settled"]))])
    lib.equal(totals(books, "--as-of", case["as_of"])["held"], "0.000000", f"{case['id']}: held after the capture")


def check_history(case, books):
    rows = [[r["what"], dec(r["amount"]), dec(r["before"]), dec(r["after"])]
            for r in books.ask("statement", "acct", "--to", case["as_of"][:-1] + ".000001Z")]
    lib.equal(rows, [[kind, *map(dec, numbers)] for kind, *numbers in case["expected"]["history"]], f"{case['id']}: history")


def check_totals(case, books, flag):
    expected, all_of = case["expected"], totals(books, flag, case["as_of"])
    available, debt = dec(all_of["available"]), dec(all_of["debt"])
    used = sum((dec(u["amount"]) for u in books.ask("usage", "--by", "account")), Decimal(0))
    # An overdraft counts in a total; overage, which is carried on, stands beside it.
    checks = {"total": available - (0 if "overage" in expected else debt), "overage": debt, "overdraft": debt, "total_usage": used,
              "grant_usage_total": used - debt, "total_available": available + used - debt, "debited": used,
              "uncovered": sum(dec(u["amount"]) for u in case["usage"]) - used}
    for key, found in checks.items():
        if key in expected:
            lib.equal(found, dec(expected[key]), f"{case['id']}: {key}")
    if "usage_since_reset" in expected:
        at = case["resets"][-1]["at"]
        before = totals(books, "--before", at)
        since = sum(dec(u["amount"]) for u in case["usage"] if u["at"] >= at)
        lib.equal(since, dec(expected["usage_since_reset"]), f"{case['id']}: usage since the reset")
        lib.equal(used - debt - (dec(before["used"]) - dec(before["debt"])), dec(expected["grant_usage_total_since_reset"]),
                  f"{case['id']}: what grants paid since the reset")


def check_grants(case, books, flag):
    grants = {g["grant"]: g for g in books.ask("balance", "acct", "--by", "grant", flag, case["as_of"])}
    expected = case["expected"]
    for kind, column in (("consumed", "used"), ("balances", "available"), ("expired", "expired")):
        for grant, amount in expected.get(kind, {}).items():
            row = grants.get(grant, {"used": "0", "available": "0", "expired": "0"}) if dec(amount) == 0 else grants[grant]
            unit = next((dec(g.get("unit_factor", 1)) for g in case["grants"] if g["id"] == grant), Decimal(1))
            lib.equal(dec(row[column]) / (unit if kind == "consumed" else 1), dec(amount), f"{case['id']}: {kind} of {grant}")
    if "others_each" in expected:
        others = {dec(g["available"]) for name, g in grants.items() if name not in expected["balances"]}
        lib.equal(others, {dec(expected["others_each"])}, f"{case['id']}: the other grants")
    if "order" in expected and case["usage"] and "hold" not in case:
        drawn = [r["detail"].split(" grant ")[1].split(" ")[0] for r in books.ask("explain", "u-000") if r["what"] == "draw"]
        lib.equal(drawn, expected["order"], f"{case['id']}: order")


def run_case(case):
    books = lib.Books(CONFIG.format(policy=POLICIES[case["policy"]]))
    try:
        books.events(sorted(case_events(case), key=lambda e: e["time"]))
        # A grant that ends at the very end of what is asked for is still there for this peer: it looks before that instant.
        ends = case["policy"] == "openmeter_entitlement" and any(g.get("expires_at") == case["as_of"] for g in case["grants"])
        flag = "--before" if ends else "--as-of"
        if "hold" in case:
            check_hold(case, books)
        if case_grants(case) or case["usage"]:
            refused = books.ask("events", "acct", "--outcome", "refused")
            lib.equal(bool(refused), "error" in case["expected"], f"{case['id']}: refused {refused}")
        check_grants(case, books, flag)
        check_totals(case, books, flag)
        if "history" in case["expected"]:
            check_history(case, books)
        books.run("verify")
    finally:
        books.done()


# ---- holds


def outcomes(books):
    return {e["id"]: (e["outcome"], e["reason"] or "") for e in books.ask("events", "acct")}


def hold_books(amounts):
    books = lib.Books(CONFIG.format(policy="draw_order = sequence"))
    books.events([lib.event("grant", f"g{n}", "acct", "2026-01-01T00:00:00Z", currency="units", amount=str(a))
                  for n, a in enumerate(amounts)])
    return books


def hold(id, second, amount, **data):
    return lib.event("hold", id, "acct", f"2026-01-01T00:00:{second:02}Z", currency="units", amount=str(amount), **data)


def run_linked(case):
    books = hold_books([a for _, a in case["ordered_sources"]])
    books.events([lib.event("usage", "u", "acct", "2026-01-01T00:00:01Z", currency="units", amount=str(case["want"]), product="p")])
    lib.equal(outcomes(books)["u"][0], "refused", case["id"])
    lib.equal({g["used"] for g in books.ask("balance", "acct", "--by", "grant", "--as-of", "2026-02-01")}, {"0.000000"}, case["id"])
    return books


def run_balancing(case):
    account = case["account"]
    books = hold_books([account["credits_posted"]])
    books.events([hold("h", 1, account["debits_pending"])])
    for n, one in enumerate(case["debits_max"]):
        before = dec(totals(books, "--as-of", "2026-02-01")["used"])
        books.events([lib.event("usage", f"u{n}", "acct", f"2026-01-01T00:01:0{n}Z", currency="units", amount=str(one["want"]),
                                product="p", accept="available")])
        lib.equal(dec(totals(books, "--as-of", "2026-02-01")["used"]) - before, dec(one["got"]), f"{case['id']}: {one}")
    row = totals(books, "--as-of", "2026-02-01")
    lib.equal((dec(row["held"]), dec(row["used"])), (dec(case["expected"]["debits_pending"]), dec(case["expected"]["debits_posted"])),
              case["id"])
    return books


def run_many_holds(case):
    books = hold_books([case["account"]["balance"]])
    n = 0
    for kind in case["holds"]:
        for _ in range(kind["count"]):
            n += 1
            books.events([hold(f"h{n}", n, kind["amount"])])
            lib.equal(outcomes(books)[f"h{n}"][0], "applied" if kind["result"] == "ok" else "refused", f"{case['id']}: hold {n}")
    return books


RESULTS = {"created": ("charged", ""), "pending_transfer_already_posted": ("refused", "captured already"),
           "pending_transfer_already_voided": ("refused", "released already"), "pending_transfer_expired": ("refused", "timed out at"),
           "exceeds_pending_transfer_amount": ("refused", "held")}


def run_two_phases(case):
    books = hold_books([1000])
    books.events([lib.event("usage", d["id"], "acct", "2026-01-01T00:00:00Z", currency="units", amount=str(d["amount"]), product="p")
                  for d in case["direct"]])
    for one in case["holds"]:
        # A time-out of 0 is none.
        data = {"expires": f"2026-01-01T{one['timeout_s'] // 3600:02}:{one['timeout_s'] // 60 % 60:02}:{one['timeout_s'] % 60:02}Z"} if one["timeout_s"] else {}
        books.events([hold(one["id"], 0, one["amount"], **data)])
    row = totals(books, "--before", "2026-01-01T00:00:01Z")
    lib.equal((dec(row["held"]), dec(row["used"])), (dec(case["expected_before"]["pending"]), dec(case["expected_before"]["posted"])),
              f"{case['id']}: before")
    for n, step in enumerate(case["then"]):
        id, at = f"step{n}", f"2026-01-01T00:00:01.{n:06}Z"
        data = {} if step.get("amount") in (None, "max") else {"amount": str(step["amount"])}
        books.events([lib.event("capture" if "post" in step else "release", id, "acct", at, hold=step.get("post", step.get("void")), **data)])
        outcome, reason = outcomes(books)[id]
        wanted, part = RESULTS[step["result"]]
        wanted = "applied" if "void" in step and wanted == "charged" else "zero" if step.get("amount") == 0 else wanted
        lib.equal(outcome, wanted, f"{case['id']}: {step}: {reason}")
        assert part in reason, (step, reason)
    row = totals(books, "--as-of", "2026-01-02")
    lib.equal((dec(row["held"]), dec(row["used"])), (dec(case["expected_final"]["pending"]), dec(case["expected_final"]["posted"])),
              f"{case['id']}: in the end")
    return books


HOLDS = {"ordered_sources": run_linked, "debits_max": run_balancing, "direct": run_two_phases, "holds": run_many_holds}


# ---- conversions, shares, top-ups, an event out of order

PAIR = """[store/sqlite]
file = books.db
[currency/prepaid a]
decimals = {a}
[currency/prepaid b]
decimals = {b}
[source/events events]
files = none-*.jsonl
"""


def convert(case, amount, rate, wanted, a, b):
    books = lib.Books(PAIR.format(a=a, b=b))
    books.events([lib.event("grant", "g", "acct", "2026-01-01T00:00:00Z", currency="a", amount=amount),
                  lib.event("conversion", "c", "acct", "2026-01-02T00:00:00Z", **{"from": "a"}, to="b", amount=amount, rate=rate)])
    row = {r["currency"]: r for r in books.ask("balance", "acct", "--as-of", "2026-02-01")}
    lib.equal(dec(row["b"]["available"]), dec(wanted), case["id"])
    lib.equal(dec(row["a"]["available"]), Decimal(0), case["id"])
    return books


def run_conversion(case):
    if "expected_amount" in case:
        return convert(case, case["credits"], case["rate"], case["expected_amount"], 4, 4)
    if "expected_credits" in case:
        # The case's rate is the price of a credit: a credit is worth 1 / rate.
        return convert(case, case["amount"], str(1 / Decimal(case["rate"])), case["expected_credits"], 2, 1)
    return convert(case, case["from"]["amount"], case["rate"], case["to"]["amount"], 2, 2)


def run_shares(case):
    """An amount moved to several accounts by shares."""
    books = lib.Books(PAIR.format(a=0, b=0))
    shares = {f"r{n}": s for n, s in enumerate(case["shares"])}
    books.events([lib.event("grant", "g", "acct", "2026-01-01T00:00:00Z", currency="a", amount=str(case["amount"])),
                  lib.event("transfer", "t", "acct", "2026-01-02T00:00:00Z", currency="a", amount=str(case["amount"]), shares=shares)])
    found = collections.defaultdict(Decimal)
    for row in books.ask("balance", "--as-of", "2026-02-01"):
        found[row["account"]] += dec(row["available"])
    for n, wanted in enumerate(case["expected"]):
        if wanted is not None:
            lib.equal(found[f"r{n}"], dec(wanted), f"{case['id']}: share {n}")
    lib.equal(sum(found.values()), dec(case["amount"]), f"{case['id']}: all of it")
    return books


def run_topup(case):
    policy = (f"topup_below = {case['threshold']}\ntopup_to = {case['target']}\ntopup_least = {case['min_topup']}")
    books = lib.Books(CONFIG.format(policy=policy))
    books.events([lib.event("grant", "g", "acct", "2026-01-01T00:00:00Z", currency="units", amount=str(case["ongoing_balance"]))])
    lib.equal([dec(r["top up"]) for r in books.ask("advise", "--as-of", "2026-01-02")], [dec(case["expected_topup"])], case["id"])
    return books


def run_backdated(case):
    """A payment that comes late is judged by its own date; what is missing in between is owed, and settled."""
    books = lib.Books(CONFIG.format(policy="late = replay\noverdraft = debt"))
    for n, (at, amount) in enumerate(case["timeline"] + [case["insert"]]):
        time = f"2026-01-{at:02}T00:00:00Z"
        books.events([lib.event("grant", f"e{n}", "acct", time, currency="units", amount=str(amount)) if amount > 0 else
                      lib.event("usage", f"e{n}", "acct", time, currency="units", amount=str(-amount), product="p")])
    lib.equal([e["outcome"] for e in books.ask("events", "acct") if e["outcome"] == "refused"], [], case["id"])
    before = totals(books, "--before", "2026-01-04T00:00:00Z")
    lib.equal(dec(before["available"]) - dec(before["debt"]), Decimal(-10), f"{case['id']}: before day 4")
    after = totals(books, "--as-of", "2026-02-01")
    lib.equal(dec(after["available"]) - dec(after["debt"]), Decimal(30), f"{case['id']}: in the end")
    return books


def run_other(case):
    if "shares" in case:
        return run_shares(case)
    if "threshold" in case:
        return run_topup(case)
    return run_backdated(case) if "timeline" in case else run_conversion(case)


def finish(books):
    books.run("verify")
    books.done()


with open(lib.shared("cases/published-cases.json")) as file:
    published = json.load(file)
ran = collections.Counter()
for case in published["cases"]:
    run_case(case)
    ran[case["policy"]] += 1
for case in published["hold_cases"]:
    finish(next(run for key, run in HOLDS.items() if key in case)(case))
    ran["holds"] += 1
for case in published["conversion_rounding_topup_cases"]:
    finish(run_other(case))
    ran["conversions, shares, top-ups"] += 1
lib.equal(sum(ran.values()), 79, "cases run")
lib.equal(set(POLICIES) - set(ran), set(), "policies without a case")
print(dict(ran))
