"""patroni.py - three PostgreSQL servers on this machine of which one leads: Patroni over etcd, synchronous, in a scratch folder."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pg  # noqa: E402

NODES = 3
# The shortest that Patroni allows: a dead leader's key lasts `ttl` seconds.
TIMES = {"ttl": 20, "loop_wait": 2, "retry_timeout": 3}
PARAMETERS = {"fsync": "off", "full_page_writes": "on", "wal_log_hints": "on", "max_connections": 60, "shared_buffers": "32MB",
              "wal_keep_size": "512MB", "timezone": "UTC"}


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin")
    if found is None:
        raise pg.Missing(f"no {name}: install {'etcd-server' if name == 'etcd' else name}")
    return found


class Node:
    def __init__(self, cluster, number):
        self.name, self.port, self.rest = f"node{number}", pg.free_port(), pg.free_port()
        self.folder = os.path.join(cluster.folder, self.name)
        self.cluster, self.process = cluster, None
        os.mkdir(self.folder, 0o700)
        who = {"username": "scrip", "password": "scrip"}
        config = {
            "scope": "scrip", "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.rest}", "connect_address": f"127.0.0.1:{self.rest}"},
            "etcd3": {"host": f"127.0.0.1:{cluster.etcd_port}"},
            "bootstrap": {"dcs": {**TIMES, "synchronous_mode": True, "maximum_lag_on_failover": 1 << 20,
                                  "postgresql": {"use_pg_rewind": True, "parameters": PARAMETERS}},
                          "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "no-sync"],
                          "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]},
            "postgresql": {"listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}", "bin_dir": cluster.programs,
                           "data_dir": os.path.join(self.folder, "data"), "pgpass": os.path.join(self.folder, "pgpass"),
                           "authentication": {"superuser": who, "replication": who, "rewind": who},
                           "parameters": {"unix_socket_directories": self.folder}},
        }
        self.config = os.path.join(self.folder, "patroni.yml")
        with open(self.config, "w") as out:
            json.dump(config, out)  # which is YAML as well

    def start(self):
        self.process = self.cluster.spawn([program("patroni"), self.config], self.folder)

    def ask(self, path):
        """What Patroni answers, and whether it is a yes; None where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/{path}", timeout=2) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False
        except OSError:
            return None

    def processes(self):
        """Patroni's, and those of its server, which are of another session: all that have this node's folder in their words."""
        found = [self.process.pid]
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as words:
                    if name.isdigit() and os.path.join(self.folder, "data").encode() in words.read():
                        found.append(int(name))
            except OSError:
                pass
        return found

    def kill(self):
        """As a machine that fails: every process at once, with kill -9; the server's own die with their first."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        with open(os.path.join(self.folder, "data", "postmaster.pid")) as file:
            first = int(file.readline())
        while children(first):
            time.sleep(0.02)


def children(parent):
    """Processes of a server that is gone leave when they find out; until then its memory is in use."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as stat:
                if name.isdigit() and int(stat.read().rpartition(")")[2].split()[3]) == parent:
                    found.append(int(name))
        except OSError:
            pass
    return found


class Cluster:
    def __init__(self):
        self.programs, (self.prefix, uid, gid) = pg.programs(), pg.prefix()
        program("etcd"), program("patroni")
        self.folder = tempfile.mkdtemp(prefix="scrip-ha-")
        self.running = []
        self.etcd_port, peer = pg.free_port(), pg.free_port()
        self.nodes = [Node(self, n) for n in range(NODES)]
        subprocess.run(["chown", "-R", f"{uid}:{gid}", self.folder], check=True)
        url, other = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{peer}"
        self.spawn([program("etcd"), "--name", "one", "--data-dir", os.path.join(self.folder, "etcd"), "--listen-client-urls", url,
                    "--advertise-client-urls", url, "--listen-peer-urls", other, "--initial-advertise-peer-urls", other,
                    "--initial-cluster", f"one={other}", "--unsafe-no-fsync"], self.folder)
        for node in self.nodes:
            node.start()

    def spawn(self, words, folder):
        with open(os.path.join(folder, "log"), "ab") as log:
            process = subprocess.Popen([*self.prefix, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                       start_new_session=True)
        self.running.append(process)
        return process

    @property
    def connection(self):
        """All of them: whichever leads is the one."""
        hosts, ports = ",".join(["127.0.0.1"] * NODES), ",".join(str(node.port) for node in self.nodes)
        return f"host={hosts} port={ports} user=scrip dbname=postgres target_session_attrs=read-write"

    def leader(self):
        return next((node for node in self.nodes if node.ask("leader")), None)

    def wait_whole(self, seconds=120):
        """Until one leads, one stands by in step with it, and the others follow."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if (self.leader() is not None and any(node.ask("synchronous") for node in self.nodes)
                    and sum(bool(node.ask("replica")) for node in self.nodes) == NODES - 1):
                return
            time.sleep(0.5)
        raise AssertionError("the servers are not whole:\n" + "\n".join(self.log(node) for node in self.nodes))

    @staticmethod
    def log(node):
        with open(os.path.join(node.folder, "log"), errors="replace") as log:
            return f"---- {node.name}\n" + "".join(log.readlines()[-25:])

    def remove(self):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.terminate()
        for process in self.running:
            try:
                process.terminate()
                process.wait(30)
            except (subprocess.TimeoutExpired, ProcessLookupError):
                process.kill()
        for node in self.nodes:
            for pid in node.processes():
                if pid != node.process.pid:
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
