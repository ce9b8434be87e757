"""migrate.py - a store copied to another: every kind of store to every other, killed anywhere and done again, refused where it
would mix, and never taken for whole before it was proven.
"""
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import lib

CONFIG = """[scrip]
dimensions = pool
store = {store}
[store/sqlite books]
file = books.db
synchronous = normal
[store/sqlite archive]
file = archive.db
synchronous = normal
[store/memory kept]
file = kept.log
[currency/prepaid credits]
decimals = 3
overdraft = debt
[service/metered meter]
currency = credits
products = SIM, RENDER
[service/window desktop]
meter = net
base = CAD
netted = BIM
allowance = 0.1
period = day
sheet = rates.csv
products = CAD, BIM
[source/events events]
files = none-*.jsonl
[source/csv jobs]
files = jobs-*.csv
map.account = account
map.id = id
map.time = time
map.product = product
map.user = user
map.amount = amount
map.quantity = amount
map.attribute.pool = pool
"""
QUESTIONS = (("head", "--by", "account"), ("balance", "--by", "grant", "--as-of", "2022-06-01"), ("usage", "--by", "product,user,day"),
             ("balance", "--as-of", "2022-02-10", "--known-at", "2099-01-01"), ("usage", "--by", "pool"), ("quarantine", "list"),
             ("holds", "--as-of", "2022-03-01"), ("limits", "--as-of", "2022-03-01"), ("debts", "--as-of", "2022-03-01"))
COUNT = int(os.environ.get("EVENTS", "3500"))


def jobs(books, number, count):
    """A large account in batches, so that one copy of it is several commits, and some small ones."""
    rng = random.Random(number)
    lines = ["account,id,time,product,user,amount,pool\n"]
    for i in range(count):
        account = "large" if rng.random() < 0.9 else f"team-{rng.randrange(40):02}"
        day, minute = divmod(i * 4 * 1440 // count, 1440)
        lines.append(f"{account},{number:02}-{i:05},2022-02-{1 + number * 4 + day:02}T{minute // 60:02}:{minute % 60:02}:00Z,"
                     f"{rng.choice(['SIM', 'RENDER', 'CAD', 'BIM'])},u{rng.randrange(30)},{rng.choice(['1', '0.25', '3', 'x' if i % 999 == 5 else '2'])},"
                     f"{rng.choice('ABC')}\n")
    books.write(f"jobs-{number}.csv", "".join(lines))
    books.run("run", ok=(0, 1))


def made():
    books = lib.Books(CONFIG.format(store="books"))
    books.write("rates.csv", "product,rate,currency\nCAD,1,credits\nBIM,0.5,credits\n")
    accounts = ["large"] + [f"team-{i:02}" for i in range(40)]
    books.events([lib.event("grant", f"g-{a}-{n}", a, "2022-01-01T00:00:00Z", currency="credits", amount="500",
                            expires=f"2022-{n + 2:02}-15") for a in accounts for n in range(3)] +
                 [lib.event("hold", f"h-{a}", a, "2022-01-02T00:00:00Z", currency="credits", amount="5") for a in accounts[:7]] +
                 [lib.event("limit", f"l-{a}", a, "2022-01-02T00:00:00Z", currency="credits", amount="100000", per="month")
                  for a in accounts[:7]])
    for number in range(6):
        jobs(books, number, COUNT)
    return books


def use(books, store):
    path = os.path.join(books.folder, "scrip.ini")
    with open(path, "w") as out:
        out.write(CONFIG.format(store=store))
    return books


def picture(books, store):
    use(books, store)
    found = [books.run(*words, "--format", "csv").stdout for words in QUESTIONS]
    assert "0 findings" in books.run("verify").stdout, store
    return found


def proof(done):
    rows = json.loads(done.stdout)
    lib.equal([r["table"] for r in rows if r["result"] != "equal"], [], "tables that differ")
    lib.equal(len(rows), 17, "rows of the proof")
    assert all(r["rows"] == r["copied"] and r["digest"] == r["copy"] for r in rows), rows
    return {r["table"]: int(r["rows"]) for r in rows}


def migrate(books, source, target, ok=(0,)):
    return use(books, source).run("migrate", target, "--format", "json", ok=ok)


def killed(books, source, target, seconds, head):
    """Killed at random instants until one run comes to its end; before that the copy is no store for anybody."""
    rng, kills, refused, done = random.Random(7), 0, 0, None
    while done is None:
        process = subprocess.Popen([lib.SCRIP, "-c", books.config, "migrate", target, "--format", "json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        # More and more time, for on a busy machine none might be enough.
        time.sleep(rng.random() * seconds * (0.6 + kills / 10))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            answer = use(books, target).run("head", "--by", "account", "--format", "csv", ok=(0, 3))
            if answer.returncode == 0:  # killed behind its last commit
                lib.equal(answer.stdout, head, "a copy that says it is whole")
                use(books, source)
                continue
            refused += "not whole yet" in answer.stderr
            assert "not whole yet" in answer.stderr or "run scrip init" in answer.stderr or "schema" in answer.stderr, answer.stderr
            for words in (["run"], ["grant", "large", "credits", "1"]):
                if "not whole yet" in answer.stderr:
                    books.run(*words, ok=(3,))
            use(books, source)
        else:
            out, err = process.communicate()
            lib.equal((process.returncode, err), (0, ""), "migrate after kills")
            done = subprocess.CompletedProcess([], 0, out, err)
    return done, kills, refused


def fresh(books, *names):
    for name in names:
        for file in os.listdir(books.folder):
            if file.startswith(name):
                os.unlink(os.path.join(books.folder, file))


def main():
    books = made()
    before = picture(books, "books")

    # Every kind to every other, and back: nothing is lost on the way, not even when what was recorded.
    start = time.monotonic()
    rows = proof(migrate(books, "books", "store/archive"))
    seconds = time.monotonic() - start
    assert rows["events"] > 5 * COUNT and rows["usage by day"] > 1000 and rows["checkpoints"] > 10, rows
    assert all(rows[t] > 0 for t in ("claims", "limits", "quarantine", "states", "timers", "batches", "cursors", "rates")), rows
    lib.equal(picture(books, "archive"), before, "sqlite to sqlite")
    proof(migrate(books, "archive", "kept"))
    lib.equal(picture(books, "kept"), before, "sqlite to memory")
    fresh(books, "books.db")
    proof(migrate(books, "kept", "books"))
    lib.equal(picture(books, "books"), before, "memory to sqlite")

    # Killed anywhere.
    total = [0, 0]
    for target, names in (("archive", "archive.db"), ("kept", "kept.log")):
        fresh(books, names)
        use(books, "books")
        done, kills, refused = killed(books, "books", target, seconds, before[0])
        proof(done)
        lib.equal(picture(books, target), before, f"{target} after {kills} kills")
        total[0] += kills
        total[1] += refused
    assert total[0] >= 4 and total[1] >= 2, total

    # What came since goes over, also when the copy was cut short before; the second time there is nothing to do.
    fresh(books, "archive.db")
    use(books, "books")
    process = subprocess.Popen([lib.SCRIP, "-c", books.config, "migrate", "archive"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(seconds / 2)
    process.kill()
    process.communicate()
    jobs(books, 6, COUNT // 10)
    books.run("release", "large", "h-large", "--time", "2022-03-01")
    books.run("quarantine", "drop", books.ask("quarantine", "list")[0]["key"])
    for target in ("archive", "archive", "kept"):
        proof(migrate(books, "books", target))
    after = picture(books, "books")
    lib.equal(picture(books, "archive"), after, "a copy cut short, then what came since")
    lib.equal(picture(books, "kept"), after, "what came since")
    assert after != before

    # A copy that lives on is no copy any more; nor is a store of its own, or one that is damaged.
    use(books, "archive").run("grant", "large", "credits", "7", "--id", "own", "--time", "2022-05-01")
    answer = migrate(books, "books", "archive", ok=(2,))
    assert "account 'large' has other events there" in answer.stderr, answer.stderr
    lib.equal(use(books, "archive").run("verify").returncode, 0, "the refused target")
    fresh(books, "archive.db")
    use(books, "archive").run("init")
    books.run("grant", "x", "credits", "7")
    answer = migrate(books, "books", "archive", ok=(2,))
    assert "it has accounts of its own" in answer.stderr, answer.stderr
    for name, wanted in (("books", "is the store that is copied"), ("nowhere", "not configured")):
        assert wanted in migrate(books, "books", name, ok=(2,)).stderr
    fresh(books, "archive.db")
    proof(migrate(books, "books", "archive"))
    db = sqlite3.connect(os.path.join(books.folder, "archive.db"))
    db.execute("update grant_rows set available = available + 1 where key = (select max(key) from grant_rows)")
    db.commit()
    db.close()
    answer = migrate(books, "books", "archive", ok=(1,))
    lib.equal([r["table"] for r in json.loads(answer.stdout) if r["result"] != "equal"], ["grants and their balances"], "a changed balance")
    assert "not whole yet" in use(books, "archive").run("balance", ok=(3,)).stderr
    assert "there is no section [store/... nowhere]" in use(books, "nowhere").run("balance", ok=(2,)).stderr
    with open(os.path.join(books.folder, "scrip.ini"), "w") as out:
        out.write(CONFIG.replace("store = {store}\n", ""))
    assert "a second store: say which one is in use" in books.run("balance", ok=(2,)).stderr
    books.done()
    print(f"{rows['events']} events copied in {seconds:.1f} s; {total[0]} kills, of which {total[1]} left half a copy, refused by all")


main()
