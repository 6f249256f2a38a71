"""A followed patient who may be told, at a site with somebody in each role, and a post office."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler import clock
from scheduler.store.registry import Registry
from tests.actions.conftest import Copies
from tests.actions.reminders.post import Post, in_seoul, may_be_told, with_staff
from tests.actions.tables import BOTH, a_patient, a_table, import_table

IN_JULY = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """Where messages go."""
    return Post(folder=tmp_path)


@pytest.fixture
def clinic(followed: Registry) -> Registry:
    """A registry with one followed patient (first visit due on 1 September 2026) who may be told, and staff."""
    in_seoul(followed)
    may_be_told(followed)
    with_staff(followed)
    return followed


@pytest.fixture
def clinic_in_july(copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The same clinic, which the settings name, where everything is recorded in July 2026.

    What was to be done on a day that is over depends on the moments at which things were recorded.
    """
    monkeypatch.setattr(clock, "now", lambda: IN_JULY)
    url = copies.new("clinic in July", lambda registry: _fill(registry, tmp_path))
    monkeypatch.setenv("HEPWATCH_DATABASE_URL", url)
    with Registry.open(url) as registry:
        yield registry
    copies.drop(url)


def _fill(registry: Registry, folder: Path) -> None:
    import_table(registry, a_table(folder, a_patient()), sign=BOTH)
    in_seoul(registry)
    may_be_told(registry)
    with_staff(registry)
