"""Why a cell cannot be read, and what to do about it: each kind of mistake in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scheduler.core.validation.cells import (
    FORMULA,
    ISO_DATE,
    LONGEST_TEXT,
    MIDNIGHT,
    MISSING_WORDS,
)
from scheduler.core.validation.headings import Column
from scheduler.core.validation.problems import UNSEEN, as_faults
from scheduler.core.variables import VariableType

LIMIT = r"(?i)^([<>≤≥＜＞]|(less|greater|more|under|over|below|above)\b)"
DECIMAL_NUMBER = r"(?i)^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$"
NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
EITHER_COMMA = r"^[+-]?\d{1,3},\d{3}$"
DECIMAL_COMMA = r"(?i)^[+-]?\d*,\d+(e[+-]?\d+)?$"
THOUSANDS = r"^[+-]?\d{1,3}([ ,.'’_\u00A0\u202F]\d{3})+([.,]\d+)?$"
WORDS_AFTER = r"^[+-]?[\d.,]*\d\s*[^\d\s.,].*$"
DAY_NUMBER = r"^\d{5}(\.\d+)?$"
YEAR = r"^\d{4}$"
DAY_AND_MONTH = r"^(\d{1,2})[/. -](\d{1,2})[/. -](\d{4}|\d{2})$"
ISO_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[T ]\d"

ISO_ADVICE = "a date as YYYY-MM-DD"
ORDER_ADVICE = f"{ISO_ADVICE}; or say how dates are written with `dates:` in the mapping file"


@dataclass(frozen=True, slots=True)
class _Mistake:
    """One kind of mistake: which cells make it, what it is called, what to do."""

    made: pl.Expr
    problem: pl.Expr
    expected: pl.Expr


def faults_of_unreadable(cells: pl.DataFrame, column: Column) -> pl.DataFrame:
    """A fault for each cell that is neither readable nor a word for missing; columns as in `FAULT_SCHEMA`.

    `cells` has `position` and `text`: the cells of this column that gave no value.

    >>> from scheduler.core.validation.headings import match_headings
    >>> from scheduler.core.validation.example import DICTIONARY
    >>> (albumin,) = match_headings(["albumin_g_l"], DICTIONARY).columns
    >>> cells = pl.DataFrame({"position": [0, 1], "text": ["41,5", " Unknown "]})
    >>> faults_of_unreadable(cells, albumin).select("problem", "expected").rows()
    [('has a decimal comma', 'a decimal point: 41.5')]
    """
    stripped = cells.with_columns(cell=pl.col("text").str.strip_chars())
    known = stripped.filter(~pl.col("cell").str.to_lowercase().is_in(MISSING_WORDS))
    mistakes = _mistakes(column)
    return as_faults(
        known,
        pl.coalesce(pl.when(mistake.made).then(mistake.problem) for mistake in mistakes),
        pl.coalesce(pl.when(mistake.made).then(mistake.expected) for mistake in mistakes),
    )


def _mistakes(column: Column) -> Sequence[_Mistake]:
    """The mistakes that a variable's type knows, the first that fits first; the last fits every cell."""
    match column.variable.type:
        case VariableType.NUMBER:
            return _of_numbers(column)
        case VariableType.INTEGER:
            return [_of_whole_numbers(), *_of_numbers(column)]
        case VariableType.BOOLEAN:
            return [_always("is neither yes nor no", "true, false, yes, no, 1 or 0; blank when unknown")]
        case VariableType.CHOICE:
            return [_always("is not one of the choices", f"one of: {', '.join(column.variable.choices)}")]
        case VariableType.DATE:
            return _of_dates()
        case VariableType.TEXT:
            return _of_texts()


def _of_numbers(column: Column) -> list[_Mistake]:
    cell = pl.col("cell")
    plain = f"a number in {column.unit}" if column.unit else "a number"
    point, digits = cell.str.replace(",", "."), cell.str.replace_all(",", "")
    either, corrected = "digits and a point only: {} or {}", "a decimal point: {}"
    if column.variable.identity:  # what a corrected cell would hold is the cell again
        either, corrected, point, digits = "digits and a point only", "a decimal point", cell, cell
    return [
        _matching(LIMIT, "is a limit, not a measured value", f"{plain}; blank where only a limit is known"),
        _matching(NOT_FINITE, "is not a finite number", f"{plain}; blank when it is unknown"),
        _matching(DECIMAL_NUMBER, "is too large to be a number", plain),
        _matching(EITHER_COMMA, "has a comma that may mean thousands or decimals", _filled(either, digits, point)),
        _matching(DECIMAL_COMMA, "has a decimal comma", _filled(corrected, point)),
        _matching(THOUSANDS, "has thousands separators", "digits and at most one decimal point"),
        _matching(WORDS_AFTER, "has more than a number in it", f"{plain}; a unit belongs in the heading"),
        _always("is not a number", f"{plain}; blank when it is unknown"),
    ]


def _of_whole_numbers() -> _Mistake:
    number = pl.col("cell").cast(pl.Float64, strict=False)
    made = number.is_finite() & (number != number.floor())
    return _Mistake(made, pl.lit("is not a whole number"), pl.lit("a whole number"))


def _of_dates() -> list[_Mistake]:
    cell = pl.col("cell")
    first, second = (cell.str.extract(DAY_AND_MONTH, group).cast(pl.Int64) for group in (1, 2))
    ambiguous = (first <= 12) & (second <= 12)
    return [
        _matching(DAY_NUMBER, "looks like a spreadsheet's day number", f"{ISO_ADVICE}: format the column as a date"),
        _matching(YEAR, "is a year without month and day", ISO_ADVICE),
        _Mistake(ambiguous, pl.lit("may be day/month or month/day"), pl.lit(ORDER_ADVICE)),
        _matching(DAY_AND_MONTH, "is not written year first", ORDER_ADVICE),
        _Mistake(
            cell.str.replace(MIDNIGHT, "").str.contains(ISO_DATE),
            pl.lit("is a day that does not exist"),
            pl.lit(f"{ISO_ADVICE} that is in the calendar"),
        ),
        _matching(ISO_TIMESTAMP, "has a time of day", f"{ISO_ADVICE}, without a time"),
        _always("is not a date", f"{ISO_ADVICE}; blank when it is unknown"),
    ]


def _of_texts() -> list[_Mistake]:
    raw = pl.col("text")
    return [
        _Mistake(
            raw.str.contains(FORMULA),
            pl.lit("looks like a spreadsheet formula"),
            pl.lit("text that does not begin with = + - @, a tab or a line end"),
        ),
        _matching(UNSEEN, "has control characters or line ends", "one line of plain text"),
        _always(f"is longer than {LONGEST_TEXT} characters", f"at most {LONGEST_TEXT} characters"),
    ]


def _matching(pattern: str, problem: str, expected: str | pl.Expr) -> _Mistake:
    advice = pl.lit(expected) if isinstance(expected, str) else expected
    return _Mistake(pl.col("cell").str.contains(pattern), pl.lit(problem), advice)


def _always(problem: str, expected: str) -> _Mistake:
    return _Mistake(pl.lit(True), pl.lit(problem), pl.lit(expected))


def _filled(sentence: str, *cells: pl.Expr) -> pl.Expr:
    return pl.format(sentence, *cells[: sentence.count("{}")])
