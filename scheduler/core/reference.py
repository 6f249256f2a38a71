"""A reference population: how a model's terms are distributed in a paper's cohort, and so its linear predictor.

Takes strata with a number of patients and, for each term, the distribution that a table prints; factors are taken
as independent within a stratum. Gives the distribution of the linear predictor exactly, by enumeration, never by
sampling; and from it percentiles and the share of each risk group.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import log
from statistics import NormalDist
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scheduler.core.compilation import DECIMALS
from scheduler.core.variables import RuleModel, Words

Distribution = dict[float, float]


class Share(RuleModel):
    """A term that is 1 in a share of the patients and 0 in the others."""

    kind: Literal["share"]
    share: float = Field(ge=0, le=1)


class Count(RuleModel):
    """A term that is 1 in a number of the stratum's patients and 0 in the others."""

    kind: Literal["count"]
    count: int = Field(ge=0)


class Levels(RuleModel):
    """A term with several values, each in a share of the patients."""

    kind: Literal["levels"]
    levels: tuple[tuple[float, Annotated[float, Field(ge=0, le=1)]], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        if abs(sum(share for _, share in self.levels) - 1) > 1e-9:
            raise ValueError("shares that are together 1")
        return self


class LogOfNormal(RuleModel):
    """A term that is the logarithm of something normally distributed, such as ln(age).

    It is taken at the middles of `steps` equally likely parts, so the mean must lie well above zero.
    """

    kind: Literal["ln_of_normal"]
    mean: float
    standard_deviation: float = Field(gt=0)
    steps: int = Field(ge=2, le=200)

    @model_validator(mode="after")
    def _stays_positive(self) -> Self:
        if self.mean <= 3 * self.standard_deviation:
            raise ValueError("a mean of more than three standard deviations, so that every part is above zero")
        return self


Factor = Annotated[Share | Count | Levels | LogOfNormal, Field(discriminator="kind")]


class Stratum(RuleModel):
    """Patients among whom the terms are taken as independent."""

    name: Words
    patients: int = Field(ge=1)
    terms: dict[str, Factor]

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        for name, factor in self.terms.items():
            if isinstance(factor, Count) and factor.count > self.patients:
                raise ValueError(f"no more patients with {name} than the stratum has")
        return self


class ReferencePopulation(RuleModel):
    """The strata of a cohort, and where their numbers stand."""

    source: Words
    note: Words
    strata: tuple[Stratum, ...] = Field(min_length=1)


def distribution(population: ReferencePopulation, coefficients: Mapping[str, float]) -> Distribution:
    """Linear predictor → share of the population, rising, for terms with these coefficients.

    Raises KeyError where a stratum lacks a term.

    >>> one = Stratum(name="all", patients=10, terms={"rupture": Count(kind="count", count=1)})
    >>> distribution(ReferencePopulation(source="paper", note="-", strata=(one,)), {"rupture": 2.0})
    {0.0: 0.9, 2.0: 0.1}
    """
    everyone = sum(stratum.patients for stratum in population.strata)
    total: Distribution = {}
    for stratum in population.strata:
        for value, share in _of_stratum(stratum, coefficients).items():
            total[value] = total.get(value, 0.0) + share * stratum.patients / everyone
    return dict(sorted(total.items()))


def percentile(shares: Distribution, part: float) -> float:
    """The smallest value with at least `part` of the population at or below it.

    >>> percentile({0.0: 0.9, 2.0: 0.1}, 0.95)
    2.0
    """
    for value, reached in zip(shares, accumulate(shares.values()), strict=True):
        if reached >= part - 1e-12:
            return value
    return max(shares)


def group_shares(shares: Distribution, cut_offs: Sequence[float]) -> tuple[float, ...]:
    """The share of the population in each group, from low to high; a value on a cut-off counts upwards.

    >>> group_shares({0.0: 0.9, 2.0: 0.1}, [2.0])
    (0.9, 0.1)
    """
    totals = [0.0] * (len(cut_offs) + 1)
    for value, share in shares.items():
        totals[sum(value >= cut_off for cut_off in cut_offs)] += share
    return tuple(totals)


def _of_stratum(stratum: Stratum, coefficients: Mapping[str, float]) -> Distribution:
    sums: Distribution = {0.0: 1.0}
    for term, coefficient in coefficients.items():
        added: Distribution = {}
        for total, share in sums.items():
            for value, part in _values(stratum.terms[term], stratum.patients):
                reached = round(total + coefficient * value, 12)
                added[reached] = added.get(reached, 0.0) + share * part
        sums = added
    rounded: Distribution = {}
    for total, share in sums.items():
        rounded[round(total, DECIMALS)] = rounded.get(round(total, DECIMALS), 0.0) + share
    return rounded


def _values(factor: Factor, patients: int) -> tuple[tuple[float, float], ...]:
    """Each value of a term and its share."""
    match factor:
        case Share():
            return ((0.0, 1 - factor.share), (1.0, factor.share))
        case Count():
            return ((0.0, 1 - factor.count / patients), (1.0, factor.count / patients))
        case Levels():
            return factor.levels
        case LogOfNormal():
            return _ln_of_normal(factor)


def _ln_of_normal(factor: LogOfNormal) -> tuple[tuple[float, float], ...]:
    ages = NormalDist(factor.mean, factor.standard_deviation)
    middles = ((step + 0.5) / factor.steps for step in range(factor.steps))
    return tuple((log(ages.inv_cdf(middle)), 1 / factor.steps) for middle in middles)
