"""A no-show is a fact of its own; a visit is missed where a person calls it so, once its window is over."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from scheduler.actions.one_patient import ReasonNeeded
from scheduler.actions.visits.appointments import NotBooked, VisitNotOpen
from scheduler.actions.visits.book_visit import Released, book_visit
from scheduler.actions.visits.list_visits import list_visits
from scheduler.actions.visits.miss_visit import AppointmentAhead, WindowNotOver, miss_visit
from scheduler.actions.worklist.list_worklist import list_worklist
from scheduler.store.registry import Registry
from tests.actions.tables import TODAY, actions_of, only, rules_of, stored

BOOKED_ON, CLOSES = date(2026, 9, 1), date(2026, 9, 15)  # of grid-3
AFTER = date(2026, 9, 16)


def miss(registry: Registry, today: date = BOOKED_ON, **options: Any) -> Released:
    """Say that P-1 did not come to grid-3, as anna."""
    usual: dict[str, Any] = {"actor": "anna", "today": today, "reason": "nobody answered the telephone"}
    return miss_visit(registry, rules_of(registry), "P-1", "grid-3", **{**usual, **options})


@pytest.fixture
def booked(followed: Registry) -> Registry:
    """P-1 has an appointment for grid-3 on its due day."""
    book_visit(followed, "P-1", "grid-3", on=BOOKED_ON, at="09:30", actor="anna", today=TODAY)
    return followed


def listed(registry: Registry, today: date) -> dict[str, Any]:
    """grid-3 as it is listed on a day."""
    return only(list_visits(registry, "P-1", today=today, everything=True), visit="grid-3")


@pytest.mark.parametrize("today", [BOOKED_ON, date(2026, 9, 2)], ids=["on the day", "the day after"])
def test_a_no_show_is_recorded_and_the_visit_stays_open(booked: Registry, today: date) -> None:
    missed = miss(booked, today)

    assert missed.appointment is not None
    assert (missed.appointment.version, missed.appointment.state) == (2, "missed")
    visit = listed(booked, today)
    assert (visit["status"], visit["state"], visit["booking"], visit["booked_on"]) == ("open", "due", "missed", None)
    assert actions_of(booked, 1)[-1] == "record_no_show"


def test_nobody_has_failed_to_come_before_the_day_of_the_appointment(booked: Registry) -> None:
    with pytest.raises(AppointmentAhead, match="grid-3 of P-1 is on 2026-09-01, today is 2026-08-31"):
        miss(booked, date(2026, 8, 31))


def test_a_no_show_needs_an_appointment_and_a_reason(followed: Registry) -> None:
    with pytest.raises(NotBooked):
        miss(followed)
    with pytest.raises(ReasonNeeded, match="missing a visit needs a reason"):
        miss(followed, reason=" ")


def test_a_visit_is_called_missed_only_after_its_window(booked: Registry) -> None:
    before = stored(booked)

    with pytest.raises(WindowNotOver, match="its window closes on 2026-09-15, today is 2026-09-15"):
        miss(booked, CLOSES, final=True)

    assert stored(booked) == before


def worklist(registry: Registry) -> pl.DataFrame:
    """The visits of the day after the window."""
    return list_worklist(registry, rules_of(registry), as_of=AFTER, today=AFTER).visits


def test_a_visit_called_missed_is_not_overdue_and_says_what_it_was_before(booked: Registry) -> None:
    overdue = worklist(booked)["visit"].to_list()

    miss(booked, AFTER, final=True)

    assert overdue == ["grid-3"]
    assert worklist(booked).is_empty()
    assert listed(booked, AFTER)["status"] == "missed"
    assert actions_of(booked, 1)[-2:] == ["record_no_show", "call_visit_missed"]
    with booked.reading() as reading:
        change = only(reading.plan_changes_of([1]), change="missed")
    assert (change["was_status"], change["was_due_on"], change["due_on"]) == ("open", BOOKED_ON, None)
    assert change["reason"] == "called missed by a person"
    assert json.loads(change["chain"]) == [
        {"step": "called_missed", "visit": "grid-3", "by": "anna"},
        {"step": "visit", "visit": "grid-3", "due_on": "2026-09-01"},
    ]


def test_a_visit_without_an_appointment_may_be_called_missed_too_and_only_once(followed: Registry) -> None:
    missed = miss(followed, AFTER, final=True)

    with pytest.raises(VisitNotOpen, match="grid-3 of P-1 is missed"):
        miss(followed, AFTER, final=True)

    assert missed.appointment is None
    assert actions_of(followed, 1)[-1] == "call_visit_missed"


def test_a_previewed_miss_stores_nothing(booked: Registry) -> None:
    before = stored(booked)

    miss(booked, AFTER, final=True, preview=True)

    assert stored(booked) == before
