"""postgres_writers.py - eight processes write to the same accounts of one PostgreSQL: the books come out exact, also where the
server is killed with kill -9 and started again four times meanwhile.

WRITERS, EVENTS (of each writer), ACCOUNTS and SEED change it.
"""
import json
import os
import random
import subprocess
import sys
import time

import lib
import pg_proxy
from lib import pg

WRITERS, EVENTS = int(os.environ.get("WRITERS", "8")), int(os.environ.get("EVENTS", "400"))
SEED = int(os.environ.get("SEED", "1"))
ACCOUNTS, SHARED, PARTS = int(os.environ.get("ACCOUNTS", "200")), 20, 20
BACKOFF_CAP = 0.5  # seconds: BACKOFF_CAP_US of the store
CONFIG = """[store/postgres]
connection = %s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


def books(connection):
    b = lib.Books(CONFIG % connection)
    b.write("rates.csv", "product,from,to,rate,per,currency\n" + "".join(f"P{n},,,{n}.25,1,credits\n" for n in range(1, 20)))
    b.events([lib.event("grant", f"g{n:05}", f"acct{n:04}", "2022-01-01T00:00:00Z", currency="credits", amount="1000000")
              for n in range(ACCOUNTS)])
    return b


def feed(b, writer, count):
    """Usage of one instant, so that nothing is late, whoever is first; some of it is in the feed of the next writer, too."""
    rand = random.Random(writer)
    def usage(of, n):
        pick = random.Random(f"{of}/{n}")
        return lib.event("usage", f"u{of}-{n:06}", f"acct{pick.randrange(ACCOUNTS):04}", "2022-02-01T00:00:00Z",
                         product=f"P{pick.randrange(1, 20)}", user=f"user{pick.randrange(50)}", quantity=str(pick.randrange(1, 9)))
    events = [usage(writer, n) for n in range(count)] + [usage((writer + 1) % WRITERS, n) for n in range(SHARED)]
    rand.shuffle(events)
    for part in range(PARTS):
        b.write(f"feed-{writer}-{part}.jsonl", "".join(json.dumps(e) + "\n" for e in events[part::PARTS]))


def start(b, writer):
    """Every second one reads a pipe, which cannot be read twice; the others several files, each with commits of its own."""
    parts = [f"{b.folder}/feed-{writer}-{part}.jsonl" for part in range(PARTS)]
    files = parts if writer % 2 == 0 else [b.write(f"feed-{writer}.jsonl", "".join(open(path).read() for path in parts))]
    with open(files[0]) as feed:
        return subprocess.Popen([lib.SCRIP, "-c", b.config, "ingest", *(["-"] if writer % 2 else files), "--as", "events",
                                 "--format", "json"], stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "PGAPPNAME": f"writer{writer}"})


def prove(b, psql, acknowledged, wanted):
    """What was answered, what is stored and what was booked are the same, and nothing is missing in between."""
    usages = int(psql("select count(*) from event_rows where type = 0")[0])
    lib.equal(acknowledged, wanted, "events acknowledged as charged")
    lib.equal(usages, wanted, "events stored")
    lib.equal(int(psql("select count(*) from entry_rows r join event_rows e on e.account = r.account and e.number = r.event"
                       " where e.type = 0")[0]), wanted, "entries of charges")
    lib.equal(psql("select count(*) from (select account from event_rows group by account having count(*) <> max(number) or"
                   " min(number) <> 1) x"), ["0"], "accounts with gaps in their numbers")
    lib.equal(psql("select count(*) from account_rows a where events <> (select max(number) from event_rows e where"
                   " e.account = a.account)"), ["0"], "accounts that count otherwise")
    lib.equal(psql("select sum(charges) from day_rows"), [str(wanted)], "charges in the rollup by day")
    done = b.run("verify")
    assert " 0 findings" in done.stdout, done.stdout


def finish(running):
    """Sums of outcomes, as each process answered them."""
    sums = {}
    for process in running:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, f"exit {process.returncode}: {err}"
        for name, count in json.loads(out).items():
            sums[name] = sums.get(name, 0) + int(count)
    return sums


def together():
    schema = lib.Schema()
    b = books(schema.connection)
    for writer in range(WRITERS):
        feed(b, writer, EVENTS)
    begun = time.monotonic()
    running = [start(b, writer) for writer in range(WRITERS)]
    b.run("verify")  # what it sees meanwhile is one state of the books
    sums, wanted = finish(running), WRITERS * EVENTS
    print(f"{WRITERS} writers, {ACCOUNTS} accounts: {wanted} events in {time.monotonic() - begun:.1f} s: {sums}")
    lib.equal(sums["duplicate"], WRITERS * SHARED, "duplicates answered")
    prove(b, schema.psql, sums["charged"], wanted)
    b.done()
    schema.drop()


def killed():
    """Each writer goes on by itself: what it was not answered for, it asks about when the server is back."""
    try:
        server = pg.Server(max_wal_size="64MB")
    except pg.Missing as reason:
        lib.skip(reason)
    b = books(server.connection)
    for writer in range(WRITERS):
        feed(b, writer, EVENTS * 6)
    running, kills = [start(b, writer) for writer in range(WRITERS)], 0
    while kills < 4 and any(process.poll() is None for process in running):
        time.sleep(random.uniform(0.2, 0.6))
        server.kill()
        time.sleep(random.uniform(0.0, 1.0))
        server.start()
        kills += 1
    sums, wanted = finish(running), WRITERS * EVENTS * 6
    print(f"{kills} kills: {wanted} events: {sums}")
    assert kills == 4, "the writers were done before the server was killed four times: raise EVENTS"
    prove(b, lambda sql: pg.psql(server.connection, sql), sums["charged"], wanted)
    b.done()
    server.remove()


def lied_to():
    """Answers get lost, or become errors, after the server did what it was asked: also the answers to commits."""
    try:
        server = pg.Server()
    except pg.Missing as reason:
        lib.skip(reason)
    proxy = pg_proxy.Proxy(server.port, SEED)
    b = books(server.connection.replace(f"port={server.port}", f"port={proxy.port} sslmode=disable gssencmode=disable"))
    for writer in range(WRITERS):
        feed(b, writer, EVENTS)
    proxy.probability = 0.02
    sums, wanted = finish([start(b, writer) for writer in range(WRITERS)]), WRITERS * EVENTS
    proxy.probability = 0.0
    print(f"seed {SEED}: {proxy.counts}, {proxy.commits} of them to commits: {wanted} events: {sums}")
    assert proxy.commits >= 20, "hardly a commit's answer was at fault: raise EVENTS"
    assert len(proxy.counts) == len(pg_proxy.FAULTS), f"faults that never came: {proxy.counts}: raise EVENTS"
    print(f"a writer waited {max(proxy.waits):.3f} s at the longest, {sum(proxy.waits) / len(proxy.waits):.3f} s on average,"
          f" {len(proxy.waits)} times")
    assert len(proxy.waits) >= 10 and max(proxy.waits) < BACKOFF_CAP, f"waits of writers: {sorted(proxy.waits)[-5:]}"
    prove(b, lambda sql: pg.psql(server.connection, sql), sums["charged"], wanted)
    proxy.close()
    b.done()
    server.remove()


for part in (together, killed, lied_to):
    if part.__name__.startswith(os.environ.get("PART", "")):
        part()
