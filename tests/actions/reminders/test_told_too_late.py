"""What somebody else records between claim and send keeps the message back, and the day adds up."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from scheduler.actions.contacts.withdraw_contact import withdraw_contact
from scheduler.actions.visits.book_visit import book_visit
from scheduler.store.registry import Registry
from tests.actions.histories import a_scan, an_event, record
from tests.actions.lives import examined, happened, reviewed
from tests.actions.reminders.post import Post
from tests.actions.reminders.test_remind import a_balance

DUE = date(2026, 9, 1)
Record = Callable[[Registry], object]


def dead(registry: Registry) -> None:
    happened(registry, "death", DUE, today=DUE)


def seen(registry: Registry) -> None:
    examined(registry, DUE, today=DUE)
    reviewed(registry, DUE, today=DUE)


def booked(registry: Registry) -> None:
    told: dict[str, Any] = {"on": DUE + timedelta(days=9), "at": None, "today": DUE, "actor": "anna"}
    book_visit(registry, "P-1", "grid-3", **told)


def unwilling(registry: Registry) -> None:
    happened(registry, "consent_withdrawn", DUE, detail="contact", today=DUE)


def forgotten(registry: Registry) -> None:
    withdraw_contact(registry, "P-1", actor="anna", reason="asked us to")


def imported_death(registry: Registry) -> None:
    record(registry, happened=[an_event("death", "2026-09-01")], today=DUE)


def imported_examination(registry: Registry) -> None:
    record(registry, scans=[a_scan("2026-09-01", reviewed_by="dr.lee")], today=DUE)


def meanwhile(post: Post, what: Record) -> Callable[..., None]:
    """Hears a run, and records by a connection of its own as soon as something is claimed, once."""
    left = [what]

    def hear(action: str, **facts: Any) -> None:
        post.hear(action, **facts)
        if action == "claimed" and left:
            with Registry.open(os.environ["HEPWATCH_DATABASE_URL"]) as elsewhere:
                left.pop()(elsewhere)

    return hear


@pytest.mark.parametrize(
    ("what", "reasons"),
    [
        (dead, {"ended": 2}),
        (imported_death, {"ended": 2}),
        (seen, {"done": 2}),
        (imported_examination, {"done": 2}),
        (booked, {"booked": 2}),
    ],
    ids=["died", "died, by an import", "examined", "examined, by an import", "booked"],
)
def test_nobody_is_told_of_who_needs_no_reminder_any_more(
    clinic: Registry, post: Post, what: Record, reasons: dict[str, int]
) -> None:
    [balance] = post.remind(clinic, DUE, told=meanwhile(post, what))

    assert post.came() == []
    assert balance == a_balance(DUE, eligible=2, suppressed=2, reasons=reasons)
    with clinic.reading() as reading:
        assert reading.reminders_of(tasks_of=None).is_empty()


@pytest.mark.parametrize("what", [unwilling, forgotten], ids=["consent withdrawn", "contact withdrawn"])
def test_a_patient_who_does_not_want_to_be_told_any_more_is_not_told_and_the_clinic_is(
    clinic: Registry, post: Post, what: Record
) -> None:
    [balance] = post.remind(clinic, DUE, told=meanwhile(post, what))

    assert post.came_to() == []
    assert len(post.came_to("anna@example.org")) == 1
    assert (balance.state, balance.sent, balance.suppressed) == ("balanced", 1, 1)
    assert set(balance.reasons) <= {"no_consent", "no_contact"}


def test_what_concerns_another_day_keeps_nothing_back(clinic: Registry, post: Post) -> None:
    """A record that changed is decided about anew, and told all the same."""
    seen_alive = partial(happened, event="last_seen", on=DUE, today=DUE)

    [balance] = post.remind(clinic, DUE, told=meanwhile(post, seen_alive))

    assert balance == a_balance(DUE, eligible=2, sent=2)
    assert len(post.came()) == 2


def test_a_death_that_is_recorded_after_the_sending_is_too_late_and_a_second_run_tells_nobody(
    clinic: Registry, post: Post
) -> None:
    post.remind(clinic, DUE)
    dead(clinic)

    [balance] = post.remind(clinic, DUE)

    assert balance == a_balance(DUE, eligible=2, sent=2)
    assert len(post.came()) == 2
