"""Examinations that found a recurrence, as the events that they are.

Takes examinations; gives events. A finding and an event are one fact: nobody has to record it twice, and correcting
the examination takes the event with it.
"""

import polars as pl

from scheduler.core.events import EVENTS, Event

FOUND = {"intrahepatic_recurrence": "intrahepatic", "extrahepatic_recurrence": "extrahepatic", "both": "both"}


def recurrences(examinations: pl.DataFrame) -> pl.DataFrame:
    """A recurrence (`EVENTS`) for each examination whose final result says so, true on the day it was performed.

    Needs `patient_id, performed_on, result_status, finding, recorded_at`. It is known since the result is.

    >>> from datetime import UTC, date, datetime
    >>> known = datetime(2026, 5, 4, tzinfo=UTC)
    >>> scan = {"patient_id": 7, "performed_on": date(2026, 5, 1), "recorded_at": known}
    >>> found = scan | {"result_status": "final", "finding": "intrahepatic_recurrence"}
    >>> awaited = scan | {"result_status": "pending", "finding": None}
    >>> recurrences(pl.DataFrame([found, awaited])).select("event", "on", "detail").rows()
    [('recurrence', datetime.date(2026, 5, 1), 'intrahepatic')]
    """
    return examinations.filter(
        pl.col("result_status") == "final", pl.col("finding").is_in(list(FOUND)).fill_null(value=False)
    ).select(
        pl.col("patient_id").cast(EVENTS["patient_id"]),
        pl.lit(Event.RECURRENCE.value).alias("event"),
        pl.col("performed_on").alias("on"),
        pl.col("finding").replace(FOUND).alias("detail"),
        pl.col("recorded_at").cast(EVENTS["recorded_at"]),
    )
