"""cli.py - the command line: help, wrong use, exit codes, formats, the same id twice; stores busy, full or broken."""
import csv
import io
import json
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

import lib

CONFIG = """[scrip]
dimensions = pool
[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = expires, created
[currency/prepaid flex]
[service/ratesheet rates]
sheet = rates.csv
[service/metered counted]
[source/events events]
files = *.jsonl
[source/csv usage]
map.account = account
map.time = time
map.product = product
map.user = user
map.quantity = quantity
files = none-*.csv
"""
RATES = "product,rate,per,currency\nRENDER,2,1,credits\nSIM,1,3,credits\nFREE,0,1,credits\n"


def books(config=CONFIG, grants=True):
    b = lib.Books(config)
    b.write("rates.csv", RATES)
    if grants:
        b.run("grant", "team", "credits", "100", "--id", "g1", "--time", "2022-01-01", "--class", "starter",
              "--expires", "2022-06-01")
        b.run("grant", "team", "credits", "50", "--id", "g2", "--time", "2022-01-01", "--class", "purchased")
    return b


def said(done, exit, *parts, out=""):
    """The exit code, one message on standard error, and nothing but `out` on standard output."""
    assert done.returncode == exit, (done.args, done.returncode, done.stdout, done.stderr)
    for part in parts:
        assert part in done.stderr, (done.args, part, done.stderr)
    if out is not None:
        lib.equal(done.stdout, out, f"standard output of {done.args}")
    if exit > 1:
        assert re.match(r"scrip: \S.*", done.stderr.splitlines()[-1]), done.stderr
    return done


def head(b):
    return b.run("head").stdout


# ---- help and wrong use
def help():
    b = lib.Books(CONFIG)
    general = b.run("--help").stdout
    lib.equal((b.run("help").stdout, b.run("-h").stdout), (general, general), "help")
    commands = re.findall(r"^  ([a-z]+)\b", general, re.M)
    assert len(commands) > 15 and len(set(commands)) == len(commands), commands
    for command in commands:
        text = b.run(command, "--help").stdout
        assert text.startswith(f"usage: scrip [-c FILE] {command} "), text
        lib.equal(b.run(command, "-h").stdout, text, "-h")
        example = re.search(r"^example: scrip -c books.ini (.*)$", text, re.M)
        assert example and example[1].startswith(command), text
        known = set(re.findall(r"^  (--[a-z-]+)", text, re.M))
        assert set(re.findall(r" (--[a-z-]+)", example[1])) <= known, (command, example[1])
        said(b.run(command, "--no-such-option", "x", ok=None), 2, command, "--no-such-option")
    assert re.match(r"scrip \d+\.\d+\.\d+, plugin ABI \d+\.\d+\n", b.run("--version").stdout)
    assert not os.path.exists(os.path.join(b.folder, "books.db")), "help made a store"
    b.done()


def no_configuration():
    """What plugins say of themselves needs none; all else says what is missing."""
    empty = tempfile.mkdtemp(prefix="scrip-test-")
    env = {name: value for name, value in os.environ.items() if name != "SCRIP_CONFIG"}
    for args, exit, found in ((["plugins"], 0, "ratesheet"), (["plugin", "help", "service/daily"], 0, "sheet (path), required"),
                              (["balance"], 2, "scrip.ini: No such file or directory: name the configuration with -c FILE"),
                              (["-c", "none.ini", "plugins"], 2, "none.ini: No such file")):
        done = subprocess.run([lib.SCRIP, *args], cwd=empty, env=env, capture_output=True, text=True)
        assert done.returncode == exit and found in done.stdout + done.stderr, (args, done)
    os.rmdir(empty)


def wrong_use():
    b = books()
    before = head(b)
    for args, part in (
            ((), "want a command"), (("grnat",), "did you mean grant"), (("frobnicate",), "unknown command"),
            (("grant",), "something is missing"),
            (("grant", "team", "credits"), "something is missing"),
            (("grant", "team", "credits", "1", "x"), "too many words"),
            (("balance", "a", "b"), "too many words"), (("ingest",), "something is missing"),
            (("balance", "--as-of"), "want a value"),
            (("balance", "--asof", "2022-01-01"), "did you mean --as-of"),
            (("balance", "--as-of", "soon"), "'soon' is no time"),
            (("balance", "-x"), "two dashes"), (("balance", "--by", "colour"), "colour"),
            (("balance", "--format", "pdf"), "pdf"),
            (("balance", "--as-of", "2022-01-01", "--before", "2022-01-01"), "before"),
            (("usage", "--by", "colour"), "colour"), (("usage",), "--by product"),
            (("usage", "--by", "product", "--where", "colour=x"), "colour"),
            (("usage", "--by", "product", "--where", "product"), "DIMENSION=VALUE"),
            (("usage", "--by", "product", "--from", "x"), "'x' is no time"),
            (("events", "--outcome", "lost"), "lost"), (("explain", "nothing"), "nothing"),
            (("quarantine", "frob"), "quarantine: want"), (("quarantine", "drop"), "quarantine: want"),
            (("quarantine", "show"), "quarantine: want"),
            (("quarantine", "show", "123456"), "123456"), (("quarantine", "drop", "123456"), "123456"),
            (("quarantine", "retry", "123456"), "123456"),
            (("quarantine", "drop", ""), "4 characters"), (("quarantine", "list", "x"), "quarantine: want"),
            (("adjust", "team", "credits", "1"), "--reason"),
            (("adjust", "team", "credits", "-1", "--reason", "x"), "behind --"),
            (("grant", "team", "credits", "ten"), "'ten' is not"),
            (("grant", "", "credits", "1"), "account"), (("grant", "a" * 256, "credits", "1"), "account"),
            (("grant", "a\nb", "credits", "1"), "account"),
            (("grant", "a\udcffb", "credits", "1"), "account"),
            (("grant", "team", "credits", "1", "--time", "1899-12-31"), "1899-12-31"),
            (("grant", "team", "credits", "1", "--time", "10000-01-01"), "10000-01-01"),
            (("grant", "team", "credits", "1", "--expires", "x"), "expires"),
            (("grant", "team", "credits", "1", "--priority", "high"), "priority"),
            (("grant", "team", "credits", "1", "--id", "x" * 256), "id"),
            (("charge", "team", "RENDER", "many"), "quantity"),
            (("charge", "team", "RENDER", "--attribute", "pool"), "NAME=VALUE"),
            (("charge", "team", "RENDER", "--attribute", "a=1", "--attribute", "a=2"), "twice"),
            (("charge", "team", "RENDER", "1", "--end", "2000-01-01", "--time", "2022-01-01"), "ends before it starts"),
            (("charge", "team", "RENDER", *("--attribute", "a=1") * 40), "options"),
            (("quote", "team", "NOTHING"), "NOTHING"),
            (("plugin", "help", "source"), "KIND/NAME"), (("plugin", "help", "service/none"), "none"),
            (("plugin", "list", "x"), "plugin"),
            (("run", "--until", "x"), "'x' is no time"), (("ingest", "nothing.csv"), "nothing.csv: No such file or directory: name a file"),
            (("ingest", "x", "--as", "nobody"), "nobody"),
            (("submit",), "nothing on standard input")):
        done = subprocess.run([lib.SCRIP, "-c", b.config, *args], input=b"", capture_output=True)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode(errors="replace")
        said(done, 2, part, out="" if args and args[0] != "ingest" else None)
    lib.equal(head(b), before, "the books after wrong use")
    lib.equal(b.ask("quarantine", "list"), [], "quarantine after wrong use")
    said(b.run("grant", "team", "credits", "0.001", "--id", "x1", ok=None), 1, "0.001", out=None)
    b.done()


def configurations():
    b = lib.Books("[store/sqlite]\n")
    for text, part in (("[store/sqlite]\n", ":1: key 'file': missing"),
                       ("[store/sqlite]\nfile = x\nfiel = y\n", ":3: key 'fiel': unknown: did you mean"),
                       ("", "no store"), ("file = x\n", ":1:"), ("[store]\n", "section [store]"),
                       ("[shop/x]\n", "section [shop/x]"),
                       ("[store/none]\nfile = x\n", "none"),
                       ("[store/sqlite]\nfile = x\nfile = y\n", ":3: key 'file': given twice"),
                       ("[store/sqlite]\nfile = x\n[store/sqlite]\nfile = x\n", ":3:"),
                       ("[store/sqlite]\nnonsense\n", ":2:"),
                       ("[store/sqlite]\nfile = a ;b\"\n", "cut"),
                       ("[store/sqlite]\nfile = " + "x" * 300 + "\n", "longer than"),
                       ("[store/sqlite\nfile = x\n", ":1:"), ("[store/sqlite]\nfile = \x01\n", "UTF-8"),
                       ("[store/sqlite]\nfile = x\n  y\n", ":3:"),
                       ("[store/sqlite]\nfile = x\n[currency/prepaid c]\ndecimals = 10\n", "decimals"),
                       ("[store/sqlite]\nfile = x\n[currency/prepaid c]\ndraw_order = colour\n", "colour"),
                       ("[store/sqlite]\nfile = x\n[service/ratesheet r]\nsheet = none.csv\n", "none.csv"),
                       ("[scrip]\nmax_future = -1d\n[store/sqlite]\nfile = x\n", "'-1d' is not a duration"),
                       ("[store/sqlite]\nfile = x\n[currency/prepaid c]\nsettle_lag = -1d\n",
                        "'-1d' is not a duration"),
                       ("[store/sqlite]\nfile = x\n[currency/prepaid c]\nterm = -P1Y\n", "'-P1Y' is no term"),
                       ("[store/sqlite]\nfile = x\n[currency/prepaid c]\nterm.trial = 0d\n", "'0d' is no term"),
                       ("[scrip]\nmax_future = P1M\n[store/sqlite]\nfile = x\n", "max_future")):
        with open(b.config, "w") as out:
            out.write(text)
        said(b.run("balance", ok=None), 3 if "none.csv" in part else 2, part)
    os.chmod(b.config, 0o666)
    said(b.run("balance", ok=None), 2, "others may write it")
    os.chmod(b.config, 0o600)
    said(b.run("-c", b.folder, "balance", ok=None), 2, "is not a file")
    said(b.run("-c", b.folder + "/none.ini", "balance", ok=None), 2, "none.ini", "-c FILE")
    b.done()


# ---- formats
def formats():
    b = books()
    b.run("charge", "team", "RENDER", "2", "--user", "ann, \"the\" boss", "--id", "c1", "--time", "2022-01-02",
          "--attribute", "pool=CY")
    b.run("charge", "team", "RENDER", "500", "--id", "c2", "--time", "2022-01-03", ok=(1,))
    b.run("charge", "team", "NOTHING", "1", "--id", "c3", "--time", "2022-01-03", ok=(1,))
    key = b.ask("quarantine", "list")[0]["key"]
    listings = (("balance",), ("balance", "team", "--by", "grant"), ("usage", "--by", "product,user"),
                ("usage", "--by", "pool"),
                ("expiring",), ("events",), ("explain", "c1"), ("quote", "team", "RENDER", "2"), ("quarantine", "list"),
                ("quarantine", "show", key), ("head",), ("head", "--by", "account"), ("plugins",),
                ("plugin", "help", "source/csv"),
                ("plugin", "help", "report/csv"), ("run",), ("ingest", os.devnull, "--as", "events"),
                ("quarantine", "retry"))
    for listing in listings:
        found = json.loads(b.run(*listing, "--format", "json", ok=(0, 1)).stdout)
        found = found if isinstance(found, list) else [found]
        rows = list(csv.reader(io.StringIO(b.run(*listing, "--format", "csv", ok=(0, 1)).stdout)))
        assert all(len(r) == len(rows[0]) for r in rows), rows
        assert b.run(*listing, ok=(0, 1)).stdout.strip(), listing
        assert found or listing[:2] == ("plugin", "help"), listing
        if listing[0] not in ("run", "ingest", "quote"):  # those tell of what they did, or of now
            lib.equal([[str(v) if v is not None else "" for v in r.values()] for r in found], rows[1:],
                      f"{listing} as JSON and CSV")
        for row in found:
            lib.equal(list(row), rows[0], "columns")
            for value in row.values():
                assert value is None or isinstance(value, str), f"{listing}: {value!r} is no string"
    # What fails prints nothing that a program could take for an answer.
    for wrong in (("explain", "nothing"), ("quote", "team", "NOTHING"), ("quarantine", "show", "ffffffff"),
                  ("usage", "--by", "colour"),
                  ("balance", "--by", "colour"), ("plugin", "help", "service/none")):
        for format in ("json", "csv", "table"):
            said(b.run(*wrong, "--format", format, ok=None), 2)
    b.done()


# ---- the same id twice
def idempotent():
    b = books(grants=False)
    grant = ("grant", "team", "credits", "100", "--id", "g1", "--time", "2022-01-01")
    charge = ("charge", "team", "RENDER", "3", "--id", "c1", "--time", "2022-01-02")
    short = ("charge", "team", "RENDER", "3000", "--id", "c2", "--time", "2022-01-02")
    adjust = ("adjust", "team", "credits", "--id", "a1", "--time", "2022-01-03", "--reason", "counted", "--", "-5")
    void = ("void", "team", "g1", "--id", "v1", "--time", "2022-01-04")
    for args, other, outcome, exit in ((grant, "101", "applied", 0), (charge, "4", "charged", 0),
                                       (short, "3001", "refused", 1),
                                       (adjust, "-6", "applied", 0), (void, "g2", "applied", 0)):
        lib.equal(said(b.run(*args, ok=None), exit, out=None).stdout, outcome + "\n", args)
        before = head(b)
        lib.equal(said(b.run(*args, ok=None), exit, out=None).stdout, outcome + " (known before)\n", args)
        at = {"grant": 3, "charge": 3, "adjust": len(args) - 1, "void": 2}[args[0]]
        changed = said(b.run(*args[:at], other, *args[at + 1:], ok=None), 1, "known already with other content",
                       out=None)
        lib.equal(changed.stdout, "quarantined\n", "same id, other content")
        lib.equal(head(b), before, "the books after the same id again")
    # Another source, another account: another event.
    lib.equal(b.run(*charge[:-4], "--id", "c1", "--time", "2022-01-02", "--source", "else", ok=(0, 1)).stdout,
              "refused\n", "another source")
    lib.equal(sorted((q["class"], q["id"]) for q in b.ask("quarantine", "list")),
              [("conflict", i) for i in ("a1", "c1", "c2", "g1", "v1")], "conflicts")
    # Without an id it follows from the content.
    named = ("account", "team", "--name", "Studio", "--time", "2022-02-01")
    lib.equal([b.run(*named).stdout for _ in range(2)], ["applied\n", "applied (known before)\n"],
              "an id from the content")
    event = json.dumps(lib.event("usage", "j1", "team", "2022-01-02T00:00:00Z", product="FREE"))
    lib.equal([b.run("submit", stdin=event).stdout for _ in range(2)], ["zero\n", "zero (known before)\n"], "submit")
    for text, part in (("{", "JSON"), ("[]", "type"), ("{}", "type"), (event + event, "JSON"),
                       ("x" * 1048578, "longer"), (event.replace("j1", ""), "id"),
                       (event.replace('"product"', '"colour"'), "colour"),
                       (event.replace('"product"', '"account"'), "account")):
        said(b.run("submit", stdin=text, ok=None), 2, part)
    b.run("verify")
    b.done()


# ---- quotes
def quotes():
    b = books()
    usages = (("RENDER", "3"), ("SIM", "1"), ("SIM", "2.5"), ("FREE", "9"), ("RENDER", "60"), ("RENDER", "1000"),
              ("RENDER", "0"),
              ("SIM", "0.0000001"), ("RENDER", "1", "--grant", "g2"), ("RENDER", "1", "--grant", "none"),
              ("RENDER", "70", "--accept", "available"),
              ("X", "1", "--amount", "0.07", "--currency", "credits"))
    for i, usage in enumerate(usages):
        before = head(b), os.stat(b.folder + "/books.db").st_size
        args = ("team", *usage, "--time", f"2022-01-{i + 2:02}", "--id", f"c{i}")
        quote = b.ask("quote", *args)
        lib.equal((head(b), os.stat(b.folder + "/books.db").st_size), before, "a quote writes nothing")
        done = b.run("charge", *args, ok=(0, 1))
        charge = b.ask("explain", f"c{i}")

        def of(rows, what):
            return [r["detail"] for r in rows if r["what"] == what]
        for what in ("line", "price"):
            lib.equal(of(quote, what), of(charge, what), f"{what} of {usage}")
        lib.equal([re.match(r"(\S+ \S+) by grant (\S+) \(", d).groups() for d in of(quote, "would pay")],
                  [re.match(r"\d+: (\S+ \S+) from available to used, grant (\S+) \(",
                            d).groups() for d in of(charge, "draw")], f"draws of {usage}")
        lib.equal(of(quote, "outcome"), ["would be " + d for d in of(charge, "outcome")], f"outcome of {usage}")
        lib.equal(of(quote, "outcome")[0].split(":")[0], "would be " + done.stdout.strip(), f"outcome of {usage}")
    b.run("verify")
    b.done()


# ---- quarantine
def quarantine():
    b = books()
    feed = ("account,time,product,user,quantity\nteam,2022-01-02,NEW,ann,2\nteam,2022-01-02,NEW,ann,2\n"
            "team,2022-01-03,RENDER,ann,x\n"
            "team,2022-01-04,RENDER\nteam,9000-01-01,RENDER,ann,1\n")
    done = b.run("ingest", b.write("feed.csv", feed), ok=(1,))
    lib.equal([(q["class"], q["line"]) for q in sorted(b.ask("quarantine", "list"), key=lambda q: int(q["line"]))],
              [("unpriced", "2"), ("unpriced", "3"), ("invalid", "4"), ("unreadable", "5"), ("future", "6")],
              "quarantine")
    for q in b.ask("quarantine", "list"):
        shown, = b.ask("quarantine", "show", q["key"])
        lib.equal(shown["bytes"].replace("\\n", "\n"), feed.splitlines(True)[int(q["line"]) - 1], "bytes")
        lib.equal((shown["reason"], shown["line"]), (q["reason"], q["line"]), "shown and listed")
    totals = b.ask("quarantine", "retry", ok=(1,))
    lib.equal((totals["read"], totals["quarantined"]), ("5", "5"), "too early")
    lib.equal(b.ask("usage", "--by", "product"), [], "usage before")
    b.write("rates.csv", RATES + "NEW,3,1,credits\n")
    totals = b.ask("quarantine", "retry", ok=(1,))
    lib.equal((totals["charged"], totals["quarantined"]), ("2", "3"), "with a mended rate sheet")
    lib.equal([(u["product"], u["amount"]) for u in b.ask("usage", "--by", "product")], [("NEW", "12.00")],
              "what they cost")
    # The feed itself, read again, is known: those that were taken in, and those that are kept.
    totals = b.ask("ingest", b.write("copy.csv", feed), ok=(1,))
    lib.equal((totals["duplicate"], totals["quarantined"], totals["charged"]), ("2", "3", "0"), "the same feed again")
    keys = {q["class"]: q["key"] for q in b.ask("quarantine", "list")}
    totals = b.ask("quarantine", "retry", keys["invalid"], ok=(1,))
    lib.equal(totals["read"], "1", "one by its key")
    b.run("quarantine", "drop", keys["future"])
    said(b.run("quarantine", "drop", keys["future"], ok=None), 2, "nothing there")
    assert "future" not in {q["class"] for q in b.ask("quarantine", "list")}
    b.run("verify")
    b.done()
    # A line of a feed is what the feed's section says, and nothing else: not an event because it looks like one.
    b = books()
    grant = json.dumps(lib.event("grant", "evil", "team", "2022-01-01T00:00:00Z", currency="credits", amount="1000000"))
    b.run("ingest", b.write("feed.csv", "account,time,product,user,quantity\n" + grant + "\n"), ok=(1,))
    before = b.run("balance").stdout
    b.run("quarantine", "retry", ok=(1,))
    lib.equal(b.run("balance").stdout, before, "a line that looks like an event")
    b.done()
    # Names too long for an event are too long for its quarantine, too, and no less kept.
    b = books()
    for size in (255, 256, 400, 480):
        done = b.events([lib.event("usage", f"n{size}", "team", "2022-01-02T00:00:00Z", product="FREE",
                                   attributes={"n" * size: "v"})])
        lib.equal(done.returncode, int(size > 255), f"a name of {size} bytes")
    for q in b.ask("quarantine", "list"):
        shown, = b.ask("quarantine", "show", q["key"])
        fields = json.loads(shown["event"] or "{}")
        assert any(k == "attribute." + "n" * len(k[10:]) and len(k) > 260 for k in fields), fields
    b.done()


# ---- when
def instants():
    b = books()
    b.run("charge", "team", "RENDER", "5", "--id", "c1", "--time", "2022-03-01T12:00:00Z")

    def available(*when):
        rows = b.ask("balance", "team", *when)
        return rows[0]["available"] if rows else None
    lib.equal(available("--as-of", "2021-12-31T23:59:59Z") or "0.00", "0.00", "before anything")
    lib.equal(available("--as-of", "2022-01-01"), "150.00", "at the grants")
    lib.equal(available("--before", "2022-01-01") or "0.00", "0.00", "before the grants")
    lib.equal(available("--before", "2022-03-01T12:00:00Z"), "150.00", "before the charge")
    lib.equal(available("--as-of", "2022-03-01T12:00:00Z"), "140.00", "at the charge")
    lib.equal(available("--before", "2022-06-01"), "140.00", "before the expiry")
    lib.equal(available("--as-of", "2022-06-01"), "50.00", "at the expiry")
    lib.equal(available("--as-of", "9999-12-31"), "50.00", "at the end of time")
    # Later than the clock by more than a day.
    said(b.run("charge", "team", "RENDER", "--time", "9999-01-01", "--id", "f1", ok=None), 1, "max_future",
         out="quarantined\n")
    b.done()


# ---- stores
def start(b, *args):
    return subprocess.Popen([lib.SCRIP, "-c", b.config, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def two_at_once():
    b = books()
    first = start(b, "ingest", "-", "--as", "usage")
    first.stdin.write("account,time,product,user,quantity\n" + "team,2022-01-02,RENDER,ann,1\n" * 3)
    first.stdin.flush()
    # It is at work once it holds the lock, which it takes before it opens the database.
    fds = f"/proc/{first.pid}/fd"
    wal = os.path.realpath(b.folder + "/books.db-wal")
    while not any(os.path.realpath(f"{fds}/{fd}") == wal for fd in os.listdir(fds)):
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    for args in (("run",), ("grant", "team", "credits", "1"), ("quarantine", "retry"), ("upgrade",), ("init",)):
        said(b.run(*args, ok=None), 3, "another scrip writes to it", out=None)
    for args in (("balance",), ("usage", "--by", "product"), ("verify",), ("head",), ("quote", "team", "RENDER")):
        b.run(*args)
    assert first.poll() is None, "the first writer is still at work"
    out, err = first.communicate("team,2022-01-03,RENDER,ann,1\n")
    lib.equal(first.returncode, 0, err)
    lib.equal(b.ask("usage", "--by", "product"), [{"product": "RENDER", "currency": "credits", "charges": "4",
                                                   "amount": "8.00"}], "usage")
    lib.equal(b.run("grant", "team", "credits", "1").returncode, 0, "afterwards")
    b.done()


def outputs():
    b = books()
    b.events([lib.event("usage", f"u{i:05}", "team", "2022-01-02T00:00:00Z", product="FREE",
                        user="someone") for i in range(3000)])
    for command in ("events", "balance", "--help"):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([lib.SCRIP, "-c", b.config, command], stdout=write, stderr=subprocess.PIPE, text=True)
        os.close(write)
        lib.equal((done.returncode, done.stderr), (3, ""), f"{command} into a pipe that nobody reads")
        with open("/dev/full", "w") as full:
            done = subprocess.run([lib.SCRIP, "-c", b.config, command], stdout=full, stderr=subprocess.PIPE, text=True)
        lib.equal(done.returncode, 3, f"{command} on a full disk")
        assert "No space left" in done.stderr, done.stderr
    b.done()


def stores():
    b = books(grants=False)
    path = os.path.join(b.folder, "books.db")
    for args in (("balance",), ("verify",), ("head",), ("usage", "--by", "product"), ("quarantine", "retry"),
                 ("quarantine", "drop", "1234")):
        said(b.run(*args, ok=None), 3, "run scrip init")
        assert not os.path.exists(path), f"{args} made a store"
    os.umask(0)
    b.run("init")
    b.run("init")
    b.run("upgrade")
    b.run("grant", "team", "credits", "5", "--id", "g1")
    for name in os.listdir(b.folder):
        if name.startswith("books.db"):
            lib.equal(stat.S_IMODE(os.stat(os.path.join(b.folder, name)).st_mode), 0o600, f"mode of {name}")
    os.umask(0o022)
    with open(path, "rb") as file:
        kept = file.read()

    def spoil(bytes, *parts, commands=(("balance",), ("run",), ("verify",), ("init",))):
        for name in os.listdir(b.folder):
            if name.startswith("books.db"):
                os.unlink(os.path.join(b.folder, name))
        if bytes is not None:
            with open(path, "wb") as out:
                out.write(bytes)
        for command in commands:
            said(b.run(*command, ok=None), 3, *parts, out=None)

    spoil(b"this is no database at all, but text " * 100, "books.db", "not a database")
    spoil(kept[:100] + os.urandom(1000) + kept[1100:], "books.db")
    spoil(kept[:5000], "books.db")
    other = sqlite3.connect(":memory:")
    other.execute("create table t (x)")
    spoil(other.serialize() if hasattr(other, "serialize") else b"SQLite", "books.db")
    for version, part in ((3, "use a newer scrip"), (1, "read its feeds into a new store")):
        spoil(None, commands=())
        with open(path, "wb") as out:
            out.write(kept)
        db = sqlite3.connect(path)
        db.execute(f"pragma user_version = {version}")
        db.close()
        for command in (("balance",), ("run",), ("init",), ("upgrade",)):
            said(b.run(*command, ok=None), 3, "schema version", part)
    spoil(None, commands=())
    os.mkdir(path)
    for command in (("balance",), ("run",), ("init",)):
        said(b.run(*command, ok=None), 3, "books.db")
    os.rmdir(path)
    b.done()
    b = books(CONFIG.replace("books.db", "none/books.db"), grants=False)
    said(b.run("init", ok=None), 3, "none/books.db")
    b.done()
    # Other decimals than the store's amounts were written with.
    b = books()
    with open(b.config, "w") as out:
        out.write(CONFIG.replace("decimals = 2", "decimals = 3"))
    said(b.run("balance", ok=None), 2, "the store keeps it with 2")
    b.done()


def nobody(b, *args):
    """The program as a user who owns nothing here."""
    def become():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    return subprocess.run([lib.SCRIP, "-c", b.config, *args], capture_output=True, text=True, preexec_fn=become)


def unwritable():
    b = books()
    os.chmod(b.config, 0o644)
    for name in os.listdir(b.folder):
        os.chmod(os.path.join(b.folder, name), 0o444)
    os.chmod(b.folder, 0o555)
    for args in (("balance",), ("run",), ("grant", "team", "credits", "1"), ("init",)):
        said(nobody(b, *args), 3, "books.db", out=None)
    os.chmod(os.path.join(b.folder, "books.db"), 0o400 if os.geteuid() == 0 else 0)
    said(nobody(b, "balance"), 3, "books.db")
    os.chmod(b.folder, 0o755)
    b.done()


def full():
    """A file that may grow no further: an error, and books as if the run had never been; then they are whole again."""
    b, whole = books(), books()
    events = [lib.event("usage", f"u{i:06}", "team", "2022-01-02T00:00:00Z", product="SIM", user=f"user-{i % 97}",
                        quantity="0.1")
              for i in range(20000)]
    for at in (b, whole):
        at.write("usage.jsonl", "".join(json.dumps(e) + "\n" for e in events))
    whole.run("run", ok=(0, 1))
    before = head(b)

    def limited(size):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        done = subprocess.run([lib.SCRIP, "-c", b.config, "run"], capture_output=True, text=True, preexec_fn=limit)
        said(done, 3, "books.db", out=None)
        b.run("verify")
    limited(200 * 1024)
    lib.equal(head(b), before, "the books after a run on a full disk")
    limited(os.stat(whole.folder + "/books.db").st_size // 2)
    b.run("run", ok=(0, 1))
    for args in (("head",), ("balance",), ("usage", "--by", "product,user")):
        lib.equal(b.run(*args).stdout, whole.run(*args).stdout, f"{args} once there is room")
    b.run("verify")
    b.done()
    whole.done()


def full_disk():
    """The same on a file system of 2 MiB, where this user may make one."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        return
    b = books(grants=False)
    b.write("usage.jsonl", "".join(json.dumps(lib.event("usage", f"u{i:06}", "team", "2022-01-02T00:00:00Z",
                                                        product="FREE", user=f"user-{i}")) + "\n"
                                   for i in range(20000)))
    os.mkdir(b.folder + "/small")
    with open(b.config, "w") as out:
        out.write(CONFIG.replace("books.db", "small/books.db"))
    done = subprocess.run(["unshare", "-m", "sh", "-c",
                           f"mount -t tmpfs -o size=2m none {b.folder}/small && touch {b.folder}/small/x || exit 77\n"
                           f"{lib.SCRIP} -c {b.config} run; code=$?; {lib.SCRIP} -c {b.config} verify; echo $code $?"],
                          capture_output=True, text=True)
    if done.returncode != 77:
        lib.equal(done.stdout.splitlines()[-1], "3 0", f"a run on a full disk, verify: {done.stderr}")
        assert "full" in done.stderr or "No space" in done.stderr, done.stderr
    b.done()


for part in (help, no_configuration, wrong_use, configurations, formats, idempotent, quotes, quarantine, instants, two_at_once, outputs,
             stores, unwritable, full,
             full_disk):
    if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
        part()
