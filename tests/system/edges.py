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


# ---- dates

def periods(start, every, until, zone=None, anchor=None, **how):
    """When a grant's periods began, up to an event."""
    b = lib.Books(CONFIG.format(policy=""))
    b.write("rates.csv", RATES)
    events = [made("account", "z", start, zone=zone)] if zone else []
    rules = {"every": every, "mode": "add", **how, **({"anchor": anchor} if anchor else {})}
    b.events([*events, grant("g", start, 1, recurrence=rules), usage("tick", until, 0)])
    lib.equal(b.ask("quarantine", "list"), [], "quarantine")
    db = sqlite3.connect(os.path.join(b.folder, "books.db"))
    found = [time for time, in db.execute("select time from entries order by number")]
    db.close()
    lib.equal(row_at(b, until), str(len(found)), "one each")
    b.run("verify")
    b.done()
    return [t.replace("T00:00:00Z", "") for t in found]


def row_at(b, when):
    return b.ask("balance", "a", "--as-of", when)[0]["available"]


def local_periods(start, days, until, zone):
    """The same wall-clock time every so many days; one that the zone skips is the first after it."""
    zone, utc = zoneinfo.ZoneInfo(zone), datetime.timezone.utc
    first = datetime.datetime.fromisoformat(start.replace("Z", "+00:00"))
    last = datetime.datetime.fromisoformat(until.replace("Z", "+00:00"))
    wall, found = first.astimezone(zone).replace(tzinfo=None), []
    for n in itertools.count():
        at_wall = wall + datetime.timedelta(days=days * n)
        instant = at_wall.replace(tzinfo=zone).astimezone(utc)
        if instant.astimezone(zone).replace(tzinfo=None) != at_wall:  # skipped: the offset changed at this instant
            low, high = instant - datetime.timedelta(days=2), instant + datetime.timedelta(days=2)
            before = low.astimezone(zone).utcoffset()
            while high - low > datetime.timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
            instant = high.replace(microsecond=0)
        if instant > last:
            return [i.strftime("%Y-%m-%dT%H:%M:%SZ") for i in found]
        if instant not in found[-1:]:  # two of a day that the zone skips
            found.append(instant)


def month_ends():
    """The anchor's day is kept: it comes back after a short month."""
    lib.equal(periods("2023-12-31T00:00:00Z", "P1M", "2024-05-31T00:00:00Z"),
              ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"], "the 31st")
    lib.equal(periods("2021-01-30T00:00:00Z", "P1M", "2021-04-01T00:00:00Z"), ["2021-01-30", "2021-02-28", "2021-03-30"], "the 30th")
    lib.equal(periods("2021-01-15T00:00:00Z", "P1M", "2021-05-01T00:00:00Z", anchor="2019-08-31T00:00:00Z"),
              ["2021-01-15", "2021-01-31", "2021-02-28", "2021-03-31", "2021-04-30"], "another anchor")
    lib.equal(periods("2016-02-29T00:00:00Z", "P1Y", "2025-01-01T00:00:00Z"),
              [f"{y}-02-{29 if y % 4 == 0 else 28}" for y in range(2016, 2025)], "a leap day, yearly")
    lib.equal(periods("1904-02-29T00:00:00Z", "P4Y", "1921-01-01T00:00:00Z"),
              ["1904-02-29", "1908-02-29", "1912-02-29", "1916-02-29", "1920-02-29"], "a leap day, every fourth year")
    lib.equal(periods("2024-02-29T00:00:00Z", "P1M", "2025-03-30T00:00:00Z")[-3:], ["2025-01-29", "2025-02-28", "2025-03-29"],
              "a leap day, monthly")
    lib.equal(periods("2021-11-30T00:00:00Z", "P3M", "2022-12-01T00:00:00Z"),
              ["2021-11-30", "2022-02-28", "2022-05-30", "2022-08-30", "2022-11-30"], "quarters")


def daylight_saving():
    for zone, start, days in (("Europe/Berlin", "2022-03-20T01:30:00Z", 60), ("Europe/Berlin", "2022-10-20T00:30:00Z", 60),
                              ("America/New_York", "2022-03-05T07:30:00Z", 60), ("Australia/Lord_Howe", "2022-03-28T15:45:00Z", 30),
                              ("Australia/Lord_Howe", "2022-09-28T15:45:00Z", 30), ("Asia/Kathmandu", "2022-01-01T18:15:00Z", 30),
                              ("America/St_Johns", "2022-03-05T05:40:00Z", 30), ("Pacific/Chatham", "2022-09-20T14:10:00Z", 30),
                              ("Pacific/Apia", "2011-12-20T22:00:00Z", 300), ("Pacific/Apia", "2011-12-29T09:00:00Z", 300)):
        until = (datetime.datetime.fromisoformat(start[:-1]) + datetime.timedelta(days=days)).isoformat() + "Z"
        for every in (1, 7):
            found = [t if "T" in t else t + "T00:00:00Z" for t in periods(start, f"P{every}D", until, zone)]
            wanted = local_periods(start, every, until, zone)
            lib.equal(sorted(set(found) ^ set(wanted)), [], f"{zone} every {every} days from {start}")
        hours = periods(start, "PT24H", until, zone)
        lib.equal(len(hours), days + 1, f"{zone}: 24 hours are 24 hours")
    lib.equal(periods("2022-10-28T10:00:00Z", "P1D", "2022-11-01T00:00:00Z", "Europe/Berlin", **{"from": "calendar"})[1:],
              ["2022-10-28T22:00:00Z", "2022-10-29T22:00:00Z", "2022-10-30T23:00:00Z", "2022-10-31T23:00:00Z"], "calendar days")
    lib.equal(periods("2022-02-10T10:00:00Z", "P1M", "2022-06-01T00:00:00Z", "Asia/Kathmandu", **{"from": "calendar"})[1:],
              [f"2022-0{m}-{d}T18:15:00Z" for m, d in ((2, 28), (3, 31), (4, 30), (5, 31))], "calendar months")


def decades():
    """A daily period for eighty years, across every change of its zone; one that began with the years that are known."""
    start, until = "1946-03-31T22:30:00Z", "2024-06-01T00:00:00Z"
    lib.equal(periods(start, "P30D", until, "Europe/Berlin"), [t.replace("T00:00:00Z", "") for t in
                                                               local_periods(start, 30, until, "Europe/Berlin")], "eighty years")
    # Periods are found from the anchor, however far it is.
    anchor = "1950-04-25T06:30:00Z"
    wanted = [t for t in local_periods(anchor, 1, "2022-03-20T00:00:00Z", "America/New_York") if t > "2022-03-01T00:00:00Z"]
    found = periods("2022-03-01T00:00:00Z", "P1D", "2022-03-20T00:00:00Z", "America/New_York", anchor=anchor)[1:]
    lib.equal((len(found), found), (19, wanted), "far")
    for every, last in (("P1Y", "1904-01-05"), ("P1M", "1904-01-05"), ("P30D", "1903-12-16")):
        found = periods("1900-01-05T00:00:00Z", every, "1904-01-06T00:00:00Z")
        lib.equal((found[0], found[-1]), ("1900-01-05", last), f"from the first year on, {every}")
    wanted = periods("1990-01-31T00:00:00Z", "P1M", "2021-12-31T00:00:00Z")
    lib.equal((len(wanted), wanted[-1]), (384, "2021-12-31"), "monthly for 32 years")


# ---- instants

def ends():
    """A grant counts from `effective` to before `expires`; --as-of includes what falls due at an instant, --before nothing of it."""
    b = books([grant("w", 0, 5, effective=at(60), expires=at(120)), made("hold", "o", 70, currency="c", amount="2", expires=at(100)),
               grant("r", 0, 7, recurrence={"every": "PT1H"}, currency="d"),
               made("usage", "u1", 59, product="p", currency="c", amount="1"), usage("u2", 60, 1), usage("u3", 119, 1), usage("u4", 120, 1)])
    found = outcomes(b)
    lib.equal([found[f"u{n}"].split(":")[0] for n in range(1, 5)], ["refused", "charged", "charged", "refused"], "at the ends")

    def asked(when, minute, micro=0):
        time = at(minute) if not micro else (datetime.datetime.fromisoformat(at(minute)[:-1]) +
                                             datetime.timedelta(microseconds=micro)).isoformat() + "Z"
        r = next(r for r in b.ask("balance", "a", when, time) if r["currency"] == "c")
        return tuple(int(r[k]) for k in ("available", "waiting", "held", "used", "expired"))
    for when, minute, micro, wanted in (
            ("--as-of", 60, -1, (0, 5, 0, 0, 0)), ("--before", 60, 0, (0, 5, 0, 0, 0)), ("--as-of", 60, 0, (4, 0, 0, 1, 0)),
            ("--before", 60, 1, (4, 0, 0, 1, 0)), ("--before", 70, 0, (4, 0, 0, 1, 0)), ("--as-of", 70, 0, (2, 0, 2, 1, 0)),
            ("--before", 100, 0, (2, 0, 2, 1, 0)), ("--as-of", 100, 0, (4, 0, 0, 1, 0)), ("--before", 119, 0, (4, 0, 0, 1, 0)),
            ("--as-of", 119, 0, (3, 0, 0, 2, 0)), ("--as-of", 120, -1, (3, 0, 0, 2, 0)), ("--before", 120, 0, (3, 0, 0, 2, 0)),
            ("--as-of", 120, 0, (0, 0, 0, 2, 3))):
        lib.equal(asked(when, minute, micro), wanted, f"{when} {at(minute)} {micro:+}")
    lib.equal([e["amount"] for e in b.ask("expiring", "a", "--from", at(120), "--to", at(121))], ["3"], "expiring from its end on")
    lib.equal(b.ask("expiring", "a", "--from", at(0), "--to", at(120)), [], "expiring before its end")
    questions(b)
    b.done()


def one_instant():
    """All at one microsecond: with late = replay the order of arrival does not matter, the order of ranks does."""
    now = 60
    events = [made("account", "a0", now, name="A"), made("limit", "b0", now, limit="l", currency="c", amount="40", per="day"),
              grant("c0", now, 10), grant("c1", now, 20, **{"class": "x"}), made("reset", "d0", now, currency="c"),
              made("release", "e0", now, hold="o"), made("reversal", "f0", now, of={"source": "test", "id": "u0"}),
              usage("g0", now, 12), usage("g1", now, 9), made("hold", "h0", now, currency="c", amount="6", hold="h"),
              made("capture", "i0", now, hold="q"), made("void", "j0", now, grant="c1"),
              made("adjustment", "j1", now, currency="c", amount="-2", reason="x")]
    before = [grant("z", 0, 30, expires=at(now)), grant("y", 0, 20, recurrence={"every": "PT1H"}), usage("u0", 10, 4),
              made("hold", "o", 11, currency="c", amount="7", hold="o"), made("hold", "q", 12, currency="c", amount="3", hold="q")]

    def picture(order):
        b = books(before, "late = replay")
        b.events(order)
        lib.equal(b.ask("quarantine", "list"), [], "quarantine")
        found = [sorted((g["grant"], g["issued"], g["available"], g["held"], g["used"], g["expired"], g["voided"])
                        for g in b.ask("balance", "a", "--by", "grant", "--as-of", at(200))), row(b)["used"],
                 [u["amount"] for u in b.ask("usage", "--by", "product,day")], sorted(outcomes(b).items())]
        b.run("verify")
        b.done()
        return found
    wanted = picture(events)
    lib.equal(dict(wanted[3]).get("j0"), "applied", "in order")
    for order in (events[::-1], events[::2] + events[1::2], events[6:] + events[:6], events[1::3] + events[::3] + events[2::3]):
        found = picture(order)
        lib.equal([x for x, y in zip(found, wanted) if x != y], [y for x, y in zip(found, wanted) if x != y],
                  f"order {[e['id'] for e in order]}")


# ---- times

def times():
    """Years 1900 to 9999, no leap seconds; a grant that ends before it begins is refused, one that ended long ago came too late."""
    for time, is_read in (("1900-01-01T00:00:00Z", 1), ("1899-12-31T23:59:59.999999Z", 0), ("1969-12-31T23:59:59.999999Z", 1),
                          ("10000-01-01T00:00:00Z", 0), ("2016-12-31T23:59:60Z", 0), ("2022-02-29T00:00:00Z", 0),
                          ("2022-13-01", 0), ("2022-01-01T24:00:00Z", 0), ("2022-01-01T00:00:00", 1), ("2022-01-01T00:00:00+14:00", 1),
                          ("1900-01-01T00:00:00+01:00", 0), ("2022-01-01t00:00:00z", 1), ("2022-01-01 00:00:00Z", 1),
                          ("", 0), ("0", 0), ("now", 0), ("2022-1-1", 0), ("-2022-01-01", 0), ("2022-01-01T00:00:00.1234567Z", 0)):
        b = books([lib.event("grant", "g", "a", time, currency="c", amount="5")])
        kept = b.ask("quarantine", "list")
        lib.equal(len(kept), 1 - is_read, f"time '{time}': {kept}")
        if kept:
            assert "time" in kept[0]["reason"] and (not time or time in kept[0]["reason"]), kept
        else:
            lib.equal(row(b)["available"], "5", time)
        b.run("verify")
        b.done()
    b = books([grant("past", 100, 5, effective=at(0), expires=at(50)), grant("never", 100, 5, expires=at(100)),
               grant("backward", 100, 5, effective=at(200), expires=at(150)), grant("instant", 100, 5, effective=at(99), expires=at(99)),
               grant("far", 100, 5, effective="9999-12-31T23:59:59.999999Z"), grant("old", 100, 5, effective="1900-01-01T00:00:00Z"),
               grant("end", 100, 5, expires="9999-12-31T23:59:59.999999Z"), usage("u", 101, 11), usage("v", 101, 10),
               made("limit", "l", 102, limit="l", currency="c", amount="5", per="day", expires=at(50)), usage("w", 103, 0)])
    found = outcomes(b)
    for id, words in (("past", "applied"), ("never", "before it takes effect"), ("backward", "before it takes effect"),
                      ("instant", "before it takes effect"), ("far", "applied"), ("u", "10 available"), ("v", "charged")):
        assert words in found[id], (id, words, found)
    told = row(b)
    lib.equal((told["available"], told["waiting"], told["expired"]), ("0", "5", "5"), "what came too late is expired")
    questions(b)
    b.done()


# ---- inputs that are none

EVENTS = (  # one of each type, with every field that it may have
    ("account", dict(name="A", zone="UTC", start=at(0), end="2023-01-01T00:00:00Z", parent="b", labels={"x": "y"})),
    ("usage", dict(service="meter", product="p", user="ann", quantity="1", unit="h", amount="1", currency="c", end=at(500), grant="g0",
                   accept="all", attributes={"x": "y"})),
    ("usage", dict(product="R", quantity="2", grants=["g0", "g1"])),
    ("grant", dict(grant="G", currency="c", amount="9", balance="8", **{"class": "free"}, effective=at(100), expires=at(9000), priority="3",
                   cost={"amount": "5", "currency": "EUR"}, scope={"services": ["s"], "products": ["p"], "users": ["u"],
                                                                   "attributes": {"x": ["y"]}},
                   recurrence={"every": "P1D", "anchor": at(0), "mode": "reset", "from": "anchor"}, rollover={"min": "1", "max": "5"},
                   floor="0", max_per_charge="3", grant_unit="2", renews="g0")),
    ("limit", dict(limit="L", currency="c", amount="500000", per="day", anchor=at(0), expires=at(9000), scope={"users": ["zed"]})),
    ("hold", dict(hold="H", currency="c", amount="1", expires=at(9000))), ("extend", dict(hold="o", expires=at(9000), amount="2")),
    ("capture", dict(hold="o", amount="1")), ("release", dict(hold="o", amount="1")),
    ("reversal", dict(of={"source": "test", "id": "u0", "line": "0"}, amount="1", reason="r")),
    ("adjustment", dict(currency="c", amount="1", grant="g1", reason="r")),
    ("conversion", {"from": "c", "to": "d", "amount": "1", "rate": "2"}), ("transfer", dict(to="b", currency="c", amount="1")),
    ("transfer", dict(shares={"b": "50%", "e": "remaining"}, currency="c", amount="2", grant="g1")),
    ("void", dict(grant="g9", reason="r")), ("reset", dict(currency="d", preserve_overage="yes")), ("close", dict(period="2021-12")),
)
DECIMALS = {"quantity", "amount", "balance", "priority", "cost.amount", "rollover.min", "rollover.max", "floor", "max_per_charge",
            "grant_unit", "of.line", "rate"}
TIMES = {"start", "end", "effective", "expires", "recurrence.anchor", "anchor"}
NO_NUMBER = ["NaN", "Infinity", "-inf", "1e400", "1e-400", "1,5", "1 000", " 1", "1 ", "0x10", "--1", "1e", ".", "-", "1.2.3",
             "\u0661", "9" * 400, "1" + "0" * 19, "0." + "0" * 18 + "1", "true", "12abc"]
NO_TIME = ["2022-13-01", "2022-02-30", "yesterday", "0", "1e9", "1899-12-31", "10000-01-01", "2022-01-01T25:00:00Z",
           "2022-01-01T00:00:60Z", "2022-01-01T00:00:00+99:00", "9" * 40]
NO_NAME = ["x" * 256, "a\nb", "a\x00b", "a\x01", "\x7f", "\u0080", "\u009f", "\udc00"]
ODD = ["-1", "-0", "0", "1e3", "1e18", str(MAX), str(-MAX), "-5e17", "0.000000000000000001", "+1", "01", "x" * 255, "\u00e9" * 127, "%s%n",
       "'; drop table names; --", "../../x", "unlimited", "scrip.debt.c", 5, -5, 1.5, 0, True, False, None, [], {}, ["a"], ["a", "a"],
       {"a": "b"}, [[["a"]]], {"a": {"b": {"c": "d"}}}, "", " ", "P1Y", "-P1D", "P0D", "PT0S", "P9999Y", "P120000M", "PT1S", "1h", "h", "d"]


def leaves(data, path=()):
    for key, value in data.items():
        if isinstance(value, dict):
            yield from leaves(value, path + (key,))
        else:
            yield path + (key,)


def put(data, path, value):
    data = json.loads(json.dumps(data))
    at_dict = data
    for key in path[:-1]:
        at_dict = at_dict[key]
    at_dict[path[-1]] = value
    return data


def inputs():
    """Every field of every event with all that it must not be, and with all that it hardly ever is: each row has one outcome, what is no
    number, time or name is in quarantine with its reason, and the books hold."""
    start = [grant("g0", 0, 10 ** 15), grant("g1", 0, 10 ** 15), grant("g2", 0, 10 ** 15, currency="d"), usage("u0", 1, 50),
             grant("s", 0, 5, account="b")]
    b = books(start)
    events, bad = [], set()
    for kind, data in EVENTS:
        for path in leaves(data):
            name = ".".join(path)
            wrong = NO_NUMBER if name in DECIMALS else NO_TIME if name in TIMES else NO_NAME
            if path[0] in ("labels", "attributes", "name", "reason"):
                wrong = [t for t in NO_NAME if t not in ("x" * 256, "a\nb")]
            if path[0] in ("scope", "grants"):
                wrong = [[t] for t in NO_NAME]
            for value in wrong + ODD:
                id = f"e{len(events):05}"
                fresh = {"hold": "hold" + id, "grant": "grant" + id} if kind in ("hold", "grant") else {}
                fresh = {k: v for k, v in fresh.items() if (k,) != path and k in data}
                if any(value is w for w in wrong):
                    bad.add(id)
                events.append(made(kind, id, 1000 + len(events) // 50, **put({**data, **fresh}, path, value)))
    for n, event in enumerate(list(events[:40])):  # the envelope
        for key, value in (("type", "scrip.nothing"), ("type", ""), ("time", "never"), ("subject", ""), ("subject", "x" * 256),
                           ("specversion", "2.0"), ("data", "text"), ("data", ["x"]), ("data", None), ("source", "a\x01")):
            events.append({**event, "id": f"v{n}{key}{value}"[:200], key: value})
    text = "".join(json.dumps(e) + "\n" for e in events)
    more = ["{" * 500, "[" * 5000, '{"a":' * 200 + "1" + "}" * 200, "null", "[]", '""', "{}", "{\"id\":\"x\"", "\ufeff{}", "5",
            json.dumps({**events[0], "id": "more", "data": {"attributes": {f"k{n}": "v" for n in range(65)}}}),
            json.dumps({**events[0], "id": "more", "data": {"colour": "red"}}), json.dumps({**events[0], "id": "more", "data": {"attributes": {"x": {"y": "z"}}}})]
    path = b.write("strange.jsonl", text + "\n".join(more) + "\n")
    totals = b.ask("ingest", path, "--as", "events", ok=(0, 1))
    lib.equal(int(totals["read"]), len(events) + len(more), "rows read")
    lib.equal(sum(int(v) for k, v in totals.items() if k != "read"), len(events) + len(more), "each has one outcome")
    found = {e["id"]: e["outcome"] for e in b.ask("events")}
    lib.equal([(e["id"], e["type"], e["data"]) for e in events if e["id"] in bad and e["id"] in found], [], "taken, and must not be")
    assert all(q["reason"] for q in b.ask("quarantine", "list"))
    for e in b.ask("events", "--outcome", "refused"):
        assert e["reason"], e
    questions(b)
    before = b.run("head").stdout
    again = b.ask("ingest", b.write("again.jsonl", text), "--as", "events", ok=(0, 1))
    lib.equal(b.run("head").stdout, before, "the same once more")
    lib.equal(int(again["duplicate"]) + int(again["quarantined"]), len(events), "known, or strange")
    b.done()


# ---- an impatient user

def impatient():
    """What was found, what was wanted, and what mends it."""
    b = books([grant("g", 0, 100)])
    before = b.run("head").stdout
    for words, exit, parts in (
            (("grant", "a", "C", "5"), 1, "currency 'C': not configured: want one of c, d, or add a section [currency/... C]"),
            (("grant", "a", "c", "1,5"), 2, "amount: '1,5' is not a decimal number such as 12.5"),
            (("grant", "a", "c", "5", "--expires", "2022-13-01"), 2, "expires: '2022-13-01' is not a time such as 2022-03-29"),
            (("grant", "a", "c", "5", "--cost", "5"), 1, "cost.currency: missing"),
            (("charge", "a", "R", "1", "--time", "29.03.2022"), 2, "time: '29.03.2022' is not a time such as 2022-03-29"),
            (("charge", "a", "r"), 1, "product 'r': no service has a price for it: add one to a rate sheet"),
            (("hold", "a"), 2, "want a PRODUCT, or --currency and --amount"),
            (("convert", "a", "c", "e"), 1, "to 'e': not configured: want one of c, d"),
            (("convert", "a", "c", "c", "--rate", "1"), 1, "to 'c': is the currency that is converted: name another"),
            (("transfer", "a", "c", "5", "--to", "a"), 1, "to 'a': is the account itself: name another"),
            (("transfer", "a", "c", "5"), 1, "name the account that gets it"),
            (("limit", "a", "c", "5", "weekly"), 1, "per: 'weekly' is no period: want hour, day, month, year"),
            (("adjust", "a", "c", "-5", "--reason", "x"), 2, "'-5': options have two dashes; a word that begins with one comes behind --"),
            (("close", "2022-13"), 2, "period '2022-13': it is none: want 2022, 2022-03 or 2022-03-29"),
            (("close", "lastmonth"), 2, "period 'lastmonth': it is none"),
            (("statement", "a", "--from", "2022-05-01", "--to", "2022-01-01"), 2, "from: is later than to"),
            (("usage", "--by", "product", "--from", "2022-05-01", "--to", "2022-01-01"), 2, "from: is later than to"),
            (("balance", "A"), 2, "account 'A': the store has no such account"),
            (("head", "--by", "colour"), 2, "by 'colour'"),
            (("balance", "a", "-c"), 2, "balance: -c: want a FILE"),
            (("explain", "nope"), 2, "look in `quarantine list`, too")):
        done = b.run(*words, ok=None)
        assert done.returncode == exit and parts in done.stderr, (words, exit, parts, done.returncode, done.stderr)
    lib.equal(b.run("head").stdout, before, "the books after all of it")
    for words, parts in ((("charge", "a", "R", "1", "--grant", "G"), "grant 'G': the account has no such grant"),
                         (("reverse", "a", "nope"), "no such event of source 'local': give account, source and id as events shows them"),
                         (("void", "a", "G"), "grant 'G': the account has no such grant"),
                         (("close", "2099"), "2099 is not over at that time"),
                         (("grant", "a", "c", "5", "--time", "2022-01-01", "--expires", "2021-01-01"), "before it takes effect")):
        done = b.run(*words, ok=None)
        assert done.returncode == 1 and parts in done.stderr, (words, parts, done.returncode, done.stderr)
    for words in (("-c",), ("--config", "x.ini", "balance")):
        done = subprocess.run([lib.SCRIP, *words], capture_output=True, text=True)
        assert done.returncode == 2 and "named by -c FILE" in done.stderr, done
    b.run("verify")
    b.done()
    b = lib.Books(CONFIG.format(policy="").replace("file = books.db", "file = no/such/books.db"))
    b.write("rates.csv", RATES)
    done = b.run("init", ok=None)
    assert done.returncode == 3 and "make its folder first" in done.stderr, done
    b.done()


faults = []
stories = [(amounts, (name, *story)) for name, story in AMOUNTS.items()] + [(part, ()) for part in (sums_over_accounts, long_ids, not_text, month_ends, daylight_saving, decades, ends, one_instant, times, inputs, impatient)]
for part, story in stories:
    if len(sys.argv) > 1 and part.__name__ not in sys.argv[1:] and (not story or story[0] not in sys.argv[1:]):
        continue
    try:
        part(*story)
    except AssertionError as fault:
        faults.append(f"{part.__name__}: {fault}")
print("\n\n".join(faults) or f"{len(stories)} stories")
sys.exit(1 if faults else 0)
