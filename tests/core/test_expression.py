"""Expressions: what is allowed, what they give for every pattern of missing findings, and how they render."""

import sqlite3
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.expression import ExpressionRefused, compile_expression, parse
from tests.core.small_dictionary import findings
from tests.core.three_valued import Row, Value, evaluate

COLUMNS = ("n", "m", "x", "y", "z", "a", "b", "c", "d")


def values_of(text: str, *patients: Row) -> list[Value]:
    """What an expression gives for some patients."""
    return findings(*patients).with_columns(compile_expression(parse(text)).alias("value"))["value"].to_list()


def in_sqlite(text: str, patients: Sequence[Row]) -> list[Value]:
    """What SQLite makes of the expression as it is rendered for it."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE patients (n, m, x, y, z, a, b, c, d)")
        rows = [[patient.get(name) for name in COLUMNS] for patient in patients]
        connection.executemany("INSERT INTO patients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        answers = connection.execute(f"SELECT {parse(text).sql('sqlite')} FROM patients").fetchall()  # noqa: S608
    connection.close()
    return [answer for (answer,) in answers]


def _numbers(booleans: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["n", "m", "x", "y", "z", "0", "1", "2.5", "10", "-1.5"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
            st.tuples(st.sampled_from(["ln", "log10", "sqrt", "abs", "-"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(booleans, inner, booleans, inner, inner).map(
                lambda p: f"(CASE WHEN {p[0]} THEN {p[1]} WHEN {p[2]} THEN {p[3]} ELSE {p[4]} END)"
            ),
            st.tuples(st.sampled_from(["n", "x", "z"]), inner).map(lambda p: f"COALESCE({p[0]}, {p[1]})"),
        )

    return st.recursive(leaves, grow, max_leaves=4)


def _words() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["c", "d", "'red'", "'green'"])
    choice = st.tuples(st.sampled_from("ab"), leaves, leaves).map(
        lambda p: f"(CASE WHEN {p[0]} THEN {p[1]} ELSE {p[2]} END)"
    )
    simple = st.tuples(leaves, leaves).map(lambda p: f"(CASE n WHEN 1 THEN {p[0]} WHEN m THEN 'blue' ELSE {p[1]} END)")
    return st.one_of(leaves, leaves.map(lambda other: f"COALESCE(c, {other})"), choice, simple)


def _comparisons(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    return st.one_of(
        st.tuples(numbers, operators, numbers).map(" ".join),
        st.tuples(numbers, numbers, numbers).map(lambda p: f"{p[0]} BETWEEN {p[1]} AND {p[2]}"),
        st.tuples(numbers, numbers, numbers).map(lambda p: f"{p[0]} IN ({p[1]}, {p[2]})"),
        st.tuples(_words(), st.sampled_from(["=", "<>"]), _words()).map(" ".join),
        st.tuples(_words(), _words()).map(lambda p: f"{p[0]} IN ('blue', {p[1]})"),
    )


def booleans() -> st.SearchStrategy[str]:
    """Conditions of every kind, with CASE inside CASE."""
    leaves = st.one_of(
        st.sampled_from(["a", "b", "TRUE", "FALSE"]), _comparisons(_numbers(st.sampled_from(["a", "b"])))
    )

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
            inner.map(lambda text: f"NOT {text}"),
            inner.map(lambda text: f"({text})"),
            st.tuples(inner, inner, inner).map(lambda p: f"CASE WHEN {p[0]} THEN {p[1]} ELSE {p[2]} END"),
            _comparisons(_numbers(inner)),
        )

    return st.recursive(leaves, grow, max_leaves=5)


def rows() -> st.SearchStrategy[Row]:
    """Findings of one patient, any of them missing."""
    kinds: dict[str, st.SearchStrategy[Value]] = {
        "n": st.integers(1, 5),
        "m": st.integers(0, 3),
        "x": st.sampled_from([1.0, 2.5, 7.25, 100.0]),
        "y": st.sampled_from([0.5, 1.0, 10.0]),
        "z": st.sampled_from([-4.0, -1.5, 0.0, 2.5]),
        "a": st.booleans(),
        "b": st.booleans(),
        "c": st.sampled_from(["red", "green", "blue"]),
        "d": st.sampled_from(["red", "green", "blue"]),
    }
    return st.fixed_dictionaries({name: st.one_of(st.none(), kind) for name, kind in kinds.items()})


@settings(max_examples=80, deadline=None)
@given(text=booleans(), patients=st.lists(rows(), min_size=1, max_size=6))
def test_a_condition_gives_what_three_valued_logic_and_strict_case_give(text: str, patients: list[Row]) -> None:
    written = parse(text).written

    found = values_of(text, *patients)

    assert found == [evaluate(written, patient) for patient in patients]


@settings(max_examples=80, deadline=None)
@given(text=_numbers(booleans()), patients=st.lists(rows(), min_size=1, max_size=6))
def test_a_number_comes_out_as_plain_arithmetic_gives_it(text: str, patients: list[Row]) -> None:
    written = parse(text).written

    found = values_of(text, *patients)

    expected = [evaluate(written, patient) for patient in patients]
    assert found == [None if value is None else pytest.approx(value, rel=1e-12, abs=1e-12) for value in expected]


@settings(max_examples=80, deadline=None)
@given(text=booleans(), patients=st.lists(rows(), min_size=1, max_size=6))
def test_another_engine_agrees_on_the_rendered_expression(text: str, patients: list[Row]) -> None:
    found = in_sqlite(text, patients)

    assert [None if value is None else bool(value) for value in found] == values_of(text, *patients)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark", "sqlite"])
def test_log10_is_rendered_in_a_form_that_every_engine_reads_alike(dialect: str) -> None:
    rendered = parse("log10(x)").sql(dialect)

    assert rendered == "LOG10(x)"


def test_log10_is_the_decimal_logarithm_and_not_the_logarithm_of_ten_to_another_base() -> None:
    assert values_of("log10(x)", {"x": 100.0}) == [2.0]


def test_a_missing_tumour_count_does_not_take_the_else_branch() -> None:
    text = "CASE WHEN n = 1 THEN 0 WHEN n <= 3 THEN 1 ELSE 2 END"

    assert values_of(text, {"n": None}, {"n": 1}, {"n": 3}, {"n": 4}) == [None, 0.0, 1.0, 2.0]


def test_a_case_within_a_case_is_strict_too() -> None:
    text = "CASE WHEN a THEN CASE WHEN b THEN 1 ELSE 2 END ELSE 0 END"

    assert values_of(text, {"a": True}, {"a": False}, {"b": True}) == [None, 0.0, None]


def test_an_unknown_when_does_not_matter_where_every_reachable_value_is_the_same() -> None:
    text = "CASE WHEN a THEN 1 WHEN b THEN 1 ELSE 2 END"

    assert values_of(text, {"b": True}, {"b": False}, {"a": True}) == [1.0, None, 1.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a AND b", False),
        ("b AND a", False),
        ("NOT a OR b", True),
        ("a OR b", None),
        ("NOT a AND b", None),
        ("n IN (1, 2) AND a", False),
    ],
)
def test_an_unknown_only_counts_where_it_can_change_the_answer(text: str, expected: bool | None) -> None:
    assert values_of(text, {"a": False, "b": None, "n": None}) == [expected]


@pytest.mark.parametrize(
    ("score", "grade"), [(-2.6000000004, 1.0), (-2.6, 1.0), (-2.5999999996, 1.0), (-2.599999999, 2.0)]
)
def test_a_computed_number_is_rounded_to_nine_decimals_before_it_is_compared(score: float, grade: float) -> None:
    text = "CASE WHEN z + 0 <= -2.60 THEN 1 ELSE 2 END"

    assert values_of(text, {"z": score}) == [grade]


def test_printed_decimals_that_add_up_to_a_cut_off_are_on_it() -> None:
    assert values_of("x + 0.2 = 0.3", {"x": 0.1}) == [True]


def test_whole_numbers_divide_into_fractions_here_and_in_sql() -> None:
    assert values_of("n / 2 > 1", {"n": 3}) == [True]
    assert in_sqlite("n / 2 > 1", [{"n": 3}]) == [1]


def test_a_division_by_zero_and_a_logarithm_of_zero_are_unknown() -> None:
    assert values_of("x / m", {"x": 1.0, "m": 0}) == [None]
    assert values_of("ln(m)", {"m": 0}) == [None]
    assert values_of("sqrt(z)", {"z": -1.0}) == [None]


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("NOT n BETWEEN 1 AND 2", "NOT (n >= 1 AND n <= 2)"),
        ("a AND n IN (1, 2)", "a AND (n = 1 OR n = 2)"),
        ("x / y > 1", "ROUND(CAST(CAST(x AS DOUBLE PRECISION) / NULLIF(y, 0) AS DECIMAL), 9) > 1"),
    ],
)
def test_what_is_written_out_keeps_its_meaning_in_postgresql(text: str, rendered: str) -> None:
    assert parse(text).sql("postgres") == rendered


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("power(x, 2)", "unknown function"),
        ("log(x)", "unknown function"),
        ("log(2, x)", "unknown function"),
        ("x IS NULL", "not allowed in an expression"),
        ("NULL", "not allowed in an expression"),
        ("x % 2", "not allowed in an expression"),
        ("(SELECT 1)", "not allowed in an expression"),
        ("patients.x", "not a variable"),
        ('"a b"', "not a variable"),
        ("CASE WHEN a THEN 1 END", "CASE without ELSE"),
        ("COALESCE(x + 1, 2)", "COALESCE of something else"),
        ("COALESCE(x, y, 2)", "COALESCE of something else"),
        ("n IN (SELECT 1)", "IN without a list"),
        ("x >", "not an expression"),
        ("", "not an expression"),
        ("x; DROP TABLE patients", "not allowed in an expression"),
    ],
)
def test_anything_outside_the_whitelist_is_refused(text: str, what: str) -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse(text)

    assert refusal.value.what == what


def test_an_expression_names_what_it_reads_and_what_it_can_do_without() -> None:
    expression = parse("COALESCE(c, d) = 'red' AND x > 1")

    assert expression.columns == frozenset({"c", "d", "x"})
    assert expression.optional_columns == frozenset({"c"})
    assert expression.direct_columns == frozenset({"d", "x"})


def test_the_frame_s_columns_keep_their_types() -> None:
    found = findings({"a": True, "x": 2.0}).select(
        compile_expression(parse("a AND x > 1")).alias("truth"), compile_expression(parse("x * 2")).alias("number")
    )

    assert found.schema == {"truth": pl.Boolean, "number": pl.Float64}
