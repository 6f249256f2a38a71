"""Making, moving and cancelling the appointment of a visit."""

from dataclasses import dataclass, replace
from datetime import date

from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, follow_one, given, say
from scheduler.actions.plans.following import Followed
from scheduler.actions.plans.rules import Rules
from scheduler.actions.sites.describe_site import calendars
from scheduler.actions.visits.appointments import (
    BOOKED,
    CANCELLED,
    Appointment,
    BookedAlready,
    DayNeedsReason,
    DayPast,
    check_open,
    check_time,
    newest_appointment,
    remarks_on,
    standing_appointment,
    store_appointment,
)
from scheduler.actions.visits.finding_visits import Visit, find_visit
from scheduler.core.calendar import WorkingDays
from scheduler.errors import Conflict
from scheduler.store.registry import Registry


class AppointmentUnchanged(Conflict):
    """An appointment moved to where it is."""

    def __init__(self, *, mrn: str, visit: str, booked_on: date) -> None:
        super().__init__(
            f"the appointment of {visit} of {mrn} is on {booked_on}, at this time and place, already",
            advice="Give another day, time or place.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A visit with its appointment as it is now, and what speaks against the day but was outweighed by the reason."""

    patient: Patient
    visit: Visit
    appointment: Appointment
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Released:
    """A visit whose appointment does not stand any more, and what followed: the plan has its way again.

    `appointment` is None where a visit was called missed that had none.
    """

    patient: Patient
    visit: Visit
    appointment: Appointment | None
    followed: Followed


def book_visit(
    registry: Registry,
    mrn: str,
    visit: str,
    *,
    on: date,
    at: str | None = None,
    place: str | None = None,
    actor: str,
    today: date,
    site: str | None = None,
    reason: str | None = None,
) -> Booked:
    """Make an appointment for an open visit, today or later; the visit keeps its day while it is booked.

    `at` is HH:MM on the site's clock. Outside the visit's window (both ends inclusive), or where the site does not
    work, only with a reason, which is kept. Raises `TimeMalformed`, `DayPast`, `VisitNotOpen`, `BookedAlready`,
    `DayNeedsReason`, and what finding the patient and the visit raises.
    """
    said = Said(by=actor, reason=reason.strip() or None if reason else None)
    wanted = Appointment(version=0, booked_on=on, at=at, place=place, state=BOOKED)
    calendar = calendars(registry)
    with acting_on(registry, mrn, site=site) as (transaction, patient):
        found = find_visit(transaction, patient, visit, today=today)
        check_open(patient, found)
        newest = newest_appointment(transaction, found)
        if newest is not None and newest.state == BOOKED:
            raise BookedAlready(mrn=patient.mrn, visit=found.name, booked_on=newest.booked_on, at=newest.at)
        remarks = _checked(patient, found, wanted, said, working_days=calendar(patient.site), today=today)
        made = store_appointment(transaction, found, wanted, said)
        say(transaction, patient, "book_visit", said, **in_audit(found, made))
    return Booked(patient=patient, visit=found, appointment=made, remarks=remarks)


def move_booking(
    registry: Registry,
    mrn: str,
    visit: str,
    *,
    on: date,
    reason: str,
    actor: str,
    today: date,
    at: str | None = None,
    place: str | None = None,
    site: str | None = None,
) -> Booked:
    """Move an appointment that stands to another day, time or place; None leaves time or place as it was.

    The reason answers also for a day outside the window or one on which the site does not work. Raises
    `ReasonNeeded`, `TimeMalformed`, `DayPast`, `VisitNotOpen`, `NotBooked`, `AppointmentUnchanged`.
    """
    said = Said(by=actor, reason=given(reason, doing="moving an appointment"))
    calendar = calendars(registry)
    with acting_on(registry, mrn, site=site) as (transaction, patient):
        found = find_visit(transaction, patient, visit, today=today)
        check_open(patient, found)
        before = standing_appointment(transaction, patient, found)
        wanted = replace(before, booked_on=on, at=at or before.at, place=place or before.place)
        if wanted == before:
            raise AppointmentUnchanged(mrn=patient.mrn, visit=found.name, booked_on=before.booked_on)
        remarks = _checked(patient, found, wanted, said, working_days=calendar(patient.site), today=today)
        moved = store_appointment(transaction, found, wanted, said)
        was = {f"was_{name}": value for name, value in in_audit(found, before).items() if name != "visit"}
        say(transaction, patient, "move_booking", said, **in_audit(found, moved), **was)
    return Booked(patient=patient, visit=found, appointment=moved, remarks=remarks)


def cancel_booking(
    registry: Registry,
    rules: Rules,
    mrn: str,
    visit: str,
    *,
    reason: str,
    actor: str,
    today: date,
    site: str | None = None,
    preview: bool = False,
) -> Released:
    """Cancel an appointment that stands; what the plan wanted of the visit meanwhile comes true.

    Raises `ReasonNeeded` and `NotBooked`.
    """
    said = Said(by=actor, reason=given(reason, doing="cancelling an appointment"))
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        found = find_visit(transaction, patient, visit, today=today)
        before = standing_appointment(transaction, patient, found)
        cancelled = store_appointment(transaction, found, replace(before, state=CANCELLED), said)
        say(transaction, patient, "cancel_booking", said, **in_audit(found, cancelled))
        step = {"step": "booking", "change": "cancelled", "visit": found.name, "on": str(cancelled.booked_on)}
        followed = follow_one(transaction, patient, rules, today=today, step=step | {"by": actor})
    return Released(patient=patient, visit=found, appointment=cancelled, followed=followed)


def in_audit(visit: Visit, appointment: Appointment) -> dict[str, str | None]:
    """The visit with the day, time and place of its appointment, as the audit says them."""
    return {"visit": visit.name, "on": str(appointment.booked_on), "at": appointment.at, "place": appointment.place}


def _checked(
    patient: Patient, visit: Visit, wanted: Appointment, said: Said, *, working_days: WorkingDays, today: date
) -> tuple[str, ...]:
    """What speaks against the day, outweighed by the reason. Raises what may not be, with a reason or without."""
    check_time(wanted.at)
    if wanted.booked_on < today:
        raise DayPast(on=wanted.booked_on, today=today)
    remarks = remarks_on(wanted.booked_on, visit, patient, working_days)
    if remarks and said.reason is None:
        raise DayNeedsReason(mrn=patient.mrn, visit=visit.name, on=wanted.booked_on, remarks=remarks)
    return remarks
