"""postgres_lost.py - who asks while the server goes gets the same answer as ever, or a plain fault: each answer of the server is lost
once, in turn. And operations that meet another writer begin anew: quarantine retry, rerate.
"""
import json
import os
import subprocess

import lib
import pg_proxy
from lib import pg

CONFIG = """[store/postgres]
connection = %s
retry = 10s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
RATES = "product,from,to,rate,per,currency\nRENDER,,,%s,1,credits\n"
ACCOUNTS = 12


def books(connection):
    b = lib.Books(CONFIG % connection)
    b.write("rates.csv", RATES % "1.25")
    b.events([lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="1000")
              for n in range(ACCOUNTS)])
    b.events([lib.event("usage", f"u{n:04}", f"acct{n % ACCOUNTS:02}", "2022-01-02T00:00:00Z", product="RENDER", user=f"kim{n % 5}")
              for n in range(240)])
    return b


QUESTIONS = [["usage", "--by", "product,user"], ["verify"], ["balance", "--as-of", "2022-01-03"], ["events", "acct03"]]


def lost(server):
    proxy = pg_proxy.Proxy(server.port)
    schema = lib.Schema(server.connection.replace(f"port={server.port}", f"port={proxy.port} sslmode=disable gssencmode=disable"))
    b = books(schema.connection)
    for words in QUESTIONS:
        wanted, nth, tried = b.run(*words).stdout, 0, 0
        while proxy.nth is None or proxy.nth <= 0:
            nth, tried = nth + (1 if nth < 20 else 7), tried + 1
            proxy.nth, proxy.faults = nth, [pg_proxy.FAULTS[tried % len(pg_proxy.FAULTS)]]
            lib.equal(b.run(*words).stdout, wanted, f"{words}, answer {nth} lost")
        proxy.nth = None
        print(f"{' '.join(words)}: {tried - 1} of its answers lost, each in turn")
        assert tried > 5, tried
    b.done()
    schema.drop()
    proxy.close()


def start(b, *words):
    return subprocess.Popen([lib.SCRIP, "-c", b.config, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(running, codes=(0,)):
    outs = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode in codes, f"{process.args}: exit {process.returncode}: {err}"
        outs.append(out)
    return outs


def usage_feed(b, name, count):
    return b.write(name, "".join(json.dumps(lib.event("usage", f"{name}-{n:05}", f"acct{n % ACCOUNTS:02}", "2022-01-02T00:00:00Z",
                                                      product="RENDER", user="lee")) + "\n" for n in range(count)))


def first_come(server):
    """Others write to the same accounts meanwhile: nobody ends with a conflict, and nothing is done twice."""
    schema = lib.Schema(server.connection)
    b = books(schema.connection)
    unpriced, each = 240, 100
    b.events([lib.event("usage", f"q{n:04}", f"acct{n % ACCOUNTS:02}", "2022-01-02T00:00:00Z", product="MODEL") for n in range(unpriced)])
    b.write("rates.csv", RATES % "1.25" + "MODEL,,,0.5,1,credits\n")
    writers = [start(b, "ingest", usage_feed(b, f"feed-{n}.jsonl", each), "--as", "events") for n in range(3)]
    retries = [start(b, "quarantine", "retry", "--format", "json") for _ in range(4)]
    outs = finish(retries)
    finish(writers)
    lib.equal(sum(int(json.loads(out)["charged"]) for out in outs), unpriced, "charged out of quarantine by all of them")
    lib.equal(b.ask("quarantine", "list"), [], "what is left in quarantine")
    b.write("rates.csv", RATES % "2" + "MODEL,,,0.5,1,credits\n")
    # Prices are the sheet's of their day: what comes meanwhile costs the new one at once.
    writers = [start(b, "ingest", usage_feed(b, f"more-{n}.jsonl", each), "--as", "events") for n in range(3)]
    rerates = [start(b, "rerate", "--service", "cloud", "--format", "json") for _ in range(3)]
    rows = [row for out in finish(rerates) for row in json.loads(out)]
    finish(writers)
    renders = 240 + 3 * each
    changed = [(row["account"], row["source"], row["event"]) for row in rows if row["outcome"] == "charged"]
    lib.equal(len(changed), len(set(changed)), "charges that were changed, each once")
    amounts = {row["product"]: row["amount"] for row in b.ask("usage", "--by", "product")}
    lib.equal(amounts, {"RENDER": f"{2 * (renders + 3 * each)}.00", "MODEL": f"{unpriced / 2:.2f}"}, "usage after all")
    b.run("verify")
    print(f"{unpriced} rows out of quarantine by 4 at once; {len(changed)} of {renders} charges told as changed by 3 at once")
    b.done()
    schema.drop()


try:
    own = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
for part in (lost, first_come):
    if part.__name__.startswith(os.environ.get("PART", "")):
        part(own)
