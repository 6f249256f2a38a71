"""When a site's day is to be done: its local time, once on each of its local days, whatever its clocks do.

Takes moments, sites' time zones and the days that nobody has accounted for; gives moments and sites. It is asked by the
bell, which may ring late or not at all, and by the gap check, which does not need the bell.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from scheduler.core.calendar import local_day

LATEST = time(22)  # to ring at: the hourly gap check must still fall into the same day, whatever the clocks do
MOST_LATE = timedelta(hours=2)  # after its ring; from then on a day that is not accounted for is overdue


def ring_at(on: date, *, at: time, time_zone: str) -> datetime:
    """The moment, in UTC, at which it rings on a site's local day.

    A time that the clocks pass twice rings the first time; one that they jump over rings as much later as they jump,
    or as much earlier where that would be another day.

    >>> ring_at(date(2026, 10, 25), at=time(2, 30), time_zone="Europe/Berlin").isoformat()
    '2026-10-25T00:30:00+00:00'
    >>> ring_at(date(2026, 3, 29), at=time(2, 30), time_zone="Europe/Berlin").isoformat()
    '2026-03-29T01:30:00+00:00'
    """
    zone = ZoneInfo(time_zone)
    moments = [datetime.combine(on, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
    return next((moment for moment in moments if moment.astimezone(zone).date() == on), moments[0])


def next_ring(after: datetime, *, at: time, time_zone: str) -> datetime:
    """The first ring later than this moment, in UTC. Each local day that the site has, has exactly one.

    >>> next_ring(datetime(2026, 11, 22, 7, tzinfo=UTC), at=time(7), time_zone="Asia/Seoul").isoformat()
    '2026-11-22T22:00:00+00:00'
    """
    zone = ZoneInfo(time_zone)
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        moment = ring_at(day, at=at, time_zone=time_zone)
        if moment > after and moment.astimezone(zone).date() == day:
            return moment
        day += timedelta(days=1)


def is_rung(on: date, now: datetime, *, at: time, time_zone: str) -> bool:
    """Whether the ring of this local day is past, or is now.

    >>> is_rung(date(2026, 11, 22), datetime(2026, 11, 21, 22, tzinfo=UTC), at=time(7), time_zone="Asia/Seoul")
    True
    """
    return ring_at(on, at=at, time_zone=time_zone) <= now


def is_rung_today(now: datetime, *, at: time, time_zone: str) -> bool:
    """Whether the ring of a site's own today is past, or is now: from then until its midnight its day may be done.

    >>> [is_rung_today(datetime(2026, 11, 21, hour, tzinfo=UTC), at=time(7), time_zone="Asia/Seoul")
    ...     for hour in (14, 15, 21, 22)]
    [True, False, False, True]
    """
    return is_rung(local_day(now, time_zone), now, at=at, time_zone=time_zone)


def owed_sites(gaps: pl.DataFrame, *, now: datetime, at: time) -> list[str]:
    """The sites to be done now, in order: those with a day not accounted for, once today's ring is past.

    Days missed before wait for today's ring too, so that nobody gets a message at night. `gaps` has `site, time_zone,
    on`.

    >>> gaps = pl.DataFrame({"site": ["seoul"], "time_zone": ["Asia/Seoul"], "on": [date(2026, 11, 22)]})
    >>> [owed_sites(gaps, now=datetime(2026, 11, 21, hour, tzinfo=UTC), at=time(7)) for hour in (21, 22)]
    [[], ['seoul']]
    """
    zones = gaps.select("site", "time_zone").unique().sort("site").rows()
    return [site for site, zone in zones if is_rung_today(now, at=at, time_zone=zone)]


def overdue_days(gaps: pl.DataFrame, *, now: datetime, at: time) -> list[tuple[str, date]]:
    """Each site and local day that nobody has accounted for more than two hours after its ring.

    >>> gaps = pl.DataFrame({"site": ["seoul"], "time_zone": ["Asia/Seoul"], "on": [date(2026, 11, 22)]})
    >>> overdue_days(gaps, now=datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC), at=time(7))
    [('seoul', datetime.date(2026, 11, 22))]
    """
    late = now - MOST_LATE
    days = gaps.select("site", "time_zone", "on").sort("site", "on").rows()
    return [(site, on) for site, zone, on in days if ring_at(on, at=at, time_zone=zone) < late]
