"""The only calendar arithmetic: months from an anchor, windows in days, working days.

Takes dates and numbers of months; gives dates. Every month is counted from the anchor, never from the date
before it, and a day that does not exist clamps to the month's end. It refuses to know why a date is wanted,
and which days are holidays: `WorkingDays` is told.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDays:
    """When a site works: neither on its weekend (weekdays, Monday is 0) nor on a closed day.

    >>> korea = WorkingDays(closed=frozenset({date(2026, 3, 2)}))
    >>> korea.includes(date(2026, 3, 2)), korea.includes(date(2026, 3, 3)), korea.includes(date(2026, 3, 7))
    (False, True, False)
    """

    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})
    closed: frozenset[date] = frozenset()

    def includes(self, day: date) -> bool:
        """Whether the site works on that day."""
        return day.weekday() not in self.weekend and day not in self.closed


def local_day(moment: datetime, time_zone: str) -> date:
    """The day that a moment belongs to at a site.

    >>> from datetime import UTC
    >>> local_day(datetime(2026, 12, 31, 10, 0, 1, tzinfo=UTC), "Pacific/Kiritimati")
    datetime.date(2027, 1, 1)
    """
    return moment.astimezone(ZoneInfo(time_zone)).date()


def local_time(moment: datetime, time_zone: str) -> time:
    """The time of day at a site.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 7, 1, 5, 30, tzinfo=UTC), "Asia/Kathmandu")
    datetime.time(11, 15)
    """
    return moment.astimezone(ZoneInfo(time_zone)).time()


def months_after(anchor: pl.Expr, months: pl.Expr) -> pl.Expr:
    """The date so many months after the anchor; missing where either is.

    >>> frame = pl.DataFrame({"anchor_on": [date(2026, 1, 31)] * 2, "grid_month": [1, 2]})
    >>> frame.select(grid_on=months_after(pl.col("anchor_on"), pl.col("grid_month")))["grid_on"].to_list()
    [datetime.date(2026, 2, 28), datetime.date(2026, 3, 31)]
    """
    return anchor.dt.offset_by(pl.format("{}mo", months))


def day_months_after(anchor: date, months: int) -> date:
    """One date so many months after one anchor.

    >>> day_months_after(date(2025, 8, 31), 6), day_months_after(date(2024, 2, 29), 12)
    (datetime.date(2026, 2, 28), datetime.date(2025, 2, 28))
    """
    day: date = pl.select(months_after(pl.lit(anchor), pl.lit(months))).item()
    return day


def whole_months_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """How many whole months after `earlier` the date `later` is; a month is whole on its clamped day.

    >>> frame = pl.DataFrame({"later": [date(2026, 2, 27), date(2026, 2, 28)]})
    >>> months = whole_months_between(pl.lit(date(2026, 1, 31)), pl.col("later"))
    >>> frame.select(months=months)["months"].to_list()
    [0, 1]
    """
    counted = (later.dt.year() - earlier.dt.year()).cast(pl.Int64) * 12
    counted += later.dt.month().cast(pl.Int64) - earlier.dt.month().cast(pl.Int64)
    return counted - (months_after(earlier, counted) > later).cast(pl.Int64)


@cache
def shortest_days(months: int) -> int:
    """The fewest days that a stretch of so many months can have, between two days counted from one anchor.

    >>> [shortest_days(months) for months in (1, 2, 3, 4, 6, 12)]
    [28, 59, 89, 120, 181, 365]
    """
    days = pl.DataFrame({"anchor_on": pl.date_range(date(2023, 1, 1), date(2023, 1, 31), eager=True)})
    starts = days.join(pl.DataFrame({"start": range(48)}), how="cross")
    begin = months_after(pl.col("anchor_on"), pl.col("start"))
    end = months_after(pl.col("anchor_on"), pl.col("start") + months)
    shortest: int = starts.select((end - begin).dt.total_days().min()).item()
    return shortest


def with_due_on(windows: pl.DataFrame, working_days: WorkingDays) -> pl.DataFrame:
    """The windows with `due_on`: the day on which a visit is planned.

    Takes the dates `grid_on`, `opens_on`, `closes_on` (both ends inclusive). Due is the first working day
    on or after the grid day inside the window; else the last one in the window before it; else the grid day.

    >>> saturday, before, after = date(2026, 2, 28), date(2026, 2, 14), date(2026, 3, 14)
    >>> frame = pl.DataFrame({"grid_on": [saturday], "opens_on": [before], "closes_on": [after]})
    >>> with_due_on(frame, WorkingDays())["due_on"].to_list()
    [datetime.date(2026, 3, 2)]
    """
    if windows.is_empty():
        return windows.with_columns(due_on=pl.lit(None, dtype=pl.Date))
    first_day, last_day = windows.select(pl.col("opens_on").min(), pl.col("closes_on").max()).row(0)
    worked = _worked_days(first_day, last_day, working_days)
    position = (pl.col("grid_on") - pl.lit(first_day)).dt.total_days()
    following = pl.lit(worked.fill_null(strategy="backward")).gather(position)
    preceding = pl.lit(worked.fill_null(strategy="forward")).gather(position)
    return windows.with_columns(
        due_on=pl.when(following <= pl.col("closes_on"))
        .then(following)
        .when(preceding >= pl.col("opens_on"))
        .then(preceding)
        .otherwise(pl.col("grid_on"))
    )


def due_day(grid_on: date, *, opens_on: date, closes_on: date, working_days: WorkingDays) -> date:
    """The planned day of one visit, as `with_due_on` decides it.

    >>> before, after = date(2025, 12, 18), date(2026, 1, 15)
    >>> new_year = WorkingDays(closed=frozenset({date(2026, 1, 1), date(2026, 1, 2)}))
    >>> due_day(date(2026, 1, 1), opens_on=before, closes_on=after, working_days=new_year)
    datetime.date(2026, 1, 5)
    """
    window = pl.DataFrame({"grid_on": [grid_on], "opens_on": [opens_on], "closes_on": [closes_on]})
    day: date = with_due_on(window, working_days)["due_on"].item()
    return day


def _worked_days(first_day: date, last_day: date, working_days: WorkingDays) -> pl.Series:
    """Every day from the first to the last, both inclusive; missing where the site does not work."""
    days = pl.date_range(first_day, last_day, eager=True)
    is_weekend = (days.dt.weekday() - 1).is_in([*working_days.weekend])  # Polars counts Monday as 1
    return days.set(is_weekend | days.is_in([*working_days.closed]), None)


def without_working_day(visits: pl.DataFrame, working_days: WorkingDays) -> pl.DataFrame:
    """The visits in whose whole window the site does not work: nobody can come on time. Needs both ends of the window.

    >>> easter = {"opens_on": [date(2026, 4, 4)], "closes_on": [date(2026, 4, 6)]}
    >>> monday = WorkingDays(closed=frozenset({date(2026, 4, 6)}))
    >>> visits = pl.DataFrame(easter)
    >>> without_working_day(visits, monday).height, without_working_day(visits, WorkingDays()).height
    (1, 0)
    """
    if visits.is_empty():
        return visits
    first_day, last_day = visits.select(pl.col("opens_on").min(), pl.col("closes_on").max()).row(0)
    worked = _worked_days(first_day, last_day, working_days).is_not_null().cast(pl.Int64).cum_sum()
    before = pl.concat([pl.Series([0], dtype=pl.Int64), worked])
    opens, closes = ((pl.col(name) - pl.lit(first_day)).dt.total_days() for name in ("opens_on", "closes_on"))
    return visits.filter(pl.lit(before).gather(closes + 1) == pl.lit(before).gather(opens))
