"""What a risk model file may say, and whether what it says holds together.

Takes the parsed `rules/models/<id>.v<N>.yaml`; gives a `RiskModel`, or problems at their places. A model names its
sources, its population, its linear predictor term by term, its groups, and examples that are run when it loads.
"""

from enum import StrEnum
from itertools import pairwise
from math import log
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scheduler.core.expression_check import Kind, check
from scheduler.core.problems import Problem
from scheduler.core.reference import ReferencePopulation
from scheduler.core.variables import CollectedAt, RuleModel, Source, VariableDictionary, Words


class RiskGroup(StrEnum):
    """What one model says of a patient, from the least to the most at risk."""

    LOW = "low"
    INTERMEDIATE = "intermediate"
    HIGH = "high"


class Basis(StrEnum):
    """Where the cut-offs come from: printed in the paper, or computed by us from what it prints."""

    PUBLISHED = "published"
    DERIVED = "derived"


Group = Annotated[RiskGroup, Field(strict=False)]
Decimal9 = Annotated[float, Field(allow_inf_nan=False)]


class Endpoint(RuleModel):
    """What the model predicts, and what to know when reading it."""

    event: Words
    note: Words


class Criterion(RuleModel):
    """What a patient must be for the model to speak of them, and why."""

    must: Words
    because: Words
    source: Words


class Term(RuleModel):
    """One addend of the linear predictor: weight × value (a truth counts as 1 or 0).

    A paper prints a coefficient, or a hazard ratio whose natural logarithm is the coefficient.
    """

    name: Words
    value: Words
    coefficient: float | None = None
    hazard_ratio: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_weight(self) -> Self:
        if (self.coefficient is None) == (self.hazard_ratio is None):
            raise ValueError("a term has a coefficient or a hazard_ratio, and one of the two only")
        return self

    @property
    def weight(self) -> float:
        """What the value is multiplied with."""
        if self.coefficient is not None:
            return self.coefficient
        assert self.hazard_ratio is not None
        return log(self.hazard_ratio)


class LinearPredictor(RuleModel):
    """The sum of the terms, and where its coefficients stand."""

    source: Words
    terms: tuple[Term, ...] = Field(min_length=1)


class GroupBand(RuleModel):
    """One risk group: predictors below `below` that no lower group holds; the last group has no end."""

    group: Group
    below: float | None = None
    percentile: float | None = Field(default=None, gt=0, lt=1)


class RiskGroups(RuleModel):
    """The cut-offs. A value on a cut-off belongs to the higher group.

    With `basis: derived` each cut-off is a percentile of the reference population, and is checked against it.
    """

    basis: Annotated[Basis, Field(strict=False)]
    source: Words
    groups: tuple[GroupBand, ...] = Field(min_length=2)
    published_shares: dict[Group, float] = {}
    remark: Words | None = None
    reference_population: ReferencePopulation | None = None

    @property
    def cut_offs(self) -> tuple[float, ...]:
        """The boundaries, rising."""
        return tuple(band.below for band in self.groups if band.below is not None)

    @property
    def names(self) -> tuple[RiskGroup, ...]:
        """The groups, from low to high."""
        return tuple(band.group for band in self.groups)

    def group_of(self, linear_predictor: float) -> RiskGroup:
        """The group of one value, rounded to 9 decimals first; on a cut-off the higher one."""
        value = round(linear_predictor, 9)
        return self.names[sum(value >= cut_off for cut_off in self.cut_offs)]


class Transparency(RuleModel):
    """What a reader must know before trusting the model."""

    intended_use: Words
    out_of_scope: Words
    validation: Words
    known_limits: Words


class PatientExample(RuleModel):
    """A patient worked out by hand: the findings, the linear predictor (9 decimals), the group."""

    patient: dict[str, float | int | bool | str]
    linear_predictor: float
    group: Group


class CutOffExample(RuleModel):
    """A linear predictor and the group that it belongs to."""

    linear_predictor: float
    group: Group


class WorkedExamples(RuleModel):
    """Examples that run when the file loads: at least one patient per group; below, on and above each cut-off."""

    patients: tuple[PatientExample, ...]
    cut_offs: tuple[CutOffExample, ...]


class RiskModel(RuleModel):
    """A published score: whom it speaks of, how it adds up, where its groups end, what to beware of."""

    kind: Literal["risk_model"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: int = Field(ge=1)
    title: Words
    description: Words
    endpoint: Endpoint
    scored_at: Annotated[CollectedAt, Field(strict=False)]
    sources: dict[str, Source]
    population: tuple[Criterion, ...]
    linear_predictor: LinearPredictor
    risk_groups: RiskGroups
    caveats: tuple[Words, ...]
    transparency: Transparency
    worked_examples: WorkedExamples

    @property
    def reference(self) -> str:
        """How other files and the database name it: `ehr-postop@1`."""
        return f"{self.id}@{self.version}"


def check_model(model: RiskModel, dictionary: VariableDictionary) -> tuple[Problem, ...]:
    """Everything wrong with a model that its shape does not show; the worked examples are run elsewhere."""
    return (
        *_wrong_expressions(model, dictionary),
        *_unknown_sources(model),
        *_repeated_terms(model),
        *_wrong_groups(model.risk_groups),
        *_missing_examples(model),
    )


def _wrong_expressions(model: RiskModel, dictionary: VariableDictionary) -> list[Problem]:
    problems: list[Problem] = []
    for position, criterion in enumerate(model.population):
        found = check(criterion.must, dictionary, wants=(Kind.BOOLEAN,))
        problems += [problem.below("population", position, "must") for problem in found]
    for position, term in enumerate(model.linear_predictor.terms):
        found = check(term.value, dictionary, wants=(Kind.NUMBER, Kind.BOOLEAN))
        problems += [problem.below("linear_predictor", "terms", position, "value") for problem in found]
    if model.scored_at is CollectedAt.ENROLMENT:
        expected = "surgery or pathology"
        problems.append(Problem(location=("scored_at",), what="wrong stage", found="enrolment", expected=expected))
    return problems


def _unknown_sources(model: RiskModel) -> list[Problem]:
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("population", position, "source"), criterion.source) for position, criterion in enumerate(model.population)
    ]
    named.append((("linear_predictor", "source"), model.linear_predictor.source))
    named.append((("risk_groups", "source"), model.risk_groups.source))
    if model.risk_groups.reference_population:
        place = ("risk_groups", "reference_population", "source")
        named.append((place, model.risk_groups.reference_population.source))
    known = f"one of {', '.join(model.sources)}"
    return [
        Problem(location=place, what="unknown source", found=source, expected=known)
        for place, source in named
        if source not in model.sources
    ]


def _repeated_terms(model: RiskModel) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for position, term in enumerate(model.linear_predictor.terms):
        if term.name in seen:
            place = ("linear_predictor", "terms", position, "name")
            problems.append(Problem(location=place, what="repeated term", found=term.name, expected="each name once"))
        seen.add(term.name)
    return problems


def _wrong_groups(groups: RiskGroups) -> list[Problem]:
    """Groups out of order or repeated, cut-offs missing, not rising or with more than 9 decimals."""
    place = ("risk_groups", "groups")
    order = list(RiskGroup)
    problems = []
    for position, (earlier, later) in enumerate(pairwise(groups.groups), start=1):
        if order.index(earlier.group) >= order.index(later.group):
            found = f"{earlier.group} then {later.group}"
            expected = "low, intermediate, high in this order, each once"
            problems.append(Problem(location=(*place, position, "group"), what="order", found=found, expected=expected))
        if earlier.below is None:
            expected = "a cut-off (below) on every group but the last"
            problems.append(
                Problem(location=(*place, position - 1), what="cut-off missing", found="none", expected=expected)
            )
        elif later.below is not None and earlier.below >= later.below:
            found = f"{earlier.below} then {later.below}"
            problems.append(
                Problem(
                    location=(*place, position, "below"),
                    what="cut-offs not rising",
                    found=found,
                    expected="each above the one before",
                )
            )
    if groups.groups[-1].below is not None:
        last = (*place, len(groups.groups) - 1, "below")
        problems.append(
            Problem(
                location=last,
                what="last group ends",
                found=str(groups.groups[-1].below),
                expected="no cut-off on the last group",
            )
        )
    return problems + _wrong_shares(groups)


def _wrong_shares(groups: RiskGroups) -> list[Problem]:
    """Published shares that do not name the groups or do not sum to one."""
    shares = groups.published_shares
    if not shares:
        return []
    if set(shares) != set(groups.names) or abs(sum(shares.values()) - 1) > 1e-6:
        found = ", ".join(f"{group} {share}" for group, share in shares.items())
        return [
            Problem(
                location=("risk_groups", "published_shares"),
                what="shares",
                found=found,
                expected="one share per group, together 1",
            )
        ]
    return []


def _missing_examples(model: RiskModel) -> list[Problem]:
    """A group without a worked patient; a cut-off without an example below, on and above it."""
    examples = model.worked_examples
    problems = []
    for group in model.risk_groups.names:
        if group not in {example.group for example in examples.patients}:
            place = ("worked_examples", "patients")
            problems.append(
                Problem(
                    location=place,
                    what="example missing",
                    found=f"no patient in group {group}",
                    expected="one worked patient per group",
                )
            )
    values = [example.linear_predictor for example in examples.cut_offs]
    edges = [float("-inf"), *model.risk_groups.cut_offs, float("inf")]
    for position, cut_off in enumerate(model.risk_groups.cut_offs, start=1):
        near = {
            "below": any(edges[position - 1] <= value < cut_off for value in values),
            "on": cut_off in values,
            "above": any(cut_off < value < edges[position + 1] for value in values),
        }
        absent = [side for side, present in near.items() if not present]
        if absent:
            problems.append(
                Problem(
                    location=("worked_examples", "cut_offs"),
                    what="example missing",
                    found=f"none {' or '.join(absent)} the cut-off {cut_off}",
                    expected="one example below, on and above each cut-off",
                )
            )
    return problems
