"""memory.py - memory runs out, at one request after the other: no crash, a clear exit, and a rerun ends right."""
import os
import shutil
import subprocess
import tempfile

import lib

if os.environ.get("SAN"):
    lib.skip("sanitizers bring a malloc of their own")

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
draw_order = class(free purchased), expires, cost
[service/ratesheet cloud]
sheet = rates.csv
currencies = credits
[service/daily desktop]
sheet = daily.csv
currencies = credits
[source/events events]
files = feed.jsonl
[source/csv usage]
files = usage*.csv
const.account = north
map.time = when
map.product = what
map.quantity = much
identity = when, what
"""
HERE = os.path.dirname(os.path.abspath(__file__))
tools = tempfile.mkdtemp(prefix="scrip-memory-")
preload = os.path.join(tools, "fail_malloc.so")
subprocess.run([*os.environ.get("CC", "gcc").split(), "-O2", "-shared", "-fPIC", "-o", preload,
                os.path.join(HERE, "fail_malloc.c")], check=True)


def make():
    b = lib.Books(CONFIG)
    b.write("rates.csv", "product,from,to,rate,per,currency\nRENDER,,,1.25,3,credits\n")
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,7,1,credits\n")
    events = [lib.event("grant", f"g{i}", account, "2022-01-01T00:00:00Z", currency="credits", amount="50",
                        cost={"amount": "9", "currency": "USD"}, **{"class": "free" if i else "purchased"})
              for account in ("north", "south") for i in range(2)]
    events += [lib.event("usage", f"u{i}", ("north", "south")[i % 2], f"2022-02-{i + 1:02}T10:00:00Z",
                         product=("RENDER", "ACD", "NOBODY")[i % 3],
                         quantity="123456789.123456789" if i == 7 else "2.5", user=f"user {i % 4}", end=f"2022-02-{i + 1:02}T12:00:00Z", attributes={"pool": "x" * i})
               for i in range(12)]
    b.write("feed.jsonl", "".join(lib.json.dumps(e) + "\n" for e in events) + "no event\n")
    b.write("usage1.csv", "when,what,much\n" + "".join(f"2022-03-{i + 1:02},RENDER,{i}.5\n" for i in range(8)))
    return b


def copy(b, name):
    """The same books in a folder of that name, anew."""
    folder = os.path.join(tools, name)
    shutil.rmtree(folder, ignore_errors=True)
    return lib.Books(None, shutil.copytree(b.folder, folder))


def run(b, args, **fail):
    env = dict(os.environ, LD_PRELOAD=preload, **{k: str(v) for k, v in fail.items()})
    return subprocess.run([lib.SCRIP, "-c", b.config, *args], capture_output=True, text=True, env=env)


def requests(b, args):
    path = os.path.join(tools, "requests")
    run(b, args, FAIL_COUNT=path)
    with open(path) as count:
        return int(count.read())


def ended_well(done, what):
    """A process that could not go on says why and ends by itself; GMP, which has no other way, ends by SIGABRT, and so does the C
    library, with 127, where it loads a plugin's libraries."""
    if done.returncode == 127 and "cannot allocate memory for thread-local data" in done.stderr:
        return
    if done.returncode == -6 and any(f"GNU MP: Cannot {how} memory" in done.stderr for how in ("allocate", "reallocate")):
        return
    assert done.returncode in (0, 1, 2, 3), f"{what}: exit {done.returncode}\n{done.stderr}"
    # A library of a plugin may have said something before.
    said = any(line.startswith("scrip: ") for line in done.stderr.splitlines())
    assert done.returncode < 2 or said, f"{what}: without a word: {done.stderr!r}"


def plan(count):
    """Which requests fail: the first ones singly, later ones by steps, shorter where SQLite has read its schema and the
    host works; then all from some moment on, and each so-manieth."""
    singles = (set(range(1, min(count, 15))) | {1 + i * count // 30 for i in range(30)} |
               {count - i * count // 200 for i in range(60)})
    return ([{"FAIL_AT": n} for n in sorted(singles)] + [{"FAIL_FROM": 1 + i * count // 10} for i in range(10)] +
            [{"FAIL_EVERY": n} for n in (2, 20, 1000, 5000)])


# What it should be.
right = make()
right.run("init")
right.run("run", ok=(1,))
HEAD, BALANCE = right.run("head").stdout, right.run("balance", "--as-of", "2022-04-01", "--by", "grant").stdout


def quarantine(b):
    return [[row[k] for k in ("class", "line", "account", "id", "reason")] for row in b.ask("quarantine", "list")]


QUARANTINE = quarantine(right)
assert len(QUARANTINE) > 3, QUARANTINE

# Runs that fail somewhere: what they say they did, they did; a rerun does the rest.
template = make()
template.run("init")
exits = {}
for fail in plan(requests(copy(template, "count"), ["run"])):
    b = copy(template, "run")
    done = run(b, ["run"], **fail)
    ended_well(done, f"run {fail}")
    exits[done.returncode] = exits.get(done.returncode, 0) + 1
    if done.returncode < 2:
        lib.equal(b.run("head").stdout, HEAD, f"run {fail} ended well")
    b.run("verify", ok=(0,))
    b.run("run", ok=(0, 1))
    lib.equal(b.run("head").stdout, HEAD, f"the run after {fail}")
    lib.equal(b.run("balance", "--as-of", "2022-04-01", "--by", "grant").stdout, BALANCE, f"balance after {fail}")
    lib.equal(quarantine(b), QUARANTINE, f"quarantine after {fail}")
print("run: exits", exits)
assert exits.get(3, 0) > 20, f"hardly anything failed: {exits}"

# Stores that could not be made: made the next time.
exits = {}
template = make()
for fail in plan(requests(copy(template, "count"), ["init"])):
    b = copy(template, "run")
    done = run(b, ["init"], **fail)
    ended_well(done, f"init {fail}")
    exits[done.returncode] = exits.get(done.returncode, 0) + 1
    lib.equal(sorted(f for f in os.listdir(b.folder) if not f.startswith("books.db")),
              sorted(os.listdir(template.folder)), f"files after init {fail}")
    b.run("init")
    b.run("run", ok=(1,))
    lib.equal(b.run("head").stdout, HEAD, f"init after {fail}")
print("init: exits", exits)

# Questions: the whole answer, or none and a message.
for args in (["balance", "--as-of", "2022-04-01", "--by", "grant"], ["usage", "--by", "product,user"],
             ["explain", "u7"], ["events", "north"], ["verify"], ["plugins"],
             ["quote", "north", "RENDER", "3", "--time", "2022-03-01"]):
    exits = {}
    wanted = right.run(*args, ok=(0, 1)).stdout
    for fail in plan(requests(right, args))[::4]:
        done = run(right, args, **fail)
        ended_well(done, f"{args} {fail}")
        exits[done.returncode] = exits.get(done.returncode, 0) + 1
        # A plugin that cannot be loaded is listed with the reason.
        if done.returncode == 0 and not (args == ["plugins"] and ".so: cannot be loaded: " in done.stdout or
                                         ".so: Cannot allocate memory" in done.stdout):
            lib.equal(done.stdout, wanted, f"{args} {fail}")
    print(args[0], "exits", exits)
    lib.equal(right.run("head").stdout, HEAD, f"head after {args}")

right.done()
template.done()
shutil.rmtree(tools)
