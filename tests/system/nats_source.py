"""nats_source.py - [source/nats] on a real nats-server: what was committed is where reading goes on; a server that restarts in the
middle, a run that is killed, messages that are gone and a stream made anew leave right totals, or are told."""
import json
import os
import shutil
import socket
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
[source/nats usage]
servers = nats://127.0.0.1:%d
stream = JOBS
retry = 8s
%s
"""
TOKEN = "hush-nats-token-41"
PROGRAM = shutil.which("nats-server") or "/usr/sbin/nats-server"


class Server:
    def __init__(self, *words, token=None):
        if not os.access(PROGRAM, os.X_OK):
            lib.skip("no nats-server: install nats-server")
        self.folder = tempfile.mkdtemp(prefix="scrip-test-")
        self.port, self.token = lib.pg.free_port(), token
        self.words = [*words, *(["--auth", token] if token else [])]
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", PROGRAM, "-a", "127.0.0.1", "-p", str(self.port), *self.words], cwd=self.folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), 5)
                break
            except OSError:
                assert time.monotonic() < until, "nats-server does not start"
                time.sleep(0.02)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()  # INFO
        self.send(b"CONNECT " + json.dumps({"verbose": False, "auth_token": self.token}).encode() + b"\r\nSUB INBOX 1\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        while True:
            line = self.lines.readline()
            if line.startswith(b"PING"):
                self.send(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                size = int(line.split()[-1])
                return json.loads(self.lines.read(size + 2))
            elif not line or line.startswith(b"-ERR"):
                raise AssertionError(line)

    def api(self, what, **data):
        text = json.dumps(data).encode()
        self.send(b"PUB $JS.API.%s INBOX %d\r\n%s\r\n" % (what.encode(), len(text), text))
        found = self.answer()
        assert "error" not in found, found
        return found

    def stream(self, **more):
        # The server may not be ready to make a stream yet, though it takes connections.
        for _ in range(100):
            try:
                return self.api("STREAM.CREATE.JOBS", name="JOBS", subjects=["jobs.*"], storage="file", **more)
            except AssertionError:
                time.sleep(0.05)
        return self.api("STREAM.CREATE.JOBS", name="JOBS", subjects=["jobs.*"], storage="file", **more)

    def put(self, subject, *texts):
        for at in range(0, len(texts), 200):
            part = texts[at:at + 200]
            self.send(b"".join(b"PUB %s INBOX %d\r\n%s\r\n" % (subject.encode(), len(t.encode()), t.encode()) for t in part))
            for _ in part:
                assert "seq" in self.answer()

    def state(self):
        return self.api("STREAM.INFO.JOBS")["state"]

    def kill(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def done(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def use(n, product="P", **more):
    return json.dumps(lib.event("usage", f"u{n}", f"a{n % 3}", f"2022-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z",
                                product=product, amount=str(n), **more))


def total(b):
    return sum(int(r["amount"]) for r in b.ask("usage", "--by", "product"))



server = Server("-js", "-sd", "js")
b = lib.Books(CONFIG % (server.port, ""))
assert "no stream 'JOBS'" in b.run("run", ok=(2,)).stderr
server.stream()
assert "0 rows read" in b.run("run").stdout
server.put("jobs.a", *[use(n) for n in range(700)])
assert "699 charged" in b.run("run").stdout  # and one that costs nothing
lib.equal(total(b), sum(range(700)), "a stream")
done = b.run("run")
assert "0 rows read" in done.stdout and not done.stderr, done.stdout + done.stderr
server.put("jobs.b", use(700), "not JSON", "", use(701))
done = b.run("run", ok=(1,))
assert "2 charged" in done.stdout and "1 quarantined" in done.stdout and "1 filtered" in done.stdout, done.stdout
lib.equal([(q["feed"], q["line"]) for q in b.ask("quarantine", "list")], [("nats:JOBS", "703")], "where it stands")

lib.keeps("source/nats", f"servers=nats://127.0.0.1:{server.port}", "stream=JOBS")

# One subject of several; nothing of it; none behind the last.
one = lib.Books(CONFIG % (server.port, "subject = jobs.b"))
one.run("run", ok=(1,))
lib.equal(total(one), 1401, "one subject")
server.put("jobs.a", use(702))
assert "0 rows read" in one.run("run", ok=(0, 1)).stdout
server.put("jobs.b", use(703))
assert "1 charged" in one.run("run").stdout
one.done()
none = lib.Books(CONFIG % (server.port, "subject = jobs.none"))
assert "0 rows read" in none.run("run").stdout
none.done()
b.run("run")

# The server is killed and started again in the middle of a run, and before one.
server.put("jobs.a", *[use(n) for n in range(704, 12000)])
process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(0.05)
assert process.poll() is None, "the run is too fast to be interrupted"
server.kill()
time.sleep(0.3)
server.start()
out, err = process.communicate(timeout=60)
lib.equal((process.returncode, "rows read" in out), (0, True), out + err)
lib.equal(total(b), sum(range(12000)), "a server that was started again: " + err)
server.put("jobs.a", use(12000))
server.kill()
process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(0.7)
server.start()
out, err = process.communicate(timeout=60)
assert process.returncode == 0 and "1 charged" in out, out + err

# A run that is killed: the store's cursor is the truth.
c = lib.killed(lambda: lib.Books(CONFIG % (server.port, "")))
c.run("run", ok=(0, 1))
lib.equal((total(c), c.run("verify").stdout), (total(b), b.run("verify").stdout), "killed, and not")

# Purged when it is committed, and not before: a run that fails leaves the messages there.
with open(c.config, "a") as config:
    config.write("purge = yes\n")
before = server.state()["messages"]
assert before > 12000
server.put("jobs.a", use(12001), use(12002))
c.run("run")
lib.equal((server.state()["messages"], server.state()["first_seq"]), (0, before + 3), "purged")
assert "0 rows read" in c.run("run").stdout
server.put("jobs.a", use(12003))
c.run("run")
lib.equal((total(c), server.state()["messages"]), (sum(range(12004)), 0), "after a purge")
# What was read and not committed stays there.
server.put("jobs.a", use(12004), use(12005))
done = c.run("run", "--until", "2022-01-01T03:20:05Z")
assert "1 charged" in done.stdout, done.stdout
lib.equal(server.state()["messages"], 1, "behind what was committed")
c.run("run")
lib.equal((total(c), server.state()["messages"]), (sum(range(12006)), 0), "and then")
# What comes while it is followed is purged, too, as soon as it is committed.
f = lib.Following(c)
for n in (12006, 12007):
    server.put("jobs.a", use(n))
    f.wait("a message", lambda: server.state()["messages"] == 0)
lib.equal((f.end(), total(c)), ({"read": 2, "charged": 2}, sum(range(12008))), "followed")
# The other books have missed those: it is told, and stops.
done = b.run("run", ok=(3,))
assert "are gone: the broker threw them away before they were read" in done.stderr, done.stderr
with open(b.config, "a") as config:
    config.write("lost = skip\n")
assert "are skipped" in b.run("run").stderr
# A stream made anew: shorter than what was read, then longer.
server.api("STREAM.DELETE.JOBS")
server.stream()
server.put("jobs.a", use(12000), use(12010))
done = b.run("run")
assert "was read, but the last one there is 2" in done.stderr and "1 charged" in done.stdout and "1 duplicate" in done.stdout, done.stderr
server.api("STREAM.DELETE.JOBS")
server.stream()
server.put("jobs.a", use(12020), use(12021), use(12022))
done = b.run("run")
assert "is another than it was" in done.stderr and "3 charged" in done.stdout, done.stderr + done.stdout
b.run("verify")
b.done()
c.done()

# By a map; the id is where the message stands.
server.api("STREAM.PURGE.JOBS")
first = server.state()["first_seq"]
server.put("jobs.a", *[json.dumps({"at": "2022-01-01", "team": "a", "units": n}) for n in (1, 1, 2)])
b = lib.Books(CONFIG % (server.port, "map.time = at\nmap.account = team\nmap.amount = units\nconst.product = P"))
assert "3 charged" in b.run("run").stdout
lib.equal((total(b), b.ask("events")[0]["id"]), (4, f"JOBS/{first}"), "by a map")
b.done()
server.done()

# The example of conf/, as it stands but for the port.
server = Server("-js", "-sd", "js")
for _ in range(100):
    try:
        server.api("STREAM.CREATE.USAGE", name="USAGE", subjects=["usage.*"], storage="file")
        break
    except AssertionError:
        time.sleep(0.05)
with open(os.path.join(lib.ROOT, "conf", "nats.ini")) as config:
    text = config.read()
assert "nats://localhost:4222" in text
b = lib.Books(text.replace("localhost:4222", f"127.0.0.1:{server.port}"))
shutil.copytree(os.path.join(lib.ROOT, "conf", "postgres"), os.path.join(b.folder, "postgres"))
with open(os.path.join(b.folder, "postgres", "feed.jsonl")) as feed:
    server.put("usage.cloud", *feed.read().splitlines())
b.run("init")
assert "6 rows read" in b.run("run").stdout
b.run("verify")
b.done()
server.done()

# A token, right and wrong; a server without JetStream; none at all; a section that is wrong.
server = Server("-js", "-sd", "js", token=TOKEN)
server.stream()
server.put("jobs.a", use(1))
for text, words in ((TOKEN, "1 charged"), (TOKEN + "x", "does not take us")):
    b = lib.Books(CONFIG % (server.port, "credential_file = token"))
    os.chmod(b.write("token", text + "\n"), 0o600)
    done = b.run("run", ok=(0, 2))
    assert words in done.stdout + done.stderr and TOKEN not in done.stdout + done.stderr, done.stderr
    b.done()
server.done()
server = Server()
b = lib.Books(CONFIG % (server.port, ""))
assert "no JetStream: without it messages are lost" in b.run("run", ok=(2,)).stderr
server.done()
b.done()
for more, words, code in (("auth = creds", "want credential_file", 2), ("", "no server could be reached", 3)):
    b = lib.Books((CONFIG % (1, more)).replace("retry = 8s", "retry = 1s"))
    assert words in b.run("run", ok=(code,)).stderr, more
    b.done()
b = lib.Books((CONFIG % (1, "")).replace("nats://", "nats://me:pass@"))
assert "belong into credential_file" in b.run("run", ok=(2,)).stderr
b.done()
