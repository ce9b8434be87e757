"""formula.py - formulas as prices: shapes of real services, exact arithmetic, what is missing, what cannot be read."""
import lib

TIME = "2022-01-05T00:00:00Z"


def prices(keys, *uses, head="currency = usd\n", **files):
    """Books with one usage for each (id, product, {attributes, quantity ...})."""
    made = lib.Priced("[service/formula f]\n" + head + keys, **files)
    for id, product, data in uses:
        made.use(id, TIME, product, **data)
    return made


# Renderings: megapixels x frames, a panorama has 6; Standard is free up to 6 MP, and all of it is charged above.
RENDER = """divide = half-even
let.mp = width * height / 1e6 * frames * (if view = 'panorama' then 6 else 1)
price.rendering = if quality = 'standard' and mp <= 6 then 0 else mp
"""


def render(width, height, frames=1, view="plain", quality="final"):
    return dict(width=width, height=height, frames=frames, view=view, quality=quality)


prices(RENDER,
       ("final", "rendering", render(4000, 3000)),
       ("small", "rendering", render(3000, 2000, quality="standard")),
       ("large", "rendering", render(3001, 2000, quality="standard")),
       ("frames", "rendering", render(1920, 1080, frames=24)),
       ("panorama", "rendering", render(1000, 500, view="panorama"))
       ).check({"final": "12", "small": "0", "large": "6.002", "frames": "49.7664", "panorama": "3"}, "renderings")

# The same megapixels at a rate that changes by date.
prices("divide = half-even\nprice.rendering = width * height / 1e6\n", ("late", "rendering", render(2000, 1000)),
       head="sheet = rates.csv\n",
       rates="product,from,to,rate,currency\nrendering,,2022-01-05,1,usd\nrendering,2022-01-05,,3,usd\n"
       ).use("early", "2022-01-04T23:59:59Z", "rendering", width=2000, height=1000
             ).check({"late": "6", "early": "2"}, "a formula's quantity at dated rates")

# 1 variation and 4 cores are free, then 8 for each variation and 1 for each core: 16 x 4 is (16 - 1) x 8.
prices("price.hpc = max(0, variations - 1) * per_variation + max(0, cores - 4)\nconst.per_variation = 8\n",
       ("sixteen", "hpc", dict(variations=16, cores=4)), ("cores", "hpc", dict(variations=1, cores=36)),
       ("none", "hpc", dict(variations=1, cores=2))).check({"sixteen": "120", "cores": "32", "none": "0"},
                                                           "a count's formula")

# 20 cover up to 10,000 tokens, and each further 10,000 that are begun 20 more.
prices("price.action = 20 * max(1, ceil(tokens, 10000) * 0.0001)\n",
       ("few", "action", dict(tokens=1)), ("full", "action", dict(tokens=10000)),
       ("more", "action", dict(tokens=10001)),
       ("no", "action", dict(tokens=0))).check({"few": "20", "full": "20", "more": "40", "no": "20"},
                                               "an included block")

# By an attribute: multiples of a model, components of an analysis, seconds of a session, a number that may be absent.
made = prices("const.base = 0.04\n"
              "price.chat = quantity * base * (if model = 'big' then 50 else if model = 'small' then 0.25 else 1)\n"
              "price.moldflow = count(components)\n"
              "price.job = seconds * 2 / 3600\n"
              "price.vm-* = value(gpus, 0) * 3 + if has(spot) then 1 else 2\n"
              "price.vm-special = attribute('odd name') + 0.5\n"
              "divide = down\n".replace("* 3 + if", "* 3 + (if").replace("else 2\n", "else 2)\n"),
              ("big", "chat", dict(model="big", quantity=10)), ("small", "chat", dict(model="small", quantity=10)),
              ("other", "chat", dict(model="x", quantity=10)),
              ("three", "moldflow", dict(components="fill, pack,warp")),
              ("nothing", "moldflow", dict(components=" , ")),
              ("cpu", "vm-1", {}), ("gpu", "vm-2", dict(gpus=2, spot="yes")),
              ("odd", "vm-special", {"odd name": "1.25"}))
made.use("job", TIME, "job", end="2022-01-05T00:03:37Z")
made.check({"big": "20", "small": "0.1", "other": "0.4", "three": "3", "nothing": "0", "cpu": "2", "gpu": "7",
            "odd": "1.75",
            "job": "0.120556"}, "attributes")

# Exact where binary fractions are not; each rounding of a quotient; precedence; signs.
made = prices("price.sum = 0.1 + 0.2 - 0.3\nprice.less = 10 - 4 - 3\nprice.mixed = 2 + 3 * 4 - -1\n"
              "price.steps = round(2.5) + floor(2.9) * 10 + ceil(2.1) * 100 + round(0.125, 0.01) * 1000\n"
              "price.below = 100 + floor(-1.5) + ceil(-1.5) * 10\n"
              "price.large = 123456789.123456 * 1000000000 / 1000000000\ndivide = half-up\n"
              "price.third = (2 / 3 - 0.666666666666666667) * 1e12\n"
              "price.logic = if not (1 > 2) and (2 >= 2 or 1 / 0 > 1) and 'a' != 'b' then min(3, 1, 2) else 9\n",
              *((name, name, {}) for name in "sum less mixed steps below large third logic".split()))
made.check({"sum": "0", "less": "3", "mixed": "15", "steps": "453", "below": "88", "large": "123456789.123456",
            "third": "0",
            "logic": "1"}, "arithmetic")

# What is missing, no number, or below 0 has no price: it is not taken as 0.
made = prices(RENDER + "price.shift = low - high\nprice.ratio = low / high\nprice.huge = low * 1e18\n"
              "price.time = seconds\n",
              ("missing", "rendering", dict(width=10, height=10, frames=1, view="plain")),
              ("words", "rendering", render("wide", 10)), ("below", "shift", dict(low=1, high=2)),
              ("zero", "ratio", dict(low=1, high=0)), ("huge", "huge", dict(low=10)), ("open", "time", {}),
              ("stranger", "unknown", {}))
why = made.why()
for id, words in (("missing", "f: attribute 'quality': missing: price.rendering needs it"),
                  ("words", "f: attribute 'width': want a decimal number, got 'wide'"),
                  ("below", "f: price.shift: comes to -1, a price below 0"),
                  ("zero", "f: price.ratio: column 5: a division by 0"),
                  ("huge", "f: price.huge: column 5: a result that is out of range"),
                  ("open", "f: price.time: column 1: seconds: the event has no end"),
                  ("stranger", "product 'unknown': no service has a price for it")):
    assert why[id].startswith(words), why[id]
lib.equal(made.paid(), {}, "nothing of it was charged")
made.done()

# A part that is not evaluated needs nothing.
prices("price.lazy = if quality = 'free' then 0 else width\n", ("lazy", "lazy", dict(quality="free"))
       ).check({"lazy": "0"}, "the branch not taken")

# What cannot be read, and where.
for keys, wanted in (
        ("price.a = 1 +\n", "price.a: column 4, at '': ends too early: want a number, a name or ("),
        ("price.a = 1 + * 2\n", "price.a: column 5, at '* 2': want a number, a name or ("),
        ("price.a = (1 + 2\n", "price.a: column 7, at '': want )"),
        ("price.a = 1 2\n", "price.a: column 3, at '2': want a sign such as + or *, or the end"),
        ("price.a = 3 / 2\n", "a quotient must be rounded: set divide = half-even, half-up, up or down"),
        ("price.a = sqrt(2)\n", "price.a: column 1, at 'sqrt(2)': no such function: want min, max"),
        ("price.a = if 1 then 2 else 3\n", "column 4, at '1 then 2 else 3': want a comparison here, not a number"),
        ("price.a = if 1 < 2 then 2\n", "want else"),
        ("price.a = 1 + 'x'\n", "column 5, at ''x'': want a number here, not a text"),
        ("price.a = 'x' < 'y'\n", "texts are the same or not: want = or !="),
        ("price.a = model = 'x'\n", "price.a: want a number, not a comparison"),
        ("price.a = 'x\n", "a text that is never closed"),
        ("price.a = 1.2.3\n", "want a decimal number of at most 18 digits after the point"),
        ("price.a = 1e\n", "want a decimal number"),
        ("price.a = ceil(1, 2, 3)\n", "one number too many"),
        ("price.a = min()\n", "column 5, at ')': want a number, a name or ("),
        ("price.a = value(x)\n", "want , and the number for where the attribute is missing"),
        ("price.a = has(1)\n", "want the name of an attribute"),
        ("price.a = " + "(" * 60 + "1" + ")" * 60 + "\n", "too many signs and parentheses in each other"),
        ("price.a = " + "-" * 60 + "1\n", "too many signs and parentheses in each other"),
        ("price.a = " + "1+(" * 30 + "1" + ")" * 30 + "\n", "too long: put a part of it into a let of its own"),
        ("let.b = 1\n", "price.PRODUCT: missing: give at least one formula"),
        ("let.quantity = 1\nprice.a = 1\n", "let.quantity: the name means something already"),
        ("const.b = 2\nlet.b = 1\nprice.a = b\n", "let.b: there is a constant of this name"),
        ("let.a-b = 1\nprice.a = 1\n", "let.a-b: want a name of letters, digits, _ and ."),
        ("const.c = many\nprice.a = c\n", "'many' is not a decimal number")):
    lib.refused("[service/formula f]\ncurrency = usd\n" + keys, wanted)
lib.refused("[service/formula f]\nprice.a = 1\n", "currency and sheet: want one of them")
lib.refused("[service/formula f]\nprice.a = 1\ncurrency = eur\n", "currency 'eur': not configured")
# A let does not know itself: its own name is an attribute's there.
made = prices("let.a = a + 1\nprice.p = a\n", ("self", "p", dict(a=4)))
made.check({"self": "5"}, "a let of its attribute's name")
