"""What is wrong with a table as a whole, and the two ways out of validation."""

import polars as pl
import pytest

from scheduler.core.validation import PROBLEM_SCHEMA, safe_for_spreadsheets, screen, validate
from tests.core.validation_tables import DICTIONARY, TODAY, a_table, validated

ELSE = "a heading of the dictionary, or a line under `columns:` or `ignore:` of the mapping file"


def test_unknown_columns_are_all_named_with_the_nearest_heading_and_nothing_is_guessed() -> None:
    result = validated({"Albumin (g/L)": "41", "MRN": "7", "zodiac": "lion"})

    assert result.problems.select("row", "column", "value", "problem", "expected", "severity").rows() == [
        (None, "Albumin (g/L)", None, "is not a known heading", f"perhaps albumin_g_l; else {ELSE}", "error"),
        (None, "MRN", None, "is not a known heading", f"perhaps mrn; else {ELSE}", "error"),
        (None, "zodiac", None, "is not a known heading", ELSE, "error"),
    ]
    assert result.unknown_columns == ("Albumin (g/L)", "MRN", "zodiac")
    assert result.clean.is_empty()


def test_a_table_of_two_hundred_strange_columns_names_them_all() -> None:
    strange = {f"column {n}": "1" for n in range(200)}

    result = validated(strange)

    assert len(result.unknown_columns) == result.errors.height == 200


def test_two_columns_for_one_variable_are_a_problem_of_the_file() -> None:
    result = validated({"albumin_g_l": "41", "albumin_g_dl": "4.1"})

    assert result.problems.select("row", "column", "variable", "problem").rows() == [
        (None, "albumin_g_l, albumin_g_dl", "albumin_g_l", "all hold albumin_g_l")
    ]
    assert result.is_file_refused


def test_a_required_column_that_is_absent_is_a_problem_of_the_file() -> None:
    table = a_table({}).drop("mrn", "resected_on")

    result = validate(table, DICTIONARY, today=TODAY, required=("mrn", "site", "resected_on"))

    assert result.problems.select("row", "column", "problem").rows() == [
        (None, "mrn", "is missing"),
        (None, "resected_on", "is missing"),
    ]


def test_cells_are_judged_even_where_the_file_is_refused() -> None:
    result = validated({"zodiac": "lion", "afp_ng_ml": "high"})

    assert result.problems.select("row", "column").rows() == [(None, "zodiac"), (2, "afp_ng_ml")]


def test_problems_use_the_headings_of_the_persons_own_file() -> None:
    table = a_table({"afp_ng_ml": "high"})

    result = validate(table, DICTIONARY, today=TODAY, their_headings={"afp_ng_ml": "AFP"})

    assert result.problems.select("column", "variable").rows() == [("AFP", "afp_ng_ml")]


def test_a_table_of_no_rows_is_valid_and_empty() -> None:
    result = validate(a_table({}).clear(), DICTIONARY, today=TODAY)

    assert result.problems.is_empty()
    assert result.problems.schema == PROBLEM_SCHEMA
    assert dict(result.clean.schema) == {"row": pl.Int64(), **DICTIONARY.column_types}


def test_screening_keeps_every_row_and_marks_the_cells_that_were_refused() -> None:
    table = a_table({"mrn": "7", "albumin_g_l": "4.1", "afp_ng_ml": "12"}, {"mrn": "7", "cirrhosis": "?"}, {"mrn": ""})

    result = screen(table, DICTIONARY, today=TODAY)

    assert result.clean.select("row", "mrn", "albumin_g_l", "afp_ng_ml", "cirrhosis").rows() == [
        (2, "7", None, 12.0, None),
        (3, "7", None, None, None),
        (4, None, None, None, None),
    ]
    assert result.errors.select("row", "variable").rows() == [(2, "albumin_g_l"), (3, "cirrhosis"), (4, "mrn")]


def test_screening_marks_an_age_that_contradicts_the_birth_date() -> None:
    table = a_table({"birth_date": "1960-03-03", "age_years": "66"})

    result = screen(table, DICTIONARY, today=TODAY)

    assert result.clean["age_years"].to_list() == [None]
    assert result.errors["variable"].to_list() == ["age_years"]


def test_screening_warns_of_unknown_columns_and_reads_the_others() -> None:
    result = screen(a_table({"zodiac": "lion", "afp_ng_ml": "12"}), DICTIONARY, today=TODAY)

    assert result.warnings.select("row", "column").rows() == [(None, "zodiac")]
    assert (result.unknown_columns, result.clean["afp_ng_ml"].to_list()) == (("zodiac",), [12.0])


def test_screening_wants_a_column_that_says_who_a_row_is() -> None:
    result = screen(a_table({}).drop("mrn"), DICTIONARY, today=TODAY)

    assert result.is_file_refused
    assert result.clean.is_empty()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_written_as_text(cell: str) -> None:
    table = pl.DataFrame({"row": [2], "value": [cell]})

    assert safe_for_spreadsheets(table).rows() == [(2, "'" + cell)]
