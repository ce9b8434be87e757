"""mends.py - the smallest case of each fault that the model found, each named by what was wrong."""
import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid c]
{policy}
[service/metered meter]
[source/events events]
files = none-*.jsonl
"""


def at(second):
    return f"2022-01-01T00:{second // 60:02}:{second % 60:02}Z"


def event(kind, id, second, **data):
    return lib.event(kind, id, data.pop("account", "a"), at(second), **data)


def grant(id, second, amount, **data):
    return event("grant", id, second, currency=data.pop("currency", "c"), amount=str(amount), **data)


def usage(id, second, amount, **data):
    return event("usage", id, second, currency=data.pop("currency", "c"), amount=str(amount), product="p", **data)


def grants(events, policy="", account="a", more=""):
    """What is left of each grant and what was used, after all events; the books hold."""
    books = lib.Books(CONFIG.format(policy=policy) + more)
    try:
        books.events(events)
        lib.equal(books.ask("quarantine", "list"), [], "quarantine")
        rows = books.ask("balance", account, "--by", "grant", "--as-of", at(3000))
        books.run("verify")
        return {r["grant"]: (r["available"], r["used"]) for r in rows if not r["grant"].startswith("scrip.debt")}
    finally:
        books.done()


def most_of_a_charge():
    """A grant that gives only so much to one charge gave it again when a debt was settled, or a hold grew."""
    found = grants([grant("g", 0, 30, max_per_charge="12"), usage("u", 1, 40), grant("h", 2, 5), grant("i", 3, 5)],
                   "overdraft = debt")
    lib.equal(found, {"g": ("18", "12"), "h": ("0", "5"), "i": ("0", "5")}, "debt")
    found = grants([grant("g", 0, 30, max_per_charge="12"), grant("h", 0, 30),
                    event("hold", "o", 1, hold="o", currency="c", amount="20"), event("extend", "x", 2, hold="o",
                                                                                      amount="30"),
                    event("capture", "k", 3, hold="o")])
    lib.equal(found, {"g": ("18", "12"), "h": ("12", "18")}, "hold")


TWO = "[currency/prepaid d]\n[service/ratesheet s]\nsheet = rates.csv\ncurrencies = c, d\n"


def owed_alternative():
    """Of alternatives only the last could be owed, also where it may not and an earlier one may."""
    books = lib.Books(CONFIG.format(policy="overdraft = debt") + TWO)
    books.write("rates.csv", "product,rate,currency\nq,2,c\nq,3,d\n")
    books.events([event("usage", "u", 1, product="q")])
    lib.equal([(r["currency"], r["debt"]) for r in books.ask("balance", "a", "--as-of", at(2))], [("c", "2")],
              "owed in c")
    books.run("verify")
    books.done()


def first_use():
    """A settlement began the period of a grant that waits for its first use; a use that may not draw from it did,
    too."""
    daily = {"every": "P1D", "from": "first-use"}
    found = grants([grant("g", 0, 5, recurrence=daily), grant("h", 0, 9), usage("u", 1, 3, grant="h")])
    lib.equal(found, {"g": ("0", "0"), "h": ("6", "3")}, "a use of another grant")
    found = grants([usage("u", 0, 3), grant("g", 1, 5, recurrence=daily), grant("h", 2, 1)], "overdraft = debt")
    lib.equal(found, {"g": ("0", "0"), "h": ("0", "1")}, "settlement")
    found = grants([usage("u", 0, 3), grant("g", 1, 9, recurrence=daily), usage("v", 2, 0), usage("w", 2, 4),
                    usage("x", 3, 0)], "overdraft = debt")
    lib.equal(found, {"g": ("2", "7")}, "what a use issued settles what is owed")


def renewal():
    """A grant that comes back was as large as all that it had ever issued; another currency's was renewed in
    silence."""
    found = grants([grant("g", 0, 10, recurrence={"every": "PT1S"}), usage("u", 1, 8), grant("h", 5, 12, renews="g")])
    lib.equal(found, {"g": ("10", "8"), "h": ("22", "0")}, "what is left goes on")
    books = lib.Books(CONFIG.format(policy="") + "[currency/prepaid d]\n")
    books.events([grant("g", 0, 10), grant("h", 1, 10, currency="d", renews="g")])
    lib.equal([e["id"] for e in books.ask("events", "--outcome", "refused")], ["h"], "another currency")
    books.done()


def taken_out():
    """What is adjusted, moved or converted is of the balance as it stands: units, caps of a charge and credit are for
    charges."""
    found = grants([grant("g", 0, 100, grant_unit="3", max_per_charge="5"),
                    event("adjustment", "j", 1, currency="c", amount="-10", reason="x")])
    lib.equal(found, {"g": ("90", "0")}, "adjustment")
    moved = [grant("g", 0, 100, grant_unit="3"), event("transfer", "t", 1, currency="c", amount="10", to="b")]
    lib.equal(grants(moved), {"g": ("90", "0")}, "transfer, of the sender")
    lib.equal([v for v in grants(moved, account="b").values()], [("10", "0")], "transfer, to the receiver")
    found = grants([grant("g", 0, 7, floor="unlimited"), event("conversion", "k", 1, **{"from": "c"}, to="d",
                                                               rate="1")],
                   more="[currency/prepaid d]\n")
    lib.equal(found, {"g": ("0", "0"), "k-1": ("7", "0")}, "conversion of a grant that may be overdrawn")


def limit_again():
    """A limit that was set a second time ended the program."""
    limit = dict(limit="l", currency="c", per="day")
    found = grants([grant("g", 0, 100), event("limit", "l1", 1, amount="5", **limit), usage("u", 2, 5),
                    usage("v", 3, 1),
                    event("limit", "l2", 4, amount="8", **limit), usage("w", 5, 4), usage("x", 6, 3)])
    lib.equal(found, {"g": ("92", "8")}, "what was used counts on")


def hold_of_alternative():
    """A hold that the second alternative paid timed out by the rules of the first."""
    books = lib.Books(CONFIG.format(policy="") + TWO.replace("d]", "d]\nhold_timeout = 10s"))
    books.write("rates.csv", "product,rate,currency\nq,2,c\nq,3,d\n")
    books.events([grant("g", 0, 5, currency="d"), event("hold", "h", 1, product="q")])
    lib.equal([h["expires"] for h in books.ask("holds", "a", "--as-of", at(2))], [at(11)], "time-out")
    books.done()


def refund_of_the_dead():
    """A grant that lived again for a refund got all the periods that it had missed, and new ones."""
    events = [grant("g", 0, 10, expires=at(5), recurrence={"every": "PT10S", "mode": "add", "anchor": at(3)}),
              usage("u", 1, 4),
              event("reversal", "r", 100, of={"source": "test", "id": "u"})]
    found = grants(events + [usage("v", 130, 1)], "refund_term = 1h")
    lib.equal(found, {"g": ("3", "1")}, "what came back, and no period")
    events[0]["data"]["recurrence"] = {"every": "PT10S", "from": "first-use"}
    found = grants(events + [usage("v", 130, 1)], "refund_term = 1h")
    lib.equal(found, {"g": ("3", "1")}, "what came back")


def settled_before_reversal():
    """What was settled just before a reversal was reversed as if it were still owed: it came back to nobody."""
    found = grants([usage("u", 0, 8), grant("g", 1, 10), event("reversal", "r", 5, of={"source": "test", "id": "u"},
                                                               amount="3")], "overdraft = debt")
    lib.equal(found, {"g": ("5", "5")}, "part")
    found = grants([usage("u", 0, 8), grant("g", 1, 5), event("reversal", "r", 5, of={"source": "test", "id": "u"})],
                   "overdraft = debt")
    lib.equal(found, {"g": ("5", "0")}, "all of it")


def decay_of_all():
    """Holds that add up in one group of all did not decay."""
    books = lib.Books("[store/sqlite]\nfile = books.db\n[currency/capacity k]\nhold_rule = sum\n"
                      "hold_group = \nhold_decay = 0.5\n"
                      "[service/metered meter]\n[source/events events]\nfiles = none-*.jsonl\n")
    books.events([grant("g", 0, 100, currency="k")] +
                 [event("hold", f"h{n}", n, currency="k", amount="20", product="p") for n in (1, 2)])
    lib.equal(books.ask("balance", "a", "--as-of", at(9))[0]["held"], "30", "held")
    books.run("verify")
    books.done()


def first_of_repeats():
    """The second hold went on to count as a repeat after the first had ended, and what is left paid for no more of it."""
    for given, end, want in ((50, "timed out", "20"), (50, "released", "20"), (14, "timed out", "12")):
        books = lib.Books("[store/sqlite]\nfile = books.db\n[currency/capacity k]\nhold_decay = 0.5\n"
                          "[service/metered meter]\n[source/events events]\nfiles = none-*.jsonl\n")
        # 2 + 20 / 2, then 20 where there is as much.
        books.events([grant("g", 0, given, currency="k"),
                      event("hold", "h1", 1, currency="k", amount="2", product="p", user="u", expires=at(9)),
                      event("hold", "h2", 2, currency="k", amount="20", product="p", user="u")] +
                     ([event("release", "r", 5, hold="h1")] if end == "released" else []))
        lib.equal(books.ask("balance", "a", "--as-of", at(4))[0]["held"], "12", "both")
        lib.equal(books.ask("balance", "a", "--as-of", at(10))[0]["held"], want, f"of {given}, {end}")
        # The rest of the group comes back with the last of it.
        books.events([event("release", "s", 20, hold="h2")])
        lib.equal(books.ask("balance", "a", "--as-of", at(20))[0]["held"], "0", "none")
        books.run("verify")
        books.done()


def group_shrinks():
    """What one hold of a group no longer needs came back only as far as it was held in its own name."""
    books = lib.Books("[store/sqlite]\nfile = books.db\n[currency/capacity k]\n"
                      "[service/metered meter]\n[source/events events]\nfiles = none-*.jsonl\n")
    books.events([grant("g", 0, 90, currency="k"), event("hold", "h", 1, currency="k", amount="30", product="p"),
                  event("hold", "i", 2, currency="k", amount="50", product="q"),
                  event("extend", "x", 3, hold="h", amount="1"), event("extend", "y", 4, hold="i", amount="2")])
    lib.equal(books.ask("balance", "a", "--as-of", at(9))[0]["held"], "2", "held")
    books.run("verify")
    books.done()


def renewed_recurrence():
    """What a renewal carried over was lost to a recurrence that lay before it."""
    books = lib.Books(CONFIG.format(policy=""))
    books.events([grant("g", 0, 9), grant("h", 1000, 10, effective=at(0), recurrence={"every": "PT10M"}, renews="g")])
    lib.equal(books.ask("balance", "a", "--as-of", at(1001))[0]["available"], "19", "carried over")
    lib.equal(books.ask("balance", "a", "--as-of", at(1200))[0]["available"], "10", "to the next recurrence")
    books.run("verify")
    books.done()


def overdrawn_period():
    """A grant that may be overdrawn again as its period of use ended did not pay what was owed."""
    found = grants([grant("g", 0, 10, floor="-2", recurrence={"every": "PT10M", "from": "first-use"}), usage("u", 1, 15)],
                   "overdraft = debt")
    lib.equal(found, {"g": ("-2", "14")}, "12 at once, 2 after its period")


def unlimited_again():
    """An unlimited grant that gives so much to a charge did not pay again what of it had come back, before a next event."""
    books = lib.Books(CONFIG.format(policy="overdraft = debt\nlate = replay"))
    books.events([usage("u", 1, 20), event("reversal", "r", 3, of={"source": "test", "id": "u"}, amount="2"),
                  event("hold", "h", 9, currency="c", amount="1")])
    books.events([grant("g", 2, "unlimited", max_per_charge="9", expires=at(5))])
    lib.equal(books.ask("balance", "a", "--as-of", at(3))[0]["debt"], "9", "20 less 9, and 2 of them back")
    books.run("verify")
    books.done()


def woken_out_of_order():
    """A late grant that was woken in vain, as another was that came before it but counts later, ended the program."""
    found = grants([usage("u", 90, 7), grant("g", 20, 9, recurrence={"every": "PT10M", "from": "first-use"}, max_per_charge="2"),
                    grant("h", 10, 9, recurrence={"every": "PT10M", "from": "first-use"}, max_per_charge="1")],
                   "split = class\nlate = replay")
    lib.equal(found, {"g": ("0", "0"), "h": ("0", "0")}, "both go on to wait")


def settled_at_once():
    """Debts in two currencies that were settled at one instant were settled in another order after a new start."""
    heads = []
    for cut in (4, 6):
        books = lib.Books(CONFIG.format(policy="overdraft = debt") + "[currency/prepaid d]\noverdraft = debt\n")
        events = [usage("u", 1, 5), usage("v", 2, 5, currency="d"), grant("g", 3, 9, currency="d"),
                  grant("h", 3, 9), usage("w", 60, 1), usage("x", 61, 1)]
        books.events(events[:cut])
        if events[cut:]:
            books.events(events[cut:])
        books.run("verify")
        heads.append(books.run("head", "--format", "csv").stdout)
        books.done()
    lib.equal(heads[0], heads[1], "heads of one run, and of two")


def limit_counts_its_own():
    """What came back of a charge from before the limit was set made room in it."""
    found = grants([grant("g", 0, 100), usage("u", 1, 9), event("limit", "l", 2, limit="l", currency="c", per="day",
                                                                amount="5"),
                    usage("v", 3, 5), event("reversal", "r", 4, of={"source": "test", "id": "u"}), usage("w", 5, 1)])
    lib.equal(found, {"g": ("95", "5")}, "the limit is used up")


def refused_capture():
    """The reversal of a capture that was refused gave back what another capture of its hold had charged."""
    found = grants([grant("g", 0, 9), event("hold", "h", 1, currency="c", amount="4"),
                    event("capture", "k", 2, hold="h"),
                    event("capture", "l", 3, hold="h"), event("reversal", "r", 4, of={"source": "test", "id": "l"})])
    lib.equal(found, {"g": ("5", "4")}, "captured once")


def limit_anchor():
    """A limit per day, month or year took no notice of its anchor; one of a duration began at midnight of UTC."""
    found = grants([grant("g", 0, 100), event("limit", "l", 0, currency="c", per="hour", amount="5", anchor=at(30)),
                    usage("u", 29, 5), usage("v", 30, 5), usage("w", 31, 1)])
    lib.equal(found, {"g": ("90", "10")}, "an hour from the anchor")
    evening = [lib.event("account", "a", "a", at(0), zone="Europe/Berlin"), grant("g", 0, 100),
               event("limit", "l", 0, currency="c", per="P1D", amount="5")]
    evening += [lib.event("usage", f"u{n}", "a", f"2022-01-01T{hour}:30:00Z", currency="c", amount="5") for n,
                hour in enumerate((22, 23))]
    books = lib.Books(CONFIG.format(policy=""))
    books.events(evening)
    lib.equal(books.ask("events", "--outcome", "refused"), [], "23:00 UTC is midnight in Berlin")
    books.done()


def scope_moves():
    """A lot that was for some usage only came to another account as a lot for everything."""
    scope = {"products": ["q", "r"], "users": ["ann"], "attributes": {"tier": ["x"]}}
    books = lib.Books(CONFIG.format(policy=""))
    books.events([grant("g", 0, 9, scope=scope), event("transfer", "t", 1, currency="c", amount="5", to="b"),
                  usage("u", 2, 1, account="b"),
                  lib.event("usage", "v", "b", at(3), product="r", user="ann", attributes={"tier": "x"}, currency="c",
                            amount="2")])
    lib.equal({e["id"]: e["outcome"] for e in books.ask("events", "b") if e["id"] in "uv"},
              {"u": "refused", "v": "charged"}, "scope")
    books.run("verify")
    books.done()


def reversed_twice():
    """The second reversal of a charge counted the first one twice where both were stored before, and gave too little back."""
    books = lib.Books(CONFIG.format(policy="draw_order = sequence"))
    for one in (grant("g", 0, 4), grant("h", 1, 6), usage("u", 2, 10),
                event("reversal", "r", 3, of={"source": "test", "id": "u"}, amount="5"),
                event("reversal", "s", 4, of={"source": "test", "id": "u"})):
        books.events([one])
    lib.equal(books.ask("balance", "a", "--as-of", at(9))[0]["available"], "10", "all came back")
    books.run("verify")
    books.done()


def settled_with_a_charge():
    """What an event settled of older debts before it was charged came back with its own charge."""
    found = grants([usage("u", 0, 3), grant("g", 5, 20), usage("v", 5, 6),
                    event("reversal", "r", 9, of={"source": "test", "id": "v"})], "overdraft = debt")
    lib.equal(found, {"g": ("17", "3")}, "the debt stays paid")


def most_of_each_line():
    """A grant that gives only so much to one charge gave it once to all lines of a usage: a charge is one line."""
    books = lib.Books(CONFIG.format(policy="") + TWO)
    books.write("rates.csv", "product,rate,currency\nq,2,c\nr,3,c\n")
    books.events([grant("g", 0, 20, max_per_charge="3"), event("usage", "u", 1, lines=[{"product": "q"}, {"product": "r"}])])
    lib.equal(books.ask("balance", "a", "--as-of", at(9))[0]["available"], "15", "2 and 3")
    books.done()


def void_before_its_start():
    """An unlimited grant that was void before it became effective was one that waits, when the account was read again."""
    books = lib.Books(CONFIG.format(policy=""))
    books.events([grant("g", 0, "unlimited", effective=at(50), expires=at(90))])
    books.events([event("void", "v", 10, grant="g")])
    books.events([event("void", "w", 20, grant="g"), usage("u", 60, 5)])
    lib.equal({e["id"]: e["outcome"] for e in books.ask("events", "a") if e["id"] in "vwu"},
              {"v": "applied", "w": "refused", "u": "refused"}, "void once, and for good")
    books.run("verify")
    books.done()


def less_is_owed():
    """What a reversal left of a debt could be paid by one grant now, and was only when the account was read again."""
    found = grants([usage("u", 0, 46), grant("g", 5, 19), event("reversal", "r", 9, of={"source": "test", "id": "u"}, amount="28"),
                    event("reversal", "s", 9, of={"source": "test", "id": "u"}, amount="1"), usage("v", 10, 5)],
                   "overdraft = debt\nsplit = no")
    lib.equal(found, {"g": ("2", "17")}, "paid as soon as it fits")


def issued_below_zero():
    """A grant from which an adjustment took more than it was given was never filled up again: its room overflowed."""
    found = grants([grant("g", 0, 24, floor="-17", recurrence={"every": "PT1M"}),
                    event("adjustment", "x", 30, currency="c", amount="-37", reason="count"), grant("h", 70, 1)])
    lib.equal(found, {"g": ("24", "0"), "h": ("1", "0")}, "filled up")


def asleep_and_unlimited():
    """A grant that waits for its first use, and may go below 0, paid what was owed only when the account was read again."""
    found = grants([grant("g", 0, 9, effective=at(20), floor="unlimited", recurrence={"every": "PT10M", "from": "first-use"}),
                    usage("u", 10, 2), grant("h", 30, 5), usage("v", 40, 1)], "overdraft = debt\ndraw_order = created desc")
    lib.equal(found, {"g": ("0", "2"), "h": ("4", "1")}, "paid when it becomes effective")


def captured_after_all():
    """A capture that came before its hold was refused when it came, and its reversal for ever, though it captured by then; one
    that stayed refused had its reversal in place give back what another one had captured."""
    hold = event("hold", "o", 1, hold="h", currency="c", amount="4")
    capture, again = event("capture", "k", 3, hold="h"), event("capture", "l", 4, hold="h")
    reversal = event("reversal", "r", 5, of={"source": "test", "id": "k"}, amount="1")
    found = grants([grant("g", 0, 5), capture, hold, reversal], "late = replay")
    lib.equal(found, {"g": ("2", "3")}, "captured")
    reversal["data"]["of"]["id"] = "l"
    found = grants([grant("g", 0, 5), hold, again, reversal, capture], "late = replay")
    lib.equal(found, {"g": ("1", "4")}, "captured by the other")


def draws_in_their_order():
    """What a charge had drawn, where a late event had a part in it, came back in the order of the grants' numbers."""
    both = [grant("g", 0, 5, priority="2"), grant("h", 0, 5, priority="1")]
    used, later = usage("u", 1, 8), grant("i", 2, 1, priority="3")
    back = event("reversal", "r", 5, of={"source": "test", "id": "u"}, amount="1")
    for lag in ("late = replay", "late = post\nsettle_lag = 1m"):
        for feed in ([used, later, back], [later, used, back], [back, later, used]):
            found = grants(both + feed, "draw_order = priority\n" + lag)
            lib.equal(found, {"g": ("3", "2"), "h": ("0", "5"), "i": ("1", "0")}, lag)
    found = grants(both + [grant("i", 100, 1, priority="3"), used, event("grant", "j", 300, currency="c", amount="1"), back],
                   "draw_order = priority\nlate = post\nsettle_lag = 2m")
    lib.equal((found["g"], found["h"]), (("3", "2"), ("0", "5")), "judged where it came")
    found = grants([grant("g", 0, 5), event("capture", "k", 3, hold="h", amount="9"),
                    event("hold", "o", 1, hold="h", currency="c", amount="4"),
                    event("reversal", "r", 5, of={"source": "test", "id": "k"}, amount="1")],
                   "late = replay\noverdraft = debt\ncapture_over = charge")
    lib.equal(found, {"g": ("0", "5")}, "what is owed goes first")


def more_than_held():
    """What a capture drew beyond its hold counted as drawn before it, and was the last that a reversal gave back."""
    held = [grant("g", 0, 5, expires=at(10)), event("hold", "o", 1, hold="h", currency="c", amount="4"),
            event("capture", "k", 20, hold="h", amount="6")]
    back = event("reversal", "r", 30, of={"source": "test", "id": "k"}, amount="3")
    found = grants([*held, grant("i", 20, 3), back], "capture_over = charge")
    lib.equal(found, {"g": ("0", "3"), "i": ("3", "0")}, "another grant paid it")
    found = grants([*held, back], "capture_over = charge\noverdraft = debt")
    lib.equal(found, {"g": ("0", "3")}, "it is owed")


def movements_back():
    """What one late event posted and another took back was posted twice as large by each late event after them."""
    books = lib.Books(CONFIG.format(policy="overdraft = debt\nlate = replay"))
    books.events([usage("u", 1, 50), grant("g", 0, 10), usage("v", 90, 1)] + [usage(f"w{n}", 60 - n, 1) for n in range(9)])
    posted = books.ask("statement", "a", "--from", at(0), "--to", at(3000))
    lib.equal(max(abs(float(row["amount"])) for row in posted if row["amount"]), 50, "the largest movement")
    books.run("verify")
    books.done()


def sequence_of_the_refused():
    """A grant that was refused when it came, and was given after all when another one came late, had the same sequence as that."""
    found = grants([grant("i", 5, 9, renews="h"), usage("u", 5, 4), grant("h", 0, 20)], "late = replay\ndraw_order = sequence")
    lib.equal(found, {"i": ("5", "4"), "h": ("20", "0")}, "the order in which they were told of")


def one_run_is_many(feed, policy="", more=""):
    heads = set()
    for parts in ([feed], [[one] for one in feed]):
        books = lib.Books(CONFIG.format(policy=policy) + more)
        for part in parts:
            books.events(part)
        heads.add(books.run("head", "--format", "csv").stdout)
        books.run("verify")
        books.done()
    lib.equal(len(heads), 1, "one run equals many")


def woken_in_order():
    """Grants that one use woke were woken in another order when the account was read again: another head."""
    daily = {"every": "P1D", "from": "first-use"}
    feed = [grant(id, 0, 5, recurrence=daily, scope={"products": [product]}) for id, product in zip("ghi", "xpp")]
    one_run_is_many(feed + [event("usage", "u", 1, currency="c", amount="1", product="x"), usage("v", 2, 1)])


def last_of_its_instant():
    """After a late event was put in its place, one that was judged where it came counted as the last of its instant."""
    feed = [grant("a", 0, 5, currency="d"), event("void", "b", 9, grant="a"), grant("z", 2, 5), grant("y", 3, 5, currency="d"),
            event("adjustment", "m", 9, currency="d", amount="1", reason="count")]
    one_run_is_many(feed, "late = post\nsettle_lag = 0s", "[currency/prepaid d]\nlate = replay\n")


def less_than_a_unit():
    """What a grant had left of less than one of its units was taken out by an adjustment, or not, as the search happened to be."""
    found = grants([grant("h", 0, 50), grant("g", 1, 7, grant_unit="2"), usage("u", 2, 5),
                    event("adjustment", "x", 3, currency="c", amount="-10", reason="count")], "draw_order = created desc")
    lib.equal(found, {"h": ("39", "2"), "g": ("0", "6")}, "adjustment")


def woken_in_vain():
    """A grant that a refused event had woken counted as changed by it; the books, made again from what is recorded, did not."""
    daily = {"every": "P1D", "from": "first-use"}
    grants([grant("g", 0, 50), event("hold", "h", 1, currency="c", amount="20", hold="h"),
            grant("i", 2, 5, recurrence=daily), event("extend", "x", 3, hold="h", amount="90")])


def posted_without_grants():
    """What came late to an account without grants was put in its place though its currency posts it, and usage by user lacked it."""
    books = lib.Books(CONFIG.format(policy="overdraft = debt\nlate = post\nsettle_lag = 0s"))
    books.events([event("limit", "l", 9, limit="l", currency="c", amount="9"), usage("u", 3, 4)])
    lib.equal([r["amount"] for r in books.ask("usage", "--by", "day,user")], ["4"], "usage")
    assert "put in its place" not in books.run("explain", "u").stdout
    books.run("verify")
    books.done()


def late_hold_of_capacity():
    """A hold of a group that came late was paid by a grant that had not begun at its date."""
    books = lib.Books("[store/sqlite]\nfile = books.db\n[currency/capacity k]\nlate = post\nsettle_lag = 0s\n"
                      "[service/metered meter]\n[source/events events]\nfiles = none-*.jsonl\n")
    books.events([grant("g", 9, 50, currency="k"), event("hold", "h", 3, currency="k", amount="20", product="p")])
    lib.equal({e["id"]: e["outcome"] for e in books.ask("events")}, {"g": "applied", "h": "refused"}, "by its own date")
    books.run("verify")
    books.done()


def posted_behind_the_last():
    """What was judged where it came stood behind all of that instant, also what came after it, when the account was made anew."""
    books = lib.Books(CONFIG.format(policy="late = post\nsettle_lag = 0s") + "[currency/prepaid d]\nlate = replay\n")
    books.events([grant("i", 9, 5, currency="d"), grant("g", 2, 5), usage("u", 9, 4),
                  event("usage", "v", 3, currency="d", amount="1", product="p")])
    lib.equal({e["id"]: e["outcome"] for e in books.ask("events") if e["id"] in "uv"}, {"u": "charged", "v": "refused"}, "outcomes")
    lib.equal([r["amount"] for r in books.ask("usage", "--by", "day,user")], ["4"], "usage")
    lib.equal(books.ask("balance", "a", "--by", "grant", "--as-of", at(99))[0]["used"], "4", "used")
    books.run("verify")
    books.done()


def over_already():
    """What came back to a grant, or went on in one, that had ended by the time of the account stayed there as available."""
    late = "late = post\nsettle_lag = 0s\n"
    found = grants([grant("g", 0, 9, expires=at(9)), usage("u", 1, 4), grant("h", 90, 1),
                    event("reversal", "r", 20, of={"source": "test", "id": "u"})], late + "refund_term = 30s")
    lib.equal(found, {"g": ("0", "0"), "h": ("1", "0")}, "refund")
    found = grants([grant("g", 0, 9), usage("u", 90, 1), grant("h", 10, 9, expires=at(20), renews="g")], late)
    lib.equal(found, {"g": ("0", "1"), "h": ("0", "0")}, "renewal")


def rerate_of_the_reversed():
    """What had been given back in whole was charged again where its price was corrected."""
    books = lib.Books(CONFIG.format(policy="") + "[service/ratesheet s]\nsheet = rates.csv\ncurrencies = c\n")
    books.write("rates.csv", "product,rate,currency\nq,2,c\n")
    books.events([grant("g", 0, 50), event("usage", "u", 1, product="q"), event("usage", "v", 2, product="q"),
                  event("reversal", "r", 3, of={"source": "test", "id": "u"})])
    books.write("rates.csv", "product,rate,currency\nq,3,c\n")
    for more in (["--dry-run"], []):
        rows = books.ask("rerate", "--service", "s", "--time", at(9), *more)
        lib.equal([row["event"] for row in rows], ["v"], "charged anew")
    lib.equal(books.ask("balance", "a", "--as-of", at(99))[0]["used"], "3", "used")
    books.run("verify")
    books.done()


most_of_a_charge()
owed_alternative()
first_use()
renewal()
taken_out()
limit_again()
hold_of_alternative()
refund_of_the_dead()
settled_before_reversal()
decay_of_all()
first_of_repeats()
group_shrinks()
renewed_recurrence()
overdrawn_period()
unlimited_again()
woken_out_of_order()
settled_at_once()
limit_counts_its_own()
refused_capture()
limit_anchor()
scope_moves()
reversed_twice()
settled_with_a_charge()
most_of_each_line()
asleep_and_unlimited()
issued_below_zero()
less_is_owed()
void_before_its_start()
captured_after_all()
draws_in_their_order()
more_than_held()
movements_back()
sequence_of_the_refused()
woken_in_order()
less_than_a_unit()
woken_in_vain()
posted_without_grants()
late_hold_of_capacity()
posted_behind_the_last()
over_already()
rerate_of_the_reversed()
last_of_its_instant()
