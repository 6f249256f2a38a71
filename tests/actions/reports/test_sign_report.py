"""Signing one report: all or nothing, the same as signing many, and a refusal that says what to do."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scheduler import settings
from scheduler.actions.finding import PatientNotFound, SeveralPatients
from scheduler.actions.reports.report_findings import FindingsRefused
from scheduler.actions.reports.sign_report import (
    NotConfirmed,
    NothingToSign,
    ReasonMissing,
    SurgeryNotSigned,
)
from scheduler.core.reconcile import Change
from scheduler.store.registry import Registry
from tests.actions.tables import (
    AT_PATHOLOGY,
    AT_SURGERY,
    HIGH,
    NOT_SIGNED,
    PATHOLOGY,
    SURGERY,
    a_patient,
    a_table,
    actions_of,
    import_table,
    only,
    sign,
    stored,
    without,
)
from tests.databases import ask

NOT_COMPARED = (
    "assessment_id",
    "visit_id",
    "id",
    "recorded_at",
    "signed_at",
    "signed_by",
    "recorded_by",
    "enrolled_at",
)

RENAMED = ("ALTER TABLE visits RENAME TO visits_away", "ALTER TABLE visits_away RENAME TO visits")
FAILURES = {  # while a visit is stored, and how it is mended
    ("the table is gone", "sqlite"): RENAMED,
    ("the table is gone", "postgresql"): RENAMED,
    ("the row is refused", "sqlite"): (
        "CREATE TRIGGER refuse_visits BEFORE INSERT ON visits BEGIN SELECT RAISE(ABORT, 'no visits'); END",
        "DROP TRIGGER refuse_visits",
    ),
    ("the row is refused", "postgresql"): (
        "ALTER TABLE visits ADD CONSTRAINT no_visits CHECK (grid_month < 0)",
        "ALTER TABLE visits DROP CONSTRAINT no_visits",
    ),
}


def _changes(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame["change"].value_counts().rows())


def _all_of(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """Every report, assessment, plan and visit, without ids, moments and signers."""
    with registry.reading() as reading:
        frames = {
            "reports": reading.reports_of(),
            "assessments": reading.assessments_of().sort("resection_id", "model_id"),
            "plans": reading.current_plans(),
            "visits": reading.visits_of().sort("episode_id", "origin", "grid_month"),
        }
    return {name: frame.drop(*NOT_COMPARED, strict=False).to_dicts() for name, frame in frames.items()}


def test_a_draft_is_signed_as_it_stands(drafted: Registry) -> None:
    signed = sign(drafted)

    decision = only(signed.assessed.decisions)
    assert (signed.version, signed.differences.height, signed.confirmed.height) == (1, 0, 0)
    assert (decision["intensity"], decision["provisional"]) == ("standard", True)
    assert _changes(signed.assessed.changes) == {"added": signed.assessed.changes.height}
    with drafted.reading() as reading:
        report = only(reading.reports_of([1]), stage="surgery")
    assert (report["state"], report["signed_by"], report["version"]) == ("signed", "dr.lee", 1)
    assert actions_of(drafted, 1)[-2:] == ["sign_surgery_report", "plan_surveillance"]


def test_findings_given_at_signing_are_part_of_the_report(enrolled: Registry) -> None:
    signed = sign(enrolled, findings=AT_SURGERY)

    with enrolled.reading() as reading:
        findings = json.loads(only(reading.reports_of([1]), stage="surgery")["document"])
    assert (signed.version, findings["albumin_g_l"], findings["sex"]) == (1, 41, "male")


def test_a_unit_is_converted_at_signing_as_in_a_table(enrolled: Registry) -> None:
    sign(enrolled, findings=without(AT_SURGERY, "albumin_g_l") | {"albumin_g_dl": "4.1"})

    with enrolled.reading() as reading:
        assert json.loads(only(reading.reports_of([1]))["document"])["albumin_g_l"] == 41


def test_signing_pathology_replaces_the_provisional_plan_and_says_what_changed_and_why(drafted: Registry) -> None:
    first = sign(drafted)

    second = sign(drafted, stage=PATHOLOGY)

    was, now = only(first.assessed.decisions), only(second.assessed.decisions)
    assert (was["intensity"], was["provisional"]) == ("standard", True)
    assert (now["old_intensity"], now["intensity"], now["provisional"]) == ("standard", "basic", False)
    assert now["because"] == ["ehr-postop low → basic", "wang-distant-metastasis low → basic"]
    with drafted.reading() as reading:
        plan = only(reading.current_plans([1]))
        months = reading.visits_of([1]).filter(pl.col("status") == "open")["grid_month"].to_list()
    assert (plan["version"], plan["stage"]) == (2, "pathology")
    assert months[:5] == [3, 6, 9, 12, 16]
    assert set(_changes(second.assessed.changes)) <= {each.value for each in Change}
    assert all(second.assessed.changes["reason"])


def test_a_higher_risk_brings_visits_nearer(drafted: Registry) -> None:
    sign(drafted)

    signed = sign(drafted, stage=PATHOLOGY, findings=HIGH, reason="read again")

    decision = only(signed.assessed.decisions)
    assert (decision["old_intensity"], decision["intensity"]) == ("standard", "intensive")
    with drafted.reading() as reading:
        months = reading.visits_of([1]).filter(pl.col("status") == "open")["grid_month"].to_list()
    assert months[:6] == [2, 4, 6, 8, 10, 12]


def test_tumour_left_behind_leaves_no_plan_and_withdraws_the_visits(drafted: Registry) -> None:
    sign(drafted)

    signed = sign(drafted, stage=PATHOLOGY, findings={"residual_tumor": "R2"}, reason="positive margin")

    assert "tumour was left behind" in only(signed.assessed.decisions)["no_surveillance"]
    with drafted.reading() as reading:
        assert reading.current_plans([1]).height == 0
        assert set(reading.visits_of([1])["status"]) == {"withdrawn"}
        said = only(reading.audit_of(1), action="plan_no_surveillance")
    assert "tumour was left behind" in json.loads(said["details"])["because"]


def test_a_correction_from_r2_to_r0_brings_the_plan_back(drafted: Registry) -> None:
    sign(drafted)
    sign(drafted, stage=PATHOLOGY, findings={"residual_tumor": "R2"}, reason="positive margin")

    signed = sign(drafted, stage=PATHOLOGY, findings={"residual_tumor": "R0"}, reason="the margin was read again")

    again = signed.assessed.changes.filter(pl.col("reason") == "withdrawn before, in the plan again")
    with drafted.reading() as reading:
        plan = only(reading.current_plans([1]))
        visits = reading.visits_of([1])
    is_wanted = pl.col("grid_month").is_in(signed.assessed.changes.filter(pl.col("change") == "added")["grid_month"])
    assert (signed.version, plan["version"], plan["intensity"]) == (2, 2, "basic")
    assert again.height > 0
    assert set(visits.filter(is_wanted)["status"]) == {"open"}
    assert set(visits.filter(~is_wanted)["status"]) == {"withdrawn"}


def test_what_is_past_stays_open_when_the_plan_changes(drafted: Registry) -> None:
    sign(drafted)

    signed = sign(drafted, stage=PATHOLOGY, findings=HIGH, reason="read again", today=date(2026, 12, 1))

    with drafted.reading() as reading:
        past = reading.visits_of([1]).filter(pl.col("closes_on") < date(2026, 12, 1))
    assert past["grid_month"].to_list() == [2, 4]
    assert set(past["status"]) == {"open"}
    assert set(signed.assessed.changes.filter(pl.col("grid_month") <= 4)["change"]) == {"left"}


def test_signing_one_by_one_is_the_same_as_signing_in_bulk(
    registry: Registry, tmp_path: Path, migrated_file: Path
) -> None:
    rows = [
        a_patient(mrn="P-1"),
        a_patient(mrn="P-2", **HIGH),
        a_patient(mrn="P-3", residual_tumor="R1", albumin_g_l=""),
    ]
    import_table(registry, a_table(tmp_path, *rows), sign=NOT_SIGNED)
    for number in (1, 2, 3):
        sign(registry, f"P-{number}", SURGERY)
        sign(registry, f"P-{number}", PATHOLOGY)
    one_by_one = _all_of(registry)

    bulk = tmp_path / "bulk.db"
    bulk.write_bytes(migrated_file.read_bytes())
    with Registry.open(f"sqlite:///{bulk}") as other:
        import_table(other, a_table(tmp_path, *rows))
        together = _all_of(other)

    open_visits = [visit for visit in one_by_one["visits"] if visit["status"] == "open"]
    assert one_by_one["assessments"] == together["assessments"]
    assert one_by_one["reports"] == together["reports"]
    assert [_without_versions(row) for row in one_by_one["plans"]] == [
        _without_versions(row) for row in together["plans"]
    ]
    assert [_without_versions(row) for row in open_visits] == [_without_versions(row) for row in together["visits"]]


def _without_versions(row: dict[str, Any]) -> dict[str, Any]:
    """A plan or visit but for the number of its plan: signed one after the other, there are two."""
    return without(row, "version", "plan_version")


@pytest.mark.parametrize("failure", ["the table is gone", "the row is refused"])
def test_a_failure_in_the_middle_leaves_neither_report_nor_plan_nor_audit_row(drafted: Registry, failure: str) -> None:
    before, url = stored(drafted), settings.database_url()
    broken, mended = FAILURES[failure, url.partition(":")[0]]
    ask(url, broken)

    with pytest.raises(Exception, match="visits"):
        sign(drafted)

    ask(url, mended)
    assert stored(drafted) == before
    with drafted.reading() as reading:
        assert set(reading.reports_of([1])["state"]) == {"draft"}
        assert reading.verify_audit_chain() is None


def test_several_things_wrong_are_told_at_once_and_nothing_is_stored(drafted: Registry) -> None:
    before = stored(drafted)
    findings = {"albumin_g_l": "4.1", "sex": "perhaps", "tumor_necrosis": "yes", "albumin": "41", "name": "Hong"}

    with pytest.raises(FindingsRefused) as refused:
        sign(drafted, findings=findings)

    message = refused.value.message
    assert stored(drafted) == before
    assert refused.value.exit_status == 4
    assert "4.1 g/dL would be 41 g/L: is the heading albumin_g_dl meant?" in message
    assert "sex perhaps is not one of the choices" in message
    assert "tumor_necrosis does not belong to the surgery report; expected it in the pathology report" in message
    assert "albumin is not a known finding; expected one of the names, perhaps albumin_g_l" in message
    assert "name does not belong to the surgery report" in message
    assert "Hong" not in message


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        pytest.param({"mrn": "P-2"}, "mrn P-2 is of another patient; expected P-1", id="mrn"),
        pytest.param({"site": "busan"}, "site busan is of another patient; expected seoul", id="site"),
        pytest.param({"resected_on": "2026-05-04"}, "resected_on 2026-05-04 is of another patient", id="resection"),
    ],
)
def test_findings_of_another_patient_are_refused(drafted: Registry, finding: dict[str, str], said: str) -> None:
    with pytest.raises(FindingsRefused, match=said):
        sign(drafted, findings=finding)


def test_findings_that_name_this_patient_are_taken(drafted: Registry) -> None:
    signed = sign(drafted, findings={"mrn": "P-1", "site": "seoul", "resected_on": "2026-06-01", "inr": "1.1"})

    assert signed.differences["variable"].to_list() == ["inr"]


def test_an_age_that_contradicts_the_birth_date_is_refused(drafted: Registry) -> None:
    with pytest.raises(FindingsRefused, match="age_years 70 is not the 65"):
        sign(drafted, findings={"age_years": "70"}, reason="a reason")


def test_an_unusual_finding_must_be_confirmed_and_is_kept_with_the_report(drafted: Registry) -> None:
    before = stored(drafted)

    with pytest.raises(NotConfirmed) as refused:
        sign(drafted, findings={"inr": "4"})
    after = stored(drafted)
    sign(drafted, findings={"inr": "4"}, confirm=True)

    assert after == before
    assert refused.value.exit_status == 4
    assert "inr 4 is unusual, outside 0.8–3" in refused.value.message
    assert "--confirm" in refused.value.advice
    with drafted.reading() as reading:
        confirmed = json.loads(only(reading.reports_of([1]), stage="surgery")["confirmed"])
    assert confirmed == ["inr 4 is unusual, outside 0.8–3"]


def test_an_unusual_finding_of_a_draft_must_be_confirmed_too(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(bilirubin_umol_l="1.7")), sign=NOT_SIGNED)

    with pytest.raises(NotConfirmed, match=r"1\.7 mg/dL would be 29\.07 µmol/L"):
        sign(registry)


def test_findings_of_the_two_forms_that_contradict_each_other_must_be_confirmed(drafted: Registry) -> None:
    sign(drafted)

    with pytest.raises(NotConfirmed, match="differs more than fivefold between imaging and pathology"):
        sign(drafted, stage=PATHOLOGY, findings={"pathology_largest_tumor_cm": "20"}, reason="read again")


def test_what_was_confirmed_once_is_not_asked_again(drafted: Registry) -> None:
    sign(drafted, findings={"inr": "4"}, confirm=True)

    signed = sign(drafted, findings={"albumin_g_l": "40"}, reason="misread")

    with drafted.reading() as reading:
        confirmed = json.loads(only(reading.reports_of([1]), stage="surgery")["confirmed"])
    assert signed.version == 2
    assert confirmed == ["inr 4 is unusual, outside 0.8–3"]


def test_another_unusual_value_is_asked_again(drafted: Registry) -> None:
    sign(drafted, findings={"inr": "4"}, confirm=True)

    with pytest.raises(NotConfirmed, match="inr 5"):
        sign(drafted, findings={"inr": "5"}, reason="misread")


def test_a_change_of_a_signed_report_needs_a_reason(drafted: Registry) -> None:
    sign(drafted)
    before = stored(drafted)

    with pytest.raises(ReasonMissing) as refused:
        sign(drafted, findings={"albumin_g_l": "30", "inr": "1.1"})

    assert stored(drafted) == before
    assert refused.value.exit_status == 4
    assert "albumin_g_l: 41.0 → 30.0" in refused.value.message
    assert "inr: unknown → 1.1" in refused.value.message
    assert "--reason" in refused.value.advice


def test_a_corrected_surgery_report_scores_all_models_again(drafted: Registry) -> None:
    sign(drafted)
    sign(drafted, stage=PATHOLOGY)

    corrected = sign(drafted, findings={"albumin_g_l": "28"}, reason="misread")

    assert sorted(corrected.assessed.assessments["model"]) == ["ehr-postop", "ehr-preop", "wang-distant-metastasis"]
    assert corrected.version == 2
    with drafted.reading() as reading:
        assert only(reading.current_plans([1]))["version"] == 3


def test_pathology_is_not_signed_before_surgery(drafted: Registry) -> None:
    before = stored(drafted)

    with pytest.raises(SurgeryNotSigned) as refused:
        sign(drafted, stage=PATHOLOGY)

    assert stored(drafted) == before
    assert (refused.value.exit_status, refused.value.advice) == (6, "Sign it first: hepwatch report sign surgery P-1")


def test_a_report_is_not_signed_twice_as_it_stands(drafted: Registry) -> None:
    sign(drafted)
    before = stored(drafted)

    with pytest.raises(NothingToSign, match="is signed already") as refused:
        sign(drafted)

    assert stored(drafted) == before
    assert refused.value.exit_status == 6


def test_an_empty_report_is_not_signed(enrolled: Registry) -> None:
    with pytest.raises(NothingToSign, match="is empty"):
        sign(enrolled)


def test_a_patient_who_is_not_there_is_told_by_the_mrn(enrolled: Registry) -> None:
    with pytest.raises(PatientNotFound, match="there is no patient P-9") as refused:
        sign(enrolled, "P-9")

    assert refused.value.exit_status == 5


def test_a_patient_of_two_sites_needs_the_site(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(site="seoul"), a_patient(site="busan")), sign=NOT_SIGNED)

    with pytest.raises(SeveralPatients, match="P-1 is a patient at 2 sites: busan and seoul") as refused:
        sign(registry)
    signed = sign(registry, site="busan")

    assert refused.value.exit_status == 6
    assert signed.patient.site == "busan"


def test_the_pathology_of_a_table_is_not_touched_by_signing_surgery(drafted: Registry) -> None:
    sign(drafted)

    with drafted.reading() as reading:
        pathology = only(reading.reports_of([1]), stage="pathology")
    assert pathology["state"] == "draft"
    assert set(json.loads(pathology["document"])) == set(AT_PATHOLOGY)
