"""naive.py - the books recomputed from a list of events by the simplest means: lists, sorts and exact fractions.

It is written from the contract (the design, the public headers, the help of the commands), not from the engine. Where
the
contract is silent, a comment that begins with "Silent:" says what was decided here.
"""
import datetime
from fractions import Fraction
from types import SimpleNamespace

from claims import Claims
from when import (ACTIVATION, AMOUNT_MAX, DAY, EPOCH, EXPIRY, FOREVER, NO_LIMIT, RANKS, RECURRENCE, RELEASE, REST, SETTLEMENT,
                  ZONES,
                  floored, instant, period_end, rounded, seconds, series, shifted)


class Account(Claims):
    """One account: its events in, the state after them."""

    def __init__(self, name, policies, sheet, events):
        self.name, self.policies, self.sheet = name, policies, sheet
        self.events = sorted(events, key=lambda e: (seconds(e["time"]), self.rank(e), e["source"].encode(),
                                                    e["id"].encode()))
        self.came = {e["id"]: n for n, e in enumerate(events)}
        self.grants, self.holds, self.charges, self.limits, self.usage = [], [], [], [], []
        self.outcomes, self.sent = {}, []
        self.zone, self.start, self.last_serial, self.written = 0, None, 0, []

    @staticmethod
    def rank(event):
        # Silent: a limit counts from its instant on, as what an account says does; what a transfer brings comes last.
        return RANKS.get(event["type"].split(".")[1], REST)

    # ---- time

    def run(self, until, included):
        """Everything that happens before an instant, or up to it."""
        waiting = list(self.events)
        now = -FOREVER
        while True:
            due = [seconds(waiting[0]["time"])] if waiting else []
            due += [t for t in self.timers() if t > now]
            if not due or min(due) > until or (min(due) == until and not included):
                return self
            now = min(due)
            here = [e for e in waiting if seconds(e["time"]) == now]
            waiting = waiting[len(here):]
            for rank in range(REST + 1):
                # Silent: a hold that is released at the very instant of its time-out was released.
                if rank != RELEASE:
                    self.fall_due(rank, now)
                for event in (e for e in here if self.rank(e) == rank):
                    getattr(self, "on_" + event["type"].split(".")[1])(event, event["data"], now)
                    # What falls due is written by the next event only: until then a report of usage lacks it.
                    self.written = list(self.usage)
                    self.end_grants(now)
                    if rank >= SETTLEMENT:
                        self.settle(now)
                if rank == RELEASE:
                    self.fall_due(rank, now)

    def timers(self):
        out = [t for g in self.grants for t in (g.start, g.end, *self.recurrences(g))]
        return out + [h.expires for h in self.holds if h.open]

    def recurrences(self, g):
        """Instants at which a grant comes back, within its life."""
        if g.every is None:
            return []
        if g.origin == "first-use":
            return [g.period_end] if g.period_end is not None else []
        base = {"anchor": g.anchor, "start": self.start if self.start is not None else g.start,
                "calendar": floored(g.start, "month" if g.every.endswith("M") else "day", self.zone)}[g.origin]
        if base is None:
            base = g.start
        # Silent: an anchor after the start is counted backwards from, too.
        return [t for t in series(base, g.every, self.zone) if g.start < t < min(g.end, DAY * 120)]

    def fall_due(self, rank, now):
        if rank in (EXPIRY, ACTIVATION):
            self.end_grants(now)
        if rank == RECURRENCE:
            for g in self.grants:
                if self.alive(g, now) and now in self.recurrences(g) and g.told <= now:
                    self.recur(g)
        if rank == SETTLEMENT:
            self.settle(now)
        if rank == RELEASE:
            for hold in self.holds:
                if hold.open and hold.expires == now:
                    self.give_back(hold, hold.amount, now)
                    hold.open, hold.why = False, "timed out"
                    self.regroup(hold.group, now)
            self.settle(now)

    def end_grants(self, now):
        for g in self.grants:
            g.begun, g.ended = g.start <= now, g.end <= now
            if g.ended and not g.unlimited and g.available > 0:
                # An overdrawn grant has nothing to lose, and stays overdrawn.
                g.expired += g.available
                g.available = 0

    def recur(self, g):
        if g.origin == "first-use":
            # What is left of a period ends with it; the next use begins another.
            self.level(g, 0)
            g.period_end = None
        elif g.mode == "add":
            g.issued += g.amount
            g.available += g.amount
        else:
            self.level(g, g.amount)

    @staticmethod
    def level(g, target):
        """Brings a balance to a target: what is missing is issued, what is too much expires."""
        if g.available < target:
            g.issued += target - g.available
        else:
            g.expired += g.available - target
        g.available = target

    # ---- amounts

    def minor(self, currency, text):
        value = Fraction(text) * 10 ** self.policies[currency]["decimals"]
        assert value.denominator == 1, (currency, text)
        return value.numerator

    def done(self, event, outcome, reason=""):
        self.outcomes[event["id"]] = (outcome, reason)

    @staticmethod
    def alive(g, now):
        return g.start <= now < g.end and not g.void

    def has_ended(self, g, now):
        return g.end <= now

    @staticmethod
    def covers(scope, ctx):
        for key, value in (("services", ctx.service), ("products", ctx.product), ("users", ctx.user)):
            if scope.get(key) and value not in scope[key]:
                return False
        return all(ctx.attributes.get(name) in values for name, values in scope.get("attributes", {}).items())

    def order(self, g):
        """The order in which grants pay. Absent priorities and expiries come last."""
        order = self.policies[g.currency]["draw_order"]
        if order in ("proportional", "listed"):
            return [g.number]
        last, end = float("inf"), getattr(g, "first_end", g.end)
        keys = {"priority": last if g.priority is None else g.priority, "expires": last if end >= FOREVER else end,
                "created": g.told, "effective": g.start,
                "amount desc": -(NO_LIMIT if g.unlimited else g.amount),
                "restricted": 0 if g.scope else 1,
                "class(free trial paid)": {"free": 0, "trial": 1, "paid": 2}.get(g.cls, 3), "sequence": g.number,
                "created desc": -g.told}
        return [keys[key.strip()] for key in order.split(", ")] + [g.id.encode()]

    def payers(self, currency, ctx, now):
        """Grants that may pay, in the order in which they do."""
        fits = [g for g in self.grants if g.currency == currency and self.alive(g, now) and self.covers(g.scope, ctx)]
        if ctx.grant is not None:
            fits = [g for g in fits if g.id == ctx.grant]
        if ctx.grants is not None:
            return [g for name in ctx.grants for g in fits if g.id == name]
        return sorted(fits, key=self.order)

    def room(self, g, taken=0):
        """What a grant can pay, in units of the charge; taken: what it paid of the same charge already."""
        if g.unlimited or g.floor is None:
            # Silent: in a proportion, what has no limit counts in its own units, too; all that is used must fit an amount.
            free = (AMOUNT_MAX - g.used - g.held) // g.unit
        else:
            free = max(0, (g.available - g.floor) // g.unit)
        if g.max_per_charge is not None:
            # Silent: it is counted in what is charged, also where one of that takes several of the balance.
            free = min(free, max(0, g.max_per_charge - taken))
        return free

    def shares(self, currency, payers, rooms, amount, part, listed=None):
        """How much each pays of an amount; part: less than all of it will do. listed: the usage names them in order."""
        policy = self.policies[currency]
        if policy["split"] == "class":
            sums = {}
            for g, room in zip(payers, rooms):
                sums[g.cls] = sums.get(g.cls, 0) + room
            # Silent: a class comes where its first grant stands that has something.
            able = [g.cls for g, room in zip(payers, rooms) if room > 0 and sums[g.cls] >= amount][:1]
            if not able:
                return [] if amount == 0 else None
            rooms = [room for g, room in zip(payers, rooms) if g.cls in able]
            payers = [g for g in payers if g.cls in able]
        if policy["split"] == "no":
            for g, room in zip(payers, rooms):
                if room >= amount:
                    return [(g, amount)] if amount else []
            return None if amount else []
        if sum(rooms) < amount:
            if not part:
                return None
            amount = sum(rooms)
        out = []
        if policy["draw_order"] == "proportional" and listed is None:
            # Each its share rounded down; the last takes what is left, as far as it can, then those before it.
            total = sum(rooms)
            paid = [amount * room // total if total else 0 for room in rooms]
            for n in reversed(range(len(rooms))):
                more = min(amount - sum(paid), rooms[n] - paid[n])
                paid[n] += more
            out = list(zip(payers, paid))
        else:
            for g, room in zip(payers, rooms):
                out.append((g, min(room, amount - sum(n for _, n in out))))
        return [(g, n) for g, n in out if n > 0]

    def take(self, g, units, book):
        n = units * g.unit
        if g.unlimited:
            g.issued += n
        else:
            g.available -= n
        setattr(g, book, getattr(g, book) + n)

    def begin_periods(self, currency, ctx, now):
        """Silent: a use begins the period of every grant that may pay for it, also where another pays; before,
        nothing is issued."""
        for g in self.payers(currency, ctx, now):
            if g.origin == "first-use" and g.every is not None and g.period_end is None:
                g.issued += g.amount
                g.available += g.amount
                g.period_end = shifted(now, g.every, 1, self.zone)

    def put_back(self, g, units, book, now):
        """What comes back to a grant: to its balance while it lives, else to where its rest went."""
        n = units * g.unit
        setattr(g, book, getattr(g, book) - n)
        if g.unlimited:
            g.issued -= n
        elif g.void:
            g.voided += n
        elif self.has_ended(g, now):
            refund = self.policies[g.currency]["refund_term"]
            # Silent: what a hold gives back after the grant's end is lost whatever refund_term says: it was never paid.
            if refund and book == "used":
                # It lives for what came back: its periods are over, its place in the order stays.
                g.first_end = getattr(g, "first_end", g.end)
                g.end, g.every, g.ended = now + refund, None, False
                g.available += n
            else:
                g.expired += n
        else:
            g.available += n

    def owed(self, currency):
        return sum(c.debt for c in self.charges if c.currency == currency)

    # ---- limits

    def window(self, limit, at):
        """The period of a limit that holds an instant."""
        if limit.per in ("", None):
            return 0
        if limit.per in ("hour", "day", "month", "year") and limit.anchor is None:
            return floored(at, limit.per, self.zone)
        every = {"hour": "PT1H", "day": "P1D", "month": "P1M", "year": "P12M"}.get(limit.per, limit.per)
        # Silent: without an anchor, durations are counted from 1970-01-01 on the account's clock.
        epoch = int((datetime.datetime(1970, 1, 1) - EPOCH).total_seconds()) - self.zone
        base = epoch if limit.anchor is None else limit.anchor
        n, step = 0, 1
        while shifted(base, every, n + step, self.zone) <= at:
            n += step
        while shifted(base, every, n, self.zone) > at:
            n -= step
        return shifted(base, every, n, self.zone)

    def limit_room(self, currency, ctx, at, now):
        """The least that the limits leave. What is held counts, and what is captured counts where it was held."""
        rooms = [NO_LIMIT]
        for limit in self.limits:
            if limit.currency != currency or not limit.since <= at or now >= limit.expires or not self.covers(limit.scope, ctx):
                continue
            used = 0
            for one in self.charges + [h for h in self.holds if h.open]:
                if one.currency == currency and self.covers(limit.scope, one.ctx):
                    used += sum(n for _, n, when, serial in one.draws + one.owed()
                                if serial > limit.serial and limit.since <= when < limit.expires and
                                self.window(limit, when) == self.window(limit, at))
            rooms.append(limit.amount - used)
        return min(rooms)

    # ---- charges

    def context(self, data, product=None):
        return SimpleNamespace(product=product if product is not None else data.get("product"), user=data.get("user"),
                               attributes=data.get("attributes",
                                                   {}), grant=data.get("grant"), grants=data.get("grants"),
                               service="m" if "amount" in data else "s", accept=data.get("accept", "all"))

    def quote(self, data):
        """Alternatives in the order in which they are tried, each [(currency, minor units, context)]."""
        if "amount" in data:
            return [[(data["currency"], self.minor(data["currency"], data["amount"]), self.context(data))]]
        lines = []
        for item in data.get("lines", [data]):
            prices = [p for p in self.sheet[item["product"]] if data.get("currency") in (None, p[0])]
            lines.append([(currency,
                           Fraction(item.get("quantity", "1")) * rate / per * 10 ** self.policies[currency]["decimals"],
                           self.context(data, item["product"])) for currency, rate, per in prices])
        if len(lines) == 1:
            return [[(currency, rounded(exact, self.policies[currency]["rounding"]), ctx)] for currency, exact,
                    ctx in lines[0]]
        # Of several lines the sum is rounded once: each is what the sum up to it comes to, less what the lines before
        # it cost.
        out, so_far, cost = [], Fraction(0), 0
        for currency, exact, ctx in (line[0] for line in lines):
            so_far += exact
            out.append((currency, rounded(so_far, self.policies[currency]["rounding"]) - cost, ctx))
            cost += out[-1][1]
        return [out]

    def state(self):
        things = self.grants + self.holds + self.charges
        kept = [(thing, {k: list(v) if isinstance(v, list) else v for k, v in thing.__dict__.items()}) for thing in things]
        return kept, len(self.charges), len(self.holds), list(self.usage)

    def undo(self, state):
        things, charges, holds, usage = state
        for thing, before in things:
            thing.__dict__.update(before)
        del self.charges[charges:], self.holds[holds:]
        self.usage = usage

    def pay(self, currency, amount, ctx, now, book, taken=(), debt=True):
        """Draws for one line: ([(grant, units of the charge, when, serial)], debt), or None where it cannot be paid."""
        policy = self.policies[currency]
        part = ctx.accept == "available"
        wanted, room = amount, self.limit_room(currency, ctx, now, now)
        if room < amount and amount > 0 and debt != "forced":
            if not part:
                return None
            amount = max(0, room)
        if amount > 0:
            self.begin_periods(currency, ctx, now)
        payers = self.payers(currency, ctx, now)
        rooms = [self.room(g, sum(n for t, n, *_ in taken if t is g)) for g in payers]
        draws = self.shares(currency, payers, rooms, amount, part, ctx.grants)
        owed = 0
        if draws is None and debt and (policy["overdraft"] or debt == "forced") and not part:
            draws = [] if policy["split"] != "yes" else self.shares(currency, payers, rooms, amount, True, ctx.grants)
            owed = amount - sum(n for _, n in draws)
            if debt != "forced" and self.owed(currency) + owed > policy["overdraft_limit"]:
                return None
        if draws is None or (wanted > 0 and part and not draws):
            return None
        for g, n in draws:
            self.take(g, n, book)
        serial = self.serial()
        return [(g, n, now, serial) for g, n in draws], owed

    def charge(self, event, line, currency, ctx, now, draws, owed):
        c = SimpleNamespace(event=event["id"], source=event["source"], told=seconds(event["time"]), line=line,
                            currency=currency, ctx=ctx, at=now, draws=list(draws), debt=owed, lost=0, base=len(draws),
                            settled={}, serial=self.serial())
        # What a reset wrote off was charged all the same.
        c.owed = lambda: [(None, c.debt + c.lost, c.at, c.serial)] if c.debt + c.lost else []
        c.amount = lambda: sum(n for _, n, *_ in c.draws + c.owed())
        self.charges.append(c)
        self.count(c, now // DAY, draws, owed, 1)

    def serial(self):
        self.last_serial += 1
        return self.last_serial

    def count(self, c, day, draws, owed, times):
        """A row of the usage report for each draw: what is owed has the class `debt`."""
        rows = [(g.cls, n) for g, n, *_ in draws] + ([("debt", owed)] if owed else [])
        for cls, n in rows or [(None, 0)]:
            self.usage.append((day, c.ctx.product, c.ctx.user, cls, c.currency, n))

    def on_usage(self, event, data, now):
        before, quote = self.state(), self.quote(data)
        # Of alternatives the first that grants can pay; then the first that may be owed.
        for lines, debt in [(lines, False) for lines in quote if len(quote) > 1] + [(lines, True) for lines in quote]:
            for number, (currency, amount, ctx) in enumerate(lines):
                paid = self.pay(currency, amount, ctx, now, "used", debt=debt)
                if paid is None:
                    break
                self.charge(event, number + quote.index(lines), currency, ctx, now, *paid)
            else:
                total = sum(c.amount() for c in self.charges[before[1]:])
                return self.done(event, "charged" if total else "zero")
            self.undo(before)
        return self.done(event, "refused")

    def settle(self, now):
        """What is owed is paid by what has come, the oldest charge first, by the rules of that charge."""
        for c in self.charges:
            if c.debt <= 0:
                continue
            # Silent: a settlement is no use: it does not begin the period of a grant.
            payers = self.payers(c.currency, c.ctx, now)
            rooms = [self.room(g, sum(n for t, n, *_ in c.draws if t is g)) for g in payers]
            draws = self.shares(c.currency, payers, rooms, c.debt, True, c.ctx.grants)
            for g, n in draws or []:
                self.take(g, n, "used")
                same = [i for i, draw in enumerate(c.draws) if draw[0] is g]
                if same:  # a grant stands where it paid first
                    c.draws[same[0]] = (g, c.draws[same[0]][1] + n, *c.draws[same[0]][2:])
                else:
                    c.draws.append((g, n, c.at, c.serial))
                    c.settled = {**c.settled, id(g): self.serial()}
                c.debt -= n
                # The charge stays one of its day, and becomes one of the class that paid.
                self.count(c, c.at // DAY, [(g, n)], -n, 0)

    # ---- corrections

    def on_reversal(self, event, data, now):
        of = data["of"]
        mine = [c for c in self.charges if c.event == of["id"] and c.source == of["source"] and
                ("line" not in of or c.line == int(of["line"]))]
        left = sum(c.amount() for c in mine)
        if left == 0:
            return self.done(event, "refused", "nothing left")
        amount = self.minor(mine[0].currency, data["amount"]) if "amount" in data else left
        if amount > left or ("amount" in data and len({c.currency for c in mine}) > 1):
            return self.done(event, "refused")
        # Of several lines: settlements first, the last of them all; then line by line from the last.
        settled = [(c.settled[id(draw[0])], n) for n, c in enumerate(mine) for draw in c.draws[c.base:]]
        for c in [mine[n] for _, n in sorted(settled, reverse=True)]:
            back = min(amount, c.draws[-1][1])
            amount -= back
            self.reverse(c, back, now)
        for c in reversed(mine):
            back = min(amount, c.amount())
            amount -= back
            self.reverse(c, back, now)
        self.done(event, "applied")

    def reverse(self, c, amount, now):
        """What came last goes first: settlements, then what is owed or was written off, then what was paid at once."""
        back, rest, owed, lost = [], amount, 0, 0
        while rest > 0:
            if len(c.draws) <= c.base and c.debt + c.lost > 0:
                owed, lost = min(c.debt, rest), min(c.lost, max(0, rest - c.debt))
                c.debt -= owed
                c.lost -= lost
                rest -= owed + lost
                continue
            g, n, *when = c.draws.pop()
            part = min(n, rest)
            if n > part:
                c.draws.append((g, n - part, *when))
            self.put_back(g, part, "used", now)
            back.append((g, -part))
            rest -= part
        c.base = min(c.base, len(c.draws))
        self.count(c, now // DAY, back, -owed - lost, 0)

    def on_adjustment(self, event, data, now):
        currency, amount = data["currency"], self.minor(data["currency"], data["amount"])
        found = [g for g in self.grants if g.id == data.get("grant") and g.currency == currency]
        if amount > 0 and "grant" not in data:
            self.grants.append(self.make(event, event["id"], currency, now, amount=amount, cls="adjustment"))
            return self.done(event, "applied")
        if amount > 0:
            if not found or found[0].void or self.has_ended(found[0], now) or found[0].unlimited:
                return self.done(event, "refused")
            found[0].available += amount
            found[0].issued += amount
            return self.done(event, "applied")
        payers = sorted((g for g in self.grants if g.currency == currency and self.alive(g, now) and not g.unlimited and
                         ("grant" not in data or g in found)), key=self.order)
        # Silent: a correction goes as far as the floor lets it, and is taken in the currency's way.
        rooms = [self.leeway(g) for g in payers]
        draws = self.take_out(currency, payers, rooms, -amount)
        for g, n in draws or []:
            self.drain(g, n)
        self.done(event, "refused" if draws is None else "applied")

    def leeway(self, g):
        """What a correction may take of a grant."""
        return NO_LIMIT if g.floor is None else max(0, g.available - g.floor)

    def drain(self, g, n):
        g.available -= n
        g.issued -= n

    def take_out(self, currency, payers, rooms, amount):
        """Balances that change without a charge: from as many grants as it needs."""
        policy = self.policies[currency]
        # Silent: where one grant must pay a charge alone, what leaves is taken in order all the same.
        whole = {"split": "yes", **({"draw_order": "sequence"} if policy["split"] == "no" else {})}
        self.policies = {**self.policies, currency: {**policy, **whole}}
        draws = self.shares(currency, payers, rooms, amount, False)
        self.policies = {**self.policies, currency: policy}
        return draws

    def leaving(self, currency, data, now):
        payers = sorted((g for g in self.grants if g.currency == currency and self.alive(g, now) and not g.unlimited and
                         data.get("grant") in (None, g.id)), key=self.order)
        rooms = [max(0, g.available - max(0, g.floor or 0)) for g in payers]
        amount = self.minor(currency, data["amount"]) if "amount" in data else sum(rooms)
        # Silent: what goes elsewhere is what is there: nothing on credit, nothing of an unlimited grant.
        draws = self.take_out(currency, payers, rooms, amount) if amount > 0 else None
        for g, n in draws or []:
            g.available -= n
            g.transferred += n
        return draws

    def on_conversion(self, event, data, now):
        draws = self.leaving(data["from"], data, now)
        if draws is None:
            return self.done(event, "refused")
        to, policy = data["to"], self.policies[data["to"]]
        rate = Fraction(data["rate"]) if "rate" in data else self.policies[data["from"]]["convert"][to]
        scale = rate * 10 ** policy["decimals"] / Fraction(10 ** self.policies[data["from"]]["decimals"])
        so_far = made = 0
        for number, (g, n) in enumerate(draws, 1):
            # The whole is rounded once: each grant gets what the sum up to it comes to, less what was made before.
            so_far += n
            part = rounded(so_far * scale, policy["rounding"]) - made
            made += part
            keep = policy["convert_keep"]
            if part:
                self.grants.append(self.make(event, f"{event['id']}-{number}", to, now, amount=part, cls=g.cls
                                             if "class" in keep else None,
                                             end=g.end if "expires" in keep else FOREVER,
                                             priority=g.priority if "priority" in keep else None))
        self.done(event, "applied")

    def on_transfer(self, event, data, now):
        if "receipt" in event:
            return self.receive(event, data, now)
        draws = self.leaving(data["currency"], data, now)
        if draws is None:
            return self.done(event, "refused")
        total = sum(n for _, n in draws)
        if "share" in data:
            parts = [Fraction(v[:-1]) / 100 if v != "remaining" else None for v in data["share"].values()]
            rest = 1 - sum(p for p in parts if p is not None)
            amounts = [total * (rest if p is None else p) // 1 for p in parts]
            for n in range(total - sum(amounts)):  # what rounding left over: a unit each, from the first on
                amounts[n % len(amounts)] += 1
            targets = list(zip(data["share"], amounts))
        else:
            targets = [(data["to"], total)]
        queue, number = [list(d) for d in draws], 0
        for to, amount in targets:
            while amount > 0:
                g, n = queue[0]
                part = min(n, amount)
                number += 1
                self.sent.append((to, {**event, "subject": to, "id": f"{event['id']}/{number}",
                                       "receipt": (SimpleNamespace(**g.__dict__), part)}))
                queue[0][1] -= part
                amount -= part
                if queue[0][1] == 0:
                    queue.pop(0)
        self.done(event, "applied")

    def receive(self, event, data, now):
        g, n = event["receipt"]
        new = self.make(event, event["id"], g.currency, now, amount=n, cls=g.cls, end=g.end, priority=g.priority,
                        scope=g.scope)
        new.issued, new.transferred = 0, -n
        self.grants.append(new)
        self.done(event, "applied")

    def on_void(self, event, data, now):
        found = [g for g in self.grants if g.id == data["grant"]]
        g = found[0] if found else None
        # An unlimited grant that was voided before it began ends as it would begin.
        if g is None or g.void or self.has_ended(g, now) or (g.end <= g.start if g.unlimited else g.available <= 0):
            return self.done(event, "refused")
        if g.unlimited:
            g.first_end = getattr(g, "first_end", g.end)
            g.end, g.ended = max(g.start, now), True
        else:
            g.voided += g.available
            g.available, g.void = 0, True
        self.done(event, "applied")

    def on_reset(self, event, data, now):
        policy = self.policies[data["currency"]]
        for g in self.grants:
            if g.currency != data["currency"] or not self.alive(g, now) or self.has_ended(g, now) or g.unlimited:
                continue
            if g.rollover is not None:
                self.level(g, min(g.rollover[1], max(g.rollover[0], g.available)))
            elif policy["reset"] == "lose":
                self.level(g, 0)  # silent: what it was overdrawn is forgiven
        if data.get("preserve_overage") != "yes":
            for c in self.charges:
                if c.currency == data["currency"]:
                    c.lost += c.debt
                    c.debt = 0
        self.done(event, "applied")

    def on_close(self, event, data, now):
        # Silent: a period is one of the account's own clock; one that is closed already may be closed again.
        end = period_end(data["period"], self.zone)
        self.done(event, "refused" if end is None or end > now else "applied")

    # ---- what accounts have

    def make(self, event, name, currency, now, **given):
        # Silent: the sequence of grants is the order in which they were told of, also of those that came late.
        number = self.came[event["id"]] if "late" in self.policies[currency] else len(self.grants) + 1
        g = SimpleNamespace(id=name, currency=currency, number=number, told=now, renewed=0, start=now,
                            end=FOREVER, amount=0,
                            available=0, held=0, used=0, expired=0, voided=0, transferred=0, issued=0,
                            cls=None, priority=None,
                            scope={}, floor=0, unlimited=False, every=None, origin="anchor", anchor=None, mode="reset",
                            rollover=None, max_per_charge=None, unit=1, void=False, ended=False, begun=False, staged=False,
                            period_end=None)
        g.__dict__.update(given)
        g.recurred = g.start
        term = self.policies[currency]["term"]
        if g.end == FOREVER and term:
            g.end = shifted(g.start, term, 1, 0)
        if not g.unlimited:
            g.issued = g.available = g.amount
        return g

    def on_grant(self, event, data, now):
        name, currency = data.get("grant", event["id"]), data["currency"]
        if any(g.id == name for g in self.grants):
            return self.done(event, "refused", "known")
        recurrence, rollover = data.get("recurrence", {}), data.get("rollover")
        unlimited = data["amount"] == "unlimited"
        amount = 0 if unlimited else self.minor(currency, data["amount"])
        floor = data.get("floor", "0")
        policy = self.policies[currency]
        g = self.make(event, name, currency, now, start=seconds(data["effective"]) if "effective" in data else now,
                      end=seconds(data["expires"]) if "expires" in data else FOREVER,
                      amount=amount, unlimited=unlimited,
                      cls=data.get("class"), priority=int(data["priority"]) if "priority" in data else None,
                      scope=data.get("scope", {}), floor=None if floor == "unlimited" else self.minor(currency, floor),
                      every=recurrence.get("every", None if unlimited else policy.get("every")),
                      origin=recurrence.get("from", "anchor" if recurrence else policy.get("from", "anchor")),
                      anchor=seconds(recurrence["anchor"]) if "anchor" in recurrence else None,
                      mode=recurrence.get("mode", "reset"), unit=int(data.get("grant_unit", 1)),
                      max_per_charge=self.minor(currency, data["max_per_charge"]) if "max_per_charge" in data else None,
                      rollover=rollover and [self.minor(currency, rollover[key]) for key in ("min", "max")])
        if g.end <= g.start:
            return self.done(event, "refused", "ends before it starts")
        if "balance" in data:
            g.issued = g.available = self.minor(currency, data["balance"])
        if g.every is not None and g.origin == "first-use":
            g.issued = g.available = 0
        old = [o for o in self.grants if o.id == data.get("renews") and o.currency == currency]
        if "renews" in data and not old:
            return self.done(event, "refused", "nothing to renew")
        if "balance" in data:
            g.issued = g.available = self.minor(currency, data["balance"])
        if g.every is not None and g.origin == "first-use":
            g.issued = g.available = 0
        self.grants.append(g)
        self.catch_up(g, now)
        if old and not old[0].unlimited and not old[0].void and self.size(old[0]) <= self.size(g):
            self.renew(old[0], g, now)
        self.done(event, "applied")

    def catch_up(self, g, now):
        """What it would have got, had it been told of in time."""
        for t in self.recurrences(g):
            if t < now < g.end: # what falls due now comes behind it, and behind a reset
                self.recur(g)

    @staticmethod
    def size(g):
        return g.amount if g.every is not None or g.unlimited else g.issued

    def renew(self, old, g, now):
        """What is left of a grant goes on in the one that renews it; also what expired at the very instant at which
        that begins."""
        if not self.has_ended(old, now):
            left, old.available = max(0, old.available), min(0, old.available)
        elif old.end == g.start:
            left, old.expired = old.expired, 0
        else:
            return
        old.transferred += left
        g.transferred -= left
        g.available += left

    def on_limit(self, event, data, now):
        limit = SimpleNamespace(id=data["limit"], currency=data["currency"],
                                amount=self.minor(data["currency"], data["amount"]),
                                per=data.get("per", ""), anchor=seconds(data["anchor"]) if "anchor" in data else None,
                                expires=seconds(data["expires"]) if "expires" in data else FOREVER,
                                scope=data.get("scope", {}),
                                serial=self.serial(), since=now)
        # Silent: a limit counts what is charged after it was first set; set anew, it keeps its count.
        for old in self.limits:
            if old.id == limit.id and (old.per, old.anchor) == (limit.per, limit.anchor):
                limit.serial, limit.since = old.serial, old.since
        self.limits = [o for o in self.limits if o.id != limit.id] + [limit]
        self.done(event, "applied")

    def on_account(self, event, data, now):
        self.zone = ZONES[data["zone"]] if "zone" in data else self.zone
        self.start = seconds(data["start"]) if "start" in data else self.start
        self.done(event, "applied")


def books(policies, sheet, events, until, included, kind=Account):
    """The accounts of a list of events at an instant. Who receives transfers sends none."""
    names = list(dict.fromkeys(e["subject"] for e in events))
    accounts, sent = {}, []
    for name in names:
        if not any(name in (e["data"].get("to"), *e["data"].get("share", {})) for e in events
                   if e["type"] == "scrip.transfer"):
            accounts[name] = kind(name, policies, sheet, [e for e in events
                                                             if e["subject"] == name]).run(until, included)
            sent += accounts[name].sent
    for name in dict.fromkeys(names + [to for to, _ in sent]):
        if name not in accounts:
            accounts[name] = kind(name, policies, sheet, [e for e in events if e["subject"] == name] +
                                     [e for to, e in sent if to == name]).run(until, included)
    return accounts
