"""One cell at a time: what it comes to, or what is said of it."""

from datetime import date, datetime

import polars as pl
import pytest

from scheduler.core.validation import validate
from tests.core.validation_tables import DICTIONARY, TODAY, a_table, problem_of, validated, value_of


@pytest.mark.parametrize("cell", ["", "  ", "NA", "n/a", "NULL", "Unknown", " not available "])
@pytest.mark.parametrize("heading", ["afp_ng_ml", "age_years", "residual_tumor", "cirrhosis", "birth_date", "name"])
def test_a_word_for_missing_means_missing_in_a_column_of_any_type(heading: str, cell: str) -> None:
    assert value_of(heading, cell) is None


@pytest.mark.parametrize(
    ("heading", "cell", "value"),
    [
        ("afp_ng_ml", "4.1", 4.1),
        ("afp_ng_ml", " 4.1 ", 4.1),
        ("afp_ng_ml", "1e3", 1000.0),
        ("afp_ng_ml", "+.5", 0.5),
        ("albumin_g_dl", "4.1", 41.0),
        ("albumin_g_dl", "3.45", 34.5),
        ("bilirubin_mg_dl", "0.7", 11.97),
        ("age_years", "41", 41),
        ("age_years", "41.0", 41),
        ("residual_tumor", "R0", "R0"),
        ("residual_tumor", " r0", "R0"),
        ("cirrhosis", "true", True),
        ("cirrhosis", "Yes", True),
        ("cirrhosis", "1", True),
        ("cirrhosis", "FALSE", False),
        ("cirrhosis", " no", False),
        ("cirrhosis", "0", False),
        ("resected_on", "2026-03-04", date(2026, 3, 4)),
        ("resected_on", "2026-03-04T00:00:00", date(2026, 3, 4)),
        ("resected_on", "2026-03-04 00:00:00.000", date(2026, 3, 4)),
        ("resected_on", " 2026-03-04", date(2026, 3, 4)),
        ("mrn", "007", "007"),
        ("mrn", " 007 ", "007"),
        ("name", "Łukasz O’Neil-Gómez 김", "Łukasz O’Neil-Gómez 김"),
    ],
)
def test_a_readable_cell_becomes_a_value_in_our_unit(heading: str, cell: str, value: object) -> None:
    assert value_of(heading, cell) == value


@pytest.mark.parametrize(
    ("heading", "cell", "problem", "expected"),
    [
        ("afp_ng_ml", "4,1", "has a decimal comma", "a decimal point: 4.1"),
        (
            "afp_ng_ml",
            "1,234",
            "has a comma that may mean thousands or decimals",
            "digits and a point only: 1234 or 1.234",
        ),
        ("afp_ng_ml", "1,234.5", "has thousands separators", "digits and at most one decimal point"),
        ("afp_ng_ml", "1.234.567", "has thousands separators", "digits and at most one decimal point"),
        ("afp_ng_ml", "1 234", "has thousands separators", "digits and at most one decimal point"),
        (
            "afp_ng_ml",
            "<1.3",
            "is a limit, not a measured value",
            "a number in ng/mL; blank where only a limit is known",
        ),
        (
            "afp_ng_ml",
            "> 400",
            "is a limit, not a measured value",
            "a number in ng/mL; blank where only a limit is known",
        ),
        ("afp_ng_ml", "NaN", "is not a finite number", "a number in ng/mL; blank when it is unknown"),
        ("afp_ng_ml", "-inf", "is not a finite number", "a number in ng/mL; blank when it is unknown"),
        ("afp_ng_ml", "1e999", "is too large to be a number", "a number in ng/mL"),
        ("afp_ng_ml", "4.1 mg", "has more than a number in it", "a number in ng/mL; a unit belongs in the heading"),
        ("afp_ng_ml", "high", "is not a number", "a number in ng/mL; blank when it is unknown"),
        ("afp_ng_ml", "=1+1", "is not a number", "a number in ng/mL; blank when it is unknown"),
        ("albumin_g_dl", "four", "is not a number", "a number in g/dL; blank when it is unknown"),
        ("age_years", "41.5", "is not a whole number", "a whole number"),
        ("pathology_tumor_count", "two", "is not a number", "a number; blank when it is unknown"),
        ("cirrhosis", "maybe", "is neither yes nor no", "true, false, yes, no, 1 or 0; blank when unknown"),
        ("cirrhosis", "y", "is neither yes nor no", "true, false, yes, no, 1 or 0; blank when unknown"),
        ("residual_tumor", "R9", "is not one of the choices", "one of: R0, R1, R2"),
        (
            "resected_on",
            "45123",
            "looks like a spreadsheet's day number",
            "a date as YYYY-MM-DD: format the column as a date",
        ),
        ("resected_on", "2026", "is a year without month and day", "a date as YYYY-MM-DD"),
        (
            "resected_on",
            "03/04/2026",
            "may be day/month or month/day",
            "a date as YYYY-MM-DD; or say how dates are written with `dates:` in the mapping file",
        ),
        (
            "resected_on",
            "25.04.2026",
            "is not written year first",
            "a date as YYYY-MM-DD; or say how dates are written with `dates:` in the mapping file",
        ),
        ("resected_on", "2026-02-30", "is a day that does not exist", "a date as YYYY-MM-DD that is in the calendar"),
        (
            "resected_on",
            "2026-02-30 00:00:00",
            "is a day that does not exist",
            "a date as YYYY-MM-DD that is in the calendar",
        ),
        ("resected_on", "2026-03-04T13:30", "has a time of day", "a date as YYYY-MM-DD, without a time"),
        ("resected_on", "2026-3-4", "is not a date", "a date as YYYY-MM-DD; blank when it is unknown"),
        ("resected_on", "spring", "is not a date", "a date as YYYY-MM-DD; blank when it is unknown"),
        (
            "site",
            "=cmd()",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        (
            "site",
            " +1",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        (
            "site",
            "-1",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        (
            "site",
            "@A1",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        (
            "site",
            "\tnorth",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        (
            "site",
            "\rnorth",
            "looks like a spreadsheet formula",
            "text that does not begin with = + - @, a tab or a line end",
        ),
        ("site", "a\nb", "has control characters or line ends", "one line of plain text"),
        ("site", "a\x1bb", "has control characters or line ends", "one line of plain text"),
        ("site", "x" * 201, "is longer than 200 characters", "at most 200 characters"),
    ],
)
def test_each_mistake_has_its_own_words(heading: str, cell: str, problem: str, expected: str) -> None:
    assert problem_of(heading, cell) == (problem, expected, "error")


def test_text_of_exactly_200_characters_is_accepted() -> None:
    assert value_of("site", "x" * 200) == "x" * 200


@pytest.mark.parametrize(
    ("cell", "echoed"),
    [("x" * 40, "x" * 40), ("x" * 41, "x" * 39 + "…"), ("a\tb\x00", "a\\tb\\x00"), ("\u202eabc", "\\u202eabc")],
    ids=["40 characters", "41 characters", "control characters", "text direction"],
)
def test_an_echoed_value_is_short_and_shows_what_cannot_be_seen(cell: str, echoed: str) -> None:
    result = validated({"residual_tumor": cell})

    assert result.problems["value"].to_list() == [echoed]


@pytest.mark.parametrize(
    ("heading", "typed", "value"),
    [
        ("mrn", pl.Series([7]), "7"),
        ("mrn", pl.Series([7.0]), "7"),
        ("age_years", pl.Series([61.0]), 61),
        ("age_years", pl.Series([61], dtype=pl.Int8), 61),
        ("albumin_g_dl", pl.Series([4.1], dtype=pl.Float32), 41.0),
        ("albumin_g_l", pl.Series(["41.5"]).cast(pl.Decimal(10, 2)), 41.5),
        ("cirrhosis", pl.Series([True]), True),
        ("cirrhosis", pl.Series([0]), False),
        ("cirrhosis", pl.Series([1.0]), True),
        ("residual_tumor", pl.Series(["R1"], dtype=pl.Categorical), "R1"),
        ("resected_on", pl.Series([date(2026, 3, 4)]), date(2026, 3, 4)),
        ("resected_on", pl.Series([datetime(2026, 3, 4)]), date(2026, 3, 4)),  # noqa: DTZ001 a spreadsheet's
        ("afp_ng_ml", pl.Series([None], dtype=pl.Null), None),
    ],
    ids=str,
)
def test_a_typed_cell_becomes_the_value_that_its_text_would(heading: str, typed: pl.Series, value: object) -> None:
    result = validate(a_table({}).with_columns(typed.alias(heading)), DICTIONARY, today=TODAY)

    assert result.problems.rows() == []
    assert result.clean[DICTIONARY.headings[heading][0]].to_list() == [value]


@pytest.mark.parametrize(
    ("heading", "typed", "problem"),
    [
        ("afp_ng_ml", pl.Series([float("nan")]), "is not a finite number"),
        ("afp_ng_ml", pl.Series([float("inf")]), "is not a finite number"),
        ("afp_ng_ml", pl.Series([True]), "is not a number"),
        ("age_years", pl.Series([61.5]), "is not a whole number"),
        ("cirrhosis", pl.Series([2]), "is neither yes nor no"),
        ("resected_on", pl.Series([45123.0]), "looks like a spreadsheet's day number"),
        ("resected_on", pl.Series([datetime(2026, 3, 4, 9)]), "has a time of day"),  # noqa: DTZ001 a spreadsheet's
    ],
    ids=str,
)
def test_a_typed_cell_is_judged_as_its_text_would_be(heading: str, typed: pl.Series, problem: str) -> None:
    result = validate(a_table({}).with_columns(typed.alias(heading)), DICTIONARY, today=TODAY)

    assert result.problems["problem"].to_list() == [problem]
    assert result.clean.height == 0


def test_a_column_of_lists_is_a_problem_of_the_file() -> None:
    table = a_table({}).with_columns(afp_ng_ml=pl.Series([[1.0]]))

    result = validate(table, DICTIONARY, today=TODAY)

    assert result.problems.select("row", "column", "problem").rows() == [(None, "afp_ng_ml", "holds List(Float64)")]
    assert result.is_file_refused
