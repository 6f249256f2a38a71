"""What a protocol file may say: who is imaged how often, in which windows, and how risk groups become intensity.

Takes a parsed `rules/protocols/*.yaml`; gives a `SurveillanceProtocol`. Whether what it says makes sense is for
`protocol_checks`; which day a visit falls on is for `planning`. It knows no file and no patient.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from scheduler.core.models import Group, Transparency
from scheduler.core.variables import RuleModel, Source, Words


class Intensity(StrEnum):
    """How closely a plan follows, the least close first.

    >>> max([Intensity.BASIC, Intensity.INTENSIVE], key=lambda intensity: intensity.rank)
    <Intensity.INTENSIVE: 'intensive'>
    """

    BASIC = "basic"
    STANDARD = "standard"
    INTENSIVE = "intensive"

    @property
    def rank(self) -> int:
        """Its place, counted from 0; a higher rank follows more closely."""
        return list(Intensity).index(self)


Closeness = Annotated[Intensity, Field(strict=False)]
Day = Annotated[date, Field(strict=False)]
Months = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=0)]
Procedures = Annotated[tuple[Words, ...], Field(min_length=1)]


class Stage(RuleModel):
    """What decides once this form is signed: the models' risk groups, each mapped to an intensity.

    The most intensive of what is possible holds, and never less than `at_least`.
    """

    at: Literal["surgery", "pathology"]
    models: tuple[Words, ...] = Field(alias="from", min_length=1)
    intensities: dict[Group, Closeness] = Field(alias="map")
    combine: Literal["most_intensive"]
    at_least: Closeness | None = None
    source: Words


class Otherwise(RuleModel):
    """The intensity of everybody to whom no model applies."""

    otherwise: Closeness
    because: Words | None = None
    source: Words


def _kind_of_intensity(row: object) -> str:
    return "no model" if "otherwise" in _keys(row) else "stage"


IntensityRow = Annotated[
    Annotated[Stage, Tag("stage")] | Annotated[Otherwise, Tag("no model")], Discriminator(_kind_of_intensity)
]


class NoSurveillance(RuleModel):
    """Patients who get no plan, and why; one of whom it is unknown gets a plan."""

    when: Words
    because: Words
    source: Words


class Procedure(RuleModel):
    """One thing done at a visit. A visit is done when its required procedures are; any of `any_of` answers."""

    title: Words
    any_of: Procedures
    required: bool
    codes: dict[str, tuple[Words, ...]] = Field(default_factory=dict)
    source: Words


class FirstVisit(RuleModel):
    """From which day after the resection an examination answers for the first visit."""

    opens_day: Days
    because: Words
    source: Words


class Phase(RuleModel):
    """A stretch of months with one interval: after the phase before it, up to and on `until_month`."""

    until_month: Months
    every_months: Months


class Block(RuleModel):
    """Procedures that are done together, and their phases from month 0 on."""

    procedures: Procedures
    phases: tuple[Phase, ...] = Field(min_length=1)
    source: Words


class AfterwardsWhen(RuleModel):
    """How often the procedures go on after their last phase, for whom `when` is true or unknown."""

    when: Words
    procedures: Procedures
    every_months: Months
    source: Words


class AfterwardsOtherwise(RuleModel):
    """How often the procedures go on after their last phase, for everybody else."""

    otherwise: Literal[True]
    procedures: Procedures
    every_months: Months
    source: Words


def _kind_of_afterwards(row: object) -> str:
    return "everybody else" if "otherwise" in _keys(row) else "condition"


Afterwards = Annotated[
    Annotated[AfterwardsWhen, Tag("condition")] | Annotated[AfterwardsOtherwise, Tag("everybody else")],
    Discriminator(_kind_of_afterwards),
]


class Window(RuleModel):
    """The days on which an examination is on time, around the grid day, for intervals up to a length."""

    interval_up_to_months: Months
    opens_days_before: Days
    closes_days_after: Days
    source: Words


class OnSuspicious(RuleModel):
    """What a suspicious finding asks for, and how soon."""

    procedure: Words
    within_days: Days
    source: Words


class OnMarkerRise(RuleModel):
    """When a tumour marker counts as risen: so many rises in a row, or so many times its lowest since surgery."""

    markers: Procedures
    rises_in_a_row: int = Field(ge=1)
    times_the_lowest_since_surgery: float = Field(gt=1)
    source: Words


class VisitCount(RuleModel):
    """How many visits lie behind a patient at the end of a month."""

    month: Months
    visits: int = Field(ge=0)


class ExpectedPlan(RuleModel):
    """What a worked example must give."""

    first_year_months: tuple[int, ...]
    visits_by: tuple[VisitCount, ...] = Field(min_length=1)
    first_due_on: Day


class WorkedExample(RuleModel):
    """One patient's plan, worked out by hand, on a site that closes on Saturdays and Sundays only."""

    name: Words
    intensity: Closeness
    resected_on: Day
    afterwards_months: Months
    expect: ExpectedPlan


class SurveillanceProtocol(RuleModel):
    """One surveillance protocol: intensity, procedures, schedules, windows, with sources and worked examples."""

    kind: Literal["surveillance_protocol"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: int = Field(ge=1)
    title: Words
    description: Words
    anchor: Literal["resection"]
    sources: dict[str, Source]
    intensity: tuple[IntensityRow, ...]
    no_surveillance: tuple[NoSurveillance, ...]
    procedures: dict[str, Procedure]
    first_visit: FirstVisit
    schedules: dict[Closeness, tuple[Block, ...]]
    afterwards: tuple[Afterwards, ...]
    windows: tuple[Window, ...]
    on_suspicious: OnSuspicious
    on_marker_rise: OnMarkerRise
    caveats: tuple[Words, ...]
    transparency: Transparency
    worked_examples: tuple[WorkedExample, ...]

    @property
    def reference(self) -> str:
        """How other files and the database name it: `risk-adapted@1`."""
        return f"{self.id}@{self.version}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The rows of `intensity` that a signed form can decide, in the order in which they are tried."""
        return tuple(row for row in self.intensity if isinstance(row, Stage))

    @property
    def otherwise(self) -> Intensity:
        """The intensity where no model applies; a checked protocol has one."""
        return next(row.otherwise for row in self.intensity if isinstance(row, Otherwise))

    @property
    def most_intensive(self) -> Intensity:
        """The most intensive follow-up that it has a schedule for: one for everybody may have a single one."""
        return max(self.schedules, key=lambda intensity: intensity.rank)

    def window(self, interval_months: int) -> Window | None:
        """The window of visits so many months apart: the first row that reaches so far, None where none does."""
        return next((row for row in self.windows if interval_months <= row.interval_up_to_months), None)


def _keys(row: object) -> frozenset[str]:
    """The keys of a row as it was read, or the fields of one that is a model already."""
    if isinstance(row, RuleModel):
        return frozenset(type(row).model_fields)
    return frozenset(row) if isinstance(row, dict) else frozenset()
