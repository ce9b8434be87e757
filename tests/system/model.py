"""model.py - random histories: the engine against a naive model of every event (tests/model), and what must hold for
any.

HISTORIES=N SEED=S run more or others; a history that fails is shrunk and printed as native events with its
configuration.
BATCH=N says how many histories share a store; ONLY=N runs that batch and no other; JOBS=N: so many at a time.
"""
import collections
import contextlib
import io
import itertools
import json
import multiprocessing
import os
import random
import re
import sqlite3
import sys
import traceback
from fractions import Fraction

import lib

sys.path.insert(0, os.path.join(lib.ROOT, "tests", "model"))
import histories
import naive
from arriving import Arriving

SEED = os.environ.get("SEED", "2026")
COUNT = int(os.environ.get("HISTORIES", "200"))
BATCH = int(os.environ.get("BATCH", "50"))
KINDS = os.environ.get("KINDS", "").split() or None
ONLY = os.environ.get("ONLY")
JOBS = int(os.environ.get("JOBS", os.cpu_count()))
LATE = os.environ.get("LATE")
SHOW = int(os.environ.get("SHOW", "1"))
# What is put in its place though it came late: no event that moves amounts elsewhere. What an account says comes first.
PLACED = ("grant usage hold capture release extend reversal adjustment limit void reset close").split()
RERATED = "grant usage usage usage hold capture reversal limit void reset".split()
TYPES = ["account", *PLACED, "conversion", "transfer"]
NEVER_REFUSED = ("account", "limit", "reset", "rerate")
REQUIRED = ("grant", "currency", "amount", "hold", "limit", "of", "from", "to", "reason", "share", "period")
BOOKS = ("issued", "available", "held", "used", "expired", "voided", "transferred")


def plain(name):
    """What a transfer brings is named after its event and a hash that only the engine knows."""
    return re.sub(r"/[0-9a-f]{16}$", "", name)


def minor(text, decimals):
    if text is None or text == "unlimited":
        return text
    value = Fraction(text) * 10**decimals
    assert value.denominator == 1, text
    return value.numerator


def open_books(policies):
    books = lib.Books(histories.config(policies))
    books.write("rates.csv", histories.rates(histories.SHEET))
    return books


class Policies(dict):
    """The rules of each currency; rerate: when a corrected sheet counts, the sheet, and from when to when."""
    rerate = None


def take_in(books, events, policies):
    """All events; between them, where the sheet is corrected, what a dry run says and what is charged anew are the same: how
    many charges."""
    if policies.rerate is None:
        books.events(events)
        return 0
    at, sheet, start, end = policies.rerate
    before = [e for e in events if naive.seconds(e["time"]) <= at]
    books.events(before)
    books.write("rates.csv", histories.rates(sheet))
    what = ["rerate", "--service", "s", "--time", naive.instant(at), "--from", naive.instant(start), "--to", naive.instant(end)]
    rows = [[{k: v for k, v in row.items() if k != "outcome"} for row in books.ask(*what, *more)] for more in (["--dry-run"], [])]
    lib.equal(rows[1], rows[0], "charged anew, and what a dry run says")
    books.events([e for e in events if e not in before])
    return len(rows[0])


def with_rerate(events, policies):
    """The same for the model: an event of each account."""
    if policies.rerate is None:
        return events
    at, sheet, start, end = policies.rerate
    before = [e for e in events if naive.seconds(e["time"]) <= at]
    return before + [{"type": "scrip.rerate", "subject": name, "source": "rerate", "id": "rerate", "time": naive.instant(at),
                      "data": {"sheet": sheet, "from": start, "to": end}} for name in sorted({e["subject"] for e in events})] + \
        [e for e in events if e not in before]


def engine_grants(books, policies, flag, at):
    out = {}
    for row in books.ask("balance", "--by", "grant", flag, naive.instant(at)):
        if not row["grant"].startswith("scrip.debt."):
            decimals = policies[row["currency"]]["decimals"]
            out[row["account"], plain(row["grant"])] = tuple(minor(row[b], decimals) for b in BOOKS)
    return {key: books for key, books in out.items() if any(books)}


def model_grants(accounts):
    out = {}
    for name, account in accounts.items():
        for g in account.grants:
            issued = g.held + g.used + g.expired + g.voided + g.transferred if g.unlimited else g.issued
            available = "unlimited" if g.unlimited and not g.ended and g.begun else 0 if g.unlimited else g.available
            out[name, g.id] = (issued, available, g.held, g.used, g.expired, g.voided, g.transferred)
    return {key: books for key, books in out.items() if any(books)}


def engine_answers(books, policies, reads):
    """All that is compared, as one dictionary by account."""
    out = {}
    for row in books.ask("events"):
        if row["type"] == "scrip.rerate":
            assert row["outcome"] in ("charged", "zero"), row
            continue
        out["number", row["account"], plain(row["id"])] = int(row["number"])
        out["outcome", row["account"], plain(row["id"])] = row["outcome"]
        assert row["outcome"] != "refused" or row["reason"], row
    for flag, at in reads:
        for key, value in engine_grants(books, policies, flag, at).items():
            out[(f"{flag} {naive.instant(at)}",) + key] = value
        for row in books.ask("balance", flag, naive.instant(at)):
            debt = minor(row["debt"], policies[row["currency"]]["decimals"])
            if debt:
                out[f"{flag} {naive.instant(at)} debt", row["account"], row["currency"]] = debt
    for row in books.ask("usage", "--by", "account,day,product,user,class,currency"):
        if n := minor(row["amount"], policies[row["currency"]]["decimals"]):
            out["usage", row["account"], row["day"], row["product"], row["user"], row["class"], row["currency"]] = n
    return out


def model_answers(events, policies, reads):
    out = {}
    kind = Arriving if is_posted(policies) else naive.Account
    events = with_rerate(events, policies)
    accounts = naive.books(policies, histories.SHEET, events, naive.seconds(max(e["time"] for e in events)), True, kind)
    for name, account in accounts.items():
        for id, (outcome, _) in account.outcomes.items():
            out["outcome", name, id] = outcome
        for day, product, user, cls, currency, n in account.written:
            key = ("usage", name, naive.instant(day * naive.DAY)[:10], product, user, cls, currency)
            out[key] = out.get(key, 0) + n
    out = {key: value for key, value in out.items() if value != 0}
    told = {(name, g.id): g.told for name, account in accounts.items() for g in account.grants}
    for flag, at in reads:
        # Silent: a grant that was told of after its start is shown from its start on, as nobody could have seen it
        # then: not compared.
        out[flag, at] = {key for key, when in told.items() if when > at or (when == at and flag == "--before")}
        accounts = naive.books(policies, histories.SHEET, events, at, flag == "--as-of", kind)
        for key, value in model_grants(accounts).items():
            out[(f"{flag} {naive.instant(at)}",) + key] = value
        for name, account in accounts.items():
            for currency in policies:
                if account.owed(currency):
                    out[f"{flag} {naive.instant(at)} debt", name, currency] = account.owed(currency)
    return out


def differences(events, policies, reads, answers=None):
    """Where the engine and the model differ, in the order of the model."""
    if answers is None:
        books = open_books(policies)
        take_in(books, events, policies)
        assert not books.ask("quarantine", "list"), books.ask("quarantine", "list")[:2]
        answers = engine_answers(books, policies, reads)
        books.done()
    if is_late(policies):  # of one instant they are taken in in order
        events = sorted(events, key=lambda e: answers["number", e["subject"], e["id"]])
    answers = {key: value for key, value in answers.items() if key[0] != "number"}
    model = model_answers(events, policies, reads)
    if is_late(policies) and not is_posted(policies):
        drop_unsure(events, reads, answers, model)
    for flag, at in set(reads):
        untold = model.pop((flag, at))
        answers = {key: v for key, v in answers.items() if key[0] != f"{flag} {naive.instant(at)}"
                   or key[1:] not in untold}
    keys = list(model) + [key for key in answers if key not in model]
    return [(key, "engine", answers.get(key), "model", model.get(key)) for key in keys
            if answers.get(key) != model.get(key)]


def is_late(policies):
    return any("late" in p for p in policies.values())


def is_posted(policies):
    """Late events are judged by their dates where they come."""
    return all(p.get("late") == "post" and p["settle_lag"] == "0s" for p in policies.values())


def drop_unsure(events, reads, answers, model):
    """Of events that come in any order. An outcome is what was answered when the event came, which counts for the last
    one only; and what comes after a period was closed is posted behind it, so that earlier instants lack it."""
    last = {e["subject"]: e["id"] for e in events}
    closes = {e["subject"] for e in events if e["type"] == "scrip.close"}
    # A close is never moved behind others of its instant, and writes what fell due by them.
    instants = {(e["subject"], e["time"]) for e in events if e["type"] == "scrip.close"}
    tied = {e["subject"] for e in events if e["type"] != "scrip.close" and (e["subject"], e["time"]) in instants}
    final = tuple(f"--as-of {naive.instant(reads[-1][1])}{what}" for what in ("", " debt"))
    for some in (answers, model):
        for key in list(some):
            if key[0] == "outcome":
                unsure = last[key[1]] != key[2]
            elif key[0] == "usage":
                unsure = key[1] in tied
            else:
                unsure = key[0].startswith("--") and key[1] in closes and key[0] not in final
            if unsure:
                del some[key]


def smaller(events):
    """Every way to take something away: events, many at a time and one by one, then fields of events."""
    size = len(events) // 2
    while size:
        for n in range(0, len(events), size):
            yield events[:n] + events[n + size:]
        size //= 2
    for n, event in enumerate(events):
        for field in list(event["data"]):
            if field not in REQUIRED:
                data = {k: v for k, v in event["data"].items() if k != field}
                yield events[:n] + [{**event, "data": data}] + events[n + 1:]


def shrink(events, policies, reads):
    """Takes away while what is left still fails."""
    def fails(some):
        try:
            return bool(some) and bool(differences(some, policies, reads))
        except (AssertionError, KeyError):
            return False
    tried = 0
    while tried < 1000:
        for less in smaller(events):
            tried += 1
            if fails(less):
                events = less
                break
        else:
            return events
    return events


def show(events, policies, reads):
    for event in events:
        print(json.dumps(event))
    if policies.rerate:
        at, sheet, start, end = policies.rerate
        print("rerate at", naive.instant(at), "from", naive.instant(start), "to", naive.instant(end), "of")
        print(histories.rates(sheet))
    print(histories.config(policies, events))
    for difference in differences(events, policies, reads)[:12]:
        print(*difference)


def kind_of(difference, events):
    """What a difference is about: one history of each kind is shown."""
    key, _, engine, _, model = difference
    types = [e["type"] for e in events if e["id"] == key[2] and e["subject"] == key[1]]
    return (key[0], *types, engine, model) if types else (key[0].split()[0],)


# ---- what holds for every history


def check_sums(events, answers):
    """Every unit of a grant is in one book; none is below its floor; what transfers took out of one account came to
    another."""
    floors = {(e["subject"], e["data"]["grant"]): e["data"].get("floor", "0") for e in events
              if e["type"] == "scrip.grant"}
    on_the_way, converts = {}, any(e["type"] == "scrip.conversion" for e in events)
    for key, books in answers.items():
        if len(key) != 3 or not isinstance(books, tuple):
            continue
        issued, available, *others = books
        if available != "unlimited":
            lib.equal(issued, available + sum(others), f"{key}: issued")
            floor = floors.get(key[1:], "0")
            assert floor == "unlimited" or floor.startswith("-") or available >= 0, (key, books)
        on_the_way[key[0]] = on_the_way.get(key[0], 0) + books[-1]
    # A conversion takes out of one currency and issues another.
    assert converts or not any(on_the_way.values()), on_the_way


def check_closed(books, feed):
    """What is told after a period was closed is posted after it."""
    with sqlite3.connect(os.path.join(books.folder, "books.db")) as db:
        closes = db.execute("select account, number, json_extract(data, '$.period') from events where type = 'scrip.close'"
                            " and outcome = 'applied'").fetchall()
        entries = db.execute("select account, event, time from entries").fetchall()
    db.close()
    zones = {e["subject"]: naive.ZONES[e["data"]["zone"]] for e in feed if e["type"] == "scrip.account"}
    closed = {}
    for account, number, period in closes:
        end = naive.instant(naive.period_end(period, zones.get(account, 0)))
        closed.setdefault(account, []).append((number, end))
    for account, event, time in entries:
        for number, end in closed.get(account, []):
            assert event <= number or time[:19] + "Z" >= end, (account, number, end, event, time)


def many_runs(rng, policies, pool, events, reads, answers, head):
    """The same feed in several runs, each up to an instant, or of a part of it where it is in no order; then a part of it
    again, which changes nothing."""
    books = open_books(policies)
    path = os.path.join(books.folder, "feed-1.jsonl")
    if is_late(policies):
        # Rows of one instant that follow each other are put in order when they are read.
        ends = [n for n in range(1, len(events)) if events[n - 1]["time"] != events[n]["time"]] or [0]
        cuts = sorted(rng.choice(ends) for _ in "xxx")
        for one, other in zip([0, *cuts], [*cuts, len(events)]):
            books.events(events[one:other])
    else:
        books.write("feed-1.jsonl", "".join(json.dumps(e) + "\n" for e in events))
        for until in sorted(rng.sample(pool, min(3, len(pool)))):
            books.run("run", "--until", naive.instant(until), ok=(0, 1))
        books.run("run", ok=(0, 1))
    again = engine_answers(books, policies, reads)
    differ = [(key, answers.get(key), again.get(key)) for key in {**answers, **again}
              if answers.get(key) != again.get(key)]
    assert not differ, (path, "several runs", sorted(differ, key=str)[:5])
    lib.equal(books.run("head", "--format", "csv").stdout, head, f"{path}: head of several runs")
    size = rng.randint(1, len(events))
    books.events(events[:size])
    lib.equal(books.run("head", "--format", "csv").stdout, head, f"{path}: head after a part came again")
    books.run("verify")
    books.done()


def arrive(rng, feed, late):
    """The order in which events come: any, or some of them late. What accounts say of themselves comes first."""
    rng.shuffle(feed)
    if late == "post" and rng.random() < 0.7:
        late_by = {id(e): rng.choice([0, 0, 0, rng.randrange(12)]) for e in feed}
        times = sorted({e["time"] for e in feed})
        feed.sort(key=lambda e: times.index(e["time"]) + late_by[id(e)])
    feed.sort(key=lambda e: e["type"] != "scrip.account")
    # Rows of one instant that follow each other are put in order when they are read, so they are here.
    for name in {e["subject"] for e in feed}:
        places = [n for n, e in enumerate(feed) if e["subject"] == name]
        runs = [list(run) for _, run in itertools.groupby((feed[n] for n in places), key=lambda e: e["time"])]
        mine = [e for run in runs for e in sorted(run, key=lambda e: (naive.Account.rank(e), e["source"], e["id"]))]
        for place, event in zip(places, mine):
            feed[place] = event


def batch(rng, number, count):
    """Histories that share a store: each is compared on its own, for accounts are independent."""
    policies, pool = Policies(histories.currencies(rng)), histories.pool(rng)
    late = LATE or [None, "rerate", "post", "replay"][number % 4]
    for policy in policies.values() if late else []:
        policy.update({"late": "post", "settle_lag": "0s"} if late != "replay" else
                      rng.choice([{"late": "replay"}, {"late": "post", "settle_lag": "400d"}]))
    kinds = RERATED if late == "rerate" else late and PLACED
    made = [histories.History(rng, policies, f"n{n}", pool, KINDS or kinds).make() for n in range(count)]
    feed = sorted((event for history in made for event in history), key=lambda e: e["time"])
    if late:
        if late == "rerate":
            policies.rerate = rng.choice(pool[2:]), histories.corrected(rng), *sorted(rng.sample([0] + pool + [pool[-1] + 1], 2))
            for e in feed:
                e["data"].pop("accept", None)
                if e["type"] == "scrip.reversal":
                    e["data"].pop("amount", None)
                    e["data"]["of"].pop("line", None)
        else:
            arrive(rng, feed, late)
        made = [[e for e in feed if e["subject"] in (f"n{n}", f"n{n}x")] for n in range(count)]
    reads = [(rng.choice(["--as-of", "--before"]), rng.choice(pool + [pool[-1] + 9 * naive.DAY])) for _ in range(3)]
    reads.append(("--as-of", pool[-1]))
    if late in ("post", "rerate"):
        reads = reads[-1:]  # earlier instants were seen before what came late
    books = open_books(policies)
    rerated = take_in(books, feed, policies)
    quarantined = books.ask("quarantine", "list")
    assert not quarantined, (f"batch {number}", histories.config(policies), quarantined[:3])
    answers = engine_answers(books, policies, reads)
    wrong, each = [], {f"n{n}": {} for n in range(count)}
    for key, value in answers.items():
        each[key[1].rstrip("xy")][key] = value
    for history, mine in zip(made, each.values()):
        if found := differences(history, policies, reads, mine):
            wrong.append((kind_of(found[0], history), history))
        else:
            check_sums(history, mine)
    if not wrong:
        check_closed(books, feed)
        books.run("verify")
        head = books.run("head", "--format", "csv").stdout
        books.done()
    if not wrong and late != "rerate":
        many_runs(rng, policies, pool, feed, reads, answers, head)
    return policies, reads, wrong, tally(feed, answers, rerated)


def tally(feed, answers, rerated):
    """How many events of each type were taken and refused."""
    out = collections.Counter({("rerate", "taken"): rerated})
    for e in feed:
        outcome = answers["outcome", e["subject"], e["id"]]
        out[e["type"].split(".")[1], "refused" if outcome == "refused" else "taken"] += 1
    return out


def batch_run(number):
    """One batch, with what it has to say."""
    said, rng = io.StringIO(), random.Random(f"{SEED}/{number}")
    with contextlib.redirect_stdout(said):
        try:
            policies, reads, failed, counts = batch(rng, number, min(BATCH, COUNT - number * BATCH))
        except Exception:
            print(f"==== batch {number}: {traceback.format_exc()}")
            return 1, said.getvalue(), {}
        kinds = {kind: (kind, h) for kind, h in sorted(failed, key=lambda f: -len(f[1]))}
        for kind, history in list(kinds.values())[:SHOW]:
            print(f"==== batch {number}: {len(failed)} differ, {sum(k == kind for k, _ in failed)} of them in {kind}")
            show(shrink(history, policies, reads), policies, reads)
    return len(failed), said.getvalue(), counts


def main():
    print(f"seed {SEED}, {COUNT} histories", flush=True)
    numbers = [int(ONLY)] if ONLY else range((COUNT + BATCH - 1) // BATCH)
    wrong, counts = 0, collections.Counter()
    with multiprocessing.Pool(min(JOBS, len(numbers))) as pool:
        for failed, said, some in pool.imap(batch_run, numbers):
            print(said, end="", flush=True)
            wrong += failed
            counts.update(some)
    for kind in [*TYPES, "rerate"]:
        print(f"{kind:<12}{counts[kind, 'taken']:>9} taken {counts[kind, 'refused']:>9} refused")
        if not (ONLY or KINDS or LATE or COUNT < 200):
            assert counts[kind, "taken"] and (counts[kind, "refused"] or kind in NEVER_REFUSED), kind
    if wrong:
        sys.exit(f"{wrong} histories differ")


if __name__ == "__main__":
    main()
