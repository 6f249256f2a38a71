"""The liver visits that a plan lays out, each with its interval and the one after it.

Takes the visits of whole plans, from month 0; gives the rhythm that catch-up visits are held against. It knows
neither today nor what was done.
"""

import polars as pl

from scheduler.core.planning import GRID
from scheduler.core.procedure_lists import ProcedureLists
from scheduler.core.visit_changes import episode_id, grid_month, has_origin

LIVER_IMAGING = "liver_ct_mri"

RHYTHM: dict[str, pl.DataType] = {
    "key": pl.Int64(),
    "episode_id": pl.Int64(),
    "grid_month": pl.Int64(),
    "list_id": pl.Int64(),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "interval_months": pl.Int64(),  # since the liver visit before it; since the anchor for the first
    "owned_from": pl.Date(),  # an examination on or after this day answers for it, by its plan alone
    "next_due_on": pl.Date(),  # the liver visit after it, like the next two; missing for the last one
    "next_months": pl.Int64(),
    "next_list_id": pl.Int64(),
}


def rhythm(wanted: pl.DataFrame, lists: ProcedureLists) -> pl.DataFrame:
    """The liver visits of every plan (`RHYTHM`), by episode and month.

    Takes `key`, `list_id` and the days of the window. An interval is told by the months themselves, so that a
    marker that is wanted more often than imaging does not shorten it.

    >>> from datetime import date
    >>> from scheduler.core.visit_changes import with_key
    >>> rows = [(1, "grid", 2, 0, date(2026, 3, 31)), (1, "grid", 4, 0, date(2026, 5, 29))]
    >>> visits = pl.DataFrame(rows, schema=["episode_id", "origin", "grid_month", "list_id", "due_on"], orient="row")
    >>> wanted = with_key(visits.with_columns(opens_on="due_on"))
    >>> rhythm(wanted, ProcedureLists(lists=((LIVER_IMAGING,),))).select("interval_months", "owned_from").rows()
    [(2, datetime.date(2026, 3, 31)), (2, datetime.date(2026, 4, 30))]
    """
    follows = pl.col("episode_id") == pl.col("episode_id").shift(1)
    goes_on = pl.col("episode_id") == pl.col("episode_id").shift(-1)
    month_before = pl.when(follows).then(pl.col("grid_month").shift(1)).otherwise(0)
    days_before = (pl.col("due_on") - pl.col("due_on").shift(1)).dt.total_days()
    return (
        wanted.filter(lists.holds(LIVER_IMAGING), has_origin(GRID))
        .with_columns(episode_id=episode_id(), grid_month=grid_month())
        .sort("key")
        .with_columns(
            interval_months=pl.col("grid_month") - month_before,
            owned_from=pl.when(follows)
            .then(pl.col("due_on") - pl.duration(days=days_before // 2))
            .otherwise("opens_on"),
            next_due_on=pl.when(goes_on).then(pl.col("due_on").shift(-1)),
            next_list_id=pl.when(goes_on).then(pl.col("list_id").shift(-1)),
        )
        .with_columns(next_months=pl.when(goes_on).then(pl.col("interval_months").shift(-1)))
        .select(*RHYTHM)
    )


def stood_in_for(planned: pl.DataFrame, catch_ups: pl.DataFrame, *, near_enough: pl.Expr) -> pl.DataFrame:
    """The visits of a rhythm that catch-up visits stand in for: `RHYTHM` and `stands_in_on`, the catch-up's due day.

    `catch_ups` holds `episode_id`, `stands_in_on` and `imaged_on`, the day from which the next interval counts. Each
    stands in for the first visit due after it, where the one after that is `near_enough`.

    >>> from datetime import date
    >>> visit = {"key": 8, "episode_id": 1, "due_on": date(2026, 7, 31), "next_due_on": date(2026, 9, 30)}
    >>> catch_up = {"episode_id": 1, "stands_in_on": date(2026, 7, 10), "imaged_on": date(2026, 7, 10)}
    >>> near_enough = pl.col("next_due_on") <= date(2026, 10, 8)
    >>> stood_in_for(pl.DataFrame([visit]), pl.DataFrame([catch_up]), near_enough=near_enough)["key"].to_list()
    [8]
    """
    return (
        planned.join(catch_ups, on="episode_id")
        .filter(pl.col("due_on") > pl.col("stands_in_on"))
        .sort("key", "stands_in_on")
        .unique(["episode_id", "stands_in_on"], keep="first", maintain_order=True)
        .filter(near_enough)
        .unique("key", keep="last", maintain_order=True)
    )
