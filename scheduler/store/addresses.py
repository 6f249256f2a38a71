"""From HEPWATCH_DATABASE_URL to a database. The PostgreSQL driver is loaded only when it is asked for."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from scheduler.store.database import Database
from scheduler.store.errors import DatabaseUrlNotUnderstood, DriverMissing
from scheduler.store.sqlite import SQLite

POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgres")


def database_at(url: str) -> Database:
    """The database that this URL names; nothing is connected yet."""
    parsed = _parsed(url)
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database not in (None, "", ":memory:"):
        return SQLite(parsed)
    if parsed.drivername in POSTGRESQL:
        return _postgresql(parsed)
    raise DatabaseUrlNotUnderstood


def _parsed(url: str) -> URL:
    """The parts of the URL; it may hold a password, so no error repeats it."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlNotUnderstood from None


def _postgresql(url: URL) -> Database:
    """A PostgreSQL database, where its driver is installed."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise DriverMissing from error
    from scheduler.store.postgresql import PostgreSQL

    return PostgreSQL(url)
