"""many_grants.py - an account of many grants: its checkpoints hold what changed, however many runs made them, and give any instant."""
import random
import sqlite3
import time

import lib

CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
late = {late}
[service/metered meter]
currency = c
[source/events events]
files = none-*.jsonl
"""


def at(second):
    return f"2022-01-{second // 86400 + 1:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def grant(n, second, amount, **data):
    return lib.event("grant", f"g{n:05}", "a", at(second), currency="c", amount=str(amount), **data)


def usage(n, second, amount):
    return lib.event("usage", f"u{n:05}", "a", at(second), product="p", currency="c", amount=str(amount))


def rows(b, sql):
    db = sqlite3.connect(b.folder + "/books.db")
    found = db.execute(sql).fetchall()
    db.close()
    return found


def picture(b, instant, *flags):
    return b.run("balance", "a", "--by", "grant", "--as-of", instant, *flags, "--format", "csv", ok=(0, 2)).stdout


def known():
    time.sleep(0.002)
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"


# Grants that nothing happens to cost checkpoints no more than being written once: the same usage, paid by the same grant.
sizes = []
for count in (50, 4000):
    b = lib.Books(CONFIG.format(late="post"))
    b.events([grant(n, n, 9000, expires=at(20 * 86400 + n)) for n in range(count)])
    b.events([usage(n, 86400 + n, 1) for n in range(8192)])
    sizes.append(rows(b, f"select sum(length(state)) from checkpoint_rows where key & 0xffffffff >= {count + 2048}")[0][0])
    b.done()
assert sizes[1] <= 3 * sizes[0] + 4000 * 12, f"bytes of checkpoints behind 50 and behind 4000 grants: {sizes}"

# One run or many, the same checkpoints; any instant is what a store says that took in only so much.
rnd = random.Random(7)
events = []
for n in range(7000):
    second = 60 + n * 200
    if n % 5 == 0:
        ends = {"expires": at(min(second + rnd.randrange(3600, 6 * 86400), 19 * 86400))} if n % 2 else {}
        events.append(grant(n, second, rnd.randint(1, 30), **ends))
    else:
        events.append(usage(n, second, rnd.randint(0, 7)))
whole, parts = lib.Books(CONFIG.format(late="post")), lib.Books(CONFIG.format(late="post"))
whole.events(events)
cuts, shots = sorted(rnd.sample(range(1, len(events)), 9)), []
for first, end in zip([0] + cuts, cuts + [len(events)]):
    parts.events(events[first:end])
    instants = [at(rnd.randrange(0, 19 * 86400)) for _ in range(2)] + [events[end - 1]["time"], "2022-03-01"]
    shots.append((known(), [(instant, picture(parts, instant)) for instant in instants]))
sql = "select key, entries, latest, head, state from checkpoint_rows order by key"
lib.equal(rows(whole, sql) == rows(parts, sql), True, "checkpoints of one run and of many")
for _ in range(5):
    instant = at(rnd.randrange(86400, 17 * 86400))
    less = lib.Books(CONFIG.format(late="post"))
    less.events([e for e in events if e["time"] <= instant])
    for b in (whole, parts):
        lib.equal(picture(b, instant), picture(less, instant), f"as of {instant}")
    less.done()
for b in (whole, parts):
    b.run("verify")
# A few that come late, and some that are voided, given back, taken away: what was known before is as it was.
parts.events([usage(90000 + n, rnd.randrange(0, 16 * 86400), 3) for n in range(40)])
shots.append((known(), [(instant, picture(parts, instant)) for instant in (at(9 * 86400), at(17 * 86400))]))
parts.events([lib.event("void", f"v{n}", "a", at(17 * 86400), grant=f"g{n:05}") for n in range(0, 7000, 50)] +
             [lib.event("reversal", f"r{n}", "a", at(17 * 86400), of={"source": "test", "id": f"u{n:05}"}) for n in range(1, 7000, 97)] +
             [lib.event("adjustment", f"a{n}", "a", at(17 * 86400 + n), currency="c", amount="-1", reason="r") for n in range(9)])
for then, pictures in shots:
    for instant, wanted in pictures:
        lib.equal(picture(parts, instant, "--known-at", then), wanted, f"as of {instant}, known at {then}")
parts.run("verify")
parts.done()

# What is wrong in a checkpoint is found, and never read as if it were right.
db = sqlite3.connect(whole.folder + "/books.db")
key, state = db.execute("select key, state from checkpoint_rows order by key limit 1 offset 3").fetchone()
with db:
    db.execute("update checkpoint_rows set state = ? where key = ?", (state[:-3], key))
db.close()
assert "checkpoint" in whole.run("verify", ok=(1,)).stdout
second = 60 + 200 * 4200
found = whole.run("balance", "a", "--as-of", at(second), ok=(3,))
assert "run verify" in found.stderr, found.stderr
whole.done()

# Late events that are put in their places change the past: checkpoints follow.
b = lib.Books(CONFIG.format(late="replay"))
some = events[:2300]
late = [some.pop(rnd.randrange(len(some))) for _ in range(5)]
b.events(some)
b.events(late)
b.events(events[2300:3200])
b.run("verify")
b.done()
print("checkpoints of many grants")
