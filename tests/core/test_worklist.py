"""The state of each open visit as of a day, and who comes first."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.worklist import State, with_states, worklist
from tests.core.protocol_documents import a_plan

OPENS_ON, DUE_ON, CLOSES_ON = date(2026, 3, 17), date(2026, 3, 31), date(2026, 4, 14)
DAY = timedelta(days=1)


def a_visit(**overrides: Any) -> dict[str, Any]:
    """An open visit of a patient who is followed at standard intensity."""
    visit = {
        "patient_id": 7,
        "episode_id": 1,
        "intensity": "standard",
        "grid_month": 2,
        "opens_on": OPENS_ON,
        "due_on": DUE_ON,
        "closes_on": CLOSES_ON,
        "status": "open",
    }
    return visit | overrides


def later(months: int, **overrides: Any) -> dict[str, Any]:
    """The same patient's visit so many 30-day months later."""
    days = timedelta(days=30 * months)
    dates = {"opens_on": OPENS_ON + days, "due_on": DUE_ON + days, "closes_on": CLOSES_ON + days}
    return a_visit(grid_month=2 + months, **dates | overrides)


@pytest.mark.parametrize(
    ("as_of", "state", "days_overdue"),
    [
        pytest.param(OPENS_ON - DAY, "upcoming", 0, id="the day before its window opens"),
        pytest.param(OPENS_ON, "due", 0, id="the day its window opens"),
        pytest.param(DUE_ON, "due", 0, id="the due day"),
        pytest.param(CLOSES_ON, "due", 0, id="the day its window closes"),
        pytest.param(CLOSES_ON + DAY, "overdue", 1, id="the day after its window closes"),
        pytest.param(CLOSES_ON + 30 * DAY, "overdue", 30, id="thirty days after"),
    ],
)
def test_a_visit_is_overdue_the_day_after_its_window_closes(as_of: date, state: str, days_overdue: int) -> None:
    visits = with_states(pl.DataFrame([a_visit()]), as_of=as_of)

    assert visits.select("state", "days_overdue").rows() == [(state, days_overdue)]


@pytest.mark.parametrize(
    ("as_of", "states"),
    [
        pytest.param(OPENS_ON + 60 * DAY - DAY, ["overdue", "upcoming"], id="the day before the next one opens"),
        pytest.param(OPENS_ON + 60 * DAY, ["missed", "due"], id="the day the next one opens"),
    ],
)
def test_an_unanswered_visit_is_missed_once_the_next_ones_window_opens(as_of: date, states: list[str]) -> None:
    visits = with_states(pl.DataFrame([a_visit(), later(2)]), as_of=as_of)

    assert visits["state"].to_list() == states


def test_a_visit_is_not_missed_while_its_own_window_is_open() -> None:
    catch_up = later(0, origin="catch_up", due_on=DUE_ON + DAY)

    visits = with_states(pl.DataFrame([a_visit(origin="grid"), catch_up]), as_of=DUE_ON)

    assert visits["state"].to_list() == ["due", "due"]


def test_the_next_row_counts_the_misses() -> None:
    visits = pl.DataFrame([a_visit(), later(2), later(4), later(6)])

    listed = with_states(visits, as_of=OPENS_ON + 125 * DAY)

    assert listed.select("grid_month", "state", "missed_before").rows() == [
        (2, "missed", 0),
        (4, "missed", 0),
        (6, "due", 2),
        (8, "upcoming", 0),
    ]


def test_misses_before_an_answered_visit_no_longer_count() -> None:
    visits = pl.DataFrame([a_visit(status="missed"), later(2, status="done"), later(4, status="missed"), later(6)])

    listed = with_states(visits, as_of=OPENS_ON + 180 * DAY)

    assert listed.select("grid_month", "missed_before").rows() == [(8, 1)]


def test_a_withdrawn_visit_makes_nothing_missed() -> None:
    visits = pl.DataFrame([a_visit(), later(2, status="withdrawn")])

    assert with_states(visits, as_of=OPENS_ON + 60 * DAY)["state"].to_list() == ["overdue"]


def test_another_patients_visits_make_nothing_missed() -> None:
    visits = pl.DataFrame([a_visit(), later(2, patient_id=8, episode_id=2)])

    assert with_states(visits, as_of=OPENS_ON + 60 * DAY)["state"].to_list() == ["overdue", "due"]


def test_the_list_holds_what_is_due_and_overdue_unless_asked_otherwise() -> None:
    visits = pl.DataFrame([a_visit(), later(2), later(4)])
    as_of = OPENS_ON + 60 * DAY

    usual = worklist(visits, as_of=as_of)
    everything = worklist(visits, as_of=as_of, states=list(State))

    assert usual["state"].to_list() == ["due"]
    assert everything["state"].to_list() == ["due", "upcoming", "missed"]


def test_the_most_urgent_comes_first() -> None:
    visits = pl.DataFrame(
        [
            a_visit(patient_id=1, episode_id=1, **_window(opens=3)),
            a_visit(patient_id=2, episode_id=2, **_window(opens=-10, due=5)),
            a_visit(patient_id=3, episode_id=3, **_window(opens=-10, due=2)),
            a_visit(patient_id=4, episode_id=4, intensity="basic", **_window(closes=-20)),
            a_visit(patient_id=5, episode_id=5, intensity="intensive", **_window(closes=-7)),
            a_visit(patient_id=6, episode_id=6, intensity="standard", **_window(closes=-10)),
            a_visit(patient_id=7, episode_id=7, intensity="intensive", **_window(closes=-6)),
        ]
    )

    listed = worklist(visits, as_of=DUE_ON, states=list(State))

    assert listed["patient_id"].to_list() == [5, 4, 6, 7, 3, 2, 1]


def test_equally_urgent_visits_stand_in_the_order_of_the_patients() -> None:
    visits = pl.DataFrame([a_visit(episode_id=number, mrn=f"M{number}") for number in (3, 1, 2)])

    listed = worklist(visits, as_of=DUE_ON, tie_break="mrn")

    assert listed["mrn"].to_list() == ["M1", "M2", "M3"]


def test_an_empty_registry_has_an_empty_list() -> None:
    visits = pl.DataFrame([a_visit()]).clear()

    assert worklist(visits, as_of=DUE_ON).is_empty()


@settings(deadline=None, max_examples=60)
@given(as_of=st.dates(date(2026, 1, 31), date(2036, 6, 1)))
def test_at_most_one_visit_of_a_plan_asks_to_be_done(as_of: date) -> None:
    visits = a_plan().with_columns(patient_id=1, intensity=pl.lit("intensive"), status=pl.lit("open"))

    listed = worklist(visits, as_of=as_of)

    assert listed.height <= 1


def _window(*, opens: int = -60, due: int = -30, closes: int = 30) -> dict[str, date]:
    """A window in days from the day of the list."""
    due = min(due, closes)
    return {
        "opens_on": DUE_ON + opens * DAY,
        "due_on": DUE_ON + max(due, opens) * DAY,
        "closes_on": DUE_ON + closes * DAY,
    }
