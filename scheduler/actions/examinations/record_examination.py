"""Record one examination of one patient: stored, matched and followed in one transaction."""

from datetime import date

import polars as pl

from scheduler.actions.examinations.examination_versions import (
    Recorded,
    Version,
    as_told,
    checked,
    of_that_day,
    store_version,
)
from scheduler.actions.finding import acting_on
from scheduler.actions.plans.rules import Rules
from scheduler.core.examination import Examination
from scheduler.errors import Conflict
from scheduler.store.registry import Registry


class RecordedAlready(Conflict):
    """The same examination is stored."""

    def __init__(self, *, mrn: str, procedure: str, performed_on: date) -> None:
        super().__init__(
            f"{procedure} on {performed_on} of {mrn} is recorded already, with the same result",
            advice="If a second one was done that day, say so with --again.",
        )


def record_examination(
    registry: Registry,
    rules: Rules,
    mrn: str,
    examination: Examination,
    *,
    today: date,
    actor: str,
    site: str | None = None,
    confirm: bool = False,
    again: bool = False,
    preview: bool = False,
) -> Recorded:
    """Record an examination that took place, or will: a pending result of a day to come counts for nothing yet.

    It belongs to the episode that it falls into, whatever is recorded first. `again` says that it is a second one of
    its procedure and day. With `preview` nothing is kept. Raises `PatientNotFound`, `SeveralPatients`,
    `ExaminationRefused` with everything that is wrong, `ValueNotConfirmed`, `RecordedAlready`.
    """
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        told = checked(transaction, rules, patient, examination, today=today, confirm=confirm)
        same_day = of_that_day(transaction, patient, told.procedure, told.performed_on)
        standing = same_day.filter(pl.col("state") == "recorded")
        if not again and any(as_told(row).result == told.result for row in standing.to_dicts()):
            raise RecordedAlready(mrn=patient.mrn, procedure=told.procedure, performed_on=told.performed_on)
        number = int(same_day.select(pl.col("number").max().fill_null(0)).item()) + 1
        version = Version(patient=patient, examination=told, number=number, version=1, action="record_examination")
        return store_version(transaction, rules, version, today=today, actor=actor)
