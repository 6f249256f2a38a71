"""Visits with an examination or an appointment: the one is never touched, the other keeps its day."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.core.reconcile import reconcile
from tests.core.protocol_documents import a_plan
from tests.core.visits_to_reconcile import ANCHOR, CLOSES_ON, LIVER, a_visit, as_planned, booked, existing, with_status

TODAY = date(2026, 2, 1)
BOOKED_ON = date(2026, 4, 2)
DUE_ON = date(2026, 3, 31)
DAY = timedelta(days=1)


def change_of(before: dict[str, Any], wanted: dict[str, Any] | None, **options: Any) -> tuple[Any, ...]:
    """What becomes of a booked visit, why, and when it is due afterwards."""
    planned = existing(wanted) if wanted else existing()
    given: dict[str, Any] = {"today": TODAY, "booked": booked((1, BOOKED_ON))} | options
    changes = reconcile(existing(before), planned, **given)
    return changes.select("change", "reason", "due_on").row(0)


def test_a_booked_visit_that_the_plan_wants_as_it_is_is_kept() -> None:
    assert change_of(a_visit(), a_visit()) == ("kept", "the same in the new plan", DUE_ON)


@pytest.mark.parametrize(
    ("wanted_on", "change"),
    [
        pytest.param(DUE_ON - DAY, "flagged", id="a day earlier"),
        pytest.param(DUE_ON, "kept", id="the same day"),
        pytest.param(DUE_ON + DAY, "left", id="a day later"),
    ],
)
def test_a_booked_visit_that_is_wanted_earlier_is_flagged_and_keeps_its_day(wanted_on: date, change: str) -> None:
    found = change_of(a_visit(), a_visit(due_on=wanted_on))

    assert (found[0], found[2]) == (change, DUE_ON)


def test_a_flagged_visit_says_for_when_it_is_booked_and_by_when_it_is_wanted() -> None:
    assert change_of(a_visit(), a_visit(due_on=DUE_ON - DAY, procedures=[LIVER])) == (
        "flagged",
        "booked for 2026-04-02, wanted by 2026-03-30: bring forward; no longer with afp",
        DUE_ON,
    )


def test_an_appointment_before_the_wanted_day_need_not_be_brought_forward() -> None:
    found = change_of(a_visit(), a_visit(due_on=DUE_ON - DAY), booked=booked((1, DUE_ON - DAY)))

    assert found[0] == "left"


def test_a_booked_visit_that_is_wanted_later_says_so() -> None:
    assert change_of(a_visit(), a_visit(due_on=DUE_ON + DAY)) == (
        "left",
        "booked for 2026-04-02, so its day stays; the new plan has it due 2026-04-01",
        DUE_ON,
    )


def test_a_booked_visit_takes_new_procedures_without_moving() -> None:
    assert change_of(a_visit(), a_visit(due_on=DUE_ON + DAY, procedures=[LIVER, "afp", "chest_ct"])) == (
        "moved",
        "now with chest_ct; booked for 2026-04-02, so its day stays",
        DUE_ON,
    )


def test_a_booked_visit_that_the_plan_no_longer_holds_is_not_withdrawn() -> None:
    assert change_of(a_visit(), None) == ("left", "booked for 2026-04-02; not in the new plan", DUE_ON)


def test_a_booked_visit_that_is_past_is_left_like_any_other() -> None:
    found = change_of(a_visit(), None, today=CLOSES_ON + DAY)

    assert found == ("left", "already past", DUE_ON)


def test_a_new_visit_in_front_of_an_appointment_flags_it() -> None:
    visits = with_status(as_planned("basic"), "done", 3, 6)
    intensive = a_plan(ANCHOR, intensity="intensive", horizon_month=36)

    changes = reconcile(visits, intensive, today=date(2026, 8, 20), booked=booked((3, date(2026, 11, 2))))

    assert changes.filter(pl.col("visit_id") == 3).select("grid_month", "change", "reason").rows() == [
        (9, "flagged", "booked for 2026-11-02, wanted by 2026-09-30: bring forward")
    ]


def test_of_two_appointments_for_one_visit_the_earlier_counts() -> None:
    both = booked((1, BOOKED_ON + DAY), (1, BOOKED_ON))

    assert change_of(a_visit(), None, booked=both)[1] == "booked for 2026-04-02; not in the new plan"


@pytest.mark.parametrize("wanted", [None, a_visit(due_on=date(2026, 4, 1))], ids=["not in the plan", "on another day"])
def test_a_visit_with_an_examination_is_neither_moved_nor_removed(wanted: dict[str, Any] | None) -> None:
    answered = pl.DataFrame({"visit_id": [1]})

    assert change_of(a_visit(), wanted, booked=None, answered=answered) == ("left", "already examined", DUE_ON)
