"""Whether what a reminder policy says makes sense: everything that its shape does not show.

Takes a `ReminderPolicy`; gives problems at their places. Its worked examples are run in `examples`; its templates are
checked where messages are written.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from scheduler.core.episode_tasks import Task
from scheduler.core.problems import Location, Problem
from scheduler.core.reminders.language_checks import wrong_languages
from scheduler.core.reminders.policy import CountedFrom, ReminderPolicy, Role, TaskRung, To, VisitRung
from scheduler.errors import listed

VISIT_DAYS = (CountedFrom.OPENS, CountedFrom.DUE, CountedFrom.CLOSES)
TASK_DAYS = (CountedFrom.OPENED, CountedFrom.DUE)
SEEN_BY_COORDINATOR = ("due", "overdue")
CONSOLE = "console"
Placed = tuple[Location, VisitRung | TaskRung]


def check_policy(policy: ReminderPolicy) -> tuple[Problem, ...]:
    """Everything wrong with a policy, all at once."""
    visits = [(("visits", place), rung) for place, rung in enumerate(policy.visits)]
    tasks = [(("tasks", place), rung) for place, rung in enumerate(policy.tasks)]
    return (
        *_wrong_escalation(visits, days=VISIT_DAYS),
        *_wrong_tasks(tasks),
        *_wrong_recipients([*visits, *tasks], policy),
        *_nobody_sees(policy),
        *_unknown_sources([*visits, *tasks], policy),
        *wrong_languages(policy),
        *_missing_examples(policy),
    )


def _wrong_tasks(tasks: Sequence[Placed]) -> Iterator[Problem]:
    """Each task's rungs are an escalation of their own; a patient is told of none."""

    def task_of(placed: Placed) -> str:
        rung = placed[1]
        return str(rung.task) if isinstance(rung, TaskRung) else ""

    for _, rungs in groupby(sorted(tasks, key=task_of), key=task_of):
        yield from _wrong_escalation(list(rungs), days=TASK_DAYS)
    for here, rung in tasks:
        for place, to in enumerate(rung.to):
            if to.role is Role.PATIENT:
                expected = "a role of the clinic: a task is done by staff"
                yield _problem((*here, "to", place, "role"), "a patient is told of a task", to.role, expected)


def _wrong_escalation(rungs: Sequence[Placed], *, days: Sequence[CountedFrom]) -> Iterator[Problem]:
    """Rungs named twice, counted from a day that is not there, or out of order; and an end that nobody hears."""
    known = True
    for place, (here, rung) in enumerate(rungs):
        if rung.rung in [other.rung for _, other in rungs[:place]]:
            yield _problem((*here, "rung"), "rung named twice", rung.rung, "a name of its own for each rung")
        if rung.counted_from not in days:
            known = False
            yield _problem(
                (*here, "counted_from"), "a day that is not there", rung.counted_from, f"one of {listed(days)}"
            )
    if known:
        for (_, lower), (here, higher) in pairwise(rungs):
            yield from _out_of_order(here, lower, higher, days)
    here, last = rungs[-1]
    if all(to.role is Role.PATIENT for to in last.to):
        found = f"{last.rung} reaches the patient only"
        yield _problem((*here, "to"), "an escalation that ends with the patient", found, "somebody of the clinic")


def _out_of_order(
    here: Location, lower: VisitRung | TaskRung, higher: VisitRung | TaskRung, days: Sequence[CountedFrom]
) -> Iterator[Problem]:
    """Two rungs, one after the other, that some window could turn round."""
    found = f"{_reached(higher)} after {_reached(lower)}"
    if days.index(higher.counted_from) < days.index(lower.counted_from):
        expected = f"{listed(days)} in this order from rung to rung"
        yield _problem((*here, "counted_from"), "rungs out of order", found, expected)
    elif higher.offset_days < lower.offset_days:
        expected = "an offset that does not fall: the window may be a single day"
        yield _problem((*here, "offset_days"), "rungs out of order", found, expected)
    elif (higher.counted_from, higher.offset_days) == (lower.counted_from, lower.offset_days):
        yield _problem((*here, "offset_days"), "rungs out of order", found, "a day of its own for each rung")


def _reached(rung: VisitRung | TaskRung) -> str:
    return f"{rung.rung} ({rung.counted_from} {rung.offset_days:+d})"


def _wrong_recipients(rungs: Sequence[Placed], policy: ReminderPolicy) -> Iterator[Problem]:
    """Recipients named twice on a rung, and what each is told by."""
    if CONSOLE not in policy.channels:
        expected = "console, where the messages go for which nobody is named"
        yield _problem(("channels",), "channel missing", f"no {CONSOLE}", expected)
    for here, rung in rungs:
        for place, to in enumerate(rung.to):
            at = (*here, "to", place)
            if to.role in [other.role for other in rung.to[:place]]:
                yield _problem((*at, "role"), "recipient named twice", to.role, "each role once on a rung")
            if to.channel not in policy.channels:
                known = f"one of {listed(list(policy.channels))}"
                yield _problem((*at, "channel"), "unknown channel", to.channel, known)
            if to.role is Role.PATIENT:
                yield from _wrong_for_patient(at, to)


def _wrong_for_patient(at: Location, to: To) -> Iterator[Problem]:
    if to.digest:
        expected = "digest: false; a digest is for somebody who sees several patients"
        yield _problem((*at, "digest"), "a patient is told by a digest", "digest: true", expected)
    if to.resend_when_unknown:
        expected = "resend_when_unknown: false; a person decides, and calls"
        yield _problem(
            (*at, "resend_when_unknown"), "a patient may be told twice", "resend_when_unknown: true", expected
        )


def _nobody_sees(policy: ReminderPolicy) -> Iterator[Problem]:
    """Visits that are due or overdue without a coordinator's digest that says so."""
    for name in SEEN_BY_COORDINATOR:
        told = [to for rung in policy.visits if rung.rung == name for to in rung.to if to.role is Role.COORDINATOR]
        if not any(to.digest for to in told):
            found = f"no digest to a coordinator on the rung {name}"
            expected = f"a rung {name} with {{role: coordinator, digest: true, …}}"
            yield _problem(("visits",), "a visit that nobody sees", found, expected)


def _unknown_sources(rungs: Sequence[Placed], policy: ReminderPolicy) -> Iterator[Problem]:
    named = [((*here, "source"), rung.source) for here, rung in rungs]
    named.append((("to_patients", "source"), policy.to_patients.source))
    named.append((("after_appointment", "source"), policy.after_appointment.source))
    for here, source in named:
        if source not in policy.sources:
            yield _problem(here, "unknown source", source, f"one of {listed(list(policy.sources))}")


def _missing_examples(policy: ReminderPolicy) -> Iterator[Problem]:
    """Rungs that no worked example reaches."""
    shown = {each.rung for example in policy.worked_examples for each in example.expect}
    for rung in policy.visits:
        if rung.rung not in shown:
            expected = "each rung in one worked example"
            yield _problem(("worked_examples",), "example missing", f"none reaches {rung.rung}", expected)
    told: set[tuple[Task, str]] = {
        (example.task, each.rung) for example in policy.worked_tasks for each in example.expect
    }
    for task_rung in policy.tasks:
        if (task_rung.task, task_rung.rung) not in told:
            found = f"none reaches {task_rung.rung} of {task_rung.task}"
            yield _problem(("worked_tasks",), "example missing", found, "each rung of each task in one worked task")


def _problem(location: Location, what: str, found: str, expected: str) -> Problem:
    return Problem(location=location, what=what, found=found, expected=expected)
