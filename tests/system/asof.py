"""asof.py - balances and usage at any instant: before, as of, and as known at a time; the same as a store that holds only so much."""
import os
import random
import time

import lib

CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
overdraft = debt
late = {late}
[service/metered meter]
currency = c
[source/events events]
files = none-*.jsonl
"""


def books(late):
    return lib.Books(CONFIG.format(late=late))


def at(second):
    return f"2022-01-{second // 86400 + 1:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def history(rnd, count):
    events = []
    for n in range(count):
        second, id = rnd.randrange(0, 25 * 86400, 7), f"e{n:05}"
        kind = rnd.random()
        if kind < .15:
            events.append(lib.event("grant", id, "a", at(second), currency="c", amount=str(rnd.randint(1, 40)),
                                    **({"expires": at(min(second + rnd.randrange(1, 9 * 86400), 27 * 86400))} if rnd.random() < .6 else {})))
        elif kind < .2:
            events.append(lib.event("hold", id, "a", at(second), currency="c", amount=str(rnd.randint(1, 9)),
                                    **({"expires": at(second + 86400)} if rnd.random() < .5 else {})))
        elif kind < .25 and events:
            events.append(lib.event("reversal", id, "a", at(second), of={"source": "test", "id": rnd.choice(events)["id"]}))
        else:
            events.append(lib.event("usage", id, "a", at(second), product=rnd.choice("PQ"), currency="c", amount=str(rnd.randint(0, 6))))
    return events


def picture(b, *flags):
    return [b.run("balance", "a", "--by", "grant", *flags, "--format", "csv", ok=(0, 2)).stdout,
            b.run("balance", "a", *flags, "--format", "csv", ok=(0, 2)).stdout]


rnd = random.Random(int(os.environ.get("SEED", "3")))
# As of an instant of a long history, over checkpoints: the same as a store that took in only what came before.
whole = books("post")
events = sorted(history(rnd, 2600), key=lambda e: e["time"])
whole.events(events)
for _ in range(6):
    instant = at(rnd.randrange(86400, 25 * 86400))
    part = books("post")
    part.events([e for e in events if e["time"] <= instant])
    lib.equal(picture(whole, "--as-of", instant), picture(part, "--as-of", instant), f"as of {instant}")
    before = books("post")
    before.events([e for e in events if e["time"] < instant])
    lib.equal(picture(whole, "--before", instant), picture(before, "--before", instant), f"before {instant}")
    lib.equal([u for u in whole.ask("usage", "--by", "product,class", "--as-of", instant) if u["amount"] != "0.00"],
              [u for u in part.ask("usage", "--by", "product,class") if u["amount"] != "0.00"], f"usage as of {instant}")
    part.done()
    before.done()
whole.run("verify")
whole.done()

# As known at a time: what came later, late or not, is not there yet; and a store that has no more says the same.
for late in ("post", "replay"):
    events = history(rnd, 60)
    rnd.shuffle(events)
    b, shots = books(late), []
    for n in range(0, 60, 20):
        b.events(events[n:n + 20])
        time.sleep(0.002)
        now = time.time()
        known = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"
        instants = [at(rnd.randrange(0, 27 * 86400)) for _ in range(3)] + ["2022-02-20"]
        usage = b.run("usage", "--by", "product,class,day", "--format", "csv").stdout
        shots.append((known, [(i, picture(b, "--as-of", i)) for i in instants], usage))
    for known, pictures, usage in shots:
        for instant, wanted in pictures:
            lib.equal(picture(b, "--as-of", instant, "--known-at", known), wanted, f"late {late}, as of {instant}, known at {known}")
        zero = [line for line in usage.splitlines() if not line.endswith(",0.00")]
        found = b.run("usage", "--by", "product,class,day", "--known-at", known, "--format", "csv").stdout
        lib.equal([line for line in found.splitlines() if not line.endswith(",0.00")], zero, f"usage known at {known}")
    b.run("verify")
    b.done()
print("as of, before, known at")
