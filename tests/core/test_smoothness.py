"""Which models are refused because their bounds would not be exact, and how the others are taken apart."""

import pytest

from scheduler.core.smoothness import analyse
from tests.core.small_dictionary import a_dictionary, a_variable

DICTIONARY = a_dictionary(
    score=("number", "0.66 * log10(x) - 0.085 * y"),
    grade=("integer", "CASE WHEN score <= 0.5 THEN 1 ELSE 2 END"),
    stage=("choice", "COALESCE(c, d)"),
    chosen=("number", "CASE WHEN a THEN x ELSE 0 END"),
)


@pytest.mark.parametrize(
    ("terms", "position", "what", "found"),
    [
        (["a", "x * x"], 1, "bounds would not be exact", "x more than once in x * x"),
        (["a", "ln(z)"], 1, "undefined", "LN(z) of a value that may be -4"),
        (["ln(m)"], 0, "undefined", "LN(m) of a value that may be 0"),
        (["z * x"], 0, "undefined", "neither only rises nor only falls"),
        (["score", "x"], 0, "bounds would not be exact", "x in 0.66 * LOG(10, x) - 0.085 * y and in x"),
        (["grade", "ln(x)"], 0, "bounds would not be exact", "x in "),
        (["x > CASE WHEN a THEN 1 ELSE 2 END"], 0, "bounds would not be exact", "x inside GT"),
        (["a", "exp(CASE WHEN a THEN x ELSE 1 END)"], 1, "bounds would not be exact", "x inside EXP"),
        (["(CASE WHEN a THEN x ELSE 1 END) * y"], 0, "bounds would not be exact", "inside MUL"),
        (["chosen > 3"], 0, "bounds would not be exact", "chosen inside GT"),
        (["CASE WHEN COALESCE(x, y) > 2 THEN 1 ELSE 0 END"], 0, "bounds would not be exact", "y inside COALESCE"),
        (["a", "t = 'word'"], 1, "bounds would not be exact", "t, a text"),
        (["stage = 'red'", "c = 'red'"], 0, "read twice", "c both in COALESCE and directly"),
        (["n * m * 1 + CASE WHEN c = d AND a AND b THEN n ELSE m END"], 0, None, None),
    ],
)
def test_a_model_whose_bounds_would_not_be_exact_is_refused_at_its_term(
    terms: list[str], position: int, what: str | None, found: str | None
) -> None:
    _, problems = analyse(terms, DICTIONARY)

    assert {(problem.location, problem.what) for problem in problems} == ({((position,), what)} if what else set())
    assert all(found in problem.found for problem in problems if found)


def test_terms_that_share_too_many_inputs_are_refused_as_too_slow() -> None:
    many = {f"flag_{i}": ("boolean", f"x > {i + 2} AND y > {(i + 2) / 10} AND z > {i / 10}") for i in range(40)}
    dictionary = a_dictionary(**many)

    _, problems = analyse([f"flag_{i}" for i in range(40)], dictionary)

    assert [problem.what for problem in problems] == ["bounds would be too slow"]


def test_too_many_factors_that_share_nothing_are_refused_as_too_slow() -> None:
    recorded = {f"factor_{i}": a_variable("boolean") for i in range(21)}
    dictionary = a_dictionary().model_copy(update={"recorded": recorded})

    _, problems = analyse(recorded, dictionary)

    assert [problem.found for problem in problems] == ["2,097,152 completions of all terms"]
    assert analyse(list(recorded)[:20], dictionary)[1] == ()


def test_terms_that_share_inputs_through_derived_variables_form_one_component() -> None:
    program, problems = analyse(["grade", "b", "x > 5", "m", "a AND m > 1"], DICTIONARY)

    assert problems == ()
    assert [(component.terms, component.inputs) for component in program.components] == [
        ((1,), ("b",)),
        ((0, 2), ("x", "y")),
        ((3, 4), ("m", "a")),
    ]


def test_a_formula_is_one_stretch_however_often_it_is_read() -> None:
    program, _ = analyse(["score > 0.1", "grade", "0.66 * log10(x) - 0.085 * y <= 2"], DICTIONARY)

    [stretch] = program.stretches
    assert (stretch.inputs, sorted(stretch.cuts), stretch.valued) == (("x", "y"), [0.1, 0.5, 2.0], False)


def test_a_whole_number_that_is_only_compared_runs_over_what_can_be_told_apart() -> None:
    program, _ = analyse(["n > 2", "m * 2", "c = 'red'", "COALESCE(d, c) = 'red'"], DICTIONARY)

    assert program.values == {"n": (1, 2, 3, 5), "m": (0, 1, 2, 3), "c": ("red", "green", "blue")}
    assert program.optional == {"d"}
