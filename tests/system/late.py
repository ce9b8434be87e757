"""late.py - events that come out of order: with late = replay any order of arrival gives the same balances and charges; within
settle_lag the same; beyond it they are judged by their own date. HISTORIES=N SEED=S to run more.
"""
import json
import os
import random

import lib

CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
draw_order = {order}
overdraft = {overdraft}
reset = {reset}
settle_lag = {lag}
late = {late}
refund_term = {refund}
[currency/prepaid flex]
late = {late}
settle_lag = {lag}
overdraft = {overdraft}
[service/daily desktop]
sheet = daily.csv
currencies = flex
[service/metered meter]
currency = c
[source/events events]
files = none-*.jsonl
"""
START = 1640995200  # 2022-01-01


def books(late="replay", lag="0s", overdraft="debt", order="priority, expires, created", refund="0s", reset="keep"):
    b = lib.Books(CONFIG.format(reset=reset, late=late, lag=lag, overdraft=overdraft, order=order, refund=refund))
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,flex\nRVT,,,10,1,flex\n")
    return b


def at(second):
    days, rest = divmod(second, 86400)
    return f"2022-01-{days + 1:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def history(rnd):
    events, usages, holds, grants = [], [], [], []
    for n in range(rnd.randint(4, 24)):
        second = rnd.randrange(0, 20 * 86400, 3600)
        kind = rnd.choice("gggguuuuussshcrvxz")
        id = f"e{n:03}"
        if kind == "g":
            data = {"currency": rnd.choice(["c", "c", "flex"]), "amount": str(rnd.randint(1, 60)), "priority": str(rnd.randint(1, 2))}
            if rnd.random() < .5:
                data["expires"] = at(min(second + rnd.randrange(3600, 8 * 86400, 3600), 27 * 86400))
            if rnd.random() < .2:
                data["scope"] = {"products": [rnd.choice("PQ")]}
            if rnd.random() < .2:
                data["recurrence"] = {"every": rnd.choice(["P1D", "P3D"])}
            grants.append(id)
            events.append(lib.event("grant", id, "a", at(second), **data))
        elif kind == "u":
            usages.append((id, second))
            events.append(lib.event("usage", id, "a", at(second), product=rnd.choice("PQ"), user=rnd.choice("xy"), currency="c",
                                    amount=str(rnd.randint(0, 30))))
        elif kind == "s":
            events.append(lib.event("usage", id, "a", at(second), product=rnd.choice(["ACD", "RVT"]), user=rnd.choice("xy"),
                                    end=at(second + rnd.randrange(0, 40 * 3600, 1800))))
        elif kind == "h":
            holds.append((id, second))
            events.append(lib.event("hold", id, "a", at(second), currency="c", amount=str(rnd.randint(1, 9)),
                                    **({"expires": at(second + 86400)} if rnd.random() < .5 else {})))
        elif kind in "cx" and holds:
            hold, begun = rnd.choice(holds)
            events.append(lib.event("capture" if kind == "c" else "release", id, "a", at(begun + rnd.randrange(1, 2 * 86400)), hold=hold))
        elif kind == "r" and usages:
            of, done = rnd.choice(usages)
            events.append(lib.event("reversal", id, "a", at(done + rnd.randrange(0, 3 * 86400, 600)), of={"source": "test", "id": of}))
        elif kind == "v" and grants:
            events.append(lib.event("void", id, "a", at(second), grant=rnd.choice(grants)))
        elif kind == "z":
            events.append(lib.event("reset", id, "a", at(second), currency="c", preserve_overage=rnd.choice(["true", "false"])))
    return events


def picture(b):
    grants = b.ask("balance", "a", "--by", "grant", "--as-of", "2022-03-01", ok=(0, 2)) if True else []
    grants = [g for g in grants if any(g[k] not in ("0", "0.00", None) for k in ("issued", "available", "held", "used", "expired", "voided"))]
    usage = [u for u in b.ask("usage", "--by", "product,month,class,currency") if u["amount"] not in ("0", "0.00")]
    raw = [u for u in b.ask("usage", "--by", "product,user,day,class,currency") if u["amount"] not in ("0", "0.00")]
    past = [b.ask("balance", "a", "--as-of", at(d * 86400 + 1800), ok=(0, 2)) for d in (3, 9, 15)]
    return json.dumps([grants, usage, raw, past], indent=0)


def run(events, **options):
    b = books(**options)
    try:
        if not events:
            return None
        b.events(events)
        b.run("verify")
        return picture(b)
    finally:
        b.done()


def differs(events, order, **options):
    """The order in which the feed came must not matter."""
    inside = sorted(events, key=lambda e: (e["time"]))
    return run(inside, **options) != run([e for i in order for e in events if e["id"] == i], **options)


def shrink(events, order, **options):
    for e in list(events):
        fewer = [x for x in events if x is not e]
        try:
            if fewer and differs(fewer, order, **options):
                return shrink(fewer, order, **options)
        except AssertionError:
            return shrink(fewer, order, **options)
    return events


seed = int(os.environ.get("SEED", "5"))
rnd = random.Random(seed)
count = int(os.environ.get("HISTORIES", "25"))
for n in range(count):
    events = history(rnd)
    order = [e["id"] for e in events]
    rnd.shuffle(order)
    options = {"overdraft": "debt", "refund": rnd.choice(["0s", "2d"])}
    if n % 3 == 2:
        options.update(late="post", lag="400d")
    wrong = None
    try:
        wrong = differs(events, order, **options) and "another picture"
    except AssertionError as fault:
        wrong = str(fault)
    if wrong:
        small = events if os.environ.get("WHOLE") else shrink(events, order, **options)
        print(f"SEED={seed}, history {n}, {options}: {wrong}\nin order:")
        for e in sorted(small, key=lambda e: e["time"]):
            print(json.dumps(e))
        print("came as:", [i for i in order if i in {e["id"] for e in small}])
        raise SystemExit(1)

# What was answered to a caller stays, though a late event takes what it was paid from.
b = books(overdraft="no")
b.run("grant", "a", "c", "10", "--id", "g", "--time", "2022-01-01")
b.run("charge", "a", "P", "--amount", "10", "--currency", "c", "--id", "told", "--time", "2022-01-05")
b.run("charge", "a", "P", "--amount", "4", "--currency", "c", "--id", "late", "--time", "2022-01-03")
rows = {e["id"]: e["outcome"] for e in b.ask("events", "a")}
lib.equal((rows["told"], rows["late"]), ("charged", "charged"), "accepted stays accepted")
row = b.ask("balance", "a", "--as-of", "2022-02-01")[0]
lib.equal((row["available"], row["used"], row["debt"]), ("0.00", "14.00", "4.00"), "a shortage becomes debt")
b.run("verify")
b.done()

# Beyond the lag an event is judged by its own date, against what is left of the grants that lived then.
b = books(late="post", lag="30m", overdraft="no")
b.events([lib.event("grant", "g1", "a", "2022-01-01T00:00:00Z", currency="c", amount="10", expires="2022-01-10T00:00:00Z"),
          lib.event("grant", "g2", "a", "2022-01-11T00:00:00Z", currency="c", amount="50"),
          lib.event("usage", "u1", "a", "2022-01-12T00:00:00Z", product="P", currency="c", amount="20")])
b.events([lib.event("usage", "u2", "a", "2022-01-05T00:00:00Z", product="P", currency="c", amount="8"),
          lib.event("usage", "u3", "a", "2022-01-06T00:00:00Z", product="P", currency="c", amount="3")])
rows = {e["id"]: e["outcome"] for e in b.ask("events", "a")}
lib.equal((rows["u2"], rows["u3"]), ("charged", "refused"), "judged by their own dates")
used = {g["grant"]: g["used"] for g in b.ask("balance", "a", "--by", "grant", "--as-of", "2022-02-01")}
lib.equal(used, {"g1": "8.00", "g2": "20.00"}, "who paid")
# Within the lag it is as if it had come in order.
b.events([lib.event("usage", "u4", "a", "2022-01-11T23:45:00Z", product="P", currency="c", amount="40")])
row = b.ask("balance", "a", "--as-of", "2022-02-01")[0]
lib.equal((row["used"], row["debt"]), ("48.00", "0.00"), "in order: 40 first, then 20 find too little")
b.run("verify")
b.done()

# A reset that is judged by its own date takes nothing of a grant that had not begun then.
b = books(late="post", reset="lose")
b.events([lib.event("grant", "g1", "a", "2022-01-01T00:00:00Z", currency="c", amount="10"),
          lib.event("grant", "g2", "a", "2022-01-18T00:00:00Z", currency="c", amount="50"),
          lib.event("reset", "r", "a", "2022-01-05T00:00:00Z", currency="c")])
left = {g["grant"]: (g["available"], g["expired"]) for g in b.ask("balance", "a", "--by", "grant", "--as-of", "2022-02-01")}
lib.equal(left["g2"], ("50.00", "0.00"), "a grant that came after the reset")
b.run("verify")
b.done()
print(f"seed {seed}, {count} histories")
