"""Who asks on the loopback port is told whether all is well, why not, and the numbers."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scheduler.actions.reminders.unreached import SiteWithoutRecipients, UnlistedChannel
from scheduler.jobs.metrics import metrics_text
from scheduler.jobs.monitoring import Monitor, MonitorPortTaken
from scheduler.jobs.standing import Standing
from tests.jobs.ledger import SEOUL_AT_7, Ledger, a_balance

AT = time(7)
DAY = date(2026, 11, 22)


def a_standing(ledger: Ledger, *, checked_at: datetime | None = SEOUL_AT_7, answers: bool = True) -> Standing:
    look = ledger.look(checked_at or SEOUL_AT_7)
    return Standing(started_at=SEOUL_AT_7, checked_at=checked_at, look=look, database_answers=answers)


def done(**states: str) -> Ledger:
    """A ledger with these days of November 2026: `d22="balanced"`."""
    days = {date(2026, 11, int(day[1:])): state for day, state in states.items()}
    balances = {("seoul", on): a_balance("seoul", on, state) for on, state in days.items()}
    return Ledger(first=min(days), done=balances)


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@contextmanager
def a_monitor(*reasons: str) -> Iterator[int]:
    """The port of a monitor of a service that is not well for these reasons."""
    monitor = Monitor(0, reasons=lambda: reasons, metrics=lambda: b"hepwatch_days 1\n")
    monitor.start()
    yield monitor.port
    monitor.stop()


def test_a_service_that_is_well_says_so() -> None:
    with a_monitor() as port:
        assert ask(port, "/healthz") == (200, "well\n")


def test_a_service_that_is_not_well_says_why() -> None:
    with a_monitor("the database did not answer at the last try") as port:
        assert ask(port, "/healthz") == (503, "the database did not answer at the last try\n")


def test_the_metrics_are_on_their_own_page_and_nothing_is_elsewhere() -> None:
    with a_monitor() as port:
        assert ask(port, "/metrics") == (200, "hepwatch_days 1\n")
        assert ask(port, "/patients")[0] == 404


def test_a_port_that_is_taken_is_told_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(MonitorPortTaken, match=f"port {port} of this machine"):
            Monitor(port, reasons=tuple, metrics=bytes)


@pytest.mark.parametrize(
    ("after_the_check", "reasons"),
    [
        pytest.param(timedelta(minutes=70), (), id="in time"),
        pytest.param(timedelta(minutes=70, seconds=1), ("no gap check for more than 1:10:00",), id="late"),
    ],
)
def test_the_gap_check_must_come_every_hour(after_the_check: timedelta, reasons: tuple[str, ...]) -> None:
    standing = a_standing(done(d22="balanced"))

    assert standing.reasons(now=SEOUL_AT_7 + after_the_check, at=AT) == reasons


def test_a_day_that_is_overdue_is_named_with_its_site() -> None:
    standing = a_standing(done(d20="balanced", d21="missed"), checked_at=SEOUL_AT_7 + timedelta(hours=2, seconds=1))

    reasons = standing.reasons(now=SEOUL_AT_7 + timedelta(hours=2, seconds=1), at=AT)

    assert reasons == ("the day 2026-11-22 of site seoul is overdue",)


def test_a_database_that_did_not_answer_and_a_check_that_was_not_done_are_said() -> None:
    standing = a_standing(done(d22="balanced"), checked_at=None, answers=False)

    assert standing.reasons(now=SEOUL_AT_7, at=AT) == (
        "the database did not answer at the last try",
        "the first gap check is not done yet",
    )


def test_whom_no_message_can_reach_is_a_reason_and_a_channel_that_nobody_uses_is_none() -> None:
    unused = UnlistedChannel(channel="sms", rungs=2, recipients={}, patients=0)
    used = UnlistedChannel(channel="teams", rungs=0, recipients={"bonn": 1}, patients=0)
    bare = SiteWithoutRecipients(site="seoul", patients=3)
    standing = replace(a_standing(done(d22="balanced")), unreached=(unused, used, bare))

    assert standing.reasons(now=SEOUL_AT_7, at=AT) == (
        "channel teams is not in the channels file, and 1 recipient of bonn is to be told by it",
        "site seoul has named nobody who is told, so that nobody of its staff hears of its 3 patients",
    )


def test_the_metrics_say_what_the_stored_days_say() -> None:
    ledger = done(d19="balanced", d20="missed", d21="missed", d22="unbalanced")
    standing = a_standing(ledger)

    text = metrics_text(standing, now=SEOUL_AT_7 + timedelta(minutes=5), at=AT, version="0.1.0").decode()

    samples = {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels, reverse=True))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples == {
        ("hepwatch_days", "balanced", "seoul"): 1,
        ("hepwatch_days", "unbalanced", "seoul"): 1,
        ("hepwatch_days", "missed", "seoul"): 2,
        ("hepwatch_reminders", "seoul", "sent"): 8,
        ("hepwatch_reminders", "seoul", "failed"): 0,
        ("hepwatch_reminders", "seoul", "suppressed"): 4,
        ("hepwatch_reminders", "seoul", "unknown"): 0,
        ("hepwatch_owed_days", "seoul"): 0,
        ("hepwatch_owed_today", "seoul"): 3,
        ("hepwatch_last_balanced_day_timestamp_seconds", "seoul"): SEOUL_AT_7.timestamp(),
        ("hepwatch_gap_check_age_seconds",): 300,
        ("hepwatch_database_reachable",): 1,
        ("hepwatch_unknown_waiting",): 0,
        ("hepwatch_defects",): 0,
        ("hepwatch_build_info", "0.1.0"): 1,
    }


def test_a_day_whose_time_has_come_counts_as_owed() -> None:
    standing = a_standing(done(d20="balanced"))

    text = metrics_text(standing, now=SEOUL_AT_7, at=AT, version="0.1.0").decode()

    assert 'hepwatch_owed_days{site="seoul"} 2.0' in text
