"""A patient who did not come: the no-show is a fact of its own, and a person may call the visit missed."""

from dataclasses import replace
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, follow_one, given, say
from scheduler.actions.plans.changing_visits import VISIT_CHANGES, write_changes
from scheduler.actions.plans.facts import visits_of
from scheduler.actions.plans.rules import Rules
from scheduler.actions.visits.appointments import (
    BOOKED,
    MISSED,
    Appointment,
    check_open,
    newest_appointment,
    standing_appointment,
    store_appointment,
)
from scheduler.actions.visits.book_visit import Released, in_audit
from scheduler.actions.visits.finding_visits import Visit, find_visit
from scheduler.core.chains import as_steps, with_visit_steps
from scheduler.core.visit_endings import CALLED_MISSED
from scheduler.errors import Conflict
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class AppointmentAhead(Conflict):
    """A no-show before the day of the appointment."""

    def __init__(self, *, mrn: str, visit: str, booked_on: date, today: date) -> None:
        super().__init__(
            f"the appointment of {visit} of {mrn} is on {booked_on}, today is {today}: nobody has failed to come yet",
            advice=f"If the patient will not come, cancel it: `hepwatch visit cancel {mrn} {visit}` with --reason.",
        )


class WindowNotOver(Conflict):
    """A visit called missed while it can still be held on time."""

    def __init__(self, *, mrn: str, visit: str, closes_on: date, today: date) -> None:
        super().__init__(
            f"{visit} of {mrn} can still be held on time: its window closes on {closes_on}, today is {today}",
            advice="Record the no-show without --final and book another day; call it missed once the window is over.",
        )


def miss_visit(
    registry: Registry,
    rules: Rules,
    mrn: str,
    visit: str,
    *,
    reason: str,
    actor: str,
    today: date,
    site: str | None = None,
    final: bool = False,
    preview: bool = False,
) -> Released:
    """Record that the patient did not come to an appointment of today or before; the visit stays open.

    With `final` a person calls the visit itself missed, whether or not it has an appointment, from the day after its
    window closed: it is not overdue any more, and done all the same if an examination answers it later. Raises
    `ReasonNeeded`, `VisitNotOpen`, `NotBooked` (not with `final`), `AppointmentAhead`, `WindowNotOver`.
    """
    said = Said(by=actor, reason=given(reason, doing="missing a visit"))
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        found = find_visit(transaction, patient, visit, today=today)
        check_open(patient, found)
        appointment = _not_kept(transaction, patient, found, is_needed=not final, today=today)
        if final and found.closes_on >= today:
            raise WindowNotOver(mrn=patient.mrn, visit=found.name, closes_on=found.closes_on, today=today)
        if appointment is not None:
            appointment = store_appointment(transaction, found, replace(appointment, state=MISSED), said)
            say(transaction, patient, "record_no_show", said, **in_audit(found, appointment))
        if final:
            _call_missed(transaction, found, said)
            missed = {"visit": found.name, "due_on": found.due_on}
            say(transaction, patient, "call_visit_missed", said, **missed)
        followed = follow_one(transaction, patient, rules, today=today, step=_step(found, said, final=final))
    return Released(patient=patient, visit=found, appointment=appointment, followed=followed)


def _not_kept(
    transaction: Transaction, patient: Patient, visit: Visit, *, is_needed: bool, today: date
) -> Appointment | None:
    """The appointment that stands and was not kept; where none is needed there may be none."""
    newest = newest_appointment(transaction, visit)
    if not is_needed and (newest is None or newest.state != BOOKED):
        return None
    standing = standing_appointment(transaction, patient, visit)
    if standing.booked_on > today:
        raise AppointmentAhead(mrn=patient.mrn, visit=visit.name, booked_on=standing.booked_on, today=today)
    return standing


def _call_missed(transaction: Transaction, visit: Visit, said: Said) -> None:
    """Store the visit as missed, and the record of how it was before."""
    visits = visits_of(transaction, [visit.episode_id]).filter(pl.col("visit_id") == visit.visit_id)
    missed = visits.with_columns(
        change=pl.lit(MISSED),
        status=pl.lit(MISSED),
        reason=pl.lit(CALLED_MISSED),
        was_procedures="procedures",
        was_due_on="due_on",
        interval_months=pl.lit(None, dtype=pl.Int64),
        is_first=pl.lit(False),
        steps=pl.lit(as_steps([_step(visit, said, final=True)])),
    )
    changes = with_visit_steps(missed).select(pl.col(name).cast(kind) for name, kind in VISIT_CHANGES.items())
    write_changes(transaction, changes, visits)


def _step(visit: Visit, said: Said, *, final: bool) -> dict[str, str | None]:
    """What led to the change, as chains say it."""
    return {"step": "called_missed" if final else "no_show", "visit": visit.name, "by": said.by}
