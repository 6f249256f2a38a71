"""What can be asked of the registry, on both databases."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import select

from scheduler.store.errors import IdentityUnreadable, RuleTextNotFound
from scheduler.store.reading.schedules import IS_OPEN
from scheduler.store.registry import Registry
from scheduler.store.tables import visits
from tests.databases import (
    Followed,
    ask,
    some_assessments,
    some_audit_rows,
    some_patients,
    some_plans,
    some_reports,
    some_sites,
    with_patients,
)

OPENS_ON = date(2026, 2, 19)


def test_patients_are_found_by_mrn_at_one_site_or_at_any(registry: Registry) -> None:
    with_patients(registry, 2)
    with registry.transaction() as transaction:
        transaction.append("sites", some_sites([2]))
        transaction.append_patients(some_patients([50], mrn="MRN-1", site_id=2))
        transaction.append_audit(some_audit_rows([50]))

    with registry.reading() as reading:
        anywhere = reading.patients_by_mrn([" MRN-1 ", "MRN-2", "mrn-2", "unknown"])
        at_one = reading.patients_by_mrn(["MRN-1", "MRN-2"], site="S2")

    assert anywhere.sort("patient_id").rows() == [
        (1, " MRN-1 ", 1, "S1"),
        (2, "MRN-2", 1, "S1"),
        (50, " MRN-1 ", 2, "S2"),
    ]
    assert at_one.rows() == [(50, "MRN-1", 2, "S2")]


def test_more_ids_than_a_statement_has_parameters_can_be_asked_for(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    many = list(range(1, 150_001))

    with registry.reading() as reading:
        identities = reading.identities(many)
        by_mrn = reading.patients_by_mrn([f"MRN-{number}" for number in many])
        none = reading.resections_of([])
        every = reading.resections_of()

    assert identities["patient_id"].to_list() == followed.patients
    assert by_mrn["patient_id"].to_list() == followed.patients
    assert none.height == 0
    assert none.schema == every.schema
    assert every["resection_id"].to_list() == followed.resections


def test_an_answer_without_rows_has_its_columns_and_types(registry: Registry) -> None:
    with registry.reading() as reading:
        nobody = reading.open_visits(opening_by=OPENS_ON)
        unknown = reading.patients_by_mrn(["x"])
        reports = reading.reports_of()

    assert {name: str(kind) for name, kind in nobody.schema.items()} == {
        "patient_id": "Int64",
        "site": "String",
        "time_zone": "String",
        "intensity": "String",
        "provisional": "Boolean",
        "protocol_id": "String",
        "protocol_version": "Int64",
        "visit_id": "Int64",
        "episode_id": "Int64",
        "plan_version": "Int64",
        "origin": "String",
        "grid_month": "Int64",
        "procedures": "String",
        "opens_on": "Date",
        "due_on": "Date",
        "closes_on": "Date",
        "status": "String",
    }
    assert unknown.columns == ["patient_id", "mrn", "site_id", "site"]
    assert reports.schema["signed_at"] == pl.Datetime("us", "UTC")


def test_the_latest_signed_report_and_the_draft_are_given(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    unsigned = {"state": "draft", "signed_by": None, "signed_at": None}
    with registry.transaction() as transaction:
        transaction.append("reports", some_reports(followed.resections, version=2, reason="typing error"))
        transaction.append("reports", some_reports(followed.resections, version=3, **unsigned))
        transaction.append("reports", some_reports(followed.resections, stage="pathology", **unsigned))
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        reports = reading.reports_of(followed.resections)

    assert reports.select("stage", "version", "state").rows() == [
        ("pathology", 1, "draft"),
        ("surgery", 2, "signed"),
        ("surgery", 3, "draft"),
    ]


@pytest.mark.parametrize(
    ("day", "visits_open"),
    [
        pytest.param(date(2026, 2, 18), 0, id="the day before the window opens"),
        pytest.param(date(2026, 2, 19), 1, id="the day it opens"),
        pytest.param(date(2026, 2, 20), 1, id="the day after"),
    ],
)
def test_an_open_visit_is_listed_from_the_day_its_window_opens(registry: Registry, day: date, visits_open: int) -> None:
    with_patients(registry, 1)

    with registry.reading() as reading:
        listed = reading.open_visits(opening_by=day)

    assert listed.height == visits_open


def test_an_open_visit_shows_the_plan_that_is_followed_now(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    _supersede(registry, followed, intensity="basic", provisional=True, protocol_id="lee-2025", protocol_version=3)

    with registry.reading() as reading:
        listed = reading.open_visits(opening_by=OPENS_ON)

    assert listed.to_dicts() == [
        {
            "patient_id": followed.patients[0],
            "site": "S1",
            "time_zone": "Asia/Seoul",
            "intensity": "basic",
            "provisional": True,
            "protocol_id": "lee-2025",
            "protocol_version": 3,
            "visit_id": followed.visits[0],
            "episode_id": followed.episodes[0],
            "plan_version": 1,
            "origin": "grid",
            "grid_month": 2,
            "procedures": "afp|liver_ct_mri",
            "opens_on": date(2026, 2, 19),
            "due_on": date(2026, 3, 5),
            "closes_on": date(2026, 3, 19),
            "status": "open",
        }
    ]


def test_only_open_visits_of_active_episodes_are_listed(registry: Registry) -> None:
    followed = with_patients(registry, 3)
    with registry.transaction() as transaction:
        done = pl.DataFrame({"id": followed.visits[:1], "status": ["done"]})
        paused = pl.DataFrame({"id": followed.episodes[1:2], "version": [1], "state": ["paused"]})
        transaction.update("visits", done, key=["id"], put=["status"])
        transaction.update("episodes", paused, key=["id", "version"], put=["state"])
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        here = reading.open_visits(opening_by=OPENS_ON, site="S1")
        elsewhere = reading.open_visits(opening_by=OPENS_ON, site="S2")

    assert here["visit_id"].to_list() == followed.visits[2:]
    assert elsewhere.height == 0


def test_open_visits_are_found_by_the_narrow_index(registry: Registry, database_url: str) -> None:
    with_patients(registry, 1)
    wanted = select(visits.c.id).where(IS_OPEN, visits.c.opens_on <= OPENS_ON)
    query = wanted.compile(compile_kwargs={"literal_binds": True})

    if database_url.startswith("sqlite"):
        steps = ask(database_url, f"EXPLAIN QUERY PLAN {query}")
    else:
        steps = ask(database_url, "SET LOCAL enable_seqscan = off", f"EXPLAIN {query}")

    assert "ix_visits_open_by_opens_on" in str(steps)


def test_every_assessment_is_kept_beside_the_later_ones(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    later = some_assessments([90], followed.resections, pathology_version=2, risk_group="high")
    with registry.transaction() as transaction:
        transaction.append("assessments", later)
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        assessments = reading.assessments_of(followed.resections)

    assert assessments.select("pathology_version", "risk_group").rows() == [(1, "intermediate"), (2, "high")]


def test_a_patients_audit_rows_are_hers_alone(registry: Registry) -> None:
    followed = with_patients(registry, 3)

    with registry.reading() as reading:
        rows = reading.audit_of(followed.patients[1])

    assert rows.select("position", "action", "patient_id").rows() == [(2, "report_signed", followed.patients[1])]


def test_an_identity_moved_to_another_patient_is_refused(registry: Registry, database_url: str) -> None:
    with_patients(registry, 2)
    moving = "UPDATE identities SET ciphertext = (SELECT ciphertext FROM identities WHERE patient_id = 1)"
    ask(database_url, f"{moving} WHERE patient_id = 2")

    with pytest.raises(IdentityUnreadable, match="patient 2"), registry.reading() as reading:
        reading.identities([2])


def test_identities_are_not_readable_in_the_database(registry: Registry, database_url: str) -> None:
    with_patients(registry, 1)

    stored = str(ask(database_url, "SELECT * FROM patients, identities"))

    assert "Kim" not in stored
    assert "MRN-1" not in stored
    assert "1960" not in stored


def test_a_rule_text_that_was_never_used_is_not_found(registry: Registry) -> None:
    with pytest.raises(RuleTextNotFound, match="e3b0"), registry.reading() as reading:
        reading.rule_text("e3b0")


def test_sites_and_patients_are_listed(registry: Registry) -> None:
    with_patients(registry, 1)

    with registry.reading() as reading:
        sites = reading.sites()
        patients = reading.patients()

    expected = {"site_id": 1, "site": "S1", "title": "Clinic", "country": "KR", "subdivision": None}
    assert sites.to_dicts() == [{**expected, "time_zone": "Asia/Seoul"}]
    assert_frame_equal(
        patients.select("patient_id", "site_id", "site"),
        pl.DataFrame({"patient_id": [1], "site_id": [1], "site": ["S1"]}),
    )


def _supersede(registry: Registry, followed: Followed, **cells: object) -> None:
    """Replace the first plan of each episode by a second one."""
    with registry.transaction() as transaction:
        over = pl.DataFrame({"episode_id": followed.episodes, "version": 1, "superseded_at": transaction.recorded_at})
        transaction.update("plans", over, key=["episode_id", "version"], put=["superseded_at"])
        transaction.append("plans", some_plans(followed.episodes, version=2, **cells))
        transaction.append_audit(some_audit_rows(followed.patients))
