"""Builders for actions: tables of patients with overrides, the shipped rules, imports and signatures on a registry."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from scheduler.actions.patients.import_patients import Import, Imported, import_patients
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reports.sign_report import SignedReport, sign_report
from scheduler.actions.sites.describe_site import calendars
from scheduler.core.variables import CollectedAt
from scheduler.rulebook import Rulebook, load_rulebook
from scheduler.store.registry import Registry

TODAY = date(2026, 7, 1)
SURGERY, PATHOLOGY = CollectedAt.SURGERY, CollectedAt.PATHOLOGY
BOTH = frozenset({SURGERY, PATHOLOGY})
NOT_SIGNED: frozenset[CollectedAt] = frozenset()

PERSON = {
    "mrn": "P-1",
    "site": "seoul",
    "name": "Hong Gildong",
    "birth_date": "1961-02-03",
    "resected_on": "2026-06-01",
}
AT_SURGERY = {
    "sex": "male",
    "albumin_g_l": "41",
    "bilirubin_umol_l": "10",
    "afp_ng_ml": "12",
    "imaging_tumor_count": "1",
    "imaging_largest_tumor_cm": "3.5",
    "imaging_macrovascular_invasion": "no",
    "imaging_bile_duct_invasion": "no",
    "clinical_node_metastasis": "no",
    "clinical_distant_metastasis": "no",
    "preoperative_rupture": "no",
    "intraoperative_transfusion": "no",
    "prior_hcc_treatment": "no",
    "concurrent_malignancy": "no",
}
AT_PATHOLOGY = {
    "pathology_tumor_count": "1",
    "pathology_largest_tumor_cm": "3.5",
    "microvascular_invasion": "no",
    "macrovascular_invasion": "no",
    "satellite_nodules": "no",
    "resection_margin_mm": "15",
    "residual_tumor": "R0",
    "tumor_necrosis": "no",
    "histology": "hepatocellular_carcinoma",
    "cirrhosis": "no",
}
HIGH = {"microvascular_invasion": "yes", "macrovascular_invasion": "yes", "tumor_necrosis": "yes"}


def a_patient(**cells: str) -> dict[str, str]:
    """A row of a table: a patient at low risk whose both forms are complete, with overrides."""
    return {**PERSON, **AT_SURGERY, **AT_PATHOLOGY, **cells}


def some_patients(count: int, **cells: str) -> list[dict[str, str]]:
    """So many patients with MRNs P-1, P-2 and so on."""
    return [a_patient(mrn=f"P-{number}", **cells) for number in range(1, count + 1)]


def without(row: Mapping[str, str], *names: str) -> dict[str, str]:
    """The row without some of its columns."""
    return {name: cell for name, cell in row.items() if name not in names}


def a_table(folder: Path, *rows: Mapping[str, str], name: str = "patients.csv") -> Path:
    """The rows as a CSV file; the first names the columns."""
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@cache
def shipped_rules() -> Rulebook:
    """The shipped rules, read once."""
    return load_rulebook()


def rules_of(registry: Registry, *, protocol: str = "risk-adapted") -> Rules:
    """The shipped rules for the sites of a registry."""
    return Rules(rulebook=shipped_rules(), protocol_id=protocol, working_days=calendars(registry))


def import_table(registry: Registry, path: Path, **options: Any) -> Imported:
    """Import a table as anna, today; both reports signed, unless the options say otherwise."""
    progress = options.pop("progress", lambda _done, _all: None)
    wanted = Import(path=path, **{"today": TODAY, "actor": "anna", "sign": BOTH, **options})
    return import_patients(registry, wanted, rules_of(registry), progress=progress)


def sign(
    registry: Registry,
    mrn: str = "P-1",
    stage: CollectedAt = SURGERY,
    findings: Mapping[str, str] | None = None,
    **options: Any,
) -> SignedReport:
    """Sign one report as dr.lee, today."""
    usual: dict[str, Any] = {"today": TODAY, "actor": "dr.lee"}
    return sign_report(registry, rules_of(registry), mrn, stage, findings or {}, **{**usual, **options})


def stored(registry: Registry) -> tuple[dict[str, int], str]:
    """How many rows every table has, and the head of the audit chain: whatever changes anything changes this."""
    with registry.reading() as reading:
        return reading.counts(), reading.audit_head().hash


def outcomes(imported: Imported) -> dict[tuple[str, str], int]:
    """(stage, outcome) → patients."""
    return {(stage, outcome): count for stage, outcome, count in imported.outcomes.rows()}


def differences(imported: Imported) -> list[tuple[Any, ...]]:
    """(mrn, variable, old, new, stored) of everything that differed."""
    return imported.differences.rows()


def actions_of(registry: Registry, patient_id: int) -> Sequence[str]:
    """What the audit says was done with a patient, in order."""
    with registry.reading() as reading:
        return reading.audit_of(patient_id)["action"].to_list()


def only(frame: pl.DataFrame, **cells: object) -> dict[str, Any]:
    """The one row with these cells."""
    found = frame.filter(*(pl.col(name) == value for name, value in cells.items()))
    assert found.height == 1, found
    return found.row(0, named=True)
