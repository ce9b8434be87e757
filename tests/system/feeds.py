"""feeds.py - feeds as they come from spreadsheets and archives, rows that wait, and progress. follow.py has feeds that grow."""
import gzip
import io
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import time
import zipfile
import zlib

import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
[service/ratesheet rates]
sheet = rates.csv
[source/csv feed]
const.account = team
map.time = time
map.product = product
map.quantity = quantity?
map.attribute.note = note?
"""
HEAD = "time,product,quantity,note\n"
DAY = "2022-01-02"


class Feed(lib.Books):
    def __init__(self, section="files = in/*\n", more=""):
        super().__init__(CONFIG + section + more)
        self.write("rates.csv", "product,rate,currency\n*,0,credits\n")
        os.mkdir(os.path.join(self.folder, "in"))

    def path(self, name):
        return os.path.join(self.folder, "in", name)

    def put(self, name, content, mode="wb"):
        with open(self.path(name), mode) as out:
            out.write(content if isinstance(content, bytes) else content.encode())

    def take(self, *args, ok=(0, 1)):
        done = self.run(*(args or ("run",)), "--format", "json", ok=ok)
        self.said = done.stderr
        if done.returncode > 1:
            return None
        return {k: int(v) for k, v in json.loads(done.stdout).items() if int(v)}

    def events(self, *columns):
        return sorted(tuple(e[c] for c in columns) if len(columns) > 1 else e[columns[0]] for e in self.ask("events"))

    def products(self):
        return self.events("product")

    def same(self):
        """Nothing more is there, and the books are whole."""
        before = self.run("head").stdout
        lib.equal(self.take("run"), {}, "a second run")
        lib.equal(self.run("head").stdout, before, "head")
        self.run("verify")


# ---- spreadsheets
def quirks():
    """Each of these is read as if it had been written plainly."""
    plain = [("A", "1.5"), ("B", "2")]
    for what, text, more in (
            ("semicolons", "time;product;quantity\n2022-01-02;A;1.5\n2022-01-02;B;2\n", ""),
            ("quoted semicolons", '"time";"product";"quantity"\n"2022-01-02";"A";"1.5"\n"2022-01-02";"B";"2"\n', ""),
            ("tabs", "time\tproduct\tquantity\n2022-01-02\tA\t1.5\n2022-01-02\tB\t2\n", ""),
            ("bars", "time|product|quantity\n2022-01-02|A|1.5\n2022-01-02|B|2\n", ""),
            ("sep=", "sep=;\r\ntime;product;quantity\r\n2022-01-02;A;1.5\r\n2022-01-02;B;2\r\n", ""),
            ("quoted sep=", '"sep=\t"\ntime\tproduct\tquantity\n2022-01-02\tA\t1.5\n2022-01-02\tB\t2\n', ""),
            ("sep= behind a mark", "\ufeffsep=;\ntime;product;quantity\n2022-01-02;A;1.5\n2022-01-02;B;2\n", ""),
            ("a line before the header", "\n\r\ntime;product;quantity\n2022-01-02;A;1.5\n2022-01-02;B;2\n", ""),
            ("decimal commas", "time;product;quantity\n2022-01-02;A;1,5\n2022-01-02;B;2,0\n", "decimal = comma\n"),
            ("columns without a name", "time,product,quantity,,,\n2022-01-02,A,1.5,,,\n2022-01-02,B,2,,,\n", "")):
        b = Feed(more=more)
        b.put("a.csv", text)
        lib.equal(b.take(), {"read": 2, "zero": 2}, what)
        lib.equal([(p, lib.plain(q)) for p, q in b.events("product", "quantity")], plain, what)
        b.same()
        b.done()
    # However small the pieces are that come through a pipe.
    b = Feed()
    run = subprocess.Popen([lib.SCRIP, "-c", b.config, "ingest", "-", "--as", "feed"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for piece in ("se", "p=", ";", "\ntime;", "product\n2022", "-01-02;", "A\n"):
        run.stdin.write(piece.encode())
        run.stdin.flush()
        time.sleep(0.03)
    run.stdin.close()
    lib.equal((run.wait(), b.products()), (0, ["A"]), "pieces")
    b.done()
    # Rows of nothing but delimiters are left out, and counted.
    b = Feed()
    b.put("a.csv", HEAD + DAY + ",A,1,\n,,,\n,,,\r\n" + DAY + ",B,1,\n,,,,,,\n")
    lib.equal(b.take(), {"read": 5, "zero": 2, "filtered": 3}, "empty rows")
    b.same()
    b.done()
    # One file in one form of dates: others wait, and are not guessed.
    b = Feed(more="time = %d/%m/%Y\n")
    b.put("a.csv", HEAD + "02/01/2022,A,1,\n2022-01-02,B,1,\n13/01/2022,C,1,\n01/13/2022,D,1,\n")
    lib.equal(b.take(), {"read": 4, "zero": 2, "quarantined": 2}, "mixed dates")
    lib.equal(b.products(), ["A", "C"], "dates of the pattern")
    b.done()
    # What is no text is refused, with what mends it.
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as z:
        z.writestr("[Content_Types].xml", "<x/>")
        z.writestr("xl/worksheets/sheet1.xml", "<x/>")
    for content, part in ((HEAD.encode("utf-16"), "UTF-16 text: save it as UTF-8"),
                          (HEAD.encode("utf-16-le"), "is not UTF-8: save the file as UTF-8"),
                          (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "a workbook of Excel: save it as CSV UTF-8"),
                          (workbook.getvalue(), "a workbook of Excel: save it as CSV UTF-8"),
                          (HEAD.replace("\n", "\r").encode() + b"x\r", "save the file with lines that end in LF")):
        b = Feed()
        b.put("a.xlsx", content)
        assert b.take(ok=(2, 3)) is None and part in b.said, (part, b.said)
        b.done()


# ---- archives
def text(first, count, letter="P", span=9000):
    return HEAD + "".join(f"2022-01-{1 + i * 27 // span:02},{letter}{i % 5},1,n{i % 11}\n" for i in range(first, first + count))


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members:
            z.writestr(name, content)
    return out.getvalue()


def archives():
    """The same rows packed and not packed are the same events, and a packed file goes on where it was left."""
    plain = Feed()
    plain.put("a.csv", text(0, 5000))
    plain.put("b.csv", text(5000, 4000, "Q"))
    plain.take()
    head = plain.run("head").stdout
    for files, contents in (
            ("in/*.gz", {"a.csv.gz": gzip.compress(text(0, 5000).encode()),
                         # two members, and zeros behind them
                         "b.csv.gz": gzip.compress(text(5000, 2000, "Q").encode()) +
                         gzip.compress(text(7000, 2000, "Q")[len(HEAD):].encode()) + b"\0" * 300}),
            ("in/*.zip", {"all.zip": zipped([("2022/", ""), ("2022/a.csv", text(0, 5000)), ("b.csv", text(5000, 4000, "Q")),
                                             ("__MACOSX/._b.csv", "x"), (".hidden", "x")])}),
            ("in/all.zip/*.csv", {"all.zip": zipped([("a.csv", text(0, 5000)), ("b.csv", text(5000, 4000, "Q")),
                                                     ("read.me", "no rows")])}),
            ("in/*.ZIP/a.csv, in/B", {"1.ZIP": zipped([("a.csv", text(0, 5000)), ("b.csv", "x")]),
                                      "B": zipped([("b.csv", text(5000, 4000, "Q"))])})):
        b = Feed(f"files = {files}\n")
        for name, content in contents.items():
            b.put(name, content)
        lib.equal(b.take(), {"read": 9000, "zero": 9000}, files)
        lib.equal(b.run("head").stdout, head, files)
        b.same()
        b.done()
    # Killed anywhere it ends the same; a cursor is a place in the text.
    rng, kills, took = random.Random(int(os.environ.get("SEED", "11"))), 0, 0.1
    for _ in range(8):
        b = Feed()
        b.put("a.csv.gz", gzip.compress(text(0, 5000).encode()))
        b.put("b.zip", zipped([("b.csv", text(5000, 4000, "Q"))]))
        for _ in range(3):
            run = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                run.wait(timeout=rng.uniform(0.01, took))
                took *= 0.8
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGKILL)
                run.wait()
                kills, took = kills + 1, took * 1.1
        b.take("run")
        lib.equal(b.run("head").stdout, head, "after kills")
        b.same()
        b.done()
    assert kills > 4, kills
    # A file that grew and was packed anew goes on behind what is known; one that changed is told, and read from its start.
    for pack in (lambda t: gzip.compress(t.encode()), lambda t: zipped([("a.csv", t)])):
        b = Feed("files = in/feed\n")
        b.put("feed", pack(text(0, 3000)))
        b.take()
        b.put("feed", pack(text(0, 5000)))
        lib.equal(b.take(), {"read": 2000, "zero": 2000}, "grown")
        b.put("feed", pack(text(5000, 10, "Q")))
        lib.equal(b.take(), {"read": 10, "zero": 10}, "replaced")
        assert "changed since it was last read" in b.said, b.said
        b.same()
        b.done()
    # By name, whatever way leads there, and unpacked on the way.
    b = Feed()
    b.put("all.zip", zipped([("a.csv", text(0, 50)), ("b.csv", text(50, 50, "Q"))]))
    lib.equal(b.take("ingest", b.path("all.zip/a.csv")), {"read": 50, "zero": 50}, "a member")
    lib.equal(b.take("ingest", b.path("../in/all.zip/a.csv")), {}, "the same by another way")
    lib.equal(b.take("run"), {"read": 50, "zero": 50}, "the other")
    b.put("one.gz", gzip.compress(text(100, 50).encode()))
    with open(b.path("one.gz"), "rb") as file:
        done = subprocess.run([lib.SCRIP, "-c", b.config, "ingest", "-", "--as", "feed"], stdin=file, capture_output=True, text=True)
    assert done.returncode == 2 and "gunzip -c FILE | scrip ingest -" in done.stderr, done.stderr
    b.done()
    plain.done()
    # Native events, too.
    b = Feed(more="[source/events events]\nfiles = e.jsonl.gz\n")
    b.put("../e.jsonl.gz", gzip.compress(json.dumps(lib.event("usage", "u", "team", "2022-01-02T00:00:00Z", product="E")).encode()))
    lib.equal(b.take(), {"read": 1, "zero": 1}, "events")
    lib.equal(b.take("ingest", os.path.join(b.folder, "e.jsonl.gz")), {}, "by its first bytes")
    b.same()
    b.done()


def damaged():
    """Nothing of a damaged file is taken, and the message says what mends it."""
    packed, archive = gzip.compress(text(0, 5000).encode()), zipped([("a.csv", text(0, 5000))])
    flip = lambda content, at: content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1:]
    two = zipped([("a.csv", text(0, 5)), ("b.csv", text(5, 5))])
    twice = two.replace(b"b.csv", b"a.csv")
    locked = flip(flip(archive, 6), archive.rindex(b"PK\1\2") + 8)
    locked = archive[:6] + b"\1" + archive[7:]
    at = locked.rindex(b"PK\1\2") + 8
    locked = locked[:at] + b"\1" + locked[at + 1:]
    for name, content, code, part in (
            ("a.gz", packed[:len(packed) // 2], 3, "breaks off in the middle: nothing of it is taken: fetch it again"),
            ("a.gz", packed[:-3], 3, "breaks off in the middle"),
            ("a.gz", flip(packed, len(packed) // 2), 3, "is damaged near byte"),
            ("a.gz", flip(packed, len(packed) - 6), 3, "incorrect data check"),
            ("a.gz", flip(packed, len(packed) - 2), 3, "incorrect length check"),
            ("a.gz", packed + b"more", 3, "something else behind its end"),
            ("a.gz", packed[:2], 3, "breaks off in the middle"),
            ("a.zip", archive[:len(archive) // 2], 3, "is no whole zip file"),
            ("a.zip", flip(archive, len(archive) // 2), 3, "is damaged ("),
            ("a.zip", locked, 2, "is encrypted: unpack it by hand"),
            ("a.zip", twice, 2, "is in the archive twice"),
            ("a", two, 2, "holds 2 files (a.csv, b.csv): name one, as ARCHIVE.zip/FILE")):
        b = Feed()
        b.put(name, content)
        assert b.take(ok=(2, 3)) is None and part in b.said, (part, b.said)
        lib.equal(b.run("run", ok=(2, 3)).returncode, code, part)
        lib.equal(b.ask("events"), [], f"{part}: nothing is taken")
        b.put(name, gzip.compress(text(0, 5).encode()))
        if name != "a.zip":
            lib.equal(b.take(), {"read": 5, "zero": 5}, "mended")
        b.done()
    # Nor of one that is longer than a commit, and damaged at its very end.
    for name, content in (("a.gz", gzip.compress(text(0, 70000, span=70000).encode(), 1)[:-8] + b"\0" * 8),
                          ("a.zip", zipped([("a.csv", text(0, 70000, span=70000)[:-1] + "?")]).replace(
                              zlib.crc32((text(0, 70000, span=70000)[:-1] + "?").encode()).to_bytes(4, "little"), b"\0\1\2\3"))):
        b = Feed()
        b.put(name, content)
        assert b.take(ok=(3,)) is None and "nothing of it is taken" in b.said, b.said
        lib.equal(len(b.ask("events")), 0, "events of a long one")
        b.done()
    b = Feed("files = in/a.zip/no.csv\n")
    b.put("a.zip", archive)
    lib.equal(b.take(), {}, "no such file")
    assert "no file in" in b.said and "is named no.csv" in b.said, b.said
    b.done()


# ---- rows that wait
def waiting():
    """Counted by what they have in common, and taken once the map, or the sheet, was mended."""
    b = Feed()
    b.write("rates.csv", "product,rate,currency\nA,2,credits\nB,0,credits\n")
    b.put("a.csv", HEAD + DAY + ",B,1 h,x\n" + DAY + ",B,2 h,\n" + DAY + ",B,3,\n" + DAY + ",NEW,1,\n" + DAY + ",NEW\n" +
          "02.01.2022,B,1,\n" + DAY + ",B,1,\n" + DAY + ",NEW,4,\n")
    b.put("b.csv", HEAD + DAY + ",NEW,5,\n" + DAY + ",B,7 h,\n")
    lib.equal(b.take(), {"read": 10, "zero": 2, "quarantined": 8}, "at first")
    counts = lambda by: {q[by]: q["rows"] for q in b.ask("quarantine", "list", "--by", by)}
    lib.equal(counts("class"), {"invalid": "3", "unpriced": "3", "unreadable": "2"}, "by class")
    lib.equal(counts("source"), {"feed": "8"}, "by source")
    lib.equal({os.path.basename(k): v for k, v in counts("feed").items()}, {"a.csv": "6", "b.csv": "2"}, "by feed")
    reasons = counts("reason")
    assert len(reasons) == 4, reasons
    lib.equal([n for r, n in reasons.items() if r.startswith("quantity: '...' is not a decimal number")], ["3"], reasons)
    lib.equal([n for r, n in reasons.items() if r.startswith("product '...': no service has a price")], ["3"], reasons)
    lib.equal([n for r, n in reasons.items() if r == "line N: too few columns (found N, wanted N)"], ["1"], reasons)
    assert "want class, reason, source or feed" in b.run("quarantine", "list", "--by", "day", ok=(2,)).stderr
    assert "--by belongs to list" in b.run("quarantine", "retry", "--by", "class", ok=(2,)).stderr
    lib.equal(b.take("quarantine", "retry"), {"read": 8, "quarantined": 8}, "nothing was mended")
    lib.equal(len(b.ask("quarantine", "list")), 8, "they wait on")
    # The sheet is mended, then the map: dates of another form, and hours that are no number are notes.
    b.write("rates.csv", "product,rate,currency\nA,2,credits\nB,0,credits\nNEW,0,credits\n")
    lib.equal(b.take("quarantine", "retry"), {"read": 8, "zero": 3, "quarantined": 5}, "a mended sheet")
    with open(b.config) as file:
        config = file.read()
    b.write("scrip.ini", config.replace("map.quantity = quantity?\n", "map.attribute.hours = quantity\n"))
    lib.equal(b.take("quarantine", "retry"), {"read": 5, "zero": 3, "quarantined": 2}, "a mended map")
    b.write("scrip.ini", config + "time = %d.%m.%Y\n")
    lib.equal(b.take("quarantine", "retry"), {"read": 2, "zero": 1, "quarantined": 1}, "mended dates")
    lib.equal([q["class"] for q in b.ask("quarantine", "list")], ["unreadable"], "a row too short")
    key = b.ask("quarantine", "list")[0]["key"]
    b.write("scrip.ini", config + "skip.time = 2022-01-02\n")
    os.rename(b.path("a.csv"), b.path("gone"))
    lib.equal(b.take("quarantine", "retry", key), {"read": 1, "quarantined": 1}, "its feed is gone, so it waits")
    b.run("verify")
    lib.equal(len(b.ask("events")), 9, "events")
    b.done()
    # Equal rows keep their places among those of their feed; what waits in an archive is read there.
    b = Feed("files = in/all.zip\n")
    b.write("rates.csv", "product,rate,currency\nB,0,credits\n")
    b.put("all.zip", zipped([("a.csv", HEAD + (DAY + ",B,1,\n" + DAY + ",NEW,1,\n") * 3)]))
    b.take()
    b.write("rates.csv", "product,rate,currency\nB,0,credits\nNEW,1,credits\n")
    with open(b.config, "a") as out:
        out.write("[source/events e]\nfiles = none-*\n")
    b.events_path = b.write("g.jsonl", json.dumps(lib.event("grant", "g", "team", "2022-01-01T00:00:00Z", currency="credits",
                                                           amount="9")) + "\n")
    b.take("ingest", b.events_path, "--as", "e")
    lib.equal(b.take("quarantine", "retry"), {"read": 3, "charged": 3}, "equal rows")
    os.utime(b.path("all.zip"))
    b.same()
    b.done()
    # The feed cannot be read any more: rows that had been read as events go on as they were.
    b = Feed()
    b.write("rates.csv", "product,rate,currency\nB,0,credits\n")
    b.put("a.csv", HEAD + DAY + ",NEW,1,\n" + DAY + ",NEW\n")
    b.take()
    b.put("a.csv", "other,columns\n")
    b.write("rates.csv", "product,rate,currency\nNEW,0,credits\n")
    lib.equal(b.take("quarantine", "retry"), {"read": 2, "zero": 1, "quarantined": 1}, "as they were read")
    assert "a column is missing" in b.said and "tried as they were read" in b.said, b.said
    b.done()


# ---- progress
def progress():
    b = Feed()
    b.put("a.csv", text(0, 9000))
    b.put("b.csv", text(0, 400000, "Q", 400000))
    leader, follower = pty.openpty()
    run = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    said = b""
    while True:
        try:
            more = os.read(leader, 65536)
        except OSError:
            break
        if not more:
            break
        said += more
    os.close(leader)
    lib.equal(run.wait(), 0, "exit")
    lines = re.findall(r"feed (\w+).csv: (\d+) rows, (\d+) a second(, \d+ %)?(, \d+ (?:s|min|h) left)?", said.decode())
    assert any(percent and left for _, _, _, percent, left in lines), said
    assert said.endswith(b"\r\x1b[K"), said[-80:]
    lib.equal([int(l[1]) for l in lines], sorted(int(l[1]) for l in lines), "rows ascend")
    b.done()


if __name__ == "__main__":
    for part in (quirks, archives, damaged, waiting) + (() if os.environ.get("SAN") else (progress,)):
        start = time.monotonic()
        part()
        print(part.__name__, f"{time.monotonic() - start:.1f} s")
