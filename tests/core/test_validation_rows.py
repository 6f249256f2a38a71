"""What one row says of itself, and what rows say of each other."""

from datetime import date

import polars as pl
import pytest

from scheduler.core.validation import validate
from scheduler.core.variables import ConsistencyCheck
from tests.core.validation_tables import DICTIONARY, TODAY, a_table, validated


@pytest.mark.parametrize("cell", ["", "NA", None])
def test_a_row_without_an_mrn_is_an_error(cell: str | None) -> None:
    result = validated({"mrn": cell}, {})

    assert result.problems.select("row", "mrn", "column", "problem").rows() == [(2, cell, "mrn", "is missing")]
    assert result.clean["row"].to_list() == [3]


def test_a_cell_that_cannot_be_read_is_not_also_missing() -> None:
    result = validated({"resected_on": "spring"})

    assert result.problems["problem"].to_list() == ["is not a date"]


@pytest.mark.parametrize(
    ("birth_date", "resected_on", "age"),
    [
        ("1960-03-03", "2026-03-02", 65),
        ("1960-03-02", "2026-03-02", 66),
        ("1960-03-01", "2026-03-02", 66),
        ("1960-02-29", "2025-02-28", 64),
        ("1960-02-29", "2025-03-01", 65),
        ("1960-02-29", "2024-02-29", 64),
    ],
    ids=["the day before a birthday", "on it", "the day after", "leap day, 28 February", "1 March", "29 February"],
)
def test_age_is_completed_years_on_the_day_of_resection(birth_date: str, resected_on: str, age: int) -> None:
    result = validated({"birth_date": birth_date, "resected_on": resected_on})

    assert result.clean["age_years"].to_list() == [age]


def test_an_age_that_contradicts_the_birth_date_names_both_ages_and_no_birth_date() -> None:
    result = validated({"birth_date": "1960-03-03", "age_years": "66"})

    assert result.problems.select("column", "variable", "value", "problem", "expected", "severity").rows() == [
        (
            "age_years",
            "age_years",
            "66",
            "is not the 65 that birth date and day of resection give",
            "completed years on resected_on; or leave age_years blank",
            "error",
        )
    ]
    assert result.clean.is_empty()


def test_a_birth_date_after_the_resection_is_an_error_and_is_not_echoed() -> None:
    result = validated({"birth_date": "2026-03-03"})

    assert result.problems.select("column", "value", "problem").rows() == [
        ("birth_date", "•••", "is after resected_on")
    ]


def test_a_computed_age_is_held_to_the_limits_of_ages() -> None:
    result = validated({"birth_date": "2025-09-01"}, {"birth_date": "1925-09-01"})

    assert result.problems.select("row", "variable", "value", "problem", "severity").rows() == [
        (2, "age_years", "0", "is outside 1–120 years", "error"),
        (3, "age_years", "100", "is unusual, outside 18–95 years", "warning"),
    ]


def test_a_birth_date_beside_a_bad_age_computes_none() -> None:
    result = validated({"birth_date": "1960-03-03", "age_years": "old"})

    assert result.problems["problem"].to_list() == ["is not a number"]


def test_two_resections_of_one_patient_are_errors_that_name_each_other() -> None:
    result = validated({"mrn": "7"}, {}, {"mrn": "7", "resected_on": "2025-03-03"})

    assert result.problems.select("row", "mrn", "value", "problem", "expected").rows() == [
        (
            2,
            "7",
            "7",
            "names the same patient as row 4, with another resected_on",
            "one resection per patient in a file",
        ),
        (
            4,
            "7",
            "7",
            "names the same patient as row 2, with another resected_on",
            "one resection per patient in a file",
        ),
    ]
    assert result.clean["row"].to_list() == [3]


def test_the_same_resection_with_other_findings_refuses_both_rows() -> None:
    result = validated({"mrn": "7", "afp_ng_ml": "1"}, {"mrn": "7", "afp_ng_ml": "2"})

    assert result.problems.select("row", "problem", "severity").rows() == [
        (2, "names the same patient and resection as row 3", "error"),
        (3, "names the same patient and resection as row 2", "error"),
    ]
    assert result.clean.is_empty()


def test_a_row_that_repeats_another_is_left_out_with_a_warning() -> None:
    result = validated({"mrn": "7"}, {"mrn": "7"}, {"mrn": " 7 "})

    assert result.problems.select("row", "problem", "severity").rows() == [
        (3, "repeats row 2", "warning"),
        (4, "repeats row 2", "warning"),
    ]
    assert (result.clean["row"].to_list(), result.repeated.to_list()) == ([2], [3, 4])


def test_a_good_row_is_not_taken_for_a_repetition_of_a_bad_one() -> None:
    result = validated({"mrn": "7", "afp_ng_ml": "high"}, {"mrn": "7", "afp_ng_ml": ""})

    assert result.refused_rows.to_list() == [2, 3]
    assert result.repeated.is_empty()


def test_the_same_mrn_at_another_site_is_another_patient() -> None:
    result = validated({"mrn": "7", "site": "north"}, {"mrn": "7", "site": "south"})

    assert result.clean["row"].to_list() == [2, 3]


def test_rows_without_an_mrn_are_not_duplicates_of_each_other() -> None:
    result = validated({"mrn": ""}, {"mrn": ""})

    assert result.problems["problem"].to_list() == ["is missing", "is missing"]


def test_a_contradiction_is_a_warning_that_shows_the_findings() -> None:
    check = ConsistencyCheck(
        when="residual_tumor = 'R0' AND afp_ng_ml > 400 AND name <> 'Lee'", say="are unusual together", source="tests"
    )
    dictionary = DICTIONARY.model_copy(update={"checks": (check,)})
    table = a_table({"residual_tumor": "R0", "afp_ng_ml": "500", "name": "Kim"}, {"residual_tumor": "R0"})

    result = validate(table, dictionary, today=TODAY)

    assert result.problems.rows(named=True) == [
        {
            "row": 2,
            "mrn": "A-0",
            "column": "name, afp_ng_ml, residual_tumor",
            "variable": "name, afp_ng_ml, residual_tumor",
            "value": "name •••, afp_ng_ml 500.0, residual_tumor R0",
            "problem": "are unusual together",
            "expected": "findings that agree",
            "severity": "warning",
        }
    ]
    assert result.clean["row"].to_list() == [2, 3]


def test_every_problem_of_every_row_is_reported_in_one_pass_by_row() -> None:
    result = validated({"afp_ng_ml": "x", "albumin_g_l": "4"}, {"resected_on": ""}, {"cirrhosis": "?"})

    assert result.problems.select("row", "column").rows() == [
        (2, "afp_ng_ml"),
        (2, "albumin_g_l"),
        (3, "resected_on"),
        (4, "cirrhosis"),
    ]


def test_clean_rows_have_every_recorded_variable_in_its_type() -> None:
    result = validated({"mrn": "7", "afp_ng_ml": "3"})

    assert dict(result.clean.schema) == {"row": pl.Int64(), **DICTIONARY.column_types}
    assert result.clean.select("row", "mrn", "resected_on", "afp_ng_ml", "cirrhosis").rows() == [
        (2, "7", date(2026, 3, 2), 3.0, None)
    ]
