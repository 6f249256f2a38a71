"""Take back one event that was recorded by mistake: it stays in the record with who, when and why, and does nothing."""

from datetime import date

import polars as pl

from scheduler.actions.events.consequences import follow_on, look
from scheduler.actions.events.record_event import EventRecorded, in_words, told
from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, given, say
from scheduler.actions.plans.rules import Rules
from scheduler.core.events import Event
from scheduler.core.recurrence_findings import recurrences
from scheduler.errors import Conflict, NotFound
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class EventNotFound(NotFound):
    """No such event stands."""

    def __init__(self, *, mrn: str, event: str, on: date, is_of_examination: bool) -> None:
        advice = (
            "An examination of that day found it; correct the examination: hepwatch exam correct."
            if is_of_examination
            else f"`hepwatch event list {mrn}` shows what is recorded."
        )
        super().__init__(f"no {in_words(event)} on {on} is recorded of {mrn}", advice=advice)


class SeveralEvents(Conflict):
    """Several of one kind on one day, with different details."""

    def __init__(self, *, mrn: str, event: str, on: date, count: int) -> None:
        super().__init__(
            f"{count} of {in_words(event)} on {on} are recorded of {mrn}, with different details",
            advice="Say which one with --detail.",
        )


def take_back_event(
    registry: Registry,
    rules: Rules,
    mrn: str,
    event: str,
    on: date,
    *,
    reason: str | None,
    today: date,
    actor: str,
    detail: str | None = None,
    site: str | None = None,
    preview: bool = False,
) -> EventRecorded:
    """Take back an event: episodes and visits are as if it had never been recorded, as far as the days allow.

    An episode that a treatment began is ended on the day it began, and its examinations go back to the one before.
    `detail` tells apart several of one day. Recorded again, the event counts again. Raises `PatientNotFound`,
    `SeveralPatients`, `ReasonNeeded`, `EventNotFound`, `SeveralEvents`.
    """
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        why = given(reason, doing="taking back an event")
        found = _standing(transaction, patient, event, on, detail)
        before = look(transaction, patient, today=today)
        _withdraw(transaction, int(found["event_id"][0]), actor=actor, reason=why)
        said = told(event, on, found["detail"][0])
        consequences = follow_on(transaction, rules, before, step={"step": "event_taken_back", **said})
        say(transaction, patient, "take_back_event", Said(by=actor, reason=why), **said)
        return EventRecorded(
            patient=patient,
            event=event,
            on=on,
            detail=found["detail"][0],
            is_taken_back=True,
            effect=None,
            consequences=consequences,
        )


def _standing(reading: Reading, patient: Patient, event: str, on: date, detail: str | None) -> pl.DataFrame:
    """The one event that is meant; raises `EventNotFound`, `SeveralEvents`."""
    events = reading.events_of([patient.patient_id])
    found = events.filter(pl.col("event") == event, pl.col("happened_on") == on)
    if detail is not None:
        found = found.filter(pl.col("detail") == detail.strip())
    if found.is_empty():
        by_examination = event == Event.RECURRENCE and _is_of_examination(reading, patient, on)
        raise EventNotFound(mrn=patient.mrn, event=event, on=on, is_of_examination=by_examination)
    if found.height > 1:
        raise SeveralEvents(mrn=patient.mrn, event=event, on=on, count=found.height)
    return found


def _is_of_examination(reading: Reading, patient: Patient, on: date) -> bool:
    episodes = reading.episodes_of([patient.patient_id])["episode_id"]
    return on in recurrences(reading.examinations_of(episodes))["on"].to_list()


def _withdraw(transaction: Transaction, event_id: int, *, actor: str, reason: str) -> None:
    """Put who took it back, when and why; another who did so meanwhile is noticed."""
    taken_back = {
        "id": event_id,
        "withdrawn_at": transaction.recorded_at,
        "withdrawn_by": actor,
        "withdrawn_because": reason,
    }
    put = ["withdrawn_at", "withdrawn_by", "withdrawn_because"]
    transaction.update("events", pl.DataFrame([taken_back]), key=["id"], put=put)
