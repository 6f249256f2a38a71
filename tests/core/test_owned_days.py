"""Which visit owns which day: every day has one owner, the one due nearest."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.owned_days import owners
from tests.core.examined import (
    ANCHOR_ON,
    DAY,
    DUE_ON,
    LIVER,
    MIDPOINT,
    OPENS_ON,
    Row,
    a_visit,
    days_after_surgery,
    planned_visits,
    plans_with_visits_beside_the_grid,
    two_visits,
    visits_frame,
)

DAYS = [ANCHOR_ON + timedelta(days=number) for number in range(-30, 900)]


def owned(visits: list[Row], days: list[date]) -> list[int | None]:
    """The owner of each day, for episode 1."""
    examinations = pl.DataFrame({"performed_on": days}).with_row_index("examination_id")
    rows = examinations.with_columns(pl.col("examination_id").cast(pl.Int64), episode_id=pl.lit(1, dtype=pl.Int64))
    found: list[int | None] = owners(rows, visits_frame(visits)).sort("examination_id")["visit_id"].to_list()
    return found


def nearest(visits: list[Row], day: date) -> int | None:
    """The owner of a day as the rule reads, one visit after the other."""
    standing = [visit for visit in visits if visit["status"] not in ("withdrawn", "censored")]
    grid = [visit for visit in standing if visit["origin"] == "grid"]
    has_started = bool(grid) and min(visit["opens_on"] for visit in grid) <= day
    beside = [visit for visit in standing if visit["origin"] != "grid" and visit["opens_on"] <= day]
    asking = [*(grid if has_started else []), *beside]
    order = sorted(asking, key=lambda visit: (abs(visit["due_on"] - day), visit["due_on"], visit["visit_id"]))
    return order[0]["visit_id"] if order else None


@pytest.mark.parametrize(
    ("day", "owner"),
    [
        pytest.param(OPENS_ON - DAY, None, id="the day before the first window opens"),
        pytest.param(OPENS_ON, 10, id="the day it opens"),
        pytest.param(MIDPOINT, 10, id="the midpoint"),
        pytest.param(MIDPOINT + DAY, 11, id="the day after the midpoint"),
        pytest.param(date(2040, 1, 1), 11, id="without end"),
    ],
)
def test_a_visit_owns_the_days_from_midpoint_to_midpoint(day: date, owner: int | None) -> None:
    assert owned(two_visits(), [day]) == [owner]


def test_two_visits_an_odd_number_of_days_apart_have_no_day_between_them() -> None:
    visits = [a_visit(), a_visit(visit_id=11, due_on=DUE_ON + 61 * DAY)]

    assert owned(visits, [DUE_ON + 30 * DAY, DUE_ON + 31 * DAY]) == [10, 11]


def test_a_visit_beside_the_grid_owns_nothing_before_its_window_opens() -> None:
    opened_by_a_scan_on = OPENS_ON + DAY
    suspicious = a_visit(
        visit_id=12,
        origin="suspicious",
        procedures=[LIVER],
        opens_on=opened_by_a_scan_on + DAY,
        due_on=opened_by_a_scan_on + 10 * DAY,
    )

    assert owned([*two_visits(), suspicious], [opened_by_a_scan_on, opened_by_a_scan_on + DAY]) == [10, 12]


def test_of_two_visits_due_on_one_day_the_lower_number_owns() -> None:
    catch_up = a_visit(visit_id=9, origin="catch_up", opens_on=DUE_ON)

    assert owned([*two_visits(), catch_up], [DUE_ON - DAY, DUE_ON, MIDPOINT]) == [10, 9, 9]
    assert owned([*two_visits(), a_visit(visit_id=9)], [OPENS_ON, DUE_ON + DAY, MIDPOINT, MIDPOINT + DAY]) == [
        9,
        9,
        9,
        11,
    ]


@settings(deadline=None, max_examples=40)
@given(visits=plans_with_visits_beside_the_grid())
def test_every_day_belongs_to_the_visit_due_nearest(visits: list[Row]) -> None:
    assert owned(visits, DAYS) == [nearest(visits, day) for day in DAYS]


@settings(deadline=None, max_examples=30)
@given(intensity=st.sampled_from(["basic", "standard", "intensive"]))
def test_the_days_of_a_plan_are_divided_without_gap_or_overlap(intensity: str) -> None:
    visits = planned_visits(intensity=intensity, horizon_month=24)
    days = [day for day in DAYS if day >= visits[0]["opens_on"]]

    found = owned(visits, days)

    assert None not in found
    assert list(dict.fromkeys(found)) == [visit["visit_id"] for visit in visits]
    assert found == sorted(found, key=lambda owner: owner or 0)


@settings(deadline=None, max_examples=40)
@given(visits=plans_with_visits_beside_the_grid(), opens_on=days_after_surgery(0, 700), days=st.integers(0, 60))
def test_a_visit_added_beside_the_grid_takes_no_day_before_its_own_window(
    visits: list[Row], opens_on: date, days: int
) -> None:
    added = a_visit(visit_id=200, origin="catch_up", opens_on=opens_on, due_on=opens_on + days * DAY)
    before = [day for day in DAYS if day < opens_on]

    assert owned([*visits, added], before) == owned(visits, before)
