"""What changed between two versions of a patient's plan, visit by visit, and what led there."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from scheduler.actions.finding import Patient, find_patient
from scheduler.core.visit_changes import visit_name
from scheduler.errors import NotFound
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry


class PlanVersionNotFound(NotFound):
    """A version that the plan never had."""

    def __init__(self, *, mrn: str, wanted: int, newest: int) -> None:
        known = f"its versions are 1 to {newest}" if newest else "nothing has been planned"
        super().__init__(
            f"the plan of {mrn} has no version {wanted}; {known}",
            advice=f"`hepwatch plan diff {mrn}` without --versions shows the newest change.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVersion:
    """One version of a plan."""

    version: int
    recorded_at: datetime
    stage: str
    protocol: str
    intensity: str
    provisional: bool
    because: list[str]


@dataclass(frozen=True, kw_only=True)
class PlanDiff:
    """Two versions (`before` missing where the first plan is shown) and the changes after the one, up to the other.

    Each change is a dict: `change, visit, plan_version, recorded_at, was_due_on, due_on, reason` and `chain`, a list of
    steps. `kept` counts the visits of the plan that none of them touched.
    """

    patient: Patient
    before: PlanVersion | None
    after: PlanVersion
    changes: list[dict[str, Any]]
    kept: int


def diff_plan(
    registry: Registry, mrn: str, *, versions: tuple[int, int] | None = None, site: str | None = None
) -> PlanDiff:
    """The changes of the latest episode's plan after the first of two versions, up to and with the second.

    Without `versions`, the two newest; version 0 is before the first plan. What examinations and events changed while a
    version was followed belongs to it. Raises `PatientNotFound`, `SeveralPatients` and `PlanVersionNotFound`.
    """
    with registry.reading() as reading:
        patient = find_patient(reading, mrn, site=site)
        plans = reading.plan_versions_of([patient.episode_id])
        newest = plans["version"].max()
        first, last = versions or (max(plans.height - 1, 0), plans.height)
        for wanted in (first, last):
            if not 0 <= wanted <= plans.height or plans.is_empty():
                raise PlanVersionNotFound(mrn=mrn, wanted=wanted, newest=plans.height)
        assert newest == plans.height
        return PlanDiff(
            patient=patient,
            before=_version(plans, first) if first else None,
            after=_version(plans, last),
            changes=_changes(reading, patient, first, last),
            kept=_kept(reading, patient, first, last),
        )


def _version(plans: pl.DataFrame, version: int) -> PlanVersion:
    row = plans.row(version - 1, named=True)
    return PlanVersion(
        version=version,
        recorded_at=row["recorded_at"],
        stage=row["stage"],
        protocol=f"{row['protocol_id']}@{row['protocol_version']}",
        intensity=row["intensity"],
        provisional=row["provisional"],
        because=json.loads(row["because"]),
    )


def _recorded(reading: Reading, patient: Patient, first: int, last: int) -> pl.DataFrame:
    """The recorded changes after one version, up to and with another."""
    is_between = pl.col("plan_version").is_between(first, last, closed="right")
    return reading.plan_changes_of([patient.episode_id]).filter(is_between)


def _changes(reading: Reading, patient: Patient, first: int, last: int) -> list[dict[str, Any]]:
    told = _recorded(reading, patient, first, last).with_columns(visit=visit_name())
    columns = ("change", "visit", "plan_version", "recorded_at", "was_due_on", "due_on", "reason", "chain")
    return [row | {"chain": json.loads(row["chain"])} for row in told.select(columns).iter_rows(named=True)]


def _kept(reading: Reading, patient: Patient, first: int, last: int) -> int:
    """How many visits that stand were there before, and none of the changes touched."""
    key = ["episode_id", "origin", "grid_month"]
    changed = _recorded(reading, patient, first, last).select(key).unique()
    standing = reading.visits_of([patient.episode_id]).filter(pl.col("status") != "withdrawn")
    untouched = standing.join(changed, on=key, how="anti")
    return untouched.height if first else 0
