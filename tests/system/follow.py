"""follow.py - run --follow: new files and rows are taken as they come, half-written ones are not, and nothing stops it."""
import gzip
import os
import random
import signal
import time

import feeds
import lib
from feeds import DAY, HEAD


class Following(lib.Following):
    def wait_products(self, wanted):
        self.wait(wanted, lambda: os.path.exists(os.path.join(self.b.folder, "books.db")) and
                  self.b.run("events", ok=None).returncode == 0 and self.b.products() == wanted)

    def rest(self):
        """Two rounds go by."""
        time.sleep(1.6)


def following():
    b = feeds.Feed("files = in/*, later.csv, none-*.csv\n")
    b.put("empty.csv", "")
    b.put("a.csv", HEAD + DAY + ",A,1,\n")
    f = Following(b)
    f.wait_products(["A"])
    b.put("b.csv", HEAD + DAY + ",B,1,\n" + DAY + ",C,1")                 # a new file, and half a row
    f.wait_products(["A", "B"])
    f.rest()
    lib.equal(b.products(), ["A", "B"], "half a row is none")
    b.put("b.csv", '5,\n' + DAY + ',D,1,"two\n', "ab")                     # the rest of it, and a cell that is still open
    f.wait_products(["A", "B", "C"])
    lib.equal(b.events("product", "quantity")[2], ("C", "15"), "the whole of the row")
    f.rest()
    lib.equal((b.products(), b.ask("quarantine", "list")), (["A", "B", "C"], []), "an open cell is no row, and no fault")
    b.put("b.csv", 'lines"\n', "ab")
    f.wait_products(["A", "B", "C", "D"])
    # Rotated, truncated, replaced: said, and nothing twice.
    os.rename(b.path("a.csv"), b.path("a.csv.1"))
    b.put("a.csv", HEAD + DAY + ",E,1,\n")
    f.wait_products(["A", "B", "C", "D", "E"])
    f.wait("the new file of an old name", lambda: "a.csv: changed since it was last read" in f.said())
    b.put("b.csv", HEAD + DAY + ",B,1,\n")
    f.wait("a shorter file", lambda: "b.csv: changed since it was last read" in f.said())
    os.unlink(b.path("b.csv"))
    # One that cannot be read keeps nobody from the others, is told once, and is read when it is mended.
    packed = gzip.compress((HEAD + DAY + ",F,1,\n").encode())
    b.put("a0.csv.gz", packed[:-9])
    b.put("c.csv", HEAD + DAY + ",G,1,\n")
    f.wait_products(["A", "B", "C", "D", "E", "G"])
    f.rest()
    lib.equal(f.said().count("breaks off in the middle"), 1, "told once")
    b.put("a0.csv.gz", packed)
    f.wait_products(["A", "B", "C", "D", "E", "F", "G"])
    # A file without a last line end is whole once it was left alone.
    b.put("d.csv", HEAD + DAY + ",H,1,")
    f.rest()
    assert "H" not in b.products(), b.products()
    os.utime(b.path("d.csv"), (time.time() - 100, time.time() - 100))
    f.wait_products(["A", "B", "C", "D", "E", "F", "G", "H"])
    # A file that is named and not there yet.
    f.wait("a missing file", lambda: "later.csv: cannot be opened: No such file" in f.said())
    lib.equal((f.said().count("nothing matches none-*.csv"), f.said().count("empty.csv: empty")), (1, 0), "said once, or not")
    f.end()
    f2 = Following(b)
    b.write("later.csv", HEAD + DAY + ",I,1,\n")
    f2.wait_products(["A", "B", "C", "D", "E", "F", "G", "H", "I"])
    lib.equal(f2.end(signal.SIGTERM)["zero"], 1, "only what is new")
    b.same()
    for args, part in ((("--follow=0",), "want whole seconds"), (("--follow=x",), "want whole seconds"),
                       (("--follow", "--until", "2022-01-01"), "leave out --until")):
        assert part in b.run("run", *args, ok=(2,)).stderr, args
    b.done()
    # Without --follow a file is as whole as it is.
    b = feeds.Feed()
    b.put("a.csv", HEAD + DAY + ",A,1,")
    lib.equal(b.take(), {"read": 1, "zero": 1}, "a last row without a line end")
    b.done()


def growing():
    """Written in pieces cut anywhere while it is followed, a file ends as one that was there at once."""
    rng = random.Random(int(os.environ.get("SEED", "5")))
    rows = HEAD + "".join(f'{DAY}T00:{i:02}:00Z,P{i},{i}.5,"note ""{i}"",\nmore"\r\n' for i in range(60))
    whole = feeds.Feed()
    whole.put("a.csv", rows)
    whole.take()
    b = feeds.Feed()
    f = Following(b)
    at = 0
    while at < len(rows):
        step = rng.randrange(1, len(rows) // 12)
        b.put("a.csv", rows[at:at + step], "ab")
        at += step
        time.sleep(0.15)
    f.wait("all rows", lambda: len(b.products()) == 60)
    f.end()
    lib.equal((b.run("head").stdout, b.ask("quarantine", "list")), (whole.run("head").stdout, []), "the books")
    b.done()
    whole.done()


following()
growing()
