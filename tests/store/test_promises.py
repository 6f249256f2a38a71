"""Every promise that the database itself keeps, by the name of its constraint, on both databases."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from scheduler.store.errors import PromiseBroken, StoredAlready
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction
from tests.databases import (
    MOMENT,
    Followed,
    ask,
    some_assessments,
    some_audit_rows,
    some_episodes,
    some_patients,
    some_plans,
    some_reports,
    some_resections,
    some_sites,
    some_visits,
    with_patients,
)

UNSIGNED = {"state": "draft", "signed_by": None, "signed_at": None}

BROKEN: dict[str, tuple[str, Callable[[Followed], pl.DataFrame]]] = {
    "ck_episodes_state": (
        "episodes",
        lambda to: some_episodes([9], to.patients, to.resections, state="lost"),
    ),
    "ck_episodes_version": (
        "episodes",
        lambda to: some_episodes([9], to.patients, to.resections, version=0),
    ),
    "ck_reports_stage": ("reports", lambda to: some_reports(to.resections, stage="radiology")),
    "ck_reports_state": ("reports", lambda to: some_reports(to.resections, version=2, state="final", reason="x")),
    "ck_reports_version": ("reports", lambda to: some_reports(to.resections, version=0, reason="x")),
    "ck_reports_signed_names_its_signer": (
        "reports",
        lambda to: some_reports(to.resections, stage="pathology", signed_by=None),
    ),
    "ck_reports_correction_has_a_reason": ("reports", lambda to: some_reports(to.resections, version=2)),
    "ck_assessments_stage": ("assessments", lambda to: some_assessments([9], to.resections, stage="later")),
    "ck_assessments_status": ("assessments", lambda to: some_assessments([9], to.resections, status="failed")),
    "ck_assessments_applicability": (
        "assessments",
        lambda to: some_assessments([9], to.resections, applicability="maybe"),
    ),
    "ck_assessments_versions": ("assessments", lambda to: some_assessments([9], to.resections, surgery_version=-1)),
    "ck_assessments_scored_has_predictor_and_group": (
        "assessments",
        lambda to: some_assessments([9], to.resections, pathology_version=2, risk_group=None),
    ),
    "ck_assessments_bounded_has_bounds_only": (
        "assessments",
        lambda to: some_assessments([9], to.resections, pathology_version=2, status="bounded"),
    ),
    "ck_plans_intensity": ("plans", lambda to: some_plans(to.episodes, version=2, intensity="high")),
    "ck_plans_version": ("plans", lambda to: some_plans(to.episodes, version=0)),
    "ck_visits_origin": ("visits", lambda to: some_visits([9], to.episodes, grid_month=4, origin="telephone")),
    "ck_visits_status": ("visits", lambda to: some_visits([9], to.episodes, grid_month=4, status="overdue")),
    "ck_visits_window": (
        "visits",
        lambda to: some_visits([9], to.episodes, grid_month=4, due_on=date(2026, 2, 18)),
    ),
}

STORED_ALREADY: dict[str, tuple[str, Callable[[Followed], pl.DataFrame]]] = {
    "a site's code": ("sites", lambda _: some_sites([2], code="S1")),
    "a patient's resection on one day": ("resections", lambda to: some_resections([9], to.patients)),
    "a version of a report": ("reports", lambda to: some_reports(to.resections)),
    "an assessment of the same reports by the same model": (
        "assessments",
        lambda to: some_assessments([9], to.resections),
    ),
    "a second current plan": ("plans", lambda to: some_plans(to.episodes, version=2)),
    "a visit of the same origin and month": ("visits", lambda to: some_visits([9], to.episodes)),
}

ORPHANS: dict[str, tuple[str, pl.DataFrame]] = {
    "a resection of nobody": ("resections", some_resections([9], [99])),
    "an episode of nobody": ("episodes", some_episodes([9], [99], [1])),
    "a report of no resection": ("reports", some_reports([99])),
    "an assessment by an unknown rule": ("assessments", some_assessments([9], [1], model_digest="ff")),
    "a plan by an unknown protocol": ("plans", some_plans([1], version=2, protocol_digest="ff", superseded_at=MOMENT)),
    "a visit of no plan": ("visits", some_visits([9], [1], plan_version=2, grid_month=4)),
}


def append(registry: Registry, table: str, frame: pl.DataFrame) -> None:
    """Store the rows, though nobody says who did."""
    with registry.transaction() as transaction:
        transaction.append(table, frame)


@pytest.mark.parametrize("promise", BROKEN)
def test_a_row_that_breaks_a_promise_is_refused_by_name(registry: Registry, promise: str) -> None:
    followed = with_patients(registry, 1)
    table, broken = BROKEN[promise]

    with pytest.raises(PromiseBroken, match=promise):
        append(registry, table, broken(followed))


@pytest.mark.parametrize("twice", STORED_ALREADY)
def test_what_there_is_once_is_not_stored_twice(registry: Registry, twice: str) -> None:
    followed = with_patients(registry, 1)
    table, again = STORED_ALREADY[twice]

    with pytest.raises(StoredAlready, match=f"one of the {table} "):
        append(registry, table, again(followed))


@pytest.mark.parametrize("orphan", ORPHANS)
def test_a_row_without_what_it_belongs_to_is_refused(registry: Registry, orphan: str) -> None:
    with_patients(registry, 1)
    table, rows = ORPHANS[orphan]

    with pytest.raises(PromiseBroken, match=r"FOREIGN KEY|fk_"):
        append(registry, table, rows)


def test_a_report_has_one_draft_at_most(registry: Registry) -> None:
    followed = with_patients(registry, 1)

    with pytest.raises(StoredAlready), registry.transaction() as transaction:
        append_two_drafts(transaction, followed)


def test_a_patient_belongs_to_a_site(registry: Registry) -> None:
    with_patients(registry, 1)

    with pytest.raises(PromiseBroken), registry.transaction() as transaction:
        transaction.append_patients(some_patients([9], site_id=99))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reports SET document = '{}'",
        "UPDATE reports SET state = 'draft'",
        "DELETE FROM reports",
        "UPDATE audit_rows SET actor = 'nobody'",
        "DELETE FROM audit_rows",
    ],
)
def test_what_was_signed_or_audited_is_never_changed(registry: Registry, database_url: str, change: str) -> None:
    with_patients(registry, 1)

    with pytest.raises(Exception, match="a signed or audited row is never changed"):
        ask(database_url, change)


@pytest.mark.parametrize("table", ["reports", "audit_rows"])
def test_what_was_signed_or_audited_is_not_emptied_on_postgresql(postgresql_url: str, table: str) -> None:
    with pytest.raises(Exception, match="a signed or audited row is never changed"):
        ask(postgresql_url, f"TRUNCATE {table} CASCADE")


def test_a_draft_may_be_changed_until_it_is_signed_and_no_longer(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    append_draft(registry, followed)
    signed = some_reports(followed.resections, stage="pathology").select(
        "resection_id", "stage", "version", "state", "signed_by", "signed_at"
    )
    key, put = ["resection_id", "stage", "version"], ["state", "signed_by", "signed_at"]
    with registry.transaction() as transaction:
        transaction.update("reports", signed, key=key, put=put)
        transaction.append_audit(some_audit_rows(followed.patients))

    with pytest.raises(PromiseBroken, match="never changed"), registry.transaction() as transaction:
        transaction.update("reports", signed.with_columns(signed_by=pl.lit("dr.kim")), key=key, put=put)

    with registry.reading() as reading:
        pathology = reading.reports_of().filter(stage="pathology")
    assert pathology.select("state", "signed_by", "signed_at").rows() == [("signed", "dr.lee", MOMENT)]


def test_a_refusal_repeats_nothing_of_the_row(registry: Registry) -> None:
    followed = with_patients(registry, 1)

    with pytest.raises(PromiseBroken) as refusal:
        append(registry, "reports", some_reports(followed.resections, stage="x", document='{"secret":1}'))

    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def append_draft(registry: Registry, followed: Followed) -> None:
    """Store an unsigned pathology report."""
    with registry.transaction() as transaction:
        transaction.append("reports", some_reports(followed.resections, stage="pathology", **UNSIGNED))
        transaction.append_audit(some_audit_rows(followed.patients))


def append_two_drafts(transaction: Transaction, followed: Followed) -> None:
    """Store two drafts of the same report."""
    for version in (2, 3):
        transaction.append("reports", some_reports(followed.resections, version=version, **UNSIGNED))
