"""Months from an anchor, windows, working days."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.calendar import (
    WorkingDays,
    day_months_after,
    due_day,
    months_after,
    shortest_days,
    whole_months_between,
    with_due_on,
)

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
CLOSED_AROUND_NEW_YEAR = frozenset(date(2026, 1, 1) + timedelta(days=offset) for offset in range(-7, 8))


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        pytest.param(date(2026, 1, 31), 1, date(2026, 2, 28), id="31 January + 1"),
        pytest.param(date(2026, 1, 31), 2, date(2026, 3, 31), id="31 January + 2, without drift"),
        pytest.param(date(2024, 1, 31), 1, date(2024, 2, 29), id="31 January + 1 in a leap year"),
        pytest.param(date(2024, 2, 29), 12, date(2025, 2, 28), id="29 February + 12"),
        pytest.param(date(2024, 2, 29), 48, date(2028, 2, 29), id="29 February + 48"),
        pytest.param(date(2025, 8, 31), 6, date(2026, 2, 28), id="31 August + 6"),
        pytest.param(date(2025, 11, 30), 3, date(2026, 2, 28), id="30 November + 3"),
        pytest.param(date(2026, 12, 15), 1, date(2027, 1, 15), id="over the year's end"),
        pytest.param(date(2026, 5, 5), 0, date(2026, 5, 5), id="the anchor itself"),
    ],
)
def test_a_day_that_does_not_exist_clamps_to_the_months_end(anchor: date, months: int, expected: date) -> None:
    assert day_months_after(anchor, months) == expected


@settings(deadline=None)
@given(anchor=DAYS, months=st.lists(st.integers(0, 300), min_size=1, max_size=20))
def test_a_frame_of_months_agrees_with_plain_arithmetic(anchor: date, months: list[int]) -> None:
    frame = pl.DataFrame({"anchor_on": [anchor] * len(months), "grid_month": months})

    days = frame.select(day=months_after(pl.col("anchor_on"), pl.col("grid_month")))["day"].to_list()

    assert days == [_plain_months_after(anchor, each) for each in months]


@settings(deadline=None)
@given(anchor=DAYS, later=DAYS)
def test_so_many_whole_months_have_passed_and_not_one_more(anchor: date, later: date) -> None:
    frame = pl.DataFrame({"earlier": [min(anchor, later)], "later": [max(anchor, later)]})

    months = frame.select(whole_months_between(pl.col("earlier"), pl.col("later"))).item()

    earlier = min(anchor, later)
    assert _plain_months_after(earlier, months) <= max(anchor, later) < _plain_months_after(earlier, months + 1)


@settings(deadline=None)
@given(anchor=DAYS, start=st.integers(0, 60), months=st.integers(1, 24))
def test_no_interval_is_shorter_than_its_shortest_length(anchor: date, start: int, months: int) -> None:
    length = (day_months_after(anchor, start + months) - day_months_after(anchor, start)).days

    assert length >= shortest_days(months)


@pytest.mark.parametrize(
    ("grid_on", "opens_on", "closes_on", "working_days", "expected"),
    [
        pytest.param(
            date(2026, 3, 31), date(2026, 3, 17), date(2026, 4, 14), WorkingDays(), date(2026, 3, 31), id="a Tuesday"
        ),
        pytest.param(
            date(2026, 2, 28), date(2026, 2, 14), date(2026, 3, 14), WorkingDays(), date(2026, 3, 2), id="a Saturday"
        ),
        pytest.param(
            date(2026, 2, 28),
            date(2026, 2, 14),
            date(2026, 3, 14),
            WorkingDays(closed=frozenset({date(2026, 3, 2)})),
            date(2026, 3, 3),
            id="a Saturday before a holiday",
        ),
        pytest.param(
            date(2026, 3, 12),
            date(2026, 2, 26),
            date(2026, 3, 26),
            WorkingDays(weekend=frozenset({3, 4})),
            date(2026, 3, 14),
            id="a Thursday where that is the weekend",
        ),
        pytest.param(
            date(2026, 2, 28),
            date(2026, 2, 14),
            date(2026, 3, 1),
            WorkingDays(),
            date(2026, 2, 27),
            id="back to Friday",
        ),
        pytest.param(
            date(2026, 2, 28),
            date(2026, 2, 14),
            date(2026, 3, 2),
            WorkingDays(),
            date(2026, 3, 2),
            id="on its last day",
        ),
        pytest.param(
            date(2026, 2, 28),
            date(2026, 2, 28),
            date(2026, 3, 1),
            WorkingDays(),
            date(2026, 2, 28),
            id="no working day",
        ),
        pytest.param(
            date(2026, 1, 1),
            date(2025, 12, 25),
            date(2026, 1, 8),
            WorkingDays(closed=CLOSED_AROUND_NEW_YEAR),
            date(2026, 1, 1),
            id="closed throughout",
        ),
    ],
)
def test_a_visit_is_due_on_a_working_day_of_its_window(
    grid_on: date, opens_on: date, closes_on: date, working_days: WorkingDays, expected: date
) -> None:
    assert due_day(grid_on, opens_on=opens_on, closes_on=closes_on, working_days=working_days) == expected


@settings(deadline=None)
@given(
    grid_on=st.dates(date(2026, 1, 1), date(2026, 3, 1)),
    before=st.integers(0, 10),
    after=st.integers(0, 10),
    weekend=st.frozensets(st.integers(0, 6)),
    closed=st.frozensets(st.dates(date(2025, 12, 20), date(2026, 3, 12)), max_size=40),
)
def test_the_due_day_agrees_with_a_search_day_by_day(
    grid_on: date, before: int, after: int, weekend: frozenset[int], closed: frozenset[date]
) -> None:
    opens_on, closes_on = grid_on - timedelta(days=before), grid_on + timedelta(days=after)
    working_days = WorkingDays(weekend=weekend, closed=closed)

    due_on = due_day(grid_on, opens_on=opens_on, closes_on=closes_on, working_days=working_days)

    forwards = [grid_on + timedelta(days=days) for days in range(after + 1)]
    backwards = [grid_on - timedelta(days=days) for days in range(1, before + 1)]
    assert due_on == next(filter(working_days.includes, forwards + backwards), grid_on)


def test_no_windows_have_no_due_days() -> None:
    empty = pl.DataFrame(schema={"grid_on": pl.Date, "opens_on": pl.Date, "closes_on": pl.Date})

    assert with_due_on(empty, WorkingDays()).schema["due_on"] == pl.Date


def _plain_months_after(anchor: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(following - timedelta(days=1), date(year, month + 1, 1) + timedelta(days=anchor.day - 1))
