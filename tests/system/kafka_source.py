"""kafka_source.py - [source/kafka] on librdkafka's mock cluster: offsets are committed with the charges; the group's offset
follows; what is killed, unreachable, lost or another topic leaves right totals, or is told."""
import json
import os
import subprocess
import tempfile
import time

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
overdraft = debt
[service/metered feed]
currency = credits
[source/kafka usage]
brokers = %s
topics = jobs
retry = 8s
%s
"""


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="scrip-test-")
        program = os.path.join(self.folder, "kafka_broker")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "rdkafka"], capture_output=True, text=True)
        if flags.returncode:
            lib.skip("no librdkafka: install librdkafka-dev")
        made = subprocess.run([*os.environ.get("CC", "gcc").split(), "-Wall", "-Wextra", "-Werror", "-o", program,
                               os.path.join(lib.ROOT, "tests", "system", "kafka_broker.c"), *flags.stdout.split()],
                              capture_output=True, text=True)
        lib.equal(made.returncode, 0, made.stderr)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.brokers = self.process.stdout.readline().strip()

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def put(self, topic, partition, *texts):
        for text in texts:
            self.process.stdin.write(f"put {topic} {partition} {text}\n")
        lib.equal(self.ask("flush"), "0 0", "messages put")

    def done(self):
        self.process.stdin.close()
        self.process.wait()
        lib.shutil.rmtree(self.folder, ignore_errors=True)


def use(n, product="P"):
    return json.dumps(lib.event("usage", f"u{n}", f"a{n % 3}", f"2022-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z",
                                product=product, amount=str(n)))


def total(b):
    return sum(int(r["amount"]) for r in b.ask("usage", "--by", "product"))


cluster = Cluster()
lib.equal(cluster.ask("topic", "jobs", 2), "0", "topic")
b = lib.Books(CONFIG % (cluster.brokers, "group = billing"))
done = b.run("run")
assert "0 rows read" in done.stdout, done.stdout
cluster.put("jobs", 0, *[use(n) for n in range(0, 300, 2)])
cluster.put("jobs", 1, *[use(n) for n in range(1, 300, 2)])
assert "299 charged" in b.run("run").stdout  # and one that costs nothing
lib.equal(total(b), sum(range(300)), "two partitions")
lib.equal([cluster.ask("committed", "billing", "jobs", p) for p in (0, 1)], ["150", "150"], "the group's offsets follow")
done = b.run("run")
assert "0 rows read" in done.stdout and not done.stderr, done.stdout + done.stderr
# Messages that are none: quarantined with their bytes; an empty one is filtered.
cluster.put("jobs", 0, use(300), "not JSON", "", use(301))
done = b.run("run", ok=(1,))
assert "2 charged" in done.stdout and "1 quarantined" in done.stdout and "1 filtered" in done.stdout, done.stdout
lib.equal(cluster.ask("committed", "billing", "jobs", 0), "154", "the group's offset")
bad = b.ask("quarantine", "list")[0]
lib.equal((bad["feed"], bad["line"]), ("kafka:jobs/0", "152"), "where it stands")
b.run("verify")

# A broker that is away for a while; one that answers with faults.
cluster.put("jobs", 1, *[use(n) for n in range(302, 340)])
for broker in (1, 2, 3):
    cluster.ask("down", broker)
process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(0.7)
for broker in (1, 2, 3):
    cluster.ask("up", broker)
out, err = process.communicate(timeout=30)
assert process.returncode == 0 and "38 charged" in out, out + err
cluster.put("jobs", 1, use(340))
cluster.ask("error", 1, 6, 3)  # Fetch: not the leader
cluster.ask("error", 2, 7, 1)  # ListOffsets: timed out
assert "1 charged" in b.run("run").stdout
lib.equal(total(b), sum(range(341)), "after faults")

# Killed: at any moment. The store's cursor is the truth: where the group stands does not matter.
cluster.put("jobs", 0, *[use(n) for n in range(341, 3000)])
c = lib.killed(lambda: lib.Books(CONFIG % (cluster.brokers, "group = killed")))
c.run("run", ok=(0, 1))
b.run("run", ok=(0, 1))
lib.equal((total(c), total(b)), (sum(range(3000)),) * 2, "killed, and not")
lib.equal(c.run("verify").stdout, b.run("verify").stdout, "the same events")
lib.equal([cluster.ask("committed", "killed", "jobs", p) for p in (0, 1)], [cluster.ask("committed", "billing", "jobs", p) for p in (0, 1)],
          "offsets")
c.done()

# A run that was cut short before the group's offset could follow: the next one moves it, also where nothing is new.
with open(b.config) as config:
    text = config.read()
with open(b.config, "w") as config:
    config.write(text.replace("group = billing", "group = late"))
assert "0 rows read" in b.run("run").stdout
lib.equal([cluster.ask("committed", "late", "jobs", p) for p in (0, 1)], [cluster.ask("committed", "billing", "jobs", p) for p in (0, 1)],
          "offsets that follow later")

# Kept too short: the mock keeps 5 MB of a partition. What was never read is missed.
filler = "x" * 90000
cluster.put("jobs", 1, *[use(n, filler[:200]).replace('"product"', f'"unit": "u", "attributes": {{"f": "{filler[:60000]}"}}, "product"')
                         for n in range(3000, 3120)])
done = b.run("run", ok=(3,))
assert "are gone: the broker threw them away before they were read" in done.stderr and "lost = skip" in done.stderr, done.stderr
with open(b.config, "a") as config:
    config.write("lost = skip\n")
done = b.run("run", ok=(0, 1))
assert "are gone, and are skipped" in done.stderr, done.stderr
assert sum(range(3000)) < total(b) < sum(range(3120))
done = b.run("run")
assert "gone" not in done.stderr, "told once"
b.run("verify")
b.done()

# Another topic of the same name, shorter and longer than what was read: from its start; ids keep what is known from counting twice.
other = Cluster()
other.ask("topic", "jobs", 1)
cluster.ask("topic", "short", 1)
b = lib.Books((CONFIG % (cluster.brokers, "")).replace("= jobs", "= short"))
cluster.put("short", 0, *[use(n) for n in range(10)])
b.run("run")
other.ask("topic", "short", 1)
with open(b.config) as config:
    text = config.read()
with open(b.config, "w") as config:
    config.write(text.replace(cluster.brokers, other.brokers))
other.put("short", 0, *[use(n) for n in range(5, 12)])
done = b.run("run")
assert "message 9 was read, but the last one there is 6" in done.stderr, done.stderr
assert "2 charged" in done.stdout and "5 duplicate" in done.stdout, done.stdout
with open(b.config, "w") as config:
    config.write(text)
cluster.put("short", 0, *[use(n) for n in range(20, 24)])
done = b.run("run")
assert "is another than it was: it is read from its start again" in done.stderr and "4 charged" in done.stdout, done.stderr
b.done()
other.done()

# Objects by a map: the id is a member, or where the message stands.
cluster.ask("topic", "flat", 1)
cluster.put("flat", 0, *[json.dumps({"at": 1640995200 + n, "who": {"team": "a", "mail": f"m{n % 2}"}, "units": n}) for n in range(9)],
            '{"at": 1, "who": {}}')
b = lib.Books((CONFIG % (cluster.brokers, "map.time = at\ntime = %s\nmap.account = who.team\nmap.user = who.mail?\nmap.amount = units\n"
                         "const.product = P\n")).replace("= jobs", "= flat"))
done = b.run("run", ok=(1,))
assert "8 charged" in done.stdout and "1 zero" in done.stdout and "1 quarantined" in done.stdout, done.stdout
assert "has no member 'who.team'" in b.ask("quarantine", "list")[0]["reason"]
lib.equal((total(b), b.ask("events")[1]["id"]), (36, "flat/0/1"), "by a map")
assert "0 rows read" in b.run("run").stdout
b.done()

# The example of conf/, as it stands but for the address.
cluster.ask("topic", "usage", 4)
with open(os.path.join(lib.ROOT, "conf", "kafka.ini")) as config:
    text = config.read()
assert "localhost:9092" in text
b = lib.Books(text.replace("localhost:9092", cluster.brokers))
lib.shutil.copytree(os.path.join(lib.ROOT, "conf", "postgres"), os.path.join(b.folder, "postgres"))
with open(os.path.join(b.folder, "postgres", "feed.jsonl")) as feed:
    cluster.put("usage", 3, *feed.read().splitlines())
b.run("init")
assert "6 rows read" in b.run("run").stdout
b.run("verify")
b.done()

# What plugin.h asks of every source.
cluster.ask("topic", "suite", 1)
cluster.put("suite", 0, *[use(n) for n in range(60)], "not JSON")
lib.keeps("source/kafka", "brokers=" + cluster.brokers, "topics=suite", "group=suite")

# Sections that are wrong; a broker that is not there; a credential that is kept quiet.
for more, words, code in (("config.group.id = x", "is this source's own", 2), ("config.sasl.password = hush-hush", "put it into credential_file", 2),
                          ("config.no.such = 1", "No such configuration property", 2), ("const.product = P", "native events", 2),
                          ("prices = prices.csv", "messages are native events", 2),
                          ("credential_file = token\nconfig.security.protocol = SASL_PLAINTEXT\nconfig.sasl.mechanism = PLAIN\n"
                           "config.sasl.username = u", "no word of its topics", 3)):
    b = lib.Books((CONFIG % ("127.0.0.1:1", more)).replace("retry = 8s", "retry = 1s"))
    os.chmod(b.write("token", "hush-hush-secret\n"), 0o600)
    done = b.run("run", ok=(code,))
    assert words in done.stderr and "hush-hush" not in done.stderr + done.stdout, (more, done.stderr)
    b.done()
cluster.done()
