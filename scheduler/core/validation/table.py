"""A table's frame → findings of the dictionary's types, and every problem, in one pass.

Two ways out of one way in. `validate` is for a registry: a row with an error is left out whole. `screen` is for
scoring without one: every row stays, a cell with an error is missing, and its problem says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.core.validation.age import RESECTION
from scheduler.core.validation.columns import column_problems
from scheduler.core.validation.contradictions import contradictions
from scheduler.core.validation.duplicates import find_duplicates
from scheduler.core.validation.findings import Findings, marked, read_findings
from scheduler.core.validation.given import ROW, Given, given_table
from scheduler.core.validation.problems import PLACED_SCHEMA, PROBLEM_SCHEMA, Severity, errors_in
from scheduler.core.variables import VariableDictionary

IDENTIFIER, SITE = "mrn", "site"
NO_HEADINGS: Mapping[str, str] = {}
NO_DUPLICATES = (pl.DataFrame(schema=PLACED_SCHEMA), pl.Series("position", [], dtype=pl.Int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """A table, told apart.

    `clean` has `row` and every recorded variable in its type and unit. `problems` is as `PROBLEM_SCHEMA` says, by
    row, those of the whole file first. `repeated` holds the numbers of rows left out because an earlier row says
    the same.
    """

    clean: pl.DataFrame
    problems: pl.DataFrame
    unknown_columns: tuple[str, ...]
    repeated: pl.Series

    @property
    def errors(self) -> pl.DataFrame:
        """The problems that refuse a row, a cell or the file."""
        return errors_in(self.problems)

    @property
    def warnings(self) -> pl.DataFrame:
        """The problems that somebody must look at, and that refuse nothing."""
        return self.problems.filter(pl.col("severity") == Severity.WARNING)

    @property
    def refused_rows(self) -> pl.Series:
        """The numbers of the rows that have an error of their own, rising."""
        return self.errors["row"].drop_nulls().unique().sort()

    @property
    def is_file_refused(self) -> bool:
        """Whether the table as a whole is wrong, so that no row of it can be trusted."""
        return self.errors["row"].has_nulls()


def validate(
    frame: pl.DataFrame,
    dictionary: VariableDictionary,
    *,
    today: date,
    required: tuple[str, ...] = (IDENTIFIER, RESECTION),
    identify_by: str = IDENTIFIER,
    their_headings: Mapping[str, str] = NO_HEADINGS,
) -> Validated:
    """The rows without an error, and every problem of the others, for a registry.

    `frame` has the column `row` and, under headings of the dictionary, text or typed cells. A row with an error
    is left out whole; warnings refuse nothing. Each row is either in `clean`, or has an error, or repeats another
    to the letter; where the file itself is wrong (an unknown column, two columns for one variable, no column for
    a `required` variable) `clean` is empty and every cell is checked all the same. `their_headings`, from our
    heading to the person's, is for a frame whose columns were renamed.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> table = pl.DataFrame({"row": [2, 3], "mrn": ["007", "8"], "resected_on": ["2026-03-02", "02/03/2026"]})
    >>> result = validate(table, DICTIONARY, today=date(2026, 7, 1))
    >>> result.clean.select("row", "mrn", "resected_on").rows()
    [(2, '007', datetime.date(2026, 3, 2))]
    >>> result.problems.select("row", "column", "value", "problem").rows()
    [(3, 'resected_on', '02/03/2026', 'may be day/month or month/day')]
    """
    return _examined(
        given_table(frame, dictionary, identify_by=identify_by, their_headings=their_headings),
        today=today,
        required=required,
        for_registry=True,
    )


def screen(
    frame: pl.DataFrame,
    dictionary: VariableDictionary,
    *,
    today: date,
    required: tuple[str, ...] = (IDENTIFIER,),
    identify_by: str = IDENTIFIER,
    their_headings: Mapping[str, str] = NO_HEADINGS,
) -> Validated:
    """Every row, cells with an error missing, and every problem: for scoring a table without a registry.

    As `validate`, but no row is left out and rows may share a patient; an unknown column is a warning and is not
    read. A missing cell with an error in `problems` (same `row` and `variable`) was refused; one without was
    never known. Where two columns claim one variable or a `required` column is absent, `clean` is empty.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> table = pl.DataFrame({"row": [2, 3], "mrn": ["7", "8"], "albumin_g_l": ["41", "4.1"]})
    >>> result = screen(table, DICTIONARY, today=date(2026, 7, 1))
    >>> result.clean.select("mrn", "albumin_g_l").rows(), result.errors.select("row", "variable").rows()
    ([('7', 41.0), ('8', None)], [(3, 'albumin_g_l')])
    """
    return _examined(
        given_table(frame, dictionary, identify_by=identify_by, their_headings=their_headings),
        today=today,
        required=required,
        for_registry=False,
    )


def _examined(given: Given, *, today: date, required: tuple[str, ...], for_registry: bool) -> Validated:
    """The one pass behind both ways out."""
    needed = tuple(dict.fromkeys((given.identify_by, *required)))
    unknown = Severity.ERROR if for_registry else Severity.WARNING
    of_columns = column_problems(given, required=needed, unknown=unknown)
    findings = read_findings(given, today=today, required=needed)
    of_patients, repeated = _duplicates(findings, given) if for_registry else NO_DUPLICATES
    contradicting = contradictions(findings.values, given)
    problems = pl.concat([of_columns, findings.problems, of_patients, contradicting])
    problems = problems.sort("position", nulls_last=False, maintain_order=True)
    values = findings.values
    if for_registry and problems.height:
        values = values.filter(~(_has_error(problems, values.height) | marked(repeated, values.height)))
    return Validated(
        clean=values.clear() if errors_in(of_columns).height else values,
        problems=problems.select(PROBLEM_SCHEMA.names()),
        unknown_columns=given.headings.unknown,
        repeated=findings.values[ROW].gather(repeated),
    )


def _duplicates(findings: Findings, given: Given) -> tuple[pl.DataFrame, pl.Series]:
    """Problems of rows that share a patient, and the positions of rows that repeat another."""
    patient = [name for name in (SITE, given.identify_by) if name in given.dictionary.recorded]
    has_error = _has_error(findings.problems, findings.values.height)
    found = find_duplicates(findings.values, patient, resected_on=RESECTION, has_error=has_error)
    if found.faults.is_empty():
        return NO_DUPLICATES
    return given.problems_in(given.identify_by, found.faults), found.repeated


def _has_error(problems: pl.DataFrame, height: int) -> pl.Series:
    """True at the position of each row that has an error of its own."""
    return marked(errors_in(problems)["position"].drop_nulls(), height)
