"""items.py - usages of several lines: each priced as an event of its own, all charged together or not at all."""
import lib

CONFIG = """[scrip]
dimensions = size
[store/sqlite]
file = books.db
[currency/prepaid c]
decimals = 2
draw_order = restricted
{rules}
[currency/prepaid flex]
[service/ratesheet cloud]
sheet = rates.csv
where.size = big*
[service/ratesheet rest]
sheet = rest.csv
currencies = flex, c
[service/daily desktop]
sheet = daily.csv
currencies = c
[source/events events]
files = none-*.jsonl
[source/csv export]
files = none-*.csv
type = scrip.usage
map.id = job
map.account = team
map.time = at
map.line.00.product = first
map.line.00.quantity = first count
map.line.01.product = second
map.line.01.attribute.size = second size
"""


def books(rules=""):
    b = lib.Books(CONFIG.format(rules=rules))
    b.write("rates.csv", "product,from,to,rate,per,currency\nrender,,,3,1,c\n")
    b.write("rest.csv", "product,from,to,rate,per,currency\nrender,,,1,1,c\nsolve,,,2,1,c\nsolve,,,2,1,flex\nview,,,0.335,1,c\n")
    b.write("daily.csv", "product,from,to,rate,per,currency\nACD,,,5,1,c\n")
    return b


def use(id, day, *lines, **data):
    return lib.event("usage", id, "t", f"2022-03-{day:02}T10:00:00Z", lines=list(lines), **data)


def line(product, quantity=None, **attributes):
    made = {"product": product}
    if quantity is not None:
        made["quantity"] = str(quantity)
    if attributes:
        made["attributes"] = attributes
    return made


def grant(id, day, amount, **data):
    return lib.event("grant", id, "t", f"2022-03-{day:02}T00:00:00Z", amount=str(amount), currency=data.pop("currency", "c"), **data)


def left(b, *args):
    return {g["grant"]: g["available"] for g in b.ask("balance", "--by", "grant", *args)}


def amounts(b, by):
    return {u[by]: (u["charges"], u["amount"]) for u in b.ask("usage", "--by", by)}


# Each line goes to the service that wants it, by its own attributes and those of the whole; each to the grants that its
# product may use; alternatives of one line are not those of another.
b = books()
b.events([grant("only", 1, 4, scope={"products": ["solve"]}), grant("any", 1, 100), grant("f", 1, 3, currency="flex"),
          use("u1", 2, line("render", 2), line("render", 2, size="big1"), line("solve", 1), line("solve", 1),
              user="ann", attributes={"size": "s"})])
lib.equal(left(b), {"only": "2.00", "any": "92.00", "f": "1"}, "paid by")
lib.equal({(r["size"], r["currency"]): r["amount"] for r in b.ask("usage", "--by", "size")},
          {("big1", "c"): "6.00", ("s", "c"): "4.00", ("s", "flex"): "2"}, "by an attribute of a line")
rows = b.ask("usage", "--by", "product")
lib.equal({(r["product"], r["currency"]): r["amount"] for r in rows},
          {("render", "c"): "8.00", ("solve", "c"): "2.00", ("solve", "flex"): "2"}, "by product")
told = b.run("explain", "u1").stdout
assert "1: render: 2 x 3 = 6.00 c" in told and "solve: 1 x 2 = 2" in told, told
b.run("verify")
lib.equal(b.run("verify", "--requote").stdout.split("\n")[0], "0 prices would be others now", "asked again")

# All or none: the second line cannot be paid, has no price, or has no product; what a service noted down is taken back.
before = b.run("balance", "--by", "grant").stdout
done = b.events([use("short", 3, line("ACD"), line("render", 1000), user="ann"), use("unpriced", 3, line("ACD"), line("none"), user="ann"),
                 use("empty", 3, {"quantity": "2"}), use("both", 3, line("ACD"), product="ACD"), use("odd", 3, {"product": "ACD", "rate": "2"}),
                 use("negative", 3, line("view", -5))])
lib.equal({e["id"]: e["outcome"] for e in b.ask("events", "t") if e["id"] in ("short", "negative")},
          {"short": "refused", "negative": "refused"}, "refused")
lib.equal(sorted((q["id"] or "", q["class"]) for q in b.ask("quarantine", "list")),
          [("", "invalid"), ("", "invalid"), ("empty", "invalid"), ("unpriced", "unpriced")], "in quarantine")
lib.equal(b.run("balance", "--by", "grant").stdout, before, "nothing changed")
b.events([use("window", 3, line("ACD"), line("ACD"), user="ann")])
lib.equal(left(b)["any"], "87.00", "a window opens once, for both lines")

# Rounded once: 3 x 0.335 is 1.005, 1.01 half-up; each alone would be 0.34.
b.events([use("round", 4, line("view"), line("view"), line("view"))])
lib.equal(left(b)["any"], "85.99", "rounded together")

# The same again is nothing new; another line is a conflict.
b.events([use("round", 4, line("view"), line("view"), line("view"))])
b.events([use("round", 4, line("view"), line("view"))])
lib.equal([q["class"] for q in b.ask("quarantine", "list") if q["id"] == "round"], ["conflict"], "other content")

# One line goes back; then the rest.
b.run("reverse", "t", "u1", "--of-source", "test", "--line", "1", "--time", "2022-03-05")
lib.equal(left(b)["any"], "91.99", "one line back")
b.run("reverse", "t", "u1", "--of-source", "test", "--time", "2022-03-06")
lib.equal(left(b), {"only": "4.00", "any": "93.99", "f": "3"}, "the rest back")
lib.equal({(r["product"], r["currency"]): r["amount"] for r in b.ask("usage", "--by", "product") if r["product"] in ("render", "solve")},
          {("render", "c"): "0.00", ("solve", "c"): "0.00", ("solve", "flex"): "0"}, "each from its own product")
b.run("verify")

# From columns; a column that is empty is no line.
b.write("feed.csv", "job,team,at,first,first count,second,second size\nj1,t,2022-03-07,solve,2,render,big2\nj2,t,2022-03-07,solve,1,,\n")
b.run("ingest", b.folder + "/feed.csv", "--as", "export")
lib.equal([e["outcome"] for e in b.ask("events", "t")][-2:], ["charged", "charged"], "from columns")
b.run("verify")
b.done()

# A limit of one product counts its line only; what is owed keeps the line it is for, also in another process.
b = books("overdraft = debt")
b.events([lib.event("limit", "l", "t", "2022-03-01T00:00:00Z", currency="c", amount="5", scope={"products": ["render"]}),
          use("u1", 2, line("solve", 3), line("render", 4)), use("u2", 2, line("solve", 3), line("render", 2))])
lib.equal([e["outcome"] for e in b.ask("events", "t")], ["applied", "charged", "refused"], "the limit of a product")
b.events([grant("g", 3, 7, scope={"products": ["render"]})])
b.events([grant("h", 4, 4)])
b.events([use("u3", 5, line("render", 1))])
lib.equal(left(b, "--as-of", "2022-03-06"), {"g": "2.00", "h": "0.00", "scrip.debt.c": "0.00"}, "settled by what each line may use")
lib.equal({d["product"]: d["owed"] for d in b.ask("debts", "t")}, {"solve": "2.00"}, "still owed")
b.run("verify")

# A price is corrected: each line anew, the debt too.
b.write("rest.csv", "product,from,to,rate,per,currency\nrender,,,1,1,c\nsolve,,,1,1,c\n")
b.run("rerate", "--service", "rest", "--from", "2022-03-01", "--to", "2022-03-03", "--time", "2022-03-06", ok=(0, 1))
lib.equal({(r["product"], r["currency"]): r["amount"] for r in b.ask("usage", "--by", "product")},
          {("render", "c"): "5.00", ("solve", "c"): "3.00"}, "after the correction")
b.run("verify")
b.done()

# Late ones in their place: any order of arrival, the same books.
feed = [grant("g", 1, 12), use("a", 2, line("ACD"), line("render", 2), user="ann"), use("b", 3, line("solve", 2), line("ACD"), user="ann"),
        use("c", 4, line("render", 1), line("ACD"), user="bob"), grant("g2", 5, 9)]
ends = []
for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
    b = books("late = replay\noverdraft = debt")
    for i in order:
        b.events([feed[i]])
    b.run("verify")
    ends.append((left(b, "--as-of", "2022-03-31"), amounts(b, "product")))
    b.done()
lib.equal(ends[1:], ends[:1] * 2, "whatever the order of arrival")
