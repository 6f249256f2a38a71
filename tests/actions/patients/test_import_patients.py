"""Importing a table: what is stored, what is left out, what waits, and that the same file twice changes nothing."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.patients import import_patients as importing
from scheduler.actions.patients.import_patients import SiteGivenTwice, TableRefused
from scheduler.cohort import draw_cohort
from scheduler.core.variables import CollectedAt
from scheduler.intake import Mapping
from scheduler.store.registry import Registry
from tests.actions.tables import (
    AT_PATHOLOGY,
    BOTH,
    HIGH,
    NOT_SIGNED,
    PATHOLOGY,
    SURGERY,
    a_patient,
    a_table,
    actions_of,
    differences,
    import_table,
    only,
    outcomes,
    some_patients,
    stored,
    without,
)


class Interrupted(Exception):
    """What stops an import in the middle."""


def test_an_import_enrols_files_signs_scores_and_plans(registry: Registry, tmp_path: Path) -> None:
    imported = import_table(registry, a_table(tmp_path, a_patient()))

    counts, _ = stored(registry)
    assert (imported.rows, imported.enrolled, imported.refused_rows, imported.is_whole) == (1, 1, 0, True)
    assert outcomes(imported) == {("surgery", "signed"): 1, ("pathology", "signed"): 1}
    assert imported.intensities.rows() == [("basic", "false", None, 1)]
    assert {name: counts[name] for name in ("patients", "identities", "resections", "reports", "plans")} == {
        "patients": 1,
        "identities": 1,
        "resections": 1,
        "reports": 2,
        "plans": 1,
    }
    assert counts["assessments"] == 3
    assert actions_of(registry, 1) == [
        "enrol_patient",
        "sign_surgery_report",
        "sign_pathology_report",
        "plan_surveillance",
    ]


@pytest.mark.parametrize("signed", [NOT_SIGNED, frozenset({SURGERY}), frozenset({PATHOLOGY}), BOTH], ids=sorted)
def test_the_same_file_twice_changes_nothing(
    registry: Registry, tmp_path: Path, signed: frozenset[CollectedAt]
) -> None:
    cohort = draw_cohort(20, seed=3, resected_between=(date(2026, 1, 1), date(2026, 6, 1)), missing_share=0.1)
    cohort.write_csv(tmp_path / "cohort.csv")
    import_table(registry, tmp_path / "cohort.csv", sign=signed)
    before = stored(registry)

    again = import_table(registry, tmp_path / "cohort.csv", sign=signed)

    assert stored(registry) == before
    assert (again.enrolled, differences(again), again.new_sites) == (0, [], ())


def test_a_dry_run_says_the_same_and_stores_nothing_not_even_the_site(registry: Registry, tmp_path: Path) -> None:
    table = a_table(tmp_path, *some_patients(3))
    before = stored(registry)

    tried = import_table(registry, table, dry_run=True)
    after = stored(registry)
    done = import_table(registry, table)

    assert after == before
    assert (tried.enrolled, outcomes(tried), tried.new_sites) == (done.enrolled, outcomes(done), ("seoul",))
    assert tried.visits.equals(done.visits)


def test_a_bad_row_is_left_out_whole_and_the_good_ones_are_stored(registry: Registry, tmp_path: Path) -> None:
    table = a_table(
        tmp_path,
        a_patient(mrn="P-1"),
        a_patient(mrn="P-2", albumin_g_l="410", residual_tumor="R7"),
        a_patient(mrn="P-3"),
    )

    imported = import_table(registry, table)

    errors = imported.problems.filter(pl.col("severity") == "error")
    assert (imported.rows, imported.refused_rows, imported.enrolled, imported.is_whole) == (3, 1, 2, False)
    assert errors.select("row", "mrn", "column").rows() == [(3, "P-2", "albumin_g_l"), (3, "P-2", "residual_tumor")]
    with registry.reading() as reading:
        assert reading.patients_by_mrn(["P-1", "P-2", "P-3"])["mrn"].to_list() == ["P-1", "P-3"]


def test_a_changed_row_without_a_reason_shows_old_and_new_and_is_not_stored(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    changed = import_table(followed, a_table(tmp_path, a_patient(albumin_g_l="38.5", tumor_necrosis="yes")))

    assert stored(followed) == before
    assert differences(changed) == [
        ("P-1", "albumin_g_l", "41.0", "38.5", False),
        ("P-1", "tumor_necrosis", "false", "true", False),
    ]
    assert (changed.waiting_changes, changed.is_whole) == (2, False)


def test_a_changed_row_with_a_reason_becomes_the_next_version_and_is_scored_and_planned_again(
    followed: Registry, tmp_path: Path
) -> None:
    changed = import_table(followed, a_table(tmp_path, a_patient(**HIGH)), reason="the slides were read again")

    assert {(name, stored_now) for _, name, _, _, stored_now in differences(changed)} == dict.fromkeys(
        HIGH, True
    ).items()
    assert outcomes(changed) == {("surgery", "same"): 1, ("pathology", "signed"): 1}
    with followed.reading() as reading:
        report = only(reading.reports_of([1]), stage="pathology")
        plan = only(reading.current_plans([1]))
        postop = reading.assessments_of([1]).filter(pl.col("model_id") == "ehr-postop")["risk_group"].to_list()
    assert (report["version"], report["reason"], report["state"]) == (2, "the slides were read again", "signed")
    assert (plan["version"], plan["intensity"]) == (2, "intensive")
    assert postop == ["low", "high"]
    assert actions_of(followed, 1)[-2:] == ["sign_pathology_report", "plan_surveillance"]


def test_only_the_form_that_changed_waits_for_a_reason(registry: Registry, tmp_path: Path) -> None:
    at_surgery = without(a_patient(), *AT_PATHOLOGY)
    import_table(registry, a_table(tmp_path, at_surgery), sign=frozenset({SURGERY}))

    imported = import_table(registry, a_table(tmp_path, a_patient(albumin_g_l="30")))

    assert outcomes(imported) == {("surgery", "needs a reason"): 1, ("pathology", "signed"): 1}
    assert differences(imported) == [("P-1", "albumin_g_l", "41.0", "30.0", False)]


def test_a_draft_is_completed_without_a_reason_and_changed_only_with_one(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(inr="")), sign=NOT_SIGNED)

    completed = import_table(registry, a_table(tmp_path, a_patient(inr="1.1")), sign=NOT_SIGNED)
    changed = import_table(registry, a_table(tmp_path, a_patient(inr="1.2")), sign=NOT_SIGNED)

    assert differences(completed) == [("P-1", "inr", None, "1.1", True)]
    assert differences(changed) == [("P-1", "inr", "1.1", "1.2", False)]


def test_a_column_that_is_absent_says_nothing_and_a_blank_cell_says_that_nobody_knows(
    followed: Registry, tmp_path: Path
) -> None:
    absent = import_table(followed, a_table(tmp_path, without(a_patient(), "albumin_g_l")))
    blank = import_table(followed, a_table(tmp_path, a_patient(albumin_g_l="")))

    assert differences(absent) == []
    assert differences(blank) == [("P-1", "albumin_g_l", "41.0", None, False)]


def test_drafts_are_signed_by_a_later_import(registry: Registry, tmp_path: Path) -> None:
    table = a_table(tmp_path, a_patient())
    drafted = import_table(registry, table, sign=NOT_SIGNED)

    signed = import_table(registry, table)

    assert outcomes(drafted) == {("surgery", "drafted"): 1, ("pathology", "drafted"): 1}
    assert outcomes(signed) == {("surgery", "signed"): 1, ("pathology", "signed"): 1}
    with registry.reading() as reading:
        assert reading.reports_of().select("stage", "version", "state").rows() == [
            ("pathology", 1, "signed"),
            ("surgery", 1, "signed"),
        ]


def test_pathology_that_is_to_be_signed_before_surgery_is_kept_as_a_draft_and_said(
    registry: Registry, tmp_path: Path
) -> None:
    imported = import_table(registry, a_table(tmp_path, a_patient()), sign=frozenset({PATHOLOGY}))

    assert outcomes(imported) == {("surgery", "drafted"): 1, ("pathology", "needs the surgery report"): 1}
    assert (imported.waiting_for_surgery, imported.is_whole) == (1, False)
    with registry.reading() as reading:
        assert set(reading.reports_of()["state"]) == {"draft"}
        assert reading.counts()["plans"] == 0


def test_a_resection_on_another_day_is_a_problem_of_its_row(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    imported = import_table(followed, a_table(tmp_path, a_patient(resected_on="2026-06-22")), reason="a reason")

    problem = only(imported.problems)
    assert stored(followed) == before
    assert (problem["mrn"], problem["column"], problem["severity"]) == ("P-1", "resected_on", "error")
    assert problem["problem"] == "is not the stored resection of 2026-06-01"


def test_one_mrn_at_two_sites_is_two_patients(registry: Registry, tmp_path: Path) -> None:
    imported = import_table(registry, a_table(tmp_path, a_patient(site="seoul"), a_patient(site="busan")))

    assert (imported.enrolled, imported.new_sites) == (2, ("seoul", "busan"))
    with registry.reading() as reading:
        assert sorted(reading.patients_by_mrn(["P-1"])["site"]) == ["busan", "seoul"]


def test_a_site_is_named_once_for_a_table_without_one(registry: Registry, tmp_path: Path) -> None:
    imported = import_table(registry, a_table(tmp_path, without(a_patient(), "site")), site="busan")

    assert imported.new_sites == ("busan",)


def test_a_site_named_twice_is_refused(registry: Registry, tmp_path: Path) -> None:
    before = stored(registry)

    with pytest.raises(SiteGivenTwice, match="has a column site"):
        import_table(registry, a_table(tmp_path, a_patient()), site="busan")

    assert stored(registry) == before


def test_an_unknown_column_refuses_the_table_and_names_what_may_be_meant(registry: Registry, tmp_path: Path) -> None:
    before = stored(registry)

    with pytest.raises(TableRefused) as refused:
        import_table(registry, a_table(tmp_path, a_patient(albumin="41", zodiac="lion")))

    assert stored(registry) == before
    assert "- albumin is not a known heading; expected perhaps albumin_g_l" in refused.value.message
    assert refused.value.problems["column"].to_list() == ["albumin", "zodiac"]


def test_a_map_says_which_heading_and_word_is_which_of_ours(registry: Registry, tmp_path: Path) -> None:
    row = without(a_patient(), "mrn", "resected_on", "sex") | {
        "Patient no.": "P-1",
        "Op date": "1.6.2026",
        "Sex": "m",
        "Ward": "7",
    }
    mapping = Mapping.model_validate(
        {
            "columns": {"Patient no.": "mrn", "Op date": "resected_on", "Sex": "sex"},
            "ignore": ["Ward"],
            "values": {"sex": {"m": "male"}},
            "dates": "day_month_year",
        },
        strict=False,
    )

    import_table(registry, a_table(tmp_path, a_patient()))
    mapped = import_table(registry, a_table(tmp_path, row, name="theirs.csv"), mapping=mapping)

    assert (mapped.enrolled, differences(mapped), mapped.refused_rows) == (0, [], 0)


def test_an_import_that_is_interrupted_goes_on_where_it_was(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PATIENTS_AT_A_TIME", 10)
    cohort = draw_cohort(35, seed=4, resected_between=(date(2026, 1, 1), date(2026, 6, 1)))
    cohort.write_csv(tmp_path / "cohort.csv")
    seen: list[tuple[int, int]] = []

    def stop_after_two(done: int, everybody: int) -> None:
        seen.append((done, everybody))
        if done == 20:
            raise Interrupted

    with pytest.raises(Interrupted):
        import_table(registry, tmp_path / "cohort.csv", progress=stop_after_two)
    half, _ = stored(registry)
    imported = import_table(registry, tmp_path / "cohort.csv")

    whole, _ = stored(registry)
    assert seen == [(10, 35), (20, 35)]
    assert (half["patients"], imported.enrolled, whole["patients"]) == (20, 15, 35)
    assert outcomes(imported)[("pathology", "same")] == 20
    with registry.reading() as reading:
        assert reading.verify_audit_chain() is None


def test_chunks_make_no_difference(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = draw_cohort(9, seed=5, resected_between=(date(2026, 1, 1), date(2026, 6, 1)), missing_share=0.2)
    cohort.write_csv(tmp_path / "cohort.csv")
    whole = import_table(registry, tmp_path / "cohort.csv", dry_run=True)
    monkeypatch.setattr(importing, "PATIENTS_AT_A_TIME", 4)

    chunked = import_table(registry, tmp_path / "cohort.csv", dry_run=True)

    assert outcomes(chunked) == outcomes(whole)
    assert chunked.assessments.equals(whole.assessments)
    assert chunked.intensities.equals(whole.intensities)
    assert chunked.visits.equals(whole.visits)
    assert sorted(chunked.caveats.rows()) == sorted(whole.caveats.rows())


def test_unusual_values_are_confirmed_with_the_form_that_holds_them(registry: Registry, tmp_path: Path) -> None:
    imported = import_table(registry, a_table(tmp_path, a_patient(afp_ng_ml="200000", resection_margin_mm="150")))

    assert imported.is_whole
    with registry.reading() as reading:
        confirmed = dict(reading.reports_of().select("stage", "confirmed").rows())
    assert confirmed == {
        "surgery": '["afp_ng_ml 200000 is unusual, outside 0–100,000 ng/mL"]',
        "pathology": '["resection_margin_mm 150 is unusual, outside 0–80 mm"]',
    }


def test_an_age_follows_from_the_birth_date(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(birth_date="1961-06-02", resected_on="2026-06-01")))

    with registry.reading() as reading:
        surgery = only(reading.reports_of(), stage="surgery")
    assert '"age_years":64' in surgery["document"]


def test_a_first_plan_is_whole_even_where_its_days_have_passed(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(resected_on="2024-06-03")))

    with registry.reading() as reading:
        visits = reading.visits_of([1])
    assert visits["grid_month"].to_list()[:4] == [3, 6, 9, 12]
    assert set(visits["status"]) == {"open"}
    assert visits["due_on"][0] - date(2024, 6, 3) > timedelta(days=80)
