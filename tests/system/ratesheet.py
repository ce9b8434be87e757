"""ratesheet.py - rates of a sheet: dates, several meters of one event, factors, sheets that cannot be read."""
import lib

AT = "2022-03-30T00:00:00Z"


def sheet(keys, rates, **more):
    return lib.Priced("[service/ratesheet s]\nsheet = rates.csv\n" + keys, rates=rates, **more)


# By class, by conversion ratio, by date: a result at 5, 10 or 35; 100 units at 0.55; 1 before and 3 from a day on.
made = sheet("", "product,from,to,rate,currency\ncfd-simple,,,5,usd\ncfd-moderate,,,10,usd\ncfd-complex,,,35,usd\n"
             "dbu-premium,,,0.55,usd\nforge,,2022-03-29,1,usd\nforge,2022-03-29,,3,usd\n")
made.use("simple", AT, "cfd-simple").use("complex", AT, "cfd-complex", 2).use("ratio", AT, "dbu-premium", 100)
made.use("new", "2022-03-29T00:00:00Z", "forge").use("old", "2022-03-28T23:59:59.999999Z", "forge")
made.check({"simple": "5", "complex": "70", "ratio": "55", "new": "3", "old": "1"}, "rates")

# Where the currency changes by date, the row with the latest `from` counts, whatever the currencies are called.
made = sheet("", "product,from,rate,currency\njob,,5,aaa\njob,2022-03-29,2,usd\n", currencies=("aaa", "usd"))
made.use("old", "2022-03-28T00:00:00Z", "job").use("new", AT, "job").take()
lib.equal([(u["event"], u["currency"], lib.plain(u["amount"])) for u in made.ask("usage", "--by", "event,currency")],
          [("new", "usd", "2"), ("old", "aaa", "5")], "another currency from a day on")
made.done()

# Meters: input, output and cached tokens at a price each; all of them or none; a currency of its own for one of them.
METERS = ("product,unit,rate,per,currency\nmodel,input,3,1000000,usd\nmodel,output,15,1000000,usd\n"
          "model,cached,0.3,1000000,usd\n")
KEYS = "meters = input, output, cached\n"
made = sheet(KEYS, METERS)
made.use("all", AT, "model", input=1000, output=200, cached=5000).use("some", AT, "model", output=100)
made.check({"all": "0.0075", "some": "0.0015"}, "meters")
made = sheet(KEYS, METERS).use("none", AT, "model").use("words", AT, "model", input="many")
made.use("unit", AT, "other", input=1)
why = made.why()
lib.equal(why["none"], "s: meters: the event has none of these attributes (the first is 'input')", "no meter")
lib.equal(why["words"], "s: attribute 'input': want a decimal number, got 'many'", "no number")
assert why["unit"].startswith("product 'other': no service has a price"), why
made.done()
made = sheet("meters = input, video\n", METERS).use("new", AT, "model", input=1, video=3)
assert "the sheet has it, but no row for unit 'video' at 2022-03-30T00" in made.why()["new"], made.why()
lib.equal(made.paid(), {}, "nothing of it was charged")
made.done()
made = sheet("meters = hardware, software\n", "product,unit,rate,currency\nrun,hardware,2,ahc\nrun,software,3,usd\n",
             currencies=("ahc", "usd"), amount="10")
made.use("a", AT, "run", hardware=2, software=1).use("b", AT, "run", hardware=1, software=3).take()
lib.equal([e["outcome"] for e in made.ask("events", "acct")][2:], ["charged", "refused"], "the second has no 9 usd")
lib.equal([(u["currency"], lib.plain(u["amount"])) for u in made.ask("usage", "--by", "currency")],
          [("ahc", "4"), ("usd", "3")],
          "hardware and software")
made.run("verify")
made.done()

# Factors: by the model that an attribute names; others as the section says, or not at all.
FACTORS = "factor_by = model\nfactor.mini = 0.25\nfactor.gpt-4.5 = 50\n"
RATE = "product,rate,currency\nrequest,0.04,usd\n"
made = sheet(FACTORS, RATE)
made.use("mini", AT, "request", 10, model="mini").use("big", AT, "request", model="gpt-4.5")
made.use("other", AT, "request", model="x").use("none", AT, "request")
lib.equal(made.paid(), {"mini": "0.1", "big": "2"}, "factors")
why = made.why()
lib.equal(why["other"], "s: attribute 'model': no factor for 'x': add factor.x, or factor.*", "no factor")
assert why["none"].startswith("s: attribute 'model': missing: it picks the factor"), why
made.done()
made = sheet(FACTORS + "factor.* = 1\n", RATE).use("other", AT, "request", model="x").use("none", AT, "request")
made.check({"other": "0.04", "none": "0.04"}, "all other factors")
made = sheet(FACTORS + KEYS, METERS).use("both", AT, "model", model="mini", input=1000, output=200)
made.check({"both": "0.0015"}, "a factor of each meter")

# What cannot be read.
for keys, wanted in (("factor_by = model\n", "factor_by and factor.*: one without the other"),
                     ("factor.x = 1\n", "factor_by and factor.*: one without the other"),
                     ("factor_by = model\nfactor.x = -1\n", "factor.x: want a number of 0 or more, got '-1'"),
                     ("currencies = eur\n", "currencies 'eur': not configured")):
    lib.refused("[service/ratesheet s]\nsheet = rates.csv\n" + keys, wanted, rates=RATE)
for text, wanted in (("", "empty: want a header that has product, rate and currency"),
                     ("product,rate\n", "a column is missing: product, rate and currency must be there"),
                     ("product,rate,rate,currency\n", "a column given twice (found 'rate')"),
                     ("product,rate,currency,price\n", "an unknown column: want product, from, to, rate, per"),
                     ("product,rate,currency\na,,usd\n", "rates.csv:2: rate: missing"),
                     ("product,rate,currency\na,1,eur\n", "currency: not configured"),
                     ("product,rate,currency\n,1,usd\n", "product: missing"),
                     ("product,rate,per,currency\na,1,0,usd\n", "per: want a number above 0"),
                     ("product,rate,currency\na,1,usd,x\n",
                      "a field under no column: is there a comma too many (found 'x')"),
                     ('product,rate,currency\n"a"b,1,usd\n', "text behind a closing quote"),
                     ("product,rate,currency\n" + "a" * 300 + ",1,usd\n", "a field longer than 255 bytes")):
    lib.refused("[service/ratesheet s]\nsheet = rates.csv\n", wanted, rates=text)
