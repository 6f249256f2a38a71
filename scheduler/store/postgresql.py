"""The registry in PostgreSQL, when more than one machine or process group writes. Rows go in and out by `COPY`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import polars as pl
import psycopg
from psycopg import errors, sql
from sqlalchemy import URL, BigInteger, Connection, Select, Table, Text, create_engine, event, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from scheduler.errors import HepwatchError
from scheduler.store.database import ROWS_AT_A_TIME, Database, Query, selected_schema
from scheduler.store.errors import (
    DatabaseRefused,
    DatabaseUnreachable,
    PromiseBroken,
    RegistryBusy,
    StoredAlready,
    StoreMisused,
)

CONNECT_WITHIN_SECONDS = 10
SETTINGS = ("SET TIME ZONE 'UTC'", "SET lock_timeout = '60s'")

# Advisory locks are numbers that everybody who asks for the same lock must know.
AUDIT_HEAD, IDS, MIGRATION = 0x68657061, 0x68657069, 0x6865706D

READ_AS_WRITTEN = (pl.Int64(), pl.Float64(), pl.Date(), pl.String())


class PostgreSQL(Database):
    """A PostgreSQL database.

    A connection that was cut while nobody used it (the server was started again, a firewall forgot it) is noticed and
    replaced when it is taken up, before a transaction begins on it. One that is cut within a transaction fails it:
    nobody but the action knows whether it may be done again.
    """

    has_one_writer = False

    file = None

    def __init__(self, url: URL) -> None:
        host = url.host or url.query.get("host") or "this machine"
        self.place = f"PostgreSQL database {url.database or 'of its default name'} on {host}"
        self.engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_WITHIN_SECONDS},
        )
        event.listen(self.engine, "connect", _prepare)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction that sees what others commit, as the head of the audit chain demands."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot, read only."""
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**snapshot) as connection, connection.begin():
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A write transaction under a lock that only one migration can hold."""
        with self.writing() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION)))
            yield connection

    def append(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Insert with `COPY`, fed in bounded chunks of CSV that tells an empty text from a missing one."""
        _copy_in(connection, table.name, frame)

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
        """Copy the rows into a temporary table, then update from it."""
        target = sql.Identifier(table.name)
        puts = [sql.SQL("{0} = incoming.{0}").format(sql.Identifier(name)) for name in put]
        keys = [sql.SQL("target.{0} = incoming.{0}").format(sql.Identifier(name)) for name in key]
        if version_rises:
            puts.append(sql.SQL("version = target.version + 1").format())
        making = sql.SQL("CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
        updating = sql.SQL("UPDATE {} AS target SET {} FROM incoming WHERE {}")
        driver = _driver(connection)
        driver.execute(making.format(_listed([*key, *put]), target))
        _copy_in(connection, "incoming", frame.select(*key, *put))
        driver.execute("ANALYZE incoming")
        found = driver.execute(updating.format(target, sql.SQL(", ").join(puts), sql.SQL(" AND ").join(keys))).rowcount
        driver.execute("DROP TABLE incoming")
        return found

    def reserve(self, connection: Connection, table: Table, count: int, *, above: int) -> range:  # noqa: ARG002
        """The next values of the table's sequence.

        A sequence stands outside transactions, so a short one of its own moves it; the caller's would block others.
        """
        sequence = func.pg_get_serial_sequence(table.name, "id")
        with self.engine.begin() as aside:
            aside.execute(select(func.pg_advisory_xact_lock(IDS)))
            first = aside.scalar(select(func.nextval(sequence)))
            assert first is not None
            aside.execute(select(func.setval(sequence, first + count - 1)))
        return range(first, first + count)

    def lock_audit_head(self, connection: Connection) -> None:
        """An advisory lock, let go when the transaction ends."""
        connection.execute(select(func.pg_advisory_xact_lock(AUDIT_HEAD)))

    def listed(self, values: pl.Series) -> Select[Any]:
        """The values, sent as one array."""
        kind = Text() if values.dtype == pl.String else BigInteger()
        return select(func.unnest(literal(values.to_list(), ARRAY(kind))).column_valued("value"))

    def insert(self, table: Table) -> postgresql.Insert:
        """PostgreSQL's insert."""
        return postgresql.insert(table)

    def frames(self, connection: Connection, statement: Query) -> Iterator[pl.DataFrame]:
        """The rows in bounded frames, streamed by `COPY` as CSV."""
        schema = selected_schema(statement)
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        copying = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
        with _driver(connection).cursor() as cursor, cursor.copy(copying.encode(), compiled.params) as copy:
            yield _as_frame(islice(copy, ROWS_AT_A_TIME), schema)
            while rows := list(islice(copy, ROWS_AT_A_TIME)):
                yield _as_frame(rows, schema)

    def meaning(self, error: Exception) -> HepwatchError | StoreMisused | None:
        """A row that is there already, a broken promise, a change that waited too long, a server that went away."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, errors.UniqueViolation):
            return StoredAlready(table=cause.diag.table_name or "rows")
        if isinstance(cause, errors.IntegrityError | errors.RaiseException):
            return PromiseBroken(promise=cause.diag.constraint_name or cause.diag.message_primary or "")
        if isinstance(cause, errors.LockNotAvailable | errors.DeadlockDetected | errors.SerializationFailure):
            return RegistryBusy(place=self.place)
        if isinstance(cause, errors.InsufficientPrivilege | errors.ReadOnlySqlTransaction):
            return DatabaseRefused(place=self.place, reason=cause.diag.message_primary or "")
        if isinstance(cause, psycopg.OperationalError):
            return DatabaseUnreachable(place=self.place, reason=_reason(cause, self.engine.url))
        return None


def _prepare(driver: Any, _record: object) -> None:
    """Settle a new connection: moments come back in UTC, and nobody waits for a lock for ever."""
    for setting in SETTINGS:
        driver.execute(setting)
    driver.commit()


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, inside the same transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _listed(names: Sequence[str]) -> sql.Composed:
    """The names, quoted, with commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _copy_in(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Stream the frame into the table. Texts are quoted, so that only a missing one is an empty unquoted cell."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), _listed(frame.columns))
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary()]
    in_hex = [("\\x" + pl.col(name).bin.encode("hex")).alias(name) for name in binary]
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in frame.iter_slices(ROWS_AT_A_TIME):
            copy.write(chunk.with_columns(in_hex).write_csv(include_header=False, quote_style="non_numeric"))


def _as_frame(rows: Iterable[Any], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Lines of CSV as a frame; an unquoted empty cell is a missing one."""
    written = {name: kind if kind in READ_AS_WRITTEN else pl.String() for name, kind in schema.items()}
    frame = pl.read_csv(b"".join(rows), has_header=False, schema=written, raise_if_empty=False)
    return frame.with_columns(_read(name, kind) for name, kind in schema.items() if written[name] != kind)


def _read(name: str, kind: pl.DataType) -> pl.Expr:
    """The column in its own type, from how PostgreSQL writes it."""
    column = pl.col(name)
    if kind == pl.Boolean():
        return column == "t"
    if kind == pl.Binary():
        return column.str.strip_prefix("\\x").str.decode("hex")
    return column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us").dt.convert_time_zone("UTC")


def _reason(error: psycopg.Error, url: URL) -> str:
    """The first line of what the driver says, without the password."""
    line = str(error).strip().split("\n")[0]
    return line.replace(str(url.password), "***") if url.password else line
