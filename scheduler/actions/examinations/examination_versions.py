"""Storing one version of an examination of one patient, and what follows from it.

Inside somebody's transaction. Recording, reviewing, correcting and deleting are each a new version: what was recorded
stays as it was recorded.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.events.consequences import Consequences, follow_on, look
from scheduler.actions.finding import Patient
from scheduler.actions.plans.rules import Rules
from scheduler.core.examination import Examination, named_by, problems, unusual
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.errors import ClinicalDataError
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

STEPS = {  # what the audit calls it → the step that leads to changes of visits
    "record_examination": "examination",
    "review_examination": "review",
    "correct_examination": "correction",
    "delete_examination": "deletion",
}


class ExaminationRefused(ClinicalDataError):
    """An examination that cannot be recorded as it is told; nothing was stored."""

    def __init__(self, *, mrn: str, problems: Sequence[str]) -> None:
        lines = [f"- {problem}" for problem in problems]
        super().__init__(
            "\n".join([f"the examination of {mrn} was not recorded; nothing was stored", *lines]),
            advice="Correct what is said of it, and record it again.",
        )


class ValueNotConfirmed(ClinicalDataError):
    """A marker's value outside its plausible range that nobody has confirmed."""

    def __init__(self, *, mrn: str, unusual: Sequence[str]) -> None:
        lines = [f"- {said}" for said in unusual]
        super().__init__(
            "\n".join([f"the examination of {mrn} was not recorded; nothing was stored", *lines]),
            advice="Check value and unit against the laboratory's report; if they are right, repeat with --confirm.",
        )


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One examination as it stands now, what it counts for, and what follows.

    `number` is 2 for the second of its procedure on that day; `verdict` and `reason` are missing for one that was
    deleted. `confirmed` is what is unusual about it, and was confirmed.
    """

    patient: Patient
    examination: Examination
    number: int
    version: int
    verdict: str | None
    reason: str | None
    confirmed: tuple[str, ...]
    consequences: Consequences


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an examination that is about to be stored, and what the audit calls it."""

    patient: Patient
    examination: Examination
    number: int
    version: int
    action: str
    state: str = "recorded"
    reason: str | None = None  # why there is another version
    reviewed_at: datetime | None = None  # missing where the reviewer read it with this version


def checked(
    reading: Reading, rules: Rules, patient: Patient, examination: Examination, *, today: date, confirm: bool
) -> Examination:
    """The examination with a marker under the protocol's name; raises `ExaminationRefused`, `ValueNotConfirmed`."""
    protocol = followed_protocol(reading, rules, patient)
    dictionary = rules.rulebook.dictionary
    sites = tuple(sorted(set(examination.recurrence_sites)))
    told = replace(examination, procedure=named_by(protocol, examination.procedure), recurrence_sites=sites)
    if wrong := problems(told, protocol, dictionary, today=today):
        raise ExaminationRefused(mrn=patient.mrn, problems=wrong)
    if (odd := unusual(told, dictionary)) and not confirm:
        raise ValueNotConfirmed(mrn=patient.mrn, unusual=odd)
    return told


def followed_protocol(reading: Reading, rules: Rules, patient: Patient) -> SurveillanceProtocol:
    """The protocol that the patient's plan follows; of a patient without a plan, that of the rules."""
    plans = reading.current_plans([patient.episode_id])
    if plans.is_empty():
        return rules.protocol
    plan = plans.row(0, named=True)
    return rules.rulebook.protocol(f"{plan['protocol_id']}@{plan['protocol_version']}")


def of_that_day(reading: Reading, patient: Patient, procedure: str, performed_on: date) -> pl.DataFrame:
    """The newest version of each examination of one procedure and day, also of one that was deleted, by number."""
    versions = reading.examination_versions([patient.patient_id])
    that_day = versions.filter(pl.col("procedure") == procedure, pl.col("performed_on") == performed_on)
    return that_day.sort("number", "version").unique("number", keep="last", maintain_order=True)


def as_told(row: dict[str, Any]) -> Examination:
    """A stored version as it was told."""
    told = {each.name: row[each.name] for each in fields(Examination)}
    return Examination(**told | {"recurrence_sites": tuple(json.loads(row["recurrence_sites"]))})


def store_version(transaction: Transaction, rules: Rules, version: Version, *, today: date, actor: str) -> Recorded:
    """Store one version, follow the patient as of today, and say so in the audit."""
    patient = version.patient
    before = look(transaction, patient, today=today)
    examination_id = _append(transaction, version, actor=actor)
    step = {"step": STEPS[version.action], **{name: str(value) for name, value in _said(version).items()}}
    consequences = follow_on(transaction, rules, before, step=step)
    verdicts = consequences.followed.verdicts.filter(pl.col("examination_id") == examination_id)
    verdict, reason = verdicts.select("verdict", "reason").row(0) if verdicts.height else (None, None)
    _audit(transaction, rules, version, verdict, actor=actor)
    return Recorded(
        patient=patient,
        examination=version.examination,
        number=version.number,
        version=version.version,
        verdict=verdict,
        reason=reason,
        confirmed=tuple(unusual(version.examination, rules.rulebook.dictionary)),
        consequences=consequences,
    )


def _append(transaction: Transaction, version: Version, *, actor: str) -> int:
    """Store the version under the patient's first episode; following finds the one that it belongs to."""
    told, patient_id = version.examination, version.patient.patient_id
    examination_id = transaction.reserve_ids("examinations", 1)[0]
    moment = (version.reviewed_at or transaction.recorded_at) if told.reviewed_by else None
    row = {
        **asdict(told),
        "id": examination_id,
        "patient_id": patient_id,
        "episode_id": transaction.episodes_of([patient_id]).sort("anchor_on")["episode_id"][0],
        "number": version.number,
        "version": version.version,
        "state": version.state,
        "recurrence_sites": json.dumps(told.recurrence_sites),
        "reviewed_at": moment,
        "reason": version.reason,
        "recorded_by": actor,
    }
    transaction.append("examinations", pl.DataFrame([row]))
    return examination_id


def _said(version: Version) -> dict[str, object]:
    """What is told of the examination beside its record: no place, which a person wrote freely."""
    told = version.examination
    said = {
        "procedure": told.procedure,
        "performed_on": told.performed_on.isoformat(),
        "number": version.number if version.number > 1 else None,
        "result_status": told.result_status,
        "finding": told.finding,
        "recurrence_sites": ", ".join(told.recurrence_sites) or None,
        "value": told.value,
    }
    return {name: value for name, value in said.items() if value is not None}


def _audit(transaction: Transaction, rules: Rules, version: Version, verdict: str | None, *, actor: str) -> None:
    """The audit row of the version, with the protocol by which its verdict was given."""
    protocol = followed_protocol(transaction, rules, version.patient).reference
    details = _said(version) | {"version": version.version} | ({"verdict": verdict} if verdict else {})
    row = {
        "action": version.action,
        "patient_id": version.patient.patient_id,
        "after_digest": _digest(version),
        "details": json.dumps(details),
    }
    digests = json.dumps({protocol: rules.rulebook.files[protocol].digest})
    audit(transaction, pl.DataFrame([row]), actor=actor, reason=version.reason, rule_digests=digests)


def _digest(version: Version) -> str:
    """The digest of everything that the version says."""
    said = {**asdict(version.examination), "number": version.number, "state": version.state}
    return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()
