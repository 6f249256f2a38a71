"""Who is in the registry, and whose report is awaited, on both databases."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from scheduler.actions.events.record_event import record_event
from scheduler.actions.patients.list_patients import PATIENT_LIST, list_patients
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.store.registry import Registry
from tests.actions.tables import NOT_SIGNED, SURGERY, TODAY, a_patient, a_table, import_table, only, rules_of

DAY = timedelta(days=1)
RESECTED = date(2026, 6, 1)


@pytest.fixture
def clinic(registry: Registry, tmp_path: Path) -> Registry:
    """P-1 followed, P-2 of 1 June awaiting pathology, P-3 of 20 May with drafts alone, P-4 left with tumour (R2)."""
    import_table(registry, a_table(tmp_path, a_patient(), a_patient(mrn="P-4", residual_tumor="R2")))
    import_table(registry, a_table(tmp_path, a_patient(mrn="P-2"), name="2.csv"), sign=frozenset({SURGERY}))
    drafted = a_patient(mrn="P-3", site="busan", resected_on="2026-05-20")
    import_table(registry, a_table(tmp_path, drafted, name="3.csv"), sign=NOT_SIGNED)
    return registry


def test_each_patient_is_listed_with_what_is_signed_and_followed(clinic: Registry) -> None:
    listed = list_patients(clinic, today=TODAY)

    assert tuple(listed.columns) == PATIENT_LIST
    assert listed["mrn"].to_list() == ["P-3", "P-1", "P-2", "P-4"]
    assert only(listed, mrn="P-2") == {
        "mrn": "P-2",
        "site": "seoul",
        "resected_on": RESECTED,
        "days_since": 30,
        "signed_reports": ["surgery"],
        "state": "active",
        "intensity": "standard",
        "provisional": True,
    }


def test_a_patient_after_an_r2_resection_is_listed_without_a_plan(clinic: Registry) -> None:
    row = only(list_patients(clinic, today=TODAY), mrn="P-4")

    assert (row["signed_reports"], row["intensity"], row["provisional"]) == (["surgery", "pathology"], None, None)


@pytest.mark.parametrize(
    ("today", "mrns"),
    [
        pytest.param(RESECTED + 30 * DAY, ["P-3"], id="day 30: not yet"),
        pytest.param(RESECTED + 31 * DAY, ["P-3", "P-2"], id="day 31"),
        pytest.param(date(2026, 5, 20) + 30 * DAY, [], id="nobody is that long ago"),
    ],
)
def test_who_awaits_pathology_for_more_than_thirty_days_the_oldest_first(
    clinic: Registry, today: date, mrns: list[str]
) -> None:
    assert list_patients(clinic, today=today, awaiting="pathology", older_than=30)["mrn"].to_list() == mrns


def test_who_awaits_the_surgery_report(clinic: Registry) -> None:
    assert list_patients(clinic, today=TODAY, awaiting="surgery")["mrn"].to_list() == ["P-3"]


def test_one_site_is_listed(clinic: Registry) -> None:
    assert list_patients(clinic, today=TODAY, site="busan")["mrn"].to_list() == ["P-3"]


def test_a_site_that_nobody_knows_is_an_error(clinic: Registry) -> None:
    with pytest.raises(SiteNotFound, match="there is no site tokyo"):
        list_patients(clinic, today=TODAY, site="tokyo")


def test_an_ended_episode_is_listed_only_where_it_is_asked_for(clinic: Registry) -> None:
    record_event(clinic, rules_of(clinic), "P-2", "death", TODAY, today=TODAY, actor="anna")

    assert "P-2" not in list_patients(clinic, today=TODAY, awaiting="pathology")["mrn"].to_list()
    assert list_patients(clinic, today=TODAY, states=["ended"])["mrn"].to_list() == ["P-2"]
