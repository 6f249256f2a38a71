"""A followed patient who may be told, at a site with somebody in each role, and a post office."""

from pathlib import Path

import pytest

from scheduler.store.registry import Registry
from tests.actions.reminders.post import Post, in_seoul, may_be_told, with_staff


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
