"""What a coordinator sees who books, moves, cancels and misses visits, and lists them.

Days are taken from the list itself: the commands act on the day on which the tests run.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler import settings
from scheduler.store.registry import Registry
from tests.actions.tables import stored
from tests.cli.conftest import Hepwatch


def upcoming(hepwatch: Hepwatch) -> dict[str, Any]:
    """The first visit of P-1 whose window has not opened."""
    listed: list[dict[str, Any]] = hepwatch("visit", "list", "P-1", "--json").value
    return next(visit for visit in listed if visit["state"] == "upcoming")


def booked(hepwatch: Hepwatch) -> dict[str, Any]:
    """That visit, with an appointment on its due day."""
    visit = upcoming(hepwatch)
    where = ("--at", "09:30", "--place", "Room [2]", "--by", "anna")
    assert hepwatch("visit", "book", "P-1", visit["visit"], "--on", visit["due_on"], *where).status == 0
    return visit


def another_day(visit: dict[str, Any]) -> date:
    """The other end of the visit's window, on whatever weekday."""
    return date.fromisoformat(visit["closes_on"])


def everything() -> tuple[dict[str, int], str]:
    """All that is stored in the registry that the settings name."""
    with Registry.open(settings.database_url()) as registry:
        return stored(registry)


def test_a_booking_says_when_and_where(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = upcoming(hepwatch)

    answer = hepwatch(
        "visit", "book", "P-1", visit["visit"], "--on", visit["due_on"], "--at", "09:30", "--place", "Room [2]"
    )

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"booked {visit['visit']} of P-1 for ")
    assert f"{visit['due_on']} at 09:30, Room [2]\n" in answer.out
    assert f"window {visit['opens_on']} to {visit['closes_on']}, due {visit['due_on']}" in answer.out


def test_a_booking_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = upcoming(hepwatch)

    answer = hepwatch("visit", "book", "P-1", visit["visit"], "--on", visit["due_on"], "--json")

    assert answer.value == {
        "booked_on": visit["due_on"],
        "at": None,
        "place": None,
        "version": 1,
        "state": "booked",
        "mrn": "P-1",
        "visit": visit["visit"],
        "remarks": [],
    }


def test_a_day_outside_the_window_is_booked_with_a_reason_only(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = upcoming(hepwatch)
    late = another_day(visit) + timedelta(days=1)
    book = ("visit", "book", "P-1", visit["visit"], "--on", late)

    refused, kept = hepwatch(*book), hepwatch(*book, "--reason", "abroad")

    assert (refused.status, refused.out) == (4, "")
    assert "it is outside the visit's window" in refused.err
    assert "say with --reason why it is this one" in refused.err
    assert kept.status == 0
    assert "it is outside the visit's window" in kept.out


def test_an_appointment_moves_and_the_list_shows_it(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = booked(hepwatch)
    day = another_day(visit)

    moved = hepwatch("visit", "move", "P-1", visit["visit"], "--on", day, "--reason", "the scanner is down")

    assert (moved.status, moved.err) == (0, "")
    assert moved.out.startswith(f"moved {visit['visit']} of P-1 for ")
    assert f"{day} 09:30 Room [2]" in hepwatch("visit", "list", "P-1").out


def test_a_second_booking_is_a_conflict_that_says_to_move(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = booked(hepwatch)

    answer = hepwatch("visit", "book", "P-1", visit["visit"], "--on", visit["due_on"])

    assert (answer.status, answer.out) == (6, "")
    assert f"hepwatch visit move P-1 {visit['visit']}" in answer.err


def test_an_appointment_is_cancelled(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = booked(hepwatch)

    cancelled = hepwatch("visit", "cancel", "P-1", visit["visit"], "--reason", "the patient asked")

    assert (cancelled.status, cancelled.err) == (0, "")
    assert f"cancelled the appointment of {visit['visit']} of P-1" in cancelled.out
    assert "the plan: " in cancelled.out


def test_a_previewed_cancellation_stores_nothing(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = booked(hepwatch)
    before = everything()

    shown = hepwatch("visit", "cancel", "P-1", visit["visit"], "--reason", "the patient asked", "--preview")
    value = hepwatch("visit", "cancel", "P-1", visit["visit"], "--reason", "asked", "--preview", "--json").value

    assert shown.out.startswith("preview: nothing was stored\n")
    assert (value["preview"], value["appointment"]["state"], value["visit_missed"]) == (True, "cancelled", False)
    assert everything() == before


def test_a_no_show_is_not_recorded_ahead(hepwatch: Hepwatch, clinic: Path) -> None:
    visit = booked(hepwatch)

    answer = hepwatch("visit", "miss", "P-1", visit["visit"], "--reason", "will not come")

    assert (answer.status, answer.out) == (6, "")
    assert "nobody has failed to come yet" in answer.err


def test_a_visit_whose_window_is_over_is_called_missed(hepwatch: Hepwatch, clinic: Path) -> None:
    listed = hepwatch("visit", "list", "P-1", "--json").value
    past = next((visit for visit in listed if visit["state"] in ("overdue", "missed")), None)
    if past is None:
        pytest.skip("the window of the first visit is not over yet on this machine's day")

    missed = hepwatch("visit", "miss", "P-1", past["visit"], "--final", "--reason", "moved away for a while")

    assert (missed.status, missed.err) == (0, "")
    assert f"{past['visit']} of P-1 is missed: due {past['due_on']}, not overdue any more" in missed.out
    every = hepwatch("visit", "list", "P-1", "--all", "--json").value
    assert next(visit["status"] for visit in every if visit["visit"] == past["visit"]) == "missed"


def test_the_list_shows_open_visits_and_with_all_every_visit(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("visit", "list", "P-1")
    every = hepwatch("visit", "list", "P-1", "--all")

    assert (answer.status, every.status) == (0, 0)
    assert "appointment" in answer.out
    assert "answered by" in every.out
    assert "grid-12" in every.out
    assert answer.out.rstrip().endswith("open visits")


def test_an_unknown_visit_and_a_misspelt_one_are_told_apart(hepwatch: Hepwatch, clinic: Path) -> None:
    unknown = hepwatch("visit", "book", "P-1", "grid-1", "--on", "2099-01-01")
    misspelt = hepwatch("visit", "book", "P-1", "six", "--on", "2099-01-01")

    assert (unknown.status, misspelt.status) == (5, 4)
    assert "open visits ahead: " in unknown.err
    assert "such as grid-6" in misspelt.err


@pytest.mark.parametrize("command", ["move", "cancel", "miss"])
def test_a_reason_is_asked_for(hepwatch: Hepwatch, clinic: Path, command: str) -> None:
    answer = hepwatch("visit", command, "P-1", "grid-6", *(("--on", "2099-01-01") if command == "move" else ()))

    assert answer.status == 2
    assert "--reason" in answer.err
