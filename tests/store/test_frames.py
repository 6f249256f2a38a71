"""A frame comes back as it was stored, cell by cell and type by type, on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import Boolean, Column, Date, Double, Integer, LargeBinary, MetaData, Table, Text, select

from scheduler.store.addresses import database_at
from scheduler.store.frames import schema_of
from scheduler.store.moments import Moment

cells = Table(  # a column of every type that a table of ours has
    "cells",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("whole", Integer),
    Column("number", Double),
    Column("truth", Boolean),
    Column("day", Date),
    Column("moment", Moment),
    Column("text", Text),
    Column("bytes", LargeBinary),
)
VALUES: dict[str, list[object]] = {
    "whole": [0, -1, 2**31 - 1, 7, 1],
    "number": [3.0, 0.1, -2.0, 1e-9, 1e18],  # whole ones among them
    "truth": [True, False, False, True, True],
    "day": [date(2026, 2, 28), date(1931, 1, 1), date(1970, 1, 1), date(2400, 2, 29), date(2026, 12, 31)],
    "moment": [
        datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2100, 1, 1, 0, 0, 0, 100000, tzinfo=UTC),
    ],
    "text": ["says \"ill\", and 'well'", "", "two\nlines, a\ttab and \\N", "NULL", "김민지 \u00a0;"],
    "bytes": [b"", b"\x00\xff\x00", b'"quoted", \\x00\n', b"\\x", bytes(range(256))],
}
LAST = len(VALUES["whole"]) - 1
IS_MISSING: dict[str, Callable[[int, int], bool]] = {
    "no cell is missing": lambda _row, _column: False,
    "the first row is missing": lambda row, _column: row == 0,
    "the last row is missing": lambda row, _column: row == LAST,
    "only the first row is there": lambda row, _column: row > 0,
    "only the last row is there": lambda row, _column: row < LAST,
    "every other cell is missing": lambda row, column: (row + column) % 2 == 0,
    "every cell is missing": lambda _row, _column: True,
}


def a_frame_where(is_missing: Callable[[int, int], bool]) -> pl.DataFrame:
    """The values, without the cells that are missing by row and column."""
    kept = {
        name: [None if is_missing(row, column) else value for row, value in enumerate(values)]
        for column, (name, values) in enumerate(VALUES.items())
    }
    return pl.DataFrame({"id": list(range(1, LAST + 2)), **kept}, schema=schema_of(cells))


@pytest.fixture
def stored_and_read(database_url: str) -> Iterator[Callable[[pl.DataFrame], pl.DataFrame]]:
    """Stores a frame in a table of its own, once on each kind of database, and gives what is read of it."""
    database = database_at(database_url)

    def read(frame: pl.DataFrame) -> pl.DataFrame:
        with database.writing() as connection:
            cells.create(connection)
            database.append(connection, cells, frame)
            return pl.concat(database.frames(connection, select(cells).order_by(cells.c.id)))

    yield read
    database.close()


@pytest.mark.parametrize("missing", IS_MISSING)
def test_a_frame_comes_back_as_it_was_stored_where(
    stored_and_read: Callable[[pl.DataFrame], pl.DataFrame], missing: str
) -> None:
    frame = a_frame_where(IS_MISSING[missing])

    read = stored_and_read(frame)

    assert_frame_equal(read, frame, check_exact=True)


def test_a_frame_without_rows_comes_back_with_its_types(
    stored_and_read: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    nothing = a_frame_where(lambda _row, _column: True).clear()

    assert_frame_equal(stored_and_read(nothing), nothing)
