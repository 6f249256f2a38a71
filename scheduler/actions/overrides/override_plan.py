"""A clinician decides otherwise than the plan: on the intensity or on one visit, with a reason and a last day.

An override outweighs every re-planning up to and on its last day. One that is recorded later of the same thing takes
its place, and does not give it back when it runs out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, chain_of, follow_one, given, say
from scheduler.actions.overrides.override_refusals import (
    AppointmentStands,
    LastDayPast,
    NothingToOverride,
    NotOfTheGrid,
    ScheduleMissing,
    VisitDayRefused,
    WindowOver,
)
from scheduler.actions.overrides.overrides import end_overrides, find_override, holding, overrides_of, store_override
from scheduler.actions.plans.deciding_again import decide_again
from scheduler.actions.plans.following import Followed
from scheduler.actions.plans.rules import Rules
from scheduler.actions.visits.appointments import BOOKED, check_open, newest_appointment
from scheduler.actions.visits.finding_visits import Episode, Visit, current_episode, find_visit
from scheduler.core.planning import GRID
from scheduler.core.protocols import Intensity
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

Step = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Overridden:
    """What an override, or its end, did: its number, the intensity before and now, and what followed."""

    patient: Patient
    number: int
    was_intensity: str
    intensity: str | None  # missing where no surveillance is planned any more
    followed: Followed


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One patient's plan, and who decides otherwise about it."""

    transaction: Transaction
    patient: Patient
    episode: Episode
    intensity: str
    rules: Rules  # of the protocol that the plan follows
    said: Said
    today: date


def override_intensity(
    registry: Registry,
    rules: Rules,
    mrn: str,
    intensity: str,
    *,
    until_on: date,
    reason: str,
    actor: str,
    today: date,
    site: str | None = None,
    preview: bool = False,
) -> Overridden:
    """Follow a patient as closely as a clinician says, up to and on a day, whatever the models say meanwhile.

    Raises `ReasonNeeded`, `LastDayPast`, `NothingToOverride`, `ScheduleMissing`.
    """
    said = Said(by=actor, reason=given(reason, doing="an override"))
    _check_last_day(until_on, today)
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        case = _case(transaction, patient, rules, said, today=today)
        _check_schedule(case, intensity)
        override = {"kind": "intensity", "intensity": intensity, "until_on": until_on}
        number = _record(case, override, visit=None, was=case.intensity, to=intensity)
        step = {"step": "override", "kind": "intensity", "from": case.intensity, "to": intensity}
        followed = _decide(case, step | {"until_on": str(until_on), "by": actor})
        return _overridden(case, number, followed)


def override_visit(
    registry: Registry,
    rules: Rules,
    mrn: str,
    visit: str,
    *,
    due_on: date | None,
    until_on: date,
    reason: str,
    actor: str,
    today: date,
    site: str | None = None,
    preview: bool = False,
) -> Overridden:
    """Hold one visit of the grid on the day that a clinician says, or (None) not at all, up to and on a day.

    The visit's window grows to the day; from the day after the last one the plan has its way again, as far as the
    plan's own window is not over. A booked visit keeps its day, and is flagged where the override wants it earlier.
    Raises `ReasonNeeded`, `LastDayPast`, `VisitDayRefused`, `NothingToOverride`, `NotOfTheGrid`, `VisitNotOpen`,
    `WindowOver`, `AppointmentStands`, and what finding the patient and the visit raises.
    """
    said = Said(by=actor, reason=given(reason, doing="an override"))
    _check_last_day(until_on, today)
    if due_on is not None and not today <= due_on <= until_on:
        raise VisitDayRefused(due_on=due_on, today=today, until_on=until_on)
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        case = _case(transaction, patient, rules, said, today=today)
        found = find_visit(transaction, patient, visit, today=today)
        _check_visit(case, found, is_held=due_on is not None)
        about = {"origin": found.origin, "grid_month": found.grid_month, "due_on": due_on}
        override = {"kind": "visit", "until_on": until_on, **about}
        number = _record(case, override, visit=found.name, was=found.due_on, to=due_on)
        step = {"step": "override", "kind": "visit", "visit": found.name, "from": str(found.due_on)}
        step |= {"until_on": str(until_on), "by": actor}
        followed = _follow(case, {**step, "to": str(due_on) if due_on else None})
        return _overridden(case, number, followed)


def end_override(
    registry: Registry,
    rules: Rules,
    mrn: str,
    override: int,
    *,
    reason: str,
    actor: str,
    today: date,
    site: str | None = None,
    preview: bool = False,
) -> Overridden:
    """End an override, by its number as `list_overrides` gives it: the plan has its way again.

    Raises `ReasonNeeded`, `OverrideNotFound`, `OverrideOver`, `NothingToOverride`.
    """
    said = Said(by=actor, reason=given(reason, doing="ending an override"))
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        case = _case(transaction, patient, rules, said, today=today)
        row = find_override(transaction, patient, override, today=today)
        ended = overrides_of(transaction, patient, today=today)
        end_overrides(transaction, ended.filter(ended["number"] == override), said)
        details = {name: row[name] for name in ("kind", "intensity", "visit", "due_on", "until_on")}
        audited = {"override": override, **details}
        say(transaction, patient, "end_override", case.said, **audited)
        step = {"step": "override_ended", "kind": row["kind"], "override": str(override), "by": actor}
        followed = _decide(case, step) if row["kind"] == "intensity" else _follow(case, step)
        return _overridden(case, override, followed)


def _check_last_day(until_on: date, today: date) -> None:
    if until_on < today:
        raise LastDayPast(until_on=until_on, today=today)


def _case(transaction: Transaction, patient: Patient, rules: Rules, said: Said, *, today: date) -> _Case:
    """The patient's plan that is followed now. Raises `NothingToOverride`."""
    episode = current_episode(transaction, patient)
    plans = transaction.current_plans([episode.episode_id])
    if plans.is_empty() or episode.state == "ended":
        raise NothingToOverride(mrn=patient.mrn, state=episode.state)
    plan = plans.row(0, named=True)
    own = replace(rules, protocol_id=f"{plan['protocol_id']}@{plan['protocol_version']}")
    return _Case(
        transaction=transaction,
        patient=patient,
        episode=episode,
        intensity=plan["intensity"],
        rules=own,
        said=replace(said, rules=own),
        today=today,
    )


def _check_schedule(case: _Case, intensity: str) -> None:
    """Raise `ScheduleMissing` unless the protocol can follow a patient so."""
    protocol = case.rules.protocol
    known = [str(each) for each in Intensity if each in protocol.schedules]
    if intensity not in known:
        raise ScheduleMissing(mrn=case.patient.mrn, protocol=protocol.reference, intensity=intensity, known=known)


def _check_visit(case: _Case, visit: Visit, *, is_held: bool) -> None:
    """Raise whatever stands against an override of this visit; one that an override withdrew may be held again."""
    mrn = case.patient.mrn
    if visit.origin != GRID:
        raise NotOfTheGrid(mrn=mrn, visit=visit.name)
    before = holding(case.transaction, case.patient, case.episode, today=case.today, visit=visit.name)
    if visit.status != "withdrawn" or before.is_empty():
        check_open(case.patient, visit)
    if visit.closes_on < case.today:
        raise WindowOver(mrn=mrn, visit=visit.name, closes_on=visit.closes_on)
    appointment = newest_appointment(case.transaction, visit)
    if not is_held and appointment is not None and appointment.state == BOOKED:
        raise AppointmentStands(mrn=mrn, visit=visit.name, booked_on=appointment.booked_on)


def _record(case: _Case, override: Mapping[str, object], *, visit: str | None, was: object, to: object) -> int:
    """Store the override in the place of the one that holds of the same thing, with its audit row; gives its number."""
    transaction, patient = case.transaction, case.patient
    replaced = holding(transaction, patient, case.episode, today=case.today, visit=visit)
    end_overrides(transaction, replaced, case.said)
    store_override(transaction, case.episode, case.said, override)
    number = overrides_of(transaction, patient, today=case.today).height
    about = {"visit": visit} if visit else {}
    details = {"override": number, **about, "from": was, "to": to, "until_on": override["until_on"]}
    details |= {"replaces": replaced["number"].to_list()} if replaced.height else {}
    action = f"override_{override['kind']}"
    say(transaction, patient, action, case.said, **details)
    return number


def _decide(case: _Case, step: Step) -> Followed:
    """Decide anew how closely the patient is followed."""
    chains = chain_of(case.patient, step)
    patients = [case.patient.patient_id]
    return decide_again(case.transaction, patients, case.rules, today=case.today, chains=chains).followed


def _follow(case: _Case, step: Step) -> Followed:
    """Bring the visits in line with what the clinician wants of one; an appointment that is too late is flagged."""
    planned = (case.episode.episode_id,)
    return follow_one(case.transaction, case.patient, case.rules, today=case.today, step=step, planned=planned)


def _overridden(case: _Case, number: int, followed: Followed) -> Overridden:
    """What was done, with the intensity of the plan that is followed now."""
    plans = case.transaction.current_plans([case.episode.episode_id])
    return Overridden(
        patient=case.patient,
        number=number,
        was_intensity=case.intensity,
        intensity=plans["intensity"][0] if plans.height else None,
        followed=followed,
    )
