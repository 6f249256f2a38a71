"""Catch-up visits: liver imaging one interval after the last when follow-up becomes closer, and no gap ever."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.core.calendar import WorkingDays
from scheduler.core.catch_up import CatchingUp
from scheduler.core.reconcile import reconcile
from tests.core.protocol_documents import a_plan
from tests.core.visits_to_reconcile import (
    ANCHOR,
    LIVER,
    a_visit,
    applied,
    as_planned,
    booked,
    catching_up,
    existing,
    reconciled,
    with_status,
)

DAY = timedelta(days=1)
INTENSIVE = a_plan(ANCHOR, intensity="intensive", horizon_month=36)
BASIC = a_plan(ANCHOR, intensity="basic", horizon_month=36)
# Followed at basic intensity, imaged at month 3 and raised: the plan's own next visit is that of month 6, on 31 July.
IMAGED_ON = date(2026, 4, 30)
RAISED_ON = date(2026, 6, 15)  # the window of month 4 closed the day before


def raised(*imaged_on: date, **options: Any) -> pl.DataFrame:
    """What becomes of a basic plan whose visit at month 3 is done, when the patient is followed intensively."""
    visits = with_status(as_planned("basic"), "done", 3)
    basis = catching_up(*imaged_on or (IMAGED_ON,), raised=True)
    given: dict[str, Any] = {"today": RAISED_ON, "catching_up": basis} | options
    return reconcile(visits, INTENSIVE, **given)


def catch_ups(changes: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Month, change and window of the catch-up visits."""
    found = changes.filter(pl.col("origin") == "catch_up")
    return found.select("grid_month", "change", "opens_on", "due_on", "closes_on").rows()


def test_a_raised_intensity_brings_liver_imaging_to_the_last_and_the_new_interval() -> None:
    changes = raised()

    assert changes.filter(pl.col("origin") == "catch_up").to_dicts() == [
        {
            "visit_id": None,
            "episode_id": 1,
            "origin": "catch_up",
            "grid_month": 6,
            "change": "added",
            "reason": "followed more closely: liver imaging every 2 months, the last on 2026-04-30",
            "procedures": [LIVER, "afp", "pivka_ii"],
            "opens_on": date(2026, 6, 16),
            "due_on": date(2026, 6, 30),
            "closes_on": date(2026, 7, 14),
            "was_procedures": None,
            "was_due_on": None,
        }
    ]


def test_without_a_raise_or_a_gap_there_is_no_catch_up_visit() -> None:
    assert catch_ups(raised(date(2026, 5, 10))) != []
    assert catch_ups(raised(catching_up=catching_up(date(2026, 5, 10)))) == []


def test_both_visits_are_held_where_the_one_after_is_too_far_from_the_catch_up_visit() -> None:
    grid = raised().filter(pl.col("origin") == "grid", pl.col("change").is_in(["kept", "moved", "added"]))

    assert grid["grid_month"].to_list()[:2] == [6, 8]


def test_a_catch_up_visit_stands_in_for_the_visit_soon_after_it_with_all_its_procedures() -> None:
    # 10 July and two months: 10 September, 20 days before month 8 and 81 before month 10
    visits = with_status(as_planned("basic"), "done", 3, 6)
    basis = catching_up(date(2026, 7, 10), raised=True)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 8, 1), catching_up=basis)

    assert catch_ups(changes) == [(8, "added", date(2026, 8, 27), date(2026, 9, 10), date(2026, 9, 24))]
    held = changes.filter(pl.col("change").is_in(["kept", "moved", "added"]))
    assert held["grid_month"].to_list()[:2] == [8, 10]
    assert held["procedures"][0].to_list() == [LIVER, "chest_ct", "afp", "pivka_ii"]


def test_a_visit_that_exists_is_withdrawn_for_the_catch_up_visit_and_says_so() -> None:
    visits = with_status(as_planned("intensive"), "done", 2, 4, 6)
    basis = catching_up(date(2026, 7, 10), raised=True)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 8, 1), catching_up=basis)

    month_8 = changes.filter(pl.col("origin") == "grid", pl.col("grid_month") == 8)
    assert month_8.select("change", "reason").rows() == [
        ("withdrawn", "the catch-up visit due 2026-09-10 stands in for it")
    ]


@pytest.mark.parametrize(
    ("days_before_it_opens", "is_added"),
    [
        pytest.param(1, True, id="the day before the window opens"),
        pytest.param(0, False, id="the day it opens"),
        pytest.param(-1, False, id="the day after"),
    ],
)
def test_a_visit_whose_window_includes_the_wanted_day_needs_no_catch_up(
    days_before_it_opens: int, is_added: bool
) -> None:
    wanted_on = date(2026, 7, 17) - days_before_it_opens * DAY
    imaged_on = wanted_on.replace(month=5)

    assert bool(catch_ups(raised(imaged_on))) is is_added


def test_a_catch_up_visit_is_not_before_today() -> None:
    changes = raised(today=date(2026, 7, 8))

    assert catch_ups(changes) == [(6, "added", date(2026, 7, 8), date(2026, 7, 8), date(2026, 7, 22))]


def test_a_catch_up_visit_is_due_on_a_working_day_inside_its_window() -> None:
    closed = WorkingDays(closed=frozenset({date(2026, 6, 30), date(2026, 7, 1)}))
    basis = catching_up(IMAGED_ON, raised=True)

    changes = raised(
        catching_up=CatchingUp(
            protocol=basis.protocol, working_days=closed, completed=basis.completed, raised=basis.raised
        )
    )

    assert catch_ups(changes) == [(6, "added", date(2026, 6, 16), date(2026, 7, 2), date(2026, 7, 14))]


def test_a_catch_up_visit_is_no_later_than_the_visit_that_it_replaces() -> None:
    # Imaged on 8 September for month 8, which the plan of every three months did not have; month 9 is withdrawn
    visits = with_status(as_planned("basic"), "done", 3, 6)
    basis = catching_up(date(2026, 9, 8), raised=True)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 9, 20), catching_up=basis)

    replaced = changes.filter(pl.col("grid_month") == 9, pl.col("origin") == "grid")
    assert replaced.select("change", "was_due_on").rows() == [("withdrawn", date(2026, 11, 2))]
    assert [visit[3] for visit in catch_ups(changes)] == [date(2026, 11, 2)]


def test_a_patient_never_imaged_is_caught_up_from_the_resection() -> None:
    changes = reconcile(as_planned("basic"), INTENSIVE, today=date(2026, 4, 20), catching_up=catching_up(raised=True))

    assert catch_ups(changes) == [(4, "added", date(2026, 4, 20), date(2026, 4, 20), date(2026, 5, 4))]
    reasons = changes.filter(pl.col("origin") == "catch_up")["reason"].to_list()
    assert reasons == ["followed more closely: liver imaging every 2 months, none since the resection"]


@pytest.mark.parametrize(
    ("imaged_on", "is_added"),
    [
        # month 8 is due on 30 September: two months and 28 days after 2 July
        pytest.param(date(2026, 7, 1), True, id="a day more than the interval and both sides"),
        pytest.param(date(2026, 7, 2), False, id="the interval and both sides"),
        pytest.param(date(2026, 7, 3), False, id="a day less"),
    ],
)
def test_a_gap_of_more_than_the_interval_and_both_sides_of_the_window_is_closed(
    imaged_on: date, is_added: bool
) -> None:
    visits = with_status(as_planned("intensive"), "done", 2, 4, 6)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 7, 20), catching_up=catching_up(imaged_on))

    assert bool(catch_ups(changes)) is is_added


def test_a_gap_is_closed_one_interval_after_the_last_imaging_and_says_so() -> None:
    visits = with_status(as_planned("intensive"), "done", 2, 4, 6)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 7, 20), catching_up=catching_up(date(2026, 6, 1)))

    assert [visit[3] for visit in catch_ups(changes)] == [date(2026, 8, 3)]
    assert changes.filter(pl.col("origin") == "catch_up")["reason"].to_list() == [
        "liver imaging every 2 months, the last on 2026-06-01 and the next due 2026-09-30"
    ]


def test_an_open_visit_that_is_overdue_leaves_no_gap() -> None:
    visits = with_status(as_planned("intensive"), "done", 2)

    changes = reconcile(visits, INTENSIVE, today=date(2026, 6, 20), catching_up=catching_up(date(2026, 3, 31)))

    assert catch_ups(changes) == []


def test_an_examination_of_the_future_does_not_count() -> None:
    assert catch_ups(raised(IMAGED_ON, RAISED_ON + DAY)) == catch_ups(raised())


@pytest.mark.parametrize("days_later", [0, 1, 10])
def test_planning_again_later_leaves_the_catch_up_visit_where_it_is(days_later: int) -> None:
    visits = with_status(as_planned("basic"), "done", 3)
    visits = applied(visits, raised())

    today = RAISED_ON + days_later * DAY
    again = reconcile(visits, INTENSIVE, today=today, catching_up=catching_up(IMAGED_ON, raised=True))

    assert set(again["change"]) <= {"kept", "left"}


def test_a_done_catch_up_visit_goes_on_standing_in_for_its_visit() -> None:
    visits = with_status(as_planned("basic"), "done", 3, 6)
    raised_now = catching_up(date(2026, 7, 10), raised=True)
    visits = reconciled(visits, INTENSIVE, today=date(2026, 8, 1), catching_up=raised_now)
    is_catch_up = pl.col("origin") == "catch_up"
    visits = visits.with_columns(status=pl.when(is_catch_up).then(pl.lit("done")).otherwise("status"))

    examined = catching_up(date(2026, 9, 12))
    again = reconcile(visits, INTENSIVE, today=date(2026, 9, 14), catching_up=examined)

    assert set(again["change"]) <= {"kept", "left"}
    assert 8 not in again.filter(pl.col("origin") == "grid", pl.col("change") == "kept")["grid_month"]


def test_a_catch_up_visit_moves_when_it_is_wanted_still_earlier() -> None:
    open_catch_up = a_visit(
        visit_id=90,
        origin="catch_up",
        grid_month=6,
        opens_on=date(2026, 7, 1),
        due_on=date(2026, 7, 15),
        closes_on=date(2026, 7, 29),
    )
    visits = pl.concat([with_status(as_planned("basic"), "done", 3), existing(open_catch_up)])

    changes = reconcile(visits, INTENSIVE, today=RAISED_ON, catching_up=catching_up(IMAGED_ON, raised=True))

    assert catch_ups(changes) == [(6, "moved", date(2026, 6, 16), date(2026, 6, 30), date(2026, 7, 14))]


def test_a_missed_catch_up_visit_keeps_its_month_and_the_next_takes_the_one_before() -> None:
    missed = a_visit(visit_id=90, origin="catch_up", grid_month=6, status="missed")
    visits = pl.concat([with_status(as_planned("basic"), "done", 3), existing(missed)])

    changes = reconcile(visits, INTENSIVE, today=RAISED_ON, catching_up=catching_up(IMAGED_ON, raised=True))

    assert [visit[:2] for visit in catch_ups(changes)] == [(6, "left"), (5, "added")]


def test_a_withdrawn_catch_up_visit_that_is_wanted_again_is_opened_again() -> None:
    withdrawn = a_visit(visit_id=90, origin="catch_up", grid_month=6, status="withdrawn")
    visits = pl.concat([with_status(as_planned("basic"), "done", 3), existing(withdrawn)])

    changes = reconcile(visits, INTENSIVE, today=RAISED_ON, catching_up=catching_up(IMAGED_ON, raised=True))

    assert changes.filter(pl.col("origin") == "catch_up").select("visit_id", "change").rows() == [(90, "added")]


def test_a_booked_visit_behind_a_catch_up_visit_is_held_and_flagged() -> None:
    visits = with_status(as_planned("basic"), "done", 3)
    appointment = booked((2, date(2026, 8, 3)))

    changes = raised(booked=appointment)

    assert visits.filter(pl.col("visit_id") == 2)["grid_month"].to_list() == [6]
    assert changes.filter(pl.col("visit_id") == 2).select("change", "reason", "due_on").rows() == [
        ("flagged", "booked for 2026-08-03, wanted by 2026-06-30: bring forward", date(2026, 7, 31))
    ]


def test_an_appointment_early_enough_needs_no_catch_up_visit() -> None:
    assert catch_ups(raised(booked=booked((2, date(2026, 6, 29))))) == []


def test_where_no_visits_are_planned_there_is_nothing_to_catch_up() -> None:
    visits = with_status(as_planned("basic"), "done", 3)

    changes = reconcile(visits, INTENSIVE.clear(), today=RAISED_ON, catching_up=catching_up(IMAGED_ON, raised=True))

    assert set(changes["change"]) == {"left", "withdrawn"}


def test_a_lowered_intensity_adds_no_catch_up_visit() -> None:
    visits = with_status(as_planned("intensive"), "done", 2, 4)

    changes = reconcile(visits, BASIC, today=date(2026, 6, 2), catching_up=catching_up(date(2026, 6, 1)))

    assert catch_ups(changes) == []
