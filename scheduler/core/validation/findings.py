"""What each column of a given table says: values of the dictionary's types, and what is wrong cell by cell."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from scheduler.core.validation.age import AGE, BIRTH, RESECTION, with_ages
from scheduler.core.validation.cells import read_cells, read_untidy_cells
from scheduler.core.validation.given import ROW, Given
from scheduler.core.validation.headings import Column
from scheduler.core.validation.limits import is_outside_limits, outside_limits
from scheduler.core.validation.problems import FAULT_SCHEMA, PLACED_SCHEMA, as_faults, errors_in
from scheduler.core.validation.wording import faults_of_unreadable
from scheduler.core.variables import complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`values`: `row` and every recorded variable, a cell with an error missing; `problems` of cells, placed."""

    values: pl.DataFrame
    problems: pl.DataFrame


def read_findings(given: Given, *, today: date, required: Iterable[str]) -> Findings:
    """Every cell of every column that is understood, read, checked against its limits, and ages computed.

    A `required` variable must have a value in every row. Dates may not lie after `today`.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> from scheduler.core.validation.given import given_table
    >>> table = pl.DataFrame({"row": [2, 3], "mrn": ["7", None], "albumin_g_l": ["41", "4,1"]})
    >>> given = given_table(table, DICTIONARY, identify_by="mrn", their_headings={})
    >>> found = read_findings(given, today=date(2026, 7, 1), required=["mrn"])
    >>> found.values["albumin_g_l"].to_list(), found.problems["problem"].to_list()
    ([41.0, None], ['is missing', 'has a decimal comma'])
    """
    kinds = given.frame.schema
    columns = given.columns.values()
    tidy = given.frame.select(pl.col(ROW).cast(pl.Int64), *(read_cells(c, kinds[c.heading]) for c in columns))
    values, problems = [], [pl.DataFrame(schema=PLACED_SCHEMA)]
    for column in _suspect(given, tidy, required, today):
        read, unread = _reread(given, tidy[column.name], column)
        faults = [unread, outside_limits(read, column, today=today)]
        if column.name in required:
            faults.append(_missing(read, unread))
        wrong = pl.concat(faults)
        values.append(_without_errors(read, wrong) if wrong.height else read)
        problems += [given.problems_in(column.name, wrong)] if wrong.height else []
    found = complete(tidy.with_columns(values), given.dictionary).select(ROW, *given.dictionary.column_types)
    return _aged(Findings(values=found, problems=pl.concat(problems)), given, today)


def _suspect(given: Given, tidy: pl.DataFrame, required: Iterable[str], today: date) -> list[Column]:
    """The columns that must be looked at one by one: a cell not read yet, outside its limits, or required and blank."""
    columns = given.columns.values()
    beyond = {column.name: is_outside_limits(column, today=today) for column in columns}
    looked = tidy.select(**{name: outside.any() for name, outside in beyond.items() if outside is not None})
    is_beyond = dict(zip(looked.columns, *looked.iter_rows(), strict=True))
    blank = {column.name: tidy[column.name].null_count() for column in columns}
    return [
        column
        for column in columns
        if is_beyond.get(column.name)
        or blank[column.name] > given.frame[column.heading].null_count()
        or (blank[column.name] and column.name in required)
    ]


def _reread(given: Given, tidy: pl.Series, column: Column) -> tuple[pl.Series, pl.DataFrame]:
    """The values with those of untidy cells, and a fault for each cell that is still not readable."""
    unread = (given.frame[column.heading].is_not_null() & tidy.is_null()).arg_true().cast(pl.Int64)
    if unread.is_empty():
        return tidy, pl.DataFrame(schema=FAULT_SCHEMA)
    cells = pl.DataFrame({"position": unread, "text": given.cells(column, unread)})
    cells = cells.with_columns(value=read_untidy_cells(column))
    readable, unreadable = (cells.filter(pl.col("value").is_null() == is_null) for is_null in (False, True))
    values = tidy.clone().scatter(readable["position"], readable["value"])
    return values, faults_of_unreadable(unreadable, column)


def _missing(values: pl.Series, unread: pl.DataFrame) -> pl.DataFrame:
    """A fault for each value that is required and not given; one that could not be read has its fault already."""
    blank = values.is_null() & ~marked(unread["position"], len(values))
    return as_faults(pl.DataFrame({"position": blank.arg_true()}), "is missing", "a value in every row")


def _aged(findings: Findings, given: Given, today: date) -> Findings:
    """The findings with ages from birth dates, where the table gives any."""
    if not {AGE, RESECTION} <= given.dictionary.recorded.keys() or BIRTH not in given.columns:
        return findings
    age_errors = errors_in(findings.problems).filter(pl.col("variable") == AGE)
    unread = marked(age_errors["position"], findings.values.height)
    aged = with_ages(findings.values, unread=unread)
    computed = aged.ages.to_frame("age").select(pl.when(aged.is_computed).then("age")).to_series()
    column = Column(heading=BIRTH, name=AGE, variable=given.dictionary.recorded[AGE])
    beyond = outside_limits(computed, column, today=today)
    if not (beyond.height or aged.age_faults.height or aged.birth_faults.height):
        return replace(findings, values=findings.values.with_columns(aged.ages.alias(AGE)))
    return Findings(
        values=findings.values.with_columns(
            _without_errors(aged.ages.alias(AGE), beyond),
            _without_errors(findings.values[BIRTH], aged.birth_faults),
        ),
        problems=pl.concat(
            [
                findings.problems,
                given.problems_in(AGE, aged.age_faults),
                given.problems_in(BIRTH, aged.birth_faults),
                given.problems_of((AGE,), _with_computed_age(beyond, aged.ages)),
            ]
        ),
    )


def _with_computed_age(faults: pl.DataFrame, ages: pl.Series) -> pl.DataFrame:
    """The faults of computed ages, whose cell is blank, with the age itself as their value."""
    return faults.with_columns(value=pl.lit(ages.gather(faults["position"]).cast(pl.String)))


def _without_errors(values: pl.Series, faults: pl.DataFrame) -> pl.Series:
    """The values, missing where a fault refuses them."""
    wrong = marked(errors_in(faults)["position"], len(values))
    return values.to_frame().select(pl.when(~wrong).then(pl.col(values.name)).alias(values.name)).to_series()


def marked(positions: pl.Series, height: int) -> pl.Series:
    """True at the positions, false elsewhere.

    >>> marked(pl.Series([1]), 3).to_list()
    [False, True, False]
    """
    return pl.repeat(False, height, eager=True).scatter(positions, True)
