"""used.py - usage of any range, as known at any time, by any rollup's dimensions: the same as from all events applied again.

What it is compared with is usage by an attribute, which no rollup and no checkpoint has: it comes from a replay of the
whole history. Histories have holds, captures, reversals, debts, recurrences, items, limits, free usage, a closed period
and events that come late; they come in many runs, so that blocks of events are cut anywhere."""
import os
import random
import time

import lib

CONFIG = """[scrip]
dimensions = job
[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
overdraft = debt
draw_order = class(free purchased), expires, created
late = {late}
{more}
[service/metered meter]
currency = c
[service/ratesheet sheet]
sheet = rates.csv
currencies = c
[source/events events]
files = none-*.jsonl
"""
RATES = "product,rate,per,currency\nR,1.5,1,c\nS,0.01,1,c\nZ,0,1,c\n"
KEYS = ("product", "user", "service", "class", "product,user", "user,service", "class,product,service", "day", "month,product",
        "user,day", "month,user,class")


def at(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1640995200 + second))


def history(rnd, count, days, lates):
    events, holds, second = [], [], 0
    for n in range(count):
        second = min(second + rnd.randrange(0, 2 * days * 86400 // count), days * 86400)
        when = at(max(0, second - rnd.randrange(9 * 86400)) if rnd.random() < lates else second)
        id, kind, job = f"e{n:05}", rnd.random(), {"attributes": {"job": f"J{rnd.randrange(3)}"}}
        user = {"user": f"u{rnd.randrange(4)}"} if rnd.random() < .8 else {}
        if kind < .1:
            expires = {"expires": at(second + rnd.randrange(1, 9) * 86400)} if rnd.random() < .6 else {}
            events.append(lib.event("grant", id, "a", when, currency="c", amount=str(rnd.randint(1, 40)),
                                    **{"class": rnd.choice(("free", "purchased"))}, **expires))
        elif kind < .12:
            events.append(lib.event("grant", id, "a", when, currency="c", amount="5", **{"class": "free"},
                                    recurrence={"every": rnd.choice(("P1D", "P7D"))}, unit=rnd.choice(("1", "3"))))
        elif kind < .18:
            holds.append(id)
            events.append(lib.event("hold", id, "a", when, product=rnd.choice("RS"), quantity=str(rnd.randint(1, 9)), **user, **job,
                                    **({"expires": at(second + 86400)} if rnd.random() < .5 else {})))
        elif kind < .24 and holds:
            events.append(lib.event(rnd.choice(("capture", "capture", "release")), id, "a", when,
                                    hold=holds.pop(rnd.randrange(len(holds)))))
        elif kind < .29 and events:
            events.append(lib.event("reversal", id, "a", when, of={"source": "test", "id": rnd.choice(events)["id"]},
                                    **({"amount": "1"} if rnd.random() < .5 else {})))
        elif kind < .32:
            events.append(lib.event("usage", id, "a", when, **user, lines=[
                {"product": p, "quantity": str(rnd.randint(0, 5)), "attributes": {"job": rnd.choice(("J1", "J2"))}}
                for p in rnd.choice(("RS", "RZ", "SR", "RRZ"))]))
        elif kind < .35:
            events.append(lib.event("usage", id, "a", when, product="Z", quantity="4", **user, **job))
        elif kind < .7:
            events.append(lib.event("usage", id, "a", when, product=rnd.choice("RS"), quantity=str(rnd.randint(0, 6)), **user, **job,
                                    **({"accept": "available"} if rnd.random() < .1 else {})))
        else:
            events.append(lib.event("usage", id, "a", when, product=rnd.choice("PQ"), currency="c", amount=str(rnd.randint(0, 4)),
                                    **user, **job))
    events.insert(count // 2, lib.event("limit", "l", "a", events[count // 2]["time"], limit="l", currency="c", amount="60", per="day"))
    return events


def sums(rows, keys):
    """What there is of each key, without what came to nothing."""
    found = {}
    for row in rows:
        key = tuple(row[k] for k in keys)
        charges, amount = found.get(key, (0, 0))
        found[key] = charges + int(row["charges"]), amount + round(float(row["amount"]) * 100)
    return {key: sum for key, sum in found.items() if sum != (0, 0)}


def balances(b, *flags):
    return b.run("balance", "a", "--by", "grant", *flags, "--format", "csv").stdout


def compare(b, rnd, flags, what):
    by = rnd.choice(KEYS)
    keys = by.split(",")
    wanted = sums(b.ask("usage", "--by", by + ",job", *flags), keys)
    found = sums(b.ask("usage", "--by", by, *flags), keys)
    lib.equal(found, wanted, f"{what}: usage by {by} {' '.join(flags)}")


def seconds(now):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"


rnd = random.Random(int(os.environ.get("SEED", "7")))
for late, more, count, days, lates in (("post", "", 4300, 60, .02), ("post", "", 2200, 3, 0), ("post", "split = no", 1500, 50, .3),
                                       ("post", "refund_term = P5D", 2500, 20, .01), ("replay", "", 160, 60, .1)):
    b = lib.Books(CONFIG.format(late=late, more=more))
    b.write("rates.csv", RATES)
    events, known, shots = history(rnd, count, days, lates), [], []
    first = 0
    while first < len(events):
        size = rnd.choice((1, 7, 300, 1024, 2000)) if count > 1000 else 40
        b.events(events[first:first + size])
        first += size
        time.sleep(.002)
        known.append(seconds(time.time()))
        if first > 1000 or late == "replay":
            instants = [at(rnd.randrange((days + 20) * 86400)) for _ in range(2)] + [events[min(first, len(events)) - 1]["time"]]
            shots += [(known[-1], instant, balances(b, "--as-of", instant)) for instant in instants]
        if len(known) == 3 and late == "post":
            b.run("close", "2022-01", "--account", "a", "--time", max(e["time"] for e in events[:first]), ok=(0, 1, 2))
    what = f"late {late} {more} {count} events"
    for _ in range(int(os.environ.get("QUESTIONS", "40"))):
        flags, edges = [], sorted(at(rnd.randrange(days * 86400)) for _ in range(2))
        if rnd.random() < .6:
            flags += [rnd.choice(("--as-of", "--before", "--to")), rnd.choice((edges[1], edges[1][:10]))]
        if rnd.random() < .4:
            first = rnd.choice((edges[0], edges[0][:10], edges[0][:8] + "01"))
            flags += ["--from", first] if not flags or first < flags[1] else []
        if rnd.random() < .5:
            flags += ["--known-at", rnd.choice(known)]
        compare(b, rnd, flags, what)
    for when, instant, wanted in shots:
        lib.equal(balances(b, "--as-of", instant, "--known-at", when), wanted, f"{what}: as of {instant}, known at {when}")
    b.run("verify")
    b.done()
# One grant settles so many debts that what is recorded with it is longer than any row of a feed may be.
b = lib.Books(CONFIG.format(late="post", more=""))
b.write("rates.csv", RATES)
b.events([lib.event("usage", f"u{n:05}", "a", at(n * 60), product="a product of a name that is not short", user=f"user-{n % 50}",
                    currency="c", amount="1") for n in range(9000)])
b.events([lib.event("grant", "g", "a", at(9000 * 60), currency="c", amount="10000")])
b.events([lib.event("usage", "last", "a", at(9001 * 60), product="P", currency="c", amount="0")])
lib.equal([(u["class"], u["charges"], u["amount"]) for u in b.ask("usage", "--by", "class", "--to", "2022-01-03T12:00:00Z")],
          [(None, "0", "3600.00"), ("debt", "3600", "0.00")], "usage that was settled")
lib.equal(b.run("balance", "a", "--as-of", "2022-02-01", "--known-at", seconds(time.time()), "--format", "csv").stdout.splitlines()[1],
          "a,c,1000.00,0.00,0.00,9000.00,0.00,0.00,0.00", "settled, as known")
b.run("verify")
b.done()
print("usage of any range, as known at any time")
