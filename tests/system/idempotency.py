"""idempotency.py - every event type and every command that acts, given twice under one key: the second answers with the first
result and changes nothing; the same key with other content is a conflict; what fails leaves nothing but its own record.
"""
import datetime
import json
import os
import sqlite3
import sys

import lib

CONFIG = """[scrip]
dimensions = pool
[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
settle_lag = 1d
[currency/prepaid d]
decimals = 2
[service/ratesheet rates]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
RATES = "product,rate,per,currency\nR,2,1,c\nF,0,1,c\n"
OWN = ("event_rows", "identities", "account_rows", "batch_rows", "checkpoint_rows", "names", "meta", "cursor_rows",
       "quarantine_rows", "term_rows", "rate_rows")  # an event's own record, and what stands beside the books


def at(minute):
    return (datetime.datetime(2022, 1, 1) + datetime.timedelta(minutes=minute)).isoformat() + "Z"


def made(kind, id, minute, account="a", **data):
    return lib.event(kind, id, account, at(minute), **data)


def grant(id, minute, amount, account="a", currency="c", **data):
    return made("grant", id, minute, account, currency=currency, amount=str(amount), **data)


def used(id, minute, quantity, account="a", **data):
    return made("usage", id, minute, account, product="R", quantity=str(quantity), **data)


START = [made("account", "start", 0, name="A"), grant("g", 0, 100), grant("h", 0, 50, **{"class": "free"}),
         used("u", 10, 5), used("v", 11, 3, attributes={"pool": "x"}),
         made("hold", "o", 12, currency="c", amount="20", hold="o", expires=at(5000)),
         made("limit", "l", 13, limit="l", currency="c", amount="5000", per="day"),
         grant("other", 0, 10, account="b")]
OF = {"source": "test", "id": "u"}

# One of each type that is taken: the event at minute 100, its outcome, and a change of its content.
TAKEN = (
    (made("account", "k", 100, name="B", zone="Europe/Berlin"), "applied", {"name": "C"}),
    (used("k", 100, 4, user="ann"), "charged", {"quantity": "5"}),
    (made("usage", "k", 100, product="F"), "zero", {"product": "R"}),
    (made("usage", "k", 100, lines=None, product="R", quantity="100", accept="available"), "charged", {"accept": "all"}),
    (grant("k", 100, 30, cost={"amount": "9", "currency": "EUR"}), "applied", {"amount": "31"}),
    (grant("k", 100, 30, expires=at(50), effective=at(0)), "applied", {"expires": at(60)}),
    (grant("k", 100, 30, recurrence={"every": "PT1H"}), "applied", {"recurrence": {"every": "PT2H"}}),
    (grant("k", 100, 200, renews="g"), "applied", {"renews": "h"}),
    (made("limit", "k", 100, limit="m", currency="c", amount="7", per="month"), "applied", {"amount": "8"}),
    (made("limit", "k", 100, limit="l", currency="c", amount="7", per="day"), "applied", {"amount": "8"}),
    (made("hold", "k", 100, currency="c", amount="9", hold="p"), "applied", {"amount": "8"}),
    (made("hold", "k", 100, product="R", quantity="2"), "applied", {"quantity": "3"}),
    (made("extend", "k", 100, hold="o", amount="25"), "applied", {"amount": "26"}),
    (made("extend", "k", 100, hold="o", expires=at(6000)), "applied", {"expires": at(6001)}),
    (made("capture", "k", 100, hold="o", amount="12.5"), "charged", {"amount": "12.6"}),
    (made("capture", "k", 100, hold="o", amount="0"), "zero", {"amount": "1"}),
    (made("release", "k", 100, hold="o", amount="5"), "applied", {"amount": "6"}),
    (made("release", "k", 100, hold="o"), "applied", {"amount": "6"}),
    (made("reversal", "k", 100, of=OF, amount="3"), "applied", {"amount": "4"}),
    (made("reversal", "k", 100, of=OF), "applied", {"reason": "other"}),
    (made("adjustment", "k", 100, currency="c", amount="5", reason="x"), "applied", {"reason": "y"}),
    (made("adjustment", "k", 100, currency="c", amount="-5", reason="x"), "applied", {"amount": "-6"}),
    (made("adjustment", "k", 100, currency="c", amount="5", reason="x", grant="g"), "applied", {"grant": "h"}),
    (made("conversion", "k", 100, **{"from": "c"}, to="d", amount="40", rate="0.5"), "applied", {"rate": "0.6"}),
    (made("conversion", "k", 100, **{"from": "c"}, to="d", rate="0.5"), "applied", {"amount": "1"}),
    (made("transfer", "k", 100, to="b", currency="c", amount="110"), "applied", {"to": "e"}),
    (made("transfer", "k", 100, shares={"b": "80%", "e": "remaining"}, currency="c", amount="11"), "applied",
     {"shares": {"b": "70%", "e": "remaining"}}),
    (made("transfer", "k", 100, to="b", currency="c", grant="h"), "applied", {"grant": "g"}),
    (made("void", "k", 100, grant="h"), "applied", {"reason": "other"}),
    (made("reset", "k", 100, currency="c"), "applied", {"currency": "d"}),
    (made("close", "k", 40000, period="2021-12"), "applied", {"period": "2021-11"}),
)

# What fails, after what, and words of the reason.
LONG = [made("capture", "x1", 20, hold="o"), made("hold", "q", 20, currency="c", amount="5", hold="q"),
        made("release", "x2", 21, hold="q"),
        made("hold", "t", 22, currency="c", amount="5", hold="t", expires=at(50), grant="h"),
        made("reversal", "x3", 23, of=OF), made("limit", "tight", 51, limit="tight", currency="c", amount="90", per="day"),
        used("w", 52, 37, grant="g")]
FAILS = (
    ([], used("k", 100, 500), "1000.00 c wanted, 114.00 available"),
    ([], used("k", 100, 1, grant="nobody"), "grant 'nobody': the account has no such grant"),
    ([], made("usage", "k", 100, product="R", quantity="1", grants=["x", "y"]), "2.00 c wanted, 0.00 available"),
    ([], made("usage", "k", 100, product="R", currency="d"), "does not take d"),
    ([grant("dd", 20, 5, currency="d")], used("k", 100, 1, grant="dd"), "it is of d, and 2.00 c wanted"),
    ([], made("adjustment", "k", 100, currency="c", amount="-5", reason="x", grant="nobody"), "no such grant"),
    ([], made("hold", "k", 100, currency="c", amount="5", grant="nobody"), "no such grant"),
    (LONG, used("k", 100, 10), "limit 'tight': 20.00 c wanted, 16.00 left in its day"),
    (LONG, made("hold", "k", 100, currency="c", amount="17"), "limit 'tight'"),
    ([], made("hold", "k", 100, currency="c", amount="114.01"), "114.01 c wanted, 114.00 available"),
    ([], made("hold", "k", 100, currency="c", amount="1", hold="o"), "hold of this id already"),
    ([], made("hold", "k", 100, currency="c", amount="1", expires=at(100)), "before it begins"),
    ([], grant("k", 100, 5, grant="g"), "grant of this id already"),
    ([], grant("k", 100, 5, renews="nobody"), "no such grant"),
    ([], made("void", "k", 100, grant="nobody"), "no such grant"),
    (LONG, made("void", "k", 100, grant="g"), "nothing of it is left"),
    ([made("void", "x", 20, grant="h")], made("void", "k", 100, grant="h"), "nothing of it is left"),
    ([grant("old", 20, 5, expires=at(30))], made("void", "k", 100, grant="old"), "nothing of it is left"),
    ([], made("extend", "k", 100, hold="nobody"), "no such hold"),
    ([], made("capture", "k", 100, hold="nobody"), "no such hold"),
    ([], made("release", "k", 100, hold="nobody"), "no such hold"),
    (LONG, made("capture", "k", 100, hold="o"), "captured already"),
    (LONG, made("release", "k", 100, hold="o"), "captured already"),
    (LONG, made("extend", "k", 100, hold="o", expires=at(9000)), "captured already"),
    (LONG, made("capture", "k", 100, hold="q"), "released already"),
    (LONG, made("extend", "k", 100, hold="q", amount="1"), "released already"),
    (LONG, made("capture", "k", 100, hold="t"), "timed out at " + at(50)),
    (LONG, made("release", "k", 100, hold="t"), "timed out at " + at(50)),
    (LONG, made("extend", "k", 100, hold="t", expires=at(9000)), "timed out at " + at(50)),
    ([], made("capture", "k", 100, hold="o", amount="20.01"), "20.01 c wanted, 20.00 held"),
    ([], made("release", "k", 100, hold="o", amount="20.01"), "less than that is held"),
    ([], made("capture", "k", 100, hold="o", amount="-1"), "no amount of c"),
    ([], made("extend", "k", 100, hold="o", amount="0.001"), "no amount of c"),
    ([], made("extend", "k", 100, hold="o", amount="300"), "280.00 c wanted"),
    ([], made("extend", "k", 100, hold="o", expires=at(99)), "in the past"),
    (LONG, made("reversal", "k", 100, of=OF), "nothing of this charge is left"),
    ([made("reversal", "x", 20, of=OF, amount="4")], made("reversal", "k", 100, of=OF, amount="6.01"), "6.01 c wanted, 6.00"),
    ([], made("reversal", "k", 100, of=OF, amount="10.01"), "10.01 c wanted, 10.00"),
    ([], made("reversal", "k", 100, of=OF, amount="0"), "above 0"),
    ([], made("reversal", "k", 100, of={"source": "test", "id": "u", "line": "7"}), "nothing of this charge"),
    ([], made("reversal", "k", 100, of={"source": "test", "id": "nobody"}), "no such event"),
    ([], made("reversal", "k", 100, of={"source": "else", "id": "u"}), "no such event of source 'else'"),
    ([], made("reversal", "k", 100, of={"source": "test", "id": "g"}), "is a scrip.grant, not a charge"),
    ([], made("adjustment", "k", 100, currency="c", amount="-500", reason="x"), "500.00 c wanted"),
    ([], made("adjustment", "k", 100, currency="c", amount="5", reason="x", grant="nobody"), "no such grant"),
    ([], made("adjustment", "k", 100, currency="d", amount="5", reason="x", grant="g"), "no such grant in d"),
    ([grant("old", 20, 5, expires=at(30))], made("adjustment", "k", 100, currency="c", amount="5", reason="x", grant="old"),
     "has ended"),
    ([], made("conversion", "k", 100, **{"from": "c"}, to="d", amount="500", rate="2"), "500.00 c wanted"),
    ([], made("conversion", "k", 100, **{"from": "d"}, to="c", rate="2"), "no d is available"),
    ([grant("k-1", 20, 5)], made("conversion", "k", 100, **{"from": "c"}, to="d", amount="1", rate="2"), "grant of this id"),
    ([], made("transfer", "k", 100, to="b", currency="c", amount="500"), "500.00 c wanted"),
    ([], made("transfer", "k", 100, to="b", currency="c", grant="nobody"), "no such grant"),
    (LONG, made("transfer", "k", 100, to="b", currency="c", grant="g"), "nothing of it is left"),
    ([], made("limit", "k", 100, limit="l", currency="d", amount="7", per="day"), "it is of c"),
    ([], made("close", "k", 100, period="2022-01"), "not over"),
    ([], made("close", "k", 100, period="2022-13"), "is none"),
    ([], made("close", "k", 100, period="last year"), "is none"),
)
# What cannot be understood goes to quarantine, and never into the books.
STRANGE = (
    (made("conversion", "k", 100, **{"from": "c"}, to="d", amount="5"), "convert.d"),
    (made("conversion", "k", 100, **{"from": "c"}, to="c", amount="5", rate="1"), "is the currency that is converted"),
    (made("conversion", "k", 100, **{"from": "c"}, to="d", amount="5", rate="-1"), "above 0"),
    (made("conversion", "k", 100, **{"from": "c"}, to="d", amount="5", rate="0"), "above 0"),
    (made("transfer", "k", 100, to="a", currency="c", amount="5"), "is the account itself"),
    (made("transfer", "k", 100, currency="c", amount="5"), "name the account that gets it"),
    (made("transfer", "k", 100, shares={"a": "10%", "b": "remaining"}, currency="c", amount="5"), "is the account itself"),
    (made("transfer", "k", 100, shares={"b": "10%", "e": "80%"}, currency="c", amount="5"), "100% together"),
    (made("reset", "k", 100, currency="nobody"), "'nobody': not configured: want one of c, d, or add a section"),
    (made("reset", "k", 100), "currency: missing"),
    (made("reset", "k", 100, currency="c", preserve_overage="maybe"), "preserve_overage: 'maybe'"),
    (used("k", 100, 1, accept="some"), "accept: 'some'"),
    (made("account", "k", 100, zone="Nowhere/Land"), "zone: 'Nowhere/Land'"),
    (made("reversal", "k", 100, of={"source": "test", "id": "u", "line": "0.5"}), "of.line: '0.5'"),
    (made("reversal", "k", 100, of={"source": "test", "id": "u", "line": "-1"}), "of.line: '-1'"),
    (made("reversal", "k", 100), "of.id: missing"),
    (made("void", "k", 100), "grant: missing"),
    (made("capture", "k", 100), "hold: missing"),
    (made("rerate", "k", 100), "scrip rerate"),
    (made("usage", "k", 100, product="NEW"), "NEW"),
    (grant("k", 100, 5, cost={"amount": "5"}), "cost.currency: missing"),
    (grant("k", 100, 5, cost={"currency": "EUR"}), "cost.amount: missing"),
    (grant("k", 100, 5, cost={"amount": "-5", "currency": "EUR"}), "from 0 up"),
    (grant("k", 100, 5, recurrence={"every": "P1M", "from": "tuesday"}), "want anchor, calendar, start or first-use"),
    (grant("k", 100, 5, recurrence={"every": "P1M", "mode": "twice"}), "want reset or add"),
    (grant("k", 100, 5, recurrence={"every": "monthly"}), "want P1M"),
    (made("hold", "k", 100, amount="5"), "product or currency: missing: want one of c, d"),
)


def books(events=()):
    b = lib.Books(CONFIG)
    b.write("rates.csv", RATES)
    b.events(START + list(events), ok=(0, 1))
    return b


def tables(b, without=()):
    """Every row of every table of the store, but quarantine and cursors, which are no part of the books."""
    db = sqlite3.connect(os.path.join(b.folder, "books.db"))
    names = [n for n, in db.execute("select name from sqlite_master where type = 'table' order by name")]
    kept = [n for n in names if n not in ("quarantine_rows", "cursor_rows", "names") and n not in without]
    assert len(kept) >= 8, names
    rows = {n: sorted(db.execute(f"select * from {n}"), key=repr) for n in kept}
    db.close()
    return rows


def views(b):
    """What people see."""
    when = ("--as-of", at(40001))
    return [b.run(*words).stdout for words in (
        ("balance", "--by", "grant", *when), ("holds", *when), ("usage", "--by", "product,user,day,class,currency"), ("events",),
        ("head", "--by", "account"), ("statement", "a", "--to", at(40001)))]


def differ(before, after, what):
    for table in before:
        assert before[table] == after[table], (what, table, [r for r in after[table] if r not in before[table]],
                                               [r for r in before[table] if r not in after[table]])


def outcomes(b):
    return {(e["account"], e["id"]): (e["outcome"], e["reason"]) for e in b.ask("events")}


def submit(b, event):
    done = b.run("submit", stdin=json.dumps(event), ok=(0, 1))
    return done.returncode, done.stdout, done.stderr


def taking(b, events):
    """An ingest of a file of its own, and what became of its rows."""
    b.taken = getattr(b, "taken", 0) + 1
    path = b.write(f"taken-{b.taken}.jsonl", "".join(json.dumps(e) + "\n" for e in events))
    return b.ask("ingest", path, "--as", "events", ok=(0, 1))


def changed(event, change):
    return {**event, "data": {**event["data"], **change}}


def again(b, event, first, what):
    """The same in another process: the first result, its exit code, and no byte of the books moves."""
    before = tables(b)
    code, out, err = submit(b, event)
    lib.equal((code, out, err), (first[0], first[1].strip() + " (known before)\n", first[2]), what)
    differ(before, tables(b), what)


def conflict(b, event, change, what):
    before = tables(b)
    code, out, err = submit(b, changed(event, change))
    lib.equal((code, out), (1, "quarantined\n"), what)
    assert "known already with other content" in err, err
    differ(before, tables(b), what)
    kept = b.ask("quarantine", "list")
    lib.equal([(q["class"], q["id"]) for q in kept], [("conflict", event["id"])], what)
    b.run("quarantine", "drop", kept[0]["key"])


BETWEEN = [grant("later", 45000, 500), used("later-u", 45001, 1), made("void", "later-v", 45002, grant="later")]


def taken(event, outcome, change):
    what = f"{event['type']} {event['data']}"
    once, twice = books(), books()
    once.events([event])
    # In one ingest, and in one with others between.
    totals = taking(twice, [event, event, START[3], event])
    lib.equal(outcomes(twice)["a", "k"][0], outcome, what)
    lib.equal((totals["read"], totals["duplicate"], totals["quarantined"]), ("4", "3", "0"), what)
    totals = taking(twice, [event, START[3], event])
    lib.equal((totals["read"], totals["duplicate"]), ("3", "3"), what)
    for table, rows in tables(once).items():
        if table not in ("batch_rows", "meta"):
            lib.equal(tables(twice)[table], rows, f"{what}: {table}")
    seen = views(once)
    lib.equal(views(twice), seen, what)
    first = (0, outcome + "\n", "")
    again(once, event, first, what)
    conflict(once, event, change, what)
    lib.equal(views(once), seen, what)
    once.events(BETWEEN)
    again(once, event, first, what + " after others")
    conflict(once, event, change, what + " after others")
    for b in (once, twice):
        b.run("verify")
        b.done()


def failing(before, fails):
    b = books(before)
    lib.equal(b.ask("quarantine", "list"), [], "quarantine")
    # What fell due by then is written by the first event that comes, also one that fails: bring one before.
    b.events([made("account", "tick", 100, name="A")])
    known = tables(b, OWN)
    firsts = []
    for n, (event, words) in enumerate(fails):
        event = {**event, "id": event["id"] if event["id"] == "k" and words == "grant of this id" else f"k{n}"}
        what = f"{event['type']} {event['data']}"
        first = submit(b, event)
        lib.equal((first[0], first[1]), (1, "refused\n"), what)
        assert words in first[2], (what, words, first[2])
        if event["time"] == at(100):
            differ(known, tables(b, OWN), what)
        firsts.append((event, first, what))
    for event, first, what in firsts:
        again(b, event, first, what)
    conflict(b, firsts[0][0], {"reason": "other"}, firsts[0][2])
    # The first answer stays, also when there would be enough by now.
    b.events([grant("rich", 101, 100000), made("limit", "wide", 102, limit="tight", currency="c", amount="99999", per="day")])
    for event, first, what in firsts:
        again(b, event, first, what + ", with means")
    b.run("verify")
    b.done()


def strange():
    b = books()
    before, seen = tables(b), views(b)
    for event, words in STRANGE:
        what = f"{event['type']} {event['data']}"
        for n in range(2):
            code, out, err = submit(b, event)
            lib.equal((code, out), (1, "quarantined\n"), what)
            assert words in err, (what, words, err)
        differ(before, tables(b), what)
    lib.equal(len(b.ask("quarantine", "list")), len(STRANGE), "once each in quarantine")
    lib.equal(views(b), seen, "views")
    b.run("verify")
    b.done()


COMMANDS = (
    ("account", "a", "--name", "B"), ("grant", "a", "c", "30"), ("charge", "a", "R", "4"), ("charge", "a", "F"),
    ("hold", "a", "R", "2"), ("hold", "a", "--currency", "c", "--amount", "3"), ("extend", "a", "o", "--amount", "25"),
    ("capture", "a", "o", "12"), ("release", "a", "o", "5"), ("reverse", "a", "u", "3", "--of-source", "test"),
    ("adjust", "a", "c", "--reason", "x", "--", "-5"), ("convert", "a", "c", "d", "40", "--rate", "0.5"),
    ("transfer", "a", "c", "11", "--to", "b"), ("void", "a", "h"), ("reset", "a", "c"), ("limit", "a", "c", "7", "month"),
    ("charge", "a", "R", "5000"), ("void", "a", "nobody"), ("capture", "a", "nobody"), ("charge", "a", "NEW"))


def commands(*words):
    b = books()
    options = [words[0], "--id", "k", "--time", at(100), *words[1:]]
    first = b.run(*options, ok=(0, 1))
    before, seen = tables(b), views(b)
    for n in range(2):
        second = b.run(*options, ok=(0, 1))
        wanted = first.stdout if first.stdout == "quarantined\n" else first.stdout.strip() + " (known before)\n"
        lib.equal((second.returncode, second.stdout, second.stderr), (first.returncode, wanted, first.stderr), words)
        differ(before, tables(b), words)
        lib.equal(views(b), seen, words)
    if first.stdout != "quarantined\n":
        other = b.run(*options[:4], at(99), *options[5:], ok=(1,))
        lib.equal(other.stdout, "quarantined\n", words)
        assert "known already with other content" in other.stderr, other.stderr
        differ(before, tables(b), words)
    b.run("verify")
    b.done()


def closing():
    """A period is closed once, at whatever time it is asked for again; one that was not over may be closed when it is."""
    b = books()
    lib.equal(b.run("close", "2022-01", "--time", at(100), ok=None).returncode, 1, "not over")
    lib.equal(b.run("close", "2022-01", "--time", "2022-02-02").returncode, 0, "over by now")
    before = tables(b)
    for when in (("--time", "2022-02-02"), ("--time", "2022-02-03"), ()):
        done = b.run("close", "2022-01", *when)
        lib.equal(done.stdout, "2 accounts: 0 closed, 2 closed before, 0 refused\n", f"closed before {when}")
        differ(before, tables(b), "closed before")
    lib.equal(b.ask("quarantine", "list"), [], "closing again")
    # An account that came since is closed, too.
    b.events([grant("new", 5, 1, account="n")])
    b.run("close", "2022-01", "--time", "2022-02-05")
    lib.equal(sorted(e["account"] for e in b.ask("events", "--outcome", "applied") if e["type"] == "scrip.close"),
              ["a", "b", "n"], "closed")
    b.run("verify")
    b.done()


def rerating():
    b = books()
    b.write("rates.csv", RATES.replace("R,2", "R,3"))
    options = ("rerate", "--service", "rates", "--time", "2022-02-02")
    b.run(*options)
    before, seen = tables(b), views(b)
    for when in (options, options[:3]):
        b.run(*when)
        differ(before, tables(b), "rerated before")
        lib.equal(views(b), seen, "rerated before")
    b.run("verify")
    b.done()


faults = []
stories = [(taken, story) for story in TAKEN]
stories += [(failing, (before, [f[1:] for f in FAILS if f[0] == before])) for n, (before, *_) in enumerate(FAILS)
            if before not in [f[0] for f in FAILS[:n]]]
stories += [(strange, ()), *((commands, words) for words in COMMANDS), (closing, ()), (rerating, ())]
for part, story in stories:
    try:
        part(*story)
    except AssertionError as fault:
        faults.append(f"{part.__name__}: {fault}")
print("\n\n".join(faults) or f"{len(stories)} stories")
sys.exit(1 if faults else 0)
