"""Builders for what happens to a patient: examinations and events recorded, and what the registry then holds of it."""

from datetime import date
from typing import Any

import polars as pl

from scheduler.actions.events.record_event import EventRecorded, record_event
from scheduler.actions.events.take_back_event import take_back_event
from scheduler.actions.examinations.correct_examination import Correction, correct_examination, delete_examination
from scheduler.actions.examinations.examination_versions import Recorded
from scheduler.actions.examinations.record_examination import record_examination
from scheduler.actions.examinations.review_examination import review_examination
from scheduler.core.examination import Examination
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from tests.actions.tables import rules_of

FIRST_VISIT, SECOND_VISIT, THIRD_VISIT = date(2026, 9, 1), date(2026, 12, 1), date(2027, 3, 1)  # of P-1, due days
NEW_YEAR = date(2027, 1, 1)
ACTED: dict[str, Any] = {"today": NEW_YEAR, "actor": "anna"}


def examined(
    registry: Registry, performed_on: date = FIRST_VISIT, procedure: str = "liver_ct_mri", **options: Any
) -> Recorded:
    """Record an examination of P-1 as anna at New Year: a liver CT without recurrence, unless options say otherwise."""
    told = {name: options.pop(name) for name in list(options) if name in Examination.__dataclass_fields__}
    if not {"finding", "value", "result_status"} & set(told):
        told["finding"] = "no_recurrence"
    examination = Examination(procedure=procedure, performed_on=performed_on, **told)
    return record_examination(registry, rules_of(registry), options.pop("mrn", "P-1"), examination, **ACTED | options)


def reviewed(registry: Registry, performed_on: date = FIRST_VISIT, **options: Any) -> Recorded:
    """Say that dr.lee has read a liver CT of P-1."""
    usual: dict[str, Any] = {**ACTED, "by": "dr.lee"}
    rules = rules_of(registry)
    return review_examination(registry, rules, "P-1", "liver_ct_mri", performed_on, **usual | options)


def corrected(
    registry: Registry, performed_on: date = FIRST_VISIT, *, procedure: str = "liver_ct_mri", **options: Any
) -> Recorded:
    """Correct an examination of P-1 after a second reading."""
    said = {name: options.pop(name) for name in list(options) if name in Correction.__dataclass_fields__}
    usual: dict[str, Any] = {**ACTED, "reason": "second reading"}
    correction, rules = Correction(**said), rules_of(registry)
    return correct_examination(registry, rules, "P-1", procedure, performed_on, correction, **usual | options)


def deleted(registry: Registry, performed_on: date = FIRST_VISIT, **options: Any) -> Recorded:
    """Delete a liver CT of P-1, which was another patient's."""
    usual: dict[str, Any] = {**ACTED, "reason": "of another patient"}
    rules = rules_of(registry)
    return delete_examination(registry, rules, "P-1", "liver_ct_mri", performed_on, **usual | options)


def happened(registry: Registry, event: str, on: date, **options: Any) -> EventRecorded:
    """Record an event of P-1 as anna at New Year."""
    return record_event(registry, rules_of(registry), options.pop("mrn", "P-1"), event, on, **ACTED | options)


def taken_back(registry: Registry, event: str, on: date, **options: Any) -> EventRecorded:
    """Take an event of P-1 back, which was another patient's."""
    usual: dict[str, Any] = {**ACTED, "reason": "of another patient"}
    return take_back_event(registry, rules_of(registry), "P-1", event, on, **usual | options)


def verdicts(registry: Registry) -> dict[tuple[str, date, int], str]:
    """(procedure, day, number) → what each examination in the registry counts for."""
    with registry.reading() as reading:
        given = reading.verdicts_of().select("examination_id", "verdict")
        known = reading.examinations_of().join(given, on="examination_id", how="full", coalesce=True)
    rows = known.sort("performed_on", "procedure", "number")
    return {(row["procedure"], row["performed_on"], row["number"]): row["verdict"] for row in rows.to_dicts()}


def episodes(registry: Registry) -> list[tuple[date, str]]:
    """Anchor and state of each episode of P-1, in order."""
    with registry.reading() as reading:
        known = reading.episodes_of(_patient(reading)).sort("anchor_on")
    return known.select("anchor_on", "state").rows()


def whose(registry: Registry, performed_on: date) -> list[date]:
    """The anchors of the episodes that P-1's examinations of a day belong to."""
    with registry.reading() as reading:
        anchors = reading.episodes_of(_patient(reading)).select("episode_id", "anchor_on")
        examinations = reading.examinations_of(anchors["episode_id"])
    of_that_day = examinations.filter(pl.col("performed_on") == performed_on)
    return of_that_day.join(anchors, on="episode_id")["anchor_on"].to_list()


def visits(registry: Registry, *, status: str = "open", anchor_on: date = date(2026, 6, 1)) -> list[str]:
    """P-1's visits of an episode with this status, `grid-3` and so on, by due day."""
    with registry.reading() as reading:
        of_anchor = reading.episodes_of(_patient(reading)).filter(pl.col("anchor_on") == anchor_on)
        known = reading.visits_of(of_anchor["episode_id"]).filter(pl.col("status") == status)
    return known.select(name=pl.format("{}-{}", "origin", "grid_month"))["name"].to_list()


def _patient(reading: Reading) -> list[int]:
    """The id of P-1."""
    return reading.patients_by_mrn(["P-1"])["patient_id"].to_list()
