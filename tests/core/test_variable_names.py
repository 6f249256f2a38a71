"""Names of variables that cannot be used."""

from scheduler.core.variable_names import check_names
from tests.core.small_dictionary import a_derived, a_dictionary, a_variable


def test_names_are_plain_not_reserved_and_stand_for_one_variable() -> None:
    dictionary = a_dictionary().model_copy(
        update={
            "recorded": {"tumour size": a_variable("number"), "status": a_variable("text"), "x": a_variable("number")},
            "derived": {"x": a_derived("number", "1")},
        }
    )

    problems = check_names(dictionary)

    assert [(problem.location, problem.what) for problem in problems] == [
        (("recorded", "tumour size"), "not a variable's name"),
        (("recorded", "status"), "reserved name"),
        (("derived", "x"), "name twice"),
    ]
