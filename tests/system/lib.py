"""lib.py - what system tests share: a scratch folder, the program, its answers."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIP = os.environ.get("SCRIP", os.path.join(ROOT, "build", "scrip"))
SHARED = os.environ.get("SHARED", os.path.join(ROOT, "..", "shared"))


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
        if config is not None:
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
        shutil.rmtree(self.folder, ignore_errors=True)


def event(kind, id, account, time, **data):
    return {"specversion": "1.0", "id": id, "source": "test", "type": "scrip." + kind, "subject": account,
            "time": time, "data": data}


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")
