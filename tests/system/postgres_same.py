"""postgres_same.py - tests of the whole program once more with their books on PostgreSQL: the case files, the published cases,
stories and histories. What they want to see is written in them, so that it is the same as on SQLite.

Those left out look into the SQLite file themselves. ALL=1 takes in those that last long; SCRIP_TEST_PG_MORE="accounts_per_commit = 1"
runs them as where tables are spread over machines.
"""
import concurrent.futures
import os
import subprocess
import sys
import time

import lib

TESTS = ["cases", "published", "mends", "claims", "items", "listings", "quarantine", "split", "transition", "vectors",
         "reseller", "subscribers"]
LONG = ["asof", "formula", "late", "ratesheet", "rating", "tokenflex", "window"]


def run(name, where):
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-B", os.path.join(lib.ROOT, "tests", "system", name + ".py")], capture_output=True,
                          text=True, env={**os.environ, "SCRIP_TEST_STORE": "postgres", "SCRIP_TEST_PG": where})
    return name, done.returncode, time.monotonic() - begun, done.stdout + done.stderr


failed = 0
schema = lib.Schema()  # starts the server, or finds the one that is named
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    names = TESTS + (LONG if os.environ.get("ALL") == "1" else [])
    for name, code, seconds, text in pool.map(lambda n: run(n, schema.server), names):
        print(f"{'ok  ' if code == 0 else 'skip' if code == 77 else 'FAIL'} {name} {seconds:.0f} s")
        if code not in (0, 77):
            failed += 1
            print(text[-4000:])
schema.drop()
print(f"{len(names)} tests, {failed} failed")
sys.exit(1 if failed else 0)
