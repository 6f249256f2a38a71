"""What the registry needs of a database, whichever it is. `sqlite` and `postgresql` are the two there are."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import CompoundSelect, Connection, Engine, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

from scheduler.errors import HepwatchError
from scheduler.store.errors import StoreMisused
from scheduler.store.frames import polars_type

ROWS_AT_A_TIME = 50_000
Query = Select[Any] | CompoundSelect[Any]


class Database(ABC):
    """One database: its connections, and what each kind does in its own way."""

    engine: Engine
    place: str  # for messages; without user or password
    file: Path | None  # None on PostgreSQL
    has_one_writer: bool  # whoever writes is alone: nobody else holds a row

    @abstractmethod
    def writing(self) -> AbstractContextManager[Connection]:
        """A write transaction; it commits at the end, or rolls back on an error."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the whole registry, and cannot write."""

    @abstractmethod
    def migrating(self) -> AbstractContextManager[Connection]:
        """A write transaction in which tables may be rebuilt; only one process at a time."""

    @abstractmethod
    def append(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Insert the rows of a fitted frame, in bounded chunks."""

    @abstractmethod
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
        """Put the columns `put` into the rows found by the columns `key`; gives back how many rows were found.

        With `version_rises` each row's `version` becomes one more than it was.
        """

    @abstractmethod
    def reserve(self, connection: Connection, table: Table, count: int, *, above: int) -> range:
        """Ids above `above` that nobody else will get."""

    @abstractmethod
    def lock_audit_head(self, connection: Connection) -> None:
        """Wait until no other transaction is appending to the audit chain; the lock ends with the transaction."""

    @abstractmethod
    def listed(self, values: pl.Series) -> Select[Any]:
        """The values as a subquery of one column, however many they are."""

    @abstractmethod
    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """An insert that knows `ON CONFLICT`."""

    @abstractmethod
    def meaning(self, error: Exception) -> HepwatchError | StoreMisused | None:
        """What a driver's error says: to a person, or of a promise that we broke. None where it is something else."""

    @abstractmethod
    def frames(self, connection: Connection, statement: Query) -> Iterator[pl.DataFrame]:
        """The rows that the statement selects, at least one frame, a bounded number of rows in each."""

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def selected_schema(statement: Query) -> dict[str, pl.DataType]:
    """The columns that a statement selects, with the types of a frame."""
    return {column.key or "": polars_type(column.type) for column in statement.selected_columns}
