"""subscribers.py - deliveries: every committed event at least once, in order per account, signed; receivers that fail, are slow, say
no or break off; a command in the place of a hook; positions that move with the books; configurations that cannot be."""
import json
import os
import subprocess
import time

import lib
from lib import equal, event

import hooks
from hooks import KEY, books, history, hook, told

# ---- what is delivered ----------------------------------------------------------------------------------------------

receiver = hooks.Receiver(KEY)
refusals = hooks.Receiver()
b = books(hook(receiver) + f"[report/hook refusals]\nurl = {refusals.url}\nevents = refused\nheader.X-Team = north\n")
b.events(history(["north", "süd/1"], 30))
done = b.run("deliver")
equal(receiver.faults, [], "signatures")
assert "secret-path" not in done.stdout + done.stderr and KEY not in done.stdout + done.stderr
equal(hooks.order_check(receiver.taken), {"north": 31, "süd/1": 31}, "all events, in order")
events = {(e["account"], e["number"]): e for e in b.ask("events")}
for d in receiver.taken:
    e = events[d["subject"], d["data"]["number"]]
    equal((d["specversion"], d["id"], d["time"], d["type"], d["data"]["outcome"], d["data"].get("reason"), d["data"]["event"]["id"]),
          ("1.0", f"{e['account']}/{e['number']}", e["time"], "scrip." + e["outcome"], e["outcome"], e["reason"], e["id"]),
          "an event as it is listed")
    charged = sum(lib.Decimal(c["amount"]) for c in d["data"]["charges"])
    equal(charged, sum(lib.Decimal(x["amount"]) for x in d["data"]["draws"]), "draws of a charge")
last = {d["subject"]: d["data"]["balances"] for d in receiver.taken}
for row in b.ask("balance"):
    equal({**last[row["account"]][0], "account": row["account"]}, row, "the balances after the last event")
equal(len(refusals.taken), sum(e["outcome"] == "refused" for e in events.values()), "refusals only")
equal((refusals.headers["X-Team"], refusals.headers.get("Scrip-Signature")), ("north", None), "headers")
assert refusals.taken, "no event of this test was refused"
# Nothing is told again, also not by a run; and a run tells what is new.
b.run("deliver")
b.run("charge", "north", "RENDER", "0.1", "--time", "2022-01-03", "--id", "late-1", ok=(0, 1))
b.run("run")
equal(len(receiver.taken), 63, "deliveries")
equal(told(b)["north"], ("told", 32, 0, 0), "positions")
b.run("verify")

# Positions are part of the books: a copy goes on where they stand.
if lib.STORE == "sqlite":
    with open(b.config) as file:
        text = file.read()
    b.write("scrip.ini", "[scrip]\nstore = sqlite\n" + text.replace("[currency", "[store/sqlite copy]\nfile = copy.db\n[currency", 1))
    b.run("migrate", "copy")
    with open(b.config) as file:
        text = file.read()
    b.write("scrip.ini", text.replace("store = sqlite", "store = copy"))
    b.run("charge", "north", "RENDER", "0.1", "--time", "2022-01-03", "--id", "late-2", ok=(0, 1))
    b.run("deliver")
    equal(receiver.ids()[63:], ["north/33"], "from the copy")
b.done()

# ---- who says no, is slow, or breaks off ------------------------------------------------------------------------------

# One account's deliveries fail; the others go on; it is tried again after its wait, and no sooner.
bad = {"until": 3}
receiver = hooks.Receiver(KEY, lambda e, nth: 500 if e["id"] == "b/3" and nth <= bad["until"] else 200)
b = books(hook(receiver, "first_wait = 1h\nmost_wait = 2h\ntries = 3"))
b.events(history(["a", "b", "c"], 5))
done = b.run("deliver", ok=(1,))
assert "b/3: answered 500: no, thanks" in done.stderr, done.stderr
equal({k: v[:2] for k, v in told(b).items()}, {"a": ("told", 6), "b": ("failing", 2), "c": ("told", 6)}, "b waits, others do not")
b.run("deliver", ok=(1,))
equal(receiver.seen.count("b/3"), 1, "it waits for an hour")
row = next(r for r in b.ask("subscribers", "--by", "account") if r["account"] == "b")
wait = time.mktime(time.strptime(row["next try"][:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(time.gmtime())
assert 3500 < wait <= 3600, row
b.run("deliver", "--retry", ok=(1,))
row = next(r for r in b.ask("subscribers", "--by", "account") if r["account"] == "b")
wait = time.mktime(time.strptime(row["next try"][:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(time.gmtime())
assert 7100 < wait <= 7200, row
done = b.run("deliver", "--retry", ok=(1,))
assert "1 accounts were given up" in done.stdout, done.stdout
equal(told(b)["b"], ("given up", 2, 4, 3), "after three tries")
equal([r["given up"] for r in b.ask("subscribers")], ["1"], "a subscriber's row")
b.run("deliver", ok=(1,))
equal(receiver.seen.count("b/3"), 3, "no more tries of its own")
b.run("deliver", "--retry", "--account", "b")
equal(receiver.ids(), ["a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "b/1", "b/2", "c/1", "c/2", "c/3", "c/4", "c/5", "c/6", "b/3", "b/4",
                       "b/5", "b/6"], "all of it, in order per account")
bad["until"] = 10 ** 6
b.events([event("usage", "more", a, "2022-01-05T00:00:00Z", product="RENDER") for a in "ab"])
receiver.answer = lambda e, nth: 410 if e["id"] == "b/7" else 200
b.run("deliver", ok=(1,))
done = b.run("deliver", "--skip", "shop", "--account", "b")
assert "1 passed over" in done.stdout, done.stdout
b.run("charge", "b", "RENDER", "0.1", "--time", "2022-01-06", "--id", "after", ok=(0, 1))
b.run("deliver")
assert "b/7" not in receiver.ids() and receiver.ids()[-1] == "b/8", receiver.ids()
b.done()

# Too slow for its timeout, and a connection that breaks off: tried again.
receiver = hooks.Receiver(KEY, lambda e, nth: {("a/1", 1): "cut", ("b/1", 1): 1.5}.get((e["id"], nth), 200))
b = books(hook(receiver, "first_wait = 0s\ntimeout = 1s"))
b.events(history(["a", "b", "c"], 3))
done = b.run("deliver", ok=(1,))
equal({k: v[0] for k, v in told(b).items()}, {"a": "failing", "b": "failing", "c": "told"}, done.stderr)
b.run("deliver")
equal(hooks.order_check(receiver.taken), {"a": 4, "b": 4, "c": 4}, "all, once more")
b.done()
receiver.close()

# Nobody there at all: three accounts say so, and that is enough; the run itself is done, and says so.
b = books(hook(receiver, "first_wait = 0s"))
b.events(history("abcdefghij", 1))
done = b.run("run", ok=(1,))
equal(done.stderr.count("scrip: subscriber shop: "), 3, done.stderr)
assert "secret-path" not in done.stderr, done.stderr
equal(sum(row[3] for row in told(b).values()), 3, "tries")
done = b.run("deliver", ok=(1,))
equal(done.stderr.count("scrip: subscriber shop: "), 3, "others or the same, and no more")
b.done()

# An account that is damaged is told of; the others go on.
if lib.STORE == "sqlite":
    receiver = hooks.Receiver(KEY)
    b = books(hook(receiver))
    b.events(history(["a", "b", "c"], 2))
    subprocess.run(["sqlite3", os.path.join(b.folder, "books.db"),
                    "update event_rows set data = '{\"nonsense\":1}' where id = 'g-b'"], check=True)
    done = b.run("deliver", ok=(1,))
    assert "its events are damaged: run verify" in done.stderr, done.stderr
    equal(len({e["subject"] for e in receiver.taken}), 2, "the others")
    b.done()
    receiver.close()

# What lives no longer than a run tells at its end.
receiver = hooks.Receiver(KEY)
b = books(hook(receiver, "alert.low = balance credits below 90"))
with open(b.config) as file:
    text = file.read()
b.write("scrip.ini", "[store/memory]\n" + text[text.index("[currency"):].replace("files = none", "files = feed"))
b.write("feed-1.jsonl", "".join(json.dumps(e) + "\n" for e in history(["a"], 3)))
b.run("run")
equal((len(receiver.ids()) - len(receiver.alerts()), len(receiver.alerts())), (4, 1), "of a store in memory")
b.done()
receiver.close()

# A certificate that nobody vouches for is no receiver; one that is named is.
b = books("[report/exec unused]\ncommand = true\nevents = refused\n")
files = [os.path.join(b.folder, name) for name in ("cert.pem", "cert.key")]
if subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                   "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]], capture_output=True).returncode:
    print("no openssl: https is not tried")
else:
    receiver = hooks.Receiver(KEY, certificate=files)
    b.events(history(["a"], 1))
    with open(b.config) as file:
        text = file.read()
    for more, taken in (("", 0), ("ca_file = cert.pem", 2)):
        b.write("scrip.ini", text[:text.index("[report")] + hook(receiver, more + "\nfirst_wait = 0s"))
        done = b.run("deliver", ok=(0, 1))
        equal(len(receiver.taken), taken, done.stderr)
    receiver.close()
b.done()

# ---- a command gets the same --------------------------------------------------------------------------------------------

TAKE = r"""import hashlib, hmac, json, os, sys
body = sys.stdin.buffer.read()
event = json.loads(body)
parts = dict(p.split("=", 1) for p in os.environ["SCRIP_SIGNATURE"].split(","))
assert hmac.new(b"%s", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest() == parts["v1"]
assert event["id"] == os.environ["SCRIP_DELIVERY"]
if os.path.exists("no-" + event["id"].replace("/", "-")):
    sys.exit("not today")
with open("taken", "ab") as out:
    out.write(body + b"\n")
""" % KEY
receiver = hooks.Receiver(KEY)
b = books(hook(receiver, "alert.low = balance credits below 90") + """[report/exec shell]
command = python3 take.py 2>&1
events = all
alert.low = balance credits below 90
key_env = SHELL_KEY
first_wait = 0s
""")
b.write("take.py", TAKE)
os.environ["SHELL_KEY"] = KEY
b.events(history(["a", "b"], 4))
b.write("no-a-3", "")
done = b.run("deliver", ok=(1,))
assert "a/3: the program ended with exit 1: not today" in done.stderr, done.stderr
os.remove(os.path.join(b.folder, "no-a-3"))
b.run("deliver")
with open(os.path.join(b.folder, "taken")) as file:
    taken = [json.loads(line) for line in file]
equal(sorted(e["id"] for e in taken), sorted(receiver.ids()), "the same deliveries")
equal([e for e in taken if e["subject"] == "b"], [e for e in receiver.taken if e["subject"] == "b"], "with the same bytes")
equal(hooks.order_check(taken), {"a": 5, "b": 5}, "in order")
assert any(e["type"] == "scrip.alert" for e in taken)
b.done()
b = books("[report/exec slow]\ncommand = sleep 60\nevents = all\ntimeout = 1s\n"
          "[report/exec none]\ncommand = exec ./nothing-there\nevents = all\nlog = log\n"
          "[report/exec deaf]\ncommand = exec 0<&-; exit 0\nevents = all\n")
b.events(history(["a"], 1))
started = time.monotonic()
done = b.run("deliver", ok=(1,))
assert "longer than its timeout" in done.stderr and "exit 127" in done.stderr and time.monotonic() - started < 5, done.stderr
equal((told(b, "slow")["a"][0], told(b, "none")["a"][0], told(b, "deaf")["a"]), ("failing", "failing", ("told", 2, 0, 0)), "three ends")
b.done()
receiver.close()

# ---- configurations that cannot be -----------------------------------------------------------------------------------

for section, wanted in (
    ("[report/csv x]\nevents = all\n", "report/csv cannot deliver events or alerts: use report/hook or report/exec"),
    ("[report/hook x]\nurl = http://h/\n", "report/hook only delivers: say what, as events = charged, refused"),
    ("[report/hook x]\nurl = ftp://h/\nevents = all\n", "url: want one that begins with http:// or https://"),
    ("[report/hook x]\nurl = http://h/\nevents = some\n", "events: 'some': want charged, zero, applied, refused, or all"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nquery = usage\n", "query: is of reports, and this section delivers"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nkey_file = nowhere\n", "key_file: "),
    ("[report/hook x]\nurl = http://h/\nevents = all\nkey_file = open-key\n", "others may read or write it: chmod 600"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nkey_file = short-key\n", "a key of 5 bytes: want 16 or more"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nkey_env = NO_SUCH_KEY\n", "the environment has no variable NO_SUCH_KEY"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nkey_env = HOME\nkey_file = key\n", "give one of both"),
    ("[report/hook x]\nurl = http://h/\nevents = all\ntries = 0\n", "tries: '0': want 1 to"),
    ("[report/hook x]\nurl = http://h/\nevents = all\nfirst_wait = P1M\n", "first_wait: 'P1M': want a fixed duration"),
    ("[report/hook x]\nurl = http://h/\nevents = all\ntimeout = 0s\n", "timeout: want a fixed duration such as 10s"),
    ("[report/hook x]\nurl = http://h/\nalert.a = balance credits under 5\n", "alert.a: 'balance credits under 5': want one of"),
    ("[report/hook x]\nurl = http://h/\nalert.a = balance nothing below 5\n", "currency 'nothing': not configured"),
    ("[report/hook x]\nurl = http://h/\nalert.a = balance credits below 5.001\n", "'5.001': want an amount above 0 of credits"),
    ("[report/hook x]\nurl = http://h/\nalert.a = balance credits below 101%\n", "'101%': want an amount"),
    ("[report/hook x]\nurl = http://h/\nalert.a = expiring credits within soon\n", "'soon': want a duration"),
    ("[report/hook x]\nurl = http://h/\nalert.a = burn credits above 5 each 1d\n", "want one of"),
):
    b = books(section)
    os.chmod(b.write("open-key", KEY), 0o644)
    os.chmod(b.write("short-key", "12345\n"), 0o600)
    b.run("init", ok=None)
    done = b.run("deliver", ok=(2, 3))
    if " key" in wanted or "key_" in wanted or "environment" in wanted or "chmod" in wanted:
        b.run("balance", ok=(0,) if "give one of both" not in wanted else (2,))
    assert wanted in done.stderr, f"{section}\nwanted: {wanted}\nfound: {done.stderr}"
    b.done()
b = books("")
b.run("init")
assert "no subscriber: add a section" in b.run("deliver", ok=(2,)).stderr
b.done()
b = books(hook(receiver))
b.run("init")
assert "want one of shop" in b.run("deliver", "shp", ok=(2,)).stderr
assert "name the subscriber and the account" in b.run("deliver", "--skip", ok=(2,)).stderr
assert "--follow goes on with the clock" in b.run("deliver", "--follow", "--as-of", "2022-01-01", ok=(2,)).stderr
b.done()
