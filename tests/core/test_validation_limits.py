"""Ranges, and the hint that another unit was meant."""

import pytest

from scheduler.core.validation import validate
from scheduler.core.variables import VariableType
from tests.core.validation_tables import DICTIONARY, TODAY, a_dictionary, a_table, a_variable, problem_of, validated


@pytest.mark.parametrize(
    ("cell", "severity"),
    [
        ("9.9", "error"),
        ("10", "warning"),
        ("19.9", "warning"),
        ("20", None),
        ("55", None),
        ("55.1", "warning"),
        ("70", "warning"),
        ("70.1", "error"),
    ],
)
def test_a_value_on_a_limit_is_inside_it(cell: str, severity: str | None) -> None:
    result = validated({"albumin_g_l": cell})

    assert result.problems["severity"].to_list() == ([severity] if severity else [])
    assert result.clean.height == (0 if severity == "error" else 1)


@pytest.mark.parametrize(
    ("heading", "cell", "told"),
    [
        (
            "albumin_g_l",
            "4.1",
            (
                "is outside 10–70 g/L",
                "10–70 g/L; 4.1 g/dL would be 41 g/L: is the heading albumin_g_dl meant?",
                "error",
            ),
        ),
        (
            "albumin_g_dl",
            "41",
            (
                "is 410 g/L, outside 10–70 g/L",
                "1–7 g/dL; 41 g/L would be likely: is the heading albumin_g_l meant?",
                "error",
            ),
        ),
        (
            "bilirubin_umol_l",
            "1.2",
            (
                "is unusual, outside 3–350 µmol/L",
                "to be confirmed, or 3–350 µmol/L; "
                "1.2 mg/dL would be 20.52 µmol/L: is the heading bilirubin_mg_dl meant?",
                "warning",
            ),
        ),
        ("albumin_g_l", "900", ("is outside 10–70 g/L", "10–70 g/L", "error")),
        ("afp_ng_ml", "-1", ("is outside 0–5,000,000 ng/mL", "0–5,000,000 ng/mL", "error")),
        (
            "afp_ng_ml",
            "200000",
            ("is unusual, outside 0–100,000 ng/mL", "to be confirmed, or 0–100,000 ng/mL", "warning"),
        ),
        ("pathology_tumor_count", "51", ("is outside 1–50", "1–50", "error")),
        ("pathology_tumor_count", "11", ("is unusual, outside 1–10", "to be confirmed, or 1–10", "warning")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_said_of_a_value_outside_its_range(heading: str, cell: str, told: tuple[str, str, str]) -> None:
    assert problem_of(heading, cell) == told


@pytest.mark.parametrize(
    ("cell", "problem"),
    [("1899-12-31", "is before 1900"), ("1900-01-01", None), ("2026-07-01", None), ("2026-07-02", "is in the future")],
)
def test_a_date_lies_between_1900_and_today(cell: str, problem: str | None) -> None:
    result = validated({"resected_on": cell})

    assert result.problems["problem"].to_list() == ([problem] if problem else [])


def test_a_number_that_identifies_a_person_is_neither_echoed_nor_converted_in_words() -> None:
    phone = a_variable(VariableType.INTEGER, limits=(100_000, 999_999), identity=True)
    dictionary = a_dictionary(phone=phone)
    table = a_table({"phone": "77"}, {"phone": "123,456"}, {"phone": "1234,56"})

    problems = validate(table, dictionary, today=TODAY).problems

    assert problems.select("value", "problem", "expected").rows() == [
        ("•••", "is outside 100,000–999,999", "100,000–999,999"),
        ("•••", "has a comma that may mean thousands or decimals", "digits and a point only"),
        ("•••", "has a decimal comma", "a decimal point"),
    ]


def test_a_converted_value_is_rounded_to_nine_decimals() -> None:
    result = validate(a_table({"albumin_g_dl": "4.35"}), DICTIONARY, today=TODAY)

    assert result.clean["albumin_g_l"].to_list() == [43.5]
