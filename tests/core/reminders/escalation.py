"""Visits and tasks with their days, and an escalation of rungs, as values."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from scheduler.core.episode_tasks import Task
from scheduler.core.reminders.policy import CountedFrom, ReminderPolicy, Role, SendsOn, TaskRung, To, VisitRung

DUE = date(2026, 3, 31)
TOLD = To(
    role=Role.COORDINATOR,
    channel="email",
    message="staff_digest",
    digest=True,
    resend_when_unknown=False,
    sends_on=SendsOn.WORKING_DAYS,
)


def a_rung(
    rung: str, counted_from: CountedFrom, offset_days: int, *, every: int | None = None, unless_booked: bool = True
) -> VisitRung:
    """A rung about visits, told to a coordinator."""
    return VisitRung(
        rung=rung,
        counted_from=counted_from,
        offset_days=offset_days,
        repeats_every_days=every,
        unless_booked=unless_booked,
        unless_missed=unless_booked,
        to=(TOLD,),
        because="it is so",
        source="policy",
    )


def a_task_rung(
    task: Task, rung: str, counted_from: CountedFrom, offset_days: int, *, every: int | None = None
) -> TaskRung:
    """A rung about a task, told to a coordinator."""
    return TaskRung(
        task=task,
        rung=rung,
        counted_from=counted_from,
        offset_days=offset_days,
        repeats_every_days=every,
        to=(TOLD,),
        because="it is so",
        source="policy",
    )


ESCALATION = (
    a_rung("upcoming", CountedFrom.OPENS, -14),
    a_rung("due", CountedFrom.DUE, 0),
    a_rung("overdue", CountedFrom.CLOSES, 1, every=7),
    a_rung("escalated", CountedFrom.CLOSES, 14, unless_booked=False),
    a_rung("possibly_lost", CountedFrom.CLOSES, 28, every=28),
)
OF_TASKS = (
    a_task_rung(Task.UNREAD_RESULT, "due", CountedFrom.DUE, 0, every=3),
    a_task_rung(Task.SIGN_PATHOLOGY, "due", CountedFrom.OPENED, 0, every=7),
    a_task_rung(Task.UNREAD_RESULT, "escalated", CountedFrom.DUE, 7),
)


def a_policy(*visits: VisitRung, tasks: tuple[TaskRung, ...] = OF_TASKS) -> ReminderPolicy:
    """A policy with these rungs, or with the usual five, and nothing else."""
    rungs: dict[str, Any] = {"visits": visits or ESCALATION, "tasks": tasks}
    return ReminderPolicy.model_construct(**rungs)


def a_visit(*, visit_id: int = 1, due_on: date = DUE, days: int = 14, **others: Any) -> pl.DataFrame:
    """A visit whose window reaches so many days to both sides."""
    side = timedelta(days=days)
    window = {"opens_on": due_on - side, "due_on": due_on, "closes_on": due_on + side}
    return pl.DataFrame([{"visit_id": visit_id} | window | others])


def a_task(task: Task, *, opened_on: date, due_on: date, patient_id: int = 7) -> pl.DataFrame:
    """An open task of a patient."""
    return pl.DataFrame([{"patient_id": patient_id, "task": task.value, "opened_on": opened_on, "due_on": due_on}])
