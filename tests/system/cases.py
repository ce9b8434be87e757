"""cases.py - runs tests/cases/*.case: each a rule shape with its files, what is asked, and what comes out.

tests/cases/README.md tells the format. After each session the books are verified and everything is done once more, which
must change nothing. UPDATE=1 writes what came out into the cases, and the table of shapes into conf/README.md: read the
difference, each number against the case's source. CASE=NN runs one.
"""
import glob
import os
import re
import shlex
import subprocess
import sys

import lib

sys.path.insert(0, os.path.join(lib.ROOT, "tests"))
import shapes  # noqa: E402

FOLDER = os.path.join(lib.ROOT, "tests", "cases")
ASKS = ("balance", "usage", "expiring", "events", "explain", "quote", "statement", "holds", "debts", "limits", "advise",
        "quarantine", "verify", "head")
UPDATE = os.environ.get("UPDATE") == "1"
SANITIZERS = {name: os.environ[name] for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}


class Case:
    """A case file: its head, its files by name, its session as (command, what comes out)."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
        self.head, *parts = re.split(r"^--- (.+)\n", text, flags=re.M)
        names = parts[0::2]
        assert names[-1:] == ["session"] and len(set(names)) == len(names), f"{self.name}: the last part is 'session'"
        self.files = {name: part.rstrip("\n") + "\n" for name, part in zip(names[:-1], parts[1::2])}
        assert "scrip.ini" in self.files, f"{self.name}: no part scrip.ini"
        self.before = text[:len(text) - len(parts[-1])]
        self.session = [[c, o] for c, o in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", parts[-1], flags=re.M)]
        written = "".join(f"$ {c}\n{o}" for c, o in self.session)
        assert written == parts[-1] and self.session, f"{self.name}: a session is lines '$ COMMAND' and what comes out"

    def save(self):
        with open(self.path, "w", encoding="utf-8", newline="") as file:
            file.write(self.before + "".join(f"$ {c}\n{o}" for c, o in self.session))


class Scratch(lib.Books):
    def __init__(self, case):
        super().__init__(case.files["scrip.ini"])
        for name, text in case.files.items():
            if name != "scrip.ini":
                self.write(name, text.replace("\\r", "\r"))

    def line(self, command):
        """What a line of a session comes to: standard output; why it failed, if it did; the exit code, if not 0."""
        words = shlex.split(command)
        assert words[0] == "scrip", f"'{command}': want scrip"
        done = subprocess.run([lib.SCRIP, *words[1:]], cwd=self.folder, capture_output=True, text=True,
                              env={**SANITIZERS, "PATH": "/usr/bin:/bin", "TZ": "UTC"})
        assert done.returncode in (0, 1), f"'{command}': exit {done.returncode}\n{done.stdout}{done.stderr}"
        out = done.stdout if done.returncode == 0 else done.stdout + done.stderr + f"[exit {done.returncode}]\n"
        return re.sub(r"[ \t]+\n", "\n", out.replace(self.folder + "/", ""))

    def state(self):
        return [self.run(*words, "--format", "csv").stdout
                for words in (["head"], ["quarantine", "list"], ["balance", "--by", "grant", "--as-of", "2100-01-01"])]


def asks(command):
    return command.split()[1] in ASKS


def run(case):
    scratch = Scratch(case)
    found = [scratch.line(command) for command, _ in case.session]
    if UPDATE:
        case.session = [[command, out] for (command, _), out in zip(case.session, found)]
        case.save()
    for (command, wanted), out in zip(case.session, found):
        assert out == wanted, f"{case.name}: $ {command}\n--- found\n{out}--- wanted\n{wanted}"
    scratch.run("verify")
    before, last = scratch.state(), max((i for i, (c, _) in enumerate(case.session) if not asks(c)), default=-1)
    for command, _ in case.session:
        if not asks(command):
            scratch.line(command)
    for (command, wanted) in case.session[last + 1:]:
        lib.equal(scratch.line(command), wanted, f"{case.name}: again: $ {command}")
    lib.equal(scratch.state(), before, f"{case.name}: a second run changed something")
    scratch.run("verify")
    scratch.done()


paths = sorted(glob.glob(os.path.join(FOLDER, os.environ.get("CASE", "") + "*.case")))
faults = []
for path in paths:
    try:
        run(Case(path))
    except AssertionError as fault:
        faults.append(f"{os.path.basename(path)}: {fault}")
print("\n".join(faults))
print(f"{len(paths)} cases ran, {len(faults)} failed")
if "CASE" not in os.environ:
    shapes.check(UPDATE)
sys.exit(1 if faults or not paths else 0)
