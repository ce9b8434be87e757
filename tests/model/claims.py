"""claims.py - holds of the naive model: what is set aside, grows, is captured, comes back or times out."""
from types import SimpleNamespace

from when import FOREVER, rounded, seconds


class Claims:
    """The part of an account that knows holds."""

    def group_key(self, currency, hold_id, ctx):
        if not self.policies[currency].get("grouped"):
            return hold_id
        return (currency, ctx.user) if self.policies[currency]["hold_group"] == "user" else (currency,)

    def group_needs(self, group):
        """What each open hold of a group holds, in the order they came: all of it alone, else what it adds to the
        rest."""
        holds = [h for h in self.holds if h.open and h.group == group]
        policy = self.policies[holds[0].currency] if holds else {}
        if not policy.get("grouped"):
            return [(h, h.alone) for h in holds]
        out, before, products = [], 0, {}
        for h in holds:
            mine = products.setdefault(h.ctx.product, [])
            mine.append(rounded(h.alone * policy["hold_decay"] ** len(mine), policy["rounding"]))
            sums = [sum(p) for p in products.values()]
            total = sum(sums) if policy["hold_rule"] == "sum" else max(sums)
            out.append((h, total - before))
            before = total
        return out

    def regroup(self, group, now):
        """Gives back and takes what a change in a group makes each of its holds hold; False where there is too
        little."""
        needs = self.group_needs(group)
        for h, need in needs:
            if need < h.amount:
                self.give_back(h, h.amount - need, now)
        for h, need in needs:
            if need > h.amount:
                more = self.pay(h.currency, need - h.amount, h.ctx, now, "held", h.draws, debt=False)
                if more is None:
                    return False
                h.draws += more[0]
                h.amount += sum(n for _, n, *_ in more[0])
                if not self.policies[h.currency].get("grouped"):
                    h.alone = h.amount
        return True

    def give_back(self, hold, amount, now):
        """What was set aside last comes back first."""
        hold.amount -= amount
        while amount > 0:
            g, n, *when = hold.draws.pop()
            back = min(n, amount)
            if n > back:
                hold.draws.append((g, n - back, *when))
            self.put_back(g, back, "held", now)
            amount -= back

    def open_hold(self, event, name, now):
        found = [h for h in self.holds if h.id == name]
        if not found:
            return self.done(event, "refused", "no such hold")
        if not found[0].open:
            return self.done(event, "refused", found[0].why)
        return found[0]

    def on_hold(self, event, data, now):
        name = data.get("hold", event["id"])
        expires = seconds(data["expires"]) if "expires" in data else None
        if any(h.id == name for h in self.holds) or (expires is not None and expires <= now):
            return self.done(event, "refused")
        before = self.state()
        for number, lines in enumerate(self.quote(data)):
            (currency, amount, ctx), = lines
            if expires is None:
                wait = self.policies[currency]["hold_timeout"]
                ends = now + wait if wait else FOREVER
            hold = SimpleNamespace(id=name, event=event, currency=currency, ctx=ctx, at=now, alone=amount, amount=0,
                                   draws=[], open=True, line=number,
                                   why="", expires=expires if expires is not None else ends, owed=list,
                                   group=self.group_key(currency, name, ctx))
            self.holds.append(hold)
            if self.regroup(hold.group, now):
                return self.done(event, "applied")
            self.undo(before)
        return self.done(event, "refused")

    def on_extend(self, event, data, now):
        hold = self.open_hold(event, data["hold"], now)
        if hold is None:
            return
        before = self.state()
        if "expires" in data:
            hold.expires = seconds(data["expires"])
            if hold.expires <= now:
                self.undo(before)
                return self.done(event, "refused")
        elif "amount" not in data and self.policies[hold.currency]["hold_timeout"]:
            # Silent: an extend that says nothing is a heartbeat; one that only says an amount leaves the end as it is.
            hold.expires = now + self.policies[hold.currency]["hold_timeout"]
        if "amount" in data:
            if not hold.draws and self.minor(hold.currency,
                                             data["amount"]) > hold.amount and not \
                    self.policies[hold.currency].get("grouped"):
                self.undo(before)
                return self.done(event, "refused")
            needed = sum(need for _, need in self.group_needs(hold.group))
            hold.alone = self.minor(hold.currency, data["amount"])
            # Silent: the same of one that holds nothing in its group.
            grows = sum(need for _, need in self.group_needs(hold.group)) > needed
            if (not hold.draws and grows) or not self.regroup(hold.group, now):
                self.undo(before)
                return self.done(event, "refused")
        self.done(event, "applied")

    def on_release(self, event, data, now):
        hold = self.open_hold(event, data["hold"], now)
        if hold is None:
            return
        amount = self.minor(hold.currency, data["amount"]) if "amount" in data else hold.amount
        if amount > hold.amount:
            return self.done(event, "refused")
        hold.alone -= amount
        if amount == hold.amount or "amount" not in data:
            self.give_back(hold, hold.amount, now)
            hold.open, hold.why = False, "released"
        self.regroup(hold.group, now)
        self.done(event, "applied")

    def on_capture(self, event, data, now):
        hold = self.open_hold(event, data["hold"], now)
        if hold is None:
            return
        if self.policies[hold.currency].get("grouped"):
            return self.done(event, "refused", "capacity is given back")
        amount = self.minor(hold.currency, data["amount"]) if "amount" in data else hold.amount
        before, draws, owed = self.state(), [], 0
        more = amount - hold.amount
        # Silent: a hold that holds nothing names no grant and no price: nothing beyond it can be captured, nor can it
        # grow.
        if more > 0 and (not self.policies[hold.currency]["capture_over"] or not hold.draws):
            return self.done(event, "refused", "more than is held")
        self.give_back(hold, max(0, -more), now)
        hold.open, hold.why = False, "captured"
        for g, n, *when in hold.draws:
            g.held -= n * g.unit
            g.used += n * g.unit
            draws.append((g, n, *when))
        if more > 0:
            hold.open = True  # what was held counts for limits beside it
            paid = self.pay(hold.currency, more, SimpleNamespace(**{**hold.ctx.__dict__, "accept": "all"}), now,
                            "used", hold.draws)
            hold.open = False
            if paid is None:
                self.undo(before)
                return self.done(event, "refused")
            draws, owed = draws + paid[0], paid[1]
        self.charge(event, hold.line, hold.currency, hold.ctx, now, draws, owed)
        self.done(event, "charged" if amount else "zero")
