"""The audit trail is whole until somebody changes it past the registry."""

import pytest

from scheduler import settings
from scheduler.actions.verify_audit import AuditBroken, verify_audit
from scheduler.store.registry import Registry
from tests.databases import ask


def test_a_whole_trail_is_counted(followed: Registry) -> None:
    assert verify_audit(followed) == 4


def test_a_row_that_was_changed_is_found(followed: Registry) -> None:
    url = settings.database_url()
    table = "audit_rows"
    unlock = {
        "sqlite": ["DROP TRIGGER IF EXISTS " + name for (name,) in _triggers(url)],
        "postgresql": [f"ALTER TABLE {table} DISABLE TRIGGER USER"],
    }
    ask(url, *unlock[url.partition(":")[0]], f"UPDATE {table} SET actor = 'nobody' WHERE position = 2")  # noqa: S608

    with pytest.raises(AuditBroken, match="breaks at row 2") as broken:
        verify_audit(followed)

    assert broken.value.exit_status == 6
    assert "backup" in broken.value.advice


def _triggers(url: str) -> list[tuple[str]]:
    """The triggers of an SQLite file that guard the audit rows."""
    if not url.startswith("sqlite"):
        return []
    return [(name,) for (name,) in ask(url, "SELECT name FROM sqlite_master WHERE type = 'trigger'") if "audit" in name]
