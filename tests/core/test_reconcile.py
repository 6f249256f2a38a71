"""A new plan against what exists: what is kept, moved, added, withdrawn and left alone."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.reconcile import CHANGES, KEY, WINDOW, reconcile
from tests.core.protocol_documents import a_plan
from tests.core.visits_to_reconcile import CLOSES_ON, LIVER, a_visit, applied, existing

INTENSITIES = st.sampled_from(["basic", "standard", "intensive", None])


def change_of(before: dict[str, Any] | None, after: dict[str, Any] | None, **options: Any) -> tuple[Any, ...] | None:
    """What becomes of one visit and why; None where it is not mentioned."""
    changes = reconcile(
        existing(before) if before else existing(),
        existing(after) if after else existing(),
        **{"today": date(2026, 2, 1)} | options,
    )
    return changes.select("change", "reason").row(0) if changes.height else None


def test_the_same_visit_is_kept_whatever_the_order_of_its_procedures() -> None:
    assert change_of(a_visit(), a_visit(procedures=["afp", LIVER])) == ("kept", "the same in the new plan")


def test_a_visit_on_another_day_is_moved_and_says_from_when_to_when() -> None:
    changes = reconcile(
        existing(a_visit()),
        existing(a_visit(due_on=date(2026, 4, 1), procedures=[LIVER, "chest_ct"])),
        today=date(2026, 2, 1),
    )

    assert changes.to_dicts() == [
        {
            "visit_id": 1,
            "episode_id": 1,
            "origin": "grid",
            "grid_month": 2,
            "change": "moved",
            "reason": "due 2026-03-31 → 2026-04-01; now with chest_ct; no longer with afp",
            "procedures": [LIVER, "chest_ct"],
            "opens_on": date(2026, 2, 28),
            "due_on": date(2026, 4, 1),
            "closes_on": CLOSES_ON,
            "was_procedures": [LIVER, "afp"],
            "was_due_on": date(2026, 3, 31),
        }
    ]


def test_a_wider_window_alone_is_a_move() -> None:
    wider = a_visit(closes_on=date(2026, 4, 30))

    assert change_of(a_visit(), wider) == (
        "moved",
        "window 2026-02-28 to 2026-04-14 → 2026-02-28 to 2026-04-30",
    )


def test_a_visit_ahead_that_the_plan_no_longer_holds_is_withdrawn() -> None:
    assert change_of(a_visit(), None) == ("withdrawn", "not in the new plan")


@pytest.mark.parametrize("status", ["done", "missed", "censored", "withdrawn"])
def test_what_is_no_longer_open_is_left(status: str) -> None:
    assert change_of(a_visit(status=status), None) == ("left", f"already {status}")


@pytest.mark.parametrize("status", ["done", "missed", "censored"])
def test_what_happened_stays_even_where_the_plan_wants_it_elsewhere(status: str) -> None:
    assert change_of(a_visit(status=status), a_visit(due_on=date(2026, 4, 1)), whole=True) == (
        "left",
        f"already {status}",
    )


@pytest.mark.parametrize("origin", ["catch_up", "suspicious"])
def test_a_visit_that_no_plan_lays_out_is_left(origin: str) -> None:
    assert change_of(a_visit(origin=origin), None) == ("left", f"a {origin} visit, which no plan lays out")


@pytest.mark.parametrize(
    ("today", "change"),
    [
        pytest.param(CLOSES_ON - timedelta(days=1), "withdrawn", id="the day before it closes"),
        pytest.param(CLOSES_ON, "withdrawn", id="the day it closes"),
        pytest.param(CLOSES_ON + timedelta(days=1), "left", id="the day after"),
    ],
)
def test_an_open_visit_is_past_the_day_after_its_window_closes(today: date, change: str) -> None:
    found = change_of(a_visit(), None, today=today)

    assert found is not None
    assert found[0] == change


@pytest.mark.parametrize(
    ("today", "whole", "added"),
    [
        pytest.param(CLOSES_ON, False, True, id="the day it closes"),
        pytest.param(CLOSES_ON + timedelta(days=1), False, False, id="the day after"),
        pytest.param(CLOSES_ON + timedelta(days=1), True, True, id="the day after, a whole plan"),
    ],
)
def test_a_new_visit_is_added_while_it_can_still_be_answered(today: date, whole: bool, added: bool) -> None:
    expected = ("added", "new in the plan") if added else None

    assert change_of(None, a_visit(), today=today, whole=whole) == expected


def test_a_withdrawn_visit_that_the_plan_wants_again_is_added_back() -> None:
    changes = reconcile(existing(a_visit(status="withdrawn")), existing(a_visit()), today=date(2026, 2, 1))

    assert changes.select("visit_id", "change", "reason").rows() == [
        (1, "added", "withdrawn before, in the plan again")
    ]


def test_a_withdrawn_visit_that_is_past_is_not_added_back() -> None:
    found = change_of(a_visit(status="withdrawn"), a_visit(), today=CLOSES_ON + timedelta(days=1))

    assert found == ("left", "already withdrawn")


def test_nothing_against_nothing_is_nothing() -> None:
    changes = reconcile(existing(), existing(), today=date(2026, 2, 1))

    assert changes.is_empty()
    assert dict(changes.schema) == CHANGES


def test_pathology_that_lowers_the_intensity_replaces_what_lies_ahead() -> None:
    surgery = a_plan(intensity="intensive", horizon_month=12)
    before = surgery.with_columns(visit_id=pl.int_range(pl.len()), status=pl.lit("open"))
    pathology = a_plan(intensity="basic", horizon_month=12)

    changes = reconcile(before, pathology, today=date(2026, 4, 20))

    assert changes.select("grid_month", "change").rows() == [
        (2, "left"),
        (3, "added"),
        (4, "withdrawn"),
        (6, "kept"),
        (8, "withdrawn"),
        (9, "added"),
        (10, "withdrawn"),
        (12, "moved"),
    ]


@settings(deadline=None, max_examples=50)
@given(first=INTENSITIES, then=INTENSITIES, today=st.dates(date(2026, 1, 31), date(2028, 1, 31)), whole=st.booleans())
def test_reconciling_again_changes_nothing(first: str | None, then: str | None, today: date, whole: bool) -> None:
    planned = [a_plan(intensity=intensity, horizon_month=36) for intensity in (first, then)]
    visits = applied(existing(), reconcile(existing(), planned[0], today=date(2026, 1, 31), whole=True))
    changed = applied(visits, reconcile(visits, planned[1], today=today, whole=whole))

    again = reconcile(changed, planned[1], today=today, whole=whole)

    assert set(again["change"]) <= {"kept", "left"}
    assert again.select(*KEY, *WINDOW).equals(changed.select(*KEY, *WINDOW))


@settings(deadline=None, max_examples=50)
@given(first=INTENSITIES, then=INTENSITIES, today=st.dates(date(2026, 1, 31), date(2028, 1, 31)))
def test_every_planned_visit_that_is_ahead_is_open_afterwards(first: str | None, then: str | None, today: date) -> None:
    planned = [a_plan(intensity=intensity, horizon_month=36) for intensity in (first, then)]
    visits = applied(existing(), reconcile(existing(), planned[0], today=date(2026, 1, 31)))

    changed = applied(visits, reconcile(visits, planned[1], today=today))

    ahead = pl.col("closes_on") >= today
    open_ahead = changed.filter(ahead, pl.col("status") == "open").select(*KEY)
    assert set(planned[1].filter(ahead).select(*KEY).rows()) <= set(open_ahead.rows())
