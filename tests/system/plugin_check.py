"""plugin_check.py - the suites of `scrip plugin check`: our own plugins keep every clause; a plugin that breaks one is told which,
and told of nothing else. Each clause stands in plugin.h word by word.
"""
import glob
import os
import subprocess
import tempfile

import lib

BUILD = os.path.dirname(lib.SCRIP)
PLUGINS = os.path.join(BUILD, "tests", "plugins")
# Each broken store, and the tests that must find it, with a part of the clause that each names.
BROKEN = {
    "store_accepts": {"missing schema": "READ refuse a missing schema"},
    "store_cursor": {"names of any word": "All come back as they went in", "cursors": "Replaced as a whole",
                     "order of scans": "Replaced as a whole"},
    "store_cuts": {"any bytes": "All come back as they went in"},
    "store_finds": {"event_find": "One event by identity"},
    "store_first": {"source_last": "The bytewise greatest id ever committed"},
    "store_forgets": {"identity": "an event's (source, id) is known in the account"},
    "store_half": {name: "All of it or nothing" for name in ("fence", "all or nothing", "killed writers")},
    "store_loses": {"readers": "A reading session sees every commit", "killed writers": "durable when it returns"},
    "store_order": {"order of scans": "in which order"},
    "store_replaces": {"all or nothing": "A sum of a rollup that would not fit", **{
        name: "In a commit the counts are to be added" for name in (
            "rows of every table", "rows that change", "fence", "rollups", "states", "timers", "batches", "order of scans",
            "bounds of scans")}},
    "store_stops": {"scans that stop": "Non-zero stops the scan"},
    "store_sums": {"rollups added up": "add up rows that differ"},
    "store_unfenced": {"fence": "first_number is not the one after its last"},
}


def check(plugin, *options, ok=(0,)):
    with tempfile.TemporaryDirectory() as folder:
        return lib.suite(plugin, *(word for option in options for word in ("--option", option.format(folder=folder))), ok=ok)


def main():
    scratch = tempfile.mkdtemp(prefix="scrip-")
    os.environ["TMPDIR"] = scratch
    # Our own.
    words, asked = lib.manual(), set()
    for plugin, options, left_out in (("store/sqlite", (), {"two writers"}), ("store/sqlite", ("file={folder}/x.db",), {"two writers"}),
                                      ("store/memory", (), {"two writers", "killed writers"}),
                                      ("store/memory", ("file={folder}/x.log",), {"two writers"}),
                                      (os.path.join(BUILD, "plugins", "store", "sqlite.so"), ("synchronous=normal",), {"two writers"})):
        rows = check(plugin, *options)
        assert len(rows) >= 30, rows
        lib.equal(lib.results(rows, "broken"), {}, plugin)
        lib.equal(set(lib.results(rows, "not asked")), left_out, f"{plugin}: not asked")
        for row in rows.values():
            asked.add(row["clause"])
    for clause in asked:
        assert clause in words, f"plugin.h does not say: {clause}"

    # Those that break one clause.
    found = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(PLUGINS, "store_*.so")))
    lib.equal(found, sorted(BROKEN), "broken stores")
    for name, wanted in BROKEN.items():
        rows = check(os.path.join(PLUGINS, name + ".so"), "file={folder}/x.log", ok=(1,))
        broken = lib.results(rows, "broken")
        lib.equal(sorted(broken), sorted(wanted), f"{name}: tests that found it: {[(n, rows[n]['found']) for n in broken]}")
        for test, clause in broken.items():
            assert wanted[test] in clause, f"{name}: {test}: names '{clause}', wanted '{wanted[test]}'"
            assert clause in words, f"plugin.h does not say: {clause}"

    # As people read it; what it refuses; what it leaves behind.
    done = subprocess.run([lib.SCRIP, "plugin", "check", os.path.join(PLUGINS, "store_stops.so")], capture_output=True, text=True, cwd="/")
    lib.equal(done.returncode, 1, "exit")
    assert "broken     scans that stop: " in done.stdout and "           plugin.h: Non-zero stops the scan, which returns it.\n" in done.stdout
    assert "1 tests found a clause of plugin.h broken" in done.stderr, done.stderr
    for words, wanted in ((["store/none"], "not found"),
                          ([os.path.join(PLUGINS, "wrong_major.so")], "built for ABI"), (["nothing"], "want KIND/NAME, or a file"),
                          (["store/sqlite", "--option", "fill=1"], "did you mean 'file'"),
                          (["store/sqlite", "--option", "file"], "want KEY=VALUE"),
                          (["store/sqlite", "--option", "file=/nonexistent/x"], "make its folder first")):
        done = subprocess.run([lib.SCRIP, "plugin", "check", *words], capture_output=True, text=True)
        lib.equal(done.returncode, 2, f"{words}: exit")
        assert wanted in done.stderr, f"{words}: {done.stderr}"
    books = lib.Books("[store/sqlite]\nfile = x.db\n[currency/prepaid c]\n[source/events events]\nfiles = none-*.jsonl\n")
    books.run("init")
    books.run("grant", "a", "c", "1")
    file = os.path.join(books.folder, "x.db")
    done = books.run("plugin", "check", "store/sqlite", "--option", "file=" + file, ok=(2,))
    assert "it has rows already: give the suite one of its own" in done.stderr, done.stderr
    lib.equal(len(books.ask("balance")), 1, "a store that was refused")
    books.done()
    lib.equal(glob.glob(os.path.join(scratch, "scrip-check-*")), [], "folders left behind")
    os.rmdir(scratch)
    print(f"{len(rows)} tests, {len(BROKEN)} stores that break a clause")


main()
