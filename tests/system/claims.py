"""claims.py - holds, debts and limits as of an instant that is over, or to come; what a statement says of what falls due."""
import lib

b = lib.Books("""[store/sqlite]
file = books.db
[currency/prepaid c]
overdraft = debt
[service/metered m]
[source/events events]
files = none-*.jsonl
""")


def at(clock, day="05", month="01"):
    return f"2022-{month}-{day}T{clock}:00Z"


b.events([lib.event("grant", "g", "team", at("00:00"), currency="c", amount="100"),
          lib.event("limit", "month", "team", at("00:00"), currency="c", amount="150", per="month"),
          lib.event("limit", "ever", "team", at("00:00"), currency="c", amount="1000"),
          lib.event("hold", "h1", "team", at("08:00"), currency="c", amount="30", expires=at("20:00")),
          lib.event("hold", "h2", "team", at("09:00"), currency="c", amount="20"),
          lib.event("capture", "c2", "team", at("10:00"), hold="h2", amount="5"),
          lib.event("release", "r1", "team", at("12:00"), hold="h1"),
          lib.event("usage", "u1", "team", at("13:00"), product="p", amount="115", currency="c"),
          lib.event("grant", "top-up", "team", at("14:00"), currency="c", amount="40"),
          lib.event("usage", "u2", "team", at("08:00", month="02"), product="p", amount="3", currency="c")])


def ask(what, *columns, when, bound="--as-of"):
    return [tuple(r[c] for c in columns) for r in b.ask(what, "team", bound, when)]


# Once they showed what is open now, whatever the instant: a hold that is over was never there.
for when, wanted in (("07:00", []), ("08:00", [("h1", "30")]), ("09:30", [("h1", "30"), ("h2", "20")]),
                     ("10:00", [("h1", "30")]), ("11:00", [("h1", "30")]), ("12:00", [])):
    lib.equal(ask("holds", "hold", "held", when=at(when)), wanted, f"holds at {when}")
lib.equal(ask("holds", "hold", when=at("08:00"), bound="--before"), [], "before the hold")
lib.equal(ask("debts", "event", "owed", when=at("12:59")), [], "before the debt")
lib.equal(ask("debts", "event", "owed", when=at("13:30")), [("u1", "20")], "owed")
lib.equal(ask("debts", "event", "owed", when=at("14:00")), [], "settled")
# What is held counts in a limit. Its period is the one that holds the instant, also where nothing was used in it.
for when, wanted in ((at("09:00"), "50"), (at("10:00"), "35"), (at("13:00"), "120"), (at("00:00", "31"), "120"),
                     (at("00:00", month="02"), "0"), (at("08:00", month="02"), "3"), (at("08:00", month="03"), "0")):
    found = {r[0]: r[1:] for r in ask("limits", "limit", "period", "used", when=when)}
    lib.equal(found["month"], (when[:8] + "01T00:00:00Z", wanted), f"the month's at {when}")
    lib.equal(found["ever"][0], None, "for ever has no period")
lib.equal(ask("limits", "limit", when="2021-12-31"), [], "before it was set")
# Set again with another amount, in a run of its own and twice in one: the account was lost from its row, and the host fell.
b.events([lib.event("limit", "month-2", "team", at("08:00", day="06", month="02"), limit="month", currency="c", amount="5", per="month"),
          lib.event("limit", "month-3", "team", at("09:00", day="06", month="02"), limit="month", currency="c", amount="4", per="month"),
          lib.event("usage", "u3", "team", at("10:00", day="06", month="02"), product="p", amount="2", currency="c")])
lib.equal([(r["amount"], r["used"]) for r in b.ask("limits", "team", "--as-of", at("10:00", day="06", month="02")) if r["limit"] == "month"],
          [("4", "3")], "what was used counts on")
lib.equal(b.ask("events", "team", "--outcome", "refused")[0]["reason"], "limit 'month': 2 c wanted, 1 left in its month", "u3")
b.run("verify")
# What falls due without an event has no date but its own: it once had the instant of the question.
b.events([lib.event("grant", "month", "again", at("00:00"), currency="c", amount="10", recurrence={"every": "P1M"}),
          lib.event("usage", "u4", "again", at("08:00"), product="p", amount="4", currency="c")])
lib.equal([(r["what"], r["posted"], r["date"], r["amount"]) for r in b.ask("statement", "again", "--to", "2022-03-01")],
          [("funded", at("00:00"), None, "10"), ("consumed", at("08:00"), None, "-4"),
           ("funded", "2022-02-05T00:00:00Z", None, "4")], "what fell due")
# What expired is not the next event's doing.
b.events([lib.event("grant", "short", "third", at("00:00"), currency="c", amount="10", expires=at("00:00", day="06")),
          lib.event("grant", "next", "third", at("00:00", day="09"), currency="c", amount="1"),
          lib.event("usage", "u5", "third", at("00:00", day="09"), product="p", user="ann", amount="1", currency="c")])
lib.equal([(r["what"], r["event"], r["product"]) for r in b.ask("statement", "third", "--to", "2022-03-01")],
          [("funded", "short", None), ("expired", None, None), ("funded", "next", None), ("consumed", "u5", "p")], "expired")
# The id of a hold is its own for ever: once a later run, which had not the closed hold in memory, took it again.
b.events([lib.event("grant", "g4", "fourth", at("00:00"), currency="c", amount="10"),
          lib.event("hold", "h4", "fourth", at("08:00"), hold="h", currency="c", amount="5"),
          lib.event("release", "r4", "fourth", at("09:00"), hold="h")])
b.events([lib.event("hold", "h5", "fourth", at("10:00"), hold="h", currency="c", amount="5")])
lib.equal([e["reason"] for e in b.ask("events", "fourth", "--outcome", "refused")],
          ["hold 'h': the account has a hold of this id already"], "a hold's id again")
b.run("verify")
b.done()
