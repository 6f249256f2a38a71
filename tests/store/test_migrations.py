"""The schema is the sum of the migrations, and walking up and down them keeps the rows, on both databases."""

import ast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.engine.interfaces import ReflectedIndex

from scheduler import settings
from scheduler.store import migrating
from scheduler.store.addresses import database_at
from scheduler.store.tables import metadata

VERSIONS = settings.shipped_folder("migrations") / "versions"
REVISIONS = [path.name[:4] for path in sorted(VERSIONS.glob("[0-9]*.py"))]
MOMENT = "2026-01-31 12:00:00+00"

SIGNED = f"'signed', '{{}}', 'ff', '[]', 'dr.lee', '{MOMENT}', NULL, 'dr.lee', '{MOMENT}'"
JSON_TEXTS = ", ".join(["'[]'"] * 6)


COLUMN = ("name", "type", "nullable", "identity", "default")

# Revision → the tables that came with it → the cells of one row.
NEW_ROWS: dict[str, dict[str, str]] = {
    "0001": {
        "sites": "1, 'S1', 'Clinic', 'KR', NULL, 'Asia/Seoul'",
        "patients": f"1, 1, 'ab', '{MOMENT}'",
        "identities": "1, 'sealed'",
        "resections": "1, 1, '2026-01-05'",
        "episodes": "1, 1, 1, '2026-01-05', 'active', 1",
        "reports": f"1, 'surgery', 1, {SIGNED}",
        "rule_texts": f"'ff', 'risk_model', 'ehr-postop', 1, '{{}}', '{MOMENT}'",
        "assessments": "1, 1, 'surgery', 1, 0, 'ehr-postop', 1, 'ff', 'scored', 'true', -3.5, -3.5, -3.5, 'low', "
        f"{JSON_TEXTS}, '{MOMENT}'",
        "plans": f"1, 1, 'surgery', 'risk-adapted', 1, 'ff', 'standard', TRUE, '[]', 120, '{MOMENT}', NULL",
        "visits": "1, 1, 1, 'grid', 2, 'afp', '2026-02-19', '2026-03-05', '2026-03-19', 'open'",
        "audit_rows": f"1, '{MOMENT}', 'dr.lee', 'signed', 1, NULL, 'ff', '[]', NULL, '{{}}', '0', 'ab'",
        "registry_facts": "'key_fingerprint', 'ab'",
    },
    "0002": {
        "examinations": "1, 1, 1, 'liver_ct_mri', '2026-03-04', 1, 1, 'recorded', 'final', 'both', '[\"lung\"]', NULL, "
        f"NULL, 'dr.lee', '{MOMENT}', NULL, 'dr.lee', '{MOMENT}'"
    },
    "0003": {"verdicts": f"1, 1, 1, 'satisfies', 'inside the window', '{MOMENT}'"},
    "0004": {"bookings": f"1, 1, 1, '2026-03-04', '09:30', NULL, 'booked', NULL, 'dr.lee', '{MOMENT}'"},
    "0005": {"events": f"1, 1, 1, 'recurrence', '2026-03-04', '', 1, 'dr.lee', '{MOMENT}'"},
    "0006": {},  # a table that no command ever wrote to
    "0007": {
        "overrides": "1, 1, 'intensity', 'intensive', NULL, NULL, NULL, '2026-12-31', 'a nodule', 'dr.lee', "
        f"'{MOMENT}', NULL, NULL"
    },
    "0008": {"plan_changes": f"1, 1, 1, 'added', 'grid', 2, NULL, '2026-03-05', 'new in the plan', '[]', '{MOMENT}'"},
    "0009": {"closures": f"1, '2026-03-06', 'moving house', 'dr.lee', '{MOMENT}'"},
    "0010": {"plans": f"1, 1, 'surgery', 'risk-adapted', 1, 'ff', 'standard', TRUE, '[]', 120, '{MOMENT}', NULL, NULL"},
    "0011": {
        "plan_changes": f"1, 1, 1, 'added', 'grid', 2, NULL, '2026-03-05', 'new in the plan', '[]', '{MOMENT}', "
        "NULL, NULL, NULL, NULL"
    },
    "0012": {"events": f"1, 1, 1, 'recurrence', '2026-03-04', '', 1, 'dr.lee', '{MOMENT}', NULL, NULL, NULL"},
    "0013": {},
    "0014": {"reports": f"1, 'surgery', 1, {SIGNED}, '{{}}'"},
    "0015": {"recipients": f"1, 1, 'coordinator', 'anna', 1, 'email', 'ko', 'sealed', 'active', 'dr.lee', '{MOMENT}'"},
    "0016": {"contacts": f"1, 1, 'email', 'ko', 'sealed', '2026-01-05', 'given', NULL, 'dr.lee', '{MOMENT}'"},
    "0017": {
        "reminders": f"1, 1, 1, 1, 1, NULL, NULL, 'due', 1, 'patient', 'email', 'patient_due', 'ko', '2026-03-05',"
        f" 'sent', false, 1, 'a worker', '{MOMENT}', '{MOMENT}', '{MOMENT}', NULL"
    },
    "0018": {
        "job_days": f"'reminders', 1, '2026-03-05', 'balanced', 3, 1, 0, 2, 0, '{{}}', NULL, 'a worker', '{MOMENT}',"
        f" '{MOMENT}'"
    },
    "0019": {},
    "0020": {},
}


def rows_at(revision: str, connection: Connection) -> None:
    """Store one row in each table as the revision has them. A revision that changes a table needs its own rows."""
    rows: dict[str, str] = {}
    for earlier in REVISIONS[: REVISIONS.index(revision) + 1]:
        rows |= NEW_ROWS[earlier]
    for table, cells in rows.items():
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({cells})")  # noqa: S608 (our own words)


def contents(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but Alembic's own."""
    tables = sorted(set(inspect(connection).get_table_names()) - {"alembic_version", "tasks"})
    rows = {table: connection.exec_driver_sql(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 (our own words)
    return {table: sorted(map(tuple, found), key=repr) for table, found in rows.items()}


def test_every_revision_has_sample_rows_and_the_newest_is_the_one_we_work_with() -> None:
    script = ScriptDirectory(str(settings.shipped_folder("migrations")))

    assert list(NEW_ROWS) == REVISIONS
    assert script.get_heads() == [migrating.HEAD]
    assert REVISIONS[-1] == migrating.HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_are_kept_when_walking_up_down_and_up_again(empty_database_url: str, revision: str) -> None:
    database = database_at(empty_database_url)

    with database.migrating() as connection:
        migrating.upgrade(connection, place=database.place, to=revision)
        rows_at(revision, connection)
        before = contents(connection)
    with database.migrating() as connection:
        migrating.upgrade(connection, place=database.place)
        at_head = contents(connection)
    with database.migrating() as connection:
        migrating.downgrade(connection, to=revision)
        back = contents(connection)
    with database.migrating() as connection:
        migrating.upgrade(connection, place=database.place)
        again = contents(connection)
    database.close()

    assert all(rows for rows in before.values())
    assert back == before
    assert again == at_head


def test_going_all_the_way_down_leaves_nothing_and_up_again_works(empty_database_url: str) -> None:
    database = database_at(empty_database_url)

    with database.migrating() as connection:
        first = migrating.upgrade(connection, place=database.place)
        migrating.downgrade(connection, to="base")
        left = inspect(connection).get_table_names()
        migrating.upgrade(connection, place=database.place)
        tables = inspect(connection).get_table_names()
    database.close()

    assert first is None
    assert left == ["alembic_version"]
    assert set(tables) == {*metadata.tables, "alembic_version"}


def test_a_migration_that_fails_leaves_nothing(empty_database_url: str) -> None:
    database = database_at(empty_database_url)

    with pytest.raises(ZeroDivisionError):
        migrate_and_fail(empty_database_url)

    with database.reading() as connection:
        tables = inspect(connection).get_table_names()
    database.close()
    assert tables == []


def test_the_schema_is_the_sum_of_the_migrations(empty_database_url: str) -> None:
    database = database_at(empty_database_url)

    with database.migrating() as connection:
        migrating.upgrade(connection, place=database.place)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
        by_migration = schema(connection)
        migrating.downgrade(connection, to="base")
        metadata.create_all(connection)
        by_declaration = schema(connection)
    database.close()

    assert differences == []
    assert by_migration == by_declaration


def test_migrations_import_nothing_of_ours() -> None:
    imported = {
        name
        for path in VERSIONS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported_by(node)
    }

    assert not [name for name in imported if name.split(".")[0] == "scheduler"]


def imported_by(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def migrate_and_fail(url: str) -> None:
    """Walk up, then fail before the transaction ends."""
    database = database_at(url)
    try:
        with database.migrating() as connection:
            migrating.upgrade(connection, place=database.place)
            _ = 1 / 0
    finally:
        database.close()


def index(reflected: ReflectedIndex) -> str:
    """An index in words, with its condition."""
    conditions = {name: str(option) for name, option in reflected.get("dialect_options", {}).items()}
    return f"{reflected['name']} {reflected['column_names']} {reflected['unique']} {conditions}"


def schema(connection: Connection) -> dict[str, object]:
    """Columns, named constraints and indexes with their conditions, as the database itself tells them."""
    described: dict[str, object] = {}
    for name in metadata.tables:
        seen = inspect(connection)
        described[name] = {
            "columns": [tuple(str(c.get(each)) for each in COLUMN) for c in seen.get_columns(name)],
            "primary key": seen.get_pk_constraint(name),
            "checks": sorted((c["name"], c["sqltext"]) for c in seen.get_check_constraints(name)),
            "uniques": sorted(str(c) for c in seen.get_unique_constraints(name)),
            "foreign keys": sorted(str(c) for c in seen.get_foreign_keys(name)),
            "indexes": sorted(map(index, seen.get_indexes(name))),
        }
    return described
