"""How a question is put to a database: ids in any number, an answer as a frame, what was known at a moment."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Column, ColumnElement, Connection, FromClause, Table, exists, true

from scheduler.store.database import Database, Query
from scheduler.store.errors import StoreMisused
from scheduler.store.identity import Key

Ids = Iterable[int] | pl.Series | None


class Asking:
    """One consistent state of the registry, and how it is asked."""

    def __init__(self, database: Database, connection: Connection, key: Callable[[], Key]) -> None:
        self._database = database
        self._connection = connection
        self._key = key

    def _frame(self, statement: Query) -> pl.DataFrame:
        """All rows that the statement selects."""
        return pl.concat(self._frames(statement))

    def _frames(self, statement: Query) -> Iterator[pl.DataFrame]:
        """The rows that the statement selects, a bounded number at a time."""
        return self._database.frames(self._connection, statement)

    def _among(self, column: ColumnElement[Any], ids: Ids) -> ColumnElement[bool]:
        """That the column is one of the ids; any number of them, None for all."""
        if ids is None:
            return true()
        listed = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.Int64)
        if len(listed) == 1 and not listed.has_nulls():
            is_it: ColumnElement[bool] = column == listed.item()
            return is_it
        return column.in_(self._database.listed(listed.unique()))


def columns_of(table: Table, *, without: str) -> list[Column[Any]]:
    """The table's columns but one."""
    return [column for column in table.columns if column.name != without]


def known_by(table: FromClause, known_at: datetime | None) -> ColumnElement[bool]:
    """That a row was recorded at this moment or before; None asks for what is known now."""
    if known_at is None:
        return true()
    if known_at.tzinfo is None:
        raise StoreMisused("a moment needs a time zone")
    recorded_by_then: ColumnElement[bool] = table.c.recorded_at <= known_at
    return recorded_by_then


def is_newest(table: Table, newer: FromClause, *key: str, known_at: datetime | None = None) -> ColumnElement[bool]:
    """That no row of the same key with a higher version was known; `newer` is the table under another name."""
    same = [newer.c[name] == table.c[name] for name in key]
    return ~exists().where(*same, newer.c.version > table.c.version, known_by(newer, known_at))


def as_known(frame: pl.DataFrame, known_at: datetime | None, moment: str, *with_it: str) -> pl.DataFrame:
    """The frame without what was added to its rows after the moment: the column `moment`, and those put in with it."""
    if known_at is None:
        return frame
    return frame.with_columns(pl.when(pl.col(moment) <= known_at).then(name).alias(name) for name in (moment, *with_it))
