"""Problems of a table as a frame: which row, which column, what was found, what was expected."""

from enum import StrEnum

import polars as pl

PROBLEM_SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),  # as in the file, the header being row 1; missing: the whole file
        "mrn": pl.String(),
        "column": pl.String(),  # the heading in the person's table
        "variable": pl.String(),  # ours; several, joined by a comma, where findings contradict each other
        "value": pl.String(),  # what the cell holds; masked where it identifies a person
        "problem": pl.String(),  # reads on from the value: "4,1" has a decimal comma
        "expected": pl.String(),
        "severity": pl.String(),
    }
)
FAULT_SCHEMA = pl.Schema(
    {
        "position": pl.Int64(),  # of the row in the frame, from 0
        "problem": pl.String(),
        "expected": pl.String(),
        "severity": pl.String(),
    }
)
PLACED_SCHEMA = pl.Schema({"position": pl.Int64(), **PROBLEM_SCHEMA})  # a problem that still knows its position
MASK = "•••"
ECHOED_CHARACTERS = 40
UNSEEN = r"[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]"  # control characters, line ends, text direction marks
FORMULA_START = r"^[=+\-@\t\r]"

_UNSEEN_CODES = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {chr(code): chr(code).encode("unicode_escape").decode() for code in _UNSEEN_CODES}


class Severity(StrEnum):
    """Whether a problem refuses what it stands beside, or asks a person to look."""

    ERROR = "error"
    WARNING = "warning"


def as_faults(
    rows: pl.DataFrame,
    problem: str | pl.Expr,
    expected: str | pl.Expr,
    severity: Severity | pl.Expr = Severity.ERROR,
) -> pl.DataFrame:
    """One fault for each of the rows, which have a `position`; words are for every row, expressions by row.

    >>> as_faults(pl.DataFrame({"position": [4]}), "is missing", "a value in every row").row(0)
    (4, 'is missing', 'a value in every row', 'error')
    """
    said = {"problem": problem, "expected": expected, "severity": severity}
    words = {name: pl.lit(str(word)) if isinstance(word, str) else word for name, word in said.items()}
    return rows.select("position", **words).cast(FAULT_SCHEMA)


def shown(text: pl.Expr) -> pl.Expr:
    r"""The text as it may be printed: control characters escaped, cut to 40 characters.

    >>> pl.select(pl.lit("a\tb")).select(shown(pl.col("literal"))).item()
    'a\\tb'
    """
    escaped = text.str.replace_many(_ESCAPES)
    cut = pl.concat_str(escaped.str.head(ECHOED_CHARACTERS - 1), pl.lit("…"))
    return pl.when(escaped.str.len_chars() > ECHOED_CHARACTERS).then(cut).otherwise(escaped)


def file_problem(
    problem: str,
    *,
    expected: str,
    column: str | None = None,
    variable: str | None = None,
    severity: Severity = Severity.ERROR,
) -> pl.DataFrame:
    """One problem of the whole table: no row, no patient, no value.

    >>> file_problem("is missing", expected="a column mrn", column="mrn").select("row", "column", "severity").row(0)
    (None, 'mrn', 'error')
    """
    said = {"column": column, "variable": variable, "problem": problem, "expected": expected, "severity": severity}
    return pl.DataFrame([dict.fromkeys(PLACED_SCHEMA) | said], schema=PLACED_SCHEMA)


def errors_in(problems: pl.DataFrame) -> pl.DataFrame:
    """The problems, or faults, that refuse something.

    >>> errors_in(file_problem("is odd", expected="-", severity=Severity.WARNING)).height
    0
    """
    return problems.filter(pl.col("severity") == Severity.ERROR.value)


def safe_for_spreadsheets(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a ' before every text that a spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab, CR).

    For whatever is written to a CSV or XLSX file; numbers and dates stay as they are.

    >>> safe_for_spreadsheets(pl.DataFrame({"value": ["=1+1", "41"], "row": [2, 3]}))["value"].to_list()
    ["'=1+1", '41']
    """
    text = pl.col(pl.String)
    return table.with_columns(text.str.replace(FORMULA_START, "'$0"))
