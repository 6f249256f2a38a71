"""Every examination of one patient, and what each counts for."""

from dataclasses import dataclass

import polars as pl

from scheduler.actions.finding import Patient, find_patient
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

LISTED = (
    "procedure",
    "performed_on",
    "number",
    "version",
    "result_status",
    "finding",
    "recurrence_sites",
    "value",
    "place",
    "reviewed_by",
    "reviewed_at",
    "verdict",
    "reason",
)


@dataclass(frozen=True, kw_only=True)
class ExaminationList:
    """The examinations of a patient as they stand (`LISTED`), by day; and how many were deleted."""

    patient: Patient
    examinations: pl.DataFrame
    deleted: int


def list_examinations(registry: Registry, mrn: str, *, site: str | None = None) -> ExaminationList:
    """The newest version of every examination that was not deleted, with the verdict it was given last, and why.

    `recurrence_sites` is a list. Raises `PatientNotFound`, `SeveralPatients`.
    """
    with registry.reading() as reading:
        return examinations_listed(reading, find_patient(reading, mrn, site=site))


def examinations_listed(reading: Reading, patient: Patient) -> ExaminationList:
    """The patient's examinations, as `list_examinations` gives them."""
    episodes = reading.episodes_of([patient.patient_id])["episode_id"]
    examinations = reading.examinations_of(episodes).drop("reason")
    verdicts = reading.verdicts_of(episodes).select("examination_id", "verdict", "reason")
    versions = reading.examination_versions([patient.patient_id])
    return ExaminationList(
        patient=patient,
        examinations=examinations.join(verdicts, on="examination_id", how="left", maintain_order="left")
        .with_columns(pl.col("recurrence_sites").str.json_decode(pl.List(pl.String)))
        .sort("performed_on", "procedure", "number")
        .select(LISTED),
        deleted=versions.filter(pl.col("state") == "deleted").height,
    )
