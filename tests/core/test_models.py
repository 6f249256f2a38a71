"""What a model file says, as a value: weights, groups, cut-offs; and what is wrong with one."""

from math import log

import pytest
from pydantic import ValidationError

from scheduler.core.model_checks import incomplete, wrong_meaning
from scheduler.core.models import RiskGroup, RiskModel, Term
from tests.core.small_dictionary import a_dictionary, a_model

GROUPS = a_model({"x": 1.0}, cut_offs=[1.0, 2.5]).model.risk_groups


@pytest.mark.parametrize(
    ("linear_predictor", "group"),
    [
        (0.999999999, "low"),
        (0.9999999999, "intermediate"),
        (1.0, "intermediate"),
        (1.000000001, "intermediate"),
        (2.499999999, "intermediate"),
        (2.5, "high"),
        (2.500000001, "high"),
    ],
)
def test_a_linear_predictor_on_a_cut_off_belongs_to_the_higher_group(linear_predictor: float, group: str) -> None:
    assert GROUPS.group_of(linear_predictor) == group


def test_the_groups_and_their_cut_offs_stand_in_order() -> None:
    assert (GROUPS.names, GROUPS.cut_offs) == (tuple(RiskGroup), (1.0, 2.5))


def test_a_hazard_ratio_weighs_its_natural_logarithm() -> None:
    assert Term(name="rupture", value="a", hazard_ratio=2.558).weight == log(2.558)
    assert Term(name="age", value="x", coefficient=-1.139).weight == -1.139


@pytest.mark.parametrize("weights", [{}, {"coefficient": 1.0, "hazard_ratio": 2.0}, {"hazard_ratio": 0.0}])
def test_a_term_has_one_weight(weights: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Term.model_validate({"name": "age", "value": "x"} | weights)


def test_a_model_is_referred_to_by_its_id_and_version() -> None:
    assert a_model({"x": 1.0}).model.reference == "made@1"


def test_every_wrong_expression_is_found_at_its_place() -> None:
    problems = wrong_meaning(a_model({"x + 1": 1.0, "xx": 1.0, "c": 1.0}).model, a_dictionary())

    assert [(problem.location, problem.what) for problem in problems] == [
        (("linear_predictor", "terms", 1, "value"), "unknown variable"),
        (("linear_predictor", "terms", 2, "value"), "wrong type"),
    ]


def test_a_model_is_scored_at_surgery_or_pathology() -> None:
    document = a_model({"x": 1.0}).model.model_dump(by_alias=True) | {"scored_at": "enrolment"}

    [problem] = wrong_meaning(RiskModel.model_validate(document, strict=False), a_dictionary())

    assert (problem.location, problem.what, problem.expected) == (("scored_at",), "wrong stage", "surgery or pathology")


def test_a_model_without_examples_lacks_one_for_each_group_and_each_side_of_each_cut_off() -> None:
    found = [problem.found for problem in incomplete(a_model({"x": 1.0}, cut_offs=[1.0, 2.5]).model)]

    assert found == [
        "no patient in group low",
        "no patient in group intermediate",
        "no patient in group high",
        "none below or on or above the cut-off 1.0",
        "none below or on or above the cut-off 2.5",
    ]
