#!/usr/bin/python3
"""Questions about zones and schedules with the answers of others: Python's zoneinfo, and croniter for the calendar.

    cron_oracle.py zones SEED COUNT    offset ZONE UTC OFFSET | local ZONE LOCAL once|gap|fold FIRST LAST
    cron_oracle.py cron SEED COUNT     next ZONE AFTER ANSWER|never EXPRESSION

One a line, in seconds since 1970; tests/unit/cron_oracle_test.c asks and compares. croniter is asked for what a calendar
without a zone shows: where clocks are changed it is wrong by its own tracker (runs twice or not at all, and answers before
the question), so the policy of docs/schedules.md stands here a second time, written as plainly as possible and as slow as
that is. Where no clock is changed near the answer croniter is asked with the zone as well, and must say the same.
"""
import bisect
import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

EPOCH = datetime(1970, 1, 1)
DAY = 86400
ODD = """Australia/Lord_Howe Africa/Casablanca Africa/El_Aaiun Pacific/Apia Antarctica/Troll Pacific/Chatham Atlantic/Azores
    Asia/Tehran Asia/Gaza Asia/Hebron America/Sao_Paulo America/Havana America/Santiago America/Asuncion America/Nuuk
    America/St_Johns America/Scoresbysund Africa/Cairo Asia/Beirut Asia/Amman Europe/Dublin Europe/Chisinau Europe/London
    Europe/Berlin America/New_York Asia/Kathmandu Pacific/Kiritimati Pacific/Easter Pacific/Norfolk Antarctica/Macquarie
    Asia/Pyongyang America/Caracas Africa/Juba Pacific/Kwajalein UTC""".split()


def all_zones():
    return sorted(available_timezones() - {"Factory", "localtime", "posixrules"})


def offset(zone, utc):
    return int((EPOCH + timedelta(seconds=utc)).replace(tzinfo=timezone.utc).astimezone(zone).utcoffset().total_seconds())


def local_of(zone, utc):
    return utc + offset(zone, utc)


CHANGES = {}


def changes(name, since=1900, until=2100):
    """The first seconds of a new offset; every few days is looked at."""
    if name not in CHANGES:
        zone, found = ZoneInfo(name), []
        at = int((datetime(since, 1, 1) - EPOCH).total_seconds())
        end = int((datetime(until, 1, 1) - EPOCH).total_seconds())
        before = offset(zone, at)
        while at < end:
            after = offset(zone, at + 5 * DAY)
            if after != before:
                low, high = at, at + 5 * DAY
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
                found.append(high)
            at, before = at + 5 * DAY, after
        CHANGES[name] = found
    return CHANGES[name]


def instants(zone, local):
    """When the clock shows it: kind, first, last."""
    naive = EPOCH + timedelta(seconds=local)
    early, late = (local - int(naive.replace(tzinfo=zone, fold=f).utcoffset().total_seconds()) for f in (0, 1))
    if early == late:
        return "once", early, late
    if early < late:
        return "fold", early, late
    low, high, before = late - 1, early, offset(zone, late - 1)  # a gap: the change lies between the two
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return "gap", high, high


def ask_zones(rng, count):
    names = all_zones()
    for _ in range(count):
        name = rng.choice(ODD if rng.random() < 0.3 else names)
        zone, near = ZoneInfo(name), changes(name)
        at = rng.choice(near) + rng.choice([-1, 0, rng.randint(-2 * DAY, 2 * DAY)]) if near and rng.random() < 0.8 \
            else rng.randint(-2208988800, 7258118400)
        print("offset", name, at, offset(zone, at))
        local = local_of(zone, at) + rng.choice([0, rng.randint(-3600, 3600), rng.randint(-DAY, DAY)])
        print("local", name, local, *instants(zone, local))


# ---- expressions: ours, and the same as croniter understands it ----

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()


def item(rng, low, high, words=None):
    """(ours, theirs): full ranges are left out, croniter takes them for `*`."""
    kind = rng.randrange(5)
    a = rng.randint(low, high)
    if kind <= 1 or high - a < 3:
        word = words[a - (1 if low == 1 else 0)] if words and rng.random() < 0.4 else str(a)
        return rng.choice([word, word.capitalize(), word.lower()]), str(a)
    if kind == 2:
        b = rng.randint(a + 1, high - (1 if a == low else 0))
        return f"{a}-{b}", f"{a}-{b}"
    step = rng.randint(2, max(2, min(high - a, 20)))
    if kind == 3:
        return f"{a}/{step}", f"{a}-{high}/{step}"  # to croniter a week has eight days, and 1/2 is Sunday too
    if low == 0 and a == 0:
        a = 1
    return f"{a}-{high}/{min(step, high - a)}", f"{a}-{high}/{min(step, high - a)}"


def field(rng, low, high, stars, words=None, is_of_days=False):
    dice = rng.random()
    if dice < stars:
        return ("?" if is_of_days and rng.random() < 0.3 else "*"), "*"
    if dice < stars + 0.12:
        step = rng.randint(2, min(high - low, 25))
        theirs = f"*/{step}" if low != 0 or high != 6 else f"0-6/{step}"
        return f"*/{step}", theirs
    items = [item(rng, low, high, words) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    ours, theirs = ",".join(i[0] for i in items), ",".join(i[1] for i in items)
    if len(values(theirs, low, high)) > high - low:  # to croniter 0-6 is `*`; to cron's rule about days it is not
        return field(rng, low, high, stars, words, is_of_days)
    return ours, theirs


def expression(rng):
    minute = field(rng, 0, 59, 0.1)
    hour = field(rng, 0, 23, 0.3)
    if rng.random() < 0.3:
        hour = (str(rng.randint(0, 3)),) * 2  # where clocks are changed
    day = field(rng, 1, 31, 0.6, is_of_days=True)
    month = field(rng, 1, 12, 0.7, MONTHS)
    weekday = field(rng, 0, 6, 0.6, DAYS, is_of_days=True)
    ours, theirs = zip(minute, hour, day, month, weekday)
    if rng.random() < 0.15:
        second = field(rng, 0, 59, 0.05)
        return (second[0],) + ours, theirs + (second[1],)
    return ours, theirs


def values(text, low, high):
    """The set that a field of croniter's form means."""
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        a, _, b = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(a), int(b or a) + 1, int(step or 1)))
    return found


def calendar_of_croniter(theirs, start):
    from croniter import croniter, CroniterBadDateError

    calendar = croniter(" ".join(theirs), EPOCH + timedelta(seconds=start), max_years_between_matches=100)
    try:
        while True:
            yield int((calendar.get_next(datetime) - EPOCH).total_seconds())
    except CroniterBadDateError:
        return


def calendar_by_days(theirs, start):
    minutes, hours, days, months, weekdays = (values(t, a, b) for t, a, b in
                                              zip(theirs, (0, 0, 1, 1, 0), (59, 23, 31, 12, 6)))
    seconds = values(theirs[5], 0, 59) if len(theirs) > 5 else {0}
    any_day, any_weekday = theirs[2] == "*", theirs[4] == "*"
    for i in range(101 * 366):
        date = (EPOCH + timedelta(seconds=start)).replace(hour=0, minute=0, second=0) + timedelta(days=i)
        day, weekday = date.day in days, date.isoweekday() % 7 in weekdays
        if date.month in months and (day if any_weekday else weekday if any_day else day or weekday):
            midnight = int((date - EPOCH).total_seconds())
            for t in sorted(h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds):
                if midnight + t > start:
                    yield midnight + t


def croniter_miscounts(theirs):
    """From 16 February it looks for 1,31 on 3 March, and goes on to the 31st: a day that the month does not have. And when
    the day of the month never comes it forgets the day of the week."""
    days = values(theirs[2], 1, 31)
    return theirs[2] != "*" and max(days) > 28 and (len(days) > 1 or theirs[4] != "*")


def answer(name, ours, theirs, after):
    zone, hour = ZoneInfo(name), ours[-4]
    every_hour = values(theirs[1], 0, 23) == set(range(24))
    both_hours = every_hour or "*" in hour or "/" in hour
    near = changes(name)
    i = bisect.bisect_right(near, after)
    # What was shown already is looked at again where it may be shown again: after the clock is set back, or soon is.
    start = local_of(zone, after)
    back = [offset(zone, c - 1) - offset(zone, c) for c in near[max(i - 1, 0):i + 1] if abs(c - after) < 2 * DAY]
    if both_hours:
        start -= max([0] + back)
    best = None
    for local in (calendar_by_days if croniter_miscounts(theirs) else calendar_of_croniter)(theirs, start):
        if local > start + 101 * 366 * DAY:
            return best
        kind, first, last = instants(zone, local)
        if kind == "gap" and every_hour:
            continue
        times = [first, last] if both_hours else [first]
        later = [t for t in times if t > after]
        if later and (best is None or later[0] < best):
            best = later[0]
        if first > after:
            break
    return best


def croniter_alone(name, theirs, after):
    from croniter import croniter

    start = datetime.fromtimestamp(after, ZoneInfo(name))
    return int(croniter(" ".join(theirs), start, max_years_between_matches=100).get_next(float))


def ask_cron(rng, count):
    agreed = left_out = 0
    names = all_zones()
    for _ in range(count):
        name = rng.choice(names) if rng.random() < 0.2 else rng.choice(ODD)
        near = [c for c in changes(name) if c > -1577923200]
        if near and rng.random() < 0.7:
            after = rng.choice(near) + rng.choice([-1, 0, 1, rng.randint(-5400, 5400), rng.randint(-2 * DAY, 2 * DAY)])
        else:
            after = rng.randint(0, 3786912000)
        ours, theirs = expression(rng)
        result = answer(name, ours, theirs, after)
        print("next", name, after, "never" if result is None else result, " ".join(ours))
        if result is None:
            continue
        # With the zone: only where no clock is changed from a day before the question to a day after the answer.
        if croniter_miscounts(theirs) or bisect.bisect_left(near, after - DAY) != bisect.bisect_right(near, result + DAY) or after < 0:
            left_out += 1
            continue
        alone = croniter_alone(name, theirs, after)
        if alone != result:
            print("differs", name, after, result, alone, " ".join(ours))
        agreed += 1
    print("asked", count, agreed, left_out)


def main():
    what, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    {"zones": ask_zones, "cron": ask_cron}[what](random.Random(seed), count)


if __name__ == "__main__":
    main()
