"""window.py - meters over time: sessions, samples, whole units, peaks, netting; days that pause; an account's days."""
import lib

RATES = "product,from,to,rate,per,currency,unit,label\n"


def window(keys, rates, **more):
    return lib.Priced("[service/window w]\nsheet = rates.csv\n" + keys, rates=RATES + rates, **more)


def at(clock, day="2022-01-05"):
    return f"{day}T{clock}Z"


# ---- sessions ----------------------------------------------------------------------------------------------

# 217 seconds at 2 an hour; at least 60 seconds, then each second that is begun; two machines count twice.
made = window("meter = session\n", "job,,,2,3600,usd,,\n")
made.use("217", at("08:00:00"), "job", end=at("08:03:37")).use("half", at("08:00:00"), "job", end=at("08:00:00.5"))
made.check({"217": "0.120556", "half": "0.000278"}, "seconds")
made = window("meter = session\nminimum = 60s\nstep = 1s\n", "wh,,,1,1,usd,,\n")
for id, end, quantity in (("short", "08:00:01", 1), ("edge", "08:01:00", 1), ("over", "08:01:00.1", 1),
                          ("none", "08:00:00", 1),
                          ("two", "08:00:30", 2)):
    made.use(id, at("08:00:00"), "wh", quantity, end=at(end))
made.check({"short": "60", "edge": "60", "over": "61", "none": "60", "two": "120"}, "a minimum, then by the second")
made = window("meter = session\n", "job,,,2,3600,usd,,\n").use("open", at("08:00:00"), "job")
assert made.why()["open"].startswith("w: end: missing: a session has the time of its end"), made.why()
made.done()

# Sampled once an hour: on at the instant pays, on between two does not; an end at the instant is off.
made = window("meter = samples\nevery = 1h\n", "vm,,,3,,usd,,\n")
for id, start, end, quantity in (("between", "08:01:00", "08:59:00", 1), ("one", "07:59:59", "08:00:01", 1),
                                 ("start", "08:00:00", "08:10:00", 1), ("end", "07:10:00", "08:00:00", 1),
                                 ("three", "07:30:00", "10:30:00", 1), ("five", "07:30:00", "08:30:00", 5)):
    made.use(id, at(start), "vm", quantity, end=at(end))
made.check({"between": "0", "one": "3", "start": "3", "end": "0", "three": "9", "five": "15"}, "samples")

# Units of 20 minutes, whole ones only: 10 minutes cost nothing and are carried, also into the next month.
made = window("meter = whole\nwhole = 20\n", "calls,,,5,20,usd,,\n")
for id, day, quantity in (("a", "2022-01-05", 10), ("b", "2022-01-06", 5), ("c", "2022-02-06", "5.5"),
                          ("d", "2022-03-01", 60)):
    made.use(id, at("08:00:00", day), "calls", quantity)
made.check({"a": "0", "b": "0", "c": "5", "d": "15"}, "whole units, 0.5 carried")
made = window("meter = whole\nwhole = 20\ncount_by = user\n", "calls,,,5,20,usd,,\n")
made.use("a", at("08:00:00"), "calls", 10, user="ann").use("b", at("09:00:00"), "calls", 10, user="bob")
made.use("c", at("10:00:00"), "calls", 10, user="ann").check({"a": "0", "b": "0", "c": "5"}, "carried by user")
# What was refused carries nothing.
made = lib.Priced("[service/window w]\nsheet = rates.csv\nmeter = whole\nwhole = 20\n", amount="4",
                  rates=RATES + "calls,,,5,20,usd,,\n")
made.use("a", at("08:00:00"), "calls", 15).use("b", at("09:00:00"), "calls", 15).take()
lib.equal([e["outcome"] for e in made.ask("events", "acct")][1:], ["zero", "refused"], "no balance")
made.pass_time(at("10:00:00")).take()
made.use("c", at("11:00:00"), "calls", 4).use("d", at("12:00:00"), "calls", 1)
made.check({"a": "0", "c": "0", "d": "5"}, "15 + 4 + 1: what was refused was not carried")

# ---- peaks -------------------------------------------------------------------------------------------------

PEAK = "meter = peak\nperiod = quarter\nevery = 10m\n"


def machines(made, *sessions):
    for n, (start, end, who) in enumerate(sessions):
        made.use(f"{n}", start if "T" in start else at(start), "cad", end=end if "T" in end else at(end), user=who)
    return made


# The interval in which a session begins does not count, unless it begins with it: 3 at once are 2 by that measure.
made = machines(window(PEAK, "cad,,,16,,usd,,\n"),
                ("08:00:00", "08:30:00", "a"), ("08:05:00", "08:10:00", "b"), ("08:09:00", "08:11:00", "c"),
                ("08:15:00", "08:19:00", "d"), ("08:25:00", "08:30:00.000001", "e"))
made.check({"0": "16", "1": "0", "2": "16", "3": "0", "4": "0"}, "peak of 2")
# One machine counts once in an interval; a lower interval changes nothing; the next quarter begins anew.
made = machines(window(PEAK, "cad,,,16,,usd,,\n"),
                ("08:00:00", "09:00:00", "a"), ("08:20:00", "08:50:00", "a"), ("08:30:00", "08:40:00", "b"),
                ("12:00:00", "12:30:00", "c"), ("12:00:00", "12:30:00", "d"), ("12:20:00", "12:30:00", "e"),
                ("2022-03-31T23:50:00Z", "2022-04-01T00:10:00Z", "a"))
made.take()
lib.equal(made.paid(), {"0": "16", "1": "0", "2": "16", "3": "0", "4": "0", "5": "16", "6": "16"}, "peaks")
lib.equal(made.sums("month"), {"2022-01": "48", "2022-04": "16"}, "each quarter's own")
made.run("verify")
made.done()
# All at the period's end, as the product, once; late ones on top.
made = machines(window(PEAK + "charge = period\nwho = machine\n", "cad,,,16,,usd,,\n"))
for n, name in enumerate(("m1", "m2", "m3", "m2")):
    made.use(str(n), at("08:00:00"), "cad", end=at("08:10:00"), user="ann", machine=name)
made.pass_time("2022-05-01T00:00:00Z").use("late", at("08:00:00"), "cad", end=at("08:10:00"), machine="m4")
lib.equal(made.paid(), {"0": "0", "1": "0", "2": "0", "3": "0", "": "48", "late": "16"}, "at the quarter's end")
lib.equal(made.sums("product"), {"cad": "64"}, "as the product")
made.use("nobody", at("08:00:00"), "cad", end=at("08:10:00"), user="ann")
lib.equal(made.why()["nobody"], "w: attribute machine: missing: a peak counts each once", "nobody")
made.run("verify")
made.done()
# Events that tell how many there are: seats, gigabytes.
made = window("meter = peak\nperiod = month\nof = quantity\n", "seats,,,10,,usd,,\n")
for id, day, quantity in (("a", "2022-01-05", 3), ("b", "2022-01-06", 2), ("c", "2022-01-07", "5.5"),
                          ("d", "2022-02-01", 1)):
    made.use(id, at("08:00:00", day), "seats", quantity)
made.check({"a": "30", "b": "0", "c": "25", "d": "10"}, "readings")
# More than one block of 512 in an interval.
made = window("meter = peak\nperiod = month\nevery = 1h\n", "seats,,,1,,usd,,\n")
for n in range(600):
    made.use(f"{n}", at("08:00:00"), "seats", end=at("08:10:00"), user=f"u{n}")
made.use("again", at("08:00:00"), "seats", end=at("08:10:00"), user="u0")
made.use("last", at("08:00:00"), "seats", end=at("08:10:00"), user="u599")
paid = made.paid()
lib.equal((sum(int(a) for a in paid.values()), paid["again"], paid["last"]), (600, "0", "0"), "600 at once")
made.done()

# ---- netting -----------------------------------------------------------------------------------------------

NET = "meter = net\nbase = compute, query\nnetted = cloud\nallowance = 0.1\nperiod = day\n"
NET_RATES = "compute,,,1,,usd,,\nquery,,,2,,usd,,\ncloud,,,1,,usd,,\n"

# Compute 100 and cloud services 15 on one UTC day: 5 are charged, at its end; 9 on the next are within the 10 %.
made = window(NET, NET_RATES)
made.use("cloud-1", at("07:00:00"), "cloud", 15).use("compute-1", at("08:00:00"), "compute", 100)
made.use("cloud-2", at("07:00:00", "2022-01-06"), "cloud", 9)
made.use("query-2", at("23:59:59", "2022-01-06"), "query", 45)
made.pass_time("2022-01-08T00:00:00Z")
lib.equal(made.paid(), {"cloud-1": "0", "compute-1": "100", "cloud-2": "0", "query-2": "90", "": "5"},
          "netting by day")
lib.equal(made.sums("day", "product=cloud"), {"2022-01-05": "5", "2022-01-06": "0"}, "dated within its day")
# Late on a day that is over: only what is above and not charged yet.
made.use("late-compute", at("10:00:00"), "compute", 10).use("late-cloud", at("11:00:00"), "cloud", 3)
lib.equal({k: v for k, v in made.paid().items() if k.startswith("late")}, {"late-compute": "10", "late-cloud": "2"},
          "late")
made.run("verify")
made.done()

# ---- days --------------------------------------------------------------------------------------------------

def daily(keys, rates="ACD,,,7,,usd,,\nFREE,,,0,,usd,,\n", **more):
    return lib.Priced("[service/daily d]\nsheet = rates.csv\n" + keys, rates=RATES + rates, **more)


# Idle from 07:30 to 10:00: the day that would begin at 08:00 begins at 10:00. Idle for less than 15 minutes by
# then: at once.
made = daily("idle = idle\n")
made.use("mon", at("08:00:00", "2022-01-03"), "ACD", user="ann", end=at("17:00:00", "2022-01-03"))
made.use("tue", at("07:00:00", "2022-01-04"), "ACD", user="ann", end=at("17:00:00", "2022-01-04"),
         idle="2022-01-04T07:30:00Z/2022-01-04T10:00:00Z")
made.use("bob-mon", at("08:00:00", "2022-01-03"), "ACD", user="bob", end=at("17:00:00", "2022-01-03"))
made.use("bob-tue", at("07:00:00", "2022-01-04"), "ACD", user="bob", end=at("17:00:00", "2022-01-04"),
         idle="2022-01-04T09:00:00Z/2022-01-04T09:30:00Z, 2022-01-04T07:50:00Z/2022-01-04T10:00:00Z")
made.use("eve-mon", at("08:00:00", "2022-01-03"), "ACD", user="eve", end=at("17:00:00", "2022-01-03"))
made.use("eve-tue", at("07:00:00", "2022-01-04"), "ACD", user="eve", end=at("09:00:00", "2022-01-04"),
         idle="2022-01-04T07:30:00Z/2022-01-04T09:00:00Z")
made.use("bad", at("07:00:00", "2022-01-08"), "ACD", user="dan", end=at("07:00:00", "2022-01-10"), idle="07:30/09:00")
lib.equal(made.paid(), {k: "0" if k == "eve-tue" else "7" for k in ("mon", "tue", "bob-mon", "bob-tue", "eve-mon",
                                                                    "eve-tue")},
          "idle")
for id, time in (("tue", "10:00:00"), ("bob-tue", "08:00:00")):
    draws = [r["detail"] for r in made.ask("explain", id) if r["what"] == "draw"]
    assert len(draws) == 1 and draws[0].endswith("dated " + at(time, "2022-01-04")), draws
assert made.why()["bad"].startswith("d: attribute 'idle': want idle times as START/END"), made.why()
made.run("verify")
made.done()

# The next window counts from where work went on: 10:00, not 08:00.
made = daily("idle = idle\n")
made.use("a", at("08:00:00", "2022-01-03"), "ACD", user="ann", end=at("11:00:00", "2022-01-04"),
         idle="2022-01-04T07:00:00Z/2022-01-04T10:00:00Z")
made.use("b", at("09:00:00"), "ACD", user="ann", end=at("09:30:00"))
made.use("c", at("10:00:00"), "ACD", user="ann", end=at("10:30:00"))
made.check({"a": "14", "b": "0", "c": "7"}, "a day that began late")

# Calendar days: of UTC, of a section's zone, of the account's own (+12 h).
made = daily("window = calendar\nzone_by = account\n")
made.waiting.append(lib.event("account", "nz", "nz", "2022-01-01T00:00:00Z", zone="+12:00"))
made.waiting.append(lib.event("grant", "nz-1", "nz", "2022-01-01T00:00:00Z", currency="usd", amount="100"))
for account in ("acct", "nz"):
    for id, time in (("before", at("11:00:00")), ("after", at("13:00:00"))):
        made.use(f"{account}-{id}", time, "ACD", user="ann", account=account)
made.check({"acct-before": "7", "acct-after": "0", "nz-before": "7", "nz-after": "7"}, "an account's zone")
made = daily("window = calendar\nwhere.country = AU, NZ\nzone = +12:00\n[service/daily rest]\nsheet = rates.csv\n"
             "window = calendar\n")
for country in ("NZ", "DE"):
    made.use(country + "1", at("11:00:00"), "ACD", user=country, country=country)
    made.use(country + "2", at("13:00:00"), "ACD", user=country, country=country)
made.check({"NZ1": "7", "NZ2": "7", "DE1": "7", "DE2": "0"}, "a section's zone by attribute")

# A product that is free still needs a balance of 1.
made = daily("gate = 1\n", amount="1")
made.use("open", at("08:00:00"), "FREE", user="ann").take()
lib.equal([e["outcome"] for e in made.ask("events", "acct")], ["applied", "zero"], "a gate that opens")
made.done()
made = daily("gate = 1\n", amount="0.5")
made.use("shut", at("08:00:00"), "FREE", user="ann").take()
lib.equal([e["outcome"] for e in made.ask("events", "acct")], ["applied", "refused"], "a gate that does not")
made.done()

# ---- what cannot be ----------------------------------------------------------------------------------------

for keys, wanted in (("", "key 'meter': missing"), ("meter = samples\n", "every: missing: meter = samples needs it"),
                     ("meter = session\nwho = x\n", "who: means nothing to meter = session: leave it out"),
                     ("meter = samples\nevery = 0s\n", "every: want a length above 0"),
                     ("meter = samples\nevery = P1M\n", "every: want a length without months"),
                     ("meter = whole\nwhole = 0\n", "whole: want a size above 0"),
                     ("meter = peak\nevery = 10m\n", "period: missing: meter = peak needs it"),
                     ("meter = peak\nevery = 10m\nperiod = none\n", "period: want hour, day, month, quarter or year"),
                     ("meter = peak\nperiod = day\n", "every: want it with of = sessions"),
                     ("meter = peak\nevery = 10m\nperiod = day\ncurrencies = usd\n",
                      "currencies: means nothing to meter = peak"),
                     (NET.replace("cloud", "query"), "netted: 'query' cannot be its own base"),
                     (NET.replace("0.1", "-1"), "allowance: want 0 or more"),
                     (NET + "count_by = user\n", "count_by: the account is netted as a whole")):
    lib.refused("[service/window w]\nsheet = rates.csv\n" + keys, wanted, rates=RATES + "a,,,1,,usd,,\n")
lib.refused("[service/daily d]\nsheet = rates.csv\ngrace = P1M\n", "grace: want a length without months", rates=RATES)
