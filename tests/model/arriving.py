"""arriving.py - an account whose events are judged in the order in which they come, each by its own date.

What comes late is charged against what is left of the grants that lived at its date: of those that have ended since,
what expired.
"""
from naive import Account
from when import ACTIVATION, EXPIRY, FOREVER, NO_LIMIT, RECURRENCE, RELEASE, REST, SETTLEMENT, seconds

ANEW = 64  # lines of a price that came later count from here


class Arriving(Account):
    """The same account, moved on by what comes instead of by a calendar."""

    def __init__(self, name, policies, sheet, events):
        super().__init__(name, policies, sheet, events)
        self.events = list(events)
        self.clock, self.gains, self.posted, self.used = (-FOREVER, 0), set(), False, []

    def run(self, until, included):
        """Only for an instant after everything that came."""
        for event in self.events:
            if event["type"] == "scrip.rerate":
                self.rerate(event["data"], seconds(event["time"]))
            else:
                self.arrive(event, seconds(event["time"]), self.rank(event))
        self.advance(until, REST + 1 if included else -1)
        return self

    def arrive(self, event, now, rank):
        # Silent: what came late runs no timers, not even what fell due before its date.
        if (now, rank) >= self.clock:
            self.advance(now, rank)
            self.clock = now, rank
        self.posted = now < self.clock[0]
        getattr(self, "on_" + event["type"].split(".")[1])(event, event["data"], now)
        self.posted = False
        for g in self.grants:
            if not g.staged:
                g.staged, g.begun = True, g.start <= self.clock[0]
        self.end_passed()
        if event["type"] == "scrip.usage":
            self.used.append(event)
        self.gains.add(self.clock[0])
        self.written = list(self.usage)

    def end_passed(self):
        for g in self.grants:
            if not g.ended and (g.end, EXPIRY) < self.clock:
                self.end(g)  # it came, or came back, after its end

    # ---- what falls due

    def advance(self, until, rank):
        """What falls due before a rank of an instant, also what should have before the last event came."""
        while due := min((d for d in self.dues() if d[:2] < (until, rank)), key=lambda d: d[:3], default=None):
            time, kind, _, thing = due
            if kind == EXPIRY:
                self.end(thing)
            elif kind == ACTIVATION:
                thing.begun = True
            elif kind == RECURRENCE:
                thing.recurred = time
                self.recur(thing)
            elif kind == SETTLEMENT:
                self.gains.discard(time)
                self.settle(time)
                continue
            else:
                self.give_back(thing, thing.amount, time)
                thing.open, thing.why = False, "timed out"
                self.regroup(thing.group, time)
            self.gains.add(max(time, self.clock[0]))

    def dues(self):
        for n, g in enumerate(self.grants):
            if not g.ended:
                yield g.end, EXPIRY, n, g
                if not g.begun:
                    yield g.start, ACTIVATION, n, g
                elif not g.void and g.every is not None:
                    for t in self.recurrences(g):
                        if t > g.recurred or g.origin == "first-use":
                            yield t, RECURRENCE, n, g
                            break
        for time in self.gains:
            yield time, SETTLEMENT, 0, None
        for n, hold in enumerate(self.holds):
            if hold.open:
                yield hold.expires, RELEASE, n, hold

    @staticmethod
    def end(g):
        g.ended = True
        if not g.unlimited and g.available > 0:
            g.expired += g.available
            g.available = 0

    def end_grants(self, now):
        pass

    def catch_up(self, g, now):
        """What a grant would have got, had it been told of in time, falls due when time goes on."""

    # ---- by another date

    def has_ended(self, g, now):
        return g.ended

    def room(self, g, taken=0):
        if not g.ended or g.unlimited:
            return super().room(g, taken)
        free = g.expired // g.unit
        return free if g.max_per_charge is None else min(free, max(0, g.max_per_charge - taken))

    def take(self, g, units, book):
        if not g.ended or g.unlimited:
            return super().take(g, units, book)
        g.expired -= units * g.unit
        setattr(g, book, getattr(g, book) + units * g.unit)

    def leeway(self, g):
        return g.expired if g.ended else super().leeway(g)

    def drain(self, g, n):
        if g.ended:
            g.expired -= n
            g.issued -= n
        else:
            super().drain(g, n)

    def begin_periods(self, currency, ctx, now):
        """Silent: a use that came late begins no period."""
        if not self.posted:
            super().begin_periods(currency, ctx, now)

    def settle(self, now):
        # The older charge first, of one instant by the order of events, however they came.
        self.charges.sort(key=lambda c: (c.at, c.told, c.source, c.event, c.line))
        super().settle(now)

    # ---- other prices

    def rerate(self, data, now):
        """A corrected sheet: each usage that it prices otherwise is given back, and charged anew, by its own date."""
        old, self.sheet = self.sheet, data["sheet"]
        for usage in self.used:
            at, outcome = seconds(usage["time"]), self.outcomes[usage["id"]][0]
            mine = [c for c in self.charges if (c.event, c.source) == (usage["id"], usage["source"])]
            # Silent: what was given back in whole stays so.
            if outcome == "refused" or "amount" in usage["data"] or not data["from"] <= at < data["to"] or \
                    self.prices(old, usage["data"]) == self.prices(self.sheet, usage["data"]) or \
                    (outcome == "charged" and not any(c.amount() for c in mine)):
                continue
            self.advance(now, REST)
            self.clock, self.posted = (now, REST), at < now
            for c in reversed(mine):
                if c.amount():
                    self.reverse(c, c.amount(), at)
            self.end_passed()
            self.charge_anew(usage, at)
            self.gains.add(now)
            self.posted, self.written = False, list(self.usage)

    @staticmethod
    def prices(sheet, data):
        return [[p for p in sheet[item["product"]] if data.get("currency") in (None, p[0])]
                for item in data.get("lines", [data])]

    def charge_anew(self, usage, at):
        """It was accepted once, so it stays so: what no grant pays is owed, whatever the currency says."""
        quote = self.quote(usage["data"])
        for lines, debt in [(lines, False) for lines in quote if len(quote) > 1] + [(lines, "forced") for lines in quote]:
            before = self.state()
            for number, (currency, amount, ctx) in enumerate(lines):
                paid = self.pay(currency, amount, ctx, at, "used", debt=debt)
                if paid is None:
                    break
                self.charge(usage, ANEW + number + quote.index(lines), currency, ctx, at, *paid)
            else:
                return
            self.undo(before)

    def on_account(self, event, data, now):
        # The latest by date counts.
        if self.posted:
            return self.done(event, "applied")
        super().on_account(event, data, now)
