"""split.py - what may pay one charge together: kinds of credits do not mix, packs of one kind do."""
import lib

CONFIG = """[store/sqlite]
file = books.db
[currency/prepaid credits]
split = class
draw_order = {order}
overdraft = {overdraft}
[service/ratesheet s]
sheet = rates.csv
[source/events events]
files = none-*.jsonl
"""


def books(*grants, order="class(individual shared), created", overdraft="no"):
    b = lib.Books(CONFIG.format(order=order, overdraft=overdraft))
    b.write("rates.csv", "product,rate,currency\nrender,1,credits\n")
    b.events([lib.event("grant", name, "team", "2022-01-01T00:00:00Z", currency="credits", amount=str(amount), **{"class": kind})
              for name, kind, amount in grants])
    return b


def use(id, quantity, kind="usage", **more):
    return lib.event(kind, id, "team", "2022-01-05T08:00:00Z", product="render", quantity=str(quantity), **more)


def left(b):
    return {g["grant"]: g["available"] for g in b.ask("balance", "team", "--by", "grant", "--as-of", "2022-01-05T08:00:00Z")}


def refusals(b):
    return {e["id"]: e["reason"] for e in b.ask("events", "team", "--outcome", "refused")}


GRANTS = ("own", "individual", 5), ("pack-1", "shared", 6), ("pack-2", "shared", 4)

# 5 individual and 10 shared: 11 are refused, 10 are paid by two shared packs, 5 by the individual ones.
b = books(*GRANTS)
b.events([use("eleven", 11)])
lib.equal(left(b), {"own": "5", "pack-1": "6", "pack-2": "4"}, "nothing was drawn")
lib.equal(refusals(b)["eleven"], "balance short: 11 credits wanted of one class, the largest has 10", "why")
b.events([use("nine", 9), use("more", 2)])
lib.equal(left(b), {"own": "3", "pack-1": "0", "pack-2": "1"}, "the shared ones pay 9, the individual ones 2")
b.run("verify")
b.done()

# A hold keeps to one class, too; a list of grants; a proportional draw: shares within the class.
b = books(*GRANTS)
b.events([use("hold", 7, kind="hold")])
lib.equal(left(b), {"own": "5", "pack-1": "0", "pack-2": "3"}, "held of shared ones")
b.run("verify")
b.done()
b = books(*GRANTS, order="listed")
b.events([use("listed", 8, grants=["pack-2", "own", "pack-1"]), use("two", 5, grants=["own", "pack-1"])])
lib.equal(left(b), {"own": "0", "pack-1": "2", "pack-2": "0"}, "as listed, of one class")
b.done()
b = books(*GRANTS, order="proportional")
b.events([use("shares", 8), use("small", 5)])
lib.equal(left(b), {"own": "0", "pack-1": "2", "pack-2": "0"}, "each class by itself")
b.run("verify")
b.done()

# What no class can pay is owed as a whole.
b = books(*GRANTS, overdraft="debt")
b.events([use("eleven", 11)])
row = b.ask("balance", "team", "--as-of", "2022-01-05T08:00:00Z")[0]
lib.equal((row["available"], row["debt"]), ("15", "11"), "owed")
b.run("verify")
b.done()
