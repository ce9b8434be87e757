"""tokenflex.py - the real enterprise export: its sums, a second run, runs cut by kill -9."""
import collections
import csv
import os
import random
import shutil
import signal
import subprocess
import time
from decimal import Decimal

import lib

EXPORT = lib.shared("data/tokenflex-agreement0.csv")


def books():
    made = lib.Books(None)
    shutil.rmtree(made.folder)
    shutil.copytree(os.path.join(lib.ROOT, "conf"), made.folder)
    for folder, _, files in os.walk(made.folder):
        for name in files:
            os.chmod(os.path.join(folder, name), 0o600)
    made.config = os.path.join(made.folder, "tokenflex.ini")
    return made


def picture(b):
    return [b.run("balance", "--by", "grant", "--format", "csv").stdout,
            b.run("usage", "--by", "product,month,class", "--format", "csv").stdout,
            b.run("head", "--format", "csv").stdout]


def sums(key):
    made = collections.Counter()
    with open(EXPORT) as file:
        for row in csv.DictReader(file):
            made[row[key]] += Decimal(row["tokensConsumed"])
    return dict(made)


whole = books()
done = whole.run("ingest", EXPORT)
assert "24511" in done.stdout.replace(",", ""), done.stdout
usage = whole.ask("usage", "--by", "product")
lib.equal({u["product"]: Decimal(u["amount"]) for u in usage}, sums("productLineCode"), "sums by code")
lib.equal(sum(int(u["charges"]) for u in usage), 24511, "rows with an outcome")
used = {g["grant"]: Decimal(g["used"]) for g in whole.ask("balance", "--by", "grant")}
lib.equal(sorted(used.values()), [Decimal(2611), Decimal(135006)], "pools")
wanted = picture(whole)
whole.run("ingest", EXPORT)
lib.equal(picture(whole), wanted, "a second run")
renamed = whole.write("renamed.csv", open(EXPORT, encoding="utf-8").read())
again = whole.run("ingest", renamed)
assert "24511" in again.stdout.replace(",", ""), again.stdout
lib.equal(picture(whole), wanted, "the same rows in a file of another name")
whole.run("verify")

random.seed(os.environ.get("SEED", "7"))
for attempt in range(int(os.environ.get("KILLS", "12"))):
    cut = books()
    kills = 0
    while True:
        run = subprocess.Popen([lib.SCRIP, "-c", cut.config, "ingest", EXPORT], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        try:
            run.wait(timeout=random.uniform(0.005, 0.4) if kills < 3 else None)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
            kills += 1
            continue
        lib.equal(run.returncode, 0, "exit of the run that was left alone")
        break
    lib.equal(picture(cut), wanted, f"after {kills} kills")
    cut.run("verify")
    cut.done()
whole.done()
