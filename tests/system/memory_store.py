"""memory_store.py - the memory store by itself: what ends with a run, what its file keeps, and what becomes of a file that was cut
short, changed, or belongs to something else.
"""
import fcntl
import os
import sqlite3

import lib

CONFIG = """[store/memory]
{file}[currency/prepaid c]
[service/metered meter]
currency = c
[source/events events]
files = events-*.jsonl
[report/csv left]
query = balance
as_of = 2022-03-01
file = left.csv
"""


def events():
    return [lib.event("grant", "g", "a", "2022-01-01T00:00:00Z", currency="c", amount="10")] + [
        lib.event("usage", f"u{n}", "a", f"2022-01-{n + 2:02}T00:00:00Z", product="P", amount="1", currency="c") for n in range(4)]


def books(file=""):
    made = lib.Books(CONFIG.format(file=file))
    made.write("events-0.jsonl", "".join(lib.json.dumps(e) + "\n" for e in events()))
    return made


def left(made):
    with open(os.path.join(made.folder, "left.csv")) as out:
        return out.read().splitlines()[1]


def run_only():
    """One run with its reports; then nothing is there, and nobody takes that for empty books."""
    made = books()
    for _ in range(2):
        assert "4 charged" in made.run("run").stdout
        lib.equal(left(made), "a,c,6,0,0,4,0,0,0", "the report of a run")
        lib.equal(made.run("run").stderr, "", "a run has its reports")
    for words in (["balance"], ["verify"]):
        done = made.run(*words, ok=(3,))
        assert "nothing is kept from one command to the next: give it a file" in done.stderr, done.stderr
    for words in (["init"], ["grant", "a", "c", "5"]):
        assert "what it keeps ends with this command: give it a file" in made.run(*words).stderr, words
    made.done()


def kept(made):
    """Its file, and the bytes of it."""
    path = os.path.join(made.folder, "kept.log")
    with open(path, "rb") as file:
        return path, file.read()


def put(path, bytes):
    with open(path, "wb") as out:
        out.write(bytes)


def files():
    made = books("file = kept.log\n")
    assert "run scrip init" in made.run("balance", ok=(3,)).stderr
    made.run("run")
    one = kept(made)[1]
    made.run("grant", "a", "c", "5", "--id", "more", "--time", "2022-02-01")
    path, whole = kept(made)
    lib.equal(whole[:len(one)], one, "what was written stays as it is")
    lib.equal(os.stat(path).st_mode & 0o777, 0o600, "who may read it")
    assert "6 events replayed, 0 findings" in made.run("verify").stdout

    # Cut short anywhere in the last commit: the ones before it are there, and it goes on behind them.
    for size in (len(one) + 1, len(one) + 15, len(one) + 16, len(one) + 40, len(whole) - 1):
        put(path, whole[:size])
        lib.equal(made.ask("balance", "--as-of", "2022-03-01")[0]["available"], "6", f"cut at {size}")
        lib.equal(kept(made)[1], whole[:size], "a reader changes nothing")
        made.run("grant", "a", "c", "5", "--id", "more", "--time", "2022-02-01")
        lib.equal(made.ask("balance", "--as-of", "2022-03-01")[0]["available"], "11", f"cut at {size}, and done again")
        assert "0 findings" in made.run("verify").stdout
    # The last record is whole, but not what was written: as if it were not there. One before it is a damage.
    put(path, whole[:-1] + bytes([whole[-1] ^ 1]))
    lib.equal(made.ask("balance", "--as-of", "2022-03-01")[0]["available"], "6", "a last commit that did not arrive")
    for at in (20, 30, len(one) // 2, len(one) - 1):
        put(path, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        done = made.run("balance", ok=(0, 3))
        assert done.returncode == 3 and "damaged at byte" in done.stderr or at < 24, (at, done.stdout, done.stderr)
    put(path, whole)

    # Somebody else writes to it, or it is somebody else's.
    with open(path + "-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another scrip writes to it" in made.run("grant", "a", "c", "1", ok=(3,)).stderr
        lib.equal(made.ask("balance", "--as-of", "2022-03-01")[0]["available"], "11", "a reader beside a writer")
    for content, wanted in ((b"something else, and long enough", "is a file of something else"), (b"scrip", "is a file of something else"),
                            (b"", "run scrip init")):
        put(path, content)
        assert wanted in made.run("balance", ok=(3,)).stderr
    os.unlink(path)
    sqlite3.connect(path).execute("create table t (a)").connection.close()
    assert "is a file of something else" in made.run("run", ok=(3,)).stderr
    made.done()


run_only()
files()
print("one run, and a file cut short, changed, or of something else")
