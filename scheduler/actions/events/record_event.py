"""Record one event of one patient: what it does to episodes and visits, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.events.consequences import Consequences, follow_on, look
from scheduler.actions.events.storing_events import TO_STORE, store_events
from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, say
from scheduler.actions.plans.rules import Rules
from scheduler.core.event_details import WORDS, problems
from scheduler.core.events import Event
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry


class EventRefused(ClinicalDataError):
    """An event that cannot be recorded as it is told; nothing was stored."""

    def __init__(self, *, mrn: str, problems: Sequence[str]) -> None:
        lines = [f"- {problem}" for problem in problems]
        super().__init__(
            "\n".join([f"the event of {mrn} was not recorded; nothing was stored", *lines]),
            advice="Correct the event, --on or --detail; `hepwatch event record --help` lists the events.",
        )


class EventRecordedAlready(Conflict):
    """The same event of the same day stands."""

    def __init__(self, *, mrn: str, event: str, on: date) -> None:
        super().__init__(
            f"{in_words(event)} on {on} of {mrn} is recorded already; nothing was changed",
            advice=f"`hepwatch event list {mrn}` shows what it did.",
        )


class DiedAlready(Conflict):
    """A death on another day stands."""

    def __init__(self, *, mrn: str, died_on: date, on: date) -> None:
        super().__init__(
            f"a death of {mrn} on {died_on} is recorded; nobody dies twice, so that of {on} was not",
            advice="If the recorded day is wrong, take it back first: "
            f"hepwatch event take-back {mrn} death --on {died_on} --reason REASON",
        )


@dataclass(frozen=True, kw_only=True)
class EventRecorded:
    """One event that was recorded or taken back, and what follows.

    `effect` says what it did, in words; it is missing for one that was taken back.
    """

    patient: Patient
    event: str
    on: date
    detail: str
    is_taken_back: bool
    effect: str | None
    consequences: Consequences


def record_event(
    registry: Registry,
    rules: Rules,
    mrn: str,
    event: str,
    on: date,
    *,
    today: date,
    actor: str,
    detail: str = "",
    site: str | None = None,
    preview: bool = False,
) -> EventRecorded:
    """Record an event (`core.events.Event`) of a day up to today; episodes and visits follow, as of today.

    `detail` says where a recurrence is, what a withdrawn consent was for, why an episode is re-opened, where a
    transferred patient goes; with the other events it may say more. With `preview` nothing is kept. Raises
    `PatientNotFound`, `SeveralPatients`, `EventRefused` with everything that is wrong, `EventRecordedAlready`, and
    `DiedAlready` for a second death on another day.
    """
    said = detail.strip()
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        if wrong := problems(event, on, said, resected_on=patient.resected_on, today=today):
            raise EventRefused(mrn=patient.mrn, problems=wrong)
        _refuse_second_death(transaction, patient, event, on)
        before = look(transaction, patient, today=today)
        if not store_events(transaction, _row(transaction, patient, event, on, said, actor)):
            raise EventRecordedAlready(mrn=patient.mrn, event=event, on=on)
        step = {"step": "event", **told(event, on, said)}
        consequences = follow_on(transaction, rules, before, step=step)
        say(transaction, patient, "record_event", Said(by=actor, reason=None), **told(event, on, said))
        return EventRecorded(
            patient=patient,
            event=event,
            on=on,
            detail=said,
            is_taken_back=False,
            effect=_effect(consequences, event, on, said),
            consequences=consequences,
        )


def in_words(event: str) -> str:
    """An event's word for a sentence: `curative treatment`."""
    return event.replace("_", " ")


def told(event: str, on: date, detail: str) -> dict[str, str]:
    """What is told of an event beside its record: of the details only our words, not what a person wrote freely."""
    word = {"detail": detail} if event in list(WORDS) else {}
    return {"event": event, "on": on.isoformat(), **word}


def _refuse_second_death(reading: Reading, patient: Patient, event: str, on: date) -> None:
    if event != Event.DEATH:
        return
    events = reading.events_of([patient.patient_id])
    others = events.filter(pl.col("event") == event, pl.col("happened_on") != on)
    if others.height:
        raise DiedAlready(mrn=patient.mrn, died_on=others["happened_on"][0], on=on)


def _row(reading: Reading, patient: Patient, event: str, on: date, detail: str, actor: str) -> pl.DataFrame:
    """The event as `TO_STORE`, under the last episode that had begun by its day, else the first."""
    episodes = reading.episodes_of([patient.patient_id]).sort("anchor_on")
    begun = episodes.filter(pl.col("anchor_on") <= on)
    episode_id = begun["episode_id"][-1] if begun.height else episodes["episode_id"][0]
    row = (patient.patient_id, episode_id, event, on, detail, actor)
    return pl.DataFrame([row], schema=TO_STORE, orient="row")


def _effect(consequences: Consequences, event: str, on: date, detail: str) -> str | None:
    """What the event did, in words."""
    same = (pl.col("event") == event, pl.col("on") == on, pl.col("detail").fill_null("") == detail)
    effects = consequences.effects.filter(*same)["effect"]
    return str(effects[0]) if len(effects) else None
