"""Values outside their range: refused outside the hard one, to be confirmed outside the plausible one.

Where the number would be likely in another accepted unit, the sentence says so: the commonest mistake of all.
"""

from datetime import date

import polars as pl

from scheduler.core.validation.cells import DECIMALS
from scheduler.core.validation.headings import Column, unit_in_words
from scheduler.core.validation.problems import FAULT_SCHEMA, Severity, as_faults
from scheduler.core.variables import Recorded, VariableType

EARLIEST = date(1900, 1, 1)
IN_PERSONS_UNIT, IN_OUR_UNIT = pl.col("given"), pl.col("value")


def outside_limits(values: pl.Series, column: Column, *, today: date) -> pl.DataFrame:
    """A fault for each value outside its limits; columns as in `FAULT_SCHEMA`. Missing values have none.

    Limits are inclusive. Outside `minimum` to `maximum` is an error, inside them but outside `plausible` a
    warning. A date before 1900 or after `today` is an error.

    >>> from scheduler.core.validation.headings import match_headings
    >>> from scheduler.core.validation.example import DICTIONARY
    >>> (albumin,) = match_headings(["albumin_g_l"], DICTIONARY).columns
    >>> outside_limits(pl.Series([41.0, 4.1]), albumin, today=date(2026, 7, 1)).row(0)
    (1, 'is outside 10–70 g/L', '10–70 g/L; 4.1 g/dL would be 41 g/L: is the heading albumin_g_dl meant?', 'error')
    """
    match column.variable.type:
        case VariableType.NUMBER | VariableType.INTEGER:
            return _outside_ranges(values, column)
        case VariableType.DATE:
            return _outside_calendar(values, today)
        case _:
            return pl.DataFrame(schema=FAULT_SCHEMA)


def is_outside_limits(column: Column, *, today: date) -> pl.Expr | None:
    """Whether a value of the column, under its variable's name, has such a fault; None where none can have one."""
    match column.variable.type:
        case VariableType.NUMBER | VariableType.INTEGER:
            return ~pl.col(column.name).is_between(*likely_range(column.variable))
        case VariableType.DATE:
            return ~pl.col(column.name).is_between(EARLIEST, today)
        case _:
            return None


def _outside_ranges(values: pl.Series, column: Column) -> pl.DataFrame:
    hard, plausible = hard_range(column.variable), likely_range(column.variable)
    if values.is_between(*plausible).all():
        return pl.DataFrame(schema=FAULT_SCHEMA)
    unusual = pl.DataFrame({"value": values.cast(pl.Float64)}).with_row_index("position")
    unusual = unusual.filter(~pl.col("value").is_between(*plausible))
    is_error = ~pl.col("value").is_between(*hard)
    hint = _other_unit(column)
    return as_faults(
        unusual.with_columns(given=(pl.col("value") / column.factor).round(DECIMALS)),
        pl.when(is_error).then(_said(column, "outside", hard)).otherwise(_said(column, "unusual, outside", plausible)),
        pl.when(is_error)
        .then(pl.concat_str(pl.lit(_span(column, hard)), hint))
        .otherwise(pl.concat_str(pl.lit(f"to be confirmed, or {_span(column, plausible)}"), hint)),
        pl.when(is_error).then(pl.lit(Severity.ERROR.value)).otherwise(pl.lit(Severity.WARNING.value)),
    )


def hard_range(variable: Recorded) -> tuple[float, float]:
    """The least and the greatest value that is not refused, both inclusive; every number has them.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> hard_range(DICTIONARY.recorded["albumin_g_l"]), likely_range(DICTIONARY.recorded["albumin_g_l"])
    ((10.0, 70.0), (20.0, 55.0))
    """
    assert variable.minimum is not None
    assert variable.maximum is not None
    return variable.minimum, variable.maximum


def likely_range(variable: Recorded) -> tuple[float, float]:
    """The least and the greatest value that nobody need confirm, both inclusive."""
    return variable.plausible or hard_range(variable)


def _said(column: Column, verdict: str, limits: tuple[float, float]) -> pl.Expr:
    """`is outside 10–70 g/L`; of a converted cell `is 410 g/L, outside 10–70 g/L`."""
    unit = unit_in_words(column.variable.unit)
    span = f"{verdict} {_number(limits[0])}–{_number(limits[1])}{_spaced(unit)}"
    if column.accepted is None or column.variable.identity:
        return pl.lit(f"is {span}")
    return pl.format(f"is {{}}{_spaced(unit)}, {span}", _plainly(IN_OUR_UNIT))


def _span(column: Column, limits: tuple[float, float]) -> str:
    """The limits in the unit of the person's column."""
    low, high = (_number(round(limit / column.factor, DECIMALS)) for limit in limits)
    return f"{low}–{high}{_spaced(column.unit)}"


def _other_unit(column: Column) -> pl.Expr:
    """What the number would be in the first accepted unit in which it is likely; else nothing."""
    variable = column.variable
    likely = likely_range(variable)
    units = [(variable.unit, column.name, 1.0), *((unit.unit, unit.heading, unit.factor) for unit in variable.accepts)]
    hints = [
        pl.when((IN_PERSONS_UNIT * factor).is_between(*likely)).then(_hint(column, unit, heading, factor))
        for unit, heading, factor in units
        if factor != column.factor and not variable.identity
    ]
    return pl.coalesce(*hints, pl.lit(""))


def _hint(column: Column, unit: str, heading: str, factor: float) -> pl.Expr:
    ours, theirs = unit_in_words(column.variable.unit), unit_in_words(unit)
    given, value = _plainly(IN_PERSONS_UNIT), _plainly((IN_PERSONS_UNIT * factor).round(DECIMALS))
    if heading == column.name:
        return pl.format(f"; {{}} {ours} would be likely: is the heading {heading} meant?", given)
    return pl.format(f"; {{}} {theirs} would be {{}} {ours}: is the heading {heading} meant?", given, value)


def _outside_calendar(values: pl.Series, today: date) -> pl.DataFrame:
    if values.is_between(EARLIEST, today).all():
        return pl.DataFrame(schema=FAULT_SCHEMA)
    days = pl.DataFrame({"value": values}).with_row_index("position")
    is_early = pl.col("value") < EARLIEST
    return as_faults(
        days.filter(is_early | (pl.col("value") > today)),
        pl.when(is_early).then(pl.lit("is before 1900")).otherwise(pl.lit("is in the future")),
        f"a date from {EARLIEST} to today, {today}",
    )


def _plainly(number: pl.Expr) -> pl.Expr:
    """The number as a person writes it: 41, not 41.0."""
    return number.cast(pl.String).str.strip_suffix(".0")


def _number(number: float) -> str:
    """The number as a person writes it, with thousands marked: 5,000,000.

    >>> _number(5e6), _number(0.5)
    ('5,000,000', '0.5')
    """
    return f"{number:,.9f}".rstrip("0").rstrip(".")


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""
