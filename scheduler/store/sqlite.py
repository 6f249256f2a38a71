"""The registry in one SQLite file: write-ahead log, foreign keys on, one writer at a time."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
from sqlalchemy import URL, Connection, Select, Table, create_engine, event, func, literal, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from scheduler.errors import HepwatchError
from scheduler.store.database import ROWS_AT_A_TIME, Database, Query, selected_schema
from scheduler.store.errors import DatabaseUnreachable, PromiseBroken, RegistryBusy, StoredAlready, StoreMisused

PRAGMAS = (
    "foreign_keys = ON",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -65536",  # KiB; indexes of a bulk write stay in memory
)

WAIT_SECONDS = "30"  # for another writer; the URL may say otherwise: `?timeout=5`

FILE_TROUBLE = tuple(f"SQLITE_{kind}" for kind in ("NOTADB", "CANTOPEN", "READONLY", "FULL", "IOERR", "CORRUPT"))

ROWS_FETCHED = 500  # at once: the collector looks at 700 new tuples
DATE_TEXT = "%Y-%m-%d"
MOMENT_TEXT = "%Y-%m-%d %H:%M:%S%.6f"


class SQLite(Database):
    """An SQLite file."""

    has_one_writer = True

    def __init__(self, url: URL) -> None:
        assert url.database
        self.file: Path = Path(url.database)
        self.place = str(self.file)
        patient = url if "timeout" in url.query else url.update_query_dict({"timeout": WAIT_SECONDS})
        self.engine = create_engine(patient, hide_parameters=True)
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)

    def make_file(self) -> bool:
        """Make the folder and an empty file that only its owner may read; False where the file is there already."""
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            raise DatabaseUnreachable(place=self.place, reason=error.strerror or "the file cannot be made") from error
        return True

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction; SQLite's one write lock is taken at its start."""
        with self.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot, from the first statement on."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A write transaction without foreign keys, since rebuilding a table drops it; they are checked at the end."""
        with self.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.begin():
                    yield connection
                    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                        raise StoreMisused(f"a migration left {len(broken)} rows without what they refer to")
            finally:
                driver.execute("PRAGMA foreign_keys = ON")

    def append(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Insert with `executemany`, in bounded chunks."""
        columns = ", ".join(frame.columns)
        marks = ", ".join("?" for _ in frame.columns)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 (names of our tables)
        _execute_many(connection, statement, frame)

    def update(
        self,
        connection: Connection,
        table: Table,
        frame: pl.DataFrame,
        *,
        key: Sequence[str],
        put: Sequence[str],
        version_rises: bool = False,
    ) -> int:
        """Update with `executemany`, in bounded chunks."""
        puts = [f"{name} = ?" for name in put] + ["version = version + 1"] * version_rises
        keys = [f"{name} = ?" for name in key]
        statement = f"UPDATE {table.name} SET {', '.join(puts)} WHERE {' AND '.join(keys)}"  # noqa: S608 (names of ours)
        return _execute_many(connection, statement, frame.select(*put, *key))

    def reserve(self, connection: Connection, table: Table, count: int, *, above: int) -> range:
        """The ids above the highest in the table; nobody else can write, so nobody else gets them."""
        highest = connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
        first = max(highest, above) + 1
        return range(first, first + count)

    def lock_audit_head(self, connection: Connection) -> None:
        """Nothing to do: the transaction began with the write lock."""

    def listed(self, values: pl.Series) -> Select[Any]:
        """The values, read from one JSON array."""
        array = func.json_each(literal(json.dumps(values.to_list()))).table_valued("value")
        return select(array.c.value)

    def insert(self, table: Table) -> sqlite.Insert:
        """SQLite's insert."""
        return sqlite.insert(table)

    def frames(self, connection: Connection, statement: Query) -> Iterator[pl.DataFrame]:
        """The rows in bounded frames, made from the driver's own tuples."""
        schema = selected_schema(statement)
        cursor = connection.execute(statement).cursor
        assert cursor is not None
        yield _as_frame(_columns(cursor, len(schema)), schema)
        while (columns := _columns(cursor, len(schema)))[0]:
            yield _as_frame(columns, schema)

    def meaning(self, error: Exception) -> HepwatchError | StoreMisused | None:
        """A row that is there already, a broken promise, a busy registry, a file that cannot be read or written."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.Error):
            return None
        code = getattr(cause, "sqlite_errorname", None) or ""
        if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            return StoredAlready(table=str(cause).removeprefix("UNIQUE constraint failed: ").split(".")[0])
        if code.startswith("SQLITE_CONSTRAINT"):
            return PromiseBroken(promise=str(cause))
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return RegistryBusy(place=self.place)
        return DatabaseUnreachable(place=self.place, reason=str(cause)) if code.startswith(FILE_TROUBLE) else None


def _prepare(driver: sqlite3.Connection, _record: object) -> None:
    """Settle a new connection; transactions begin when `_begin` says so, not when the driver guesses."""
    driver.isolation_level = None
    for pragma in PRAGMAS:
        driver.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin; a writer takes the write lock at once, so that it never fails half-way."""
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")


def _execute_many(connection: Connection, statement: str, frame: pl.DataFrame) -> int:
    """Run the statement for each row, days and moments in the text form that is read back; gives the rows touched."""
    touched = 0
    for chunk in frame.iter_slices(ROWS_AT_A_TIME):
        written = chunk.with_columns(cs.date().dt.to_string(DATE_TEXT), cs.datetime().dt.to_string(MOMENT_TEXT))
        touched += connection.exec_driver_sql(statement, written.rows()).rowcount
    return touched


def _columns(cursor: DBAPICursor, width: int) -> list[list[Any]]:
    """The next rows, by column: empty lists after the last.

    Fetched by so few that Python's garbage collector is not woken: it would look through the whole program each time.
    """
    columns: list[list[Any]] = [[] for _ in range(width)]
    for _ in range(ROWS_AT_A_TIME // ROWS_FETCHED):
        rows = cursor.fetchmany(ROWS_FETCHED)
        if not rows:
            break
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
            column += cells
    return columns


def _as_frame(columns: list[list[Any]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The columns as a frame; SQLite keeps days and moments as text, and truth as 0 or 1."""
    if not columns[0]:
        return pl.DataFrame(schema=schema)
    stored = {name: _stored_as(kind) for name, kind in schema.items()}
    cells = zip(stored.items(), columns, strict=True)
    frame = pl.DataFrame([pl.Series(name, values, dtype=kind) for (name, kind), values in cells])
    return frame.with_columns(_read(name, kind) for name, kind in schema.items() if stored[name] != kind)


def _stored_as(kind: pl.DataType) -> pl.DataType:
    """The type in which SQLite gives a column back."""
    if kind == pl.Boolean():
        return pl.Int64()
    return pl.String() if kind.is_temporal() else kind


def _read(name: str, kind: pl.DataType) -> pl.Expr:
    """The column in its own type."""
    column = pl.col(name)
    if kind == pl.Boolean():
        return column.cast(pl.Boolean)
    if kind == pl.Date():
        return column.str.to_date(DATE_TEXT)
    return column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us").dt.replace_time_zone("UTC")
