"""postgres_pooler.py - behind a real pgbouncer in transaction mode, fewer connections than writers: no statement may count on the
one before it but within a transaction. With named statements it says what mends it.
"""
import json
import os
import shutil
import subprocess
import time

import lib
from lib import pg

WRITERS, EVENTS, ACCOUNTS = 4, 300, 30
CONFIG = """[store/postgres]
connection = %s
retry = 5s
%s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


class Pooler:
    def __init__(self, server):
        self.port, self.folder = pg.free_port(), server.folder
        config, users = os.path.join(self.folder, "pooler.ini"), os.path.join(self.folder, "users")
        with open(config, "w") as out:
            out.write(f"[databases]\npostgres = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
                      f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\npool_mode = transaction\n"
                      "default_pool_size = 3\nserver_check_query = select 1\n")
        with open(users, "w") as out:
            out.write('"scrip" ""\n')
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            lib.skip("no pgbouncer: install pgbouncer")
        with open(os.path.join(self.folder, "pooler.log"), "w") as log:
            self.process = subprocess.Popen([*server.prefix, program, config], stdout=log, stderr=log, cwd="/")
        until = time.monotonic() + 20
        while subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert time.monotonic() < until, open(os.path.join(self.folder, "pooler.log")).read()
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def books(connection, more):
    b = lib.Books(CONFIG % (connection, more))
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\n")
    return b


def start(b, *words):
    return subprocess.Popen([lib.SCRIP, "-c", b.config, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


try:
    server = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
pooler = Pooler(server)
through = server.connection.replace(f"port={server.port}", f"port={pooler.port}")
b = books(through, "statement_names = no")
b.events([lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="100000") for n in range(ACCOUNTS)])
running = []
for writer in range(WRITERS):
    path = b.write(f"feed-{writer}.jsonl", "".join(json.dumps(lib.event(
        "usage", f"u{writer}-{n:05}", f"acct{(n * 7 + writer) % ACCOUNTS:02}", "2022-02-01T00:00:00Z", product="RENDER",
        user=f"user{n % 9}")) + "\n" for n in range(EVENTS)))
    running.append(start(b, "ingest", path, "--as", "events", "--format", "json"))
asked = [start(b, *words) for words in (["verify"], ["usage", "--by", "user"], ["balance"])]
charged = 0
for process in running + asked:
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, f"{process.args}: exit {process.returncode}: {err}"
    charged += int(json.loads(out)["charged"]) if process in running else 0
lib.equal(charged, WRITERS * EVENTS, "events charged")
lib.equal(b.ask("usage", "--by", "product"), [{"product": "RENDER", "currency": "credits", "charges": str(charged),
                                               "amount": f"{charged * 5 // 4}.00"}], "usage")
b.run("verify")
servers = int(pg.psql(server.connection, "select count(*) from pg_stat_activity where backend_type = 'client backend'")[0])
assert servers <= 4, f"{servers} connections behind the pooler: it did not pool"
# Two sessions of named statements at once, on shared connections.
named = books(through, "")
running = [start(named, "ingest", os.path.join(b.folder, f"feed-{n}.jsonl"), "--as", "events") for n in range(WRITERS)]
told = []
for process in running:
    out, err = process.communicate(timeout=100)
    assert process.returncode in (0, 3), err
    told += [err] if process.returncode else []
print(f"{charged} events by {WRITERS} writers through {servers - 1} connections; with named statements {len(told)} of {WRITERS} ended")
assert told, "named statements all went well: this pooler keeps them"
assert all("set statement_names = no where a pooler stands in between" in err for err in told), told
b.run("verify")
named.done()
b.done()
pooler.stop()
