"""Everything that is stored of one patient, for one page."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from scheduler.actions.events.list_events import EventList, events_listed
from scheduler.actions.examinations.list_examinations import ExaminationList, examinations_listed
from scheduler.actions.finding import Patient, find_patient
from scheduler.actions.overrides.overrides import State, overrides_of
from scheduler.core.reports import read_documents
from scheduler.core.variables import CollectedAt, VariableDictionary
from scheduler.rulebook import Rulebook
from scheduler.store.registry import Registry

LISTS = ("possible_groups", "settled_by", "missing", "reasons", "contributions", "inputs")


@dataclass(frozen=True, kw_only=True)
class PatientPage:
    """One patient: identity, reports, latest assessments, plan and visits, what was found and happened, history."""

    patient: Patient
    identity: dict[str, Any]
    reports: list[dict[str, Any]]  # stage, version, state, signed_by, signed_at, reason, findings (name → value)
    assessments: list[dict[str, Any]]
    plan: dict[str, Any] | None
    no_surveillance: str | None  # why there is no plan, where a signed report says so
    visits: pl.DataFrame
    overrides: pl.DataFrame  # overrides.OVERRIDES, those that hold
    examinations: ExaminationList
    events: EventList
    history: pl.DataFrame


def show_patient(
    registry: Registry, rulebook: Rulebook, mrn: str, *, today: date, site: str | None = None
) -> PatientPage:
    """The patient's page as of today. Raises `PatientNotFound` and `SeveralPatients`."""
    with registry.reading() as reading:
        patient = find_patient(reading, mrn, site=site)
        reports = reading.reports_of([patient.resection_id])
        assessments = reading.assessments_of([patient.resection_id])
        plan = reading.current_plans([patient.episode_id])
        history = reading.audit_of(patient.patient_id)
        return PatientPage(
            patient=patient,
            identity=reading.identities([patient.patient_id]).row(0, named=True),
            reports=[_report(row, rulebook.dictionary) for row in _in_order(reports).iter_rows(named=True)],
            assessments=_latest(assessments, rulebook),
            plan=_decoded(plan.row(0, named=True), "because") if plan.height else None,
            no_surveillance=None if plan.height else _why_not(history),
            visits=reading.visits_of([patient.episode_id]).with_columns(pl.col("procedures").str.split("|")),
            overrides=overrides_of(reading, patient, today=today).filter(pl.col("state") == State.HOLDS.value),
            examinations=examinations_listed(reading, patient),
            events=events_listed(reading, patient, today=today),
            history=history,
        )


def _in_order(reports: pl.DataFrame) -> pl.DataFrame:
    """Surgery before pathology, what is signed before its draft."""
    return reports.sort(pl.col("stage") == "pathology", "version")


def _why_not(history: pl.DataFrame) -> str | None:
    """Why nobody plans surveillance, as the last sign-off said."""
    said = history.filter(pl.col("action") == "plan_no_surveillance")["details"]
    return str(json.loads(said[-1])["because"]) if said.len() else None


def _report(row: dict[str, Any], dictionary: VariableDictionary) -> dict[str, Any]:
    found = read_documents(pl.Series([row["document"]]), dictionary, CollectedAt(row["stage"])).row(0, named=True)
    kept = ("stage", "version", "state", "signed_by", "signed_at", "reason", "digest")
    lost = json.loads(row["not_obtainable"])
    findings = {name: value for name, value in found.items() if value is not None}
    said = {"findings": findings, "confirmed": json.loads(row["confirmed"]), "not_obtainable": lost}
    return {name: row[name] for name in kept} | said


def _latest(assessments: pl.DataFrame, rulebook: Rulebook) -> list[dict[str, Any]]:
    """The newest assessment by each model, with the caveats and the remark that travel with its group."""
    newest = assessments.sort("assessment_id").unique("model_id", keep="last", maintain_order=True)
    return [_with_caveats(_decoded(row, *LISTS), rulebook) for row in newest.iter_rows(named=True)]


def _with_caveats(row: dict[str, Any], rulebook: Rulebook) -> dict[str, Any]:
    known = rulebook.models.get(f"{row['model_id']}@{row['model_version']}")
    if known is None:
        return row | {"title": row["model_id"], "caveats": [], "remark": None, "endpoint": None}
    model = known.model
    return row | {
        "title": model.title,
        "caveats": list(model.caveats),
        "remark": model.risk_groups.remark,
        "endpoint": model.endpoint.event,
    }


def _decoded(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return row | {name: json.loads(row[name]) for name in names}
