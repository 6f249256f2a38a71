"""On which rung of a policy's escalation every visit and every task stands on a day.

Takes visits or tasks with their days, and a `ReminderPolicy`; gives the rungs reached. It does not know who is told,
what was sent before, nor what keeps a message back: an answered visit stands on a rung like any other.
"""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

import polars as pl

from scheduler.core.collecting import collected
from scheduler.core.reminders.policy import CountedFrom, ReminderPolicy, TaskRung, VisitRung

VISITS_NEEDED: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
}
TASKS_NEEDED: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "task": pl.String(),  # a Task
    "opened_on": pl.Date(),
    "due_on": pl.Date(),
}
ADDED: dict[str, pl.DataType] = {
    "rung": pl.String(),
    "rank": pl.Int64(),  # its place among the policy's rungs about visits, or about tasks, from 0
    "reached_on": pl.Date(),  # the first day of the rung
    "occurrence": pl.Int64(),  # 1 on the first day, one more on every day on which the rung repeats
    "occurs_on": pl.Date(),  # the first day of that occurrence
    "unless_booked": pl.Boolean(),  # false for a task, like the next
    "unless_missed": pl.Boolean(),
}
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
BASES = {
    CountedFrom.OPENS: "opens_on",
    CountedFrom.DUE: "due_on",
    CountedFrom.CLOSES: "closes_on",
    CountedFrom.OPENED: "opened_on",
}


def visit_rungs(visits: Frame, policy: ReminderPolicy, *, as_of: date) -> Frame:
    """The visits that have reached a rung by the day, that day included, each with its highest rung (`ADDED`).

    Needs `VISITS_NEEDED`; the other columns and the order of the rows stay. Of two rungs that are reached on one day
    the higher holds. A rung that does not repeat stays at occurrence 1.

    >>> policy = ReminderPolicy.model_construct(visits=(VisitRung.model_construct(
    ...     rung="overdue", counted_from=CountedFrom.CLOSES, offset_days=1, repeats_every_days=7, unless_booked=True,
    ...     unless_missed=True),))
    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visits = pl.DataFrame([{"visit_id": 1} | window])
    >>> [visit_rungs(visits, policy, as_of=date(2026, 4, day))["occurrence"].to_list() for day in (14, 15, 21, 22)]
    [[], [1], [1], [2]]
    """
    return _like(visits, _highest(visits.lazy(), policy.visits, as_of=pl.lit(as_of)))


def task_rungs(tasks: Frame, policy: ReminderPolicy, *, as_of: date) -> Frame:
    """The open tasks that have reached a rung by the day, that day included, each with its highest rung (`ADDED`).

    Needs `TASKS_NEEDED` of `episode_tasks.TASKS`; the other columns and the order of the rows stay. A task about which
    the policy says nothing is left out.

    >>> policy = ReminderPolicy.model_construct(tasks=(TaskRung.model_construct(
    ...     task="find_patient", rung="find", counted_from=CountedFrom.DUE, offset_days=0, repeats_every_days=None),))
    >>> task = {"patient_id": 7, "opened_on": date(2026, 6, 1), "due_on": date(2026, 6, 15)}
    >>> tasks = pl.DataFrame([task | {"task": "find_patient"}, task | {"task": "accept_transfer"}])
    >>> [task_rungs(tasks, policy, as_of=date(2026, 6, day))["task"].to_list() for day in (14, 15)]
    [[], ['find_patient']]
    """
    return _like(tasks, _highest(tasks.lazy(), policy.tasks, as_of=pl.lit(as_of)))


def first_days(visits: Frame, policy: ReminderPolicy, *, on: date) -> Frame:
    """The rungs that visits reach on that very day, with `ADDED`: a visit may reach none, or several.

    Needs `VISITS_NEEDED`; the other columns stay. By visit, the lowest rung first.

    >>> policy = ReminderPolicy.model_construct(visits=(VisitRung.model_construct(
    ...     rung="due", counted_from=CountedFrom.DUE, offset_days=0, repeats_every_days=None, unless_booked=True,
    ...     unless_missed=True),))
    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visits = pl.DataFrame([{"visit_id": 1} | window])
    >>> [first_days(visits, policy, on=day)["rung"].to_list() for day in (date(2026, 3, 31), date(2026, 4, 1))]
    [['due'], []]
    """
    reached = [
        visits.lazy()
        .filter(_reached_on(rung) == on)
        .with_columns(rank=pl.lit(rank, pl.Int64), reached_on=pl.lit(on, pl.Date))
        for rank, rung in enumerate(policy.visits)
    ]
    added = _with_added(pl.concat(reached), policy.visits, as_of=pl.lit(on))
    return _like(visits, added.sort("visit_id", "rank"))


def visit_reminders(visits: pl.DataFrame, policy: ReminderPolicy, *, until: date) -> pl.DataFrame:
    """Every reminder of visits that stay open, up to and on a day: one row for each day on which one is owed anew.

    Needs `VISITS_NEEDED`; the other columns stay, `ADDED` comes with them, and the day is `occurs_on`. It costs a row
    for each visit and day on the way: for examples and previews, not for a registry.

    >>> policy = ReminderPolicy.model_construct(visits=(VisitRung.model_construct(
    ...     rung="overdue", counted_from=CountedFrom.CLOSES, offset_days=1, repeats_every_days=7, unless_booked=True,
    ...     unless_missed=True),))
    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> owed = visit_reminders(pl.DataFrame([{"visit_id": 1} | window]), policy, until=date(2026, 4, 23))
    >>> owed["occurs_on"].dt.day().to_list()
    [15, 22]
    """
    first_on = pl.col("opens_on") - pl.duration(days=earliest_reach(policy))
    return _anew(visits, policy.visits, days=pl.date_ranges(first_on, pl.lit(until)))


def task_reminders(tasks: pl.DataFrame, policy: ReminderPolicy, *, until: date) -> pl.DataFrame:
    """Every reminder of tasks that stay open, up to and on a day; like `visit_reminders`. Needs `TASKS_NEEDED`.

    >>> policy = ReminderPolicy.model_construct(tasks=(TaskRung.model_construct(
    ...     task="find_patient", rung="due", counted_from=CountedFrom.DUE, offset_days=0, repeats_every_days=7),))
    >>> task = {"patient_id": 7, "task": "find_patient", "opened_on": date(2026, 6, 1), "due_on": date(2026, 6, 15)}
    >>> task_reminders(pl.DataFrame([task]), policy, until=date(2026, 6, 22))["occurs_on"].dt.day().to_list()
    [15, 22]
    """
    earliest = max((-rung.offset_days for rung in policy.tasks), default=0)
    first_on = pl.col("opened_on") - pl.duration(days=earliest)
    return _anew(tasks, policy.tasks, days=pl.date_ranges(first_on, pl.lit(until)))


def earliest_reach(policy: ReminderPolicy) -> int:
    """How many days before its `opens_on` a visit can reach a rung at the most; 0 where none is reached before.

    Whatever the window: a visit is neither due nor does it close before it opens.

    >>> rungs = [VisitRung.model_construct(counted_from=CountedFrom.OPENS, offset_days=days) for days in (-14, 3)]
    >>> earliest_reach(ReminderPolicy.model_construct(visits=tuple(rungs)))
    14
    """
    return max(0, *(-rung.offset_days for rung in policy.visits))


def _like(given: Frame, found: pl.LazyFrame) -> Frame:
    """What was found, worked out at once where a worked-out frame was given."""
    return found if isinstance(given, pl.LazyFrame) else collected(found)


def _highest(rows: pl.LazyFrame, rungs: Sequence[VisitRung | TaskRung], *, as_of: pl.Expr) -> pl.LazyFrame:
    """The rows that have reached one of the rungs, each with the highest."""
    ranks, days = [pl.lit(None, pl.Int64)], [pl.lit(None, pl.Date)]
    for place, rung in enumerate(rungs):
        has_reached = pl.when(_applies(rung), _reached_on(rung) <= as_of)
        ranks.append(has_reached.then(pl.lit(place, pl.Int64)))
        days.append(has_reached.then(_reached_on(rung)))
    highest = {"rank": pl.coalesce(ranks[::-1]), "reached_on": pl.coalesce(days[::-1])}
    return _with_added(rows.with_columns(**highest).drop_nulls("rank"), rungs, as_of=as_of)


def _anew(rows: pl.DataFrame, rungs: Sequence[VisitRung | TaskRung], *, days: pl.Expr) -> pl.DataFrame:
    """The days on which a row reaches a rung or an occurrence of it, in their order."""
    day = pl.col("as_of")
    every_day = rows.lazy().with_columns(as_of=days).explode("as_of", empty_as_null=False)
    return collected(_highest(every_day, rungs, as_of=day).filter(pl.col("occurs_on") == day).drop("as_of"))


def _with_added(reached: pl.LazyFrame, rungs: Sequence[VisitRung | TaskRung], *, as_of: pl.Expr) -> pl.LazyFrame:
    """What else there is to say of a rung of known `rank` and `reached_on`, in the order of `ADDED`."""
    others = [name for name in reached.collect_schema() if name not in ADDED]
    every = _of_rung([rung.repeats_every_days for rung in rungs], pl.Int64())
    times_before = ((as_of - pl.col("reached_on")).dt.total_days() // every).fill_null(0)
    booked = [isinstance(rung, VisitRung) and rung.unless_booked for rung in rungs]
    missed = [isinstance(rung, VisitRung) and rung.unless_missed for rung in rungs]
    return reached.with_columns(
        rung=_of_rung([rung.rung for rung in rungs], pl.String()),
        occurrence=times_before + 1,
        occurs_on=pl.col("reached_on") + pl.duration(days=times_before * every.fill_null(0)),
        unless_booked=_of_rung(booked, pl.Boolean()),
        unless_missed=_of_rung(missed, pl.Boolean()),
    ).select(*others, *ADDED)


def _applies(rung: VisitRung | TaskRung) -> pl.Expr:
    return pl.col("task") == str(rung.task) if isinstance(rung, TaskRung) else pl.lit(value=True)


def _reached_on(rung: VisitRung | TaskRung) -> pl.Expr:
    return pl.col(BASES[rung.counted_from]) + pl.duration(days=rung.offset_days)


def _of_rung(values: Sequence[object], kind: pl.DataType) -> pl.Expr:
    """One value for each rung, looked up by its `rank`."""
    return pl.lit(pl.Series(values, dtype=kind)).gather(pl.col("rank"))
