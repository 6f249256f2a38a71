"""A policy's worked examples, run: does it remind on the days that its author worked out by hand?

Takes a checked `ReminderPolicy`; gives problems at the examples that do not come out.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import polars as pl

from scheduler.core.problems import Location, Problem
from scheduler.core.reminders.policy import ExpectedReminder, ReminderPolicy, WorkedReminders, WorkedTask
from scheduler.core.reminders.rungs import task_reminders, visit_reminders

DAYS_OF_VISIT = ("opens_on", "due_on", "closes_on", "until")
DAYS_OF_TASK = ("opened_on", "due_on", "until")


def run_examples(policy: ReminderPolicy) -> tuple[Problem, ...]:
    """Every expectation that fails, at its place; run it on a policy that `check_policy` passed."""
    return (*_run_visits(policy), *_run_tasks(policy))


def _run_visits(policy: ReminderPolicy) -> Iterator[Problem]:
    examples = policy.worked_examples
    if problems := _days_out_of_order("worked_examples", examples, DAYS_OF_VISIT):
        yield from problems
        return
    rows = [{"visit_id": place} | _days(example, DAYS_OF_VISIT) for place, example in enumerate(examples)]
    owed = visit_reminders(pl.DataFrame(rows), policy, until=max(example.until for example in examples))
    for place, example in enumerate(examples):
        yield from _compare(example, owed.filter(visit_id=place), here=("worked_examples", place))


def _run_tasks(policy: ReminderPolicy) -> Iterator[Problem]:
    examples = policy.worked_tasks
    if not examples:
        return
    if problems := _days_out_of_order("worked_tasks", examples, DAYS_OF_TASK):
        yield from problems
        return
    rows = [
        {"patient_id": place, "task": example.task.value} | _days(example, DAYS_OF_TASK)
        for place, example in enumerate(examples)
    ]
    owed = task_reminders(pl.DataFrame(rows), policy, until=max(example.until for example in examples))
    for place, example in enumerate(examples):
        yield from _compare(example, owed.filter(patient_id=place), here=("worked_tasks", place))


def _days_out_of_order(
    part: str, examples: Sequence[WorkedReminders | WorkedTask], names: Sequence[str]
) -> list[Problem]:
    """Examples that end before they begin: no visit and no task is so."""
    return [
        Problem(
            location=(part, place, later),
            what="days out of order",
            found=f"{later} {getattr(example, later)} before {earlier} {getattr(example, earlier)}",
            expected=f"{', '.join(names)} in this order",
        )
        for place, example in enumerate(examples)
        for earlier, later in pairwise(names)
        if getattr(example, later) < getattr(example, earlier)
    ]


def _days(example: WorkedReminders | WorkedTask, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(example, name) for name in names}


def _compare(example: WorkedReminders | WorkedTask, owed: pl.DataFrame, *, here: Location) -> Iterator[Problem]:
    """What the policy owes up to the example's last day against what the example expects, one after the other."""
    days = owed.filter(pl.col("occurs_on") <= example.until).select("occurs_on", "rung", "occurrence")
    came_out = [ExpectedReminder(on=on, rung=rung, occurrence=times) for on, rung, times in days.iter_rows()]
    for place, (written, owed_then) in enumerate(zip(example.expect, came_out, strict=False)):
        if written != owed_then:
            yield _fails((*here, "expect", place), _said(written), _said(owed_then))
            return
    if len(example.expect) > len(came_out):
        place = len(came_out)
        yield _fails((*here, "expect", place), _said(example.expect[place]), f"nothing more until {example.until}")
    elif len(came_out) > len(example.expect):
        yield _fails((*here, "expect"), "nothing more", _said(came_out[len(example.expect)]))


def _said(reminder: ExpectedReminder) -> str:
    return f"{reminder.on} {reminder.rung} {reminder.occurrence}"


def _fails(location: Location, found: str, expected: str) -> Problem:
    return Problem(
        location=location, what="a worked example fails", found=found, expected=f"{expected}, as the rungs say"
    )
