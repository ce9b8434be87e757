"""model.py - random histories: the engine against a naive model, one run against many, replay against itself.

The model keeps a list of grants and recomputes with exact fractions what each event does; it shares nothing with the
engine. HISTORIES=N SEED=S to run more; a failing history is shrunk and printed.
"""
import json
import os
import random
from fractions import Fraction

import lib

CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid c]
decimals = 2
rounding = {rounding}
split = {split}
draw_order = {order}
[service/ratesheet s]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
RATES = {"P": (Fraction("0.35"), 1), "Q": (Fraction(7), 3), "R": (Fraction(0), 1)}
SHEET = "product,rate,per,currency\nP,0.35,1,c\nQ,7,3,c\nR,0,1,c\n"
DAY0 = 18993  # 2022-01-01
ORDERS = {"expires, created": lambda g: (g["expires"], g["time"], g["n"]),
          "created desc": lambda g: (-g["time"], g["n"]),
          "priority, amount desc": lambda g: (g["priority"] if g["priority"] is not None else 10**6, -g["amount"], g["n"])}


def iso(hour):
    import datetime
    return (datetime.datetime(2022, 1, 1) + datetime.timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rounded(value, rounding):
    cents = value * 100
    floor = cents.numerator // cents.denominator
    rest = cents - floor
    if rounding == "down" or rest == 0:
        return floor
    if rounding == "up":
        return floor + 1
    if rest == Fraction(1, 2):
        return floor + 1 if rounding == "half-up" else floor + floor % 2
    return floor + (rest > Fraction(1, 2))


def history(rng):
    events, hour = [], 0
    for n in range(rng.randint(1, 30)):
        hour += rng.choice([0, 0, 1, 5, 30, 200])
        kind = rng.choice(["grant", "usage", "usage", "usage", "void", "adjust", "late"])
        at = max(0, hour - rng.randint(1, 300)) if kind == "late" else hour
        if kind == "grant" or n == 0:
            start = hour + rng.choice([0, 0, 0, 24, 100])
            events.append(dict(kind="grant", hour=hour, amount=rng.randint(1, 3000), start=start,
                               expires=rng.choice([start + 1, start + 24, start + 100, 10**7]),
                               priority=rng.choice([None, 1, 2]), only=rng.choice([None, None, "P"])))
        elif kind in ("usage", "late"):
            events.append(dict(kind="usage", hour=at, product=rng.choice("PPQR"),
                               quantity=rng.choice(["1", "2.5", "0", "17", "0.001", "33.333"])))
        elif kind == "void":
            events.append(dict(kind="void", hour=hour, grant=rng.randint(0, n)))
        else:
            events.append(dict(kind="adjust", hour=hour, amount=rng.choice([-500, -1, 40, 700]),
                               grant=rng.choice([None, rng.randint(0, n)])))
    for n, e in enumerate(events):
        e["n"] = n
    return events


def naive(events, rounding, split, order):
    """What each event comes to, and what is left of each grant at the end."""
    grants, outcomes, clock = {}, [], -1

    def expire(until):
        for g in grants.values():
            if g["expires"] <= until and not g["void"]:
                g["expired"] += g["left"]
                g["left"] = 0

    def alive(g, at):
        return g["start"] <= at < g["expires"] and not g["void"]

    def pot(g):  # what a grant can still give: expired leftovers serve late charges
        return "expired" if g["expires"] <= clock else "left"

    for e in events:
        at = e["hour"]
        if at >= clock:
            clock = at
            expire(clock)
        if e["kind"] == "grant":
            g = dict(e, time=at, left=e["amount"], used=0, expired=0, voided=0, void=False, issued=e["amount"])
            grants[e["n"]] = g
            expire(clock)
            outcomes.append("applied")
        elif e["kind"] == "void":
            g = grants.get(e["grant"])
            if g is None or g["void"] or g["left"] == 0 or g["expires"] <= clock:
                outcomes.append("refused")
            else:
                g["voided"] += g["left"]
                g["left"], g["void"] = 0, True
                outcomes.append("applied")
        elif e["kind"] == "adjust" and e["amount"] > 0:
            if e["grant"] is None:
                grants[e["n"]] = dict(e, time=at, start=at, expires=10**7, priority=None, only=None, left=e["amount"],
                                      used=0, expired=0, voided=0, void=False, issued=e["amount"])
                outcomes.append("applied")
            else:
                g = grants.get(e["grant"])
                if g is None or g["void"] or g["expires"] <= clock:
                    outcomes.append("refused")
                else:
                    g["left"] += e["amount"]
                    g["issued"] += e["amount"]
                    outcomes.append("applied")
        else:
            if e["kind"] == "adjust":
                amount, whole = -e["amount"], False
                fits = [g for g in grants.values() if alive(g, at) and e["grant"] in (None, g["n"])]
            else:
                rate, per = RATES[e["product"]]
                amount, whole = rounded(Fraction(e["quantity"]) * rate / per, rounding), not split
                fits = [g for g in grants.values() if alive(g, at) and g["only"] in (None, e["product"])]
            fits = sorted((g for g in fits if g[pot(g)] > 0), key=ORDERS[order])
            if whole:
                fits = [g for g in fits if g[pot(g)] >= amount][:1]
            if sum(g[pot(g)] for g in fits) < amount:
                outcomes.append("refused")
                continue
            rest = amount
            for g in fits:
                part = min(rest, g[pot(g)])
                g[pot(g)] -= part
                if e["kind"] == "adjust":
                    g["issued"] -= part
                else:
                    g["used"] += part
                rest -= part
            outcomes.append("applied" if e["kind"] == "adjust" else "charged" if amount else "zero")
    return outcomes, {str(n): (g["issued"], g["left"], g["used"], g["expired"], g["voided"]) for n, g in grants.items()}


def native(account, e):
    cents = lambda n: f"{n / 100:.2f}"
    if e["kind"] == "grant":
        data = dict(grant=str(e["n"]).zfill(4), currency="c", amount=cents(e["amount"]), effective=iso(e["start"]),
                    **({} if e["expires"] == 10**7 else dict(expires=iso(e["expires"]))))
        if e["priority"] is not None:
            data["priority"] = str(e["priority"])
        if e["only"]:
            data["scope"] = {"products": [e["only"]]}
        return lib.event("grant", str(e["n"]).zfill(4), account, iso(e["hour"]), **data)
    if e["kind"] == "usage":
        return lib.event("usage", str(e["n"]).zfill(4), account, iso(e["hour"]), product=e["product"], quantity=e["quantity"])
    if e["kind"] == "void":
        return lib.event("void", str(e["n"]).zfill(4), account, iso(e["hour"]), grant=str(e["grant"]).zfill(4))
    data = dict(currency="c", amount=cents(e["amount"]), reason="count")
    if e["grant"] is not None:
        data["grant"] = str(e["grant"]).zfill(4)
    return lib.event("adjustment", str(e["n"]).zfill(4), account, iso(e["hour"]), **data)


def round_of(histories, n):
    """The n-th event of each history, and one of another instant behind them: rows of one instant that stand together
    are put in order of their ranks, which the model knows nothing of."""
    return ([native(f"h{i:05}", h[n]) for i, h in enumerate(histories) if n < len(h)] +
            [lib.event("account", f"{n:04}", "between", iso(-1 - n))])


def engine(histories, rounding, split, order, cuts=1):
    """All histories as accounts of one store, in `cuts` runs; outcomes and grants of each."""
    b = lib.Books(CONFIG.format(rounding=rounding, split="yes" if split else "no", order=order))
    b.write("rates.csv", SHEET)
    longest = max(len(h) for h in histories)
    for cut in range(cuts):
        span = range(longest * cut // cuts, longest * (cut + 1) // cuts)
        b.events([e for n in span for e in round_of(histories, n)])
    results = [([], {}) for _ in histories]
    for row in b.ask("events"):
        if row["account"] == "between":
            continue
        results[int(row["account"][1:])][0].append(row["outcome"])
    for g in b.ask("balance", "--by", "grant", "--as-of", iso(10**5 - 1)):
        results[int(g["account"][1:])][1][g["grant"].lstrip("0") or "0"] = g
    # Read without running timers on: the model stops at each history's last event.
    lasts = {}
    db = __import__("sqlite3").connect(os.path.join(b.folder, "books.db"))
    for account, grant, *books in db.execute("select account, grant, issued, available, used, expired, voided from grants"):
        lasts.setdefault(account, {})[grant.lstrip("0") or "0"] = tuple(round(float(x) * 100) for x in books)
    db.close()
    head = b.run("head", "--format", "csv").stdout
    quarantined = b.ask("quarantine", "list")
    assert not quarantined, quarantined[:3]
    b.run("verify")
    b.done()
    return [(o, lasts.get(f"h{i:05}", {})) for i, (o, _) in enumerate(results)], head


def differs(h, setting):
    return engine([h], *setting)[0][0] != naive(h, *setting)


def shrink(h, setting):
    n = 0
    while n < len(h):
        less = h[:n] + h[n + 1:]
        if less and differs(less, setting):
            h = less
        else:
            n += 1
    return h


seed = os.environ.get("SEED", "2026")
count = int(os.environ.get("HISTORIES", "1500"))
rng = random.Random(seed)
print(f"seed {seed}, {count} histories")
settings = [(r, s, o) for r in ("half-even", "half-up", "up", "down") for s in (True, False) for o in ORDERS]
for index, setting in enumerate(settings):
    histories = [history(rng) for _ in range(count // len(settings) + 1)]
    found, head = engine(histories, *setting)
    for h, got in zip(histories, found):
        if got != naive(h, *setting):
            least = shrink(h, setting)
            raise AssertionError(f"{setting}: engine {engine([least], *setting)[0][0]}, model {naive(least, *setting)}\n"
                                 + "\n".join(json.dumps(e) for e in least))
    if index % 4 == 0:
        again, head_again = engine(histories, *setting, cuts=3)
        lib.equal(again, found, "three runs")
        lib.equal(head_again, head, "head of three runs")
