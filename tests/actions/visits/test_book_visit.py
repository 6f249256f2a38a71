"""Making, moving and cancelling appointments: what is refused and why, versions, audit, and what a plan may do."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from scheduler import settings
from scheduler.actions.auditing import audit
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.actions.sites.describe_site import describe_site
from scheduler.actions.visits.appointments import (
    BookedAlready,
    DayNeedsReason,
    DayPast,
    NotBooked,
    TimeMalformed,
    VisitNotOpen,
)
from scheduler.actions.visits.book_visit import (
    AppointmentUnchanged,
    Booked,
    Released,
    book_visit,
    cancel_booking,
    move_booking,
)
from scheduler.actions.visits.finding_visits import VisitNameMalformed, VisitNotFound
from scheduler.actions.visits.list_visits import list_visits
from scheduler.store.registry import Registry
from tests.actions.tables import HIGH, PATHOLOGY, TODAY, actions_of, only, rules_of, sign, stored
from tests.databases import ask

DUE = date(2026, 12, 1)  # of grid-6, a Tuesday; its window is 17 November to 15 December
OPENS, CLOSES = date(2026, 11, 17), date(2026, 12, 15)
SATURDAY = date(2026, 11, 21)


def book(registry: Registry, visit: str = "grid-6", on: date = DUE, **options: Any) -> Booked:
    """Book a visit of P-1 as anna, today."""
    return book_visit(registry, "P-1", visit, on=on, **{"actor": "anna", "today": TODAY, **options})


def move(registry: Registry, visit: str = "grid-6", on: date = CLOSES, **options: Any) -> Booked:
    """Move the appointment of a visit of P-1 as anna, today."""
    usual: dict[str, Any] = {"actor": "anna", "today": TODAY, "reason": "the scanner is down"}
    return move_booking(registry, "P-1", visit, on=on, **{**usual, **options})


def cancel(registry: Registry, visit: str = "grid-6", **options: Any) -> Released:
    """Cancel the appointment of a visit of P-1 as anna, today."""
    usual: dict[str, Any] = {"actor": "anna", "today": TODAY, "reason": "the patient asked"}
    return cancel_booking(registry, rules_of(registry), "P-1", visit, **{**usual, **options})


def versions() -> list[tuple[Any, ...]]:
    """Version, state, time and reason of every appointment, the oldest first."""
    return ask(settings.database_url(), "SELECT version, state, at, reason FROM bookings ORDER BY visit_id, version")


def last_audit(registry: Registry) -> dict[str, Any]:
    """The last audit row of the patient, its details read."""
    with registry.reading() as reading:
        row = reading.audit_of(1).row(-1, named=True)
    return {name: row[name] for name in ("action", "actor", "reason")} | {"details": json.loads(row["details"])}


def episode_version(registry: Registry) -> int:
    """The version of the patient's episode."""
    with registry.reading() as reading:
        return int(reading.episodes_of([1])["version"][0])


def visit_of(registry: Registry, name: str) -> dict[str, Any]:
    """One visit as it is listed."""
    return only(list_visits(registry, "P-1", today=TODAY, everything=True), visit=name)


def with_status(registry: Registry, status: str) -> None:
    """Store grid-6 with another status."""
    visit = pl.DataFrame({"episode_id": [1], "origin": ["grid"], "grid_month": [6], "status": [status]})
    with registry.transaction() as transaction:
        transaction.update("visits", visit, key=["episode_id", "origin", "grid_month"], put=["status"])
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")


def test_an_appointment_is_stored_audited_and_raises_the_version_of_the_episode(followed: Registry) -> None:
    before = episode_version(followed)

    booked = book(followed, at="09:30", place="Radiology 2")

    assert (booked.appointment.version, booked.appointment.booked_on, booked.remarks) == (1, DUE, ())
    assert versions() == [(1, "booked", "09:30", None)]
    details = {"visit": "grid-6", "on": "2026-12-01", "at": "09:30", "place": "Radiology 2"}
    assert last_audit(followed) == {"action": "book_visit", "actor": "anna", "reason": None, "details": details}
    assert episode_version(followed) > before


def test_a_listed_visit_shows_its_appointment(followed: Registry) -> None:
    book(followed, at="09:30", place="Radiology 2")

    listed = visit_of(followed, "grid-6")

    shown = {name: listed[name] for name in ("state", "booking", "booked_on", "at", "place", "answered_by")}
    assert shown == {
        "state": "upcoming",
        "booking": "booked",
        "booked_on": DUE,
        "at": "09:30",
        "place": "Radiology 2",
        "answered_by": [],
    }


@pytest.mark.parametrize("on", [OPENS, CLOSES], ids=["the first day", "the last day"])
def test_a_day_at_either_end_of_the_window_needs_no_reason(followed: Registry, on: date) -> None:
    assert book(followed, on=on).remarks == ()


@pytest.mark.parametrize(
    "on", [date(2026, 11, 16), date(2026, 12, 16)], ids=["the day before it opens", "the day after it closes"]
)
def test_a_day_outside_the_window_needs_a_reason_which_is_kept(followed: Registry, on: date) -> None:
    with pytest.raises(DayNeedsReason) as refused:
        book(followed, on=on)

    booked = book(followed, on=on, reason="the patient is abroad")

    assert refused.value.message == (
        f"grid-6 of P-1 was not booked for {on}: it is outside the visit's window, 2026-11-17 to 2026-12-15"
    )
    assert booked.remarks == ("it is outside the visit's window, 2026-11-17 to 2026-12-15",)
    assert versions() == [(1, "booked", None, "the patient is abroad")]


def test_a_weekend_needs_a_reason(followed: Registry) -> None:
    with pytest.raises(DayNeedsReason, match=r"site seoul does not work on that day \(Saturday\)"):
        book(followed, on=SATURDAY)

    assert book(followed, on=SATURDAY, reason="extra list").remarks == (
        "site seoul does not work on that day (Saturday)",
    )


def test_a_public_holiday_of_the_site_needs_a_reason(followed: Registry) -> None:
    holiday = date(2027, 3, 1)  # Independence Movement Day, a Monday
    assert book(followed, "grid-9", on=holiday).remarks == ()
    cancel(followed, "grid-9")
    describe_site(followed, "seoul", title=None, country="KR", subdivision=None, time_zone=None, actor="anna")

    with pytest.raises(DayNeedsReason, match=r"does not work on that day \(Monday\)"):
        book(followed, "grid-9", on=holiday)


def test_a_blank_reason_is_none(followed: Registry) -> None:
    with pytest.raises(DayNeedsReason):
        book(followed, on=SATURDAY, reason="  ")


def test_nobody_is_booked_for_a_day_that_is_past(followed: Registry) -> None:
    with pytest.raises(DayPast, match="2026-06-30 is past"):
        book(followed, "grid-3", on=date(2026, 6, 30), reason="it was so")

    assert book(followed, "grid-3", on=TODAY).appointment.booked_on == TODAY


@pytest.mark.parametrize("at", ["9:30", "24:00", "09:60", "0930", "09:30:00", "morning", ""])
def test_a_time_is_written_with_24_hours(followed: Registry, at: str) -> None:
    with pytest.raises(TimeMalformed, match="is not a time of day; expected HH:MM"):
        book(followed, at=at)


@pytest.mark.parametrize("at", ["00:00", "23:59"])
def test_the_ends_of_a_day_are_times(followed: Registry, at: str) -> None:
    assert book(followed, at=at).appointment.at == at


@pytest.mark.parametrize("status", ["done", "withdrawn", "censored", "missed"])
def test_only_an_open_visit_is_booked(followed: Registry, status: str) -> None:
    with_status(followed, status)

    with pytest.raises(VisitNotOpen, match=f"grid-6 of P-1 is {status}; expected an open visit"):
        book(followed, reason="all the same")


def test_a_visit_has_one_appointment_at_a_time(followed: Registry) -> None:
    book(followed, at="09:30")

    with pytest.raises(BookedAlready, match="has an appointment on 2026-12-01 at 09:30") as refused:
        book(followed)

    assert "hepwatch visit move P-1 grid-6" in refused.value.advice


def test_an_unknown_visit_is_told_with_the_open_visits_ahead(followed: Registry) -> None:
    with pytest.raises(VisitNotFound) as refused:
        book(followed, "grid-7")

    assert refused.value.message.startswith(
        "P-1 has no visit grid-7 in the episode from 2026-06-01; open visits ahead: "
        "grid-3 (due 2026-09-01), grid-6 (due 2026-12-01), grid-9 (due 2027-03-01)"
    )


@pytest.mark.parametrize("name", ["6", "grid", "grid-", "grid6", "scan-6", "grid-six", "grid--6", "Grid-6", ""])
def test_a_word_that_names_no_visit_is_told_how_to_write_one(followed: Registry, name: str) -> None:
    with pytest.raises(VisitNameMalformed) as refused:
        book(followed, name)

    assert "is not the name of a visit" in refused.value.message
    assert "grid-6, catch_up-9 or suspicious-3" in refused.value.advice


def test_an_appointment_moves_to_another_day_and_keeps_time_and_place(followed: Registry) -> None:
    book(followed, at="09:30", place="Radiology 2")

    moved = move(followed)

    assert (moved.appointment.version, moved.appointment.booked_on) == (2, CLOSES)
    assert versions() == [(1, "booked", "09:30", None), (2, "booked", "09:30", "the scanner is down")]
    now = {"on": "2026-12-15", "at": "09:30", "place": "Radiology 2"}
    was = {"was_on": "2026-12-01", "was_at": "09:30", "was_place": "Radiology 2"}
    said = {"action": "move_booking", "actor": "anna", "reason": "the scanner is down"}
    assert last_audit(followed) == said | {"details": {"visit": "grid-6", **now, **was}}


def test_the_reason_of_a_move_answers_for_a_day_outside_the_window(followed: Registry) -> None:
    book(followed)

    moved = move(followed, on=date(2026, 12, 19), at="14:00")

    assert moved.remarks == (
        "it is outside the visit's window, 2026-11-17 to 2026-12-15",
        "site seoul does not work on that day (Saturday)",
    )
    assert moved.appointment.at == "14:00"


def test_moving_needs_a_reason_an_appointment_another_day_and_one_ahead(followed: Registry) -> None:
    with pytest.raises(NotBooked, match="grid-6 of P-1 has no appointment that stands"):
        move(followed)
    book(followed)
    before = stored(followed)

    with pytest.raises(ReasonNeeded, match="moving an appointment needs a reason"):
        move(followed, reason=" ")
    with pytest.raises(AppointmentUnchanged):
        move(followed, on=DUE)
    with pytest.raises(DayPast):
        move(followed, on=date(2026, 6, 30))
    with pytest.raises(TimeMalformed):
        move(followed, at="noon")

    assert stored(followed) == before


def test_a_cancelled_appointment_stands_no_more_and_the_visit_may_be_booked_again(followed: Registry) -> None:
    book(followed, at="09:30")

    cancelled = cancel(followed)
    with pytest.raises(NotBooked, match="the last one was cancelled"):
        cancel(followed)
    again = book(followed)

    assert cancelled.appointment is not None
    assert (cancelled.appointment.version, cancelled.appointment.state) == (2, "cancelled")
    assert again.appointment.version == 3
    assert versions() == [
        (1, "booked", "09:30", None),
        (2, "cancelled", "09:30", "the patient asked"),
        (3, "booked", None, None),
    ]
    assert actions_of(followed, 1)[-3:] == ["book_visit", "cancel_booking", "book_visit"]


def test_cancelling_needs_a_reason(followed: Registry) -> None:
    book(followed)

    with pytest.raises(ReasonNeeded, match="cancelling an appointment needs a reason"):
        cancel(followed, reason="")


def test_a_previewed_cancellation_stores_nothing(followed: Registry) -> None:
    book(followed)
    before = stored(followed)

    previewed = cancel(followed, preview=True)

    assert previewed.appointment is not None
    assert previewed.appointment.state == "cancelled"
    assert stored(followed) == before


def test_a_booking_changes_no_plan(followed: Registry) -> None:
    before = [list_visits(followed, "P-1", today=TODAY)[name].to_list() for name in ("visit", "due_on", "closes_on")]

    book(followed, on=date(2026, 12, 18), reason="abroad")

    after = [list_visits(followed, "P-1", today=TODAY)[name].to_list() for name in ("visit", "due_on", "closes_on")]
    assert after == before


def test_when_the_intensity_rises_a_booked_visit_keeps_its_day_and_is_to_be_brought_forward(followed: Registry) -> None:
    book(followed)

    signed = sign(followed, stage=PATHOLOGY, findings=HIGH, reason="second reading")

    flagged = only(signed.assessed.changes, change="flagged")
    assert (flagged["origin"], flagged["grid_month"], flagged["due_on"]) == ("grid", 6, DUE)
    assert "booked for 2026-12-01, wanted by 2026-10-01: bring forward" in flagged["reason"]
    assert visit_of(followed, "grid-6")["booked_on"] == DUE


def test_a_booked_visit_that_no_plan_wants_any_more_goes_when_it_is_cancelled(followed: Registry) -> None:
    book(followed, "grid-9", on=date(2027, 3, 2))
    sign(followed, stage=PATHOLOGY, findings=HIGH, reason="second reading")
    stayed = visit_of(followed, "grid-9")["status"]

    cancelled = cancel(followed, "grid-9")

    assert stayed == "open"
    withdrawn = only(cancelled.followed.changes, change="withdrawn")
    assert (withdrawn["grid_month"], withdrawn["reason"]) == (9, "not in the new plan")
    step = {"step": "booking", "change": "cancelled", "visit": "grid-9", "on": "2027-03-02", "by": "anna"}
    assert json.loads(withdrawn["chain"])[0] == step
    assert visit_of(followed, "grid-9")["status"] == "withdrawn"
