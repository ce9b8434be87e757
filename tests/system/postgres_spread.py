"""postgres_spread.py - accounts that are committed one by one, as where tables are spread over machines: the same books, also
behind writers that meet, and behind a kill between two accounts. And the step that spreads them, on a server that claims to be
Citus: what it would be asked. No real Citus is asked here.
"""
import json
import os
import random
import re
import signal
import subprocess

import lib
import pg_proxy
from lib import pg

ACCOUNTS, EVENTS = 60, 1500
CONFIG = """[store/postgres]
connection = %s
accounts_per_commit = %s
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


def books(connection, per_commit):
    b = lib.Books(CONFIG % (connection, per_commit))
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,1,credits\n")
    return b


def events(seed=1):
    rand = random.Random(seed)
    yield from (lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="100",
                          expires="2022-03-01T00:00:00Z") for n in range(ACCOUNTS))
    for n in range(EVENTS):
        account = f"acct{rand.randrange(ACCOUNTS):02}"
        kind = rand.randrange(20) if n % 40 else 0
        n % 40 == 0 and (account := f"acct{rand.randrange(20):02}")
        time_ = f"2022-01-{2 + n * 25 // EVENTS:02}T{n % 24:02}:00:00Z"
        if n % 40 == 0:
            yield lib.event("transfer", f"t{n:05}", account, time_, currency="credits", amount="3", to=f"acct{20 + rand.randrange(10):02}")
        elif kind == 1:
            yield lib.event("hold", f"h{n:05}", account, time_, hold=f"h{n}", currency="credits", amount="2", expires="2022-02-01T00:00:00Z")
        elif kind == 2:
            yield lib.event("usage", f"q{n:05}", account, time_, product="UNKNOWN")
        else:
            yield lib.event("usage", f"u{n:05}", account, time_, product="RENDER", user=f"user{rand.randrange(9)}",
                            quantity=str(rand.randrange(1, 5)))


def answers(b):
    return [b.run(*words, ok=(0, 1)).stdout for words in (["head", "--by", "account"], ["balance", "--by", "grant", "--as-of", "2022-02-10"],
            ["usage", "--by", "product,user,month"], ["usage", "--by", "class,day"], ["quarantine", "list"], ["holds"])]


def same(server):
    """One by one, seven at a time, and all at once: the same books; also taken in by pieces."""
    found = {}
    for per_commit in (0, 1, 7):
        schema = lib.Schema(server.connection)
        b = books(schema.connection, per_commit)
        made = list(events())
        for piece in range(3):
            b.events(made[len(made) * piece // 3:len(made) * (piece + 1) // 3])
        b.run("verify")
        found[per_commit] = answers(b)
        # Accounts whose rows are of one transaction: only those that transfers bind are more.
        sharing = int(schema.psql("select max(n) from (select count(*) as n from account_rows group by xmin::text) x")[0])
        bound = int(schema.psql("select count(distinct account) from event_rows where type = (select number from types where name ="
                                " 'scrip.transfer')")[0])
        lone = int(schema.psql("select count(*) from (select 1 from batch_rows where account not in (select account from event_rows where"
                               " type = (select number from types where name = 'scrip.transfer')) group by xmin::text having count(*) >"
                               f" {per_commit or ACCOUNTS}) x")[0])
        print(f"{per_commit} accounts a commit: at most {sharing} states of one transaction, {bound} accounts bound by transfers")
        lib.equal(lone, 0, f"transactions of more than {per_commit} accounts that no transfer binds")
        for answer, first in zip(found[per_commit], found[0]):
            # Rows in quarantine stand under the feed's name, which is of this test's folder.
            lib.equal(re.sub(r"/tmp/\S+", "", answer), re.sub(r"/tmp/\S+", "", first), f"answers with {per_commit} accounts a commit")
        b.done()
        schema.drop()


def killed(server):
    """kill -9 between the commits of two accounts, each time some later: the feed again, and everything is there once."""
    proxy = pg_proxy.Proxy(server.port)
    schema, whole = lib.Schema(server.connection), lib.Schema(server.connection)
    through = schema.connection.replace(f"port={server.port}", f"port={proxy.port} sslmode=disable gssencmode=disable")
    b, other = books(through, 1), books(whole.connection, 0)
    feed = "".join(json.dumps(e) + "\n" for e in events(2))
    path, halves = b.write("feed.jsonl", feed), 0
    b.run("init")
    for after in (1, 2, 5, 7, 9):
        commits = []
        process = subprocess.Popen([lib.SCRIP, "-c", b.config, "ingest", path, "--as", "events"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        proxy.written = lambda: (commits.append(1), len(commits) == after and process.send_signal(signal.SIGKILL))
        process.wait()
        proxy.written = None
        assert process.returncode == -signal.SIGKILL, f"it was done before {after} commits"
        halves += schema.psql("select count(*) > 0 and (select count(*) from cursor_rows) = 0 from event_rows") == ["t"]
        b.run("verify")
    b.run("ingest", path, "--as", "events", ok=(0, 1))
    b.run("verify")
    other.run("ingest", other.write("feed.jsonl", feed), "--as", "events", ok=(0, 1))
    words = ["usage", "--by", "product,user,month"]
    lib.equal(b.run(*words).stdout, other.run(*words).stdout, "usage behind kills")
    lib.equal(schema.psql("select sum(available + held + used + expired) from grant_rows"),
              whole.psql("select sum(available + held + used + expired) from grant_rows"), "what grants hold behind kills")
    print(f"{halves} kills between the commits of two accounts")
    assert halves >= 4, halves
    for books_, schema_ in ((b, schema), (other, whole)):
        books_.done()
        schema_.drop()
    proxy.close()


def meeting(server):
    """Writers on the same accounts: exact books; what one had committed of a batch that met another is a duplicate to itself."""
    schema = lib.Schema(server.connection)
    b = books(schema.connection, 1)
    b.events([lib.event("grant", f"g{n}", f"acct{n:02}", "2022-01-01T00:00:00Z", currency="credits", amount="100000") for n in range(ACCOUNTS)])
    running = []
    for writer in range(4):
        path = b.write(f"feed-{writer}.jsonl", "".join(json.dumps(lib.event(
            "usage", f"u{writer}-{n:05}", f"acct{(n * 7 + writer) % ACCOUNTS:02}", "2022-02-01T00:00:00Z", product="RENDER")) + "\n"
            for n in range(300)))
        running.append(subprocess.Popen([lib.SCRIP, "-c", b.config, "ingest", path, "--as", "events", "--format", "json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    answered = 0
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        answered += int(json.loads(out)["charged"]) + int(json.loads(out)["duplicate"])
    lib.equal(answered, 1200, "events answered")
    lib.equal(schema.psql("select count(*), count(distinct (account, id)) from event_rows where type = 0"), ["1200|1200"], "events stored")
    b.run("verify")
    b.done()
    schema.drop()


CITUS = """create table asked (n serial, what text);
create function create_reference_table(t regclass) returns void language sql as $$ insert into asked (what) values ('reference ' || t) $$;
create function create_distributed_table(t regclass, c text, colocate_with text default 'default') returns void language sql as
    $$ insert into asked (what) values ('distributed ' || t || ' by ' || c || ' with ' || colocate_with) $$;
set allow_system_table_mods = on;
insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) values (999999, 'citus', 10, 11, false, '13.2')"""


def claimed():
    """A server whose catalogue says that it is Citus, with functions of those names that write down what they are asked."""
    server = pg.Server()
    pg.psql(server.connection, CITUS)
    b = books(server.connection, 0)
    b.run("init")
    asked = pg.psql(server.connection, "select what from asked order by n")
    of_accounts = pg.psql(server.connection, "select table_name from information_schema.columns join information_schema.tables using (table_name)"
                          " where column_name = 'account' and table_type = 'BASE TABLE' and columns.data_type = 'integer'")
    others = pg.psql(server.connection, "select tablename from pg_tables where schemaname = 'public' and tablename <> 'asked'")
    wanted = {f"distributed {t} by account with {'none' if t == 'account_rows' else 'account_rows'}" for t in of_accounts}
    wanted |= {f"reference {t}" for t in others if t not in of_accounts}
    lib.equal(set(asked), wanted, "what Citus is asked")
    lib.equal(len(asked), len(wanted), "each table once")
    assert asked.index("distributed account_rows by account with none") < min(n for n, w in enumerate(asked) if w.endswith("with account_rows"))
    # Every unique index of a spread table has the account in it: Citus takes no other.
    bare = pg.psql(server.connection, "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid ="
                   " i.indrelid where i.indisunique and t.relname = any(array[" + ",".join(f"'{t}'" for t in of_accounts) + "]) and not exists"
                   " (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = 'account' and a.attnum = any(i.indkey))")
    lib.equal(bare, [], "unique indexes without the account")
    b.events(list(events(3)))
    b.run("verify")
    transactions = int(pg.psql(server.connection, "select count(distinct xmin::text) from account_rows")[0])
    print(f"{len(asked)} tables spread; {transactions} transactions for the last states of {ACCOUNTS} accounts")
    b.done()
    server.remove()


try:
    own = pg.Server()
except pg.Missing as reason:
    lib.skip(reason)
for part in (same, killed, meeting):
    if part.__name__.startswith(os.environ.get("PART", "")):
        part(own)
if "claimed".startswith(os.environ.get("PART", "")):
    claimed()
