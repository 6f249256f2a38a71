"""On which rung visits and tasks stand: the day before, the day itself, the day after."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.episode_tasks import Task
from scheduler.core.reminders.policy import CountedFrom, ReminderPolicy, VisitRung
from scheduler.core.reminders.rungs import (
    ADDED,
    earliest_reach,
    first_days,
    task_reminders,
    task_rungs,
    visit_reminders,
    visit_rungs,
)
from tests.core.reminders.escalation import (
    DUE,
    ESCALATION,
    a_policy,
    a_rung,
    a_task,
    a_visit,
)

POLICY = a_policy()
Standing = tuple[str, int, date, int, date, bool, bool]


def standing(visit: pl.DataFrame, policy: ReminderPolicy, as_of: date) -> list[Standing]:
    """The added columns of the one visit, if it stands on a rung."""
    return visit_rungs(visit, policy, as_of=as_of).select(*ADDED).rows()


@pytest.mark.parametrize(
    ("as_of", "stands"),
    [
        pytest.param(date(2026, 3, 2), None, id="the day before the first rung"),
        pytest.param(date(2026, 3, 3), ("upcoming", 0, date(2026, 3, 3), 1), id="upcoming, first day"),
        pytest.param(date(2026, 3, 30), ("upcoming", 0, date(2026, 3, 3), 1), id="upcoming, last day"),
        pytest.param(date(2026, 3, 31), ("due", 1, date(2026, 3, 31), 1), id="due, first day"),
        pytest.param(date(2026, 4, 14), ("due", 1, date(2026, 3, 31), 1), id="due, the window's last day"),
        pytest.param(date(2026, 4, 15), ("overdue", 2, date(2026, 4, 15), 1), id="overdue, first day"),
        pytest.param(date(2026, 4, 21), ("overdue", 2, date(2026, 4, 15), 1), id="overdue, the day before it repeats"),
        pytest.param(date(2026, 4, 22), ("overdue", 2, date(2026, 4, 22), 2), id="overdue, the day it repeats"),
        pytest.param(date(2026, 4, 27), ("overdue", 2, date(2026, 4, 22), 2), id="overdue, last day"),
        pytest.param(date(2026, 4, 28), ("escalated", 3, date(2026, 4, 28), 1), id="escalated, first day"),
        pytest.param(date(2026, 5, 11), ("escalated", 3, date(2026, 4, 28), 1), id="escalated, last day"),
        pytest.param(date(2026, 5, 12), ("possibly_lost", 4, date(2026, 5, 12), 1), id="possibly lost, first day"),
        pytest.param(date(2026, 6, 8), ("possibly_lost", 4, date(2026, 5, 12), 1), id="the day before it repeats"),
        pytest.param(
            date(2026, 6, 9), ("possibly_lost", 4, date(2026, 6, 9), 2), id="possibly lost, the day it repeats"
        ),
        pytest.param(date(2027, 5, 12), ("possibly_lost", 4, date(2027, 5, 11), 14), id="a year later"),
    ],
)
def test_a_visit_stands_on_the_highest_rung_it_has_reached(
    as_of: date, stands: tuple[str, int, date, int] | None
) -> None:
    found = visit_rungs(a_visit(), POLICY, as_of=as_of)

    assert found.select("rung", "rank", "occurs_on", "occurrence").rows() == ([stands] if stands else [])


def test_of_two_rungs_reached_on_one_day_the_higher_holds() -> None:
    policy = a_policy(a_rung("due", CountedFrom.DUE, 0), a_rung("overdue", CountedFrom.CLOSES, 0))

    assert standing(a_visit(days=0), policy, DUE) == [("overdue", 1, DUE, 1, DUE, True, True)]
    assert standing(a_visit(days=1), policy, DUE) == [("due", 0, DUE, 1, DUE, True, True)]


def test_the_other_columns_and_the_order_of_the_visits_stay() -> None:
    visits = pl.concat([a_visit(visit_id=2, site="seoul"), a_visit(visit_id=1, site="busan")])

    found = visit_rungs(visits, POLICY, as_of=DUE)

    assert found.columns == [*visits.columns, *ADDED]
    assert found.select("visit_id", "site").rows() == [(2, "seoul"), (1, "busan")]
    assert {name: found.schema[name] for name in ADDED} == ADDED


def test_nobody_stands_on_a_rung_where_there_is_no_visit() -> None:
    nothing = a_visit().clear()

    assert visit_rungs(nothing, POLICY, as_of=DUE).schema == {**nothing.schema, **ADDED}
    assert first_days(nothing, POLICY, on=DUE).schema == {**nothing.schema, **ADDED}


def test_a_booking_does_not_keep_a_visit_from_the_clinician_s_rung() -> None:
    days = {rung: DUE + timedelta(days=days) for rung, days in (("due", 0), ("overdue", 15), ("escalated", 28))}

    unless_booked = {rung: standing(a_visit(), POLICY, day)[0][5] for rung, day in days.items()}

    assert unless_booked == {"due": True, "overdue": True, "escalated": False}


def test_several_rungs_may_be_reached_on_one_day_the_lowest_first() -> None:
    policy = a_policy(a_rung("due", CountedFrom.DUE, 0), a_rung("overdue", CountedFrom.CLOSES, 0))
    visits = pl.concat([a_visit(visit_id=2, days=0), a_visit(visit_id=1, days=0)])

    found = first_days(visits, policy, on=DUE)

    assert found.select("visit_id", "rung", "rank").rows() == [
        (1, "due", 0),
        (1, "overdue", 1),
        (2, "due", 0),
        (2, "overdue", 1),
    ]


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_rung_has_one_first_day(days: int) -> None:
    on = date(2026, 4, 15) + timedelta(days=days)

    found = first_days(a_visit(), POLICY, on=on)

    expected = [("overdue", 2, on, 1, on, True, True)] if days == 0 else []
    assert found.select(*ADDED).rows() == expected


def test_a_repeat_is_no_first_day() -> None:
    assert first_days(a_visit(), POLICY, on=date(2026, 4, 22)).is_empty()


@pytest.mark.parametrize(
    ("rung", "days"),
    [
        pytest.param(a_rung("upcoming", CountedFrom.OPENS, -14), 14, id="before it opens"),
        pytest.param(a_rung("upcoming", CountedFrom.DUE, -20), 20, id="before a window of one day"),
        pytest.param(a_rung("due", CountedFrom.OPENS, 0), 0, id="on the day it opens"),
        pytest.param(a_rung("overdue", CountedFrom.CLOSES, 1), 0, id="after the window"),
    ],
)
def test_no_visit_reaches_a_rung_earlier_than_that_before_it_opens(rung: VisitRung, days: int) -> None:
    assert earliest_reach(a_policy(rung)) == days


def test_a_task_stands_on_the_highest_of_its_own_rungs() -> None:
    tasks = pl.concat(
        [
            a_task(Task.UNREAD_RESULT, opened_on=date(2026, 5, 1), due_on=date(2026, 5, 8)),
            a_task(Task.SIGN_PATHOLOGY, opened_on=date(2026, 5, 1), due_on=date(2026, 5, 1)),
            a_task(Task.FIND_PATIENT, opened_on=date(2026, 5, 1), due_on=date(2026, 5, 1)),
        ]
    )

    found = {
        day: task_rungs(tasks, POLICY, as_of=date(2026, 5, day)).select("task", "rung", "rank", "occurrence").rows()
        for day in (7, 8, 14, 15)
    }

    assert found == {
        7: [("sign_pathology", "due", 1, 1)],
        8: [("unread_result", "due", 0, 1), ("sign_pathology", "due", 1, 2)],
        14: [("unread_result", "due", 0, 3), ("sign_pathology", "due", 1, 2)],
        15: [("unread_result", "escalated", 2, 1), ("sign_pathology", "due", 1, 3)],
    }


def test_a_policy_that_says_nothing_of_tasks_reminds_of_none() -> None:
    tasks = a_task(Task.FIND_PATIENT, opened_on=DUE, due_on=DUE)

    found = task_rungs(tasks, a_policy(tasks=()), as_of=DUE)

    assert found.is_empty()
    assert found.columns == [*tasks.columns, *ADDED]
    assert task_reminders(tasks, a_policy(tasks=()), until=DUE).is_empty()


def test_every_reminder_of_a_visit_that_nobody_holds() -> None:
    found = visit_reminders(a_visit(), POLICY, until=date(2026, 5, 12))

    assert found.select("occurs_on", "rung", "occurrence").rows() == [
        (date(2026, 3, 3), "upcoming", 1),
        (date(2026, 3, 31), "due", 1),
        (date(2026, 4, 15), "overdue", 1),
        (date(2026, 4, 22), "overdue", 2),
        (date(2026, 4, 28), "escalated", 1),
        (date(2026, 5, 12), "possibly_lost", 1),
    ]


def by_hand(*, opens_on: date, due_on: date, closes_on: date, as_of: date) -> list[Standing]:
    """The same, one visit at a time."""
    days = {CountedFrom.OPENS: opens_on, CountedFrom.DUE: due_on, CountedFrom.CLOSES: closes_on}
    reached = [
        (rank, rung, days[rung.counted_from] + timedelta(days=rung.offset_days)) for rank, rung in enumerate(ESCALATION)
    ]
    held = [each for each in reached if each[2] <= as_of]
    if not held:
        return []
    rank, rung, on = held[-1]
    times = (as_of - on).days // rung.repeats_every_days if rung.repeats_every_days else 0
    occurs_on = on + timedelta(days=times * (rung.repeats_every_days or 0))
    return [(rung.rung, rank, on, times + 1, occurs_on, rung.unless_booked, rung.unless_missed)]


@given(
    due_on=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    before=st.integers(0, 40),
    after=st.integers(0, 40),
    later=st.integers(-80, 200),
)
def test_whatever_the_window_it_is_what_one_would_count_by_hand(
    due_on: date, before: int, after: int, later: int
) -> None:
    window = {
        "opens_on": due_on - timedelta(days=before),
        "due_on": due_on,
        "closes_on": due_on + timedelta(days=after),
    }
    as_of = due_on + timedelta(days=later)

    found = standing(pl.DataFrame([{"visit_id": 1} | window]), POLICY, as_of)

    assert found == by_hand(**window, as_of=as_of)


@given(days=st.integers(0, 40), later=st.integers(-60, 120))
def test_a_visit_never_falls_back_to_a_lower_rung(days: int, later: int) -> None:
    visit, today = a_visit(days=days), DUE + timedelta(days=later)

    ranks = [visit_rungs(visit, POLICY, as_of=day)["rank"].to_list() for day in (today, today + timedelta(days=1))]

    assert ranks == sorted(ranks)
