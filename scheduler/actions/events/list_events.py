"""Every event of one patient, and what each did."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.events.consequences import applied
from scheduler.actions.finding import Patient, find_patient
from scheduler.core.episode_tasks import TASKS
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

EVENTS_LISTED: dict[str, pl.DataType] = {
    "event": pl.String(),
    "on": pl.Date(),
    "detail": pl.String(),  # missing where nothing is said
    "effect": pl.String(),  # what it did, in words; of one taken back that it does nothing
    "recorded_by": pl.String(),  # missing where an examination found it
    "taken_back_by": pl.String(),
    "taken_back_because": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class EventList:
    """The events of a patient (`EVENTS_LISTED`), by day, and the tasks (`TASKS`) that are open because of them."""

    patient: Patient
    events: pl.DataFrame
    tasks: pl.DataFrame


def list_events(registry: Registry, mrn: str, *, today: date, site: str | None = None) -> EventList:
    """Every event up to and on a day with its effect: those recorded, those that examinations found, those taken back.

    Raises `PatientNotFound`, `SeveralPatients`.
    """
    with registry.reading() as reading:
        return events_listed(reading, find_patient(reading, mrn, site=site), today=today)


def events_listed(reading: Reading, patient: Patient, *, today: date) -> EventList:
    """The patient's events, as `list_events` gives them."""
    followed = applied(reading, patient.patient_id, today=today)
    versions = reading.event_versions([patient.patient_id])
    recorded = versions.with_columns(
        detail=pl.when(pl.col("detail") != "").then("detail"),
        on="happened_on",
        taken_back_by="withdrawn_by",
        taken_back_because="withdrawn_because",
    )
    is_standing = pl.col("withdrawn_at").is_null()
    one = ["event", "on", "detail"]
    names = recorded.filter(is_standing).select(*one, "recorded_by", "taken_back_by", "taken_back_because")
    stands = followed.effects.join(names, on=one, how="left", nulls_equal=True, maintain_order="left")
    gone = recorded.filter(~is_standing).with_columns(effect=pl.lit("taken back: does nothing"))
    columns = [pl.col(name).cast(kind) for name, kind in EVENTS_LISTED.items()]
    return EventList(
        patient=patient,
        events=pl.concat([stands.select(columns), gone.select(columns)]).sort("on", maintain_order=True),
        tasks=followed.tasks.filter(pl.col("closed_on").is_null()).select(*TASKS),
    )
