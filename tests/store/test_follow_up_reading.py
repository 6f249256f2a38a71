"""What can be asked about follow-up, now and as it was known at a moment, on both databases."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from scheduler.store.errors import StoreMisused
from scheduler.store.registry import Registry
from tests.databases import (
    MOMENT,
    Followed,
    some_audit_rows,
    some_plans,
    some_reports,
    with_patients,
)
from tests.follow_up_rows import (
    LATER,
    add,
    put,
    some_bookings,
    some_events,
    some_examinations,
    some_overrides,
    some_plan_changes,
    with_follow_up,
)

BETWEEN = MOMENT + timedelta(hours=12)
MICROSECOND = timedelta(microseconds=1)

REVIEW = ["reviewed_by", "reviewed_at"]


def deleted(followed: Followed) -> pl.DataFrame:
    """The second version of each examination: it never happened."""
    of = (followed.patients, followed.episodes)
    return some_examinations([9], *of, version=2, state="deleted", reason="another patient's")


def corrected(followed: Followed, **cells: object) -> pl.DataFrame:
    """The second version of each examination: it was read again."""
    usual = {"version": 2, "finding": "suspicious", "reason": "read again"}
    return some_examinations([9], followed.patients, followed.episodes, **{**usual, **cells})


def test_an_examination_stands_as_its_newest_version_says(registry: Registry) -> None:
    followed = with_follow_up(registry, 2)
    one = Followed(**{name: getattr(followed, name)[:1] for name in Followed.__slots__})
    add(registry, "examinations", corrected(one))

    with registry.reading() as reading:
        newest = reading.examinations_of(followed.episodes)
        of_one = reading.examinations_of(one.episodes)

    cells = ["examination_id", "episode_id", "version", "finding", "recurrence_sites"]
    assert newest.select(cells).rows() == [(9, 1, 2, "suspicious", "[]"), (2, 2, 1, "no_recurrence", "[]")]
    assert of_one["examination_id"].to_list() == [9]


def test_a_deleted_examination_is_gone_and_its_versions_are_kept(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "examinations", deleted(followed))

    with registry.reading() as reading:
        there = reading.examinations_of()
        versions = reading.examination_versions(followed.patients)
        nobodys = reading.examination_versions([99])

    assert there.height == 0
    assert versions.select("examination_id", "version", "state").rows() == [(1, 1, "recorded"), (9, 2, "deleted")]
    assert nobodys.height == 0


def test_two_examinations_of_one_procedure_on_a_day_stand_side_by_side(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "examinations", some_examinations([9], followed.patients, followed.episodes, number=2))

    with registry.reading() as reading:
        both = reading.examinations_of(followed.episodes)

    assert both.select("examination_id", "number").rows() == [(1, 1), (9, 2)]


@pytest.mark.parametrize(
    ("moment", "finding"),
    [
        pytest.param(MOMENT - MICROSECOND, [], id="before it was recorded"),
        pytest.param(MOMENT, ["no_recurrence"], id="the moment it was recorded"),
        pytest.param(LATER - MICROSECOND, ["no_recurrence"], id="before it was corrected"),
        pytest.param(LATER, ["suspicious"], id="the moment it was corrected"),
        pytest.param(None, ["suspicious"], id="now"),
    ],
)
def test_an_examination_is_known_as_it_stood_at_a_moment(
    registry: Registry, moment: datetime | None, finding: list[str]
) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "examinations", corrected(followed))

    with registry.reading() as reading:
        known = reading.examinations_of(followed.episodes, known_at=moment)

    assert known["finding"].to_list() == finding


def test_an_examination_that_was_deleted_later_was_known_before(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "examinations", deleted(followed))

    with registry.reading() as reading:
        before = reading.examinations_of(known_at=BETWEEN)
        after = reading.examinations_of(known_at=LATER)

    assert (before.height, after.height) == (1, 0)


def test_a_review_is_known_from_its_moment_on(registry: Registry) -> None:
    with_follow_up(registry, 1)
    put(registry, "examinations", reviewed_by="dr.lee", reviewed_at=LATER)

    with registry.reading() as reading:
        before = reading.examinations_of(known_at=BETWEEN)
        after = reading.examinations_of(known_at=LATER)
        now = reading.examinations_of()

    assert before.select(REVIEW).rows() == [(None, None)]
    assert after.select(REVIEW).rows() == now.select(REVIEW).rows() == [("dr.lee", LATER)]
    assert before.schema == now.schema


def test_a_moment_without_a_time_zone_is_a_defect(registry: Registry) -> None:
    with registry.reading() as reading, pytest.raises(StoreMisused, match="time zone"):
        reading.events_of(known_at=MOMENT.replace(tzinfo=None))


def test_an_appointment_stands_as_its_newest_version_says(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    cancelled = some_bookings([9], followed.visits, version=2, state="cancelled", reason="scanner down")
    add(registry, "bookings", cancelled)

    with registry.reading() as reading:
        now = reading.bookings_of(followed.visits)
        before = reading.bookings_of(followed.visits, known_at=BETWEEN)
        elsewhere = reading.bookings_of([99])

    assert now.select("booking_id", "visit_id", "version", "state").rows() == [(9, 1, 2, "cancelled")]
    assert before.select("booking_id", "version", "state", "at").rows() == [(1, 1, "booked", "09:30")]
    assert elsewhere.height == 0


def test_an_event_is_true_on_its_day_and_known_from_its_moment(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    death = some_events([9], followed.patients, followed.episodes, event="death", happened_on=date(2026, 1, 20))
    add(registry, "events", death)

    with registry.reading() as reading:
        now = reading.events_of(followed.patients)
        before = reading.events_of(followed.patients, known_at=BETWEEN)

    assert now.select("event_id", "event", "number").rows() == [(9, "death", 1), (1, "recurrence", 1)]
    assert before["event"].to_list() == ["recurrence"]


def test_an_override_is_known_from_its_moment_and_ended_from_another(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "overrides", some_overrides([9], followed.episodes, intensity="basic"))
    put(registry, "overrides", ended_by="dr.kim", ended_at=LATER)

    with registry.reading() as reading:
        now = reading.overrides_of(followed.episodes)
        before = reading.overrides_of(followed.episodes, known_at=BETWEEN)

    cells = ["override_id", "intensity", "ended_by"]
    assert now.select(cells).rows() == [(1, "intensive", "dr.kim"), (9, "basic", None)]
    assert before.select(cells).rows() == [(1, "intensive", None)]


def test_what_each_plan_changed_is_told_in_the_order_of_its_versions(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    supersede(registry, followed)
    add(registry, "plan_changes", some_plan_changes([9], followed.episodes, plan_version=2, change="moved"))

    with registry.reading() as reading:
        now = reading.plan_changes_of(followed.episodes)
        before = reading.plan_changes_of(followed.episodes, known_at=BETWEEN)

    assert now.select("plan_change_id", "plan_version", "change").rows() == [(1, 1, "added"), (9, 2, "moved")]
    assert before["plan_version"].to_list() == [1]


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        pytest.param(MOMENT - MICROSECOND, [], id="before there was a plan"),
        pytest.param(MOMENT, [1], id="the moment of the first"),
        pytest.param(LATER - MICROSECOND, [1], id="before it was superseded"),
        pytest.param(LATER, [2], id="the moment it was superseded"),
    ],
)
def test_the_plan_that_was_followed_at_a_moment_is_found(
    registry: Registry, moment: datetime, version: list[int]
) -> None:
    followed = with_patients(registry, 1)
    supersede(registry, followed)

    with registry.reading() as reading:
        plans = reading.current_plans(followed.episodes, known_at=moment)

    assert plans["version"].to_list() == version
    assert plans["superseded_at"].to_list() == [None] * len(version)


@pytest.mark.parametrize(
    ("moment", "signed"),
    [
        pytest.param(MOMENT - MICROSECOND, [], id="before it was signed"),
        pytest.param(BETWEEN, [1], id="before it was corrected"),
        pytest.param(LATER, [2], id="the moment it was corrected"),
    ],
)
def test_the_report_that_was_signed_at_a_moment_is_found(
    registry: Registry, moment: datetime, signed: list[int]
) -> None:
    followed = with_patients(registry, 1)
    add(registry, "reports", some_reports(followed.resections, version=2, reason="typing error", signed_at=LATER))
    unsigned = {"version": 3, "state": "draft", "signed_by": None, "signed_at": None}
    add(registry, "reports", some_reports(followed.resections, **unsigned), recorded_at=LATER + MICROSECOND)

    with registry.reading() as reading:
        known = reading.reports_of(followed.resections, known_at=moment)

    assert known["version"].to_list() == signed


def supersede(registry: Registry, followed: Followed) -> None:
    """Replace the first plan of each episode by a second one, a day later."""
    with registry.transaction(recorded_at=LATER) as transaction:
        over = pl.DataFrame({"episode_id": followed.episodes, "version": 1, "superseded_at": LATER})
        transaction.update("plans", over, key=["episode_id", "version"], put=["superseded_at"])
        transaction.append("plans", some_plans(followed.episodes, version=2))
        transaction.append_audit(some_audit_rows(followed.patients))
