"""Builders: frames of sites, patients and all that hangs on them, with overrides, and registries that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from scheduler.store.addresses import database_at
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

MOMENT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
DIGEST = "0" * 63 + "1"

Ids = Sequence[int]


def a_frame(rows: int, **cells: object) -> pl.DataFrame:
    """So many rows; a cell is one value for all of them, or a list of one for each."""
    return pl.DataFrame({name: cell if isinstance(cell, list) else [cell] * rows for name, cell in cells.items()})


def some_sites(ids: Ids, **cells: object) -> pl.DataFrame:
    """Sites with codes S1, S2 and so on."""
    codes = [f"S{number}" for number in ids]
    usual = {"id": list(ids), "code": codes, "title": "Clinic", "country": "KR", "time_zone": "Asia/Seoul"}
    return a_frame(len(ids), **{**usual, **cells})


def some_patients(ids: Ids, **cells: object) -> pl.DataFrame:
    """Patients with MRNs MRN-1, MRN-2 and so on, as `append_patients` takes them."""
    usual = {
        "id": list(ids),
        "site_id": 1,
        "mrn": [f"MRN-{number}" for number in ids],
        "name": "Kim Minji",
        "birth_date": date(1960, 5, 17),
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_resections(ids: Ids, patient_ids: Ids, **cells: object) -> pl.DataFrame:
    """One resection of each patient."""
    usual = {"id": list(ids), "patient_id": list(patient_ids), "resected_on": date(2026, 1, 5)}
    return a_frame(len(ids), **{**usual, **cells})


def some_episodes(ids: Ids, patient_ids: Ids, resection_ids: Ids, **cells: object) -> pl.DataFrame:
    """One active episode after each resection."""
    usual = {
        "id": list(ids),
        "patient_id": list(patient_ids),
        "resection_id": list(resection_ids),
        "anchor_on": date(2026, 1, 5),
        "state": "active",
        "version": 1,
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_reports(resection_ids: Ids, **cells: object) -> pl.DataFrame:
    """A signed surgery report of each resection."""
    usual = {
        "resection_id": list(resection_ids),
        "stage": "surgery",
        "version": 1,
        "state": "signed",
        "document": '{"albumin_g_l":41.0}',
        "digest": DIGEST,
        "confirmed": "[]",
        "signed_by": "dr.lee",
        "signed_at": MOMENT,
        "reason": None,
        "recorded_by": "dr.lee",
    }
    return a_frame(len(resection_ids), **{**usual, **cells})


def some_rule_texts(**cells: object) -> pl.DataFrame:
    """One rule text."""
    usual = {
        "digest": DIGEST,
        "kind": "risk_model",
        "rule_id": "ehr-postop",
        "version": 1,
        "text": '{"id":"ehr-postop"}',
    }
    return a_frame(1, **{**usual, **cells})


def some_assessments(ids: Ids, resection_ids: Ids, **cells: object) -> pl.DataFrame:
    """A scored assessment of each resection."""
    usual = {
        "id": list(ids),
        "resection_id": list(resection_ids),
        "stage": "pathology",
        "surgery_version": 1,
        "pathology_version": 1,
        "model_id": "ehr-postop",
        "model_version": 1,
        "model_digest": DIGEST,
        "status": "scored",
        "applicability": "true",
        "linear_predictor": -3.5,
        "lowest": -3.5,
        "highest": -3.5,
        "risk_group": "intermediate",
        "possible_groups": '["intermediate"]',
        "settled_by": "[]",
        "missing": "[]",
        "contributions": "{}",
        "inputs": "{}",
        "reasons": "[]",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_plans(episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """The first plan of each episode."""
    usual = {
        "episode_id": list(episode_ids),
        "version": 1,
        "stage": "pathology",
        "protocol_id": "risk-adapted",
        "protocol_version": 1,
        "protocol_digest": DIGEST,
        "intensity": "intensive",
        "provisional": False,
        "because": "[]",
        "horizon_month": 120,
    }
    return a_frame(len(episode_ids), **{**usual, **cells})


def some_visits(ids: Ids, episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """One open visit of each episode, due on 5 March 2026, two weeks either side."""
    usual = {
        "id": list(ids),
        "episode_id": list(episode_ids),
        "plan_version": 1,
        "origin": "grid",
        "grid_month": 2,
        "procedures": "afp|liver_ct_mri",
        "opens_on": date(2026, 2, 19),
        "due_on": date(2026, 3, 5),
        "closes_on": date(2026, 3, 19),
        "status": "open",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_audit_rows(patient_ids: Sequence[int | None], **cells: object) -> pl.DataFrame:
    """One audit row for each patient, as `append_audit` takes them."""
    usual = {
        "actor": "dr.lee",
        "action": "report_signed",
        "patient_id": list(patient_ids),
        "before_digest": None,
        "after_digest": DIGEST,
        "rule_digests": "[]",
        "reason": None,
        "details": "{}",
    }
    return a_frame(len(patient_ids), **{**usual, **cells})


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The ids of patients who are followed: one resection, one episode and one open visit each."""

    patients: list[int]
    resections: list[int]
    episodes: list[int]
    visits: list[int]


def follow(transaction: Transaction, count: int) -> Followed:
    """Store so many patients at site 1, with a signed surgery report, an assessment, a plan and a visit each."""
    ids = {
        name: list(transaction.reserve_ids(name, count)) for name in ("patients", "resections", "episodes", "visits")
    }
    followed = Followed(**ids)
    if not transaction.sites().height:
        transaction.append("sites", some_sites([1]))
    transaction.append_rule_texts(some_rule_texts())
    transaction.append_patients(some_patients(followed.patients))
    transaction.append("resections", some_resections(followed.resections, followed.patients))
    transaction.append("reports", some_reports(followed.resections))
    transaction.append(
        "assessments", some_assessments(transaction.reserve_ids("assessments", count), followed.resections)
    )
    transaction.append("episodes", some_episodes(followed.episodes, followed.patients, followed.resections))
    transaction.append("plans", some_plans(followed.episodes))
    transaction.append("visits", some_visits(followed.visits, followed.episodes))
    transaction.append_audit(some_audit_rows(followed.patients))
    return followed


def with_patients(registry: Registry, count: int) -> Followed:
    """Store so many followed patients in a transaction of their own."""
    with registry.transaction(recorded_at=MOMENT) as transaction:
        return follow(transaction, count)


def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run SQL past the registry, as somebody with the database in hand would; gives the last statement's rows."""
    database = database_at(url)
    try:
        with database.writing() as connection:
            results = [connection.exec_driver_sql(statement) for statement in statements]
            return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    finally:
        database.close()
