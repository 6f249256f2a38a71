"""Cells → values of a variable's type, tidy cells first. What is left missing, `wording` says why.

A blank cell, and one of `MISSING_WORDS`, means that nobody knows. Nothing else does.
"""

from datetime import time

import polars as pl

from scheduler.core.validation.headings import Column
from scheduler.core.validation.problems import UNSEEN
from scheduler.core.variables import POLARS_TYPES, VariableType

MISSING_WORDS = ("", "na", "n/a", "null", "unknown", "not available")
LONGEST_TEXT = 200
DECIMALS = 9
ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
MIDNIGHT = r"[T ]00:00(:00(\.0+)?)?(Z|\+00:00)?$"
FORMULA = r"^\s*[=+\-@]|^[\t\r]"
BOOLEAN_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_UNREADABLE = (pl.List, pl.Array, pl.Struct, pl.Binary, pl.Object, pl.Time, pl.Duration)


def is_readable(kind: pl.DataType) -> bool:
    """Whether cells of this Polars type are values that a variable could have, or text.

    >>> is_readable(pl.String()), is_readable(pl.List(pl.Int64))
    (True, False)
    """
    return not isinstance(kind, _UNREADABLE)


def as_text(cells: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Cells of a readable Polars type as a person would have typed them: whole numbers without a point, ISO dates.

    >>> pl.DataFrame({"mrn": [7.0, 7.5]}).select(as_text(pl.col("mrn"), pl.Float64()))["mrn"].to_list()
    ['7', '7.5']
    """
    if kind == pl.String:
        return cells
    if isinstance(kind, pl.Datetime):
        return cells.dt.strftime("%Y-%m-%d %H:%M:%S")
    if kind.is_float() or kind.is_decimal():
        number = cells.cast(pl.Float64)
        is_whole = (number == number.floor()) & (number.abs() < 1e15)
        return (
            pl.when(is_whole)
            .then(number.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(number.cast(pl.String))
        )
    return cells.cast(pl.String)


def read_cells(column: Column, kind: pl.DataType) -> pl.Expr:
    """The values of the cells that are as they should be, in the variable's own type and unit; else missing.

    Cells of the type `kind` under the column's heading. A number in another accepted unit is converted and
    rounded to 9 decimals. What this leaves missing is read again by `read_untidy_cells`: most cells are tidy,
    and a million of them are read in the time that tidying alone would take.

    >>> from scheduler.core.validation.headings import match_headings
    >>> from scheduler.core.validation.example import DICTIONARY
    >>> (albumin,) = match_headings(["albumin_g_dl"], DICTIONARY).columns
    >>> cells = pl.DataFrame({"albumin_g_dl": ["4.1", " 4.1", "4,1"]})
    >>> cells.select(read_cells(albumin, pl.String()))["albumin_g_l"].to_list()
    [41.0, None, None]
    """
    cells = pl.col(column.heading)
    text = as_text(cells, kind)
    match column.variable.type:
        case VariableType.NUMBER | VariableType.INTEGER:
            value = _measured(_numbers(cells, kind), column)
        case VariableType.BOOLEAN:
            value = (
                cells if kind == pl.Boolean else pl.when(text == "true").then(True).when(text == "false").then(False)
            )
        case VariableType.CHOICE:
            value = pl.when(text.is_in(column.variable.choices)).then(text)
        case VariableType.DATE:
            value = _days(cells, kind)
        case VariableType.TEXT:
            value = _plain_text(text)
    return value.cast(POLARS_TYPES[column.variable.type]).alias(column.name)


def read_untidy_cells(column: Column) -> pl.Expr:
    """The values of cells in the column `text` once tidied; missing where unknown or not readable.

    Tidied: surrounding blanks go, words match whatever their case (choices are given back as the dictionary
    spells them), a timestamp at midnight is its day.

    >>> from scheduler.core.validation.headings import match_headings
    >>> from scheduler.core.validation.example import DICTIONARY
    >>> (margin,) = match_headings(["residual_tumor"], DICTIONARY).columns
    >>> pl.DataFrame({"text": [" r0", "NA", "R9"]}).select(read_untidy_cells(margin)).to_series().to_list()
    ['R0', None, None]
    """
    text = pl.col("text").str.strip_chars()
    match column.variable.type:
        case VariableType.NUMBER | VariableType.INTEGER:
            value = _measured(text.cast(pl.Float64, strict=False), column)
        case VariableType.BOOLEAN:
            value = text.str.to_lowercase().replace_strict(BOOLEAN_WORDS, default=None, return_dtype=pl.Boolean)
        case VariableType.CHOICE:
            spelt = {choice.lower(): choice for choice in column.variable.choices}
            value = text.str.to_lowercase().replace_strict(spelt, default=None, return_dtype=pl.String)
        case VariableType.DATE:
            value = _days(text.str.replace(MIDNIGHT, ""), pl.String())
        case VariableType.TEXT:
            value = _plain_text(pl.col("text"))
    return value.cast(POLARS_TYPES[column.variable.type]).alias(column.name)


def _numbers(cells: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Numbers, finite or not. A single-precision 4.1 is 4.1, not 4.09999990463."""
    if kind == pl.Float32:
        return cells.cast(pl.Float64).round_sig_figs(7)
    return cells.cast(pl.Float64) if kind.is_numeric() else as_text(cells, kind).cast(pl.Float64, strict=False)


def _measured(number: pl.Expr, column: Column) -> pl.Expr:
    """The finite numbers in the variable's unit; of a whole-number variable the whole ones."""
    value = (number * column.factor).round(DECIMALS) if column.accepted else number
    is_value = value.is_finite()
    if column.variable.type is VariableType.INTEGER:
        is_value &= value == value.floor()
        value = value.cast(pl.Int64, strict=False)
    return pl.when(is_value).then(value)


def _days(cells: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Days; a timestamp is one only at midnight, as spreadsheets write their dates."""
    if kind == pl.Date:
        return cells
    if isinstance(kind, pl.Datetime):
        return pl.when(cells.dt.time() == time(0)).then(cells.dt.date())
    text = as_text(cells, kind)
    return pl.when(text.str.contains(ISO_DATE)).then(text.str.to_date("%Y-%m-%d", strict=False))


def _plain_text(text: pl.Expr) -> pl.Expr:
    stripped = text.str.strip_chars()
    is_missing = stripped.str.to_lowercase().is_in(MISSING_WORDS)
    is_unsafe = text.str.contains(FORMULA) | stripped.str.contains(UNSEEN)
    is_long = stripped.str.len_chars() > LONGEST_TEXT
    return pl.when(~(is_missing | is_unsafe | is_long)).then(stripped)
