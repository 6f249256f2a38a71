"""Reference populations: exact distributions, and Wang's cut-offs worked out from the paper's table."""

import json
from itertools import product
from math import log

import pytest
from pydantic import ValidationError

from scheduler.core.model_examples import linear_predictors, misfit, wrong_cut_offs
from scheduler.core.reference import (
    Count,
    Levels,
    LogOfNormal,
    ReferencePopulation,
    Share,
    Stratum,
    distribution,
    group_shares,
    percentile,
)
from scheduler.rulebook import load_rulebook

RULEBOOK = load_rulebook()
WANG = RULEBOOK.model("wang-distant-metastasis").model

TABLE_1 = {  # Wang 2025, Table 1: patients, share with AFP > 400 of those measured, then counts in Table 4's order
    "none": (1198, 0.265, (20, 449, 120, 31, 343, 103, 518, 127)),
    "intrahepatic": (1165, 0.330, (40, 601, 280, 121, 607, 276, 698, 162)),
    "distant": (342, 0.508, (40, 265, 120, 103, 245, 137, 212, 112)),
}
RATIOS = (1.687, 2.558, 2.430, 1.388, 3.442, 2.079, 1.716, 1.653, 1.486)


def by_hand() -> list[tuple[float, float, float]]:
    """Every combination of the nine factors: its score, its share of all patients, its share of distant metastases."""
    rows = []
    everyone = sum(patients for patients, _, _ in TABLE_1.values())
    for present in product((0, 1), repeat=9):
        shares = {}
        for outcome, (patients, afp, counts) in TABLE_1.items():
            parts = (afp, *(count / patients for count in counts))
            share = patients / everyone
            for part, is_present in zip(parts, present, strict=True):
                share *= part if is_present else 1 - part
            shares[outcome] = share
        score = sum(log(ratio) for ratio, is_present in zip(RATIOS, present, strict=True) if is_present)
        rows.append((round(score, 9), sum(shares.values()), shares["distant"]))
    return sorted(rows)


def test_wang_s_cut_offs_are_the_percentiles_of_the_512_combinations() -> None:
    shares = linear_predictors(WANG)

    assert (percentile(shares, 0.50), percentile(shares, 0.85)) == (1.410843061, 2.626535774)
    assert WANG.risk_groups.cut_offs == (1.410843061, 2.626535774)
    assert wrong_cut_offs(WANG) == ()


def test_wang_s_groups_hold_the_shares_that_clinical_reasoning_expects() -> None:
    shares = group_shares(linear_predictors(WANG), WANG.risk_groups.cut_offs)

    assert [round(share, 3) for share in shares] == [0.489, 0.358, 0.153]


def test_wang_s_distribution_is_the_one_worked_out_by_hand() -> None:
    expected: dict[float, float] = {}
    for score, share, _ in by_hand():
        expected[score] = expected.get(score, 0.0) + share

    found = linear_predictors(WANG)
    assert list(found) == pytest.approx(list(expected), abs=2e-9)
    assert list(found.values()) == pytest.approx(list(expected.values()), abs=1e-12)


def test_the_crude_risk_of_wang_s_groups_rises_as_printed_by_the_table() -> None:
    low, high = WANG.risk_groups.cut_offs
    bands = ((-1.0, low), (low, high), (high, 99.0))

    risks = [
        sum(distant for score, _, distant in by_hand() if start <= score < end)
        / sum(share for score, share, _ in by_hand() if start <= score < end)
        for start, end in bands
    ]

    assert [round(100 * risk, 1) for risk in risks] == [2.1, 13.2, 45.2]


def test_ehr_preop_s_cut_offs_cannot_come_from_the_published_shares() -> None:
    found = misfit(RULEBOOK.model("ehr-preop").model)

    assert found is not None
    assert [round(share, 2) for share in found.computed.values()] == [0.98, 0.02, 0.0]
    assert list(found.published.values()) == [0.50, 0.35, 0.15]
    assert [round(value, 2) for value in found.reached.values()] == [-4.09, -3.37]
    assert str(found) == (
        "EHR-preop: the printed cut-offs cannot come from the published shares: in the declared reference population "
        "they give low 98% instead of 50%, intermediate 2% instead of 35%, high 0% instead of 15%; cut-offs that give "
        "the published shares would be -4.09 and -3.37"
    )


@pytest.mark.parametrize("model", ["ehr-postop", "wang-distant-metastasis"])
def test_no_misfit_is_claimed_of_the_other_models(model: str) -> None:
    assert misfit(RULEBOOK.model(model).model) is None


def a_population(**terms: Share | Count | Levels | LogOfNormal) -> ReferencePopulation:
    """Ten patients with these terms."""
    stratum = Stratum(name="all", patients=10, terms=dict(terms))
    return ReferencePopulation(source="paper", note="-", strata=(stratum,))


def test_independent_factors_multiply() -> None:
    population = a_population(
        rupture=Count(kind="count", count=2), stage=Levels(kind="levels", levels=((1, 0.5), (2, 0.5)))
    )

    found = distribution(population, {"rupture": 10.0, "stage": 1.0})

    assert found == pytest.approx({1.0: 0.4, 2.0: 0.4, 11.0: 0.1, 12.0: 0.1})


def test_strata_count_by_their_patients() -> None:
    strata = tuple(
        Stratum(name=name, patients=patients, terms={"rupture": Share(kind="share", share=share)})
        for name, patients, share in (("without", 30, 0.0), ("with", 10, 1.0))
    )

    found = distribution(ReferencePopulation(source="paper", note="-", strata=strata), {"rupture": 1.0})

    assert found == {0.0: 0.75, 1.0: 0.25}


def test_the_logarithm_of_a_normal_age_is_spread_around_that_of_its_mean() -> None:
    age = LogOfNormal(kind="ln_of_normal", mean=60.0, standard_deviation=10.0, steps=100)

    found = distribution(a_population(age=age), {"age": 1.0})

    assert len(found) == 100
    assert percentile(found, 0.5) == pytest.approx(log(60), abs=0.003)


@pytest.mark.parametrize(("part", "value"), [(0.89, 0.0), (0.9, 0.0), (0.91, 2.0), (1.0, 2.0)])
def test_a_percentile_is_the_smallest_value_that_holds_the_part(part: float, value: float) -> None:
    assert percentile({0.0: 0.9, 2.0: 0.1}, part) == value


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"rupture": {"kind": "count", "count": 11}}, "no more patients with rupture than the stratum has"),
        ({"stage": {"kind": "levels", "levels": [[1, 0.5], [2, 0.6]]}}, "shares that are together 1"),
        ({"stage": {"kind": "levels", "levels": [[1, 1.5], [2, -0.5]]}}, "less than or equal to 1"),
        (
            {"age": {"kind": "ln_of_normal", "mean": 20, "standard_deviation": 10, "steps": 9}},
            "three standard deviations",
        ),
    ],
)
def test_a_population_that_cannot_be_is_refused(terms: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Stratum.model_validate_json(json.dumps({"name": "all", "patients": 10, "terms": terms}))
