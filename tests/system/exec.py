"""exec.py - [source/exec] and [report/exec]: any program brings events in, or writes a report; what fails is started again,
and nothing is lost or counted twice."""
import os

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
[service/metered feed]
currency = credits
[source/exec meter]
command = %s
wait = 0s
log = meter.log
%s
[report/exec bill]
query = usage
by = product
file = bill.txt
command = %s
"""
# Gives what it is asked for; fails as often as a file says, each time two lines further on, in the middle of a line.
METER = r"""import json, os, sys
first = int(os.environ["SCRIP_LINE"])
fails = int(open("fails").read()) if os.path.exists("fails") else 0
print("starts at", first, os.environ["SCRIP_POSITION"], file=sys.stderr)
events = [{"specversion": "1.0", "id": "g", "source": "meter", "type": "scrip.grant", "subject": "a",
           "time": "2022-01-01T00:00:00Z", "data": {"currency": "credits", "amount": "1000"}}]
events += [{"specversion": "1.0", "id": f"u{n}", "source": "meter", "type": "scrip.usage", "subject": "a",
            "time": f"2022-01-02T00:00:{n:02}Z", "data": {"product": f"P{n % 3}", "amount": str(n), "user": 'a "b" \\ é'}}
           for n in range(1, int(os.environ.get("COUNT", 20)))]
for n, event in enumerate(events[first - 1:]):
    text = json.dumps(event)
    if fails and n == 2:
        open("fails", "w").write(str(fails - 1))
        sys.stdout.write(text[:30])
        sys.exit(3)
    print(text)
"""
BILL = r"""import json, sys
head, *rows = [json.loads(line) for line in sys.stdin]
print("BILL", head["title"], [c["name"] for c in head["columns"]], {c["name"]: c["type"] for c in head["columns"]}["amount"])
for row in rows:
    print(row["product"], row["amount"])
"""


def books(more="", meter="python3 meter.py", bill="python3 bill.py"):
    b = lib.Books(CONFIG % (meter, more, bill))
    b.write("meter.py", METER)
    b.write("bill.py", BILL)
    return b


def usage(b):
    return [(u["product"], u["amount"]) for u in b.ask("usage", "--by", "product")]


def text(b, name):
    with open(os.path.join(b.folder, name)) as file:
        return file.read()


WANTED = [(f"P{p}", str(sum(n for n in range(1, 20) if n % 3 == p))) for p in range(3)]

b = books()
done = b.run("run")
assert "20 rows read" in done.stdout and "19 charged" in done.stdout, done.stdout
lib.equal(usage(b), WANTED, "what the program gave")
bill = text(b, "bill.txt").splitlines()
assert bill[0].startswith("BILL usage") and bill[0].endswith("number"), bill
lib.equal([tuple(line.split()) for line in bill[1:]], WANTED, "the report that a program wrote")
done = b.run("run")
assert "20 duplicate" in done.stdout, done.stdout
os.environ["COUNT"] = "22"
assert "2 charged" in b.run("run").stdout
del os.environ["COUNT"]
lib.equal(b.run("usage", "--by", "product", "--format", "csv").returncode, 0, "usage")
b.run("verify")
b.done()

# With resume it is asked for what is new only.
b = books("resume = yes")
b.run("run")
done = b.run("run")
assert "0 rows read" in done.stdout, done.stdout
os.environ["COUNT"] = "23"
assert "3 rows read" in b.run("run").stdout
del os.environ["COUNT"]
lib.equal([line.split()[2] for line in text(b, "meter.log").splitlines()], ["1", "21", "21"], "lines asked for")
b.done()

# It fails three times, and is started again: the same result. Each failure leaves half a line, which is not taken.
for more, starts in (("", ["1"] * 4), ("resume = yes", ["1", "3", "5", "7"])):
    b = books(more)
    b.write("fails", "3")
    done = b.run("run")
    assert "19 charged" in done.stdout and "quarantined" not in done.stdout, done.stdout
    lib.equal(done.stderr.count("is started again"), 3, done.stderr)
    lib.equal([line.split()[2] for line in text(b, "meter.log").splitlines()], starts, "lines asked for")
    lib.equal(usage(b), WANTED, "after three failures")
    b.done()

# Once more than it may: the run says so; the next one makes it whole.
b = books()
b.write("fails", "4")
done = b.run("run", ok=(3,))
assert "ended with exit 3" in done.stderr and "was started 4 times" in done.stderr, done.stderr
assert "19 charged" in b.run("run").stdout
lib.equal(usage(b), WANTED, "after a run that failed")
b.done()

# No such program; one that is killed; a report that fails; one that reads nothing; one that writes much before it reads.
b = books("restarts = 0", meter="./nothing-there")
done = b.run("run", ok=(3,))
assert "ended with exit 127" in done.stderr, done.stderr
assert "nothing-there" in text(b, "meter.log")
b.done()
b = books("restarts = 0", meter="kill -9 $$")
done = b.run("run", ok=(3,))
assert "ended with signal 9" in done.stderr, done.stderr
b.done()
b = books(bill="exit 4")
done = b.run("run", ok=(3,))
assert "ended with exit 4: the report is not whole" in done.stderr, done.stderr
b.done()
b = books(bill="exec 0<&-; echo nothing read")
b.run("run")
lib.equal(text(b, "bill.txt"), "nothing read\n", "a program that reads nothing")
b.done()
b = books(bill="head -c 3000000 /dev/zero; wc -l")
b.run("run")
lib.equal(len(text(b, "bill.txt")) > 3000000, True, "a program that writes first")
b.done()

# A filter: each file through the program, so that any format is a feed.
b = books("files = *.txt", meter="./convert.sh")
with open(os.path.join(b.folder, "convert.sh"), "w") as out:
    out.write("""#!/bin/sh
sed -E 's/^([0-9]+) ([A-Z]+)$/{"specversion":"1.0","id":"\\1","source":"t","type":"scrip.usage","subject":"a",'\\
'"time":"2022-01-02T00:00:00Z","data":{"product":"\\2","amount":"\\1"}}/' "$SCRIP_FEED"
""")
os.chmod(os.path.join(b.folder, "convert.sh"), 0o700)
b.run("grant", "a", "credits", "100", "--time", "2022-01-01")
b.write("one.txt", "1 A\n2 B\n")
b.write("two.txt", "3 A\nnonsense\n")
done = b.run("run", ok=(1,))
assert "3 charged" in done.stdout and "1 quarantined" in done.stdout, done.stdout
lib.equal(usage(b), [("A", "4"), ("B", "2")], "from two files")
lib.equal([(os.path.basename(q["feed"]), q["line"]) for q in b.ask("quarantine", "list")], [("two.txt", "2")], "quarantine")
b.done()
