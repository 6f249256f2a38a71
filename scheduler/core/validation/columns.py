"""What is wrong with a table's columns themselves, whatever their cells hold."""

from collections.abc import Iterable, Iterator

import polars as pl

from scheduler.core.validation.cells import is_readable
from scheduler.core.validation.given import Given
from scheduler.core.validation.headings import nearest_heading
from scheduler.core.validation.problems import PLACED_SCHEMA, Severity, file_problem


def column_problems(given: Given, *, required: Iterable[str], unknown: Severity) -> pl.DataFrame:
    """Every unknown, contested, unreadable and absent column, as problems of the file.

    An unknown column is as severe as `unknown` says, all others are errors. A `required` variable is absent when
    no column claims it.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> from scheduler.core.validation.given import given_table
    >>> table = pl.DataFrame({"row": [2], "site": ["north"]})
    >>> given = given_table(table, DICTIONARY, identify_by="mrn", their_headings={})
    >>> column_problems(given, required=["mrn"], unknown=Severity.ERROR).select("column", "problem").row(0)
    ('mrn', 'is missing')
    """
    found = [*_unknown(given, unknown), *_contested(given), *_unreadable(given), *_absent(given, required)]
    return pl.concat([pl.DataFrame(schema=PLACED_SCHEMA), *found])


def _unknown(given: Given, severity: Severity) -> Iterator[pl.DataFrame]:
    for heading in given.headings.unknown:
        near = nearest_heading(heading, given.dictionary.headings)
        meant = f"perhaps {near}; else " if near else ""
        expected = f"{meant}a heading of the dictionary, or a line under `columns:` or `ignore:` of the mapping file"
        called = given.called(heading)
        yield file_problem("is not a known heading", expected=expected, column=called, severity=severity)


def _contested(given: Given) -> Iterator[pl.DataFrame]:
    for name, headings in given.headings.contested.items():
        called = ", ".join(given.called(heading) for heading in headings)
        yield file_problem(f"all hold {name}", expected="one column of them", column=called, variable=name)


def _unreadable(given: Given) -> Iterator[pl.DataFrame]:
    kinds = given.frame.schema
    for column in given.headings.columns:
        kind = kinds[column.heading]
        if not is_readable(kind):
            expected = "text, numbers, dates, or true and false"
            called = given.called(column.heading)
            yield file_problem(f"holds {kind}", expected=expected, column=called, variable=column.name)


def _absent(given: Given, required: Iterable[str]) -> Iterator[pl.DataFrame]:
    claimed = {column.name for column in given.headings.columns} | given.headings.contested.keys()
    for name in required:
        if name not in claimed:
            yield file_problem("is missing", expected=f"a column {name}", column=name, variable=name)
