"""Which days are accounted for and which are not, at each site in its own time zone."""

from datetime import datetime, timedelta

import polars as pl

from scheduler.actions.reminders.accounting import BALANCED, MISSED, REMINDERS
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.calendar import local_day
from scheduler.core.reminders.ledger import COUNTS
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

GAPS: dict[str, pl.DataType] = {
    "site": pl.String(),
    "time_zone": pl.String(),
    "job": pl.String(),
    "on": pl.Date(),
}
DAYS = (
    "job",
    "site",
    "on",
    "state",
    "started_at",
    "finished_at",
    *COUNTS,
    "reasons",
)


def gaps(registry: Registry, *, now: datetime, site: str | None = None) -> pl.DataFrame:
    """The days of each site up to its today that are not accounted for (`GAPS`), by site and day.

    From the first day on which a site was accounted for; a site of which none was begins today. A day that does not
    balance is one of them; so is today while something of it failed that may be tried again. Raises `SiteNotFound`.
    """
    with registry.reading() as reading:
        check_site(reading, site)
        days = reading.job_days(REMINDERS)
        again = _to_be_tried_again(reading)
        sites = reading.sites()
    parts = [pl.DataFrame(schema=GAPS)]
    for row in sites.filter(pl.col("site") == site if site else pl.lit(value=True)).iter_rows(named=True):
        today = local_day(now, row["time_zone"])
        theirs = days.filter(pl.col("site") == row["site"])
        settled = set(theirs.filter(pl.col("state").is_in([BALANCED, MISSED]))["ran_for"])
        if (row["site_id"], today) in again:
            settled.discard(today)
        first = min([today, *theirs["ran_for"].to_list()])
        every = [first + timedelta(days=number) for number in range((today - first).days + 1)]
        open_days = [on for on in every if on not in settled]
        told = {"site": row["site"], "time_zone": row["time_zone"], "job": REMINDERS}
        parts.append(pl.DataFrame([{**told, "on": on} for on in open_days], schema=GAPS))
    return pl.concat(parts).sort("site", "on")


def list_days(registry: Registry, *, site: str | None = None) -> pl.DataFrame:
    """The accounts of days (`DAYS`), the newest first; `reasons` is JSON. Raises `SiteNotFound`."""
    with registry.reading() as reading:
        check_site(reading, site)
        days = reading.job_days()
    if site is not None:
        days = days.filter(pl.col("site") == site)
    return days.rename({"ran_for": "on"}).sort(["on", "site", "job"], descending=[True, False, False]).select(DAYS)


def _to_be_tried_again(reading: Reading) -> set[tuple[int, object]]:
    """The sites and days of which something failed that may be tried again."""
    failed = reading.reminders_not_sent(["failed"]).filter("may_repeat")
    return set(failed.select("site_id", "owed_on").unique().rows())
