"""plugin_check_kinds.py - the suites of currencies, services, sources and reports: every plugin of ours keeps every clause; one that
breaks a clause is told which. Stores: plugin_check.py.
"""
import glob
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import lib

BUILD = os.path.dirname(lib.SCRIP)
PLUGINS = os.path.join(BUILD, "tests", "plugins")
TIERS = ("product,model,up_to,at_least,rate,per,flat,factor,block,free,minimum,maximum,currency,from,to,label\n"
         "job,graduated,10,,2,1,,,,,,,usd,,,first\njob,,,,1,1,,,,,,,usd,,,more\n")
RATES = "product,from,to,rate,per,currency,unit,label\njob,,,2,3600,usd,,\nother,,2022-02-01,5,,usd,,\nother,2022-02-01,,6,,usd,,\n"
LUA = """function quote(event)
  if event.product ~= "job" then return nil end
  local n = tonumber(state.get("n") or "0") + 1
  state.put("n", tostring(n))
  return { currency = "usd", rate = "1.25", quantity = event.quantity * decimal(n), label = "use " .. n }
end
"""
METER = """import json
for n in range(40):
    print(json.dumps({"specversion": "1.0", "id": f"u{n}", "source": "meter", "type": "scrip.usage", "subject": "a",
                      "time": f"2022-01-02T00:00:{n:02}Z", "data": {"product": "job", "amount": str(n)}}))
"""


def usages():
    """Two accounts, sessions and single uses, on several days; in a file's order, not of time."""
    for n in range(40):
        day, hour = 3 + n * 7 % 11, n * 5 % 23
        start = f"2022-{1 + n % 3:02}-{day:02}T{hour:02}:10:00Z"
        data = {"product": "job" if n % 3 else "other", "quantity": str(1 + n % 4), "user": f"u{n % 3}", "unit": "hour",
                "end": f"2022-{1 + n % 3:02}-{day:02}T{hour:02}:{20 + n:02}:30Z",
                "attributes": {"host": f"h{n % 2}", "width": "4000", "height": "3000"}}
        yield lib.event("usage", f"e{n:02}", "a" if n % 4 else "b", start, **data)


def grants():
    for n, kind in enumerate(("free", "purchased", "")):
        yield lib.event("grant", f"g{n}", "a", f"2022-01-0{n + 1}T00:00:00Z", currency="c", amount="100.50", **{"class": kind})
    yield lib.event("conversion", "v", "a", "2022-01-05T00:00:00Z", **{"from": "c", "to": "flex", "amount": "10"})


FILES = {
    "usage.jsonl": "".join(json.dumps(e) + "\n" for e in usages()), "grants.jsonl": "".join(json.dumps(e) + "\n" for e in grants()),
    "tiers.csv": TIERS, "rates.csv": RATES, "prices.lua": LUA, "meter.py": METER,
    "feed.csv": "time,product,quantity,note\n" + "".join(
        f"2022-01-0{n % 5 + 1},job,{n % 3},\"a, \"\"{n}\"\"\nb\"\n" + ("\n" if n % 6 == 0 else "") for n in range(30)) + "soon,job,1,\n",
    "lines.txt": "a job 1\nb job 2\n\na job x\n" * 9,
}
ROWS = [{"id": f"j{n}", "at": f"2022-01-{n + 1:02}T00:00:00Z", "team": "a", "product": "job", "hours": f"{n}.5"} for n in range(25)]
EVENTS, GRANTS = ("--events", "usage.jsonl"), ("--events", "grants.jsonl")
SHEET = ("--option", "sheet=rates.csv")
MAP = tuple(word for key in ("const.account=team", "map.time=time", "map.product=product", "map.quantity=quantity?",
                             "map.attribute.note=note?", "files=feed.csv") for word in ("--option", key))
# Ours, and the tests that cannot be asked of each.
OURS = [
    ("currency/prepaid", ("--option", "convert.flex=1/3", "--option", "term.free=P1Y", *GRANTS), set()),
    ("currency/prepaid", ("--option", "draw_order=priority, class(free), expires desc nulls first, cost"), {"rates"}),
    ("currency/allowance", GRANTS, {"rates"}),
    ("currency/capacity", GRANTS, {"rates"}),
    ("service/metered", ("--option", "currency=usd", *EVENTS), {"timers"}),
    ("service/ratesheet", (*SHEET, *EVENTS), {"timers"}),
    ("service/daily", (*SHEET, *EVENTS), {"timers"}),
    ("service/daily", (*SHEET, "--option", "window=calendar", "--option", "grace=15m", *EVENTS), {"timers"}),
    ("service/window", (*SHEET, "--option", "meter=session", *EVENTS), {"timers"}),
    ("service/window", (*SHEET, "--option", "meter=whole", "--option", "whole=20", *EVENTS), {"timers"}),
    ("service/window", (*SHEET, "--option", "meter=peak", "--option", "period=month", "--option", "of=quantity", *EVENTS), {"timers"}),
    ("service/window", (*SHEET, "--option", "meter=peak", "--option", "period=month", "--option", "every=1m", "--option",
                        "charge=period", *EVENTS), set()),
    ("service/window", (*SHEET, "--option", "meter=net", "--option", "period=month", "--option", "base=job", "--option",
                        "netted=other", "--option", "allowance=0.1", *EVENTS), set()),
    ("service/tiered", ("--option", "sheet=tiers.csv", *EVENTS), {"timers"}),
    ("service/formula", ("--option", "currency=usd", "--option", "price.job=width * quantity", *EVENTS), {"timers"}),
    ("service/lua", ("--option", "script=prices.lua", *EVENTS), {"timers"}),
    ("source/events", ("--option", "files=usage.jsonl"), {"settled"}),
    ("source/events", ("--events", "grants.jsonl"), {"settled"}),
    ("source/csv", MAP, {"settled"}),
    ("source/sqlite", ("--option", "file=jobs.db", "--option", "table=jobs", "--option", "key=n", "--option", "map.time=at", "--option",
                       "map.account=team", "--option", "map.product=product", "--option", "map.quantity=hours"),
     {"feeds that grow", "settled"}),
    ("source/http", ("--option", "url=SERVER", "--option", "map.time=at", "--option", "map.account=team", "--option", "map.product=product",
                     "--option", "map.quantity=hours", "--option", "map.id=id", "--option", "retries=0"), {"feeds that grow", "settled"}),
    ("source/exec", ("--option", "command=python3 meter.py", "--option", "folder=."), {"feeds that grow", "settled"}),
    ("report/table", (), {"deliveries"}),
    ("report/csv", (), {"deliveries"}),
    ("report/json", (), {"deliveries"}),
    ("report/exec", ("--option", "command=tr a-z A-Z"), set()),
    ("report/hook", ("--option", "url=http://127.0.0.1:9/"), {"tables", "again", "full output", "two instances"}),
]
# Each broken plugin, how it is asked, and the tests that must find it, with a part of the clause that each names.
MESSAGE, LENT, STATIC = "a negative code, and says why", "Lent in:", "never on a static variable"
SETTLES, ANSWERS, REFUSED = "Settles a new grant's class, dates and order key", "What it answers follows from", "did not happen: pass its code on"
BROKEN = {
    "currency_backwards": {"grants": SETTLES},
    "currency_decimals": {"policy": "What an instance of a currency is"},
    "currency_long": {"grants": "comes in as SCRIP_ORDER_KEY_SIZE"},
    "currency_mute": {"grants": MESSAGE},
    "currency_rate": {"rates": "amount x rate / per"},
    "currency_static": {"same grant": "The same grant is settled the same way"},
    "currency_takes": {"grants": "Other members stay as they came"},
    "currency_ties": {"total order": "The key ends in the grant's id"},
    "report_counts": {"again": "The same table gives the same bytes", "two instances": STATIC},
    "report_mute": {"tables": MESSAGE},
    "report_refuses": {"tables": "A report writes a table"},
    "report_stale": {"full output": "after a call that failed, too"},
    "report_static": {"two instances": STATIC},
    "report_swallows": {"full output": "half a report is none"},
    "report_unheard": {"deliveries": MESSAGE},
    "report_writes": {"tables": LENT},
    "service_empty": {"answers": "at least one, as for a gate"},
    "service_long": {"answers": REFUSED},
    "service_no_code": {"answers": MESSAGE},
    "service_remembers": {"dry runs": "after a dry run", "opened again": ANSWERS},
    "service_silent": {"answers": MESSAGE},
    "service_static": {"same question": ANSWERS, "dry runs": "after a dry run", "opened again": ANSWERS, "two instances": STATIC},
    "service_swallows": {"faults of the host": REFUSED},
    "service_unnamed": {"timers": "It names product and user through usage_name"},
    "service_unsaid": {"answers": "lines without one are an error"},
    "service_verdict": {"answers": "Sets a verdict and lines"},
    "service_writes": {"answers": LENT},
    "source_behind": {"rows": "never fall from row to row"},
    "source_early": {"cursors": "all that followed the cursor's row"},
    "source_endless": {"rows": "Adds at most `limit` rows"},
    "source_greedy": {"read again": "Adds at most `limit` rows"},
    "source_half": {"feeds that grow": "left for a later run"},
    "source_late": {"another row": "starts again from 0"},
    "source_mute": {"no feeds": MESSAGE},
    "source_settles": {"settled": "The store has committed everything"},
    "source_static": {"two instances": STATIC},
    "source_turns": {"feeds": "Names every feed"},
    "source_unknown": {"rows": "Every field that an event may carry"},
}
ASKED = {"currency": GRANTS, "service": EVENTS, "source": ("--option", "file=lines.txt"), "report": ()}


class Jobs(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(ROWS).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Jobs)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/jobs"


def main():
    scratch = tempfile.mkdtemp(prefix="scrip-test-")
    os.environ["TMPDIR"] = scratch
    os.chdir(scratch)
    for name, text in FILES.items():
        with open(name, "w", newline="") as out:
            out.write(text)
    with sqlite3.connect("jobs.db") as db:
        db.execute("create table jobs (n integer primary key, at text, team text, product text, hours text)")
        db.executemany("insert into jobs values (:n, :at, :team, :product, :hours)",
                       [dict(row, n=n + 1) for n, row in enumerate(ROWS)])
    db.close()
    url = serve()
    words, asked, tried = lib.manual(), set(), 0
    for plugin, options, left_out in OURS:
        if not os.path.exists(os.path.join(BUILD, "plugins", plugin + ".so")):
            continue # its library is not here
        rows = lib.suite(plugin, *(word.replace("SERVER", url) for word in options))
        lib.equal(lib.results(rows, "broken"), {}, plugin)
        lib.equal(set(lib.results(rows, "not asked")), left_out, f"{plugin} {options}: not asked")
        asked.update(row["clause"] for row in rows.values())
        tried += 1
    for clause in asked:
        assert clause in words, f"plugin.h does not say: {clause}"

    # Those that break one clause.
    found = sorted(os.path.basename(path)[:-3] for kind in ASKED for path in glob.glob(os.path.join(PLUGINS, kind + "_*.so")))
    lib.equal(found, sorted(BROKEN), "broken plugins")
    for name, wanted in BROKEN.items():
        rows = lib.suite(os.path.join(PLUGINS, name + ".so"), *ASKED[name.split("_")[0]], ok=(1,))
        broken = lib.results(rows, "broken")
        lib.equal(sorted(broken), sorted(wanted), f"{name}: tests that found it: {[(n, rows[n]['found']) for n in broken]}")
        for test, clause in broken.items():
            assert wanted[test] in clause, f"{name}: {test}: names '{clause}', wanted '{wanted[test]}'"
            assert clause in words, f"plugin.h does not say: {clause}"

    # What cannot be asked is said; what is wrong is refused.
    for args, status, wanted in ((("service/ratesheet", *SHEET), 0, "none of the events has a price"),
                                 (("service/metered", "--option", "currency=usd", "--events", "none.jsonl"), 2, "none.jsonl: No such file"),
                                 (("service/metered", "--option", "currency=usd", "--events", "feed.csv"), 2, "feed.csv:1: "),
                                 (("service/metered", "--option", "currency=usd", "--events", "grants.jsonl"), 2, "no usage is in it"),
                                 (("service/ratesheet",), 2, "sheet"), (("service/ratesheet", "--option", "sheet=none.csv"), 2, "none.csv: No such"),
                                 (("source/events", "--events", "none.jsonl"), 2, "none.jsonl"),
                                 (("source/events",), 0, "there is no row to read")):
        done = subprocess.run([lib.SCRIP, "plugin", "check", *args], capture_output=True, text=True)
        assert done.returncode == status and wanted in done.stdout + done.stderr, (args, wanted, done)
    done = subprocess.run([lib.SCRIP, "plugin", "help", "service/daily", "--events", "x"], capture_output=True, text=True)
    assert done.returncode == 2 and "--option and --events go with check" in done.stderr, done
    lib.equal(glob.glob(os.path.join(scratch, "scrip-check-*")), [], "folders left behind")
    shutil.rmtree(scratch)
    print(f"{tried} uses of our own, {len(BROKEN)} plugins that break a clause")


main()
