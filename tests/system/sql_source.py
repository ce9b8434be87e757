"""sql_source.py - [source/sqlite] and [source/postgres]: rows of a table or query by a key that only grows. The same story on
both: what comes is charged once; what vanishes, comes late or goes back is noticed; a run that is killed goes on."""
import os
import sqlite3
import subprocess
import time

import lib
import pg

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
overdraft = debt
[service/metered feed]
currency = credits
[source/%s usage]
%s
key = n
map.time = at
map.account = team
map.product = product
map.user = who?
map.amount = credits
"""
MAKE = """create table jobs (n bigint primary key, at text, team text, product text, who text, credits numeric)"""


class Sqlite:
    kind = "sqlite"

    def __init__(self):
        self.path = os.path.join(lib.tempfile.mkdtemp(prefix="scrip-test-"), "app's.db")
        self.section = f"file = {self.path}\n"

    def do(self, sql):
        with sqlite3.connect(self.path) as db:
            db.executescript(sql)
        db.close()

    def done(self):
        lib.shutil.rmtree(os.path.dirname(self.path))


class Postgres:
    kind = "postgres"

    def __init__(self):
        self.schema = lib.Schema()
        self.section = f"connection = {self.schema.connection}\nretry = 20s\n"

    def do(self, sql):
        self.schema.psql(sql)

    def done(self):
        self.schema.drop()


def rows(first, count, product="P"):
    return "".join(f"insert into jobs values ({n}, '2022-01-{1 + n % 28:02} 10:00:00', 'a', '{product}', null, {n}.25);\n"
                   for n in range(first, first + count))


def owed(b):
    return {r["product"]: r["amount"] for r in b.ask("usage", "--by", "product")}


def sums(numbers):
    numbers = list(numbers)
    return format(sum(numbers) + lib.Decimal("0.25") * len(numbers), ".2f")


def suite(db):
    """What plugin.h asks of every source."""
    db.do(MAKE.replace("jobs", "suite") + ";" + rows(0, 40).replace("jobs", "suite"))
    lib.keeps("source/" + db.kind, *[line.replace(" = ", "=", 1) for line in db.section.splitlines()], "table=suite", "key=n", "map.time=at",
              "map.account=team", "map.product=product", "map.amount=credits")


def story(db):
    db.do(MAKE)
    b = lib.Books(CONFIG % (db.kind, db.section + "table = jobs"))
    assert "0 rows read" in b.run("run").stdout
    db.do(rows(0, 40))
    assert "40 charged" in b.run("run").stdout
    lib.equal(owed(b), {"P": sums(range(40))}, db.kind)
    done = b.run("run")
    assert "0 rows read" in done.stdout and not done.stderr, done.stderr
    lib.equal([c["id"] for c in b.ask("events")][:3], ["0", "1", "2"], "a row's id is its key")
    # New rows; rows with a gap before them.
    db.do(rows(40, 5) + rows(50, 5))
    assert "10 rows read" in b.run("run").stdout
    # What came late, with keys in the gap, is found.
    db.do(rows(45, 2))
    done = b.run("run")
    assert "2 rows came late, with keys up to 54" in done.stderr and "2 charged" in done.stdout, done.stderr + done.stdout
    lib.equal(owed(b), {"P": sums([*range(47), *range(50, 55)])}, "late")
    assert not b.run("run").stderr
    # What vanished is told once, and stays in the books.
    db.do("delete from jobs where n < 10")
    done = b.run("run")
    assert "10 rows that were read are not there any more" in done.stderr and "0 rows read" in done.stdout, done.stderr
    db.do(rows(55, 1))
    done = b.run("run")
    assert "1 rows read" in done.stdout, done.stdout
    assert not b.run("run").stderr
    # The table is another one: keys go back. The same keys with other content are conflicts, and in quarantine.
    db.do("delete from jobs; " + rows(3, 1) + rows(5, 1, "Q") + rows(47, 3))
    done = b.run("run", ok=(1,))
    assert "keys went back: the row with key 55" in done.stderr, done.stderr
    assert "3 charged" in done.stdout and "1 duplicate" in done.stdout and "1 quarantined" in done.stdout, done.stdout
    lib.equal(owed(b), {"P": sums(range(56))}, "after keys that went back")
    b.run("verify")
    b.done()
    db.do("drop table jobs")


def faults(db):
    db.do(MAKE.replace("primary key", ""))
    for more, sql, words, code in (
            ("", "", "want one of table, query and query_file", 2),
            ("table = nothing", "", "nothing", 3), ("query = select 1 as n", "", "a column is missing", 2),
            ("table = jobs", rows(1, 1) + rows(1, 1), "1 is there twice: name a column that is unique", 2),
            ("table = jobs", "delete from jobs; insert into jobs values (null, '', '', '', '', 1);", "1 rows have no n from 0 on", 2),
            ("table = jobs", "delete from jobs; " + rows(7, 1).replace("(7,", "(-7,"), "1 rows have no n from 0 on", 2),
            ("query = delete from jobs returning *", "", "this select is refused", 3),
            ("query = select 'x' as n, at, team, product, who, credits from jobs", "delete from jobs; " + rows(7, 1), "", None)):
        if sql:
            db.do(sql)
        b = lib.Books(CONFIG % (db.kind, db.section + more))
        done = b.run("run", ok=None if code is None else (code,))
        if code is None:  # the databases compare texts with numbers each in its way
            assert done.returncode in (2, 3) and ("'x' is no whole number from 0" in done.stderr or "refused" in done.stderr), done.stderr
        else:
            assert words in done.stderr, (more, done.stderr)
        b.done()
    db.do("drop table jobs")
    # Rows that are bad go to quarantine as they stood; a query; another id; a NULL is no text.
    db.do(MAKE)
    db.do(rows(1, 3) + "update jobs set at = 'some \"day\"' where n = 2; insert into jobs values (4, '2022-01-01', 'b', 'P', null, 9);")
    b = lib.Books(CONFIG % (db.kind, db.section + "query_file = q.sql\nfilter.team = a\nidentity = product, at"))
    b.write("q.sql", "-- jobs\nselect * from jobs where credits > 0;\n")
    done = b.run("run", ok=(1,))
    assert "2 charged" in done.stdout and "1 quarantined" in done.stdout and "1 filtered" in done.stdout, done.stdout
    bad = b.ask("quarantine", "list")[0]
    assert "some \"day\"" in bad["reason"] and "is not a time" in bad["reason"], bad
    assert '{"n":"2","at":"some \\"day\\"","team":"a","product":"P","who":"","credits":"2.25"}' in b.run("quarantine", "show", bad["key"]).stdout
    assert sorted(e["id"] for e in b.ask("events"))[0] == "P|2022-01-02 10:00:00"
    db.do("update jobs set at = '2022-01-03' where n = 2")
    b.done()
    db.do("drop table jobs")


def kills(db, count=3000):
    """Killed at any moment, it ends as if it had not been."""
    db.do(MAKE)
    db.do("with recursive c(n) as (select 1 union all select n + 1 from c where n < %d) insert into jobs select n, '2022-01-01', 'a' "
          "|| (n %% 5), 'P', 'u', n from c" % count)
    def make():
        return lib.Books(CONFIG % (db.kind, db.section + "table = jobs"))

    books = [make(), lib.killed(make)]
    books[0].run("run")
    books[1].run("run")
    for words in (("balance", "--format", "csv"), ("usage", "--by", "account,user", "--format", "csv"), ("verify",)):
        lib.equal(books[1].run(*words).stdout, books[0].run(*words).stdout, "after kills")
    lib.equal(owed(books[1]), {"P": f"{count * (count + 1) // 2}.00"}, "the sum")
    for b in books:
        b.done()
    db.do("drop table jobs")


for kind in (Sqlite, Postgres):
    db = kind()
    story(db)
    suite(db)
    faults(db)
    kills(db)
    db.done()

# More rows than one statement asks for.
db = Sqlite()
db.do(MAKE)
db.do("with recursive c(n) as (select 1 union all select n + 1 from c where n < 10000) insert into jobs select n, '2022-01-01', 'a', 'P', "
      "'u', 1 from c")
b = lib.Books(CONFIG % (db.kind, db.section + "table = jobs\nbusy = 1s"))
assert "10000 charged" in b.run("run").stdout
# Another program that writes is waited for, and then told of.
locked = sqlite3.connect(db.path, isolation_level=None)
locked.execute("begin exclusive")
done = b.run("run", ok=(3,))
assert "database is locked" in done.stderr, done.stderr
locked.execute("commit")
locked.close()
b.run("run")
b.done()
db.done()

# The example of conf/, as it stands: 90 min CPU, 10 + 20.5 + 1.5 min GPU.
b = lib.Books(None)
lib.shutil.copytree(os.path.join(lib.ROOT, "conf"), os.path.join(b.folder, "conf"))
b.config = os.path.join(b.folder, "conf", "jobs.ini")
os.chmod(b.config, 0o600)
with open(os.path.join(b.folder, "conf", "jobs", "jobs.sql")) as made, sqlite3.connect(os.path.join(b.folder, "jobs.db")) as app:
    app.executescript(made.read())
b.run("init")
assert "4 charged" in b.run("run").stdout
lib.equal(owed(b), {"CPU": "9.00", "GPU": "25.60"}, "conf/jobs.ini")
app.execute("update jobs set finished = '2022-03-04', seconds = 60 where finished is null")
app.commit()
done = b.run("run")
assert "1 rows came late" in done.stderr and "1 charged" in done.stdout, done.stderr
lib.equal(owed(b), {"CPU": "9.10", "GPU": "25.60"}, "a job that was done later")
app.close()
b.done()

# By a profile of one's own, which is for a database as for a file; and followed.
db = Sqlite()
b = lib.Books(CONFIG.split("[source")[0] + "[source/csv feed]\nfiles = in/*.csv\nmap.time = at\nconst.account = a\nmap.amount = n\n"
              "const.product = F\n[source/sqlite usage]\nprofile = ./jobs.profile\n" + db.section + "table = jobs\nskip.who|user = root\n")
b.write("jobs.profile", "[source/sqlite]\nkey = n\nmap.time = at\nmap.account = team\nmap.product = product\nmap.amount = credits\n"
        "identity = job|n, product\n")
f = lib.Following(b)
f.wait("no database", lambda: "unable to open" in f.said())
os.mkdir(os.path.join(b.folder, "in"))
b.write("in/a.csv", "at;n\n2022-01-01;3\n")
f.wait("another source", lambda: owed(b) == {"F": "3.00"})
db.do(MAKE + ";" + rows(0, 3) + "insert into jobs values (5, '2022-01-01', 'a', 'R', 'root', 1)")
f.wait("a table", lambda: owed(b) == {"F": "3.00", "P": sums(range(3))})
db.do(rows(6, 1))
f.wait("a row", lambda: owed(b) == {"F": "3.00", "P": sums([0, 1, 2, 6])})
lib.equal((f.end(), f.said().count("unable to open"), "tried again" in f.said()),
          ({"read": 6, "charged": 5, "filtered": 1}, 1, True), "followed")
lib.equal(b.ask("events")[-1]["id"], "6|P", "an id of columns, the first by its second name")
b.done()
db.done()

# Orders in a shop's database are priced by a sheet, as those in a file are.
db = Sqlite()
db.do("create table orders (n integer, at text, team text, article text, many integer);"
      "insert into orders values (1, '2022-03-01', 'a', 'PACK', 3), (2, '2022-03-02', 'a', 'BOX', 1)")
b = lib.Books(CONFIG.split("[source")[0] + "[source/sqlite orders]\n" + db.section + "table = orders\nkey = n\ntype = scrip.grant\n"
              "map.time = at\nmap.account = team\nmap.product = article\nmap.quantity = many\nprices = prices.csv\n")
b.write("prices.csv", "product,currency,units,price,price_currency,term\nPACK,credits,100,9.50,USD,P1Y\n")
done = b.run("run", ok=(1,))
assert "1 applied" in done.stdout and "1 quarantined" in done.stdout, done.stdout
assert "'BOX': has no price: add a row to prices.csv" in b.run("quarantine", "list").stdout
lib.equal([(g["grant"], g["issued"], g["expires"][:10]) for g in b.ask("balance", "--by", "grant", "--as-of", "2022-03-03")],
          [("1", "300.00", "2023-03-01")], "an order")
b.done()
db.done()

# PostgreSQL: types as they are, a schema's table, a server that restarts in the middle.
try:
    server = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
where = server.connection
pg.psql(where, 'create schema "my app"; create table "my app"."Jobs" (n int generated always as identity, at timestamptz, team text, '
               "product text, who text, credits numeric(20, 4))")
pg.psql(where, """insert into "my app"."Jobs" (at, team, product, credits) select timestamptz '2022-01-01 00:00:00.5+02' + g * interval '1 s',
               'a', 'P', 0.5 from generate_series(1, 9000) g""")
b = lib.Books(CONFIG % ("postgres", f"connection = {where}\ntable = my app.Jobs\nretry = 20s"))
assert "9000 charged" in b.run("run").stdout
lib.equal((b.ask("events")[0]["time"], owed(b)), ("2021-12-31T22:00:01.5Z", {"P": "4500.00"}), "times with zones, numbers")
pg.psql(where, """insert into "my app"."Jobs" (at, team, product, credits) select '2022-01-02', 'a', 'P', 0.5 from generate_series(1, 9000) g""")
server.kill()
process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(0.5)
server.start()
out, err = process.communicate(timeout=60)
lib.equal((process.returncode, "9000 charged" in out), (0, True), err)
lib.equal(owed(b), {"P": "9000.00"}, "after a server that came back")
server.kill()
c = lib.Books(CONFIG % ("postgres", f"connection = {where} password=geheim-123\ntable = jobs\nretry = 0s"))
done = c.run("run", ok=(3,))
assert "cannot be reached" in done.stderr and "geheim" not in done.stderr, done.stderr
c.done()
b.done()
server.remove()
