"""Derived variables as columns, and conditions as truths."""

import polars as pl

from scheduler.core.derivation import derive, truth
from tests.core.small_dictionary import a_dictionary, findings

DICTIONARY = a_dictionary(
    score=("number", "0.1 + x"),
    grade=("integer", "CASE WHEN score <= 0.3 THEN 1 ELSE 2 END"),
    stage=("choice", "COALESCE(c, d)"),
    chosen=("number", "CASE WHEN a THEN x / 3 ELSE 0 END"),
)


def test_a_derived_variable_is_computed_after_those_that_it_reads() -> None:
    known = derive(findings({"x": 0.2}, {"x": 0.3}, {}), ["grade"], DICTIONARY)

    assert known["grade"].to_list() == [1, 2, None]
    assert known["grade"].dtype == pl.Int64


def test_a_computed_number_is_kept_to_nine_decimals_also_where_a_case_chooses_it() -> None:
    known = derive(findings({"x": 0.2, "a": True}), ["score", "chosen"], DICTIONARY)

    assert known.select("score", "chosen").row(0) == (0.3, 0.066666667)


def test_a_recorded_value_wins_over_its_fallback() -> None:
    known = derive(findings({"c": "red", "d": "blue"}, {"d": "blue"}, {}), ["stage"], DICTIONARY)

    assert known["stage"].to_list() == ["red", "blue", None]


def test_asking_for_recorded_names_only_changes_nothing() -> None:
    patients = findings({"x": 1.0})

    assert derive(patients, ["x", "c"], DICTIONARY).equals(patients)


def test_conditions_are_true_false_or_missing_in_their_order() -> None:
    answers = truth(findings({"x": 0.2, "a": False}, {}), ["grade = 1", "a AND b"], DICTIONARY)

    assert answers.rows() == [(True, False), (None, None)]
    assert answers.columns == ["0", "1"]
