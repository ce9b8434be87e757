"""transition.py - conf/transition.ini against a model of its own: the same rules in other words, from the feeds alone.

The model knows the rules and rates as they were published; it reads the feeds, but neither the configuration nor the
rate sheets. Late rows come where their dates put them: no grant of this story is so short that their order matters.
"""
import collections
import csv
import datetime
import json
import os
import re
import shutil
import subprocess
from decimal import ROUND_HALF_UP, Decimal

import lib

FEEDS = os.path.join(lib.ROOT, "conf", "transition")
END = datetime.datetime(2023, 3, 29)        # of all credits
SALES_END = datetime.datetime(2022, 3, 29)  # from here on tokens pay for cloud services
DAY = datetime.timedelta(days=1)
TICK = datetime.timedelta(microseconds=1)
NEVER = datetime.datetime.max
CLASSES = ["free", "trial", "starter", "purchased"]
CREDITS = {"Rendering Final": "1", "Rendering Standard": "0", "Structural Analysis": "2", "CFD simple": "10",
           "CFD complex": "100"}
TOKENS = {"Rendering Standard": "0", "CFD simple": "5", "CFD moderate": "10", "CFD complex": "35",
          "Generative Design": "11"}
DAILY = {"AutoCAD": 7, "Revit": 10}
DATES = ["2021-12-31", "2022-03-29", "2022-09-30", "2023-03-29", "2023-06-30"]


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", ""))


def cents(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


# ---- the feeds ------------------------------------------------------------------------------------------------------

def read_feeds():
    """(time, rank, kind, row) of every row, in order; and how many rows there are."""
    rows = []
    with open(os.path.join(FEEDS, "accounts.jsonl")) as file:
        for line in file:
            event = json.loads(line)
            rows.append((when(event["time"]), 0 if event["type"] == "scrip.account" else 1, event["type"], event))
    with open(os.path.join(FEEDS, "orders.csv")) as file:
        for row in csv.DictReader(file, delimiter=";"):
            rows.append((datetime.datetime.strptime(row["Order date"], "%d.%m.%Y"), 1, "order", row))
    with open(os.path.join(FEEDS, "cloud.csv")) as file:
        for row in csv.DictReader(file):
            rows.append((when(row["Date"]), 2, "cloud", row))
    with open(os.path.join(FEEDS, "desktop.csv")) as file:
        for row in csv.DictReader(file):
            rows.append((when(row["sessionStartDate"]), 2, "desktop", row))
    return sorted(rows, key=lambda r: r[:2])


# ---- the model ------------------------------------------------------------------------------------------------------

class Grant:
    def __init__(self, account, id, currency, kind, amount, start, end, user=None, cost=None):
        self.account, self.id, self.currency, self.kind, self.amount = account, id, currency, kind, Decimal(amount)
        self.start, self.end, self.user, self.cost = start, end, user, cost
        self.draws = []  # (time, amount)

    def used(self, at=NEVER):
        return sum((amount for time, amount in self.draws if time <= at), Decimal(0))

    def left(self):
        return self.amount - self.used()

    def order(self):
        return (CLASSES.index(self.kind) if self.currency == "credits" else 0, self.end, self.amount)

    def picture(self, at):
        """available, used, expired"""
        left = self.amount - self.used(at)
        return (left, self.used(at), Decimal(0)) if self.end > at else (Decimal(0), self.used(at), left)


class Model:
    def __init__(self):
        self.grants, self.windows, self.known = [], {}, set()
        self.outcomes = collections.Counter()
        self.refused, self.unpriced = {}, set()
        self.usage = []  # (time, product, user, currency, amount)
        for time, _, kind, row in read_feeds():
            self.outcomes["read"] += 1
            self.outcomes[getattr(self, kind.replace("scrip.", ""))(time, row)] += 1

    def account(self, time, row):
        return "applied"

    def grant(self, time, row):
        data = row["data"]
        user = data.get("scope", {}).get("users", [None])[0]
        self.grants.append(Grant(row["subject"], row["id"], data["currency"], data["class"], data["amount"], time, END,
                                 user))
        return "applied"

    def order(self, time, row):
        currency = row["Unit"]
        if currency == "credits" and time >= SALES_END:
            self.refused[row["Order"]] = "not sold from 2022-03-29"
            return "refused"
        end = time.replace(year=time.year + 1)
        self.grants.append(Grant(row["Customer"], row["Order"], currency, "purchased", row["Quantity"], time,
                                 min(end, END) if currency == "credits" else end,
                                 cost=Decimal(row["Net price"].replace(",", "."))))
        return "applied"

    def draw(self, account, user, currency, amount, time):
        """None, or why not."""
        able = sorted((g for g in self.grants if g.account == account and g.currency == currency and g.left() > 0
                       and g.start <= time < g.end and g.user in (None, user)), key=Grant.order)
        there = sum((g.left() for g in able), Decimal(0))
        if there < amount:
            return f"{amount} {currency} wanted, {there} available"
        if currency == "credits" and amount > 0:
            kinds = {g.kind for g in able if sum(h.left() for h in able if h.kind == g.kind) >= amount}
            if not kinds:
                return f"{amount} credits wanted of one class"
            first = next(g.kind for g in able if g.kind in kinds)
            able = [g for g in able if g.kind == first]
        for grant in able:
            part = min(amount, grant.left())
            if part > 0:
                grant.draws.append((time, part))
                amount -= part
        return None

    def charge(self, id, account, user, product, choices, time):
        why = ""
        for currency, amount in choices:
            why = self.draw(account, user, currency, amount, time)
            if why is None:
                self.usage.append((time, product, user, currency, amount))
                return "charged" if amount else "zero"
        self.refused[id] = why
        return "refused"

    def cloud(self, time, row):
        id, product, quantity, choice = row["Usage ID"], row["Service"], Decimal(row["Quantity"]), row["Paid with"]
        choices = []
        if row["Charged"]:
            choices = [(choice, Decimal(row["Charged"]))]
        else:
            if product in CREDITS and choice in ("", "credits") and time < END:
                choices.append(("credits", cents(quantity * Decimal(CREDITS[product]))))
            if product in TOKENS and choice in ("", "flex") and time >= SALES_END:
                choices.append(("flex", quantity * Decimal(TOKENS[product])))
        if not choices and time >= END and product in CREDITS:
            self.refused[id] = "credits is not accepted at"
            return "refused"
        if not choices:
            self.unpriced.add(id)
            return "quarantined"
        return self.charge(id, row["Contract"], row["User"], product, choices, time)

    def desktop(self, time, row):
        user, product, end = row["email"], row["product_name"], when(row["sessionEndDate"])
        id = f"{row['sessionStartDate']}|{user}|{product}"
        if id in self.known:
            return "duplicate"
        self.known.add(id)
        if product not in DAILY:
            self.unpriced.add(id)
            return "quarantined"
        starts, fresh = self.windows.setdefault((user, product), []), []
        at = time
        while end - time > datetime.timedelta(minutes=5) and at < end:
            covered = [s + DAY for s in starts + fresh if s <= at < s + DAY]
            if not covered:
                fresh.append(at)
            at = covered[0] if covered else at + DAY
        for start in fresh:
            outcome = self.charge(id, row["team_alias"], user, product, [("flex", Decimal(DAILY[product]))], start)
            assert outcome == "charged" or len(fresh) == 1, "the story has no session that is refused in part"
            if outcome == "refused":
                return outcome
        starts += fresh
        return "charged" if fresh else "zero"

    def balances(self, at, key):
        sums = {}
        for grant in self.grants:
            if grant.start <= at:
                sums[key(grant)] = tuple(map(sum, zip(sums.get(key(grant), (0, 0, 0)), grant.picture(at))))
        return sums

    def usage_by(self, column, start, end):
        sums = collections.Counter()
        for row in self.usage:
            if when(start) <= row[0] < when(end):
                sums[row[column], row[3]] += row[4]
        return dict(sums)

    def expired(self, at):
        found = {}
        for grant in self.grants:
            lost = grant.picture(at)[2]
            if lost > 0:
                found[grant.id] = (lost, grant.cost and cents(grant.cost * lost / grant.amount))
        return found


# ---- the program ----------------------------------------------------------------------------------------------------

def books():
    folder = lib.tempfile.mkdtemp(prefix="scrip-test-")
    made = lib.Books(None, os.path.join(folder, "conf"))
    shutil.copytree(os.path.join(lib.ROOT, "conf"), made.folder, ignore=shutil.ignore_patterns("*.db*"))
    made.config = os.path.join(made.folder, "transition.ini")
    made.top = folder
    return made


def totals(b, *args, code):
    return {k: int(v) for k, v in json.loads(b.run(*args, "--format", "json", ok=(code,)).stdout).items() if v != "0"}


def picture(b):
    asked = [("balance", "--by", "grant"), ("balance", "--by", "class", "--before", "2023-03-29"), ("events",),
             ("usage", "--by", "product,day"), ("usage", "--by", "user,month,class"), ("head", "--by", "account")]
    keys = [(q["id"], q["reason"]) for q in b.ask("quarantine", "list")]
    return [b.run(*question, "--format", "csv").stdout for question in asked] + [keys]


def balances(b, key, by, *at):
    return {tuple(r[k] for k in key): tuple(Decimal(r[k]) for k in ("available", "used", "expired"))
            for r in b.ask("balance", "--by", by, *at)}


def check_balances(b, model):
    def by_class(grant):
        return grant.account, grant.currency, grant.kind

    key = ("account", "currency", "class")
    for date in DATES:
        lib.equal(balances(b, key, "class", "--as-of", date), model.balances(when(date), by_class), f"as of {date}")
    lib.equal(balances(b, ("grant",), "grant", "--as-of", DATES[-1]),
              model.balances(when(DATES[-1]), lambda grant: (grant.id,)), "grants at the end")
    # One microsecond: before it the credits are there, and at it none are.
    before, at = (balances(b, key, "class", option, "2023-03-29") for option in ("--before", "--as-of"))
    lib.equal(before, model.balances(END - TICK, by_class), "before the end of credits")
    ended = {k: v for k, v in before.items() if k[1] == "credits" and v[0] > 0}
    lib.equal({k[2] for k in ended}, {"free", "starter"}, "classes that the last day ended")
    for k, v in before.items():
        lib.equal(at[k], (0, v[1], v[0] + v[2]) if k[1] == "credits" else v, f"{k}: over the end of credits")


def check_answers(b, model):
    for start, end in (("2021-09-01", "2022-09-01"), ("2022-09-01", "2023-07-01")):
        for column, by in ((1, "product"), (2, "user")):
            found = {(u[by], u["currency"]): Decimal(u["amount"])
                     for u in b.ask("usage", "--by", by, "--from", start, "--to", end) if u["currency"]}
            lib.equal(found, model.usage_by(column, start, end), f"usage by {by} from {start}")
    assert len({u for _, _, u, _, _ in model.usage}) == 6, "all six people used something"
    found = {r["grant"]: (Decimal(r["amount"]), r["cost"] and Decimal(r["cost"]))
             for r in b.ask("expiring", "--as-of", "2023-06-30", "--to", "2023-07-01")}
    lib.equal(found, model.expired(when("2023-06-30")), "expired, and its cost")
    refused = {r["id"]: r["reason"] for r in b.ask("events", "--outcome", "refused")}
    lib.equal(set(refused), set(model.refused), "refused")
    for id, why in model.refused.items():
        assert why in refused[id], f"{id}: found '{refused[id]}', wanted '{why}'"
    for why in ("not sold", "not accepted", "of one class", "flex wanted"):
        assert any(why in reason for reason in refused.values()), f"the story has lost its refusal '{why}'"
    waiting = b.ask("quarantine", "list")
    lib.equal({q["id"] for q in waiting}, model.unpriced, "quarantine")
    assert all("add one" in q["reason"] for q in waiting), waiting
    # Grace, a second start within the day, and the example whose second day begins while the session goes on.
    events = {e["id"]: e for e in b.ask("events", "works")}
    lib.equal([events[f"2022-09-07T{t}|omar@works.example|AutoCAD"]["outcome"] for t in ("13:00:00", "14:00:00")],
              ["zero", "charged"], "closed after five minutes, and a second later")
    told = b.ask("explain", "2022-09-06T07:00:00|petra@works.example|AutoCAD")
    lib.equal([re.sub(".*dated ", "", r["detail"]) for r in told if r["what"] == "draw"], ["2022-09-06T08:00:00Z"],
              "the second day")


def check_runs(b, model, wanted):
    lib.equal(totals(b, "run", code=0), {}, "a second run reads nothing")
    # The same rows in a file of another name: each is known, and the one in quarantine is there once.
    copy = os.path.join(b.folder, "again.csv")
    shutil.copy(os.path.join(FEEDS, "cloud.csv"), copy)
    again = totals(b, "ingest", copy, "--as", "cloud", code=1)
    lib.equal(again, {"read": again["read"], "duplicate": again["read"] - 1, "quarantined": 1}, "the same rows again")
    lib.equal(picture(b), wanted, "after the same rows again")
    steps = books()
    sum_of = collections.Counter()
    for until in ("2021-09-20", "2022-01-01", "2022-03-29", "2022-09-05T12:00:00Z", "2023-03-29", "2023-03-29", None):
        done = steps.run("run", *(("--until", until) if until else ()), "--format", "json", ok=(0, 1))
        sum_of.update({k: int(v) for k, v in json.loads(done.stdout).items()})
    lib.equal({k: v for k, v in sum_of.items() if v}, dict(model.outcomes), "outcomes of all steps")
    lib.equal(picture(steps), wanted, "in steps")
    steps.run("verify")
    shutil.rmtree(steps.top)


def check_retry(b):
    """The missing price is added and the row taken again: it is charged at its own date."""
    sheet = os.path.join(b.folder, "transition", "desktop-rates.csv")
    with open(sheet, "a") as out:
        out.write("Civil 3D,2021-09-01,7,flex,for this test alone\n")
    lib.equal(totals(b, "quarantine", "retry", code=1), {"read": 2, "charged": 1, "quarantined": 1}, "retry")
    day = b.ask("usage", "--by", "product", "--where", "currency=flex", "--from", "2022-05-18", "--to", "2022-05-19")
    assert ("Civil 3D", "7") in [(u["product"], u["amount"]) for u in day], f"charged at its own date: {day}"
    b.run("verify")


# ---- the demo -------------------------------------------------------------------------------------------------------

def demo(**environment):
    return subprocess.run(["bash", os.path.join(lib.ROOT, "tests", "demo.sh")], capture_output=True, text=True,
                          env={**os.environ, "SCRIP": lib.SCRIP, "SHARED": lib.SHARED, **environment})


def tree():
    return sorted(os.path.join(folder, name)
                  for folder, _, names in os.walk(os.path.join(lib.ROOT, "conf")) for name in names)


def check_demo(model):
    there = tree()
    done = demo()
    assert done.returncode == 0, f"demo: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr}"
    lib.equal(tree(), there, "files of conf after the demo")
    for date in ("2022-03-29", "2022-09-30", "2023-03-29", "2023-06-30"):
        table = done.stdout.split(f"balance as of {date}")[1].split("\n\n")[0]
        rows = {tuple(line.split()[:3]): line.split()[3:] for line in table.splitlines()[3:]}
        for key, sums in model.balances(when(date), lambda g: (g.account, g.currency, g.kind)).items():
            lib.equal(tuple(Decimal(rows[key][i]) for i in (0, 3, 4)), sums, f"demo: {key} as of {date}")
    cost = sum(cost for _, cost in model.expired(when("2023-06-30")).values() if cost)
    shown = re.findall(r"([0-9.]+) USD for ", done.stdout)
    lib.equal(sum(map(Decimal, shown)), cost, "demo: what was lost in money")
    assert re.search(r"events replayed, 0 findings", done.stdout), done.stdout
    assert "skipped: it is not here" in demo(SHARED="/nowhere").stdout, "without the export its part is skipped"
    # A step that does not do what it should ends the demo.
    for program in ("true", "false"):
        done = demo(SCRIP=shutil.which(program), SHARED="/nowhere")
        assert done.returncode != 0, f"the demo takes {program} for scrip"


model = Model()
assert {"charged", "zero", "applied", "refused", "duplicate", "quarantined"} <= set(model.outcomes), model.outcomes
one = books()
lib.equal(totals(one, "run", code=1), dict(model.outcomes), "outcomes")
check_balances(one, model)
check_answers(one, model)
one.run("verify")
check_runs(one, model, picture(one))
check_retry(one)
shutil.rmtree(one.top)
check_demo(model)
