"""postgres_backup.py - what an operator does: a back-up by pg_dump while hosts write, restored and gone on with; large tables cut
into partitions by account, as conf/README.md has it.
"""
import glob
import os
import re
import subprocess

import lib
from lib import pg

ACCOUNTS, EVENTS = 20, 20000
CONFIG = """[store/postgres]
connection = %s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/csv feed]
files = feed-*.csv
map.id = id
map.account = account
map.time = time
map.product = product
map.user = user
[source/events events]
files = none-*.jsonl
"""


def books(connection):
    b = lib.Books(CONFIG % connection)
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\n")
    return b


def feeds(b):
    """Many files, each a few commits, so that a back-up falls between them."""
    for n in range(0, EVENTS, 500):
        b.write(f"feed-{n:05}.csv", "id,account,time,product,user\n" + "".join(
            f"u{i:06},acct{i % ACCOUNTS:02},2022-01-{2 + i * 25 // EVENTS:02}T{i % 24:02}:00:00Z,RENDER,user{i % 9}\n" for i in range(n, n + 500)))


def grants(b):
    b.events([lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="100000") for n in range(ACCOUNTS)])


def tool(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def answers(b):
    return [b.run(*words).stdout for words in (["head", "--by", "account"], ["balance", "--by", "grant", "--as-of", "2022-02-10"],
                                               ["usage", "--by", "product,user,month"])]


def on(server, name):
    pg.psql(server.connection, f"create database {name} template template0 encoding 'UTF8'")
    return server.connection.replace("dbname=postgres", f"dbname={name}")


def backup(server):
    where, other = on(server, "shop"), on(server, "again")
    b = books(where)
    grants(b)
    feeds(b)
    writer = subprocess.Popen([lib.SCRIP, "-c", b.config, "ingest", *sorted(glob.glob(b.folder + "/feed-*.csv")), "--as", "feed"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    copy = os.path.join(b.folder, "copy")
    while int(pg.psql(where, "select count(*) from event_rows")[0]) <= ACCOUNTS:
        pass
    tool("pg_dump", "--format=custom", "--file", copy, "--dbname", where)
    assert writer.wait(60) in (0, 1), writer.stderr.read()
    tool("pg_restore", "--exit-on-error", "--dbname", other, copy)
    restored = lib.Books((CONFIG % other).replace("files = feed-*.csv", f"files = {b.folder}/feed-*.csv"))
    restored.write("rates.csv", open(os.path.join(b.folder, "rates.csv")).read())
    restored.run("verify")
    missing = int(pg.psql(where, "select count(*) from event_rows")[0]) - int(pg.psql(other, "select count(*) from event_rows")[0])
    restored.run("run")
    lib.equal(answers(restored), answers(b), "the restored books behind the feeds")
    restored.run("verify")
    print(f"a back-up while a host wrote: {missing} events came later, and were read again")
    assert missing > 0, "the back-up came behind all writes: raise EVENTS"
    restored.done()
    b.done()


def partitions(server):
    """The recipe of conf/README.md, word for word."""
    with open(os.path.join(lib.ROOT, "conf", "README.md")) as file:
        recipe = re.search(r"```sh\n(pg_dump (.|\n)*?)```", file.read()).group(1)
    plain, parted = on(server, "plain"), on(server, "parted")
    for where in (plain, parted):
        b = books(where)
        b.run("init")
        b.done()
    scratch = lib.Books("[scrip]\n")
    tool("bash", "-eu", "-o", "pipefail", "-c", recipe, cwd=scratch.folder, env={
        **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "scrip", "PGDATABASE": "parted"})
    scratch.done()
    kinds = pg.psql(parted, "select relname, relkind from pg_class where relname in ('event_rows', 'entry_rows') order by 1")
    lib.equal(kinds, ["entry_rows|p", "event_rows|p"], "tables in partitions")
    found = []
    for where in (plain, parted):
        b = books(where)
        grants(b)
        feeds(b)
        b.run("run")
        b.run("verify")
        found.append(answers(b))
        b.done()
    lib.equal(found[1], found[0], "books in partitions")
    rows = pg.psql(parted, "select tableoid::regclass, count(*) from event_rows group by 1 order by 1")
    print("rows in partitions:", " ".join(rows))
    assert len(rows) > 2, rows


try:
    own = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
for part in (backup, partitions):
    if part.__name__.startswith(os.environ.get("PART", "")):
        part(own)
