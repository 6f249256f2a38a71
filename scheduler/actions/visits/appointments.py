"""The appointment of one visit: what stands, which day may be booked, and a new version of it.

Inside somebody's transaction. Every change of an appointment is a new version; only the newest counts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient
from scheduler.actions.one_patient import Said
from scheduler.actions.visits.finding_visits import Visit
from scheduler.core.calendar import WorkingDays
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

BOOKED, CANCELLED, MISSED = "booked", "cancelled", "missed"
CLOCK = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")  # 00:00 to 23:59


class TimeMalformed(ClinicalDataError):
    """A time of day that is none."""

    def __init__(self, *, at: str) -> None:
        super().__init__(f"{at} is not a time of day; expected HH:MM", advice="Write it with 24 hours, such as 09:30.")


class DayPast(ClinicalDataError):
    """An appointment in the past."""

    def __init__(self, *, on: date, today: date) -> None:
        super().__init__(
            f"{on} is past; an appointment is made for today, {today}, or later",
            advice="Choose a day from today on. What happened already is recorded as an examination.",
        )


class DayNeedsReason(ClinicalDataError):
    """A day outside the visit's window, or on which the site does not work, without a reason."""

    def __init__(self, *, mrn: str, visit: str, on: date, remarks: Sequence[str]) -> None:
        super().__init__(
            f"{visit} of {mrn} was not booked for {on}: {'; '.join(remarks)}",
            advice="Choose another day, or say with --reason why it is this one.",
        )


class VisitNotOpen(Conflict):
    """A visit for which nobody is expected any more."""

    def __init__(self, *, mrn: str, visit: str, status: str) -> None:
        super().__init__(
            f"{visit} of {mrn} is {status}; expected an open visit",
            advice=f"`hepwatch visit list {mrn}` shows the open visits.",
        )


class BookedAlready(Conflict):
    """A visit that has an appointment."""

    def __init__(self, *, mrn: str, visit: str, booked_on: date, at: str | None) -> None:
        time = f" at {at}" if at else ""
        super().__init__(
            f"{visit} of {mrn} has an appointment on {booked_on}{time}; a visit has one at a time",
            advice=f"Move it: `hepwatch visit move {mrn} {visit}` with --on and --reason; or cancel it first.",
        )


class NotBooked(Conflict):
    """A visit without an appointment that stands."""

    def __init__(self, *, mrn: str, visit: str, state: str | None) -> None:
        last = f"; the last one was {state}" if state else ""
        super().__init__(
            f"{visit} of {mrn} has no appointment that stands{last}",
            advice=f"Book one: `hepwatch visit book {mrn} {visit}` with --on.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """When and where a patient is expected, as its newest version says."""

    version: int
    booked_on: date
    at: str | None  # HH:MM on the site's clock
    place: str | None
    state: str  # booked, cancelled, missed, kept


def newest_appointment(reading: Reading, visit: Visit) -> Appointment | None:
    """The visit's appointment as it was changed last, whatever its state; None where there never was one."""
    found = reading.bookings_of([visit.visit_id])
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Appointment(**{name: row[name] for name in Appointment.__dataclass_fields__})


def standing_appointment(reading: Reading, patient: Patient, visit: Visit) -> Appointment:
    """The visit's appointment that stands. Raises `NotBooked`."""
    newest = newest_appointment(reading, visit)
    if newest is None or newest.state != BOOKED:
        raise NotBooked(mrn=patient.mrn, visit=visit.name, state=newest.state if newest else None)
    return newest


def check_open(patient: Patient, visit: Visit) -> None:
    """Raise `VisitNotOpen` unless somebody is expected."""
    if visit.status != "open":
        raise VisitNotOpen(mrn=patient.mrn, visit=visit.name, status=visit.status)


def check_time(at: str | None) -> None:
    """Raise `TimeMalformed` unless it is HH:MM from 00:00 to 23:59, or nothing."""
    if at is not None and not CLOCK.fullmatch(at):
        raise TimeMalformed(at=at)


def remarks_on(day: date, visit: Visit, patient: Patient, working_days: WorkingDays) -> tuple[str, ...]:
    """What speaks against a day for a visit: it is outside the window, or the site does not work on it."""
    remarks = []
    if not visit.opens_on <= day <= visit.closes_on:
        remarks.append(f"it is outside the visit's window, {visit.opens_on} to {visit.closes_on}")
    if not working_days.includes(day):
        remarks.append(f"site {patient.site} does not work on that day ({day:%A})")
    return tuple(remarks)


def store_appointment(transaction: Transaction, visit: Visit, appointment: Appointment, said: Said) -> Appointment:
    """Store the next version of the visit's appointment; gives it."""
    newest = newest_appointment(transaction, visit)
    following = replace(appointment, version=newest.version + 1 if newest else 1)
    row: dict[str, object] = {"id": transaction.reserve_ids("bookings", 1)[0], "visit_id": visit.visit_id}
    row |= {name: getattr(following, name) for name in Appointment.__dataclass_fields__}
    row |= {"reason": said.reason, "recorded_by": said.by}
    texts = dict.fromkeys(("at", "place", "reason"), pl.String)
    transaction.append("bookings", pl.DataFrame([row], schema_overrides=texts))
    return following
