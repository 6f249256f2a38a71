"""Messages that somebody has to look at: after a death that was reported late, of unknown outcome, refused for good."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scheduler.actions.reminders.findings import messages_after_death
from scheduler.actions.reminders.resolving import resolve
from scheduler.actions.worklist.list_findings import list_findings
from scheduler.store.registry import Registry
from tests.actions.lives import happened, taken_back
from tests.actions.reminders.post import Post
from tests.actions.tables import rules_of
from tests.delivery.servers import MailFault, RecordingMailServer

UPCOMING, DUE = date(2026, 8, 31), date(2026, 9, 1)  # upcoming is owed on the last day before the visit is due
DAY = timedelta(days=1)


def found(registry: Registry, **options: Any) -> list[tuple[Any, ...]]:
    """MRN, finding, day and words of the findings about messages."""
    rows = list_findings(registry, rules_of(registry), today=DUE + DAY, **options)
    about = rows.filter(pl.col("finding").str.starts_with("message"))
    return about.select("mrn", "finding", "since_on", "what").rows()


@pytest.fixture
def server() -> Iterator[RecordingMailServer]:
    """A mail server."""
    with RecordingMailServer() as running:
        yield running


@pytest.fixture
def mailed(post: Post, server: RecordingMailServer, tmp_path: Path) -> Post:
    """A post office whose letters go by that server."""
    post.url = f"mailto://127.0.0.1:{server.port}?from=clinic@example.org&to={{address}}"
    return post


def test_messages_since_a_death_that_was_reported_late_are_one_finding(clinic: Registry, post: Post) -> None:
    for on in (UPCOMING, DUE):
        post.remind(clinic, on)

    recorded = happened(clinic, "death", UPCOMING - DAY, today=DUE + DAY)

    what = "since the death 4 messages were sent or may have been, 2 to the patient"
    assert found(clinic) == [("P-1", "message after death", UPCOMING - DAY, what)]
    assert found(clinic, site="seoul") == found(clinic)
    assert recorded.consequences.after_death.rows() == [(1, UPCOMING - DAY, 4, 2)]


@pytest.mark.parametrize(
    ("died_on", "messages"), [(UPCOMING - DAY, 4), (UPCOMING, 2), (DUE, 0)], ids=["before both", "between", "after"]
)
def test_a_message_of_the_day_of_death_is_no_incident_and_one_of_the_day_after_is(
    clinic: Registry, post: Post, died_on: date, messages: int
) -> None:
    for on in (UPCOMING, DUE):
        post.remind(clinic, on)
    happened(clinic, "death", died_on, today=DUE + DAY)

    with clinic.reading() as reading:
        rows = messages_after_death(reading)
        assert messages_after_death(reading, 1).equals(rows)
        assert messages_after_death(reading, 2).is_empty()

    assert rows.select("died_on", "messages").rows() == ([(died_on, messages)] if messages else [])


def test_a_death_that_is_taken_back_is_no_incident(clinic: Registry, post: Post) -> None:
    post.remind(clinic, UPCOMING)
    happened(clinic, "death", UPCOMING - DAY, today=DUE)

    back = taken_back(clinic, "death", UPCOMING - DAY, today=DUE)

    assert found(clinic) == []
    assert back.consequences.after_death.is_empty()


def test_a_registry_whose_messages_arrived_has_no_finding_about_them(clinic: Registry, post: Post) -> None:
    post.remind(clinic, UPCOMING)

    assert found(clinic) == []


def test_messages_that_may_have_arrived_are_a_finding_until_somebody_says(
    clinic: Registry, mailed: Post, server: RecordingMailServer
) -> None:
    server.fault = MailFault.DROPS_AFTER_CONTENT
    mailed.remind(clinic, UPCOMING)
    unknown = found(clinic)

    resolve(clinic, 1, arrived=True, reason="asked the patient", actor="anna")
    one_left = found(clinic)
    resolve(clinic, 2, arrived=False, reason="asked anna", actor="anna")

    said = "may not have arrived; see hepwatch remind list"
    assert unknown == [("P-1", "message unknown", UPCOMING, f"2 messages were sent and {said}")]
    assert one_left == [("P-1", "message unknown", UPCOMING, f"1 message was sent and {said}")]
    assert found(clinic) == []


def test_a_refused_message_is_a_finding_without_an_address(
    clinic: Registry, mailed: Post, server: RecordingMailServer
) -> None:
    server.fault = MailFault.REFUSES_RECIPIENT

    mailed.remind(clinic, UPCOMING)

    what = "2 messages were refused and will not be sent again by themselves; see hepwatch remind list"
    assert found(clinic) == [("P-1", "message refused", UPCOMING, what)]


def test_who_may_have_been_told_after_the_death_counts_too(
    clinic: Registry, mailed: Post, server: RecordingMailServer
) -> None:
    server.fault = MailFault.DROPS_AFTER_CONTENT
    mailed.remind(clinic, UPCOMING)

    happened(clinic, "death", UPCOMING - DAY, today=DUE + DAY)

    assert [(finding, what[:24]) for _, finding, _, what in found(clinic)] == [
        ("message after death", "since the death 2 messag"),
        ("message unknown", "2 messages were sent and"),
    ]
