"""Review one examination: who read it, when, and what was found where the result was pending."""

from dataclasses import replace
from datetime import date

from scheduler.actions.examinations.correct_examination import Correction, One, corrected, next_version, standing
from scheduler.actions.examinations.examination_versions import Recorded, checked, store_version
from scheduler.actions.finding import acting_on
from scheduler.actions.plans.rules import Rules
from scheduler.core.examination import Examination, ResultStatus
from scheduler.errors import Conflict
from scheduler.store.registry import Registry

REVIEWED = "reviewed"  # the reason of a version that adds nothing but who read it


class ReviewedAlready(Conflict):
    """The same person has read the same result."""

    def __init__(self, *, mrn: str, procedure: str, performed_on: date) -> None:
        super().__init__(
            f"{procedure} on {performed_on} of {mrn} is reviewed by this person already",
            advice="Nothing is left to do; a second reader gives another name with --reviewed-by.",
        )


class OtherResult(Conflict):
    """A review that finds something else than the final result says."""

    def __init__(self, *, mrn: str, procedure: str, performed_on: date) -> None:
        super().__init__(
            f"{procedure} on {performed_on} of {mrn} is final with another result; a review does not change it",
            advice="Correct it, with the reason: hepwatch exam correct.",
        )


def review_examination(
    registry: Registry,
    rules: Rules,
    mrn: str,
    procedure: str,
    performed_on: date,
    *,
    by: str,
    today: date,
    actor: str,
    number: int = 1,
    found: Correction | None = None,
    reason: str = REVIEWED,
    site: str | None = None,
    confirm: bool = False,
    preview: bool = False,
) -> Recorded:
    """Say that a person has read an examination, now; `found` is the result of one that was pending.

    Raises as `record_examination` does (a pending one that is reviewed needs a result), and `ExaminationNotFound`,
    `ReviewedAlready`, `OtherResult`.
    """
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        known = standing(transaction, rules, patient, One(procedure, performed_on, number))
        read = corrected(known.told, replace(found or Correction(), reviewed_by=by))
        told = checked(transaction, rules, patient, read, today=today, confirm=confirm)
        _refuse(patient.mrn, known.told, told)
        version = next_version(patient, known, told, action="review_examination", reason=reason.strip() or REVIEWED)
        return store_version(transaction, rules, version, today=today, actor=actor)


def _refuse(mrn: str, known: Examination, told: Examination) -> None:
    """Raise for a review that adds nothing, and for one that changes a final result."""
    if told == known:
        raise ReviewedAlready(mrn=mrn, procedure=told.procedure, performed_on=told.performed_on)
    if known.result_status == ResultStatus.FINAL and told.result != known.result:
        raise OtherResult(mrn=mrn, procedure=told.procedure, performed_on=told.performed_on)
