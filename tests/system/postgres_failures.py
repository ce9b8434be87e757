"""postgres_failures.py - failures for real: certificates that fit and that do not, a disk that is full under the tables and under the
log. A plain word each, exit 3, nothing half done; and what was not taken in is taken in later.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

import lib
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


def refused(b, words, *patterns):
    done = b.run(*words, ok=(3,))
    for pattern in patterns:
        assert re.search(pattern, done.stderr), f"{words}: wanted {pattern!r}, found {done.stderr!r}"
    return done


def told(b, words, pattern):
    refused(b, words, pattern)
    b.done()


# ---- certificates ----------------------------------------------------------------------------------------------------------

def openssl(folder, *words):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem")


def certificates(server):
    """Signed by `ours` for the name db.example."""
    for name in ("ours", "theirs"):
        authority(server.folder, name)
    openssl(server.folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db.example", "-keyout", "server.key", "-out", "server.csr")
    with open(os.path.join(server.folder, "names"), "w") as out:
        out.write("subjectAltName=DNS:db.example\n")
    openssl(server.folder, "x509", "-req", "-in", "server.csr", "-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")
    owner = os.stat(server.data)
    for name in ("server.key", "server.pem"):
        path = os.path.join(server.data, name)
        shutil.copy(os.path.join(server.folder, name), path)
        os.chown(path, owner.st_uid, owner.st_gid)
        os.chmod(path, 0o600)


def tls():
    server = pg.Server()
    certificates(server)
    root = lambda name: "sslrootcert=" + os.path.join(server.folder, name + ".pem")  # noqa: E731
    to = lambda host: server.connection.replace("host=127.0.0.1", f"host={host} hostaddr=127.0.0.1") + " "  # noqa: E731
    told(books(to("db.example") + "sslmode=verify-full " + root("ours")), ["init"], "server does not support SSL")
    server.stop()
    server.settings.update(ssl="on", ssl_cert_file="server.pem", ssl_key_file="server.key")
    server.start()
    told(books(to("db.example") + "sslmode=verify-full " + root("theirs")), ["init"], "certificate verify failed")
    told(books(to("other.example") + "sslmode=verify-full " + root("ours")), ["init"], "does not match host name \"other.example\"")
    told(books(to("db.example") + "sslmode=verify-full " + root("none")), ["init"], "root certificate file \".*none.pem\" does not exist")
    lib.equal(pg.psql(server.connection, "select count(*) from pg_tables where tablename = 'meta'"), ["0"], "schemas made by those refused")
    b = books(to("db.example") + "sslmode=verify-full " + root("ours"))
    b.run("init")
    b.run("balance")
    # Only TLS comes in: this is really what was spoken.
    with open(os.path.join(server.data, "pg_hba.conf"), "w") as out:
        out.write("hostssl all all 127.0.0.1/32 trust\n")
    pg.psql(server.connection, "select pg_reload_conf()")
    b.run("verify")
    told(books(to("db.example") + "sslmode=disable"), ["balance"], "no encryption")
    b.done()
    server.remove()


EVENTS, ACCOUNTS = 120000, 50


# ---- a full disk ----------------------------------------------------------------------------------------------------------

class Disk:
    """A file system of its own size, in memory; as root only."""

    def __init__(self, megabytes):
        self.folder = tempfile.mkdtemp(prefix="scrip-test-disk-")
        owner = pg.prefix()[1]
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700,uid={owner}", "tmpfs", self.folder], capture_output=True,
                              text=True)
        if done.returncode:
            os.rmdir(self.folder)
            raise PermissionError(done.stderr.strip())

    def grow(self, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", self.folder], check=True)

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=True)
        os.rmdir(self.folder)


def events(count):
    for n in range(ACCOUNTS):
        yield lib.event("grant", f"g{n}", f"acct{n}", "2022-01-01T00:00:00Z", currency="credits", amount="100000000")
    for n in range(count):
        yield lib.event("usage", f"u{n:07}", f"acct{n % ACCOUNTS}", "2022-01-02T00:00:00Z", product="RENDER", user=f"user{n % 100}")


def taken_in_later(b, server, path, disk, begin):
    """The feed again, when there is room."""
    disk.grow(1000)
    begin()
    psql = lambda sql: pg.psql(server.connection, sql)  # noqa: E731
    half = int(psql("select count(*) from event_rows")[0])
    lib.equal(psql("select count(*) from event_rows e where not exists (select 1 from batch_rows b where b.account = e.account and"
                   " e.number between b.first and b.last)"), ["0"], "events outside of any commit")
    b.run("verify")
    b.run("ingest", path, "--as", "events", ok=(0, 1))
    lib.equal(psql("select count(*) from event_rows"), [str(EVENTS + ACCOUNTS)], "events in the end")
    b.run("verify")
    return half


def feed(b):
    return b.write("feed.jsonl", "".join(json.dumps(e) + "\n" for e in events(EVENTS)))


def full_tables():
    """Tables on a disk of their own: the server goes on, and refuses what finds no room."""
    disk = Disk(24)
    try:
        server = pg.Server()
        pg.psql(server.connection, f"create tablespace small location '{disk.folder}'")
        pg.psql(server.connection, "alter role scrip set default_tablespace = small")
        b = books(server.connection)
        path = feed(b)
        refused(b, ["ingest", path, "--as", "events"], "No space left on device .53100.: nothing of this commit was kept: make room")
        half = taken_in_later(b, server, path, disk, lambda: None)
        print(f"full under the tables: {half} of {EVENTS} events were in, all later")
        assert half < EVENTS, "it was not full: raise EVENTS"
        b.done()
        server.remove()
    finally:
        disk.remove()


def full_log():
    """The log on a disk of its own: the server itself goes down with it."""
    disk = Disk(40)
    try:
        server = pg.Server(max_wal_size="1GB")
        server.stop()
        log = os.path.join(server.data, "pg_wal")
        shutil.copytree(log, os.path.join(disk.folder, "wal"))
        subprocess.run(["chown", "-R", str(os.stat(server.data).st_uid), disk.folder], check=True)
        shutil.rmtree(log)
        os.symlink(os.path.join(disk.folder, "wal"), log)
        server.start()
        b = books(server.connection)
        path = feed(b)
        refused(b, ["ingest", path, "--as", "events"], "scrip: store: .*(No space left|closed the connection|Connection refused)")
        assert "PANIC" in server.log(), "the server did not go down: make the disk smaller"
        half = taken_in_later(b, server, path, disk, lambda: (server.stop(), server.start()))
        print(f"full under the log: {half} of {EVENTS} events were in, all later")
        assert half < EVENTS, "it was not full: raise EVENTS"
        b.done()
        server.remove()
    finally:
        disk.remove()


try:
    for part in (tls, full_tables, full_log):
        if part.__name__.startswith(os.environ.get("PART", "")):
            try:
                part()
            except PermissionError as reason:
                print(f"left out: {part.__name__}: no file system could be mounted: {reason}")
except pg.Missing as reason:
    lib.skip(reason)
