"""What a risk model file may say.

Takes the parsed `rules/models/<id>.v<N>.yaml`; gives a `RiskModel`. A model names its sources, its population, its
linear predictor term by term, its groups, and examples that are run when it loads. Whether all that holds together
is asked by `model_checks` and `model_examples`.
"""

from enum import StrEnum
from math import log
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scheduler.core.reference import ReferencePopulation
from scheduler.core.variables import CollectedAt, RuleModel, Source, Words


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
    published_shares: dict[Group, float] = Field(default_factory=dict)
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
