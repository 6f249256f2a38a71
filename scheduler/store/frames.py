"""Tables as frames: the column types, and whether a frame fits a table."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import polars as pl
from sqlalchemy import Boolean, Column, Date, DateTime, DefaultClause, Double, Integer, LargeBinary, Table
from sqlalchemy.types import TypeDecorator, TypeEngine

from scheduler.store.errors import StoreMisused

MOMENT = pl.Datetime("us", "UTC")


@lru_cache(maxsize=512)
def polars_type(kind: TypeEngine[Any]) -> pl.DataType:
    """The type of a frame's column for a table's column."""
    inner = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    for table_type, frame_type in (
        (Integer, pl.Int64()),
        (Double, pl.Float64()),
        (Boolean, pl.Boolean()),
        (Date, pl.Date()),
        (DateTime, MOMENT),
        (LargeBinary, pl.Binary()),
    ):
        if isinstance(inner, table_type):
            return frame_type
    return pl.String()


@cache
def schema_of(table: Table) -> pl.Schema:
    """Every column of the table with its type."""
    return pl.Schema({column.name: polars_type(column.type) for column in table.columns})


def fitted(frame: pl.DataFrame, table: Table, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The frame in the table's types; it must have these columns (by default: all that a row cannot be without).

    Raises `StoreMisused` where a column is unknown or missing, or its type is another kind of thing: text is never
    read as a date, and a moment needs its time zone.
    """
    schema = schema_of(table)
    required = columns or [column.name for column in table.columns if _must_be_given(column)]
    unknown = [name for name in frame.columns if name not in schema]
    missing = [name for name in required if name not in frame.columns]
    if unknown or missing:
        raise StoreMisused(f"{table.name}: unknown columns {unknown}, missing columns {missing}")
    wrong = {name: str(kind) for name, kind in frame.schema.items() if not _fits(kind, schema[name])}
    if wrong:
        expected = {name: str(schema[name]) for name in wrong}
        raise StoreMisused(f"{table.name}: wrong types {wrong}, expected {expected}")
    other = pl.Schema({name: schema[name] for name, kind in frame.schema.items() if kind != schema[name]})
    return frame.cast(other) if other else frame


def _must_be_given(column: Column[Any]) -> bool:
    """Whether a row cannot be stored without this cell."""
    return not column.nullable and not isinstance(column.server_default, DefaultClause)


def _fits(found: pl.DataType, expected: pl.DataType) -> bool:
    """Whether values of one type can stand in a column of another without being interpreted."""
    if found == expected or found == pl.Null():
        return True
    if isinstance(expected, pl.Datetime):
        return isinstance(found, pl.Datetime) and found.time_zone is not None
    if expected == pl.String():
        return isinstance(found, pl.Enum | pl.Categorical)
    return found.is_integer() and expected.is_numeric()
