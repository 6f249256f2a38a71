"""A clinician's decision on one visit, against what the plan lays out.

Takes planned visits and overrides; gives the visits as they are to be held. It knows no reason.
"""

import polars as pl

VISIT_OVERRIDES: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "origin": pl.String(),
    "grid_month": pl.Int64(),
    "overridden_on": pl.Date(),  # the day on which the visit is to be held; missing where it is not to be held
}
KEY = ("episode_id", "origin", "grid_month")


def with_visit_overrides(planned: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """The planned visits (`planning.VISITS`) as a clinician wants them: on another day, or not at all.

    The window grows to the day that was chosen, where it lies outside. An override of a visit that the plan does
    not lay out changes nothing; of several on one visit the last one holds.

    >>> from datetime import date
    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> planned = pl.DataFrame([{"episode_id": 1, "origin": "grid", "grid_month": 2, **window}])
    >>> later = pl.DataFrame([(1, "grid", 2, date(2026, 4, 20))], schema=VISIT_OVERRIDES, orient="row")
    >>> with_visit_overrides(planned, later).select("due_on", "closes_on").row(0)
    (datetime.date(2026, 4, 20), datetime.date(2026, 4, 20))
    """
    if overrides.is_empty():
        return planned
    last = overrides.select(*VISIT_OVERRIDES).unique(KEY, keep="last").with_columns(is_overridden=pl.lit(True))
    chosen = pl.col("overridden_on")
    return (
        planned.join(last, on=KEY, how="left", maintain_order="left")
        .filter(pl.col("is_overridden").is_null() | chosen.is_not_null())
        .with_columns(
            opens_on=pl.min_horizontal("opens_on", chosen),
            due_on=pl.coalesce(chosen, "due_on"),
            closes_on=pl.max_horizontal("closes_on", chosen),
        )
        .select(planned.columns)
    )
