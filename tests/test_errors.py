"""The five families of error: who can help, and what the doors make of each."""

import pytest

from scheduler.errors import (
    FAMILIES,
    ClinicalDataError,
    Conflict,
    DeliveryError,
    HepwatchError,
    NotFound,
    RuleError,
    listed,
)


@pytest.mark.parametrize(
    ("family", "exit_status", "page_status"),
    [
        (RuleError, 3, 422),
        (ClinicalDataError, 4, 422),
        (NotFound, 5, 404),
        (Conflict, 6, 409),
        (DeliveryError, 7, 503),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_each_family_has_its_exit_and_page_status(
    family: type[HepwatchError], exit_status: int, page_status: int
) -> None:
    assert (family.exit_status, family.page_status) == (exit_status, page_status)
    assert family in FAMILIES


def test_an_error_carries_its_sentence_and_what_to_do_next() -> None:
    error = NotFound("there is no patient 7", advice="Check the MRN.")

    assert (str(error), error.message, error.advice) == (
        "there is no patient 7",
        "there is no patient 7",
        "Check the MRN.",
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param([], "none", id="none"),
        pytest.param(["low"], "low", id="one"),
        pytest.param(["low", "high"], "low and high", id="two"),
        pytest.param(["low", "intermediate", "high"], "low, intermediate and high", id="three"),
    ],
)
def test_words_are_listed_as_in_a_sentence(words: list[str], sentence: str) -> None:
    assert listed(words) == sentence
