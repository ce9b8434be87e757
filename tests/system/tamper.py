"""tamper.py - one changed digit in any table of the store is found by `verify`; an edited rate sheet is not a finding."""
import os
import random
import re
import shutil
import sqlite3

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = class(free purchased), expires, created
[currency/prepaid flex]
term = P1Y
[service/ratesheet cloud]
sheet = rates.csv
currencies = credits, flex
[service/daily desktop]
sheet = daily.csv
currencies = flex
[currency/prepaid usd]
late = replay
overdraft = debt
[service/window net]
sheet = net.csv
meter = net
base = compute
netted = cloud
allowance = 0.1
period = day
[source/events events]
files = none-*.jsonl
"""
RATES = "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\nRENDER,2022-03-29,,2,1,flex\n"


def make():
    b = lib.Books(CONFIG)
    b.write("rates.csv", RATES)
    b.write("net.csv", "product,from,to,rate,per,currency\ncompute,,,1,,usd\ncloud,,,1,,usd\n")
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,flex\n")
    events = [lib.event("account", "a1", "north", "2022-01-01T00:00:00Z", name="North", labels={"region": "eu"}),
              lib.event("grant", "g1", "north", "2022-01-02T00:00:00Z", currency="credits", amount="900.50",
                        **{"class": "free"}, expires="2022-06-01T00:00:00Z", cost={"amount": "9.5", "currency": "USD"}),
              lib.event("grant", "g2", "north", "2022-01-03T00:00:00Z", currency="credits", amount="500", priority="3",
                        scope={"products": ["RENDER"], "attributes": {"pool": ["A", "B"]}}, **{"class": "purchased"}),
              lib.event("grant", "g3", "south", "2022-01-03T00:00:00Z", currency="flex", amount="300"),
              lib.event("grant", "g4", "south", "2022-02-03T00:00:00Z", currency="flex", amount="40"),
              lib.event("void", "v1", "south", "2022-02-04T00:00:00Z", grant="g4", reason="mistake"),
              lib.event("adjustment", "d1", "south", "2022-02-05T00:00:00Z", currency="flex", amount="-25", reason="count"),
              lib.event("usage", "x1", "south", "2022-02-06T00:00:00Z", product="UNKNOWN", quantity="3")]
    for n in range(1100):
        day, minute = 1 + n // 40, n % 40
        events.append(lib.event("usage", f"u{n:05}", "north", f"2022-04-{day:02}T10:{minute:02}:00Z", product="RENDER",
                                user=f"user{n % 7}", quantity=str(n % 3) + (".5" if n % 2 else ""),
                                attributes={"pool": "A", "job": f"J{n % 5}"}))
    for n in range(30):
        events.append(lib.event("usage", f"s{n:05}", "south", f"2022-04-{1 + n % 28:02}T08:00:00Z", product="ACD",
                                user=f"user{n % 3}", end=f"2022-04-{1 + n % 28:02}T17:00:00Z"))
    def west(kind, id, day, **data):
        return lib.event(kind, id, "west", f"2022-02-{day:02}T12:00:00Z", **data)
    # Holds, debts, limits, recurrences, what services wait for, and an event put in its place.
    events += [west("limit", "l1", 1, currency="usd", amount="1000", per="month", scope={"products": ["compute"]}),
               west("grant", "w1", 2, currency="usd", amount="30", recurrence={"every": "P7D"}, rollover={"min": "1", "max": "5"}),
               west("hold", "h1", 3, currency="usd", amount="4"), west("hold", "h2", 3, currency="usd", amount="5"),
               west("capture", "c1", 4, hold="h1", amount="3"), west("usage", "k1", 5, product="compute", quantity="60", user="u"),
               west("usage", "k2", 5, product="cloud", quantity="9"), west("reversal", "r1", 6, of={"source": "test", "id": "k1"}, amount="7"),
               west("reset", "e1", 7, currency="usd", preserve_overage="true"),
               west("conversion", "v2", 8, **{"from": "usd"}, to="flex", amount="2", rate="3"),
               west("transfer", "t1", 9, currency="flex", amount="1", to="south"),
               west("usage", "k3", 20, product="compute", quantity="3"), west("usage", "k4", 19, product="compute", quantity="2"),
               west("usage", "k5", 20, product="cloud", quantity="50")]
    b.events(events)
    b.run("close", "2022-01", "--time", "2022-02-20T13:00:00Z")
    return b


def tables(db):
    return [r[0] for r in db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")]


def change(value):
    """The value with one digit (or one byte of a blob) changed, or put where nothing was; None where it has none."""
    if value is None:
        return 1
    if isinstance(value, int):
        return value + 1 if value % 10 < 9 else value - 1
    if isinstance(value, bytes) and value:
        at = random.randrange(len(value))
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]
    if isinstance(value, str):
        digits = [m.start() for m in re.finditer("[0-9]", value)]
        if digits:
            at = random.choice(digits)
            return value[:at] + str((int(value[at]) + 1) % 10) + value[at + 1:]
    return None


def tamper(path, table, column, pick, which):
    """Changes one value, or says why not: no value to change, or the store itself refuses it."""
    db = sqlite3.connect(path)
    try:
        keys = [r[1] for r in db.execute(f'pragma table_info("{table}")') if r[5]] or ["rowid"]
        rows = db.execute(f'select "{column}", {", ".join(keys)} from "{table}" where {which}').fetchall()
        rows = [r for r in rows if change(r[0]) is not None]
        if not rows:
            return None
        row = pick(rows)
        fresh = change(row[0])
        db.execute(f'update "{table}" set "{column}" = ? where ' + " and ".join(f"{k} is ?" for k in keys),
                   (fresh, *row[1:]))
        db.commit()
        return f"{table}.{column} of {row[1:]}: {row[0]!r} -> {fresh!r}"
    except sqlite3.IntegrityError:
        return None
    finally:
        db.close()


def main():
    random.seed(os.environ.get("SEED", "11"))
    b = make()
    b.run("verify")
    b.write("rates.csv", RATES.replace("1.25", "4.75"))
    b.run("verify")
    path = os.path.join(b.folder, "books.db")
    with sqlite3.connect(path) as db:
        db.execute("pragma wal_checkpoint(truncate)")
        names = tables(db)
        places = [(t, c[1]) for t in names for c in db.execute(f'pragma table_info("{t}")').fetchall()]
        bare = [t for t in names if not db.execute(f'select count(*) from "{t}"').fetchone()[0]]
    db.close()
    assert not bare, f"tables without a row, so not tested: {bare}"
    shutil.copy(path, path + ".good")
    tried, missed = 0, []
    for table, column in places:
        there, empty = f'"{column}" is not null', f'"{column}" is null'
        for pick, which in ((lambda rows: rows[0], there), (random.choice, there), (lambda rows: rows[-1], there),
                            (random.choice, empty)):
            for end in ("-wal", "-shm"):
                if os.path.exists(path + end):
                    os.unlink(path + end)
            shutil.copy(path + ".good", path)
            what = tamper(path, table, column, pick, which)
            if what is None:
                continue
            tried += 1
            done = b.run("verify", ok=None)
            if done.returncode == 0:
                missed.append(what)
            elif done.returncode < 0:
                missed.append(f"verify died of signal {-done.returncode}: {what}")
    print(f"{tried} changes in {len(names)} tables")
    assert not missed, "not found:\n" + "\n".join(missed)
    assert tried > 3 * len(names)
    b.done()


if __name__ == "__main__":
    main()
