"""What becomes of each visit, one at a time, when a plan changes.

Takes the visits that exist beside the visits that are wanted; gives a change for each pair. It looks at no other
visit of the episode: what follows from the visits before and behind it is for `catch_up`.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import polars as pl

from scheduler.core.planning import GRID

CATCH_UP = "catch_up"
SUSPICIOUS = "suspicious"
ORIGINS = (GRID, CATCH_UP, SUSPICIOUS)
KEY = ("episode_id", "origin", "grid_month")
DAYS = ("opens_on", "due_on", "closes_on")
WINDOW = ("procedures", *DAYS)

EXISTING: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "origin": pl.String(),  # one of ORIGINS
    "grid_month": pl.Int64(),
    "procedures": pl.List(pl.String()),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),  # open, done, missed, withdrawn, censored
}
CHANGES: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),  # missing for a visit that did not exist
    "episode_id": pl.Int64(),
    "origin": pl.String(),
    "grid_month": pl.Int64(),
    "change": pl.String(),
    "reason": pl.String(),
    "procedures": pl.List(pl.String()),  # after the change, like the window
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "was_procedures": pl.List(pl.String()),  # before it, missing for a visit that did not exist
    "was_due_on": pl.Date(),
}


Today = date | Mapping[int, date]  # one day for everybody, or the day as of which each episode is looked at


class Change(StrEnum):
    """What becomes of a visit."""

    KEPT = "kept"  # wanted, and as it was
    MOVED = "moved"  # wanted, on another day or with other procedures
    ADDED = "added"  # wanted, and not there or withdrawn
    WITHDRAWN = "withdrawn"  # ahead, and no longer wanted
    FLAGGED = "flagged"  # booked, and wanted earlier: a person brings the appointment forward
    LEFT = "left"  # not the plan's to change


# Beside each other means, for each visit that exists or is wanted: `key` (KEY in one number), `list_id` and DAYS as
# wanted, `because` (why, where it is not simply the plan), the same as `was_…`, `is_answered` and `booked_on`.
MONTHS, PLACES = 4096, 4


def visit_name() -> pl.Expr:
    """What people call a visit of one episode: its origin and month.

    >>> pl.DataFrame({"origin": ["grid"], "grid_month": [6]}).select(visit_name()).item()
    'grid-6'
    """
    return pl.format("{}-{}", "origin", "grid_month")


def with_key(visits: pl.DataFrame) -> pl.DataFrame:
    """The visits with `key`, one number for episode, origin and grid month, in place of these three.

    Months from 0 to 4095. Numbers of one episode lie together, in the order of its months.

    >>> visits = pl.DataFrame({"episode_id": [7], "origin": ["catch_up"], "grid_month": [6]})
    >>> with_key(visits).select(**from_key()).row(0)
    (7, 'catch_up', 6)
    """
    place = sum((pl.col("origin") == origin).cast(pl.Int64) * number for number, origin in enumerate(ORIGINS))
    key = (pl.col("episode_id").cast(pl.Int64) * MONTHS + pl.col("grid_month").cast(pl.Int64)) * PLACES + place
    return visits.select(pl.exclude(KEY), key=key)


def from_key() -> dict[str, pl.Expr]:
    """Episode, origin and grid month, as `key` holds them; `with_key` shows both."""
    origin = pl.lit(pl.Series(ORIGINS)).gather(pl.col("key") % PLACES)
    return {"episode_id": episode_id(), "origin": origin, "grid_month": grid_month()}


def episode_id() -> pl.Expr:
    """The episode, as `key` holds it; `with_key` shows it."""
    return pl.col("key") // (MONTHS * PLACES)


def grid_month() -> pl.Expr:
    """The grid month, as `key` holds it; `with_key` shows it."""
    return pl.col("key") // PLACES % MONTHS


def day(today: Today, episode: pl.Expr | None = None) -> pl.Expr:
    """Today, as of which each visit is looked at: its episode's own where there is a day for each.

    The episode is taken from `key` unless it is given. Raises where an episode has no day.

    >>> visits = pl.DataFrame({"episode_id": [8, 7]})
    >>> today = {7: date(2026, 4, 14), 8: date(2026, 5, 1)}
    >>> visits.select(day(today, pl.col("episode_id"))).to_series().to_list()
    [datetime.date(2026, 5, 1), datetime.date(2026, 4, 14)]
    """
    if isinstance(today, date):
        return pl.lit(today)
    return (episode_id() if episode is None else episode).replace_strict(today, return_dtype=pl.Date)


def has_origin(origin: str) -> pl.Expr:
    """Whether the visit is one of the grid, a catch-up or a suspicious one, as `key` holds it.

    >>> visits = pl.DataFrame({"episode_id": [7], "origin": ["catch_up"], "grid_month": [6]})
    >>> with_key(visits).select(has_origin("catch_up")).item()
    True
    """
    return pl.col("key") % PLACES == ORIGINS.index(origin)


def change(today: Today, *, whole: bool, same_procedures: pl.Expr) -> pl.Expr:
    """The change of each pair; missing for a wanted visit that is past and was never there.

    A visit that closes today is not past. What is answered, closed or past is left; what is booked keeps its day.

    >>> days = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> was = {f"was_{name}": day for name, day in days.items()} | {"was_status": "open", "was_list_id": 0}
    >>> pair = {"key": 8, "list_id": 0, "is_answered": False, "booked_on": None, **days, **was}
    >>> frame = pl.DataFrame([pair, pair | {"list_id": None}])
    >>> same = pl.col("list_id") == pl.col("was_list_id")
    >>> frame.select(change=change(date(2026, 4, 14), whole=False, same_procedures=same))["change"].to_list()
    ['kept', 'withdrawn']
    """
    is_wanted = pl.col("list_id").is_not_null()
    wanted_now = is_wanted & (pl.lit(whole) | (pl.col("closes_on") >= day(today)))
    is_same = same_procedures & pl.all_horizontal(pl.col(name) == pl.col(f"was_{name}") for name in DAYS)
    return (
        pl.when(wanted_now & (is_new() | was("withdrawn")))
        .then(_named(Change.ADDED))
        .when(is_new())
        .then(pl.lit(None, dtype=pl.String))
        .when(~is_ahead(today))
        .then(_named(Change.LEFT))
        .when(is_wanted & is_same)
        .then(_named(Change.KEPT))
        .when(is_wanted & is_booked() & _is_earlier())
        .then(_named(Change.FLAGGED))
        .when(is_booked() & ~(is_wanted & ~same_procedures))
        .then(_named(Change.LEFT))
        .when(is_wanted)
        .then(_named(Change.MOVED))
        .when(has_origin(GRID))
        .then(_named(Change.WITHDRAWN))
        .otherwise(_named(Change.LEFT))
    )


def is_new() -> pl.Expr:
    """Whether the visit did not exist.

    >>> pl.DataFrame({"was_status": ["open", None]}).select(is_new()).to_series().to_list()
    [False, True]
    """
    return pl.col("was_status").is_null()


def was(status: str) -> pl.Expr:
    """Whether the visit existed in this state.

    >>> pl.DataFrame({"was_status": ["open", "done", None]}).select(was("done")).to_series().to_list()
    [False, True, False]
    """
    return pl.col("was_status").eq_missing(pl.lit(status))


def is_past(today: Today) -> pl.Expr:
    """Whether the window that the visit had is over: from the day after it closes.

    >>> closes_on = pl.DataFrame({"was_closes_on": [date(2026, 4, 14)]})
    >>> closes_on.select(is_past(date(2026, 4, 14))).item(), closes_on.select(is_past(date(2026, 4, 15))).item()
    (False, True)
    """
    return pl.col("was_closes_on") < day(today)


def is_ahead(today: Today) -> pl.Expr:
    """Whether the visit is open and can still be answered on time: the only visits that a plan may change.

    >>> pair = {"was_status": "open", "is_answered": False, "was_closes_on": date(2026, 4, 14)}
    >>> pl.DataFrame([pair, pair | {"is_answered": True}]).select(is_ahead(date(2026, 4, 1))).to_series().to_list()
    [True, False]
    """
    return was("open") & ~pl.col("is_answered") & ~is_past(today)


def is_booked() -> pl.Expr:
    """Whether the visit has an appointment.

    >>> pl.DataFrame({"booked_on": [date(2026, 4, 1), None]}).select(is_booked()).to_series().to_list()
    [True, False]
    """
    return pl.col("booked_on").is_not_null()


def after_the_change() -> dict[str, pl.Expr]:
    """`list_id` and DAYS after the change: as wanted, or as they were. A booked visit keeps its days.

    >>> wanted = {"list_id": 1} | dict.fromkeys(DAYS, date(2026, 4, 2))
    >>> was = {"was_list_id": 0} | {f"was_{day}": date(2026, 4, 1) for day in DAYS}
    >>> frame = pl.DataFrame([{"change": "flagged", "booked_on": date(2026, 5, 1), **wanted, **was}])
    >>> frame.with_columns(**after_the_change()).select("list_id", "due_on").row(0)
    (1, datetime.date(2026, 4, 1))
    """
    new = pl.col("change") == Change.ADDED.value
    follows = pl.col("change").is_in([Change.KEPT.value, Change.MOVED.value])
    days = new | (follows & ~is_booked())
    procedures = new | follows | (pl.col("change") == Change.FLAGGED.value)
    after = {name: pl.when(days).then(name).otherwise(f"was_{name}") for name in DAYS}
    return after | {"list_id": pl.when(procedures).then(pl.coalesce("list_id", "was_list_id")).otherwise("was_list_id")}


def _is_earlier() -> pl.Expr:
    """Whether a booked visit is wanted earlier than it was, and than its appointment."""
    return (pl.col("due_on") < pl.col("was_due_on")) & (pl.col("due_on") < pl.col("booked_on"))


def _named(change: Change) -> pl.Expr:
    return pl.lit(change.value)
