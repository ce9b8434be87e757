"""pg_proxy.py - stands between a program and its PostgreSQL and lies: answers get lost after the server did its work, or become
errors that a distributed engine gives. What the server did stands, whatever the program is told.
"""
import random
import re
import socket
import struct
import threading
import time

# SQLSTATE, and whether the connection is cut behind it: None is no answer at all.
FAULTS = [("40001", False), ("40P01", False), ("40003", True), ("57P01", True), ("08006", True), (None, True)]
COMMITS_MORE = 25  # so much likelier is a fault where the answer is to a commit that wrote


def receive(sock, size):
    bytes_ = b""
    while len(bytes_) < size:
        more = sock.recv(size - len(bytes_))
        if not more:
            raise ConnectionError
        bytes_ += more
    return bytes_


def error(state):
    fields = b"".join(k + v.encode() + b"\0" for k, v in ((b"S", "ERROR"), (b"V", "ERROR"), (b"C", state), (b"M", "made up")))
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"


class Proxy:
    """Each answer is at fault with a probability, counted per SQLSTATE; 0 until it is told otherwise. Or `nth` says which one is:
    it counts down with each answer. `written` is called as each commit that wrote is answered. `waits` are the seconds from a fault in a writer's commit to what that writer sent next; to know
    it again after a cut, give it a name in PGAPPNAME."""

    def __init__(self, port, seed=1):
        self.server, self.random, self.probability, self.counts = port, random.Random(seed), 0.0, {}
        self.faults, self.commits, self.nth = FAULTS, 0, None
        self.waits, self.cut, self.written = [], {}, None
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.connection, args=(client,), daemon=True).start()

    def connection(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.server))
        except OSError:
            client.close()
            return
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = {"name": None, "since": None, "writes": False}
        threading.Thread(target=self.forth, args=(client, server, session), daemon=True).start()
        try:
            self.back(client, server, session)
        except OSError:
            pass
        # A copy of the other direction's thread may still wait in one of them.
        for s in (client, server):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def requested(self, session, part):
        """Ends a writer's wait: on the connection where it began, or on the next of the same name that writes."""
        if session["name"] is None:
            session["name"] = (re.search(rb"application_name\0([^\0]*)\0", part) or [b"", b""])[1]
        if b"batch_rows" in part and not session["writes"]:
            session["writes"] = True
            session["since"] = self.cut.pop(session["name"], None)
        if session["since"] is not None:
            self.waits.append(time.monotonic() - session["since"])
            session["since"] = None

    def answered_wrong(self, session, is_cut):
        if is_cut:
            self.cut[session["name"]] = time.monotonic()
        else:
            session["since"] = time.monotonic()

    def forth(self, client, server, session):
        try:
            while True:
                part = client.recv(65536)
                if not part:
                    break
                self.requested(session, part)
                server.sendall(part)
            server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def is_at_fault(self, is_commit):
        if self.nth is not None:
            self.nth -= 1
            return self.nth == 0
        return self.random.random() < self.probability * (COMMITS_MORE if is_commit else 1)

    def back(self, client, server, session):
        """Messages up to "ready for query" are one answer. The first one, of the connection itself, is left alone."""
        is_first, held = True, b""
        while True:
            head = receive(server, 5)
            message = head + receive(server, struct.unpack("!i", head[1:])[0] - 4)
            held += message
            if is_first:
                client.sendall(message)
            if head[:1] == b"G" and not is_first:  # it is to bring rows now
                client.sendall(held)
                held = b""
            if head[:1] != b"Z":
                continue
            if not is_first:
                is_commit = b"COMMIT\0" in held and b"INSERT 0 " in held
                if is_commit and self.written is not None:
                    self.written()
                if self.is_at_fault(is_commit):
                    state, is_cut = self.random.choice(self.faults)
                    self.counts[state] = self.counts.get(state, 0) + 1
                    self.commits += is_commit
                    if is_commit:
                        self.answered_wrong(session, is_cut)
                    if state is not None:
                        client.sendall(error(state))
                    if is_cut:
                        return
                    client.sendall(message)
                else:
                    client.sendall(held)
            is_first, held = False, b""

    def close(self):
        self.socket.close()
