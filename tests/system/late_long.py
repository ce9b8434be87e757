"""late_long.py - a long feed of which much comes some minutes late, as usage does: the same as in order, however many runs it
came in; and what was known at a time stays known. Late events reverse, capture and prolong what lies far behind them."""
import os
import random
import time

import lib

CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
draw_order = class(free purchased), expires, created
overdraft = debt
{late}
[currency/prepaid flex]
overdraft = debt
{late}
[service/daily desktop]
sheet = daily.csv
currencies = flex
[service/metered meter]
currency = c
[source/events events]
files = none-*.jsonl
"""
MINUTE, DAY = 60, 86400


def at(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1640995200 + second))


def make(rnd, count):
    """Events in their order; an event about another comes a while or long after it."""
    events, charges, holds, second = [], [], [], 0
    for n in range(count):
        second += rnd.choice([1, 20, 90, 300])
        kind, id = rnd.choice(["usage"] * 6 + ["session"] * 3 + ["hold", "capture", "reversal", "reversal", "grant"]), f"e{n:05}"
        if kind == "grant":
            events.append((second, lib.event("grant", id, "a", at(second), currency=rnd.choice(["c", "c", "flex"]),
                                             amount=str(rnd.randint(20, 300)), expires=at(second + rnd.randint(1, 3) * DAY),
                                             **{"class": rnd.choice(["free", "purchased"])})))
        elif kind == "hold":
            holds.append(id)
            events.append((second, lib.event("hold", id, "a", at(second), hold=id, currency="c", amount="3",
                                             expires=at(second + rnd.choice([600, 7200, DAY])))))
        elif kind == "capture" and holds:
            events.append((second, lib.event("capture", id, "a", at(second), hold=rnd.choice(holds[-4:]))))
            charges.append(id)
        elif kind == "reversal" and charges:
            of = rnd.choice(charges[-8:] if rnd.random() < .6 else charges)
            events.append((second, lib.event("reversal", id, "a", at(second), of={"source": "test", "id": of})))
        elif kind == "session":
            events.append((second, lib.event("usage", id, "a", at(second), product="ACD", user=rnd.choice("xyz"),
                                             end=at(second + rnd.choice([600, 3600, 30 * 3600])))))
            charges.append(id)
        else:
            events.append((second, lib.event("usage", id, "a", at(second), product="P", currency="c", user=rnd.choice("xyz"),
                                             amount=f"{rnd.randint(1, 9)}.{rnd.randint(0, 99):02}")))
            charges.append(id)
    return events


def picture(b, *more):
    grants = b.ask("balance", "--by", "grant", *more)
    return sorted((g["grant"], g["available"], g["held"], g["used"], g["expired"]) for g in grants)


def usage(b):
    rows = b.ask("usage", "--by", "day,product,user,class,currency")
    return sorted(tuple(str(v) for v in row.values()) for row in rows if row["amount"].strip("0.") or row["charges"] != "0")


def run(events, cuts, late, half, stops=()):
    """What is in the books after the runs; what was there after some of them, and when that was known."""
    b, known = lib.Books(CONFIG.format(late=late)), []
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,flex\n")
    for n, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(events)])):
        b.events([e for _, e in events[start:end]])
        if n in stops:
            time.sleep(0.01)
            now = time.time()
            when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"
            time.sleep(0.01)
            instants = ["2021-12-31T00:00:00Z", events[end // 2][1]["time"], events[end - 1][1]["time"], "2022-06-01T00:00:00Z"]
            known.append((when, [(i, picture(b, "--as-of", i)) for i in instants]))
    for when, pictures in known:
        for instant, wanted in pictures:
            found = picture(b, "--as-of", instant, "--known-at", when)
            differ = [row for row in found if row not in wanted], [row for row in wanted if row not in found]
            assert found == wanted, (late, f"as of {instant}, known at {when}", b.folder, *differ)
    b.run("verify")
    return b, (picture(b, "--as-of", "2022-06-01T00:00:00Z"), picture(b, "--as-of", half), usage(b))


seed, count = int(os.environ.get("SEED", "7")), int(os.environ.get("EVENTS", "3500"))
for late in ("late = post\nsettle_lag = 30m", "late = replay"):
    rnd = random.Random(f"{seed}/{late}")
    events = make(rnd, count)
    # A fifth comes late, by less than the lag.
    arriving = sorted(events, key=lambda e: e[0] + (rnd.randint(1, 29) * MINUTE if rnd.random() < .2 else 0))
    half = events[count // 2][1]["time"]
    b, wanted = run(events, [], late, half)
    b.done()
    cuts = sorted(rnd.sample(range(1, count), 5))
    for some, stops in (([], ()), (cuts, range(len(cuts)))):
        b, found = run(arriving, some, late, half, stops)
        for what, one, other in zip(("balances", "balances half way", "usage"), found, wanted):
            differ = [row for row in one if row not in other], [row for row in other if row not in one]
            assert one == other, (late, len(some) + 1, "runs", what, differ[0][:5], differ[1][:5])
        b.done()
print(f"seed {seed}, {count} events")
