"""when.py - instants, durations and rounding of the naive model."""
import datetime
import functools
from fractions import Fraction

EPOCH = datetime.datetime(2022, 1, 1)
FOREVER = 10**12
NO_LIMIT = 10**18
AMOUNT_MAX = 2**63 - 1
DAY = 86400
# At one instant events come in this order; what has no rank of its own comes last.
RANKS = {"account": 0, "limit": 0, "grant": 2, "reset": 3, "release": 6, "reversal": 7, "usage": 8, "hold": 9,
         "capture": 10}
EXPIRY, ACTIVATION, RECURRENCE, SETTLEMENT, RELEASE, REST = 1, 2, 4, 5, 6, 11
ZONES = {"UTC": 0, "Europe/Berlin": 3600, "America/New_York": -18000}  # no history reaches the summer


@functools.lru_cache(4096)
def seconds(text):
    return int((datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") - EPOCH).total_seconds())


@functools.lru_cache(4096)
def instant(second):
    return (EPOCH + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rounded(value, rounding):
    """A fraction of minor units as a whole number of them."""
    floor = value.numerator // value.denominator
    rest = value - floor
    if rounding == "down" or rest == 0:
        return floor
    if rounding == "up":
        return floor + 1
    if rest == Fraction(1, 2):
        return floor + 1 if rounding == "half-up" else floor + floor % 2
    return floor + (rest > Fraction(1, 2))


def shifted(second, every, count, zone):
    """second + count times a duration, on the clock of a zone; a day that a month lacks becomes its last."""
    if every.endswith("M"):  # months; no history needs minutes
        local = EPOCH + datetime.timedelta(seconds=second + zone)
        month = local.year * 12 + local.month - 1 + count * int(every[1:-1])
        first = datetime.datetime(month // 12, month % 12 + 1, 1)
        last = (datetime.datetime((month + 1) // 12, (month + 1) % 12 + 1, 1) - first).days
        local = local.replace(year=first.year, month=first.month, day=min(local.day, last))
        return int((local - EPOCH).total_seconds()) - zone
    return second + count * (3600 if every == "PT1H" else int(every[1:-1]) * DAY)


@functools.lru_cache(4096)
def series(base, every, zone):
    """The instants that a duration makes, before and after a base."""
    return [shifted(base, every, n, zone) for n in range(-120, 120)]


def floored(second, unit, zone):
    """The start of the hour, day, month or year that holds an instant, on the clock of a zone."""
    local = (EPOCH + datetime.timedelta(seconds=second + zone)).replace(minute=0, second=0)
    for one, least in (("day", dict(hour=0)), ("month", dict(day=1)), ("year", dict(month=1))):
        if unit != "hour":
            local = local.replace(**least)
        if unit in ("hour", one):
            break
    return int((local - EPOCH).total_seconds()) - zone


def period_end(period, zone):
    """Where a day, a month or a year ends on the clock of a zone; None: it is no period."""
    for size, form, every in ((4, "%Y", "P12M"), (7, "%Y-%m", "P1M"), (10, "%Y-%m-%d", "P1D")):
        try:
            if len(period) == size:
                start = int((datetime.datetime.strptime(period, form) - EPOCH).total_seconds()) - zone
                return shifted(start, every, 1, zone)
        except ValueError:
            pass
    return None
