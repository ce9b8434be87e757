"""pg.py - a PostgreSQL server for tests: started on a free port of this machine in a scratch folder, stopped on the way out.

    python3 tests/pg.py COMMAND...      runs the command with SCRIP_PG set to the server's connection, then stops it

SCRIP_PG_SETTINGS="fsync=on ..." sets what that server is to be like, SCRIP_PG_FOLDER where its folder is made.

Also as root, though the server itself will not run as root: it then runs as `postgres`, or as `nobody`. Where SCRIP_TEST_PG
names servers (connections as libpq has them, split by ';'), those are used and nothing is started; each test works in a
schema of its own there.
"""
import atexit
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# A lost server's data is of no use: nothing here needs to survive a loss of power, only a kill.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "log_min_messages": "warning",
            "timezone": "UTC", "autovacuum": "on"}


class Missing(Exception):
    """This machine has no server to start."""


def programs():
    """The folder of the newest server's programs."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[4].split(".")[0]))
    for folder in [*reversed(folders), *os.environ.get("PATH", "").split(":")]:
        if os.access(os.path.join(folder, "initdb"), os.X_OK) and os.access(os.path.join(folder, "postgres"), os.X_OK):
            return folder
    raise Missing("no PostgreSQL server: install postgresql-15")


def prefix():
    """What makes a command run as somebody who may run a server, and die with this program."""
    die = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() != 0:
        return die, os.geteuid(), os.getegid()
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return [*die, "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"], user.pw_uid, user.pw_gid
    raise Missing("no user 'postgres' or 'nobody' to run a server as")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, base=None, **settings):
        self.programs, (self.prefix, uid, gid) = programs(), prefix()
        self.settings = {**SETTINGS, **settings}
        self.folder = tempfile.mkdtemp(prefix="scrip-pg-", dir=base)
        self.process = None
        atexit.register(self.remove)
        os.chown(self.folder, uid, gid)
        made = subprocess.run([*self.prefix, os.path.join(self.programs, "initdb"), "-D", self.data, "-U", "scrip", "-A", "trust",
                               "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], cwd="/", capture_output=True, text=True)
        if made.returncode:
            raise Missing("initdb: " + made.stderr)
        self.port = free_port()
        self.start()

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    @property
    def connection(self):
        return f"host=127.0.0.1 port={self.port} user=scrip dbname=postgres"

    def start(self):
        """Also after kill(), on the same port."""
        words = [w for k, v in {**self.settings, "port": str(self.port), "listen_addresses": "127.0.0.1",
                                "unix_socket_directories": self.folder}.items() for w in ("-c", f"{k}={v}")]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([*self.prefix, os.path.join(self.programs, "postgres"), "-D", self.data, *words],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True)
        until = time.monotonic() + 60
        while subprocess.run([os.path.join(self.programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise Missing("the server did not start: " + self.log()[-2000:])
            time.sleep(0.05)

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as log:
            return log.read()

    def children(self):
        """The server's processes, which a kill of the first alone would leave behind."""
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as stat:
                    fields = stat.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid:  # its session
                found.append(int(path.split("/")[2]))
        return found

    def kill(self):
        """kill -9 of every process at once, as a machine that fails does it."""
        for pid in [self.process.pid, *self.children()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        # What the dead held of shared memory is let go only when all of them are gone.
        while self.children():
            time.sleep(0.01)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def servers():
    """Connections of the servers to test on; one is started where none is named."""
    named = [c.strip() for c in os.environ.get("SCRIP_TEST_PG", "").split(";") if c.strip()]
    return named or [Server().connection]


def psql(connection, sql):
    """What statements yield, as lines of cells split by '|'."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", sql],
                          capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"psql: {sql}\n{done.stderr}")
    return done.stdout.splitlines()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = dict(w.split("=", 1) for w in os.environ.get("SCRIP_PG_SETTINGS", "").split())
    try:
        where = Server(os.environ.get("SCRIP_PG_FOLDER"), **settings).connection if settings else servers()[0]
    except Missing as reason:
        print("skipped:", reason)
        sys.exit(77)
    sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "SCRIP_PG": where}).returncode)
