"""374 real patients, imported, signed, scored and planned: what comes out is worked out here again, in plain Python."""

import csv
import json
import math
from collections import Counter
from datetime import date

import polars as pl
import pytest

from tests.actions.conftest import TCGA, RealPatients

Row = dict[str, str]
Truth = bool | None

SURGERY_ONLY = {"TCGA-CC-5262", "TCGA-CC-A1HT"}  # nothing of their pathology is known
LEFT_BEHIND = "TCGA-DD-A119"  # the one R2 resection
PATHOLOGY = (
    "pathology_tumor_count",
    "pathology_largest_tumor_cm",
    "microvascular_invasion",
    "macrovascular_invasion",
    "satellite_nodules",
    "tumor_necrosis",
    "bile_duct_invasion",
    "resection_margin_mm",
    "residual_tumor",
)
ALBUMIN_G_L, BILIRUBIN_UMOL_L = (10.0, 70.0), (1.0, 1000.0)  # the hard ranges: what a missing value may be


def _rows() -> list[Row]:
    with TCGA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _with_pathology(rows: list[Row]) -> list[Row]:
    return [row for row in rows if any(row[name] for name in PATHOLOGY)]


def _any(*truths: Truth) -> Truth:
    """True where one is; false where all are; else unknown."""
    if True in truths:
        return True
    return None if None in truths else False


def _answer(cell: str) -> Truth:
    return {"": None, "true": True, "false": False}[cell]


def _beyond_milan(count: str, size: str, *spread: str | None) -> Truth:
    """Not one tumour up to 5 cm, nor up to three up to 3 cm; or spread. Unknown where that cannot be said."""
    if count and int(count) > 3:
        within: Truth = False
    elif size and float(size) > 5:
        within = False
    elif count and size:
        within = (int(count) == 1 and float(size) <= 5) or float(size) <= 3
    else:
        within = None
    return _any(None if within is None else not within, *(None if each is None else _answer(each) for each in spread))


def _albi(albumin: float, bilirubin: float) -> float:
    return 0.66 * math.log10(bilirubin) - 0.085 * albumin


def _albi_grade_2_or_3(row: Row) -> Truth:
    """Above -2.60; decided by the ends of the ranges where a value is missing."""
    albumin = [float(row["albumin_g_l"])] if row["albumin_g_l"] else list(ALBUMIN_G_L)
    bilirubin = [float(row["bilirubin_umol_l"])] if row["bilirubin_umol_l"] else list(BILIRUBIN_UMOL_L)
    grades = {round(_albi(a, b), 9) > -2.60 for a in albumin for b in bilirubin}
    return grades.pop() if len(grades) == 1 else None


def _postop_is_determined(row: Row) -> bool:
    milan = _beyond_milan(
        row["pathology_tumor_count"], row["pathology_largest_tumor_cm"], row["macrovascular_invasion"]
    )
    known = all(row[name] for name in ("pathology_tumor_count", "microvascular_invasion", "tumor_necrosis"))
    return known and milan is not None and _albi_grade_2_or_3(row) is not None


def _preop_is_determined(row: Row) -> bool:
    """The table says nothing of nodes and distant metastases: Milan is known only where it is exceeded."""
    milan = _beyond_milan(
        row["imaging_tumor_count"], row["imaging_largest_tumor_cm"], row["imaging_macrovascular_invasion"], None, None
    )
    return bool(row["modified_uicc_stage"]) and milan is not None and _albi_grade_2_or_3(row) is not None


def _statuses(patients: RealPatients, model: str) -> dict[str, int]:
    counted = patients.imported.assessments.filter(pl.col("model") == model).group_by("status").agg(pl.sum("patients"))
    return {"scored": 0, "bounded": 0, "not_applicable": 0, "refused": 0} | dict(counted.rows())


def _mrns(patients: RealPatients) -> pl.DataFrame:
    """`mrn, patient_id, resection_id, episode_id`."""
    with patients.registry.reading() as reading:
        known = reading.identities().select("patient_id", "mrn")
        return known.join(reading.episodes_of(), on="patient_id")


def _assessment(patients: RealPatients, mrn: str, model: str) -> dict[str, object]:
    resection = _mrns(patients).filter(pl.col("mrn") == mrn)["resection_id"][0]
    with patients.registry.reading() as reading:
        found = reading.assessments_of([resection]).filter(pl.col("model_id") == model)
    return found.row(0, named=True)


def test_every_row_is_taken(real_patients: RealPatients) -> None:
    imported = real_patients.imported

    assert (imported.rows, imported.refused_rows, imported.enrolled) == (374, 0, 374)
    assert imported.is_whole


def test_both_reports_of_all_are_signed_save_two_of_whose_pathology_nothing_is_known(
    real_patients: RealPatients,
) -> None:
    rows = _rows()

    assert {row["mrn"] for row in rows} - {row["mrn"] for row in _with_pathology(rows)} == SURGERY_ONLY
    assert real_patients.imported.outcomes.rows() == [
        ("pathology", "nothing", 2),
        ("pathology", "signed", 372),
        ("surgery", "signed", 374),
    ]


def test_ehr_postop_scores_whom_the_table_tells_enough_of(real_patients: RealPatients) -> None:
    rows = _with_pathology(_rows())
    outside = [row for row in rows if row["residual_tumor"] not in ("", "R0")]
    inside = [row for row in rows if row not in outside]
    scored = [row for row in inside if _postop_is_determined(row)]

    assert _statuses(real_patients, "ehr-postop") == {
        "scored": len(scored),
        "bounded": len(inside) - len(scored),
        "not_applicable": len(outside),
        "refused": 0,
    }
    assert (len(scored), len(outside)) == (59, 18)


def test_ehr_preop_scores_whom_the_table_tells_enough_of(real_patients: RealPatients) -> None:
    scored = [row for row in _rows() if _preop_is_determined(row)]

    assert _statuses(real_patients, "ehr-preop") == {
        "scored": len(scored),
        "bounded": 374 - len(scored),
        "not_applicable": 0,
        "refused": 0,
    }


def test_wang_is_bounded_for_all_to_whom_it_applies_since_nobody_has_rupture_or_transfusion_recorded(
    real_patients: RealPatients,
) -> None:
    rows = _with_pathology(_rows())
    outside = [row for row in rows if row["residual_tumor"] not in ("", "R0") or int(row["age_years"]) < 18]

    assert _statuses(real_patients, "wang-distant-metastasis") == {
        "scored": 0,
        "bounded": len(rows) - len(outside),
        "not_applicable": len(outside),
        "refused": 0,
    }
    assert len(outside) == 20


@pytest.mark.parametrize(
    ("mrn", "by_hand", "group"),
    [
        pytest.param(
            "TCGA-2Y-A9H4",
            -1.139 * math.log(68),
            "low",
            id="68 years, one tumour of 3.3 cm, no MVI, no necrosis, albumin 46 and bilirubin 5.1: ALBI -3.44",
        ),
        pytest.param(
            "TCGA-DD-AACM",
            -1.139 * math.log(48) + 0.637 + 0.439,
            "intermediate",
            id="48 years, two tumours up to 1.5 cm, necrosis, albumin 42 and bilirubin 27.4: ALBI -2.62, grade 1",
        ),
        pytest.param(
            "TCGA-DD-AADN",
            -1.139 * math.log(59) + 0.979 + 0.439 + 0.696 + 0.602,
            "high",
            id="59 years, one tumour of 14.5 cm, MVI, necrosis, albumin 35 and bilirubin 18.8: ALBI -2.13, grade 2",
        ),
    ],
)
def test_the_linear_predictor_of_ehr_postop_is_the_one_worked_out_by_hand(
    real_patients: RealPatients, mrn: str, by_hand: float, group: str
) -> None:
    assessment = _assessment(real_patients, mrn, "ehr-postop")

    assert (assessment["status"], assessment["risk_group"]) == ("scored", group)
    assert assessment["linear_predictor"] == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize("mrn", ["TCGA-5R-AA1D", "TCGA-XR-A8TE"], ids=["17 years", "16 years"])
def test_a_minor_is_outside_the_population_of_wang_and_inside_that_of_lee(
    real_patients: RealPatients, mrn: str
) -> None:
    wang, lee = (_assessment(real_patients, mrn, model) for model in ("wang-distant-metastasis", "ehr-postop"))

    assert (wang["status"], wang["applicability"], wang["reasons"]) == ("not_applicable", "false", '["adults only"]')
    assert lee["status"] in ("scored", "bounded")


def test_everybody_has_a_plan_save_the_one_whose_tumour_was_left_behind(real_patients: RealPatients) -> None:
    everybody = _mrns(real_patients)
    with real_patients.registry.reading() as reading:
        planned = everybody.join(reading.current_plans(), on="episode_id", how="semi")
        unplanned = everybody.join(planned, on="episode_id", how="anti")
        visits_of_unplanned = reading.visits_of(unplanned["episode_id"]).height

    assert [row["mrn"] for row in _rows() if row["residual_tumor"] == "R2"] == [LEFT_BEHIND]
    assert unplanned["mrn"].to_list() == [LEFT_BEHIND]
    assert visits_of_unplanned == 0


def test_nobody_is_imaged_more_often_in_a_later_year_than_in_the_first(real_patients: RealPatients) -> None:
    with real_patients.registry.reading() as reading:
        visits = reading.visits_of()
    per_year: dict[int, Counter[int]] = {}
    for episode, month in visits.select("episode_id", "grid_month").iter_rows():
        per_year.setdefault(episode, Counter())[(month - 1) // 12] += 1

    assert len(per_year) == 373
    assert all(years[0] == max(years.values()) for years in per_year.values())
    assert {years[0] for years in per_year.values()} == {4, 5, 6}  # basic, standard, intensive


def test_nobody_whose_pathology_is_not_signed_is_followed_below_standard(real_patients: RealPatients) -> None:
    with real_patients.registry.reading() as reading:
        plans = _mrns(real_patients).join(reading.current_plans(), on="episode_id")
    unsigned = plans.filter(pl.col("mrn").is_in(list(SURGERY_ONLY)))

    assert unsigned.height == 2
    assert set(unsigned["intensity"]) <= {"standard", "intensive"}
    assert unsigned["provisional"].all()
    assert set(unsigned["stage"]) == {"surgery"}


def test_a_bounded_assessment_holds_its_ends_and_a_scored_one_its_sum(real_patients: RealPatients) -> None:
    with real_patients.registry.reading() as reading:
        assessments = reading.assessments_of()
    scored = assessments.filter(pl.col("status") == "scored")

    assert scored.height > 100
    for predictor, contributions in scored.select("linear_predictor", "contributions").iter_rows():
        terms = [value for value in json.loads(contributions).values() if value is not None]
        assert sum(terms) == pytest.approx(predictor, abs=2e-9)


def test_a_due_day_is_never_on_a_weekend(real_patients: RealPatients) -> None:
    with real_patients.registry.reading() as reading:
        due: list[date] = reading.visits_of()["due_on"].to_list()

    assert [day for day in due if day.weekday() >= 5] == []


def test_the_audit_trail_of_the_import_is_whole(real_patients: RealPatients) -> None:
    with real_patients.registry.reading() as reading:
        said = Counter(reading.counts())
        broken = reading.verify_audit_chain()

    enrolments, signatures, plans = 374, 374 + 372, 374
    assert broken is None
    assert said["audit_rows"] == enrolments + signatures + plans
