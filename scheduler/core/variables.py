"""The data dictionary: what may be recorded of a patient, in which unit and range, and what is computed from it.

Takes the parsed `rules/variables.yaml`; gives a `VariableDictionary`. It knows no file and no patient.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator


class RuleModel(BaseModel):
    """What every part of a rule file is: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class VariableType(StrEnum):
    """The kinds of value a variable can take."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    DATE = "date"
    TEXT = "text"


POLARS_TYPES: dict[VariableType, pl.DataType] = {
    VariableType.NUMBER: pl.Float64(),
    VariableType.INTEGER: pl.Int64(),
    VariableType.BOOLEAN: pl.Boolean(),
    VariableType.CHOICE: pl.String(),
    VariableType.DATE: pl.Date(),
    VariableType.TEXT: pl.String(),
}


class CollectedAt(StrEnum):
    """Which form holds a recorded variable."""

    ENROLMENT = "enrolment"
    SURGERY = "surgery"
    PATHOLOGY = "pathology"


Words = Annotated[str, Field(min_length=1)]
Type = Annotated[VariableType, Field(strict=False)]


class Source(RuleModel):
    """Where a number comes from: a citation, and where in it (a table, a page, a section)."""

    citation: Words
    locator: Words
    doi: str | None = None


class AcceptedUnit(RuleModel):
    """Another unit in which a table may give a variable: its column heading, and the factor to our unit."""

    unit: Words
    heading: Words
    factor: float = Field(gt=0)


class Recorded(RuleModel):
    """A finding that is written down: type, UCUM unit, ranges, when it is collected, what it means.

    `minimum` and `maximum` are inclusive; a value outside is refused. `plausible` is inclusive; a value outside
    must be confirmed by the signer. `identity` marks a cell that is encrypted and never echoed.
    """

    label: Words
    type: Type
    unit: Words
    accepts: tuple[AcceptedUnit, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    plausible: tuple[float, float] | None = None
    choices: tuple[Words, ...] = ()
    identity: bool = False
    collected_at: Annotated[CollectedAt, Field(strict=False)]
    codes: dict[str, tuple[str, ...]] = {}
    definition: Words
    source: Words

    @model_validator(mode="after")
    def _shape_fits_type(self) -> Self:
        """Numbers have ranges, choices have choices, nothing else has either."""
        numeric = self.type in (VariableType.NUMBER, VariableType.INTEGER)
        if numeric and (self.minimum is None or self.maximum is None or self.minimum >= self.maximum):
            raise ValueError("a number needs a minimum below its maximum")
        if numeric and self.plausible is not None and not _rising(self):
            raise ValueError("plausible must rise and lie inside minimum and maximum")
        if not numeric and (self.minimum, self.maximum, self.plausible) != (None, None, None):
            raise ValueError(f"a {self.type} has no range")
        if (self.type is VariableType.CHOICE) != bool(self.choices):
            raise ValueError("a choice needs its choices, and only a choice has them")
        if len(set(self.choices)) != len(self.choices):
            raise ValueError("choices repeat")
        return self


class Derived(RuleModel):
    """A finding that is computed from others by an expression."""

    label: Words
    type: Type
    unit: Words
    expression: Words
    choices: tuple[Words, ...] = ()
    definition: Words
    source: Words


class ConsistencyCheck(RuleModel):
    """Findings that contradict each other: a row for which `when` is true is warned of with `say`, not refused."""

    when: Words
    say: Words
    source: Words


class VariableDictionary(RuleModel):
    """Every variable, recorded and derived, by name; what contradicts what; and the sources that they name."""

    kind: Literal["variable_dictionary"]
    version: int = Field(ge=1)
    sources: dict[str, Source]
    recorded: dict[str, Recorded]
    derived: dict[str, Derived]
    checks: tuple[ConsistencyCheck, ...] = ()

    @cached_property
    def column_types(self) -> dict[str, pl.DataType]:
        """The column of each recorded variable in a findings frame, in the dictionary's order."""
        return {name: POLARS_TYPES[variable.type] for name, variable in self.recorded.items()}

    @cached_property
    def headings(self) -> dict[str, tuple[str, AcceptedUnit | None]]:
        """Every column heading a table may use → the variable, and the unit to convert from (None: ours)."""
        ours: dict[str, tuple[str, AcceptedUnit | None]] = {name: (name, None) for name in self.recorded}
        for name, variable in self.recorded.items():
            ours |= {accepted.heading: (name, accepted) for accepted in variable.accepts}
        return ours

    def collected_at(self, stage: CollectedAt) -> tuple[str, ...]:
        """The names of the recorded variables of one form, in the dictionary's order."""
        return tuple(name for name, variable in self.recorded.items() if variable.collected_at == stage)


def _rising(variable: Recorded) -> bool:
    """Whether minimum ≤ plausible low < plausible high ≤ maximum."""
    assert variable.plausible
    assert variable.minimum is not None
    assert variable.maximum is not None
    low, high = variable.plausible
    return variable.minimum <= low < high <= variable.maximum


def complete(findings: pl.DataFrame, dictionary: VariableDictionary) -> pl.DataFrame:
    """The frame with every recorded variable as a column of its type; a column that was absent is all missing."""
    there = set(findings.columns)
    absent = {name: kind for name, kind in dictionary.column_types.items() if name not in there}
    return findings.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in absent.items())
