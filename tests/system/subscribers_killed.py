"""subscribers_killed.py - hosts that are killed while they deliver: nothing is lost, nothing comes out of order; runs and deliveries
that follow, while others write."""
import json
import os
import random
import signal
import subprocess
import time

import lib
from lib import equal

import hooks
from hooks import KEY, books, history, hook, told

receiver = hooks.Receiver(KEY, lambda e, nth: 0.001)
b = books(hook(receiver))
accounts = [f"k{n}" for n in range(6)]
wanted = history(accounts, 60, 7)
half = len(wanted) // 2
b.events(wanted[:half])
rng = random.Random(5)
command = [lib.SCRIP, "-c", b.config, "deliver", "--follow"]
for n in range(6):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(rng.uniform(0.1, 0.8))
    process.kill()
    process.wait()
    if n == 3:
        b.events(wanted[half:])
# A second one is told that there is one; and while it follows, others write.
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
for n in range(4):
    while b.run("charge", "k1", "RENDER", "0.01", "--time", "2022-02-01", "--id", f"live-{n}", ok=(0, 1, 3)).returncode == 3:
        time.sleep(0.02)
    deadline = time.monotonic() + 10
    while f"k1/{62 + n}" not in receiver.ids() and time.monotonic() < deadline:
        time.sleep(0.02)
    if n == 0:
        done = b.run("deliver", ok=(3,))
        assert "another scrip delivers" in done.stderr, done.stderr
process.send_signal(signal.SIGTERM)
out, errors = process.communicate(timeout=10)
equal((process.returncode, errors), (0, ""), "stopped")
newest = hooks.order_check(receiver.taken)
equal(newest, {a: 65 if a == "k1" else 61 for a in accounts}, "every event, in order, whatever was killed")
again = len(receiver.taken) - len(set(receiver.ids()))
assert again <= 6 * 257, again
print(f"{len(set(receiver.ids()))} events, {again} delivered again after 6 kills")
before = len(receiver.taken)
b.run("deliver")
equal(len(receiver.taken), before, "what was saved as it was stopped")
equal(receiver.faults, [], "signatures")
b.run("verify")
b.done()
receiver.close()

# A run that follows its feeds tells after each round.
receiver = hooks.Receiver(KEY)
b = books(hook(receiver))
b.write("none-1.jsonl", json.dumps(history(["f"], 1)[0]) + "\n")
process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run", "--follow=1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
for n, line in enumerate(history(["f"], 2)[1:] + [None]):
    deadline = time.monotonic() + 10
    while f"f/{n + 1}" not in receiver.ids() and time.monotonic() < deadline:
        time.sleep(0.02)
    if line:
        with open(os.path.join(b.folder, "none-1.jsonl"), "a") as out:
            out.write(json.dumps(line) + "\n")
process.send_signal(signal.SIGTERM)
process.communicate(timeout=10)
equal((receiver.ids(), process.returncode), (["f/1", "f/2", "f/3"], 0), "as it follows")
equal(told(b)["f"], ("told", 3, 0, 0), "saved as it follows")
b.done()
receiver.close()
