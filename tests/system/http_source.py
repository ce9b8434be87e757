"""http_source.py - [source/http] against a server that misbehaves: the totals are right each time, or the run says why it has
none; what was read is never counted twice; and no output ever holds the credential."""
import base64
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import lib

SECRET = "hush-7f3a9c-do-not-tell-9d21"
CONFIG = """[store/sqlite]
file = books.db
synchronous = normal
[currency/prepaid credits]
overdraft = debt
[service/metered feed]
currency = credits
[source/http usage]
credential_file = token
retries = 4
wait = 0s
poll = 0s
map.time = when
map.account = team
map.product = product
map.amount = credits
%s
"""
HAS_ID = "map.id = id\n"


def row(n, **more):
    return {"id": f"r{n}", "when": f"2022-01-{1 + n // 60 % 28:02}T00:{n % 60:02}:00Z", "team": "a", "product": f"P{n % 3}",
            "credits": n + 1, **more}


class Server(ThreadingHTTPServer):
    """Answers what the function says; and remembers what it was asked."""
    daemon_threads = True

    def __init__(self, answer):
        self.answer, self.asked, self.lock = answer, [], threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, address):
        pass  # a client that was killed

    def end(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do(self):
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(size).decode()
        self.parts = urlsplit(self.path)
        self.query = {k: v[0] for k, v in parse_qs(self.parts.query, keep_blank_values=True).items()}
        with self.server.lock:
            self.server.asked.append((self.command, self.path, self.body, dict(self.headers)))
            self.count = len(self.server.asked)
        self.server.answer(self)

    do_GET = do_POST = do

    def give(self, what, status=200, type="application/json", **headers):
        data = what if isinstance(what, bytes) else what.encode() if isinstance(what, str) else json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(headers.pop("length", len(data))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def cut(self):
        """A reset in the middle of an answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.flush()
        self.connection.close()


def books(more, token=SECRET):
    b = lib.Books(CONFIG % more)
    os.chmod(b.write("token", token + "\n"), 0o600)
    return b


def hushed(done):
    for text in (SECRET, SECRET[:12], SECRET[-12:], base64.b64encode(SECRET.encode()).decode()):
        assert text not in done.stdout + done.stderr, done.stderr
    return done


def kept_quiet(b):
    """No file of the books holds the credential, but its own."""
    for name in os.listdir(b.folder):
        if name != "token":
            with open(os.path.join(b.folder, name), "rb") as file:
                assert SECRET.encode() not in file.read(), name


def total(b):
    rows = b.ask("usage", "--by", "product")
    return {r["product"]: int(r["amount"]) for r in rows}


def wanted(rows):
    sums = {}
    for r in rows:
        sums[r["product"]] = sums.get(r["product"], 0) + int(r["credits"])
    return sums


def run(b, ok=(0,)):
    return hushed(b.run("run", ok=ok))


def check(more, answer, rows, what, times=2):
    """The right sums in the first run; the second changes nothing."""
    server = Server(answer)
    b = books(more.replace("URL", server.url))
    done = None
    for _ in range(times):
        done = run(b)
        lib.equal(total(b), wanted(rows), what)
        assert "quarantined" not in done.stdout, done.stdout
    hushed(b.run("verify"))
    kept_quiet(b)
    asked = server.asked
    b.done()
    server.end()
    return asked, done


def fails(more, answer, words, what, code=3):
    server = Server(answer)
    b = books(more.replace("URL", server.url))
    done = run(b, ok=(code,))
    for word in words:
        assert word in done.stderr, f"{what}: no {word!r} in\n{done.stderr}"
    lib.equal(total(b), {}, what + ": nothing is half done")
    kept_quiet(b)
    b.done()
    server.end()
    return server.asked


# ---- pages of each kind -----------------------------------------------------------------------------------------------
ROWS = [row(n) for n in range(250)]


def by_offset(h, rows=ROWS, **more):
    at, limit = int(h.query["offset"]), int(h.query["limit"])
    h.give({"data": {"items": rows[at:at + limit]}, "total": len(rows), **more})


def by_number(h):
    at = (int(h.query["page"]) - 1) * 40
    h.give([r for r in ROWS[at:at + 40]])


def by_token(h):
    at = int(h.query.get("after") or 0)
    h.give({"items": ROWS[at:at + 60], "next": at + 60 if at + 60 < len(ROWS) else None})


def by_link(h):
    at = int(h.query.get("at") or 0)
    h.give({"items": ROWS[at:at + 70], "links": {"next": f"/more?at={at + 70}"} if at + 70 < len(ROWS) else {}})


def by_link_header(h):
    at = int(h.query.get("at") or 0)
    more = {"Link": f'<?at={at + 100}>; rel="next", <?at=0>; rel="first"'} if at + 100 < len(ROWS) else {}
    h.give(ROWS[at:at + 100], **more)


OFFSET = HAS_ID + "url = URL/rows?offset={offset}&limit={limit}\nrows = data.items\npage = offset\nlimit = 50\n"
LINK = HAS_ID + "url = URL/rows\nrows = items\npage = link\nnext = links.next\n"
NUMBER = HAS_ID + "url = URL/rows?page={page}\npage = number\nlimit = 40\n"
asked, _ = check(OFFSET, by_offset, ROWS, "pages by offset", times=1)
lib.equal(len(asked), 6, "requests until an empty page")
lib.equal(asked[0][3]["Authorization"], "Bearer " + SECRET, "the credential")
asked, done = check(OFFSET + "total = total\n", by_offset, ROWS, "pages by offset with a total")
lib.equal(len(asked), 10, "requests until the total, in two runs")
assert "250 duplicate" in done.stdout, done.stdout
check(NUMBER, by_number, ROWS, "pages by number")
check(HAS_ID + "url = URL/rows\npage_url = URL/rows?after={token}\nrows = items\npage = token\nnext = next\n", by_token, ROWS,
      "pages by token")
check(LINK, by_link, ROWS, "pages by link")
asked, _ = check(HAS_ID + "url = URL/rows\npage = link\nauth = header\nauth_header = X-Key\n", by_link_header, ROWS, "links of the header")
assert all(a[3].get("X-Key") == SECRET for a in asked)
asked, _ = check(HAS_ID + "url = URL/rows\npage = link\nauth = basic\n", by_link_header, ROWS, "basic")
assert all(a[3]["Authorization"].startswith("Basic ") for a in asked)

# ---- rows: lists, paths, what is missing, what is equal, a filter, columns ---------------------------------------------
odd = [{"when": "2022-01-01", "team": {"name": "a"}, "product": "P", "credits": "1.50", "tags": ["x", "y"]}] * 2 + [
    {"when": "2022-01-01", "team": {"name": "a"}, "product": "P", "credits": 12345678901234567.25, "note": "ü\n\"q\""},
    {"when": "2022-01-01", "team": {"name": "a"}, "product": "Q"}, ["an", "array"],
    {"when": "2022-01-01", "team": {"name": "a"}, "product": "P", "credits": "1\u0000"}]
text = json.dumps(odd).replace("1.2345678901234568e+16", "12345678901234567.25")
server = Server(lambda h: h.give(text))
b = lib.Books(("[scrip]\ndimensions = tags\n" + CONFIG % f"url = {server.url}/\nmap.attribute.note = note?\nmap.attribute.tags = tags?\n").replace("= team", "= team.name")
              .replace("[currency/prepaid credits]", "[currency/prepaid credits]\ndecimals = 2"))
os.chmod(b.write("token", SECRET), 0o600)
done = run(b, ok=(1,))
assert "6 rows read" in done.stdout and "3 quarantined" in done.stdout, done.stdout + done.stderr
why = "\n".join(q["reason"] for q in b.ask("quarantine", "list"))
assert "has no member 'credits'" in why and "has no member 'when'" in why and "holds a NUL" in why, why
amounts = sorted(e["amount"] for e in b.ask("events") if e["outcome"] == "charged")
lib.equal(amounts, ["1.5", "1.5", "12345678901234567.25"], "equal rows are two; a number is read exactly")
lib.equal([(u["tags"], u["amount"]) for u in b.ask("usage", "--by", "tags")], [(None, "12345678901234567.25"), ("x;y", "3.00")], "a list")
b.done()
server.end()

# ---- what fails is asked for again --------------------------------------------------------------------------------------
TOTAL = OFFSET + "total = total\n"


def every_third(fault):
    def answer(h):
        fault(h) if h.count % 3 == 2 else by_offset(h)
    return answer


check(TOTAL, every_third(lambda h: h.give("slow down", 429, "text/plain")), ROWS, "429")
check(TOTAL, every_third(lambda h: h.give("oh no " + SECRET, 500, "text/plain")), ROWS, "500")
check(TOTAL, every_third(lambda h: h.give("<html>sorry " + SECRET, 200, "text/html")), ROWS, "a proxy's page")
check(TOTAL, every_third(lambda h: h.give('{"data": {"items": [{"id": "r', 200)), ROWS, "half of a JSON text")
check(TOTAL, every_third(lambda h: h.give('{"data": {"items": [{"id": "r1"', length=5000)), ROWS, "an answer that is cut off")
check(TOTAL, every_third(lambda h: h.cut()), ROWS, "a connection that is reset")
check(TOTAL, every_third(lambda h: h.give({"total": 250})), ROWS, "an answer without rows")
begun = time.monotonic()
asked, done = check(TOTAL, lambda h: h.give("wait", 429, Retry_After="1") if h.count == 2 else by_offset(h), ROWS, "Retry-After", times=1)
assert time.monotonic() - begun >= 1 and "answers 429: is asked again in 1.0 s" in done.stderr, done.stderr
asked, done = check(TOTAL + "timeout = 1s\n", lambda h: time.sleep(2.5) if h.count == 2 else by_offset(h), ROWS, "a slow answer", times=1)
assert "is asked again" in done.stderr, done.stderr
begun = time.monotonic()
check(TOTAL + "pace = 1s\n", lambda h: by_offset(h, ROWS[:90]), ROWS[:90], "pace", times=1)
assert time.monotonic() - begun >= 1, "requests come faster than `pace`"

# It does not get better: the run says what was found, and nothing is half done.
fails(TOTAL, lambda h: by_offset(h) if h.count < 4 else h.give("no", 503), ["GET http://127.0.0.1", "/rows: answers 503, 5 times"], "503")
fails(TOTAL, lambda h: h.give("wait", 429, Retry_After="3600"), ["wants to be asked in 3600 s", "wait_limit"], "a long Retry-After")
fails(TOTAL, lambda h: h.give({"error": "no such key " + SECRET}, 401), ["answers 401", "credential_file"], "401", code=2)
asked = fails(TOTAL, lambda h: h.give({"error": "unknown field 'x'"}, 400), ["answers 400", "unknown field 'x'"], "400", code=2)
lib.equal(len(asked), 1, "a request that is wrong is not repeated")
fails(TOTAL, lambda h: h.give({"error": "key " + SECRET[4:20]}, 400), ["answers 400: mend url"], "a refusal that tells the credential", code=2)
fails(TOTAL, lambda h: h.give("not JSON at all"), ["answers no JSON as it should be"], "not JSON")
fails(TOTAL + "size_limit = 20000\n", lambda h: by_offset(h, ROWS, filler="x" * 50000), ["longer than 20000 bytes", "size_limit"], "huge", code=2)
fails(TOTAL, lambda h: h.give({"data": {"items": {"a": 1}}, "total": 1}), ["an object where the array of rows is wanted"], "rows")
fails(LINK, lambda h: h.give("", 302, Location=f"{h.path}x"), ["`redirects`"], "redirects without end")
fails(LINK, lambda h: h.give("", 302, Location="file:///etc/passwd"), ["none of http or https"], "a redirect to a file")
server = socket.socket()
server.bind(("127.0.0.1", 0))
b = books(TOTAL.replace("URL", f"http://127.0.0.1:{server.getsockname()[1]}"))
assert "times: run again later" in run(b, ok=(3,)).stderr
b.done()
server.close()

# ---- pages that do not fit together -------------------------------------------------------------------------------------
# A repeated page; one that comes again later; a loop of links.
check(TOTAL, lambda h: h.give({"data": {"items": ROWS[:50]}, "total": 250}) if h.count == 2 else by_offset(h), ROWS, "a repeated page")
check(OFFSET, lambda h: h.give({"data": {"items": ROWS[:50]}}) if h.count == 2 else by_offset(h), ROWS, "the same without a total")
check(LINK, lambda h: h.give({"items": ROWS[:70], "links": {"next": "/more?at=70"}}) if h.count == 3 else by_link(h), ROWS, "links in a loop")
fails(LINK, lambda h: h.give({"items": ROWS[:9], "links": {"next": "/more"}}), ["leads to a page that was there already"], "a loop for ever")
fails(OFFSET, lambda h: h.give({"data": {"items": ROWS[:50]}}), ["gives the same page twice"], "a server that knows no offset")


def changing(h):
    """A row goes, and others come in front, while pages are read for the first time."""
    by_offset(h, ROWS[1:] if h.count == 1 else [row(900), row(901), *ROWS[5:]] if h.count == 3 else ROWS)


asked, done = check(TOTAL.replace(HAS_ID, ""), changing, ROWS, "pages that change, whose rows have no ids", times=1)
assert "changed while its pages were read: 249 rows, then 250" in done.stderr, done.stderr
check(TOTAL, lambda h: h.give({"data": {"items": []}, "total": 250}) if h.count == 3 else by_offset(h), ROWS, "an empty page too early")

# ---- redirects, other origins -------------------------------------------------------------------------------------------
other = Server(by_link_header)
asked, _ = check(LINK.replace("links.next", "next"), lambda h: h.give("", 307, Location="/there") if h.path == "/rows" else
                 h.give({"items": ROWS}), ROWS, "a redirect", times=1)
assert "Authorization" in asked[1][3]
check(HAS_ID + "url = URL/rows\npage = link\nheader.X-Team = blue\n", lambda h: h.give("", 302, Location=other.url + "/rows"), ROWS,
      "a redirect to somebody else", times=1)
for _, path, _, headers in other.asked:
    assert "Authorization" not in headers and "X-Team" not in headers, headers
other.end()

# ---- queries that are ready later: Token Flex as documented ------------------------------------------------------------
DAYS = [(f"2011-{m:02}-{d:02}", c, (m * d) % 7) for m in range(1, 13) for d in (1, 15, 28) for c in ("ACD", "F360PRO", "–Ü")]
NAMES = ["contractYear", "tokenPool", "usageCategory", "usageDate", "productLineCode", "productName", "tokensConsumed"]


class TokenFlex:
    """POST query -> id; GET query/id: QUEUED, PROCESSING, DONE with pages; 429 above so many requests; queries that expire."""

    def __init__(self, faults=True):
        self.queries, self.faults, self.slow, self.asked = {}, faults, 0, []

    def __call__(self, h):
        time.sleep(self.slow)
        if h.headers.get("Authorization") != "Bearer " + SECRET:
            return h.give({"message": "no"}, 401)
        if self.faults and h.count % 7 == 0:
            return h.give({"message": "quota"}, 429, Retry_After="0")
        if h.command == "POST":
            where = json.loads(h.body)["where"]
            first, last = where.split("'")[1], where.split("'")[3]
            self.asked.append((first, last))
            id = f"q#{h.count}"
            self.queries[id] = [0, [[1, "CY", "DESKTOP_PRODUCT", d, c, "N/A", float(n)] for d, c, n in DAYS if first <= d <= last]]
            return h.give({"id": id, "status": "QUEUED"})
        id = h.parts.path.rsplit("/", 1)[1].replace("%23", "#")
        query = self.queries[id]
        query[0] += 1
        if self.faults and query[0] == 4 and h.count % 4 == 0:
            return h.give({"message": "gone"}, 410)
        state = ["QUEUED", "PROCESSING", "DONE"][min(query[0] - 1, 2)]
        if self.faults and state == "DONE" and h.count % 11 == 0:
            state = "TIMEOUT"
        at, limit = int(h.query["offset"]), int(h.query["limit"])
        result = {"columns": NAMES, "rows": query[1][at:at + limit], "offset": at, "limit": limit, "total": len(query[1])}
        h.give({"id": id, "status": state, "result": result if state == "DONE" else None})


def tokenflex(server):
    """The configuration of conf/, as it stands but for the address and the waits."""
    with open(os.path.join(lib.ROOT, "conf", "http-tokenflex.ini")) as file:
        text = file.read()
    for old, new in (("https://developer.api.autodesk.com", server.url), ("= ../client.txt", "= token"), ("token_url =", "; token_url ="), ("token_body =", "; token_body ="), ("limit = 1000", "limit = 4"),
                     ("pace = 12s", "wait = 0s\nretries = 30"), ("poll = 15s", "poll = 0s"), ("= tokenflex/", "= ")):
        assert old in text, old
        text = text.replace(old, new)
    b = lib.Books(text)
    os.chmod(b.write("token", SECRET), 0o600)
    for name in ("contract.jsonl", "query.json"):
        with open(os.path.join(lib.ROOT, "conf", "tokenflex", name)) as file:
            b.write(name, file.read())
    return b


def day_sums():
    sums = {}
    for _, code, n in DAYS:
        sums[code] = sums.get(code, 0) + n
    return sums


api = TokenFlex()
server = Server(api)
b = tokenflex(server)
done = run(b)
lib.equal(total(b), day_sums(), "Token Flex")
assert "has ended with status 'TIMEOUT'" in done.stderr and "it has expired" in done.stderr and "429" in done.stderr, done.stderr
lib.equal(sorted(set(api.asked))[1], ("2011-02-01", "2011-02-28"), "the second month's days")
api.asked.clear()
done = run(b)
assert "charged" not in done.stdout, done.stdout
lib.equal(sorted(set(api.asked))[0], ("2011-10-01", "2011-10-31"), "again = 62d before the last window, and no earlier one")
heads = b.run("balance", "--format", "csv").stdout, b.run("verify").stdout
b.done()

# Killed in the middle, again and again: what was charged counts once, and it comes to its end.
api.slow, api.faults = 0.004, False
b = tokenflex(server)
kills = 0
for delay in [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]:
    process = subprocess.Popen([lib.SCRIP, "-c", b.config, "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        kills += 1
    process.wait()
assert kills >= 4, "the server is too fast to be interrupted"
api.slow = 0
run(b)
lib.equal(total(b), day_sums(), "after kills")
lib.equal((b.run("balance", "--format", "csv").stdout, b.run("verify").stdout), heads, "the same books as without")
b.done()
server.end()

# ---- exports: a ticket, then a link that expires, then CSV -------------------------------------------------------------
EXPORT = (HAS_ID + "submit = URL/requests\nsubmit_body = {\"name\": \"{from.date}\"}\nticket = requestKey\nurl = URL/requests/{ticket}\n"
          "status = status\nready = Download\npending = Requested\ndownload = downloadUrl\nformat = csv\nfrom = 2022-01-01\n")
CSV = "id,when,team,product,credits\n" + "".join(f"{r['id']},{r['when']},a,{r['product']},{r['credits']}\n" for r in ROWS)
links = []
store = Server(lambda h: h.give("<Error>expired</Error>", 403, "application/xml") if h.count == 1 else h.give(CSV.rstrip("\n"), type="text/csv"))


def export(h):
    if h.command == "POST":
        return h.give({"requestKey": "2018-09-20T22:43:13#u/u", "status": "Requested"})
    assert h.parts.path == "/requests/2018-09-20T22%3A43%3A13%23u%2Fu", h.path
    if h.count % 2 == 0:
        return h.give({"status": "Requested"})
    h.give({"status": "Download", "downloadUrl": store.url + "/file?X-Signature=" + SECRET})


asked, done = check(EXPORT, export, ROWS, "an export whose first link has expired", times=1)
assert "it has expired" in done.stderr and store.asked[-1][3].get("Authorization") is None, done.stderr
lib.equal(json.loads(asked[0][2]), {"name": "2022-01-01"}, "the query")
store.end()
pages = [CSV.splitlines()[1 + 100 * n:101 + 100 * n] for n in range(4)]
asked, _ = check(HAS_ID + "url = URL/rows?page={page}\nformat = csv\npage = number\nfirst = 0\n",
                 lambda h: h.give("id,when,team,product,credits\r\n" + "\r\n".join(pages[int(h.query["page"])]), type="text/csv"),
                 ROWS, "pages of CSV", times=1)
# As spreadsheets write it: a mark, a line that names the delimiter, empty rows; or tabs, which nobody names.
for head, mark in (("\ufeffsep=;\r\n", ";"), ('"sep=|"\n', "|"), ("", "\t"), ("\ufeff", ";")):
    def page(h):
        return head + "\n".join(["id,when,team,product,credits", *(",,,,",) * (h.query["page"] == "0"), *pages[int(h.query["page"])]]).replace(",", mark)
    check(HAS_ID + "url = URL/rows?page={page}\nformat = csv\npage = number\nfirst = 0\n", lambda h: h.give(page(h), type="text/csv"),
          ROWS, f"pages of CSV with {head!r}, {mark!r}", times=1)
fails(HAS_ID + "url = URL/\nformat = csv\n", lambda h: h.give({"a": 1}), ["application/json where CSV is wanted"], "JSON for CSV")

# ---- resume: only what is behind the last known row --------------------------------------------------------------------
grown = []
server = Server(lambda h: by_offset(h, grown))
b = books((TOTAL + "resume = yes\n").replace("URL", server.url))
for size, requests in ((120, 3), (120, 1), (130, 1), (250, 3)):
    grown[:] = ROWS[:size]
    server.asked.clear()
    run(b)
    lib.equal((total(b), len(server.asked)), (wanted(grown), requests), f"resumed at {size} rows")
grown[:] = [row(1000), *ROWS[:240]]
done = run(b)
assert "changed since it was last read" in done.stderr, done.stderr
lib.equal(total(b), wanted([row(1000), *ROWS]), "a list that changed is read from its start")
b.done()
server.end()
server = Server(by_number)
b = books((NUMBER + "resume = yes\n").replace("URL", server.url))
run(b)
server.asked.clear()
run(b)
lib.equal(([a[1] for a in server.asked], total(b)), (["/rows?page=7", "/rows?page=8"], wanted(ROWS)), "resumed by number")
b.done()
server.end()

# ---- credentials and sections that are wrong -----------------------------------------------------------------------------
server = Server(by_link_header)
b = books((HAS_ID + "url = URL/rows\npage = link\n").replace("URL", server.url))
for mode, words in ((0o644, "others may read or write it (mode 0644): chmod 600 it"),):
    os.chmod(os.path.join(b.folder, "token"), mode)
    assert words in run(b, ok=(3, 2)).stderr
os.chmod(b.write("token", "two\nlines are none"), 0o600)
assert "control characters" in run(b, ok=(3, 2)).stderr
os.unlink(os.path.join(b.folder, "token"))
assert "cannot be opened" in run(b, ok=(3, 2)).stderr
assert not server.asked
b.run("balance")  # nothing is asked, so nothing is missed
b.done()
b = lib.Books((CONFIG % (HAS_ID + f"url = {server.url}/rows\npage = link\n")).replace("credential_file = token", "credential_env = MY_TOKEN"))
assert "no variable MY_TOKEN" in run(b, ok=(3, 2)).stderr
os.environ["MY_TOKEN"] = SECRET
run(b)
lib.equal((total(b), server.asked[0][3]["Authorization"]), (wanted(ROWS), "Bearer " + SECRET), "from the environment")
b.done()
server.end()

BAD = [("url = ftp://x/y\n", "want https://"), ("url = http://example.com/\n", "would send the credential in clear"),
       ("url = https://me:pass@example.com/\n", "names a user"), ("url = https://x/{pag}\n", "'{pag}' is no place"),
       ("url = https://x/\npage = offset\n", "want {offset}"), ("url = https://x/\npage = token\n", "want {token}"),
       ("url = https://x/\nwindow = 1d\nfrom = 2022-01-01\n", "want {from.date}"), ("url = https://x/{from}\n", "from: missing"),
       ("url = https://x/\nsubmit = https://x/q\n", "go together"), ("url = https://x/\nstatus = s\n", "go together"),
       ("url = https://x/\nresume = yes\n", "page = offset or number"), ("url = https://x/\nauth = header\n", "auth_header"),
       ("url = https://x/\nformat = csv\npage = offset\n", "{offset}"), ("url = https://x/\nlimit = 0\n", "limit = 1 or more"),
       ("url = https://x/\ntoken_url = https://x/\nauth = basic\n", "token_url: want"), ("url = https://x/\ntoken_url = http://x/\n", "in clear"),
       ("url = https://x/\ntimeout = 0s\n", "timeout: want 1s or more"), ("url = https://x/\nurk = 1\n", "urk")]
for more, words in BAD:
    b = books(more)
    done = b.run("plugins", ok=(2,))
    assert words in done.stderr, (more, done.stderr)
    b.done()

# ---- a credential that gets an access token, which ends ------------------------------------------------------------------
def tokens(h):
    if h.parts.path == "/token":
        if h.count % 5 == 1:
            return h.give("busy", 503)
        basic = base64.b64encode(f"client:{SECRET}".encode()).decode()
        if h.headers["Authorization"] != "Basic " + basic or h.body != "grant_type=client_credentials&scope=data:read":
            return h.give({"error": "invalid_client"}, 401)
        h.server.uses = 0
        return h.give({"access_token": "access-token-1234567", "expires_in": 3599})
    h.server.uses += 1
    if h.headers["Authorization"] != "Bearer access-token-1234567" or h.server.uses > 3:
        return h.give({"error": "token access-token-1234567 has expired"}, 401)
    by_offset(h)


for secret, words in (("client:" + SECRET, None), ("client:wrong-wrong", "/token: answers 401: it does not take the credential")):
    server = Server(tokens)
    server.uses = 0
    b = books((TOTAL + "token_url = URL/token\ntoken_body = grant_type=client_credentials&scope=data:read\n").replace("URL", server.url), secret)
    done = run(b, ok=(2,) if words else (0,))
    assert "access-token" not in done.stderr and (words is None or words in done.stderr), done.stderr
    lib.equal(total(b), {} if words else wanted(ROWS), "with access tokens")
    assert words or sum(a[1] == "/token" for a in server.asked) >= 3, "a token was renewed"
    b.done()
    server.end()

# ---- certificates are checked -------------------------------------------------------------------------------------------
b = books("")
key, cert = os.path.join(b.folder, "key.pem"), os.path.join(b.folder, "cert.pem")
made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                       "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                      capture_output=True)
lib.equal(made.returncode, 0, made.stderr)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
server = Server(by_link_header)
server.socket = context.wrap_socket(server.socket, server_side=True)
port = server.server_address[1]
for host, more, words in (("localhost", "", "certificate"), ("127.0.0.1", f"ca_file = {cert}\n", "127.0.0.1"), ("localhost", f"ca_file = {cert}\n", None)):
    s = books(HAS_ID + f"url = https://{host}:{port}/rows\npage = link\n" + more)
    done = run(s, ok=(3,) if words else (0,))
    assert words is None or words in done.stderr, done.stderr
    lib.equal(total(s), {} if words else wanted(ROWS), f"{host} {more}")
    s.done()
# From https to http: the credential stays at home, but rows could be anybody's.
plain = Server(by_link_header)
server.answer = lambda h: h.give("", 302, Location=plain.url + "/rows")
s = books(HAS_ID + f"url = https://localhost:{port}/rows\npage = link\nca_file = {cert}\n")
done = run(s, ok=(3,))
assert "is led from https to an address without it" in done.stderr and not plain.asked, done.stderr
s.done()
plain.end()
server.end()
b.done()
