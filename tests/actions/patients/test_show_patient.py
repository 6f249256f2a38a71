"""One patient's page: findings, assessments with their caveats, plan and history."""

import pytest

from scheduler.actions.finding import PatientNotFound
from scheduler.actions.patients.show_patient import show_patient
from scheduler.store.registry import Registry
from tests.actions.tables import PATHOLOGY, TODAY, shipped_rules, sign


def test_the_page_holds_reports_in_the_order_in_which_they_are_signed(followed: Registry) -> None:
    shown = show_patient(followed, shipped_rules(), "P-1", today=TODAY)

    assert [(report["stage"], report["version"], report["state"]) for report in shown.reports] == [
        ("surgery", 1, "signed"),
        ("pathology", 1, "signed"),
    ]
    assert shown.reports[0]["findings"]["albumin_g_l"] == 41.0
    assert shown.identity["name"] == "Hong Gildong"
    assert (shown.plan or {})["intensity"] == "basic"
    assert shown.no_surveillance is None


def test_the_caveat_and_the_remark_travel_with_the_group_of_ehr_preop(followed: Registry) -> None:
    shown = show_patient(followed, shipped_rules(), "P-1", today=TODAY)

    preop = next(each for each in shown.assessments if each["model_id"] == "ehr-preop")
    assert "do not fit the printed formula" in preop["caveats"][0]
    assert preop["remark"] == "published cut-offs, unreliable: see caveat"


def test_only_the_newest_assessment_of_a_model_is_shown(followed: Registry) -> None:
    sign(followed, stage=PATHOLOGY, findings={"tumor_necrosis": "yes"}, reason="read again")

    shown = show_patient(followed, shipped_rules(), "P-1", today=TODAY)

    versions = {each["model_id"]: each["pathology_version"] for each in shown.assessments}
    assert versions == {"ehr-postop": 2, "ehr-preop": 0, "wang-distant-metastasis": 2}


def test_a_patient_without_a_plan_shows_why(followed: Registry) -> None:
    sign(followed, stage=PATHOLOGY, findings={"residual_tumor": "R2"}, reason="read again")

    shown = show_patient(followed, shipped_rules(), "P-1", today=TODAY)

    assert shown.plan is None
    assert "tumour was left behind" in (shown.no_surveillance or "")


def test_a_patient_of_whom_nothing_is_signed_has_no_plan_and_no_assessment(drafted: Registry) -> None:
    shown = show_patient(drafted, shipped_rules(), "P-1", today=TODAY)

    assert (shown.plan, shown.no_surveillance, shown.assessments) == (None, None, [])
    assert {report["state"] for report in shown.reports} == {"draft"}


def test_blanks_around_an_mrn_do_not_matter(followed: Registry) -> None:
    assert show_patient(followed, shipped_rules(), " P-1 ", today=TODAY).patient.mrn == "P-1"


def test_a_patient_of_another_site_is_not_found(followed: Registry) -> None:
    with pytest.raises(PatientNotFound, match="there is no patient P-1 at site busan"):
        show_patient(followed, shipped_rules(), "P-1", today=TODAY, site="busan")
