"""What the database promises of follow-up, by the name of the constraint, on both databases."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from scheduler.store.errors import PromiseBroken, StoredAlready, StoreMisused
from scheduler.store.registry import Registry
from tests.databases import MOMENT, Followed
from tests.follow_up_rows import (
    some_bookings,
    some_events,
    some_examinations,
    some_overrides,
    some_plan_changes,
    some_verdicts,
    with_follow_up,
)

Rows = Callable[[Followed], pl.DataFrame]


def examinations(**cells: object) -> Rows:
    """Another examination of the patient's day."""
    return lambda to: some_examinations([9], to.patients, to.episodes, **{"number": 2, **cells})


def verdicts(**cells: object) -> Rows:
    """Another verdict on the patient's examination."""
    return lambda to: some_verdicts(to.patients, to.episodes, to.visits, **cells)


def bookings(**cells: object) -> Rows:
    """Another version of the visit's appointment."""
    return lambda to: some_bookings([9], to.visits, **{"version": 2, **cells})


def events(**cells: object) -> Rows:
    """Another event of the patient."""
    return lambda to: some_events([9], to.patients, to.episodes, **cells)


def overrides(**cells: object) -> Rows:
    """Another override of the plan."""
    return lambda to: some_overrides([9], to.episodes, **cells)


def plan_changes(**cells: object) -> Rows:
    """Another change by the plan."""
    return lambda to: some_plan_changes([9], to.episodes, **cells)


OF_A_VISIT = {"kind": "visit", "intensity": None, "origin": "grid", "grid_month": 2}

BROKEN: dict[str, tuple[str, Rows]] = {
    "ck_examinations_state": ("examinations", examinations(state="planned")),
    "ck_examinations_result_status": ("examinations", examinations(result_status="preliminary")),
    "ck_examinations_finding": ("examinations", examinations(finding="recurrence")),
    "ck_examinations_number": ("examinations", examinations(number=0)),
    "ck_examinations_version": ("examinations", examinations(version=0, reason="x")),
    "ck_examinations_final_has_a_finding_or_value": ("examinations", examinations(finding=None)),
    "ck_examinations_correction_has_a_reason": ("examinations", examinations(version=2)),
    "ck_examinations_reviewed_by_somebody": ("examinations", examinations(reviewed_by="dr.lee")),
    "ck_verdicts_verdict": ("verdicts", verdicts(verdict="good")),
    "ck_verdicts_answers_a_visit": ("verdicts", verdicts(visit_id=None)),
    "ck_bookings_state": ("bookings", bookings(state="moved")),
    "ck_bookings_version": ("bookings", bookings(version=0)),
    "ck_bookings_at": ("bookings", bookings(at="9:30")),
    "ck_bookings_not_kept_says_why": ("bookings", bookings(state="missed")),
    "ck_events_event": ("events", events(event="relapse")),
    "ck_events_number": ("events", events(happened_on=date(2026, 5, 1), number=0)),
    "ck_events_withdrawn_says_by_whom_and_why": ("events", events(detail="lung", withdrawn_by="dr.lee")),
    "ck_overrides_kind": ("overrides", overrides(kind="protocol")),
    "ck_overrides_intensity": ("overrides", overrides(intensity="high")),
    "ck_overrides_origin": ("overrides", overrides(**{**OF_A_VISIT, "origin": "telephone"})),
    "ck_overrides_of_intensity_names_it_only": ("overrides", overrides(grid_month=2)),
    "ck_overrides_of_visit_names_it_only": ("overrides", overrides(**{**OF_A_VISIT, "grid_month": None})),
    "ck_overrides_ended_by_somebody": ("overrides", overrides(ended_at=MOMENT)),
    "ck_plan_changes_change": ("plan_changes", plan_changes(change="kept")),
    "ck_plan_changes_origin": ("plan_changes", plan_changes(origin="telephone")),
}

STORED_ALREADY: dict[str, tuple[str, Rows]] = {
    "a version of an examination": ("examinations", examinations(number=1)),
    "a second verdict on an examination": ("verdicts", verdicts(verdict="extra")),
    "a version of a booking": ("bookings", bookings(version=1)),
    "an event of which nothing more is said": ("events", events()),
}

TOLD_APART: dict[str, tuple[str, Rows]] = {
    "a second examination of a procedure on a day": ("examinations", examinations()),
    "a marker with a value and no finding": ("examinations", examinations(procedure="afp", finding=None, value=4.2)),
    "a result that is awaited": ("examinations", examinations(result_status="pending", finding=None)),
    "a correction with its reason": ("examinations", examinations(number=1, version=2, reason="read again")),
    "an event of the same day with a detail": ("events", events(detail="lung")),
    "an appointment without a time": ("bookings", bookings(at=None)),
    "a no-show with its reason": ("bookings", bookings(state="missed", reason="unwell")),
    "an event recorded again after it was taken back": ("events", events(number=2)),
    "a hand-over that is acknowledged": ("events", events(event="acknowledged")),
    "an override of one visit's day": ("overrides", overrides(**OF_A_VISIT, due_on=date(2026, 2, 25))),
}

ORPHANS: dict[str, tuple[str, pl.DataFrame]] = {
    "an examination of nobody": ("examinations", some_examinations([9], [99], [1])),
    "an examination in no episode": ("examinations", some_examinations([9], [1], [99], number=2)),
    "a verdict on no examination": ("verdicts", some_verdicts([99], [1], [1])),
    "a booking of no visit": ("bookings", some_bookings([9], [99])),
    "an event of nobody": ("events", some_events([9], [99], [1])),
    "an override of no episode": ("overrides", some_overrides([9], [99])),
    "a change by no plan": ("plan_changes", some_plan_changes([9], [1], plan_version=2)),
}


def append(registry: Registry, table: str, frame: pl.DataFrame) -> None:
    """Store the rows, though nobody says who did."""
    with registry.transaction() as transaction:
        transaction.append(table, frame)


@pytest.mark.parametrize("promise", BROKEN)
def test_a_row_that_breaks_a_promise_is_refused_by_name(registry: Registry, promise: str) -> None:
    followed = with_follow_up(registry, 1)
    table, broken = BROKEN[promise]

    with pytest.raises(PromiseBroken, match=promise):
        append(registry, table, broken(followed))


@pytest.mark.parametrize("twice", STORED_ALREADY)
def test_what_there_is_once_is_not_stored_twice(registry: Registry, twice: str) -> None:
    followed = with_follow_up(registry, 1)
    table, again = STORED_ALREADY[twice]

    with pytest.raises(StoredAlready, match=f"one of the {table} "):
        append(registry, table, again(followed))


@pytest.mark.parametrize("apart", TOLD_APART)
def test_what_differs_stands_beside_the_other_and_must_be_audited(registry: Registry, apart: str) -> None:
    followed = with_follow_up(registry, 1)
    table, rows = TOLD_APART[apart]

    with pytest.raises(StoreMisused, match=rf"\['{table}'\] were changed and no audit row says so"):
        append(registry, table, rows(followed))


@pytest.mark.parametrize("orphan", ORPHANS)
def test_a_row_without_what_it_belongs_to_is_refused(registry: Registry, orphan: str) -> None:
    with_follow_up(registry, 1)
    table, rows = ORPHANS[orphan]

    with pytest.raises(PromiseBroken, match=r"FOREIGN KEY|fk_"):
        append(registry, table, rows)


def test_an_events_detail_is_empty_and_never_missing(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)

    with pytest.raises(PromiseBroken, match="detail"):
        append(registry, "events", events(detail=None)(followed))

    with registry.reading() as reading:
        assert reading.events_of().select("detail", "number").rows() == [("", 1)]
