"""lib.py - what system tests share: a scratch folder, the program, its answers."""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIP = os.environ.get("SCRIP", os.path.join(ROOT, "build", "scrip"))
SHARED = os.environ.get("SHARED", os.path.join(ROOT, "..", "shared"))

sys.path.insert(0, os.path.join(ROOT, "tests"))
import pg  # noqa: E402


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def shared(path):
    """A file of the shared folder, or the test is skipped: a user's clone has none."""
    full = os.path.join(SHARED, path)
    if not os.path.exists(full):
        skip(f"no {os.path.join('shared', path)} beside the repository")
    return os.path.abspath(full)


class Books:
    """A configuration and its store in a folder of their own."""

    def __init__(self, config, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="scrip-test-")
        self.config = os.path.join(self.folder, "scrip.ini")
        self.schemas = []
        if config is not None:
            config = on_store(config, self.schemas)
            with open(self.config, "w") as out:
                out.write(config)
            os.chmod(self.config, 0o600)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", newline="") as out:
            out.write(text)
        return path

    def run(self, *args, ok=(0,), stdin=None):
        done = subprocess.run([SCRIP, "-c", self.config, *args], input=stdin, capture_output=True, text=True)
        # A sanitizer ends the program with 1, which is also the code for events that were refused.
        if "runtime error: " in done.stderr or "Sanitizer" in done.stderr:
            raise AssertionError(f"scrip {' '.join(args)}:\n{done.stderr}")
        if ok is not None and done.returncode not in ok:
            raise AssertionError(f"scrip {' '.join(args)}: exit {done.returncode}, wanted {ok}\n"
                                 f"{done.stdout}\n{done.stderr}")
        return done

    def ask(self, *args, ok=(0,)):
        return json.loads(self.run(*args, "--format", "json", ok=ok).stdout)

    def events(self, events, ok=(0, 1)):
        """Takes native events in through a file."""
        self.batch = getattr(self, "batch", 0) + 1
        path = self.write(f"events-{self.batch}.jsonl", "".join(json.dumps(e) + "\n" for e in events))
        return self.run("ingest", path, "--as", "events", ok=ok)

    def done(self):
        for schema in self.schemas:
            schema.drop()
        shutil.rmtree(self.folder, ignore_errors=True)


def killed(make, ok=(0, 1)):
    """Books whose run was killed at some moments of it, as often as it came to that. make: gives books with all of it to do.
    How long a run takes is measured first, and taken for less where none was met."""
    b, begun = make(), time.monotonic()
    b.run("run", ok=ok)
    took = time.monotonic() - begun
    b.done()
    for _ in range(8):
        b, kills = make(), 0
        for part in (0.3, 0.45, 0.6, 0.75, 0.9):
            process = subprocess.Popen([SCRIP, "-c", b.config, "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=took * part)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        if kills:
            return b
        b.done()
        took *= 0.6
    raise AssertionError("no run was met in the middle")


class Following:
    """A program that runs with --follow."""

    def __init__(self, books):
        self.b = books
        self.log = open(os.path.join(books.folder, "log"), "w+")
        self.run = subprocess.Popen([SCRIP, "-c", books.config, "run", "--follow=1", "--format", "json"], stdout=subprocess.PIPE,
                                    stderr=self.log, text=True)

    def said(self):
        with open(os.path.join(self.b.folder, "log")) as log:
            return log.read()

    def wait(self, what, is_so):
        until = time.monotonic() + 20
        while not is_so():
            assert self.run.poll() is None, (what, self.said())
            assert time.monotonic() < until, (what, self.said(), self.b.run("events").stdout)
            time.sleep(0.05)

    def end(self, number=signal.SIGINT):
        """What it took, by outcome."""
        self.run.send_signal(number)
        out = self.run.communicate(timeout=20)[0]
        self.log.close()
        assert self.run.returncode in (0, 1), (self.run.returncode, self.said())
        return {k: int(v) for k, v in json.loads(out).items() if int(v)}


def event(kind, id, account, time, **data):
    return {"specversion": "1.0", "id": id, "source": "test", "type": "scrip." + kind, "subject": account,
            "time": time, "data": data}


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


# SCRIP_TEST_STORE=memory or postgres: the books of all tests are kept in that store: in a file of the same name, or in a schema
# of a PostgreSQL.
# SCRIP_TEST_PG_MORE is a line for that one's section.
STORE, PG_MORE = os.environ.get("SCRIP_TEST_STORE", "sqlite"), os.environ.get("SCRIP_TEST_PG_MORE", "")


class Schema:
    """A place of its own on a test's PostgreSQL, which is started when the first is asked for."""
    server = None
    count = 0

    def __init__(self, server=None):
        if Schema.server is None:
            try:
                Schema.server = server or pg.servers()[0]
            except pg.Missing as reason:
                skip(reason)
        Schema.count += 1
        self.server, self.name = server or Schema.server, f"scrip_{os.getpid()}_{Schema.count}"
        pg.psql(self.server, f"drop schema if exists {self.name} cascade; create schema {self.name}")
        self.connection = f"{self.server} options='-csearch_path={self.name}'"

    def psql(self, sql):
        return pg.psql(self.connection, sql)

    def drop(self):
        pg.psql(self.server, f"set client_min_messages = warning; drop schema {self.name} cascade")


def on_store(config, schemas):
    if STORE == "sqlite":
        return config
    if STORE == "postgres":
        def section(found):
            schemas.append(Schema())
            return f"[store/postgres{found.group(1)}\nconnection = {schemas[-1].connection}\n{PG_MORE}\n"
        return re.sub(r"^\[store/sqlite([ \]].*)\n([^\[\n].*\n|\n)*", section, config, flags=re.M)
    config = re.sub(r"^(synchronous|cache) *=.*\n", "", config, flags=re.M)
    return re.sub(r"^\[store/sqlite([ \]])", rf"[store/{STORE}\1", config, flags=re.M)


class Priced(Books):
    """Books of one account `acct` whose usage is grouped by its own id, so that a test can ask what each event cost."""
    HEAD = """[scrip]
dimensions = event
[store/sqlite]
file = books.db
[source/events events]
files = none-*.jsonl
"""

    def __init__(self, config, currencies=("usd",), decimals=6, amount="1000000000", **files):
        made = "".join(f"[currency/prepaid {c}]\ndecimals = {decimals}\n" for c in currencies)
        super().__init__(self.HEAD + made + config)
        for name, text in files.items():
            self.write(name + ".csv", text)
        self.waiting = [event("grant", "grant-" + c, "acct", "2022-01-01T00:00:00Z", currency=c, amount=amount)
                        for c in currencies]

    def use(self, id, time, product, quantity=None, end=None, user=None, unit=None, account="acct", **attributes):
        data = {"product": product, "quantity": quantity, "end": end, "user": user, "unit": unit}
        data = {k: str(v) for k, v in data.items() if v is not None}
        data["attributes"] = {"event": id, **{k: str(v) for k, v in attributes.items()}}
        self.waiting.append(event("usage", id, account, time, **data))
        return self

    def pass_time(self, time, account="acct"):
        """An event that costs nothing: what is due by then comes."""
        self.waiting.append(event("grant", "at-" + time, account, time, currency="usd", amount="1"))
        return self

    def take(self):
        self.events(self.waiting)
        self.waiting = []
        return self

    def paid(self):
        """What each event cost, by its id; of services' own charges the id is empty."""
        return self.sums("event")

    def sums(self, by, where=None):
        """What each of a dimension cost, over all currencies; usage that was free is there with 0."""
        self.take()
        made = {}
        for row in self.ask("usage", "--by", by, *(["--where", where] if where else [])):
            made[row[by] or ""] = made.get(row[by] or "", 0) + Decimal(row["amount"])
        return {key: plain(format(amount, "f")) for key, amount in made.items()}

    def why(self):
        """Why events were put in quarantine, by id."""
        self.take()
        return {q["id"]: q["reason"] for q in self.ask("quarantine", "list")}

    def check(self, wanted, what):
        equal(self.paid(), wanted, what)
        self.run("verify")
        self.done()


def plain(number):
    """12.500000 as 12.5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def suite(plugin, *words, ok=(0,)):
    """The rows of `plugin check`, by test. A plugin is in the folder of the program, or a file; a configuration is not asked for."""
    with tempfile.TemporaryDirectory(prefix="scrip-test-") as folder:
        config = os.path.join(folder, "none.ini")
        os.close(os.open(config, os.O_CREAT | os.O_WRONLY, 0o600))
        done = subprocess.run([SCRIP, "-c", config, "plugin", "check", plugin, *words, "--format", "csv"], capture_output=True, text=True,
                              timeout=300)
    assert "Sanitizer" not in done.stderr and "runtime error: " not in done.stderr, done.stderr
    assert done.returncode in ok, (plugin, words, done.returncode, done.stdout, done.stderr)
    return {row["test"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def results(rows, result):
    """The clauses of a suite's tests that came out so."""
    return {name: row["clause"] for name, row in rows.items() if row["result"] == result}


def keeps(plugin, *options):
    """The suite of sources finds no clause broken, and had rows to read."""
    rows = suite(plugin, *(word for option in options for word in ("--option", option)))
    assert not results(rows, "broken") and {"rows", "cursors"} <= set(results(rows, "kept")), rows


def manual():
    """plugin.h as it is read: its words and comments in one line."""
    with open(os.path.join(ROOT, "include", "scrip", "plugin.h")) as file:
        text = re.sub(r"/\*|\*/|^ +\*", " ", file.read(), flags=re.M)
    return " ".join(text.split())


def refused(config, wanted, currencies=("usd",), status=2, **files):
    """A configuration that must not open, and the words that say why; status 3: a file of it is at fault."""
    made = Priced(config, currencies, **files)
    done = made.run("plugins", ok=None)
    if done.returncode == 0:
        raise AssertionError(f"opened, wanted {wanted!r}\n{config}{files}")
    if done.returncode != status or wanted not in done.stderr:
        raise AssertionError(f"exit {done.returncode}, wanted {status} and {wanted!r}\nfound: {done.stderr}")
    made.done()
