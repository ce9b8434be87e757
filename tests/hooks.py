"""hooks.py - a receiver of deliveries for tests: it keeps what it took, checks signatures, and fails on demand."""
import hashlib
import hmac
import json
import os
import random
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import lib
from lib import event


class Receiver:
    """answer(event, nth) says what becomes of the n-th request of an id: a status; "cut", which breaks the connection off before
    an answer; or seconds to wait, as a float, before 200."""

    def __init__(self, key=None, answer=None, certificate=None):
        self.key, self.answer = key, answer or (lambda event, nth: 200)
        self.taken, self.seen, self.faults = [], [], []
        self.headers = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.request(self)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):
                pass  # a client that is gone

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}/hook/secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.headers = dict(handler.headers)
        event = json.loads(body)
        if self.key is not None and not signature_fits(self.key, handler.headers.get("Scrip-Signature", ""), body):
            self.faults.append(f"signature of {event['id']}: {handler.headers.get('Scrip-Signature')!r}")
        self.seen.append(event["id"])
        what = self.answer(event, self.seen.count(event["id"]))
        if what == "cut":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        if isinstance(what, float):
            time.sleep(what)
            what = 200
        if what == 200:
            self.taken.append(event)
        text = b"" if what == 200 else b"no, thanks"
        handler.send_response(what)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def ids(self, kind=None):
        return [e["id"] for e in self.taken if kind is None or e["type"] == kind]

    def alerts(self):
        return [e for e in self.taken if e["type"] == "scrip.alert"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_fits(key, header, body):
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    wanted = hmac.new(key.encode(), parts.get("t", "").encode() + b"." + body, hashlib.sha256).hexdigest()
    return parts.get("v1") == wanted and abs(int(parts["t"]) - time.time()) < 60


def order_check(events):
    """Each account's events come in the order of their numbers; what comes again, comes again from there."""
    newest = {}
    for event in events:
        if event["type"] == "scrip.alert":
            continue
        account, number = event["subject"], int(event["data"]["number"])
        if number > newest.get(account, 0) + 1:
            raise AssertionError(f"{event['id']} came behind event {newest.get(account, 0)}")
        newest[account] = max(number, newest.get(account, 0))
    return newest


# ---- books whose events are delivered -----------------------------------------------------------------------------

KEY = "0123456789abcdef0123456789abcdef"
CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
[service/ratesheet cloud]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
SHEET = "product,from,to,rate,per,currency\nRENDER,,,1.5,1,credits\n"


def books(sections):
    b = lib.Books(CONFIG + sections)
    b.write("rates.csv", SHEET)
    os.chmod(b.write("key", KEY + "\n"), 0o600)
    return b


def hook(receiver, more="", name="shop", outcomes="all"):
    return f"[report/hook {name}]\nurl = {receiver.url}\nevents = {outcomes}\nkey_file = key\n{more}\n"


def history(accounts, uses, seed=1):
    """Grants, then uses of all accounts in turns; some are refused."""
    rng = random.Random(seed)
    made = [event("grant", f"g-{a}", a, "2022-01-01T00:00:00Z", currency="credits", amount="100") for a in accounts]
    for n in range(uses):
        made += [event("usage", f"u-{a}-{n}", a, f"2022-01-02T{n // 60:02}:{n % 60:02}:00Z", product="RENDER",
                       quantity=str(rng.randint(1, 9)), user="ann") for a in accounts]
    return made


def told(b, subscriber="shop"):
    return {row["account"]: (row["stage"], int(row["told"]), int(row["waiting"]), int(row["tries"]))
            for row in b.ask("subscribers", "--by", "account") if row["subscriber"] == subscriber}
