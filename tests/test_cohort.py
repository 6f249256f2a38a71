"""The synthetic cohort looks like the papers' tables, and like a table that the dictionary accepts."""

import json
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import yaml

from scheduler.cohort import NEVER_BLANK, draw_cohort
from scheduler.core.derivation import derive, truth
from scheduler.core.variables import VariableDictionary, complete

RULES = Path(__file__).parents[1] / "rules"
YEARS = (date(2023, 1, 2), date(2025, 12, 31))

MODEL_INPUTS = {
    "age_years",
    "albumin_g_l",
    "bilirubin_umol_l",
    "afp_ng_ml",
    "imaging_tumor_count",
    "imaging_largest_tumor_cm",
    "imaging_macrovascular_invasion",
    "imaging_bile_duct_invasion",
    "clinical_node_metastasis",
    "clinical_distant_metastasis",
    "modified_uicc_stage",
    "preoperative_rupture",
    "intraoperative_transfusion",
    "pathology_tumor_count",
    "pathology_largest_tumor_cm",
    "microvascular_invasion",
    "macrovascular_invasion",
    "satellite_nodules",
    "resection_margin_mm",
    "residual_tumor",
    "tumor_necrosis",
    "prior_hcc_treatment",
    "concurrent_malignancy",
    "histology",
}

PUBLISHED_SHARES = [  # Wang 2025, Table 1, total column (AFP: of those with a value); Yoon 2022 by way of clinical.md
    pytest.param("sex = 'male'", 0.874, id="male (Wang)"),
    pytest.param("age_years > 65", 0.156, id="older than 65 (Wang)"),
    pytest.param("hbv_positive", 0.855, id="hepatitis B (Wang)"),
    pytest.param("hcv_positive", 0.026, id="hepatitis C (Wang)"),
    pytest.param("cirrhosis", 0.709, id="cirrhosis (Wang)"),
    pytest.param("portal_hypertension", 0.231, id="portal hypertension (Wang)"),
    pytest.param("child_pugh_class = 'B'", 0.083, id="Child-Pugh B (Wang)"),
    pytest.param("afp_above_400", 0.329, id="AFP above 400 (Wang)"),
    pytest.param("preoperative_rupture", 0.037, id="rupture (Wang)"),
    pytest.param("large_tumor_pathology", 0.486, id="above 5 cm (Wang)"),
    pytest.param("multiple_tumors_pathology", 0.192, id="multiple (Wang)"),
    pytest.param("macrovascular_invasion", 0.094, id="macrovascular invasion (Wang)"),
    pytest.param("microvascular_invasion", 0.442, id="microvascular invasion (Wang)"),
    pytest.param("satellite_nodules", 0.191, id="satellite nodules (Wang)"),
    pytest.param("surgical_approach = 'laparoscopic'", 0.389, id="laparoscopic (Wang)"),
    pytest.param("narrow_margin", 0.528, id="narrow margin (Wang)"),
    pytest.param("hepatectomy_extent = 'major'", 0.231, id="major hepatectomy (Wang)"),
    pytest.param("intraoperative_blood_loss_ml > 600", 0.179, id="blood loss above 600 mL (Wang)"),
    pytest.param("intraoperative_transfusion", 0.148, id="transfusion (Wang)"),
    pytest.param("albi_grade >= 2", 0.145, id="ALBI grade 2 or 3 (Yoon)"),
    pytest.param("modified_uicc_stage_used = 'I'", 0.15, id="modified UICC I (Yoon)"),
    pytest.param("modified_uicc_stage_used = 'II'", 0.65, id="modified UICC II (Yoon)"),
    pytest.param("modified_uicc_stage_number >= 3", 0.20, id="modified UICC III or more (Yoon)"),
]


def test_the_same_seed_draws_the_same_patients() -> None:
    assert a_cohort(seed=7).equals(a_cohort(seed=7))


def test_another_seed_draws_other_patients() -> None:
    assert not a_cohort(seed=7).equals(a_cohort(seed=8))


def test_every_input_of_the_three_models_is_a_column() -> None:
    assert set(a_cohort().columns) >= MODEL_INPUTS


def test_columns_have_the_names_and_types_of_the_dictionary() -> None:
    cohort = a_cohort()

    assert dict(cohort.schema) == {name: dictionary().column_types[name] for name in cohort.columns}


def test_nothing_is_missing_unless_it_was_asked_for() -> None:
    assert a_cohort().null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(("condition", "published"), PUBLISHED_SHARES)
def test_shares_are_within_three_points_of_the_published_ones(condition: str, published: float) -> None:
    found = truth(a_large_cohort(), [condition], dictionary())["0"].mean()

    assert found == pytest.approx(published, abs=0.03)


def test_the_mean_size_is_near_the_published_one() -> None:
    assert a_large_cohort()["pathology_largest_tumor_cm"].mean() == pytest.approx(5.9, abs=0.2)


def test_every_value_lies_in_its_plausible_range() -> None:
    cohort = a_large_cohort()
    ranges = {n: v.plausible for n, v in dictionary().recorded.items() if v.plausible and n in cohort.columns}
    outside = {name: cohort.filter(~pl.col(name).is_between(*plausible)).height for name, plausible in ranges.items()}

    assert outside == dict.fromkeys(ranges, 0)


def test_every_choice_exists() -> None:
    cohort = a_large_cohort()
    choices = {n: set(v.choices) for n, v in dictionary().recorded.items() if v.choices}
    unknown = {value for name, known in choices.items() for value in set(cohort[name].drop_nulls()) - known}

    assert unknown == set()


def test_no_patient_contradicts_themselves() -> None:
    warnings = truth(a_large_cohort(), [check.when for check in dictionary().checks], dictionary())

    assert warnings.sum().row(0) == (0,) * len(dictionary().checks)


def test_the_stage_and_the_milan_criteria_follow_from_the_tumours() -> None:
    names = ["modified_uicc_stage_imaging", "exceeds_milan_imaging", "exceeds_milan_pathology"]

    known = derive(a_large_cohort(), names, dictionary())

    assert known.select(names).null_count().row(0) == (0, 0, 0)
    assert known["modified_uicc_stage"].equals(known["modified_uicc_stage_imaging"].alias("modified_uicc_stage"))


@pytest.mark.parametrize(
    "resected_between",
    [
        pytest.param(YEARS, id="over three years"),
        pytest.param((date(2024, 2, 29), date(2024, 2, 29)), id="all on a leap day"),
    ],
)
def test_the_age_is_the_one_on_the_day_of_resection(resected_between: tuple[date, date]) -> None:
    cohort = a_cohort(patients=2_000, resected_between=resected_between)

    completed = [completed_years(*dates) for dates in cohort.select("birth_date", "resected_on").iter_rows()]

    assert completed == cohort["age_years"].to_list()


def test_operations_fall_on_weekdays_of_the_period_with_both_ends() -> None:
    friday, monday = date(2025, 1, 3), date(2025, 1, 6)

    cohort = a_cohort(resected_between=(friday, monday))

    assert sorted(cohort["resected_on"].unique()) == [friday, monday]


def test_a_hundred_patients_hold_one_r1_resection_and_one_treated_before() -> None:
    cohort = a_cohort(patients=100)

    assert cohort.filter(pl.col("residual_tumor") == "R1").height == 1
    assert cohort.filter(pl.col("prior_hcc_treatment")).height == 1


def test_blanks_are_as_frequent_as_asked_and_leave_the_rest_as_it_was() -> None:
    whole, holed = a_cohort(patients=5_000), a_cohort(patients=5_000, missing_share=0.1)
    findings = [name for name in whole.columns if name not in NEVER_BLANK]

    shares = holed.select(pl.col(findings).is_null().mean()).row(0)

    assert shares == pytest.approx((0.1,) * len(findings), abs=0.02)
    assert holed.select(sorted(NEVER_BLANK)).equals(whole.select(sorted(NEVER_BLANK)))
    changed = [name for name in findings if not (whole[name] == holed[name]).drop_nulls().all()]
    assert changed == []


def test_sites_are_those_that_were_named() -> None:
    cohort = a_cohort(sites=("seoul", "gwangju", "busan"))

    assert sorted(cohort["site"].unique()) == ["busan", "gwangju", "seoul"]


def test_names_are_plainly_synthetic() -> None:
    cohort = a_cohort(patients=2)

    assert cohort.select("mrn", "name").rows() == [
        ("SYN-000001", "Synthetic Patient 000001"),
        ("SYN-000002", "Synthetic Patient 000002"),
    ]


def a_cohort(
    *,
    patients: int = 300,
    seed: int = 1,
    resected_between: tuple[date, date] = YEARS,
    missing_share: float = 0.0,
    sites: tuple[str, ...] = ("north", "south"),
) -> pl.DataFrame:
    return draw_cohort(patients, seed=seed, resected_between=resected_between, missing_share=missing_share, sites=sites)


def completed_years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@cache
def a_large_cohort() -> pl.DataFrame:
    """20,000 patients, with every recorded variable as a column."""
    return complete(a_cohort(patients=20_000), dictionary())


@cache
def dictionary() -> VariableDictionary:
    text = (RULES / "variables.yaml").read_text(encoding="utf-8")
    return VariableDictionary.model_validate_json(json.dumps(yaml.safe_load(text)))
