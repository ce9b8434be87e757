"""kill.py - a run that is killed, or whose writes fail, anywhere: what is run again ends as if nothing had happened."""
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile

import lib

CONFIG = """[scrip]
dimensions = pool
[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 3
draw_order = expires, created
[currency/prepaid flex]
[service/daily desktop]
sheet = daily.csv
[service/ratesheet rates]
sheet = rates.csv
[source/events grants]
files = grants.jsonl, more-*.jsonl
[source/csv jobs]
files = jobs-*.csv
map.account = account
map.time = time
map.product = product
map.user = user
map.quantity = quantity
map.attribute.pool = pool
skip.product = ignored
[source/csv sessions]
files = sessions.csv
map.account = account
map.time = start
map.end = end
map.product = product
map.user = user
identity = account, start, product, user
[report/csv used]
query = usage
by = product
file = used.csv
"""
QUESTIONS = (("head", "--by", "account"), ("balance", "--by", "grant", "--as-of", "2022-06-01"),
             ("balance", "--as-of", "2022-12-31"),
             ("usage", "--by", "product,user,month,class"), ("usage", "--by", "day,account"), ("usage", "--by", "pool"),
             ("events", "--outcome", "refused"), ("quarantine", "list"))


def when(rng, day):
    return f"2022-{1 + day // 28:02}-{1 + day % 28:02}T{rng.randrange(24):02}:00:00Z"


def feeds(folder, count, seed):
    """Several sources on the same accounts at the same instants; some rows are bad, some equal, some refused."""
    rng = random.Random(seed)
    accounts = [f"team-{i:02}" for i in range(9)]

    def write(name, lines):
        with open(os.path.join(folder, name), "w", newline="") as out:
            out.writelines(lines)
    write("daily.csv", ["product,rate,currency\nCAD,7,flex\nBIM,10,flex\n"])
    write("rates.csv", ["product,rate,per,currency\nRENDER,1,3,credits\nSIM,2,1,credits\nFREE,0,1,credits\n"])
    for name, first in (("grants.jsonl", 0), ("more-1.jsonl", 90)):
        write(name, [json.dumps(lib.event("grant", f"g{day}-{a}", a, when(rng, day),
                                          currency=rng.choice(["credits", "flex"]),
                                          amount=str(rng.randrange(1, 400)),
                                          expires=f"2022-{rng.randrange(6, 13):02}-01")) + "\n"
                     for day in range(first, first + 90, 5) for a in accounts if rng.random() < 0.5])
    products = ["RENDER", "SIM", "FREE", "FREE", "ignored", "unknown"]
    for name, first in (("jobs-a.csv", 0), ("jobs-b.csv", 100)):
        write(name, ["account,time,product,user,quantity,pool\n"] +
              [f"{rng.choice(accounts)},{when(rng, first + 100 * i // count)},{rng.choice(products)},"
               f"u{rng.randrange(20)},{rng.choice(['1', '2.5', '0.01', '1', '1', 'x'])},{rng.choice('ABC')}\n"
               for i in range(count)])
    write("sessions.csv", ["account,start,end,product,user\n"] +
          [f"{rng.choice(accounts)},{start},{start[:11]}23:30:00Z,{rng.choice(['CAD', 'BIM'])},u{rng.randrange(9)}\n"
           for start in (when(rng, 200 * i // count) for i in range(count))])


class Run(lib.Books):
    def __init__(self, made):
        super().__init__(CONFIG)
        for name in os.listdir(made):
            shutil.copy(os.path.join(made, name), self.folder)

    def picture(self):
        found = [self.run(*q, "--format", "csv").stdout.replace(self.folder, "") for q in QUESTIONS]
        # A row's key there is of its file's whole path.
        found[-1] = sorted(line.split(",", 1)[1] for line in found[-1].splitlines())
        with open(os.path.join(self.folder, "used.csv")) as report:
            return found + [report.read()]

    def same(self, wanted, what):
        done = self.run("run", ok=(0, 1))
        for question, found, want in zip(QUESTIONS + ("the report",), self.picture(), wanted):
            assert found == want, f"{what}: {question} differs (see {self.folder})"
        lib.equal(self.run("verify").returncode, 0, "verify")
        return done


def killed(made, wanted, rng, took):
    """Killed up to four times, then left alone."""
    cut = Run(made)
    kills = 0
    for _ in range(rng.randrange(1, 5)):
        run = subprocess.Popen([lib.SCRIP, "-c", cut.config, "run"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        try:
            run.wait(timeout=rng.uniform(0.002, took))
        except subprocess.TimeoutExpired:
            run.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            run.wait()
            kills += 1
    cut.same(wanted, f"after {kills} kills")
    cut.done()
    return kills


def broken(made, wanted, shim, rng, total, count):
    """Writes that fail: the run says so, the books are sound, and the next run makes them whole."""
    failed = 0
    for i in range(count):
        at = 1 + (i * total + rng.randrange(total)) // count
        mode, code = rng.choice(["once", "always", "short"]), rng.choice([errno.ENOSPC, errno.EIO])
        cut = Run(made)
        env = dict(os.environ, LD_PRELOAD=shim, FAULT_PATH=cut.folder + "/books.db", FAULT_AT=str(at), FAULT_MODE=mode,
                   FAULT_ERRNO=str(code))
        done = subprocess.run([lib.SCRIP, "-c", cut.config, "run"], env=env, capture_output=True, text=True)
        what = f"{mode} {errno.errorcode[code]} at write {at} of {total}"
        assert done.returncode in (0, 1, 3), (what, done)
        failed += done.returncode == 3
        if done.returncode == 3:
            assert "books.db" in done.stderr, (what, done.stderr)
        if os.path.getsize(cut.folder + "/books.db"):
            done = cut.run("verify", ok=None)
            assert done.returncode == 0 or "run scrip init" in done.stderr, (what, done)
        cut.same(wanted, what)
        cut.done()
    return failed


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("seed", seed)
    rng = random.Random(seed)
    made = tempfile.mkdtemp(prefix="scrip-test-")
    feeds(made, 2000 if os.environ.get("SAN") else 12000, seed)
    whole = Run(made)
    begin = os.times().elapsed
    done = whole.run("run", ok=(1,))
    took = os.times().elapsed - begin
    wanted = whole.picture()
    whole.same(wanted, "a second run")
    kills, rounds = 0, int(os.environ.get("KILLS", "6"))
    while rounds > 0 or (kills <= 2 and rounds > -20):
        some = killed(made, wanted, rng, took)
        took = took if some else took / 2 # a machine that was busy when it was measured
        kills, rounds = kills + some, rounds - 1
    print(done.stdout, f"{kills} kills")
    assert kills > 2, kills
    if not os.environ.get("SAN"):
        shim = os.path.join(whole.folder, "io.so")
        subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                        "-shared", "-fPIC", "-o", shim,
                        os.path.join(lib.ROOT, "tests", "fault", "io.c"), "-ldl"], check=True)
        count = Run(made)
        env = dict(os.environ, LD_PRELOAD=shim, FAULT_PATH=count.folder + "/books.db",
                   FAULT_COUNT=count.folder + "/calls")
        subprocess.run([lib.SCRIP, "-c", count.config, "run"], env=env, capture_output=True)
        with open(count.folder + "/calls") as file:
            total = int(file.read())
        count.done()
        assert total > 100, total
        failed = broken(made, wanted, shim, rng, total, int(os.environ.get("FAULTS", "8")))
        print(f"{total} writes, {failed} failed runs")
        assert failed > 1, failed
    whole.done()
    shutil.rmtree(made)


main()
