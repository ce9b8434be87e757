"""lua.py - [service/lua]: a price in ten lines, exact; and scripts that are wrong, endless or greedy, which stop their event
and nothing else."""
import os
import re

import lib

if not os.path.exists(os.path.join(os.path.dirname(lib.SCRIP), "plugins", "service", "lua.so")):
    lib.skip("no plugin service/lua: install liblua5.4-dev")

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
decimals = 2
[currency/prepaid tokens]
decimals = 2
[service/lua ours]
script = prices.lua
set.discount = 0.9
instructions = 200000
memory = 4
[service/ratesheet theirs]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""
with open(os.path.join(lib.ROOT, "README.md")) as text:
    PRICES = re.search(r"<!-- file: prices.lua -->\n```lua\n(.*?)```", text.read(), re.S)[1]


def books(script, config=CONFIG):
    b = lib.Books(config)
    b.write("prices.lua", script)
    b.write("rates.csv", "product,rate,currency\nOTHER,2,credits\n")
    b.events([lib.event("grant", "g", "team", "2022-01-01T00:00:00Z", currency="credits", amount="1000000"),
              lib.event("grant", "t", "team", "2022-01-01T00:00:00Z", currency="tokens", amount="1000000")])
    return b


def usage(id, product, quantity="1", time="2022-02-01T10:00:00Z", **data):
    return lib.event("usage", id, "team", time, product=product, quantity=quantity, **data)


def check_prices():
    assert PRICES.count("\n") <= 10
    b = books(PRICES)
    b.events([usage("a", "RENDER", "0.1"), usage("b", "RENDER", "100"), usage("c", "STUDY", "7"), usage("d", "OTHER", "4")])
    # 0.125 rounds half-up to 0.13; 100 x 1.125 = 112.50
    lib.equal([(u["product"], u["amount"]) for u in b.ask("usage", "--by", "product")],
              [("OTHER", "8.00"), ("RENDER", "112.63"), ("STUDY", "21.00")], "prices")
    why = " ".join(r["detail"] for r in b.ask("explain", "b"))
    assert "list price of RENDER" in why and "1.125" in why, why
    found = b.run("quote", "team", "STUDY", "2").stdout
    assert "6.00" in found, found
    b.run("verify")
    b.write("prices.lua", PRICES.replace('"3"', '"4"'))
    b.run("verify")
    b.events([usage("e", "STUDY", "7", time="2022-02-02T10:00:00Z")])
    lib.equal([u["amount"] for u in b.ask("usage", "--by", "product", "--where", "product=STUDY")], ["49.00"], "a new price")
    b.done()


def check_answers():
    b = books("""function quote(event)
  if event.product == "FREE" then return "free" end
  if event.product == "WAITS" then return "unpriced", "no price before the summer" end
  if event.product == "TWO" then
    return { { currency = "credits", rate = 2, label = "by the piece" }, { currency = "tokens", quantity = 1, rate = "0.5" } }
  end
  if event.product == "EITHER" then
    return { { currency = "tokens", rate = "2000000", group = 1 }, { currency = "credits", rate = 3, group = 1 } }
  end
  if event.product == "GATE" then return { currency = "credits", rate = "2000000", gate = true } end
  if event.product == "FIRST" then
    local key = event.user .. time_floor(event.time_us, "day")
    local seen = tonumber(state.get(key) or "0")
    state.put(key, seen + 1, time_add(time_floor(event.time_us, "day"), "P1D"))
    return { currency = "credits", rate = seen == 0 and 10 or 1, per = 2 }
  end
  if event.product == "SUM" then
    local a, b = decimal "0.1", decimal "0.2"
    assert(a + b == decimal "0.3" and a - b == -decimal "0.1" and a * b == decimal "0.02" and b / a == decimal(2))
    assert(a < b and a <= a and b > a and (decimal "1" / 3):round("0.01", "up") == decimal "0.34" and decimal(2) * "1.5" == decimal(3))
    assert(tostring(decimal "1.50") == "1.5" and (event.attributes.job or "none") == "J1" and event.amount == nil)
    return { currency = "credits", rate = a + b }
  end
end
""")
    b.events([usage("free", "FREE"), usage("waits", "WAITS"), usage("two", "TWO", "3"), usage("either", "EITHER"),
              usage("gate", "GATE"), usage("sum", "SUM", "10", attributes={"job": "J1"}), usage("not", "NOTHING"),
              usage("f1", "FIRST", user="ann"), usage("f2", "FIRST", user="ann"), usage("f3", "FIRST", user="bob"),
              usage("f4", "FIRST", user="ann", time="2022-02-02T00:00:00Z")], ok=(1,))
    found = {e["id"]: e["outcome"] for e in b.ask("events", "team") if e["type"] == "scrip.usage"}
    lib.equal(found, {"free": "zero", "two": "charged", "either": "charged", "gate": "refused", "sum": "charged",
                      "f1": "charged", "f2": "charged", "f3": "charged", "f4": "charged"}, "outcomes")
    lib.equal([(u["product"], u["currency"], u["amount"]) for u in b.ask("usage", "--by", "product")],
              [("EITHER", "credits", "3.00"), ("FIRST", "credits", "15.50"), ("FREE", None, "0"), ("SUM", "credits", "3.00"),
               ("TWO", "credits", "6.00"), ("TWO", "tokens", "0.50")], "amounts")
    why = {q["id"]: (q["class"], q["reason"]) for q in b.ask("quarantine", "list")}
    lib.equal(len(why), 2, "quarantine")
    assert any("no price before the summer" in reason for _, reason in why.values()), why
    b.run("verify")
    b.done()


WRONG = {
    "while true do end": "prices.lua:2: does not come to an end: more than 200000 instructions",
    "local function f() return f() end return f()": "prices.lua:2: does not come to an end",
    "local function f() return 1 + f() end return f()": "prices.lua",
    "local t = {} while true do t[#t + 1] = t end": "prices.lua",
    'local s = "x" while true do s = s .. s end': "prices.lua: more than 4 megabytes",
    'return ("x"):rep(1000000):rep(1000000)': "prices.lua:2: resulting string too large",
    'return ("x"):rep(1000000):rep(1000)': "prices.lua:2: not enough memory",
    'return ("x"):find("(")': "prices.lua:2: unfinished capture",
    'return (""):rep(1 << 60)': "prices.lua:2: string.rep: more than 1000000 times",
    'return (("a"):rep(3000)):find(("a*"):rep(30) .. "b")': "prices.lua:2: pattern",
    'return table.unpack({}, 1, 1e8)': "prices.lua:2: too many results",
    "return nothing.at.all": "prices.lua:2: attempt to index a nil value (global 'nothing')",
    "return os.time()": "prices.lua:2: attempt to index a nil value (global 'os')",
    'return io.open("/etc/passwd")': "(global 'io')",
    'return require("os")': "(global 'require')",
    'return load("return 1")()': "(global 'load')",
    "return pcall(quote)": "(global 'pcall')",
    "return debug.getinfo(1)": "(global 'debug')",
    "return math.random()": "'random'",
    "last = event": "prices.lua:2: global 'last': a price may not depend on the events before it",
    "_G.last = event": "prices.lua:2: global 'last'",
    "quote = nil": "prices.lua:2: global 'quote'",
    "return 1.5": "prices.lua:1: quote answers a number: want nil",
    'return "nonsense"': "prices.lua:1: quote answers 'nonsense': want nil",
    "return {}": "prices.lua:1: quote answers a line without its currency",
    'return { currency = "credits" }': "prices.lua:1: quote answers a line without its rate",
    'return { currency = "credits", rate = 0.1 }': 'is not exact: write "0.1"',
    'return { currency = "credits", rate = decimal(0.1) }': "prices.lua:2: decimal: 0.1 is a Lua number with a fraction",
    'return { currency = "credits", rate = "dear" }': "rate = 'dear': want a decimal",
    'return { currency = "credits", rate = 1, prize = 2 }': "a line with 'prize'",
    'return { currency = "gold", rate = 1 }': "gold",
    'return { currency = "credits", rate = 1, per = 0 }': "per",
    'return { currency = "credits", rate = "-1" }': None,
    'return { currency = {}, rate = 1 }': "currency = table",
    'return { { currency = "credits", rate = 1 }, 7 }': "quote answers number for a line",
    "return setmetatable({}, {})": "(global 'setmetatable')",
    'error("not today")': "prices.lua:2: not today",
    "error({})": "an error that is no text",
    'return { currency = "credits", rate = decimal "1" / 0 }': "prices.lua:2: /: divided by 0",
    'return { currency = "credits", rate = decimal "999999999999999999" * 10 }': "prices.lua:2: *: the result is out of range",
}


def check_wrong():
    """Each with a good usage before and behind it, which are charged."""
    b = books(PRICES)
    for n, (body, wanted) in enumerate(WRONG.items()):
        b.write("prices.lua", f'function quote(event) if event.product == "GOOD" then return {{ currency = "credits", rate = 1 }} end\n'
                              f"{body} end\n")
        done = b.events([usage(f"{n}-1", "GOOD"), usage(f"{n}-2", "BAD"), usage(f"{n}-3", "GOOD")], ok=(1,))
        assert "2 charged" in done.stdout, (body, done.stdout)
        if wanted is None:
            continue
        assert "1 quarantined" in done.stdout, (body, done.stdout)
        why = b.ask("quarantine", "list")
        lib.equal(len(why), 1, body)
        assert wanted in why[0]["reason"], (body, why[0]["reason"])
        b.run("quarantine", "drop", why[0]["key"])
    b.run("verify")
    b.done()


def check_load():
    """What is wrong with the file itself is told before anything runs."""
    for text, wanted in (("function quote(event", "prices.lua:1:"), ("x = 1\n", "has no function quote(event)"),
                         ("while true do end", "prices.lua:1: does not come to an end"), ("\x1bLua", "prices.lua"),
                         ("local x <const> = 1\nstate.get('x')", "prices.lua:2: state.get: works for an event only")):
        b = lib.Books(CONFIG)
        b.write("rates.csv", "product,rate,currency\nOTHER,2,credits\n")
        b.write("prices.lua", text)
        done = b.run("run", ok=(2,))
        assert wanted in done.stderr, (text, done.stderr)
        b.done()
    b = lib.Books(CONFIG)
    b.write("rates.csv", "product,rate,currency\nOTHER,2,credits\n")
    done = b.run("run", ok=(2,))
    assert "prices.lua" in done.stderr and "No such file" in done.stderr, done.stderr
    b.done()


check_prices()
check_answers()
check_wrong()
check_load()
