"""postgres.py - what stands between an operator and the store on PostgreSQL is said plainly, with exit 3 and nothing half done;
and what people find there with psql.
"""
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import lib
import pg_proxy
from lib import pg

CONFIG = """[store/postgres]
connection = %s
retry = 1s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


def books(connection):
    b = lib.Books(CONFIG % connection)
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\n")
    return b


def told(connection, words, *patterns):
    """A command that must fail, and the words that say why."""
    b = books(connection)
    done = b.run(*words, ok=(3,))
    for pattern in patterns:
        assert re.search(pattern, done.stderr), f"{words}: wanted {pattern!r}, found {done.stderr!r}"
    assert len(done.stderr.splitlines()) == 1 and done.stdout == "", done
    b.done()


def events(count=3):
    return [lib.event("grant", "g1", "acct", "2022-01-01T00:00:00Z", currency="credits", amount="100"),
            *(lib.event("usage", f"u{n}", "acct", "2022-01-02T00:00:00Z", product="RENDER", user="kim") for n in range(count))]


def hba(server, lines):
    """Who may come in how: these lines before the others."""
    path = os.path.join(server.data, "pg_hba.conf")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(lines + text)
    server.process.send_signal(signal.SIGHUP)


def doors(server):
    where = server.connection
    pg.psql(where, "create role locked login password 'right'")
    pg.psql(where, "create database shop owner locked")
    pg.psql(where, "create database bytes encoding 'SQL_ASCII' template template0 locale 'C'")
    hba(server, "host all locked 127.0.0.1/32 scram-sha-256\n")
    of = where.replace("user=scrip", "user=locked").replace("dbname=postgres", "dbname=shop")
    told(of + " password=wrong", ["init"], "password authentication failed for user \"locked\"")
    told(of, ["init"], "no password supplied")
    told(of.replace("shop", "none") + " password=right", ["init"], "database \"none\" does not exist")
    told(where.replace(f"port={server.port}", f"port={pg.free_port()}"), ["init"], "Connection refused")
    told(where.replace("dbname=postgres", "dbname=bytes"), ["init"], "encoding is SQL_ASCII: make one with encoding UTF8")
    told(where.replace("user=", "usre="), ["init"], 'invalid connection option "usre"')
    # libpq's own ways: a password file, the environment.
    b = books(of.replace("dbname=shop", "") + " passfile=" + os.path.join(server.folder, "passwords"))
    path = os.path.join(server.folder, "passwords")
    with open(path, "w") as file:
        file.write("127.0.0.1:*:*:locked:right\n")
    os.chmod(path, 0o600)
    os.environ["PGDATABASE"] = "shop"
    b.run("init")
    del os.environ["PGDATABASE"]
    b.done()
    told(of.replace("user=locked", "user=scrip").replace("dbname=shop", "dbname=postgres"), ["balance"], "has no schema: run scrip init")


def rights(server):
    """A reader may read; a stranger may not; neither leaves anything behind."""
    schema = lib.Schema(server.connection)
    pg.psql(server.connection, "create role reader login; create role writer login; create role stranger login;"
            f"grant usage on schema {schema.name} to reader, writer, stranger")
    as_role = lambda name: schema.connection.replace("user=scrip", "user=" + name)  # noqa: E731
    told(as_role("stranger"), ["init"], "permission denied for schema .*42501.*grant the role its rights")
    assert schema.psql("select count(*) from pg_tables where schemaname = current_schema()") == ["0"], "half a schema"
    b = books(schema.connection)
    b.events(events())
    schema.psql(f"grant select on all tables in schema {schema.name} to reader")
    told(as_role("stranger"), ["balance"], "permission denied for table meta .*grant the role its rights")
    reader = books(as_role("reader"))
    lib.equal(reader.run("balance").stdout, b.run("balance").stdout, "what a reader sees")
    reader.run("verify")
    done = reader.run("grant", "acct", "credits", "5", ok=(3,))
    assert "permission denied" in done.stderr, done.stderr
    lib.equal(schema.psql("select count(*) from event_rows"), ["4"], "events after a refused one")
    reader.done()
    schema.psql(f"grant select, insert, update, delete on all tables in schema {schema.name} to writer")
    writer = books(as_role("writer"))
    writer.events([lib.event("usage", "w1", "acct", "2022-01-04T00:00:00Z", product="RENDER"),
                   lib.event("usage", "w2", "acct", "2022-01-04T00:00:00Z", product="UNKNOWN")])
    writer.run("quarantine", "retry", ok=(1,))
    writer.run("verify")
    writer.done()
    b.done()
    schema.drop()


def versions(server):
    schema = lib.Schema(server.connection)
    b = books(schema.connection)
    b.run("init")
    for version, mend in (("99", "use a newer scrip"), ("0", "run scrip upgrade")):
        schema.psql(f"update meta set value = '{version}' where key = 'schema'")
        for words in (["balance"], ["run"], ["init"]):
            told(schema.connection, words, f"schema version {version}, this scrip has 1: {mend}")
    schema.psql("drop table meta; create table meta (a integer)")
    told(schema.connection, ["balance"], "table 'meta' is of something else: give scrip a database or a schema of its own")
    schema.psql("drop table meta")
    told(schema.connection, ["init"], "already exists: give scrip a database or a schema of its own")
    b.done()
    schema.drop()


def parameter(name, value):
    text = name.encode() + b"\0" + value.encode() + b"\0"
    return b"S" + struct.pack("!i", len(text) + 4) + text


def too_old():
    """A server of long ago, as far as anybody asks it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(1):
            s = listening.accept()[0]
            s.recv(4096)
            s.sendall(b"R" + struct.pack("!ii", 8, 0) + parameter("server_version", "9.6.24") + parameter("server_encoding", "UTF8")
                      + b"Z" + struct.pack("!i", 5) + b"I")
            s.recv(4096)
            s.close()
    threading.Thread(target=serve, daemon=True).start()
    told(f"host=127.0.0.1 port={listening.getsockname()[1]} user=x dbname=x sslmode=disable gssencmode=disable", ["init"],
         "server 9.6.24: is too old: want 11 or newer")
    listening.close()


def full_disk(server):
    """As the server tells it; and a server that gives no answer is not waited for longer than `retry`."""
    proxy = pg_proxy.Proxy(server.port)
    schema = lib.Schema(server.connection.replace(f"port={server.port}", f"port={proxy.port} sslmode=disable gssencmode=disable"))
    b = books(schema.connection)
    b.events(events())
    proxy.faults, proxy.probability = [("53100", False)], 1.0
    told(schema.connection, ["balance"], "53100.*make room")
    proxy.faults = [("57P01", True)]
    told(schema.connection, ["balance"], "server closed the connection")
    proxy.probability = 0.0
    b.run("verify")
    b.done()
    schema.drop()
    proxy.close()


def unnamed(server):
    """Without names of statements, for poolers that forget them."""
    schema = lib.Schema(server.connection)
    b = books(schema.connection + "\nstatement_names = no")
    b.events(events(50))
    b.run("verify")
    b.run("reverse", "acct", "u3", "--of-source", "test", ok=(0, 1, 2))
    b.done()
    schema.drop()


def conforms(server):
    """Every clause of the interface, by the suite for all stores; also what only a store for several writers is asked."""
    schema = lib.Schema(server.connection)
    b = lib.Books("[scrip]\n")
    rows = b.ask("plugin", "check", "store/postgres", "--option", "connection=" + schema.connection)
    lib.equal([row for row in rows if row["result"] != "kept"], [], "clauses that are not kept")
    assert len(rows) >= 30 and any(row["test"] == "two writers" for row in rows), rows
    b.done()
    schema.drop()


def in_turns(server):
    """Two hosts in one process: see two_hosts.c."""
    schema = lib.Schema(server.connection)
    b = books(schema.connection)
    paths = [b.write(f"{n}.ini", f"[store/postgres]\nconnection = {schema.connection}\nretry = 1s\n" + "".join(
        f"[currency/prepaid {c}]\ndecimals = 2\n" for c in currencies) + f"[service/ratesheet cloud]\nsheet = {n}.csv\n")
        for n, currencies in enumerate((("credits", "flex"), ("flex", "credits")))]
    for n in range(2):
        b.write(f"{n}.csv", f"product,from,to,rate,per,currency\nP,,,{n + 1},1,credits\n")
        os.chmod(paths[n], 0o600)
    program, build = os.path.join(b.folder, "two_hosts"), os.path.dirname(lib.SCRIP)
    flags = ["-fsanitize=address,undefined"] if os.environ.get("SAN") else []
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-pthread", *flags, "-I",
                    os.path.join(lib.ROOT, "include"), "-o", program, os.path.join(lib.ROOT, "tests", "system", "two_hosts.c"),
                    os.path.join(build, "libscrip.so"), "-Wl,-rpath," + b.folder], check=True)
    os.symlink(os.path.join(build, "libscrip.so"), os.path.join(b.folder, "libscrip.so.0"))
    done = subprocess.run([program, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    b.done()
    schema.drop()


def moved(server):
    """From SQLite to PostgreSQL and back, proven equal by `migrate` itself; and what came since follows."""
    schema = lib.Schema(server.connection)
    stores = CONFIG.replace("[store/postgres]", "[scrip]\nstore = IN-USE\n[store/sqlite lite]\nfile = lite.db\n[store/sqlite back]\n"
                            "file = back.db\n[store/postgres pg]") % schema.connection
    b = books(schema.connection)

    def use(name):
        b.write("scrip.ini", stores.replace("IN-USE", name))

    def state():
        return [b.run(*words).stdout for words in (["head", "--by", "account"], ["balance", "--by", "grant"], ["usage", "--by",
                "product,user,day"], ["events"], ["quarantine", "list"], ["holds"])]
    use("lite")
    b.events(events(2500) + [lib.event("usage", "x", "acct", "2022-01-03T00:00:00Z", product="UNKNOWN"),
                             lib.event("hold", "h", "acct", "2022-01-03T00:00:00Z", currency="credits", amount="5")])
    b.run("migrate", "pg")
    b.events([lib.event("grant", "g2", "other", "2022-02-01T00:00:00Z", currency="credits", amount="7")])
    b.run("migrate", "pg")
    wanted = state()
    use("pg")
    lib.equal(state(), wanted, "what PostgreSQL answers")
    b.run("verify")
    b.events([lib.event("usage", "late", "other", "2022-02-02T00:00:00Z", product="RENDER")])
    b.run("migrate", "back")
    wanted = state()
    use("back")
    lib.equal(state(), wanted, "what SQLite answers")
    b.run("verify")
    b.done()
    schema.drop()


def seen(server):
    """What psql shows, in the words of the manual."""
    schema = lib.Schema(server.connection)
    b = books(schema.connection)
    b.events(events() + [lib.event("usage", "x", "acct", "2022-01-03T00:00:00Z", product="UNKNOWN")])
    for sql, wanted in (
            ("select account, events, entries, grants from accounts", ["acct|4|4|1"]),
            ("select number, time, type, outcome, source, id, product, user_name from events where number = 2",
             ["2|2022-01-02 00:00:00|scrip.usage|charged|test|u0|RENDER|kim"]),
            ("select account, debit, credit, currency, amount from entries where number = 2", ["acct|used|available|credits|1.25"]),
            ("select grant_id, currency, available, issued, used from grants", ["g1|credits|96.25|100.00|3.75"]),
            ("select day, product, service, currency, account, charges, amount from usage_by_day",
             ["2022-01-02|RENDER|cloud|credits|acct|3|3.75"]),
            ("select month, user_name, product, amount from usage_by_month", ["2022-01-01|kim|RENDER|3.75"]),
            ("select service, currency, rate, per from rates", ["cloud|credits|1.25|1"]),
            ("select class, account, id from quarantine", ["unpriced|acct|x"]),
            ("select account, first, last from batches", ["acct|1|4"])):
        lib.equal(schema.psql(sql), wanted, sql)
    for name in ("holds", "debts", "limits", "cursors"):
        schema.psql("select * from " + name)
    b.done()
    schema.drop()


try:
    own = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
doors(own)
rights(own)
versions(own)
too_old()
full_disk(own)
unnamed(own)
in_turns(own)
moved(own)
conforms(own)
seen(own)
