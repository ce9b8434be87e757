"""stores.py - the tests that say nothing of a store, on every store but the default one: the same output is wanted. STORES="a b"
picks which.
"""
import os
import subprocess
import sys

import lib

TESTS = ("cases.py", "published.py", "rating.py", "late.py", "claims.py", "items.py", "asof.py", "quarantine.py",
         "split.py", "window.py", "reseller.py", "alerts.py")

if lib.STORE != "sqlite":
    lib.skip("runs the other tests on another store itself")
faults = []
for store in os.environ.get("STORES", "memory").split():
    for test in TESTS:
        done = subprocess.run([sys.executable, "-B", os.path.join(lib.ROOT, "tests", "system", test)], capture_output=True, text=True,
                              env={**os.environ, "SCRIP_TEST_STORE": store})
        if done.returncode not in (0, 77):
            faults.append(f"{test} on {store}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
print("\n".join(faults) or f"{len(TESTS)} tests")
sys.exit(1 if faults else 0)
