"""Which visit owns which days: the visit that an examination of that day is held against.

Takes examinations and visits; gives the owner of each examination's day. Every day from the first opening on has one
owner, and no day has two. It knows neither procedures nor results.
"""

import polars as pl

from scheduler.core.misses import GONE
from scheduler.core.planning import GRID

OWNERS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "visit_id": pl.Int64(),  # the owner of the day; missing before the first window opens, or where no visit stands
}


def owners(examinations: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """The visit that owns the day of each examination: an `OWNERS` row each, in no order.

    Needs examination_id, episode_id and performed_on; visit_id, episode_id, origin, opens_on, due_on and status.
    A day belongs to the visit with the nearest due day, so that each owns the days from the midpoint before its due
    day to the midpoint after it; a day exactly between two belongs to the earlier one, which leaves the later one
    still to be done. The first owns from the day that its window opens, the last without end, until the plan is laid
    out further. Of two visits due on one day the one with the lower number owns. Withdrawn and censored visits own
    nothing.

    A visit beside the grid (`catch_up`, `suspicious`) owns nothing before its window opens. Otherwise a suspicious
    baseline scan would itself answer the visit that it asked for, and not the one that it was made for.

    >>> from datetime import date
    >>> visit = {"visit_id": 1, "episode_id": 1, "origin": "grid", "opens_on": date(2026, 3, 17), "status": "open"}
    >>> later = {"visit_id": 2, "opens_on": date(2026, 5, 17), "due_on": date(2026, 5, 31)}
    >>> visits = pl.DataFrame([visit | {"due_on": date(2026, 4, 1)}, visit | later])
    >>> days = [date(2026, 3, 16), date(2026, 3, 17), date(2026, 5, 1), date(2026, 5, 2), date(2030, 1, 1)]
    >>> examinations = pl.DataFrame({"examination_id": range(5), "episode_id": [1] * 5, "performed_on": days})
    >>> owners(examinations, visits).sort("examination_id")["visit_id"].to_list()
    [None, 1, 1, 2, 2]
    """
    examined = examinations.select("examination_id", "episode_id", "performed_on")
    standing = visits.filter(~pl.col("status").is_in(GONE))
    is_grid = pl.col("origin") == GRID
    on_grid = _owned_on_grid(examined, standing.filter(is_grid))
    beside = standing.filter(~is_grid)
    if beside.is_empty():
        return on_grid.select(*OWNERS)
    return (
        on_grid.join(_nearest_beside_grid(examined, beside), on="examination_id", how="left")
        .with_columns(visit_id=pl.when(_is_beside_grid()).then("beside_id").otherwise("visit_id"))
        .select(*OWNERS)
    )


def _owned_on_grid(examined: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """Each examination with the grid visit that owns its day, as if there were no other visits."""
    previous_on = pl.col("due_on").shift(1).over("episode_id")
    days_between = (pl.col("due_on") - pl.col("previous_on")).dt.total_days()
    after_midpoint = pl.col("previous_on") + pl.duration(days=days_between // 2 + 1)
    ranges = (
        grid.sort("episode_id", "due_on", "visit_id")
        .with_columns(previous_on=previous_on, first_opens_on=pl.col("opens_on").min().over("episode_id"))
        .filter(pl.col("due_on").ne_missing(pl.col("previous_on")))
        .select("episode_id", "visit_id", "due_on", owns_from=pl.coalesce(after_midpoint, "first_opens_on"))
    )
    return examined.sort("performed_on").join_asof(
        ranges.sort("owns_from"),
        left_on="performed_on",
        right_on="owns_from",
        by="episode_id",
        check_sortedness=False,
    )


def _nearest_beside_grid(examined: pl.DataFrame, beside: pl.DataFrame) -> pl.DataFrame:
    """Of the visits beside the grid whose windows have opened by each examination's day, the one due nearest."""
    opened = beside.select("episode_id", "opens_on", beside_due_on="due_on", beside_id="visit_id")
    return (
        examined.join(opened, on="episode_id")
        .filter(pl.col("opens_on") <= pl.col("performed_on"))
        .sort(_days_from("beside_due_on"), "beside_due_on", "beside_id")
        .unique("examination_id", keep="first", maintain_order=True)
        .select("examination_id", "beside_due_on", "beside_id")
    )


def _is_beside_grid() -> pl.Expr:
    """Whether the visit beside the grid owns the day: due nearer, or as near and earlier, or of a lower number."""
    beside, grid = _days_from("beside_due_on"), _days_from("due_on")
    is_earlier = pl.col("beside_due_on") < pl.col("due_on")
    is_lower = (pl.col("beside_due_on") == pl.col("due_on")) & (pl.col("beside_id") < pl.col("visit_id"))
    is_nearer = (beside < grid) | ((beside == grid) & (is_earlier | is_lower))
    return pl.col("beside_id").is_not_null() & is_nearer.fill_null(value=True)


def _days_from(due_on: str) -> pl.Expr:
    return (pl.col("performed_on") - pl.col(due_on)).dt.total_days().abs()
