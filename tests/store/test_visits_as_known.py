"""How the visits of a plan stood at a moment, on both databases."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from scheduler.store.errors import StoreMisused
from scheduler.store.registry import Registry
from tests.databases import MOMENT, Followed, some_audit_rows, some_plans, some_visits, with_patients
from tests.follow_up_rows import LATER, add, some_plan_changes

MICROSECOND = timedelta(microseconds=1)
LATEST = LATER + timedelta(days=1)
FIRST_DUE, SECOND_DUE, THIRD_DUE = date(2026, 3, 5), date(2026, 3, 12), date(2026, 3, 19)
WAS = {"was_opens_on": date(2026, 2, 19), "was_closes_on": date(2026, 3, 19), "was_procedures": "afp|liver_ct_mri"}


def change(registry: Registry, followed: Followed, number: int, at: datetime, **cells: object) -> None:
    """Record one change of the visit of month 2, recorded at a moment."""
    add(registry, "plan_changes", some_plan_changes([number], followed.episodes, **cells), recorded_at=at)


def became(registry: Registry, followed: Followed, **cells: object) -> None:
    """Store how the visits are now."""
    with registry.transaction(recorded_at=LATEST) as transaction:
        now = pl.DataFrame({"id": followed.visits}).with_columns(
            pl.lit(value).alias(name) for name, value in cells.items()
        )
        transaction.update("visits", now, key=["id"], put=list(cells))
        transaction.append_audit(some_audit_rows(followed.patients))


def known(registry: Registry, followed: Followed, at: datetime | None) -> list[tuple[date, str]]:
    """(due, status) of each visit as known at a moment."""
    with registry.reading() as reading:
        return reading.visits_as_known(followed.episodes, at).select("due_on", "status").rows()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(MOMENT - MICROSECOND, [], id="before there was a plan"),
        pytest.param(MOMENT, [(FIRST_DUE, "open")], id="the moment of the plan"),
        pytest.param(None, [(FIRST_DUE, "open")], id="now"),
    ],
)
def test_a_visit_that_never_changed_is_known_since_its_plan(
    registry: Registry, moment: datetime | None, expected: list[tuple[date, str]]
) -> None:
    followed = with_patients(registry, 1)

    assert known(registry, followed, moment) == expected


@pytest.mark.parametrize(
    ("moment", "due_on"),
    [
        pytest.param(MOMENT, FIRST_DUE, id="before both changes"),
        pytest.param(LATER - MICROSECOND, FIRST_DUE, id="just before the first"),
        pytest.param(LATER, SECOND_DUE, id="the moment of the first"),
        pytest.param(LATEST - MICROSECOND, SECOND_DUE, id="just before the second"),
        pytest.param(LATEST, THIRD_DUE, id="the moment of the second"),
        pytest.param(None, THIRD_DUE, id="now"),
    ],
)
def test_a_visit_that_was_moved_twice_stands_as_before_the_first_change_to_come(
    registry: Registry, moment: datetime | None, due_on: date
) -> None:
    followed = with_patients(registry, 1)
    change(registry, followed, 8, LATER, change="moved", was_status="open", was_due_on=FIRST_DUE, **WAS)
    change(registry, followed, 9, LATEST, change="moved", was_status="open", was_due_on=SECOND_DUE, **WAS)
    became(registry, followed, due_on=THIRD_DUE)

    assert known(registry, followed, moment) == [(due_on, "open")]


def test_of_two_changes_in_one_transaction_the_first_says_how_it_was(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    change(registry, followed, 8, LATER, change="moved", was_status="open", was_due_on=FIRST_DUE, **WAS)
    change(registry, followed, 9, LATER, change="moved", was_status="open", was_due_on=SECOND_DUE, **WAS)
    became(registry, followed, due_on=THIRD_DUE)

    assert known(registry, followed, MOMENT) == [(FIRST_DUE, "open")]


def test_a_visit_that_was_added_later_did_not_exist_before(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    change(registry, followed, 8, LATER, change="added")

    assert known(registry, followed, LATER - MICROSECOND) == []
    assert known(registry, followed, LATER) == [(FIRST_DUE, "open")]


def test_a_visit_that_was_withdrawn_and_added_again_is_known_in_each_state(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    change(registry, followed, 8, LATER, change="withdrawn", was_status="open", was_due_on=FIRST_DUE, **WAS)
    change(registry, followed, 9, LATEST, change="added", was_status="withdrawn", was_due_on=FIRST_DUE, **WAS)

    moments = (MOMENT, LATER, LATEST)

    assert [known(registry, followed, moment)[0][1] for moment in moments] == ["open", "withdrawn", "open"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [("open", "open"), ("done", "open"), ("censored", "open"), ("missed", "missed"), ("withdrawn", "withdrawn")],
)
def test_what_follows_from_examinations_and_events_is_left_to_them(registry: Registry, stored: str, told: str) -> None:
    followed = with_patients(registry, 1)
    became(registry, followed, status=stored)

    assert known(registry, followed, None) == [(FIRST_DUE, told)]


def test_a_visit_of_a_later_plan_is_not_known_before_it(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    with registry.transaction(recorded_at=LATER) as transaction:
        over = pl.DataFrame({"episode_id": followed.episodes, "version": 1, "superseded_at": LATER})
        transaction.update("plans", over, key=["episode_id", "version"], put=["superseded_at"])
        transaction.append("plans", some_plans(followed.episodes, version=2))
        transaction.append("visits", some_visits([99], followed.episodes, plan_version=2, grid_month=4))
        transaction.append_audit(some_audit_rows(followed.patients))

    assert len(known(registry, followed, MOMENT)) == 1
    assert len(known(registry, followed, LATER)) == 2


def test_a_moment_without_a_time_zone_is_a_defect(registry: Registry) -> None:
    followed = with_patients(registry, 1)

    with pytest.raises(StoreMisused, match="a moment needs a time zone"):
        known(registry, followed, MOMENT.replace(tzinfo=None))
