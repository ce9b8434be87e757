"""histories.py - random configurations and random histories for them, as native events."""
from fractions import Fraction

from naive import DAY, NO_LIMIT, instant

HOUR = 3600
PRODUCTS = ["P", "Q", "R"]
USERS = ["ann", "bob", None]
CLASSES = ["free", "trial", "paid", None]
ORDERS = ["priority, expires, created", "expires, amount desc", "restricted, effective",
          "class(free trial paid), created desc",
          "sequence", "proportional", "listed"]
# Product P is paid in c only; Q in c, or else in d; R costs nothing.
SHEET = {"P": [("c", Fraction("0.35"), 1)], "Q": [("c", Fraction(7), 3), ("d", Fraction(1, 2), 1)],
         "R": [("c", Fraction(0), 1)]}


def rates(sheet):
    """A sheet as the file of a service."""
    rows = [f"{product},{float(rate)},{per},{currency}" for product, prices in sheet.items() for currency, rate, per in prices]
    return "\n".join(["product,rate,per,currency", *rows]) + "\n"


def corrected(rng):
    """The same products at other prices, or some of them at the same."""
    def again(price):
        currency, rate, per = price
        return currency, rng.choice([rate, Fraction(0), Fraction(1, 4), Fraction("1.5"), Fraction(9)]), per
    return {product: [again(price) for price in prices] for product, prices in SHEET.items()}


DEFAULTS = ("decimals = 0", "rounding = half-up", "split = yes", "draw_order = priority, expires, created",
            "overdraft = no",
            "refund_term = 0s", "hold_timeout = 0s", "reset = keep", "term = never", "capture_over = refuse",
            "hold_rule = max",
            "hold_group = user", "hold_decay = 1.0", "from = anchor", "every = P1M",
            "convert_keep = class, expires, priority, cost")


def amount(policies, currency, minor):
    decimals = policies[currency]["decimals"]
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // 10**decimals}" + (f".{minor % 10**decimals:0{decimals}}" if decimals else "")


def currencies(rng):
    """Two prepaid currencies, an allowance and a capacity, each with rules of its own."""
    out = {}
    for name in "cda":
        limit = rng.choice([None, 0, 300])
        out[name] = dict(kind="allowance" if name == "a" else "prepaid", decimals=rng.choice([0, 1, 2]),
                         rounding=rng.choice(["half-even", "half-up", "up", "down"]), split=rng.choice(["yes"] * 5 + ["no", "class"]),
                         draw_order=rng.choice(ORDERS), overdraft=rng.random() < 0.4, limit=limit,
                         overdraft_limit=NO_LIMIT if limit is None else limit,
                         refund_term=rng.choice([0, 0, DAY, 9 * DAY]),
                         hold_timeout=rng.choice([0, 0, 2 * DAY]), reset=rng.choice(["keep", "lose"]),
                         capture_over=rng.random() < 0.5, term=rng.choice([None, None, "P20D", "P1M"]),
                         convert_keep=rng.choice([[], ["class"], ["class", "expires", "priority", "cost"]]),
                         convert={other: rng.choice([Fraction(1, 2), Fraction(3), Fraction(1, 3)]) for other in "cda"
                                  if other != name})
    out["a"].update(every=rng.choice(["P1D", "P7D", "P1M"]), **{"from": rng.choice(["anchor", "calendar", "start",
                                                                                    "first-use"])})
    out["k"] = dict(kind="capacity", decimals=0, rounding=rng.choice(["half-up", "down", "up"]), split="yes",
                    draw_order="sequence",
                    overdraft=False, limit=None, overdraft_limit=NO_LIMIT, refund_term=0,
                    hold_timeout=rng.choice([0, 3 * DAY]),
                    reset="keep", capture_over=False, term=None, convert_keep=[], convert={},
                    hold_rule=rng.choice(["max", "max", "sum"]), hold_group=rng.choice(["user", "user", ""]),
                    hold_decay=rng.choice([Fraction(1), Fraction(9, 10), Fraction(1, 2)]))
    # Holds that only add up are each alone.
    out["k"]["grouped"] = out["k"]["hold_rule"] == "max" or out["k"]["hold_group"] != "" or out["k"]["hold_decay"] != 1
    return out


def decimal(value):
    return f"{value.numerator}" if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def config(policies, events=None):
    """The configuration, or what of it some events need."""
    text = " ".join(str(e["data"]) for e in events or [])
    policies = {n: p for n, p in policies.items() if events is None or f"'{n}'" in text or
                (n in "cd" and "'product'" in text)}
    lines = ["[store/sqlite]", "file = books.db", "synchronous = normal", "[service/metered m]",
             "[service/ratesheet s]",
             *(["sheet = rates.csv", "currencies = c, d"] if "c" in policies and "d" in policies
               else ["sheet = none"]), "[source/events events]", "files = feed-*.jsonl"]
    for name, p in policies.items():
        lines += [f"[currency/{p['kind']} {name}]", f"decimals = {p['decimals']}", f"rounding = {p['rounding']}",
                  f"split = {p['split']}", f"draw_order = {p['draw_order']}",
                  f"overdraft = {'debt' if p['overdraft'] else 'no'}", f"refund_term = {p['refund_term']}s",
                  f"hold_timeout = {p['hold_timeout']}s", f"reset = {p['reset']}", f"term = {p['term'] or 'never'}"]
        if p["limit"] is not None:
            lines.append(f"overdraft_limit = {amount(policies, name, p['limit'])}")
        if p["kind"] != "capacity":
            lines += [f"capture_over = {'charge' if p['capture_over'] else 'refuse'}",
                      f"convert_keep = {', '.join(p['convert_keep']) or 'none'}"]
            lines += [f"convert.{to} = {decimal(rate)}" for to, rate in p["convert"].items() if to in policies]
        if p["kind"] == "allowance":
            lines += [f"every = {p['every']}", f"from = {p['from']}"]
        lines += [f"{key} = {p[key]}" for key in ("late", "settle_lag") if key in p]
        if p["kind"] == "capacity":
            lines += [f"hold_rule = {p['hold_rule']}", f"hold_group = {p['hold_group']}",
                      f"hold_decay = {float(p['hold_decay'])}"]
    return "\n".join(line for line in lines if events is None or line not in DEFAULTS) + "\n"


class History:
    """Makes one history: an account, and a second one that its transfers go to."""

    def __init__(self, rng, policies, name, pool, kinds=None):
        self.rng, self.policies, self.name, self.pool, self.kinds = rng, policies, name, pool, kinds
        self.grants, self.holds, self.charges, self.limits, self.events = [], [], [], [], []
        self.serial, self.currency_of, self.hold_of = 0, {}, {}

    def make(self):
        rng = self.rng
        times = sorted(rng.choice(self.pool) for _ in range(rng.randint(2, 30)))
        if rng.random() < 0.6:
            self.add("account", self.pool[0], zone=rng.choice(["UTC", "Europe/Berlin", "America/New_York"]),
                     **({"start": instant(rng.choice([-40 * DAY, -3 * DAY, -DAY // 2]))} if rng.random() < 0.5 else {}))
        for n, at in enumerate(times):
            kind = "grant" if n < 2 else rng.choice(
                ["grant"] * 3 + ["usage"] * 6 + ["hold"] * 3 + ["capture", "capture", "release", "extend", "extend"] +
                ["reversal"] * 3 + ["adjustment"] * 2 + ["limit", "limit", "conversion", "transfer", "transfer",
                                                         "void", "reset", "close", "close"])
            if self.kinds and n >= 2 and kind not in self.kinds:
                kind = rng.choice(self.kinds)
            getattr(self, kind)(at)
        rng.shuffle(self.events)
        self.events.sort(key=lambda e: e["time"])
        return self.events

    def add(self, kind, at, account=None, **data):
        self.serial += 1
        event = {"specversion": "1.0", "id": f"{self.rng.randrange(16):x}{self.serial:02}",
                 "source": self.rng.choice(["t", "s"]),
                 "type": "scrip." + kind, "subject": account or self.name, "time": instant(at),
                 "data": {k: v for k, v in data.items() if v is not None}}
        self.events.append(event)
        return event

    def currency(self, among="ccccdda"):
        return self.rng.choice(among)

    def money(self, currency, low=1, high=900):
        return amount(self.policies, currency, self.rng.randint(low, high))

    def maybe(self, chance, value):
        return value() if self.rng.random() < chance else None

    def later(self, at):
        return instant(self.rng.choice([t for t in self.pool if t > at] or [at + DAY]))

    def known(self, names):
        return self.rng.choice(names[-4:]) if names and self.rng.random() < 0.92 else "nothing"

    def scope(self):
        return self.rng.choice([{"products": ["P"]}, {"products": ["P", "Q"], "users": ["ann"]}, {"services": ["s"]},
                                {"attributes": {"tier": ["x"]}}, {"users": ["bob"]}])

    def grant(self, at):
        rng, currency = self.rng, self.currency("cccccdddaak")
        data = dict(grant=f"g{len(self.grants)}", currency=currency, amount=self.money(currency, 1, 1500))
        if currency != "k":
            effective = self.maybe(0.25, lambda: rng.choice(self.pool))
            data.update(effective=effective if effective is None else instant(effective),
                        expires=self.maybe(0.5, lambda: self.later(max(at, effective or 0))),
                        priority=self.maybe(0.4, lambda: str(rng.randint(1, 2))), scope=self.maybe(0.3, self.scope),
                        floor=self.maybe(0.15, lambda: rng.choice(["unlimited", self.money(currency, -300, 200)])),
                        max_per_charge=self.maybe(0.15, lambda: self.money(currency, 1, 300)),
                        grant_unit=self.maybe(0.1, lambda: rng.choice(["2", "3"])),
                        cost=self.maybe(0.3, lambda: {"amount": "12.5", "currency": "USD"}),
                        rollover=self.maybe(0.25, lambda: dict(zip(("min", "max"), sorted(
                            (self.money(currency, 0, 400) for _ in "xx"), key=Fraction)))))
            data["class"] = rng.choice(CLASSES)
            if rng.random() < 0.06:
                data["amount"] = "unlimited"
                data.update(floor=None, rollover=None, grant_unit=None)
            elif rng.random() < 0.25:
                data["recurrence"] = {"every": rng.choice(["P1D", "P7D", "P1M"]), "mode": rng.choice(["reset", "add"]),
                                      "from": rng.choice(["anchor", "calendar", "start", "first-use"])}
                if data["recurrence"]["from"] == "anchor" and rng.random() < 0.5:
                    data["recurrence"]["anchor"] = instant(rng.choice(self.pool))
            if self.grants and rng.random() < 0.1:
                data["renews"] = self.known(self.grants)
        self.grants.append(data["grant"])
        self.currency_of[data["grant"]] = currency
        self.add("grant", at, self.maybe(0.12, lambda: self.name + "x"), **data)

    def used(self, currency):
        """What a usage or a hold is: metered, or by the sheet."""
        rng = self.rng
        data = dict(product=rng.choice(PRODUCTS), user=rng.choice(USERS),
                    attributes=self.maybe(0.3, lambda: {"tier": rng.choice("xy")}))
        if currency != "c" or rng.random() < 0.5:
            data.update(currency=currency, amount=self.money(currency, 0, 700))
        else:
            data.update(quantity=rng.choice(["1", "2.5", "0", "17", "0.001", "33.333", "300"]),
                        currency=self.maybe(0.2, lambda: "c"))
        if self.grants and rng.random() < 0.1:
            data["grant"] = self.known(self.grants)
        elif self.grants and rng.random() < (0.6 if self.policies[currency]["draw_order"] == "listed" else 0.1):
            data["grants"] = list(dict.fromkeys(self.known(self.grants) for _ in "xx"))
        return data

    def usage(self, at):
        data = self.used(self.currency())
        if "amount" not in data and self.rng.random() < 0.2:
            quantity, count = data.pop("quantity"), self.rng.randint(1, 3)
            data.update(lines=[{"product": p, "quantity": quantity} for p in ("P", "R", "P")[:count]], product=None,
                        attributes=None)
        event = self.add("usage", at, self.maybe(0.1, lambda: self.name + "x"),
                         accept=self.maybe(0.2, lambda: "available"), **data)
        self.charges.append((event["source"], event["id"], self.paid_in(data), 1))

    @staticmethod
    def paid_in(data):
        """The currency of a charge; None: one of several."""
        return data.get("currency") or (None if data.get("product") == "Q" else "c")

    def hold(self, at):
        currency = self.currency("cccdak")
        name = f"h{len(self.holds)}"
        data = self.used(currency)
        if data.get("currency") == "k":
            data.pop("grant", None)  # silent: what a group holds is the group's, whoever of it names a grant
            data.pop("grants", None)
        self.add("hold", at, hold=name, expires=self.maybe(0.4, lambda: self.later(at)), **data)
        self.holds.append(name)
        self.hold_of[name] = self.paid_in(data)

    def part(self, hold, chance):
        currency = self.hold_of.get(hold, "c")
        return None if currency in ("k", None) else self.maybe(chance, lambda: self.money(currency, 1, 500))

    def extend(self, at):
        hold = self.known(self.holds)
        currency = self.hold_of.get(hold, "c")
        self.add("extend", at, hold=hold, expires=self.maybe(0.5, lambda: self.later(at)),
                 amount=self.maybe(0.6 if currency else 0, lambda: self.money(currency, 1, 900)))

    def release(self, at):
        hold = self.known(self.holds)
        self.add("release", at, hold=hold, amount=self.part(hold, 0.4))

    def capture(self, at):
        hold = self.known(self.holds)
        event = self.add("capture", at, hold=hold, amount=self.part(hold, 0.7))
        self.charges.append((event["source"], event["id"], self.hold_of.get(hold, "c"), 1))

    def reversal(self, at):
        source, id, currency, lines = self.rng.choice(self.charges[-5:]) if self.charges else ("t", "nothing", "c", 1)
        of = {"source": source, "id": id}
        if self.rng.random() < 0.2 or lines > 1:
            of["line"] = self.rng.choice("0001")
        self.add("reversal", at, of=of, amount=self.maybe(0.5 if currency else 0, lambda: self.money(currency, 1, 300)))

    def adjustment(self, at):
        currency = self.currency()
        self.add("adjustment", at, currency=currency, amount=self.money(currency,
                                                                        *self.rng.choice([(1, 500), (-500, -1)])),
                 grant=self.maybe(0.4, lambda: self.known(self.grants)), reason="count")

    def limit(self, at):
        # Set again, a limit changes its amount; what it counts stays the same.
        if self.limits and self.rng.random() < 0.3:
            data = self.rng.choice(self.limits)
        else:
            currency, per = self.currency("cccda"), self.rng.choice(["hour", "day", "day", "month", "year", "P7D",
                                                                     "P1D", None])
            data = dict(limit=f"l{len(self.limits)}", currency=currency, per=per, scope=self.maybe(0.4, self.scope),
                        anchor=self.maybe(0.3,
                                          lambda: instant(self.rng.choice(self.pool))),
                        expires=self.maybe(0.2, lambda: self.later(at)))
            self.limits.append(data)
        self.add("limit", at, amount=self.money(data["currency"], 0, 900), **data)

    def conversion(self, at):
        one, other = self.rng.sample("cda", 2)
        self.add("conversion", at, **{"from": one}, to=other, amount=self.maybe(0.7, lambda: self.money(one, 1, 500)),
                 rate=self.rng.choice(["0.5", "1.37", "3", "0.333"]))

    def transfer(self, at):
        currency, other = self.currency(), self.name + "x"
        data = dict(currency=currency, amount=self.maybe(0.6, lambda: self.money(currency, 1, 500)))
        if data["amount"] is None or self.rng.random() < 0.3:
            data["grant"] = self.known(self.grants)
        if self.rng.random() < 0.3:
            data["share"] = self.rng.choice([{other: "80%", self.name + "y": "20%"},
                                             {other: "33.3%", self.name + "y": "remaining"}])
        else:
            data["to"] = other
        self.add("transfer", at, **data)

    def void(self, at):
        self.add("void", at, grant=self.known(self.grants))

    def reset(self, at):
        self.add("reset", at, currency=self.currency(), preserve_overage=self.maybe(0.5, lambda: "yes"))

    def close(self, at):
        # Over or not, closed before, none at all.
        days = [instant(t)[:10] for t in self.pool]
        period = self.rng.choice(["2021", "2022", "2022-01", "2022-02", self.rng.choice(days)] +
                                 [instant(at)[:10], instant(at - DAY)[:10], instant(at - 2 * DAY)[:10]] * 2 +
                                 ["2022-13", "2022-02-30", "2022-2", "March"])
        self.add("close", at, period=period)


def pool(rng):
    """The instants at which everything happens: few, so that much falls on one."""
    # From February on, so that accounts may start before; to the middle of March, before any clock changes.
    return sorted(31 * DAY + t for t in {0, *(rng.choice([rng.randrange(24) * HOUR, rng.randrange(8) * DAY,
                                                          rng.randrange(30) * DAY +
                  rng.randrange(24) * HOUR]) for _ in range(11))})
