"""Correct or delete one examination: a new version with a reason, and everything that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from scheduler.actions.examinations.examination_versions import (
    Recorded,
    Version,
    as_told,
    checked,
    followed_protocol,
    of_that_day,
    store_version,
)
from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import given
from scheduler.actions.plans.rules import Rules
from scheduler.core.examination import Examination, ResultStatus, named_by
from scheduler.core.recurrence_findings import FOUND
from scheduler.errors import Conflict, NotFound, listed
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry


class One(NamedTuple):
    """Which examination is meant: what was done, when, and the how manieth of its kind that day."""

    procedure: str
    performed_on: date
    number: int


class ExaminationNotFound(NotFound):
    """No such examination is recorded."""

    def __init__(self, *, mrn: str, one: One, numbers: Sequence[int]) -> None:
        which = f"number {one.number} of {one.procedure}" if numbers else one.procedure
        found = f"; there is {listed([f'number {each}' for each in numbers])}" if numbers else ""
        super().__init__(
            f"{which} on {one.performed_on} is not recorded of {mrn}{found}",
            advice=f"`hepwatch exam list {mrn}` shows what is.",
        )


class NothingCorrected(Conflict):
    """A correction that says what is recorded."""

    def __init__(self, *, mrn: str, procedure: str, performed_on: date) -> None:
        super().__init__(
            f"{procedure} on {performed_on} of {mrn} stands so already",
            advice="Say what is other with --result, --finding, --value, --site-of-recurrence or --place.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is other than was recorded; None is as it was.

    A finding or a value makes the result final; a result that is pending after all has neither.
    """

    result_status: str | None = None
    finding: str | None = None
    recurrence_sites: tuple[str, ...] | None = None
    value: float | None = None
    place: str | None = None
    reviewed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The newest version of one examination, as it is stored."""

    row: dict[str, Any]

    @property
    def told(self) -> Examination:
        """As it was told."""
        return as_told(self.row)


def correct_examination(
    registry: Registry,
    rules: Rules,
    mrn: str,
    procedure: str,
    performed_on: date,
    correction: Correction,
    *,
    reason: str | None,
    today: date,
    actor: str,
    number: int = 1,
    site: str | None = None,
    confirm: bool = False,
    preview: bool = False,
) -> Recorded:
    """Correct an examination's result; verdicts, episodes and visits are those of the corrected one.

    Another result is unread until somebody reviews it: who read the one before is not kept with it. Another day or
    procedure is another examination: delete this one and record that one. Raises as `record_examination` does, and
    `ExaminationNotFound`, `NothingCorrected`, `ReasonNeeded`.
    """
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        why = given(reason, doing="correcting an examination")
        known = standing(transaction, rules, patient, One(procedure, performed_on, number))
        told = checked(transaction, rules, patient, corrected(known.told, correction), today=today, confirm=confirm)
        if told == known.told:
            raise NothingCorrected(mrn=patient.mrn, procedure=procedure, performed_on=performed_on)
        version = next_version(patient, known, told, action="correct_examination", reason=why)
        return store_version(transaction, rules, version, today=today, actor=actor)


def delete_examination(
    registry: Registry,
    rules: Rules,
    mrn: str,
    procedure: str,
    performed_on: date,
    *,
    reason: str | None,
    today: date,
    actor: str,
    number: int = 1,
    site: str | None = None,
    preview: bool = False,
) -> Recorded:
    """Delete an examination that did not take place, or not so: it stays in the record, and counts for nothing.

    Raises `PatientNotFound`, `SeveralPatients`, `ExaminationNotFound`, `ReasonNeeded`.
    """
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        why = given(reason, doing="deleting an examination")
        known = standing(transaction, rules, patient, One(procedure, performed_on, number))
        version = next_version(patient, known, known.told, action="delete_examination", reason=why)
        return store_version(transaction, rules, replace(version, state="deleted"), today=today, actor=actor)


def standing(reading: Reading, rules: Rules, patient: Patient, one: One) -> Known:
    """The examination as it stands; raises `ExaminationNotFound` also for one that was deleted."""
    procedure = named_by(followed_protocol(reading, rules, patient), one.procedure)
    recorded = of_that_day(reading, patient, procedure, one.performed_on).filter(pl.col("state") == "recorded")
    found = recorded.filter(pl.col("number") == one.number)
    if found.is_empty():
        raise ExaminationNotFound(mrn=patient.mrn, one=one, numbers=recorded["number"].to_list())
    return Known(row=found.row(0, named=True))


def corrected(told: Examination, correction: Correction) -> Examination:
    """The examination with what is other; a reviewer of another result is not kept, nor are sites of no recurrence."""
    said = {each.name: getattr(correction, each.name) for each in fields(Correction)}
    other: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if other.get("result_status") == ResultStatus.PENDING:
        other = {"finding": None, "value": None, "recurrence_sites": (), **other}
    elif "finding" in other or "value" in other:
        other = {"result_status": str(ResultStatus.FINAL), **other}
    if "finding" in other and other["finding"] not in FOUND:
        other = {"recurrence_sites": (), **other}
    changed = replace(told, **other)
    is_read = correction.reviewed_by is not None or changed.result == told.result
    return changed if is_read else replace(changed, reviewed_by=None)


def next_version(patient: Patient, known: Known, told: Examination, *, action: str, reason: str) -> Version:
    """The next version of an examination; one that is still read as before was reviewed when it was."""
    still_read = told.reviewed_by == known.told.reviewed_by and told.result == known.told.result
    return Version(
        patient=patient,
        examination=told,
        number=known.row["number"],
        version=known.row["version"] + 1,
        action=action,
        reason=reason,
        reviewed_at=known.row["reviewed_at"] if still_read else None,
    )
