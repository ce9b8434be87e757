"""alerts.py - alerts as configuration: each told once a crossing, with its own instant, however often and when deliveries run."""
import itertools
import os
import random

import lib
from lib import equal, event

import hooks

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
settle_lag = 1d
late = post
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
[report/hook shop]
url = %s
%s
"""
RULES = """alert.low = balance credits below 50
alert.fifth = balance credits below 20%
alert.soon = expiring credits within 7d
alert.burn = burn credits above 30 per 24h
alert.stuck = hold credits longer 2h
"""


def books(rules=RULES, more="events = refused"):
    receiver = hooks.Receiver()
    b = lib.Books(CONFIG % (receiver.url, rules + more))
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1,1,credits\n")
    b.run("init")
    return b, receiver


def use(id, time, quantity, account="a", **data):
    return event("usage", id, account, time, product="RENDER", quantity=str(quantity), **data)


def grant(id, time, amount, account="a", **data):
    return event("grant", id, account, time, currency="credits", amount=str(amount), **data)


def told(receiver):
    """(alert, time, what it says), in the order in which they came."""
    return [(e["data"]["alert"], e["time"], e["data"].get("available") or e["data"].get("left") or e["data"].get("used") or
             e["data"].get("held")) for e in receiver.alerts()]


STORY = [
    grant("g1", "2022-01-01T00:00:00Z", 100, expires="2022-02-01T00:00:00Z"),
    use("u1", "2022-01-02T00:00:00Z", 30),
    use("u2", "2022-01-02T12:00:00Z", 10),   # 40 in 24 hours
    use("u3", "2022-01-03T11:00:00Z", 25),   # 35 in 24 hours, and again: the first 30 are older; 35 left
    grant("g2", "2022-01-05T00:00:00Z", 40),  # 75
    event("hold", "h1", "a", "2022-01-06T00:00:00Z", currency="credits", amount="20"),
    event("hold", "h2", "a", "2022-01-06T00:10:00Z", currency="credits", amount="1"),
    event("release", "r2", "a", "2022-01-06T01:00:00Z", hold="h2"),
    use("u4", "2022-01-06T08:00:00Z", 6),    # 49
    use("u5", "2022-01-06T09:00:00Z", 200),  # refused
    event("release", "r1", "a", "2022-01-07T00:00:00Z", hold="h1"),  # 69
    use("u6", "2022-02-02T00:00:00Z", 1),    # g1 went with what was left of it
]
WANTED = [
    ("burn", "2022-01-02T12:00:00Z", "40.00"),
    ("burn", "2022-01-03T11:00:00Z", "35.00"),
    ("low", "2022-01-03T11:00:00Z", "35.00"),
    ("stuck", "2022-01-06T02:00:00Z", "20.00"),
    ("low", "2022-01-06T08:00:00Z", "49.00"),
    ("soon", "2022-01-25T00:00:00Z", "29.00"),
    ("low", "2022-02-01T00:00:00Z", "40.00"),
]

# All at once; event by event; and with time passing between events, in steps that fit no event.
b, receiver = books()
b.events(STORY)
b.run("deliver", "--as-of", "2022-02-02")
equal(told(receiver), WANTED, "told at once")
equal(receiver.ids("scrip.refused"), ["a/10"], "the events beside them")
ids = [e["id"] for e in receiver.alerts()]
equal(len(ids), len(set(ids)), "ids")
b.run("deliver")
b.run("deliver", "--as-of", "2022-01-06T03:00:00Z")
equal(told(receiver), WANTED, "told again")
b.done()
for steps in ([], ["2022-01-06T02:30:00Z", "2022-01-25T00:00:00Z", "2022-01-31T23:59:59Z", "2022-02-01T00:00:00Z"],
              [f"2022-01-{d:02}T{h:02}:30:00Z" for d in (3, 6, 25, 31) for h in (0, 9, 11, 13)]):
    b, receiver = books()
    for e in STORY:
        while steps and steps[0] < e["time"]:
            b.run("deliver", "--as-of", steps.pop(0))
        b.events([e])
        b.run("deliver", "--as-of", e["time"])
    equal(told(receiver), WANTED, "told as it happened")
    equal(sorted(e["id"] for e in receiver.alerts()), sorted(ids), "with the same ids")
    b.done()

# What time alone brings is told at its time, and not before.
b, receiver = books()
b.events(STORY[:-1])
for when, count in (("2022-01-24T23:59:59Z", 5), ("2022-01-25T00:00:00Z", 6), ("2022-01-31T23:59:59Z", 6), ("2022-02-01T00:00:00Z", 7),
                    ("2022-03-01T00:00:00Z", 7)):
    b.run("deliver", "--as-of", when)
    equal(told(receiver), WANTED[:count], when)
b.events(STORY[-1:])
b.run("deliver")
equal(told(receiver), WANTED, "after the event that wrote it down")
b.done()

# A part of what living grants were given; a grant that is born inside its last week; one that is used up first.
b, receiver = books("alert.fifth = balance credits below 20%\nalert.soon = expiring credits within 7d\n")
b.events([grant("g1", "2022-01-01T00:00:00Z", 50), use("u1", "2022-01-02T00:00:00Z", 40), use("u2", "2022-01-02T00:00:01Z", "0.01"),
          grant("g2", "2022-01-10T00:00:00Z", 5, expires="2022-01-12T00:00:00Z"),
          grant("g3", "2022-01-10T00:00:00Z", 1, expires="2022-02-01T00:00:00Z"),
          grant("g4", "2022-01-10T12:00:00Z", 1, expires="2022-01-17T12:00:00Z"), use("u3", "2022-01-11T00:00:00Z", "16.99")])
b.run("deliver", "--as-of", "2022-03-01")
equal(told(receiver), [("fifth", "2022-01-02T00:00:01Z", "9.99"), ("soon", "2022-01-10T00:00:00Z", "5.00"),
                       ("soon", "2022-01-10T12:00:00Z", "1.00"), ("fifth", "2022-01-11T00:00:00Z", "0.00")], "parts, and grants")
b.done()

# A feed that lags: a hold that comes later than an alert of a later instant is told of, too, and nothing twice.
b, receiver = books("alert.stuck = hold credits longer 1h\n")
b.events([grant("g1", "2022-01-01T00:00:00Z", 50), event("hold", "h1", "a", "2022-01-01T10:00:00Z", currency="credits", amount="1")])
b.run("deliver", "--as-of", "2022-01-01T11:00:00Z")
b.events([event("hold", "h2", "a", "2022-01-01T10:00:01Z", currency="credits", amount="2"),
          event("hold", "h3", "a", "2022-01-01T09:30:00Z", currency="credits", amount="3")])
b.run("deliver", "--as-of", "2022-01-01T11:00:00Z")
b.run("deliver", "--as-of", "2022-01-01T13:00:00Z")
b.run("deliver", "--as-of", "2022-01-01T14:00:00Z")
equal([(e["data"]["hold"], e["time"]) for e in receiver.alerts()],
      [("h1", "2022-01-01T11:00:00Z"), ("h3", "2022-01-01T10:30:00Z"), ("h2", "2022-01-01T11:00:01Z")], "holds")
b.done()

# Nothing before `since`; other accounts not for a section of one account.
b, receiver = books("alert.low = balance credits below 50\n", "events = all\nsince = 2022-01-06\naccount = a\n")
b.events(STORY + [grant("g9", "2022-01-07T00:00:00Z", 1, "b")])
b.run("deliver", "--as-of", "2022-03-01")
equal(told(receiver), [w for w in WANTED if w[0] == "low" and w[1] >= "2022-01-06"], "since")
equal(receiver.ids()[0], "a/6", "since")
assert all(e["subject"] == "a" for e in receiver.taken)
b.done()


# ---- random histories: deliveries at any time and any failure tell what one delivery at the end tells ------------------

def random_story(rng, late=0.0):
    at, holds, made = 0, [], []
    for n in range(rng.randint(150, 200)):
        at += rng.choice((60, 600, 3600, 20000, 90000))
        time = stamp(at - rng.randint(1, min(at, 2 * 86400)) if n and rng.random() < late else at)
        what = rng.random()
        if what < 0.2 or n == 0:
            ends = {"expires": stamp(at + rng.randint(1, 20) * 86400)} if rng.random() < 0.7 else {}
            made.append(grant(f"g{n}", time, rng.randint(1, 90), **ends))
        elif what < 0.75:
            made.append(use(f"u{n}", time, rng.randint(1, 20)))
        elif what < 0.9 or not holds:
            ends = {"expires": stamp(at + rng.randint(1, 5) * 3600)} if rng.random() < 0.5 else {}
            made.append(event("hold", f"h{n}", "a", time, currency="credits", amount=str(rng.randint(1, 9)), **ends))
            holds.append(f"h{n}")
        else:
            made.append(event("release", f"r{n}", "a", time, hold=holds.pop(rng.randrange(len(holds)))))
    return made, at


def stamp(seconds):
    days, rest = divmod(seconds, 86400)
    return f"2022-{1 + days // 28:02}-{1 + days % 28:02}T{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}Z"


def same(found, wanted, what):
    """Of long lists, where they part."""
    for n, pair in enumerate(itertools.zip_longest(found, wanted)):
        if pair[0] != pair[1]:
            raise AssertionError(f"{what}: at {n}: found {found[max(0, n - 2):n + 3]}, wanted {wanted[max(0, n - 2):n + 3]}")


total = 0
for seed in range(int(os.environ.get("STORIES", 2))):
    rng = random.Random(seed)
    story, end = random_story(rng)
    b, receiver = books(more="events = all\nfirst_wait = 0s")
    b.events(story)
    b.run("deliver", "--as-of", stamp(end))
    whole = receiver.taken
    b.done()
    b, receiver = books(more="events = all\nfirst_wait = 0s")
    receiver.answer = lambda e, nth: 500 if nth == 1 and rng.random() < 0.1 else 200
    at = 0
    while at < len(story):
        part = story[at:at + rng.randint(1, 12)]
        at += len(part)
        b.events(part)
        b.run("deliver", "--as-of", rng.choice((part[-1]["time"], story[min(at, len(story) - 1)]["time"])), ok=(0, 1))
    for _ in range(100):
        if b.run("deliver", "--as-of", stamp(end), ok=(0, 1)).returncode == 0:
            break
    alerts = [e["id"] for e in receiver.alerts()]
    same(sorted(alerts), sorted(e["id"] for e in whole if e["type"] == "scrip.alert"), f"alerts of story {seed}")
    first = dict.fromkeys(e["id"] for e in receiver.taken)
    same(list(first), [e["id"] for e in whole], f"order of story {seed}")
    same([e for e in {e["id"]: e for e in receiver.taken}.values()], whole, f"bodies of story {seed}")
    b.run("verify")
    b.done()
    total += len(alerts)

# With late events among them, put in their places or posted: every event in order, no alert twice, whatever came in between.
for seed in range(int(os.environ.get("STORIES", 2))):
    rng = random.Random(1000 + seed)
    story, end = random_story(rng, 0.15)
    b, receiver = books(more="events = all\nfirst_wait = 0s")
    receiver.answer = lambda e, nth: 500 if nth == 1 and rng.random() < 0.05 else 200
    at = 0
    while at < len(story):
        part = story[at:at + rng.randint(1, 20)]
        at += len(part)
        b.events(part)
        b.run("deliver", "--as-of", part[-1]["time"], ok=(0, 1))
    for _ in range(100):
        if b.run("deliver", "--as-of", stamp(end), ok=(0, 1)).returncode == 0:
            break
    ids = receiver.ids()
    same(ids, list(dict.fromkeys(ids)), f"told once, of late story {seed}")
    same([i for i in ids if "alert" not in i], [f"a/{n + 1}" for n in range(len(story))], f"events of late story {seed}")
    b.run("verify")
    b.done()
    total += len(receiver.alerts())
print(f"{total} alerts of random histories")
