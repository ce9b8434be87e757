"""edges.py - what lies at the edge: amounts that fill 64 bits, inputs that are none, dates that are not there every year, instants at
which much happens at once. After each story the books hold.
"""
import datetime
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import zoneinfo

import lib

MAX = 9223372036854775807
CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
{policy}
[currency/prepaid d]
[service/ratesheet rates]
sheet = rates.csv
[service/metered meter]
[source/events events]
files = none-*.jsonl
"""
RATES = "product,rate,per,currency\nR,2,1,c\nBIG,900000000000000000,1,c\nTINY,0.000000000000000001,1,c\n"


def at(minute):
    return (datetime.datetime(2022, 1, 1) + datetime.timedelta(minutes=minute)).isoformat() + "Z"


def made(kind, id, minute, account="a", **data):
    return lib.event(kind, id, account, minute if isinstance(minute, str) else at(minute), **data)


def grant(id, minute=0, amount=MAX, account="a", **data):
    return made("grant", id, minute, account, currency=data.pop("currency", "c"), amount=str(amount), **data)


def usage(id, minute, amount=MAX, account="a", **data):
    return made("usage", id, minute, account, product="p", currency="c", amount=str(amount), **data)


def books(events=(), policy=""):
    b = lib.Books(CONFIG.format(policy=policy))
    b.write("rates.csv", RATES)
    if events:
        b.events(events)
    return b


def outcomes(b):
    """By id: the outcome; of a refusal its reason, too; of what is in quarantine why."""
    found = {e["id"]: e["outcome"] if not e["reason"] else f"{e['outcome']}: {e['reason']}" for e in b.ask("events")}
    found.update({q["id"]: f"quarantined: {q['reason']}" for q in b.ask("quarantine", "list") if q["id"]})
    return found


def questions(b):
    """All can be asked, and the books hold."""
    for words in (("balance",), ("balance", "--by", "grant"), ("balance", "--by", "class"), ("usage", "--by", "product,account"),
                  ("usage", "--by", "month,user"), ("expiring",), ("holds",), ("debts",), ("limits",), ("events",),
                  ("statement", "a", "--to", at(2000))):
        b.run(*words, *(("--as-of", at(1000)) if words[0] in ("balance", "expiring", "holds", "debts", "limits") else ()))
    b.run("verify")


def row(b, account="a", currency="c", when=1000):
    return next(r for r in b.ask("balance", account, "--as-of", at(when)) if r["currency"] == currency)


# ---- amounts that fill 64 bits

FULL = "the most that it can"  # what an account ever used of a currency fits an amount, so that sums of it do
PER = {"every": "PT1H"}
FROM = {"from": "c"}
AMOUNTS = {  # policy, events, what became of some, fields of the balance
    "two grants": ("", [grant("g"), grant("h"), usage("u", 1), usage("v", 2), usage("w", 3, 1)],
                   {"u": "charged", "v": FULL, "w": FULL}, {"used": str(MAX), "available": str(MAX)}),
    "two at once": ("", [grant("g"), grant("h"), usage("u", 1, MAX - 1), usage("v", 2, 2), usage("w", 3, 1)],
                    {"u": "charged", "v": FULL, "w": "charged"}, {"used": str(MAX)}),
    "units of an unlimited one": ("", [grant("g", 0, "unlimited", grant_unit="1000000000"), usage("u", 1), usage("v", 2, 7)],
                                  {"u": "9223372036 available", "v": "charged"}, {"used": "7000000000"}),
    "units on credit": ("", [grant("g", 0, 5, grant_unit="1000000000", floor="unlimited"), usage("u", 1), usage("v", 2, 7)],
                        {"u": "wanted", "v": "charged"}, {"used": "7000000000"}),
    "periods that add": ("", [grant("g", recurrence={**PER, "mode": "add"}), usage("u", 300), usage("v", 361)],
                         {"u": "charged", "v": FULL}, {"used": str(MAX), "available": "0"}),
    "periods that reset": ("", [grant("g", recurrence=PER), usage("u", 1), usage("v", 61), grant("h", 62), usage("w", 63, 1)],
                           {"u": "charged", "v": FULL, "w": FULL}, {"used": str(MAX)}),
    "first uses": ("", [grant("g", recurrence={**PER, "from": "first-use"}), usage("u", 1), usage("v", 200, 1)],
                   {"u": "charged", "v": FULL}, {"used": str(MAX)}),
    "adjustments": ("", [grant("g"), made("adjustment", "j", 1, currency="c", amount="1", reason="x", grant="g"),
                         made("adjustment", "k", 1, currency="c", amount=str(MAX), reason="x"),
                         made("adjustment", "l", 2, currency="c", amount=str(-MAX), reason="x"),
                         made("adjustment", "m", 3, currency="c", amount=str(-MAX - 1), reason="x"), usage("u", 4)],
                    {"j": "out of range", "k": "applied", "l": "applied", "m": "quarantined", "u": "charged"}, {"used": str(MAX)}),
    "rollovers": ("", [grant("g", rollover={"min": str(MAX)}), usage("u", 1), made("reset", "r", 2, currency="c"), usage("v", 3)],
                  {"u": "charged", "r": "applied", "v": FULL}, {"used": str(MAX)}),
    "renewals": ("", [grant("g"), grant("h", 1, renews="g"), usage("u", 2), usage("v", 3)],
                 {"u": "charged", "v": FULL}, {"used": str(MAX), "available": str(MAX)}),
    "credit": ("", [grant("g", 0, 100, floor="unlimited"), usage("u", 1),
                    made("adjustment", "j", 2, currency="c", amount=str(MAX - 100), reason="x", grant="g"), usage("v", 3)],
               {"u": "charged", "j": "applied", "v": FULL}, {"used": str(MAX), "available": "0"}),
    "credit to the end": ("", [grant("g", 0, 100, floor=str(-MAX)), usage("u", 1), usage("v", 3), usage("w", 4, 200)],
                          {"u": "charged", "v": FULL, "w": FULL}, {"used": str(MAX), "available": str(100 - MAX)}),
    "debts": ("overdraft = debt", [usage("u", 1), usage("v", 2, 1), made("reset", "r", 3, currency="c"), usage("w", 4),
                                   grant("g", 5), grant("h", 6)],
              {"u": "charged", "v": FULL, "w": FULL}, {"used": str(MAX), "debt": "0"}),
    "a debt paid": ("overdraft = debt", [usage("u", 1), grant("g", 5), grant("h", 6), usage("v", 7, 1)],
                    {"u": "charged", "v": FULL}, {"used": str(MAX), "debt": "0", "available": str(MAX)}),
    "limits": ("", [grant("g"), made("limit", "l", 0, limit="l", currency="c", amount=str(MAX), per="day"),
                    made("limit", "m", 0, limit="m", currency="c", amount=str(MAX - 1), per="day"), usage("u", 1), usage("v", 2, MAX - 1),
                    usage("w", 3, 1)],
               {"u": "limit 'm'", "v": "charged", "w": "limit 'm'"}, {"used": str(MAX - 1)}),
    "holds": ("capture_over = charge", [grant("g"), grant("h"), made("hold", "o", 1, currency="c", amount=str(MAX)),
                                        made("extend", "x", 2, hold="o", amount=str(MAX)), made("hold", "p", 3, currency="c", amount="1"),
                                        made("release", "y", 4, hold="o", amount="5"), made("hold", "q", 5, currency="c", amount="5"),
                                        made("extend", "z", 6, hold="q", amount="6"), made("capture", "k", 7, hold="o", amount=str(MAX)),
                                        made("capture", "m", 8, hold="o")],
              {"o": "applied", "x": "applied", "p": FULL, "q": "applied", "z": FULL, "k": FULL, "m": "charged"},
              {"used": str(MAX - 5), "held": "5"}),
    "more than held": ("capture_over = charge\noverdraft = debt",
                       [grant("g", 0, 1), made("hold", "o", 1, currency="c", amount="1"), made("capture", "k", 5, hold="o", amount=str(MAX)),
                        made("reversal", "r", 6, of={"source": "test", "id": "o"}), usage("u", 7)],
                       {"k": "charged", "r": "applied", "u": "charged"}, {"used": str(MAX), "debt": str(MAX - 1)}),
    "conversions": ("", [grant("g"), made("conversion", "k", 1, **FROM, to="d", rate="2"),
                         made("conversion", "l", 2, **FROM, to="d", rate="0.000000000000000001", amount=str(MAX - 5)),
                         made("conversion", "m", 3, **FROM, to="d", rate="1844674407370955161"),
                         made("conversion", "n", 4, **FROM, to="d", rate="1844674407370955161.4")],
                    {"k": "out of range", "l": "applied", "m": "applied", "n": "no c is available"}, {"available": "0"}),
    "shares": ("", [grant("g"), made("transfer", "t", 1, shares={"b": "50%", "e": "50%"}, currency="c", amount=str(MAX)), grant("h", 2),
                    made("transfer", "s", 3, shares={"b": "33.333333333333333333%", "e": "remaining"}, currency="c", amount=str(MAX)),
                    grant("i", 4), made("transfer", "r", 5, to="b", currency="c", amount=str(MAX))],
               {"t": "applied", "s": "applied", "r": "applied"}, {"available": "0"}),
    "what is there": ("", [grant("g"), grant("h"), usage("u", 1, MAX - 3, accept="available"), usage("v", 2, MAX, accept="available"),
                           usage("w", 3, 1, accept="available")],
                      {"u": "charged", "v": "charged", "w": FULL}, {"used": str(MAX)}),
    "in proportion": ("draw_order = proportional", [grant("g"), grant("h"), usage("u", 1), usage("v", 2)], {"u": "charged", "v": FULL},
                      {"used": str(MAX), "available": str(MAX)}),
    "of one class": ("split = class", [grant("g"), grant("h"), usage("u", 1)], {"u": "charged"}, {"used": str(MAX)}),
    "of one grant": ("split = no", [grant("g"), grant("h"), usage("u", 1)], {"u": "charged"}, {"used": str(MAX)}),
    "back and again": ("", [grant("g"), usage("u", 1), made("reversal", "r", 2, of={"source": "test", "id": "u"}), usage("v", 3),
                            made("reversal", "s", 4, of={"source": "test", "id": "v"}, amount=str(MAX)), usage("w", 5, 1)],
                       {"u": "charged", "v": "charged", "s": "applied", "w": "charged"}, {"used": "1"}),
    "late": ("late = replay\noverdraft = debt", [grant("g"), usage("u", 10), usage("v", 9), usage("w", 8, 1)],
             {"u": "charged", "v": FULL, "w": FULL}, {"used": str(MAX), "debt": "0"}),
    "unlimited": ("", [grant("g", 0, "unlimited"), usage("u", 1), usage("v", 2, 1)], {"u": "charged", "v": "wanted"},
                  {"used": str(MAX), "available": "unlimited"}),
    "rates": ("", [grant("g"), made("usage", "t", 1, product="R", quantity="4611686018427387903.5"),
                   made("usage", "u", 2, product="R", quantity="4611686018427387904"),
                   made("usage", "v", 3, product="BIG", quantity="900000000000000000"),
                   made("usage", "w", 4, product="TINY", quantity="0.000000000000000001"),
                   made("usage", "x", 5, product="TINY", quantity=str(MAX))],
              {"t": "charged", "u": "out of range", "v": "out of range", "w": "zero", "x": FULL}, {"used": str(MAX)}),
    "costs": ("", [grant("g", cost={"amount": str(MAX), "currency": "EUR"}, expires=at(9)), usage("u", 1, 3)], {"u": "charged"},
              {"used": "3"}),
}


def amounts(name, policy, events, wanted, balance):
    b = books(events, policy)
    found = outcomes(b)
    for id, words in wanted.items():
        assert words in found.get(id, "quarantined"), (name, id, words, found)
    told = row(b)
    lib.equal({k: told[k] for k in balance}, balance, name)
    sums = [u for u in b.ask("usage", "--by", "product") if u["currency"] == "c"]
    used = row(b)["used"]
    # With units of a grant a charge is less than what it takes; else rollups are what was used.
    if "units" not in name and sums:
        lib.equal(sum(int(u["amount"]) for u in sums), int(used), f"{name}: usage")
    questions(b)
    b.done()


def sums_over_accounts():
    """Sums over accounts are beyond 64 bits, and told."""
    b = books([e for a in "abc" for e in (grant("g" + a, account=a), usage("u" + a, 1, account=a))])
    lib.equal([u["amount"] for u in b.ask("usage", "--by", "product")], [str(3 * MAX)], "three accounts")
    questions(b)
    b.done()


# ---- names and texts

def long_ids():
    """An id that is made from another is cut where it is too long: not in the middle of a character, and two that differ stay apart."""
    for id in ("x" * 255, "\u00e9" * 127, "x" + "\u00e9" * 127, "\U0001f4b0" * 63 + "xyz"):
        other = id[:-1] + ("y" if len(id[-1].encode()) == 1 else "\u00e8" if len(id[-1].encode()) == 2 else "z")
        b = books([grant("g", 0, 100), grant("h", 0, 100), made("transfer", id, 1, to="b", currency="c", amount="150"),
                   made("transfer", other, 2, to="b", currency="c", amount="10"),
                   made("conversion", id + "", 3, "b", **FROM, to="d", amount="20", rate="2"),
                   made("conversion", other, 4, "b", **FROM, to="d", amount="30", rate="2"), usage("u", 5, 1)])
        lib.equal(b.ask("quarantine", "list"), [], id)
        lib.equal([e["reason"] for e in b.ask("events", "--outcome", "refused")], [], id)
        lib.equal((row(b)["available"], row(b, "b")["available"], row(b, "b", "d")["available"]), ("39", "110", "100"), id)
        questions(b)
        b.done()


def raw(b, *words):
    """What it prints, as bytes; all of it is UTF-8, also of what is not."""
    done = subprocess.run([lib.SCRIP, "-c", b.config, *words], capture_output=True)
    assert done.returncode in (0, 1), done
    done.stderr.decode()
    return done.stdout.decode()


def not_text():
    b = books([grant("g", 0, 100)])
    one = json.dumps(usage("u", 1, 1)).encode()
    long = "\u00e9" * 127
    lines = [one.replace(b'"u"', b'"x\xff\xfeu"'), one.replace(b'"u"', b'"' + b"a" + "\u00e9".encode() * 130 + b'"'),
             one.replace(b'"scrip.usage"', b'"aa' + "\u00e9".encode() * 40 + b'"'), one.replace(b'"u"', b'"\xc3"'),
             *(json.dumps(e).encode() for e in (
                 usage("x" + long, 1, 1, account="y" + long), usage("x" + long, 1, 2, account="y" + long),
                 made("void", "v", 3, grant="x" + long), made("usage", "w", 3, product="x" + long, service="y" + long),
                 made("hold", "h", 3, hold="x" + long, currency="z" + long, amount="5"),
                 made("reversal", "r", 3, of={"source": "x" + long, "id": "y" + long})))]
    path = b.write("raw.jsonl", "")
    with open(path, "wb") as out:
        out.write(b"\n".join(lines) + b"\n")
    raw(b, "ingest", path, "--as", "events")
    for format in ("json", "csv", "table"):
        raw(b, "events", "--format", format)
        raw(b, "quarantine", "list", "--format", format)
    kept = json.loads(raw(b, "quarantine", "list", "--format", "json"))
    lib.equal(sorted(int(q["line"]) for q in kept), [1, 2, 3, 4, 6, 8, 9], "lines in quarantine")
    for q in kept:
        shown, = json.loads(raw(b, "quarantine", "show", q["key"], "--format", "json"))
        if q["line"] == "1":
            assert "x\\xff\\xfeu" in shown["bytes"], shown
    b.run("verify")
    b.done()


faults = []
stories = [(amounts, (name, *story)) for name, story in AMOUNTS.items()] + [(part, ()) for part in (sums_over_accounts, long_ids, not_text)]
for part, story in stories:
    if len(sys.argv) > 1 and part.__name__ not in sys.argv[1:] and (not story or story[0] not in sys.argv[1:]):
        continue
    try:
        part(*story)
    except AssertionError as fault:
        faults.append(f"{part.__name__}: {fault}")
print("\n\n".join(faults) or f"{len(stories)} stories")
sys.exit(1 if faults else 0)
