"""Who is due and who is overdue as of a day, and what else is to be done, most urgent first.

Takes visits with their follow-up, and tasks; gives those that a coordinator has to see. A state is derived for a day
and never stored. It knows neither names nor contacts.
"""

from collections.abc import Collection
from datetime import date
from enum import StrEnum

import polars as pl

from scheduler.core.collecting import collected
from scheduler.core.misses import in_turn, is_missed, missed_before
from scheduler.core.protocols import Intensity

VISITS_NEEDED: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "intensity": pl.String(),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),
}
ADDED: dict[str, pl.DataType] = {
    "state": pl.String(),  # a State
    "days_overdue": pl.Int64(),  # days since the window closed, 0 while it has not
    "missed_before": pl.Int64(),  # visits missed in a row just before this one
}
# Policy: a day overdue counts so many times, so that close follow-up comes first among the overdue.
DAY_WEIGHTS = {Intensity.INTENSIVE: 3, Intensity.STANDARD: 2, Intensity.BASIC: 1}


class State(StrEnum):
    """Where the day stands against an open visit's window, most urgent first."""

    OVERDUE = "overdue"  # after it
    DUE = "due"  # inside it, both ends included
    UPCOMING = "upcoming"  # before it
    MISSED = "missed"  # after it, and the next visit's window has opened (`misses`)


ON_THE_LIST = (State.OVERDUE, State.DUE)


def worklist(
    visits: pl.DataFrame,
    *,
    as_of: date,
    states: Collection[State] = ON_THE_LIST,
    tie_break: str = "patient_id",
) -> pl.DataFrame:
    """The open visits in one of the states as of a day, most urgent first, with `ADDED`; other columns pass through.

    Needs `VISITS_NEEDED` and the `tie_break` column; visits that are not open are not listed, but tell whether a
    visit before them was missed. A visit is overdue from the day after its window closes, and missed once the next
    one's opens (`misses`). Overdue comes before due before upcoming; then the most days overdue, weighted by intensity
    (`DAY_WEIGHTS`, policy); then the earliest due.

    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visit = {"patient_id": 7, "episode_id": 1, "intensity": "basic", "status": "open", **window}
    >>> worklist(pl.DataFrame([visit]), as_of=date(2026, 4, 15)).select("state", "days_overdue").row(0)
    ('overdue', 1)
    """
    return (
        with_states(visits, as_of=as_of)
        .filter(pl.col("state").is_in([state.value for state in states]))
        .sort(_order(), _urgency(), "due_on", tie_break, descending=[False, True, False, False], maintain_order=True)
    )


def open_tasks(tasks: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """The tasks that are open as of a day, most urgent first, with `days_overdue`; other columns pass through.

    Needs `episode_tasks.TASKS` and `intensity`, which may be missing. A task is open from the day on which it opened up
    to the day before it was closed, and overdue from the day after it was due. The most days overdue come first,
    weighted by intensity like visits; then the earliest due.

    >>> task = {"patient_id": 7, "task": "find_patient", "intensity": "basic", "opened_on": date(2026, 6, 1)}
    >>> tasks = pl.DataFrame([task | {"due_on": date(2026, 6, 15), "closed_on": date(2026, 6, 20)}])
    >>> [open_tasks(tasks, as_of=date(2026, 6, day))["days_overdue"].to_list() for day in (15, 16, 20)]
    [[0], [1], []]
    """
    is_closed = (pl.col("closed_on") <= as_of).fill_null(value=False)
    return (
        tasks.filter(pl.col("opened_on") <= as_of, ~is_closed)
        .with_columns(days_overdue=_days_after("due_on", as_of))
        .sort(_urgency(), "due_on", "patient_id", "task", descending=[True, False, False, False], maintain_order=True)
    )


def with_states(visits: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """The open visits with `ADDED`, each in its state as of the day, by episode and due date.

    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visit = {"episode_id": 1, "intensity": "basic", "status": "open", **window}
    >>> with_states(pl.DataFrame([visit]), as_of=date(2026, 4, 14))["state"].item()
    'due'
    """
    return collected(
        in_turn(visits.lazy())
        .with_columns(state=_state(as_of), missed_before=missed_before(is_missed(as_of)))
        .with_columns(days_overdue=_days_after("closes_on", as_of))
        .filter(pl.col("status") == "open")
        .select(*visits.columns, *ADDED)
    )


def _state(as_of: date) -> pl.Expr:
    """The state of an open visit; an answered one has none, and one missed before stays so."""
    open_state = (
        pl.when(pl.col("closes_on") < as_of)
        .then(pl.lit(State.OVERDUE.value))
        .when(pl.col("opens_on") <= as_of)
        .then(pl.lit(State.DUE.value))
        .otherwise(pl.lit(State.UPCOMING.value))
    )
    missed = pl.when(is_missed(as_of)).then(pl.lit(State.MISSED.value))
    return missed.when(pl.col("status") == "open").then(open_state)


def _days_after(last_day: str, as_of: date) -> pl.Expr:
    return (pl.lit(as_of) - pl.col(last_day)).dt.total_days().clip(lower_bound=0)


def _order() -> pl.Expr:
    places = {state.value: place for place, state in enumerate(State)}
    return pl.col("state").replace_strict(places, return_dtype=pl.Int64)


def _urgency() -> pl.Expr:
    """The days overdue, weighted by how closely the patient is followed: one who has no plan, as closely as any."""
    weights = {intensity.value: weight for intensity, weight in DAY_WEIGHTS.items()}
    weight = pl.col("intensity").replace_strict(weights, default=max(weights.values()), return_dtype=pl.Int64)
    return pl.col("days_overdue") * weight
