"""Reading a table of examinations or events: typed rows of known patients, and every problem of the others.

The columns are declared as the data dictionary declares findings, so that cells are judged by the same code and in the
same words. A row with an error is left out whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from scheduler.actions.patients.import_patients import SiteGivenTwice
from scheduler.actions.reports.refusing import told
from scheduler.core.markers import VARIABLES
from scheduler.core.validation import PROBLEM_SCHEMA, Severity, screen
from scheduler.core.validation.headings import nearest_heading
from scheduler.core.validation.problems import file_problem
from scheduler.core.variables import CollectedAt, Recorded, VariableDictionary, VariableType
from scheduler.errors import ClinicalDataError, listed
from scheduler.intake import read_table
from scheduler.store.reading import Reading

MRN, SITE = "mrn", "site"


class HistoryTableRefused(ClinicalDataError):
    """A table of examinations or events that is wrong as a whole; nothing of it was stored."""

    def __init__(self, *, file: str, problems: pl.DataFrame, headings: Sequence[str]) -> None:
        self.problems = problems
        super().__init__(
            "\n".join([f"{file} cannot be imported; nothing was stored", *told(problems)]),
            advice=f"Rename the headings, or leave the column out; known are {listed(headings)}.",
        )


@dataclass(frozen=True, kw_only=True)
class HistoryFile:
    """How a table of examinations or events is to be imported; `site` is that of every row, where no column says it."""

    path: Path
    today: date
    actor: str
    site: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class HistoryTable:
    """A table as it was read: `rows` without those that have an error, and the problems of all (`PROBLEM_SCHEMA`).

    `rows` has `row` and a column for each variable, typed; a column that the table has not is missing throughout.
    """

    file: HistoryFile
    rows: pl.DataFrame
    problems: pl.DataFrame
    count: int  # how many rows there are, good or bad
    notes: tuple[str, ...]

    def without(self, problems: pl.DataFrame) -> "HistoryTable":
        """The same with more problems; the rows that have an error among them are left out."""
        return HistoryTable(
            file=self.file,
            rows=self.rows.filter(~pl.col("row").is_in(_refused(problems).implode())),
            problems=pl.concat([self.problems, problems]).sort("row", maintain_order=True),
            count=self.count,
            notes=self.notes,
        )

    @property
    def refused_rows(self) -> int:
        """How many rows have an error."""
        return _refused(self.problems).len()


def a_column(
    kind: VariableType, label: str, *, choices: Sequence[str] = (), span: tuple[float, float] | None = None
) -> Recorded:
    """A column of such a table; `span` is the least and the greatest number, both inclusive.

    >>> a_column(VariableType.CHOICE, "Result", choices=("pending", "final")).choices
    ('pending', 'final')
    """
    return Recorded(
        label=label,
        type=kind,
        unit="none",
        choices=tuple(choices),
        minimum=span[0] if span else None,
        maximum=span[1] if span else None,
        collected_at=CollectedAt.ENROLMENT,
        definition=label,
        source="policy",
    )


def read_history(
    file: HistoryFile,
    columns: dict[str, Recorded],
    dictionary: VariableDictionary,
    *,
    cells: Sequence[str],
    columns_too: Sequence[str] = (),
) -> HistoryTable:
    """The table with its cells checked; MRN and site are as in the dictionary.

    `cells` must not be blank; `columns_too` must be there, though their cells may be blank.

    Raises what `read_table` raises, `SiteGivenTwice`, and `HistoryTableRefused` for headings that are unknown, absent
    or claimed twice.
    """
    table = read_table(file.path)
    frame = table.frame
    if file.site is not None:
        if SITE in frame.columns:
            raise SiteGivenTwice(file=file.path.name, site=file.site)
        frame = frame.with_columns(pl.lit(file.site).alias(SITE))
    ours = {MRN: dictionary.recorded[MRN], SITE: dictionary.recorded[SITE]} | columns
    known = VariableDictionary.model_construct(
        kind=dictionary.kind, version=dictionary.version, sources={}, recorded=ours, derived={}, checks=()
    )
    screened = screen(frame, known, today=file.today, required=tuple(cells))
    absent = [file_problem("is missing", expected=f"a column {name}", column=name) for name in columns_too]
    absent = [problem for problem in absent if problem["column"][0] not in frame.columns]
    whole = screened.problems.filter(pl.col("row").is_null())
    whole = pl.concat([whole, *(problem.select(PROBLEM_SCHEMA.names()) for problem in absent)])
    whole = whole.with_columns(expected=_as_expected(whole, list(known.headings)))
    if whole.height:
        raise HistoryTableRefused(file=file.path.name, problems=whole, headings=list(known.headings))
    table_read = HistoryTable(
        file=file,
        rows=screened.clean,
        problems=pl.DataFrame(schema=PROBLEM_SCHEMA),
        count=table.frame.height,
        notes=table.notes,
    )
    return table_read.without(screened.problems)


def with_patients(reading: Reading, table: HistoryTable) -> HistoryTable:
    """The rows with their `patient_id`; a row whose MRN is nobody's here, or is at several sites, is left out."""
    rows = table.rows
    found = reading.patients_by_mrn(rows[MRN].unique()).select(MRN, "patient_id", found_at=SITE)
    pairs = rows.select("row", MRN, SITE).join(found, on=MRN)
    fitting = pairs.filter(pl.col(SITE).is_null() | (pl.col(SITE) == pl.col("found_at")))
    several = fitting.filter(pl.col("row").is_duplicated()).group_by("row", MRN).agg(pl.col("found_at").sort())
    unknown = rows.join(fitting, on="row", how="anti")
    where = pl.format(" at site {}", SITE)
    problems = [
        row_problems(
            unknown,
            MRN,
            value=pl.col(MRN),
            problem=pl.format("is no patient{} of this registry", where.fill_null("")),
            expected="the MRN of a patient who is enrolled; upper and lower case count",
        ),
        row_problems(
            several,
            MRN,
            value=pl.col(MRN),
            problem=pl.format("is a patient at {}", pl.col("found_at").list.join(" and ")),
            expected="a column site, or --site",
        ),
    ]
    known = table.without(pl.concat(problems))
    joined = known.rows.join(fitting.select("row", "patient_id").unique("row"), on="row", maintain_order="left")
    return HistoryTable(file=known.file, rows=joined, problems=known.problems, count=known.count, notes=known.notes)


def row_problems(
    rows: pl.DataFrame,
    column: str,
    *,
    value: pl.Expr,
    problem: str | pl.Expr,
    expected: str | pl.Expr,
    severity: Severity = Severity.ERROR,
) -> pl.DataFrame:
    """A problem (`PROBLEM_SCHEMA`) of one column for each of the rows, which have `row` and `mrn`.

    >>> rows = pl.DataFrame({"row": [2], "mrn": ["7"], "finding": [None]})
    >>> row_problems(rows, "finding", value=pl.col("finding"), problem="is missing", expected="one")["row"].to_list()
    [2]
    """
    words = {
        "column": pl.lit(column),
        "variable": pl.lit(column),
        "value": value,
        "problem": pl.lit(problem) if isinstance(problem, str) else problem,
        "expected": pl.lit(expected) if isinstance(expected, str) else expected,
        "severity": pl.lit(severity.value),
    }
    said = rows.with_columns(**words)
    return said.select(pl.col(name).cast(kind) for name, kind in PROBLEM_SCHEMA.items())


def _refused(problems: pl.DataFrame) -> pl.Series:
    return problems.filter(pl.col("severity") == Severity.ERROR.value)["row"].drop_nulls().unique()


def _as_expected(whole: pl.DataFrame, headings: Sequence[str]) -> pl.Series:
    """What was expected of each problem of the whole table: of an unknown heading, the nearest known one."""
    said = []
    for row in whole.iter_rows(named=True):
        near = VARIABLES.get(row["column"]) or nearest_heading(row["column"] or "", headings)
        is_unknown = row["severity"] == Severity.WARNING.value
        said.append((f"perhaps {near}" if near else "a known heading") if is_unknown else row["expected"])
    return pl.Series("expected", said, dtype=pl.String)
