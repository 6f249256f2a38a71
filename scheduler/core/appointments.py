"""Appointments that the new plan wants earlier than they are.

Takes what becomes of the visits when a plan changes; gives it with these flagged. It moves nothing: a person calls
the patient.
"""

import polars as pl

from scheduler.core.liver_rhythm import LIVER_IMAGING
from scheduler.core.procedure_lists import ProcedureLists
from scheduler.core.visit_changes import Change, Today, after_the_change, episode_id, is_ahead, is_booked


def bring_forward(pairs: pl.DataFrame, lists: ProcedureLists, *, today: Today) -> pl.DataFrame:
    """The visits with `wanted_on`: by when the plan wants what is booked and flagged, missing for all others.

    Flagged is what the plan itself wants earlier, and the next appointment for liver imaging behind a visit for it
    that is new in the plan: on the day of the new one, unless the appointment is that early.

    >>> from datetime import date
    >>> days = {"opens_on": date(2026, 8, 1), "closes_on": date(2026, 12, 1)}
    >>> was = {f"was_{name}": day for name, day in days.items()} | {"was_status": "open", "was_list_id": 0}
    >>> month = {"list_id": 0, "is_answered": False, **days, **was}
    >>> new = {"key": 16416, "due_on": date(2026, 9, 30), "was_due_on": None, "booked_on": None, "change": "added"}
    >>> due = {"due_on": date(2026, 11, 2), "was_due_on": date(2026, 11, 2), "booked_on": date(2026, 11, 4)}
    >>> pairs = pl.DataFrame([month | new, month | due | {"key": 16420, "change": "kept"}])
    >>> lists = ProcedureLists(lists=((LIVER_IMAGING,),))
    >>> bring_forward(pairs, lists, today=date(2026, 8, 20)).select("change", "wanted_on").rows()[-1]
    ('flagged', datetime.date(2026, 9, 30))
    """
    flagged = pl.col("change") == Change.FLAGGED.value
    with_day = pairs.with_columns(wanted_on=pl.when(flagged).then("due_on"))
    if pairs.select((is_booked() & is_ahead(today)).any()).item() is not True:
        return with_day
    is_sooner = pl.col("sooner_on").is_not_null()
    return (
        with_day.join(_sooner(pairs, lists, today), on="key", how="left")
        .with_columns(
            change=pl.when(is_sooner).then(pl.lit(Change.FLAGGED.value)).otherwise("change"),
            wanted_on=pl.coalesce("sooner_on", "wanted_on"),
        )
        .drop("sooner_on")
    )


def _sooner(pairs: pl.DataFrame, lists: ProcedureLists, today: Today) -> pl.DataFrame:
    """The appointments for liver imaging directly behind a new visit for it: `key, sooner_on`, that visit's day."""
    is_open_after = (pl.col("change") == Change.ADDED.value) | is_ahead(today)
    in_front = pl.col("change").shift(1).over("episode_id") == Change.ADDED.value
    earlier_on = pl.col("due_on").shift(1).over("episode_id")
    return (
        pairs.filter(is_open_after, pl.col("change") != Change.WITHDRAWN.value)
        .with_columns(episode_id=episode_id())
        .filter((is_booked() & is_ahead(today)).any().over("episode_id"))
        .with_columns(**after_the_change())
        .filter(lists.holds(LIVER_IMAGING))
        .sort("episode_id", "due_on", "key")
        .with_columns(sooner_on=pl.when(in_front).then(earlier_on))
        .filter(is_booked(), is_ahead(today), pl.col("sooner_on") < pl.col("booked_on"))
        .select("key", "sooner_on")
    )
