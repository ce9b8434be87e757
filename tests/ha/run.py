"""run.py - three PostgreSQL servers, one of which leads (patroni.py): the leader is killed with kill -9 again and again while hosts
write. What was acknowledged is there in the end, once; no command ended with a fault; the books prove. `make test-ha` runs it.

KILLS (3), WRITERS (4), PART (events a command: 50).
"""
import json
import os
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.path.insert(0, HERE)
import lib  # noqa: E402
import patroni  # noqa: E402
from lib import pg  # noqa: E402

KILLS, WRITERS, PART = (int(os.environ.get(name, default)) for name, default in (("KILLS", 3), ("WRITERS", 4), ("PART", 50)))
ACCOUNTS = 40
CONFIG = """[store/postgres]
connection = %s
retry = 120s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


class Writer(threading.Thread):
    """Commands one after the other, each with a few events: what ended with 0 is acknowledged."""

    def __init__(self, b, number, stop):
        super().__init__()
        self.b, self.number, self.stop = b, number, stop
        self.acknowledged, self.faults, self.longest = [], [], 0.0

    def run(self):
        part = 0
        while not self.stop.is_set():
            ids = [f"w{self.number}-{part:05}-{n:03}" for n in range(PART)]
            path = self.b.write(f"part-{self.number}.jsonl", "".join(json.dumps(lib.event(
                "usage", i, f"acct{hash_of(i) % ACCOUNTS:02}", "2022-02-01T00:00:00Z", product="RENDER", user="kim")) + "\n" for i in ids))
            begun = time.monotonic()
            done = subprocess.run([lib.SCRIP, "-c", self.b.config, "ingest", path, "--as", "events"], capture_output=True, text=True)
            self.longest = max(self.longest, time.monotonic() - begun)
            if done.returncode == 0:
                self.acknowledged += ids
                part += 1  # else the same events again
            else:
                self.faults.append(f"exit {done.returncode}: {done.stderr.strip()}")
            os.unlink(path)


def hash_of(text):
    return sum(ord(c) * (n + 1) for n, c in enumerate(text))


def main():
    try:
        cluster = patroni.Cluster()
    except pg.Missing as reason:
        lib.skip(reason)
    stop, writers = threading.Event(), []
    try:
        cluster.wait_whole()
        b = lib.Books(CONFIG % cluster.connection)
        b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\n")
        b.events([lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="10000000")
                  for n in range(ACCOUNTS)])
        writers = [Writer(b, n, stop) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        for kill in range(KILLS):
            time.sleep(random.uniform(2, 4))
            old = cluster.leader()
            old.kill()
            begun = time.monotonic()
            while (new := cluster.leader()) in (None, old):
                assert time.monotonic() - begun < 90, "nobody leads:\n" + "\n".join(cluster.log(n) for n in cluster.nodes)
                time.sleep(0.2)
            print(f"kill {kill + 1}: {old.name}, {new.name} leads after {time.monotonic() - begun:.1f} s", flush=True)
            time.sleep(2)
            old.start()
            cluster.wait_whole()
        time.sleep(2)
        stop.set()
        for writer in writers:
            writer.join()
        prove(b, cluster, writers)
        b.done()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
        cluster.remove()


def prove(b, cluster, writers):
    acknowledged = sorted(i for writer in writers for i in writer.acknowledged)
    stored = pg.psql(cluster.connection, "select id from event_rows where type = 0 order by id collate \"C\"")
    lost = sorted(set(acknowledged) - set(stored))
    assert not lost, f"{len(lost)} acknowledged events are lost: {lost[:5]}"
    lib.equal(len(stored), len(set(stored)), "events, each once")
    lib.equal(stored, acknowledged, "events stored, and those acknowledged")
    faults = [fault for writer in writers for fault in writer.faults]
    assert not faults, f"{len(faults)} commands ended with a fault: {faults[:3]}"
    b.run("verify")
    print(f"{KILLS} kills, {len(writers)} writers: {len(acknowledged)} events acknowledged, all there once; the longest command took"
          f" {max(writer.longest for writer in writers):.1f} s; verify finds nothing")


main()
