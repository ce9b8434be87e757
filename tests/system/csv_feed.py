"""csv_feed.py - CSV feeds as people and programs write them: what is taken in, what is not, and nothing lost or twice.

Not named csv.py: that would hide Python's own module from the tests beside it.
"""
import csv
import io
import json
import os
import random
import sqlite3
import subprocess

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
[service/ratesheet rates]
sheet = rates.csv
[source/csv feed]
"""
MAP = """files = feed.csv
const.account = team
map.time = time
map.product = product
map.user = user?
map.quantity = quantity?
map.attribute.note = note?
"""
HEAD = b"time,product,quantity,note\n"
DAY = b"2022-01-02"
OUTCOMES = ("charged", "zero", "applied", "refused", "duplicate", "quarantined", "filtered")


class Feed(lib.Books):
    def __init__(self, section=MAP, bytes=None, more=""):
        super().__init__(CONFIG + section + more)
        self.write("rates.csv", "product,rate,currency\n*,0,credits\n")
        if bytes is not None:
            self.put(bytes)

    def put(self, bytes, name="feed.csv"):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(bytes)
        return path

    def add(self, bytes, name="feed.csv"):
        with open(os.path.join(self.folder, name), "ab") as out:
            out.write(bytes)

    def take(self, *args, stdin=None, ok=(0, 1)):
        """Runs; what became of the rows adds up, and the exit says whether all was well."""
        done = subprocess.run([lib.SCRIP, "-c", self.config, *(args or ("run",)), "--format", "json"], input=stdin,
                              capture_output=True)
        assert done.returncode in ok, (done.returncode, done.stdout, done.stderr)
        self.said = done.stderr.decode()
        if done.returncode > 1:
            return None
        found = {k: int(v) for k, v in json.loads(done.stdout).items()}
        lib.equal(sum(found[o] for o in OUTCOMES), found["read"], "the sum of outcomes")
        lib.equal(done.returncode, int(found["refused"] + found["quarantined"] > 0), "exit")
        return {k: v for k, v in found.items() if v}

    def rows(self, sql):
        with sqlite3.connect(os.path.join(self.folder, "books.db")) as db:
            return db.execute(sql).fetchall()

    def events(self, *columns):
        return self.rows(f"select {', '.join(columns or ('product',))} from events order by number")

    def notes(self):
        return [json.loads(data).get("attribute.note", "") if data else "" for data, in self.events("data")]

    def bad(self):
        """(line, bytes) -> reason of what is in quarantine."""
        return {(line, bytes): reason for line, bytes, reason in
                self.rows("select line, bytes, reason from quarantine_rows order by line")}

    def again(self, known):
        """A second run finds nothing new, whatever the first one found."""
        before = self.run("head").stdout, len(self.bad())
        lib.equal(self.take(), known, "a second run")
        lib.equal((self.run("head").stdout, len(self.bad())), before, "the books after a second run")


def good(bytes, wanted, section=MAP, columns=("product",), more=""):
    """All rows are taken in, and are these; those of one instant go by their ids, so order is no matter here."""
    b = Feed(section, bytes, more)
    lib.equal(b.take(), {"read": len(wanted), "zero": len(wanted)} if wanted else {}, f"totals of {bytes[:80]!r}")
    found = [r[0] if len(columns) == 1 else r for r in b.events(*columns)]
    lib.equal(sorted(found, key=str), sorted(wanted, key=str), f"events of {bytes[:80]!r}")
    b.again({})
    b.run("verify")
    b.done()


def noted(bytes, wanted, section=MAP):
    b = Feed(section, bytes)
    b.take()
    lib.equal(sorted(b.notes()), sorted(wanted), f"notes of {bytes[:80]!r}")
    lib.equal(b.bad(), {}, "quarantine")
    b.done()


def spoilt(rows, wanted, section=MAP, head=HEAD, good_count=2):
    """Bad bytes between two good rows: those are taken, the bad ones are kept as (line, bytes, part of the reason)."""
    b = Feed(section, head + DAY + b",FIRST,1,\n" + rows + DAY + b",LAST,1,\n")
    found = b.take()
    lib.equal(found, {"read": good_count + len(wanted), "zero": good_count, "quarantined": len(wanted)},
              f"totals of {rows[:80]!r}")
    bad = b.bad()
    lib.equal(list(bad), [(line, bytes) for line, bytes, _ in wanted], f"quarantine of {rows[:80]!r}")
    for (_, reason), (_, _, part) in zip(bad.items(), wanted):
        assert part in reason, (reason, part)
    products = [p for p, in b.events()]
    assert "FIRST" in products and "LAST" in products, products
    b.again({})
    b.run("verify")
    b.done()


def refused(bytes, part, section=MAP, exit=2):
    """The feed as a whole is not taken, and the message says why."""
    b = Feed(section, bytes)
    done = b.run("run", ok=(exit,))
    assert part in done.stderr, done.stderr
    b.done()


# ---- RFC 4180 and what is near it
def rfc():
    good(HEAD + DAY + b",A,1,\n" + DAY + b",B,1,\n", ["A", "B"])
    good(HEAD + DAY + b",A,1,\n" + DAY + b",B,1,", ["A", "B"])                    # no last line end
    good((HEAD + DAY + b",A,1,\n" + DAY + b",B,1,\n").replace(b"\n", b"\r\n"), ["A", "B"])
    good((HEAD + DAY + b",A,1,\n" + DAY + b",B,1,").replace(b"\n", b"\r\n") + b"\r", ["A", "B"])
    good(b"\xef\xbb\xbf" + HEAD + DAY + b",A,1,\n", ["A"])                        # byte order mark
    good(b"\xef\xbb\xbf" + b'"time",product,quantity,note\n' + DAY + b",A,1,\n", ["A"])
    good(b"", [])
    good(b"\n\r\n\n", [])
    good(HEAD, [])
    good(HEAD[:-1], [])
    good(b"\n\n" + HEAD + b"\n\r\n" + DAY + b",A,1,\n\n\n" + DAY + b",B,1,\n\r\n", ["A", "B"])
    good(HEAD[:-1] + b",\n" + DAY + b",A,1,x,\n" + DAY + b",B,1,x\n", ["A", "B"])  # a last column without a name
    good(HEAD + DAY + b",A,1,x,\n" + DAY + b",B,1,x\n", ["A", "B"])                # the same without it in the header
    good(b' time , "product" ,quantity,note\n'.replace(b' "product" ', b'" product "') + DAY + b",A,1,\n", ["A"])
    good(b'note,"pro""duct",time\nx,A,' + DAY + b"\n", ["A"], MAP.replace("= product", "= pro\"duct"))
    noted(HEAD + DAY + b',A,1,"x"\n' + DAY + b',A,1,""\n' + DAY + b',A,1,"a""b"\n' + DAY + b',A,1,""""\n',
          ["x", "", 'a"b', '"'])
    noted(HEAD + DAY + b',A,1,"x,y"\n' + DAY + b',A,1,"two\nlines"\n' + DAY + b',A,1," x "\n',
          ["x,y", "two\nlines", " x "])
    noted(HEAD + DAY + ',A,1,"Zoë, 東京 🎉"\n'.encode(), ["Zoë, 東京 🎉"])
    noted(HEAD + DAY + b',A,1,' + b"n" * 65536 + b"\n", ["n" * 65536])


def bad_rows():
    spoilt(DAY + b",A,1\n", [(3, DAY + b",A,1\n", "too few columns (found 3, wanted 4)")])
    spoilt(DAY + b",A,1,,x\n", [(3, DAY + b",A,1,,x\n", "too many columns (found 5, wanted 4)")])
    spoilt(DAY + b",A,1,,,\n", [(3, DAY + b",A,1,,,\n", "too many columns")])
    spoilt(b",A,,\n", [(3, b",A,,\n", "time: missing")])
    spoilt(b" \n", [(3, b" \n", "too few columns")])
    spoilt(DAY + b',A"B,1,\n', [(3, DAY + b',A"B,1,\n', "cell 2: a quote inside a cell without quotes")])
    spoilt(DAY + b',"A"B,1,\n', [(3, DAY + b',"A"B,1,\n', "cell 2: text behind a closing quote")])
    spoilt(DAY + b',"A" ,1,\n', [(3, DAY + b',"A" ,1,\n', "cell 2: text behind a closing quote")])
    spoilt(DAY + b",A\0B,1,\n", [(3, DAY + b",A\0B,1,\n", "NUL")])
    spoilt(DAY + b",A\xff,1,\n", [(3, DAY + b",A\xff,1,\n", "not UTF-8")])
    for bytes in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"):
        spoilt(DAY + b"," + bytes + b",1,\n", [(3, DAY + b"," + bytes + b",1,\n", "not UTF-8")])
    spoilt(DAY + b",A\rB,1,\n", [(3, DAY + b",A\rB,1,\n", "carriage return")])
    spoilt(DAY + b",A,x,\n", [(3, DAY + b",A,x,\n", "quantity: 'x' is not a decimal number")])
    spoilt(DAY + b",A,1e400,\n", [(3, DAY + b",A,1e400,\n", "quantity")])
    spoilt(DAY + b",A,nan,\n", [(3, DAY + b",A,nan,\n", "quantity: 'nan' is not")])
    spoilt(b"2022-02-30,A,1,\n", [(3, b"2022-02-30,A,1,\n", "'2022-02-30' is not a time")])
    spoilt(DAY + b",A\x07,1,\n", [(3, DAY + b",A\x07,1,\n", "product")])
    spoilt(DAY + b"," + b"A" * 256 + b",1,\n", [(3, DAY + b"," + b"A" * 256 + b",1,\n", "product")])
    spoilt(DAY + b",,1,\n", [(3, DAY + b",,1,\n", "product: missing")])
    # An open quote costs its own line; what comes behind it is read as if it had never been.
    spoilt(DAY + b',"A,1,\n' + DAY + b",B,1,\n",
           [(3, DAY + b',"A,1,\n', "line 3, cell 2: a quote is opened here and never closed")],
           good_count=3)
    spoilt(DAY + b',"two\nlines",x,y,z,1,\n',
           [(3, DAY + b',"two\nlines",x,y,z,1,\n', "too many columns")])
    # Lines are counted in multi-line rows, too.
    spoilt(DAY + b',A,1,"a\n\n\nb"\n' + DAY + b",A,x,\n", [(7, DAY + b",A,x,\n", "quantity")], good_count=3)


def headers():
    refused(b"time,quantity\n" + DAY + b",1\n", "a column is missing")
    refused(b"time,product,product\n" + DAY + b",A,A\n", "a column is there twice")
    refused(b'time,"product\n' + DAY + b",A\n", "header")
    refused(b"time,product,\xff\n", "not UTF-8")
    refused("time,product\n".encode("utf-16"), "UTF-16")
    refused(b"time,product\n", "wanted 'product' or 'Produkt'".replace("product", "Product"),
            MAP.replace("= product", "= Product, Produkt"))
    # Two columns of a name that nobody asks for are no matter.
    good(b"x,time,product,x\n1," + DAY + b",A,2\n", ["A"])
    # Renamed: the first alias that the header has; a comma inside quotes belongs to the name.
    renamed = MAP.replace("= product", '= Product, "Product, new"').replace("= note?", '= Remark, "Note"?')
    good(b'time,"Product, new",Note\n' + DAY + b",A,x\n", ["A"], renamed)
    good(b'time,Product,"Product, new"\n' + DAY + b",A,B\n", ["A"], renamed)
    # A missing optional column; with it, what it says.
    good(b"time,product\n" + DAY + b",A\n", [("A", None)], columns=("product", "user"))
    good(b"time,product,user\n" + DAY + b",A,ann\n", [("A", "ann")], columns=("product", "user"))
    # No header in the file.
    good(DAY + b",A\n" + DAY + b",B\n", ["A", "B"], MAP + "header = time, product\n")
    good(b"\xef\xbb\xbf" + DAY + b",A", ["A"], MAP + "header = time, product\n")
    good(b"", [], MAP + "header = time, product\n")


# ---- values
def values():
    amount = MAP.replace("map.quantity = quantity?", "map.quantity = quantity")

    def numbers(cells, wanted, more):
        mark = b";" if "semicolon" in more else b"\t" if "tab" in more else b","
        row = lambda cell: mark.join([DAY, b"A", b'"' + cell.encode() + b'"', b""]) + b"\n"
        good(HEAD.replace(b",", mark) + b"".join(row(c) for c in cells), [str(w) for w in wanted], amount + more,
             ("cast(quantity as text)",))

    numbers(["1", "0", "-2", "1.50", "+3", " 4 ", ".5", "1e3", "2E-2"], [1, 0, -2, 1.5, 3, 4, 0.5, 1000, "0.02"], "")
    numbers(["1,5", "-0,25", "7"], [1.5, -0.25, 7], "delimiter = semicolon\ndecimal = comma\n")
    numbers(["1", "2.5"], [1, 2.5], "delimiter = tab\n")
    numbers(["$1,234.50", "(12.00)", "-$5", "($1,000)", "1,234,567", "12 €", "£ 3", "- 4", "1234.5", "$ 0.25"],
            [1234.5, -12, -5, -1000, 1234567, 12, 3, -4, 1234.5, 0.25], "amounts = loose\n")
    numbers(["1.234,50", "(12,00)", "1.234.567", "€ 5"], [1234.5, -12, 1234567, 5],
            "amounts = loose\ndecimal = comma\ndelimiter = semicolon\n")
    # What cannot be read without a guess is not read.
    for cell in ("1,5", "$5", "(5)", "1 234", "--5", "1.2.3", "5-", "0x10", "1_000", "five", "+-1", "-", "."):
        spoilt(DAY + b',A,"' + cell.encode() + b'",\n', [(3, DAY + b',A,"' + cell.encode() + b'",\n', "quantity")],
               amount)
    for cell in ("1,2,3", "1,23", "12,3456", "1.5,000", "--5", "(-5)", "$", "()", "1,234.5.6", ",500", "1,", "(5",
                 "5)"):
        spoilt(DAY + b',A,"' + cell.encode() + b'",\n', [(3, DAY + b',A,"' + cell.encode() + b'",\n', "quantity")],
               amount + "amounts = loose\n")
    for cell in ("1.5", "1,2,3"):
        spoilt(DAY + b',A,"' + cell.encode() + b'",\n', [(3, DAY + b',A,"' + cell.encode() + b'",\n', "quantity")],
               amount + "decimal = comma\n")


def times():
    def at(cells, wanted, more=""):
        good(b"time,product\n" + b"".join(b'"' + c.encode() + b'",A\n' for c in cells), wanted, MAP + more, ("time",))

    at(["2022-03-29", "2022-03-29T08:00:00Z", "2022-03-29T10:00:00+02:00", "2022-03-29 08:00:01", " 2022-03-30 "],
       ["2022-03-29T00:00:00Z", "2022-03-29T08:00:00Z", "2022-03-29T08:00:00Z", "2022-03-29T08:00:01Z",
        "2022-03-30T00:00:00Z"])
    at(["29.03.2022 08:05", "31.12.2022 23:59"], ["2022-03-29T06:05:00Z", "2022-12-31T22:59:00Z"],
       "time = %d.%m.%Y %H:%M\nzone = Europe/Berlin\n")
    at(["03/29/22 08:05 PM", "03/30/22 12:00 AM"], ["2022-03-29T20:05:00Z", "2022-03-30T00:00:00Z"],
       "time = %m/%d/%y %I:%M %p\n")
    at(["29-Mar-2022", "01-Dec-2022"], ["2022-03-29T00:00:00Z", "2022-12-01T00:00:00Z"], "time = %d-%b-%Y\n")
    at(["1648512000", "1648512001"], ["2022-03-29T00:00:00Z", "2022-03-29T00:00:01Z"], "time = %s\n")
    at(["2022-03-29 08:00 +0530"], ["2022-03-29T02:30:00Z"], "time = %Y-%m-%d %H:%M %z\n")
    at(["1900-01-01", "2022-01-01"], ["1900-01-01T00:00:00Z", "2022-01-01T00:00:00Z"])
    # An hour that the zone skips; the years before 1900; and what is no time.
    berlin = MAP + "time = %Y-%m-%d %H:%M\nzone = Europe/Berlin\n"
    for row, section in ((b"2022-03-27 02:30", berlin), (b"1899-12-31", MAP), (b"10000-01-01", MAP),
                         (b"2022-13-01", MAP),
                         (b"2022-1-1", MAP), (b"2022-03-29T25:00:00Z", MAP), (b"29.03.2022", MAP),
                         (b"2022-03-29 08:00 x", berlin)):
        b = Feed(section, b"time,product\n" + row + b",A\n")
        lib.equal(b.take(), {"read": 1, "quarantined": 1}, row)
        assert "is not a time" in list(b.bad().values())[0] or "does not fit" in list(b.bad().values())[0], b.bad()
        b.done()
    # Later than the clock by more than a day: kept until it has come.
    b = Feed(MAP, b"time,product\n9999-12-31T23:59:59Z,A\n2022-01-01,A\n")
    lib.equal(b.take(), {"read": 2, "zero": 1, "quarantined": 1}, "a far future")
    lib.equal(b.rows("select class, account from quarantine_rows"), [("future", "team")], "its class")
    lib.equal(b.take("quarantine", "retry"), {"read": 1, "quarantined": 1}, "too early")
    with open(b.config, "a") as out:
        out.write("[scrip]\nmax_future = 9999999d\n")
    lib.equal(b.take("quarantine", "retry"), {"read": 1, "zero": 1}, "in time")
    lib.equal(b.bad(), {}, "quarantine")
    b.run("verify")
    b.done()


def sections():
    """const, type.map, filter and skip."""
    types = """files = feed.csv
map.account = who
map.time = time
map.type = kind
map.amount = amount
map.product = product
map.grant = grant
map.class = class
const.currency = credits
type.map.bought = scrip.grant
type.map.used = scrip.usage
identity = time, kind, product
skip.kind = total, "a, b"
filter.who = team, "team, two"
[service/metered counted]
"""
    head = b"who,time,kind,amount,product,grant,class\n"
    b = Feed(types,
             head + b"team,2022-01-01,bought,100,,g1,starter\nteam,2022-01-02,used,2.5,A,,\n"
             b"team,2022-01-02,total,2.5,,,\n"
             b'team,2022-01-02,"a, b",2.5,,,\n"team, two",2022-01-01,bought,1,,g1,\nother,2022-01-01,bought,1,,,\n'
             b"team,2022-01-03,lost,1,,,\nteam,2022-01-03,,1,,,\n")
    b.write("rates.csv", "product,rate,currency\nother,1,credits\n")
    lib.equal(b.take(), {"read": 8, "applied": 2, "charged": 1, "filtered": 3, "quarantined": 2}, "types")
    lib.equal(b.events("account", "type", "product", "amount", "currency"),
              [("team", "scrip.grant", None, 100, "credits"), ("team, two", "scrip.grant", None, 1, "credits"),
               ("team", "scrip.usage", "A", "2.5", "credits")], "events")
    lib.equal([(line, "'lost'" in reason or "gives no event type" in reason) for (line, _), reason in b.bad().items()],
              [(8, True), (9, True)], "of another type")
    balance = {r["account"]: r["available"] for r in b.ask("balance")}
    lib.equal(balance, {"team": "97.50", "team, two": "1.00"}, "balance")
    b.again({})
    b.done()
    b = Feed(MAP + "const.user = ann\n".replace("user", "unit") + "const.attribute.pool = CY\n",
             HEAD + DAY + b",A,1,\n")
    b.take()
    lib.equal(b.events("unit", "data"), [("ann", '{"attribute.pool":"CY"}')], "constants")
    b.done()
    for section, part in ((MAP + "map.colour = x\n", "no such field"), (MAP + "const.id = 1\n", "const.id"),
                          (MAP + "const.quantity = 1\n", "map.quantity is there too"),
                          (MAP + "const.end = soon\n", "const.end"),
                          (MAP + "type = usage\n", "no event type"), (MAP + "type.map.x = scrip.grant\n", "map.type"),
                          (MAP + "map.id = id\nidentity = product\n", "keep one of both"),
                          (MAP + "delimiter = ,\n", "delimiter"),
                          (MAP.replace("map.time = time\n", ""), "map.time: missing"),
                          (MAP + "identity = nothing\n", "identity"),
                          (MAP + "filter.nothing = 1\n", "filter.nothing"), (MAP + 'map.unit = "a\n', "never closed")):
        refused(HEAD + DAY + b",A,1,\n", part, section)


# ---- what makes a row itself
def identity():
    # Equal rows are two usages; the file read again is none.
    b = Feed(MAP, HEAD + (DAY + b",A,1,\n") * 3 + DAY + b",B,1,\n" + DAY + b",A,1,\n")
    lib.equal(b.take(), {"read": 5, "zero": 5}, "equal rows")
    b.again({})
    b.add(DAY + b",A,1,\n" + DAY + b",B,1,\n")
    lib.equal(b.take(), {"read": 2, "zero": 2}, "more equal rows")
    lib.equal(len(b.events()), 7, "events")
    # The same rows in a file of another name: the same ids, for ordinals are counted file by file.
    with open(os.path.join(b.folder, "feed.csv"), "rb") as file:
        copy = b.put(file.read(), "copy.csv")
    lib.equal(b.take("ingest", copy, "--as", "feed"), {"read": 7, "duplicate": 7}, "a copy")
    # Days that do not ascend.
    b.add(b"2022-01-01,A,1,\n2022-01-02,A,1,\n2022-01-01,A,1,\n2022-01-02,A,1,\n")
    lib.equal(b.take(), {"read": 4, "zero": 4}, "days in any order")
    lib.equal(len(set(b.events("id"))), 11, "ids")
    b.again({})
    b.run("verify")
    b.done()
    # Columns.
    columns = MAP + "identity = time, note\n"
    b = Feed(columns,
             HEAD + DAY + b",A,1,x\n" + DAY + b",A,1,x\n" + DAY + b',B,1,"x|y"\n' +
             DAY + b",A,2,x\n" + b"2022-01-03,A,1,\n")
    lib.equal(b.take(), {"read": 5, "zero": 3, "duplicate": 1, "quarantined": 1}, "columns")
    lib.equal(b.rows("select class, line from quarantine_rows"), [("conflict", 5)], "same id, other content")
    b.again({})
    b.done()
    # Parts that could be taken for one another are not.
    b = Feed(MAP + "identity = product, note\n",
             HEAD + DAY + b",A|B,1,C\n" + DAY + b",A,1,B|C\n" + DAY + b",A%7CB,1,C\n")
    lib.equal(b.take(), {"read": 3, "zero": 3}, "parts of an id")
    b.done()
    # Long ones are cut, and stay apart by a hash.
    long = b"n" * 300
    b = Feed(MAP + "identity = note\n",
             HEAD + DAY + b",A,1," + long + b"a\n" + DAY + b",A,1," + long + b"b\n" + DAY + b",B,1,\n")
    lib.equal(b.take(), {"read": 3, "zero": 2, "quarantined": 1}, "long ids")
    assert "all of its columns are empty" in list(b.bad().values())[0]
    b.done()
    # map.id; one that is optional and absent falls back to the row.
    b = Feed(MAP + "map.id = id?\n",
             b"id,time,product\n1," + DAY + b",A\n1," + DAY + b",A\n1," + DAY + b",B\n," + DAY + b",C\n")
    lib.equal(b.take(), {"read": 4, "zero": 1, "duplicate": 1, "quarantined": 2}, "ids")
    b.put(b"time,product\n" + DAY + b",A\n" + DAY + b",A\n")
    lib.equal(b.take(), {"read": 2, "zero": 2}, "without the column")
    b.again({})
    b.done()


# ---- files that change
def files():
    rows = [b"2022-01-%02d,P%d,1,\n" % (i % 28 + 1, i) for i in range(50)]
    for section in (MAP, MAP + "identity = product\n"):
        b = Feed(section, HEAD + b"".join(rows[:10]))
        lib.equal(b.take(), {"read": 10, "zero": 10}, "at first")
        b.add(b"".join(rows[10:20]))
        lib.equal(b.take(), {"read": 10, "zero": 10}, "grown")
        b.put(HEAD + b"".join(rows[:5]))                                 # truncated
        lib.equal(b.take(), {"read": 5, "duplicate": 5}, "truncated")
        assert "changed since it was last read" in b.said, b.said
        b.put(HEAD + b"".join(rows[20:40]))                              # another file of this name
        lib.equal(b.take(), {"read": 20, "zero": 20}, "replaced")
        b.put(HEAD + b"".join(rows[20:41]))
        lib.equal(b.take(), {"read": 1, "zero": 1}, "rewritten, grown")
        os.rename(os.path.join(b.folder, "feed.csv"), os.path.join(b.folder, "feed.csv.1"))
        b.put(HEAD + b"".join(rows[41:45]))                              # rotated
        lib.equal(b.take(), {"read": 4, "zero": 4}, "rotated")
        lib.equal(b.take("ingest", os.path.join(b.folder, "feed.csv.1"), "--as", "feed"),
                  {"read": 21, "duplicate": 21}, "the old one")
        b.put(b"")
        lib.equal(b.take(), {}, "emptied")
        b.put(HEAD + b"".join(rows[:3]))
        lib.equal(b.take(), {"read": 3, "duplicate": 3}, "filled again")
        os.unlink(os.path.join(b.folder, "feed.csv"))
        b.take(ok=(2, 3))
        assert "feed.csv" in b.said, b.said
        b.run("verify")
        b.done()
    # A last row without a line end that gets one, and then grows.
    b = Feed(MAP, HEAD + DAY + b",A,1,x")
    lib.equal(b.take(), {"read": 1, "zero": 1}, "without a line end")
    b.add(b"\n" + DAY + b",B,1,y\n")
    lib.equal(b.take(), {"read": 1, "zero": 1}, "with one")
    b.again({})
    b.done()
    # A bad last row is found again by its bytes, a long one by its first ones.
    for bad in (b"x\n", b'x,"y\n', b"z" * 2000000 + b"\n", b"z" * 2000000):
        b = Feed(MAP, HEAD + bad)
        lib.equal(b.take(), {"read": 1, "quarantined": 1}, "a bad last row")
        b.again({})
        b.add((b"" if bad.endswith(b"\n") else b"\n") + DAY + b",B,1,y\n")
        lib.equal(b.take(), {"read": 1, "zero": 1}, "a good one behind it")
        lib.equal(len(b.bad()), 1, "quarantine")
        b.add(DAY + b",C,x,\n")
        b.take()
        lib.equal([line for line, _ in b.bad()], [2, 4], "lines counted on")
        b.done()


def long_rows():
    """A row of a MiB is a row, a longer one is not; and lines behind it are counted on."""
    fill = 1048576 - len(DAY + b",A,1,\n")
    b = Feed(MAP.replace("map.attribute.note = note?\n", ""),
             HEAD + DAY + b",A,1," + b"n" * fill + b"\n" + DAY + b",B,1," + b"n" * (fill + 1) + b"\n" +
             DAY + b",C,x,\n")
    lib.equal(b.take(), {"read": 3, "zero": 1, "quarantined": 2}, "long rows")
    bad = sorted(b.bad().items())
    assert bad[0][0][0] == 3 and len(bad[0][0][1]) == 65536 and "longer than 1048576 bytes" in bad[0][1], bad[0][1]
    lib.equal(bad[1][0][0], 4, "line")
    b.again({})
    b.done()
    # More columns than anybody wants.
    wide = b",".join(b"c%d" % i for i in range(1022))
    good(b"time,product," + wide + b"\n" + DAY + b",A," + b"," * 1021 + b"\n", ["A"])
    refused(b"time,product,x," + wide + b"\n", "1024 columns")


def names():
    b = Feed(MAP.replace("files = feed.csv", "files = b.csv, usage-*.csv, a[1].csv\nfolder = in [x]"))
    os.mkdir(os.path.join(b.folder, "in [x]"))
    os.mkdir(os.path.join(b.folder, "in [x]", "usage-folder.csv"))
    for name, product in (("b.csv", b"B"), ("usage-2.csv", b"U2"), ("usage-1.csv", b"U1"), ("a[1].csv", b"A1"),
                          ("a1.csv", b"no"),
                          (".usage-3.csv", b"no")):
        b.put(HEAD + DAY + b"," + product + b",1,\n", os.path.join("in [x]", name))
    lib.equal(b.take(), {"read": 4, "zero": 4}, "patterns")
    lib.equal(sorted(p for p, in b.events()), ["A1", "B", "U1", "U2"], "files")
    b.put(HEAD + DAY + b",U3,1,\n", "in [x]/usage-3.csv")
    lib.equal(b.take(), {"read": 1, "zero": 1}, "one more file")
    b.again({})
    # A link and a longer way to a file are that file.
    os.symlink("usage-1.csv", os.path.join(b.folder, "in [x]", "usage-link.csv"))
    b.again({})
    b.done()
    b = Feed(MAP.replace("feed.csv", "none-*.csv"))
    lib.equal(b.take(), {}, "no files")
    # Standard input has no place to go on from: what is known is known by its ids.
    feed = HEAD + DAY + b",A,1,\n" + DAY + b",A,1,\n" + DAY + b",B,1"
    lib.equal(b.take("ingest", "-", "--as", "feed", stdin=feed), {"read": 3, "zero": 2, "quarantined": 1},
              "standard input")
    lib.equal(b.take("ingest", "-", "--as", "feed", stdin=feed), {"read": 3, "duplicate": 2, "quarantined": 1},
              "the same again")
    lib.equal(len(b.bad()), 1, "quarantine")
    # The source that knows a file by its header.
    path = b.put(feed, "some.csv")
    lib.equal(b.take("ingest", path), {"read": 3, "duplicate": 2, "quarantined": 1}, "by its header")
    b.done()


# ---- against Python's reader
def random_rows(seed):
    rng = random.Random(seed)
    marks = ["a", "b", " ", '"', '""', ",", "\n", "\r\n", "ü", "東", ";", "\t", "%", "|", "'", "\\"]
    count = rng.randrange(1, 40)
    rows = [["".join(rng.choice(marks) for _ in range(rng.randrange(0, 9))) for _ in range(3)] for _ in range(count)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=rng.choice(["\n", "\r\n"]),
                        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow(["time", "product", "x", "note", "y"])
    for i, (x, note, y) in enumerate(rows):
        writer.writerow(["2022-01-02", f"P{i:03}", x, note, y])
    text = out.getvalue()
    if rng.random() < 0.5:
        text = text.rstrip("\r\n")
    section = MAP.replace("map.user = user?\nmap.quantity = quantity?\n", "map.attribute.x = x\nmap.reason = y\n")
    b = Feed(section, text.encode())
    found = b.take()
    read = [(p, json.loads(d) if d else {}) for p, d in b.events("product", "data")]
    # A carriage return is no part of a text: such rows are kept as they are.
    again = list(csv.reader(io.StringIO(text, newline="")))[1:]
    wanted = []
    for i, row in enumerate(again):
        lib.equal(row[2:], rows[i], "Python reads what it wrote")
        cells = {"attribute.x": row[2], "attribute.note": row[3], "reason": row[4]}
        if not any("\r" in c for c in cells.values()):
            wanted.append((row[1], {k: v for k, v in cells.items() if v}))
    lib.equal(sorted(read, key=lambda r: r[0]), wanted, f"seed {seed}")
    lib.equal(found, {k: v for k, v in (("read", count), ("zero", len(wanted)), ("quarantined",
                                                                                 count - len(wanted))) if v},
              f"totals of seed {seed}")
    b.again({})
    b.done()


def random_bytes(seed):
    """Whatever the bytes are: each row has one outcome, and those in quarantine are the file's bytes at their line."""
    rng = random.Random(seed)
    parts = [DAY, b",", b",", b"\n", b"\n", b'"', b"A", b"1", b"\r", b"\0", b"\xff", b"\xc3\xa9", b",A,1,x\n",
             DAY + b",A,1,\n"]
    feed = HEAD + b"".join(rng.choice(parts) for _ in range(rng.randrange(1, 400)))
    b = Feed(MAP, feed)
    b.take()
    lines = feed.split(b"\n")
    for line, bytes in b.bad():
        at = sum(len(l) + 1 for l in lines[:line - 1])
        lib.equal(feed[at:at + len(bytes)], bytes, f"seed {seed}, line {line}")
    b.again({})
    # Cut anywhere and read in two runs at a line end that both take for one: the same rows.
    b.run("verify")
    b.done()


def grown_at_random(seed):
    """A file that grows between runs ends as one that was there at once."""
    rng = random.Random(seed)
    rows = []
    for i in range(rng.randrange(5, 60)):
        rows.append(rng.choice([b"%s,A,1,\n", b"%s,B,1,\n", b'%s,C,1,"x\ny"\n', b"%s,D,x,\n", b"%s,E\n",
                                b"\n%s,A,2,\r\n", b'%s,"F,1,\n'])
                    % (b"2022-01-%02d" % min(28, 1 + i // rng.randrange(1, 9))))
    whole, parts = Feed(MAP, HEAD + b"".join(rows)), Feed(MAP, HEAD)
    whole.take()
    at = 0
    while at < len(rows):
        n = rng.randrange(1, 12)
        parts.add(b"".join(rows[at:at + n]))
        at += n
        parts.take()
    for what in ("id", "product"):
        lib.equal(sorted(parts.events(what)), sorted(whole.events(what)), f"seed {seed}: {what}")
    lib.equal(list(parts.bad()), list(whole.bad()), f"seed {seed}: quarantine")
    whole.done()
    parts.done()


def signs():
    """What a feed gives as consumed, taken in as adjustments: with the other sign, whatever it is; others keep theirs."""
    books = lib.Books("""[store/sqlite]
file = books.db
[currency/prepaid c]
decimals = 2
[service/metered m]
currency = c
[source/csv manual]
files = manual.csv
type = scrip.adjustment
sign = flip
amounts = loose
const.account = a
const.currency = c
map.id = id
map.time = time
map.amount = consumed
map.reason = why
""")
    books.write("manual.csv", "id,time,consumed,why\na,2022-01-02,-50,given back\nb,2022-01-03,+20.25,taken\nc,2022-01-04,(3),back\n"
                              "d,2022-01-05,none,no number\n")
    books.run("run", ok=(1,))
    lib.equal([(e["id"], e["amount"]) for e in books.ask("events", "a")], [("a", "50"), ("b", "-20.25"), ("c", "3")], "signs")
    lib.equal(books.ask("balance", "a", "--as-of", "2022-01-09")[0]["available"], "32.75", "50 - 20.25 + 3")
    lib.equal(len(books.ask("quarantine", "list")), 1, "no number")
    books.run("verify")
    books.done()


def refunds():
    """Lines above the header; amounts below 0 that give back. Read on behind the last row, too."""
    books = lib.Books("""[store/sqlite]
file = books.db
[currency/prepaid c]
decimals = 2
[service/metered vendor]
[source/csv export]
files = export.csv
skip_lines = 2
decimal = comma
amounts = loose
negative = adjustment
const.account = a
const.currency = c
map.id = id
map.time = time
map.product = product
map.amount = amount
""")
    books.run("grant", "a", "c", "100", "--time", "2022-01-01")
    books.write("export.csv", "# all usage; a, b, c\n\"\nid;time;product;amount\n1;2022-01-02;X;10,50\n2;2022-01-03;X;-2,5\n"
                              "3;2022-01-04;X;(1,00)\n4;2022-01-05;X;0\n")
    books.run("run")
    lib.equal([(e["id"], e["type"], e["amount"]) for e in books.ask("events", "a")][1:],
              [("1", "scrip.usage", "10.5"), ("2", "scrip.adjustment", "2.5"), ("3", "scrip.adjustment", "1"),
               ("4", "scrip.usage", "0")], "types")
    with open(os.path.join(books.folder, "export.csv"), "a") as out:
        out.write("5;2022-01-06;X;1\n")
    lib.equal({k: v for k, v in books.ask("run").items() if v != "0"}, {"read": "1", "charged": "1"}, "read on")
    lib.equal(books.ask("balance", "a", "--as-of", "2022-01-09")[0]["available"], "92.00", "100 - 10.5 + 2.5 + 1 - 1")
    books.write("export.csv", "# all usage\n#")
    assert "empty: it has no header yet" in books.run("run").stderr
    with open(books.config) as file:
        text = file.read()
    books.write("scrip.ini", text.replace("skip_lines = 2", "skip_lines = -2"))
    assert "skip_lines: want 0 or more" in books.run("run", ok=(2,)).stderr
    books.write("scrip.ini", text.replace("skip_lines = 2", "skip_lines = 1"))
    books.write("export.csv", "x" * (1 << 21))
    assert "skip_lines: line 1 is longer" in books.run("run", ok=None).stderr
    books.done()


for part in (signs, refunds, rfc, bad_rows, headers, values, times, sections, identity, files, long_rows, names):
    part()
first = int(os.environ.get("SEED", random.randrange(1 << 30)))
print("seed", first)
for seed in range(first, first + 12):
    random_rows(seed)
    random_bytes(seed)
    grown_at_random(seed)
