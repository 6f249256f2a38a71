"""What is wrong with an expression, as problems: names, types, choices, circles."""

import pytest

from scheduler.core.expression_check import Kind, check, check_derived
from scheduler.core.problems import Problem
from tests.core.small_dictionary import a_dictionary

ANYTHING = (Kind.NUMBER, Kind.BOOLEAN, Kind.WORD)


@pytest.mark.parametrize(
    ("text", "what", "found", "expected"),
    [
        pytest.param("xx > 1", "unknown variable", "xx", "a name from variables.yaml (did you mean x?)", id="name"),
        pytest.param("c = 'yellow'", "unknown choice", "c = 'yellow'", "one of red, green, blue", id="choice"),
        pytest.param("'yellow' = c", "unknown choice", "c = 'yellow'", "one of red, green, blue", id="turned round"),
        pytest.param("c IN ('red', 'no')", "unknown choice", "c = 'no'", "one of red, green, blue", id="in a list"),
        pytest.param("CASE c WHEN 'no' THEN 1 ELSE 0 END", "unknown choice", "c = 'no'", None, id="in a case"),
        pytest.param("COALESCE(c, 'no') = 'red'", "unknown choice", "c = 'no'", None, id="as a fallback"),
        pytest.param(
            "CASE WHEN a THEN c ELSE d END = 'no'", "unknown choice", None, "one of red, green, blue", id="of a case"
        ),
        pytest.param("c < 'red'", "words have no order", "c < 'red'", "= or <> or IN", id="order of words"),
        pytest.param("a > b", "words have no order", "a > b", "= or <> or IN", id="order of truths"),
        pytest.param("a + 1", "wrong type", "a in a + 1, which gives true or false", "a number", id="sum of a truth"),
        pytest.param(
            "x AND a", "wrong type", "x in x AND a, which gives a number", "true or false", id="and of a number"
        ),
        pytest.param("x = 'red'", "wrong type", None, "values of one type", id="number against word"),
        pytest.param("COALESCE(x, 'red')", "wrong type", None, "values of one type", id="fallback of another type"),
        pytest.param("CASE WHEN a THEN 1 ELSE 'red' END", "wrong type", None, "values of one type", id="branches"),
        pytest.param("CASE WHEN x THEN 1 ELSE 2 END", "wrong type", None, "true or false", id="number as a condition"),
        pytest.param("day > 1", "wrong type", "day, a date", "a number, boolean, choice or text", id="date"),
        pytest.param("COALESCE(c, 'red') = c", "read twice", "c both in COALESCE and directly", None, id="read twice"),
        pytest.param("power(x, 2)", "unknown function", "POWER(x, 2)", None, id="function"),
    ],
)
def test_a_mistake_is_named_with_what_was_found(text: str, what: str, found: str | None, expected: str | None) -> None:
    problems = check(text, a_dictionary(), wants=ANYTHING)

    assert [problem.what for problem in problems] == [what]
    assert found in (None, problems[0].found)
    assert expected in (None, problems[0].expected)


def test_a_place_takes_only_what_it_wants() -> None:
    problems = check("x + 1", a_dictionary(), wants=(Kind.BOOLEAN,))

    assert problems == (
        Problem(location=(), what="wrong type", found="x + 1, which gives a number", expected="true or false"),
    )


def test_every_mistake_of_an_expression_is_told_at_once() -> None:
    problems = check("xx > 1 AND c = 'no' AND a < b", a_dictionary(), wants=ANYTHING)

    assert [problem.what for problem in problems] == ["unknown variable", "unknown choice", "words have no order"]


def test_derived_variables_that_rest_on_themselves_are_a_circle() -> None:
    dictionary = a_dictionary(one=("number", "two + 1"), two=("number", "one * 2"))

    [problem] = check_derived(dictionary)

    assert problem.what == "circular definition"
    assert "one → two → one" in problem.found or "two → one → two" in problem.found


@pytest.mark.parametrize("expression", ["x", "n / 2", "n + 0.5", "CASE WHEN a THEN 1 ELSE x END", "ln(n)"])
def test_an_integer_may_not_come_out_as_a_fraction(expression: str) -> None:
    [problem] = check_derived(a_dictionary(whole=("integer", expression)))

    assert problem == Problem(
        location=("derived", "whole", "expression"),
        what="wrong type",
        found="an integer that may be a fraction",
        expected="whole numbers, or the type number",
    )


@pytest.mark.parametrize("expression", ["n", "-n + 2 * m", "abs(n - m)", "CASE WHEN a THEN 1 ELSE n END"])
def test_an_integer_of_whole_numbers_is_fine(expression: str) -> None:
    assert check_derived(a_dictionary(whole=("integer", expression))) == ()


def test_a_derived_choice_gives_only_its_choices() -> None:
    [problem] = check_derived(a_dictionary(stage=("choice", "CASE WHEN a THEN 'red' ELSE 'yellow' END")))

    assert problem == Problem(
        location=("derived", "stage", "expression"),
        what="unknown choice",
        found="'yellow'",
        expected="one of red, green, blue",
    )


def test_a_derived_variable_must_give_its_type() -> None:
    [problem] = check_derived(a_dictionary(truth=("boolean", "x + 1")))

    assert (problem.location, problem.expected) == (("derived", "truth", "expression"), "true or false")
