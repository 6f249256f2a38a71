"""What is asked of the registry while a site's reminders are worked out and sent, on both databases."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, event

from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from tests.databases import (
    MOMENT,
    Followed,
    Ids,
    a_frame,
    some_audit_rows,
    some_episodes,
    some_patients,
    some_plans,
    some_resections,
    some_sites,
    some_visits,
    with_patients,
)
from tests.follow_up_rows import LATER, add, some_bookings

OPENS, DUE, CLOSES = date(2026, 2, 19), date(2026, 3, 5), date(2026, 3, 19)
DAY = timedelta(days=1)
NO_DAYS: dict[str, list[date]] = {}
VISIT = {"origin": "grid", "procedures": "afp|liver_ct_mri", "opens_on": OPENS, "due_on": DUE, "closes_on": CLOSES}


def more_visits(registry: Registry, followed: Followed, **cells: object) -> list[int]:
    """Further visits of the first patient: one of each grid month and status given."""
    months = cells["grid_month"]
    assert isinstance(months, list)
    with registry.transaction() as transaction:
        ids = list(transaction.reserve_ids("visits", len(months)))
        transaction.append("visits", some_visits(ids, followed.episodes[:1] * len(ids), **cells))
        transaction.append_audit(some_audit_rows(followed.patients[:1]))
    return ids


def some_reminders(visit_ids: list[int | None], patient_ids: Ids, **cells: object) -> pl.DataFrame:
    """The patient was told of each visit on its due day."""
    usual = {
        "message_id": 1,
        "site_id": 1,
        "patient_id": list(patient_ids),
        "visit_id": pl.Series(visit_ids, dtype=pl.Int64).to_list(),
        "task": None,
        "opened_on": None,
        "rung": "due",
        "occurrence": 1,
        "recipient": "patient",
        "channel": "sms",
        "message": "patient_due",
        "language": "ko",
        "owed_on": DUE,
        "state": "sent",
        "may_repeat": False,
        "attempts": 1,
        "claimed_by": "w-1",
        "claimed_at": MOMENT,
        "attempted_at": MOMENT,
        "settled_at": LATER,
        "why": None,
    }
    return a_frame(len(visit_ids), **{**usual, **cells})


def told(registry: Registry, reminders: pl.DataFrame) -> None:
    """Put rows into the ledger; their ids begin at 1."""
    with registry.transaction() as transaction:
        ids = transaction.reserve_ids("reminders", reminders.height)
        transaction.append("reminders", reminders.with_columns(pl.Series("id", list(ids))))


def at_another_site(registry: Registry) -> None:
    """A patient who is followed at site 2, with an open visit and one that is done."""
    with registry.transaction() as transaction:
        transaction.append("sites", some_sites([2]))
        transaction.append_patients(some_patients([50], site_id=2))
        transaction.append("resections", some_resections([50], [50]))
        transaction.append("episodes", some_episodes([50], [50], [50]))
        transaction.append("plans", some_plans([50]))
        transaction.append("visits", some_visits([50, 51], [50, 50], grid_month=[2, 4], status=["open", "done"]))
        transaction.append_audit(some_audit_rows([50]))


def to_remind(reading: Reading, **options: Any) -> pl.DataFrame:
    """The visits of site 1 that may be told of on the day on which the windows open."""
    usual = {"as_of": OPENS, "opening_by": OPENS, "missed_since": OPENS - 30 * DAY}
    return reading.visits_to_remind(1, **usual | options)


# What was recorded meanwhile


def test_what_was_recorded_after_a_position_of_the_chain_is_given_once_for_each_patient(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    one, two = followed.patients
    with registry.reading() as reading:
        position = reading.audit_head().position
    with registry.transaction() as transaction:
        transaction.append_audit(some_audit_rows([one, one, two, None], action=["seen", "seen", "seen", "closed"]))

    with registry.reading() as reading:
        since = reading.recorded_after(position)
        of_the_last = reading.recorded_after(position + 3)
        none = reading.recorded_after(position + 4)

    assert sorted(since.rows(), key=str) == sorted([(one, "seen"), (two, "seen"), (None, "closed")], key=str)
    assert of_the_last.rows() == [(None, "closed")]
    assert (none.height, none.schema) == (0, since.schema)


# Visits that may be told of


@pytest.mark.parametrize(
    ("opening_by", "are_listed"),
    [
        pytest.param(OPENS - DAY, False, id="the day before the window opens"),
        pytest.param(OPENS, True, id="the day it opens"),
        pytest.param(OPENS + DAY, True, id="the day after"),
    ],
)
def test_a_visit_may_be_told_of_once_its_window_opens_by_the_day(
    registry: Registry, opening_by: date, are_listed: bool
) -> None:
    followed = with_patients(registry, 1)

    with registry.reading() as reading:
        visits = to_remind(reading, opening_by=opening_by)

    assert visits["visit_id"].to_list() == followed.visits * are_listed


def test_the_open_visits_of_a_site_come_with_the_state_of_their_episodes(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    more_visits(registry, followed, grid_month=[4, 6, 8], status=["done", "missed", "withdrawn"])
    at_another_site(registry)
    with registry.transaction() as transaction:
        paused = pl.DataFrame({"id": followed.episodes[1:], "version": [1], "state": ["paused"]})
        transaction.update("episodes", paused, key=["id", "version"], put=["state"])
        transaction.append_audit(some_audit_rows(followed.patients[1:]))

    with registry.reading() as reading:
        visits = to_remind(reading)
        of_one = to_remind(reading, patient_ids=followed.patients[:1])
        of_nobody = to_remind(reading, patient_ids=[])

    expected = [
        {"patient_id": patient, "episode_state": state, "visit_id": visit, "episode_id": episode, **VISIT}
        for patient, state, visit, episode in zip(
            followed.patients, ("active", "paused"), followed.visits, followed.episodes, strict=True
        )
    ]
    assert visits.to_dicts() == [{**row, "status": "open"} for row in expected]
    assert of_one.to_dicts() == visits.to_dicts()[:1]
    assert (of_nobody.height, of_nobody.schema) == (0, visits.schema)


@pytest.mark.parametrize(
    ("as_of", "missed_since", "status", "is_listed"),
    [
        pytest.param(DUE + 89 * DAY, CLOSES + DAY, "open", True, id="the next one is not due yet"),
        pytest.param(DUE + 90 * DAY, CLOSES + DAY, "open", False, id="the next one is due"),
        pytest.param(DUE + 90 * DAY, CLOSES, "open", True, id="it closed lately"),
        pytest.param(DUE + 90 * DAY, CLOSES + DAY, "done", False, id="the next one is done"),
        pytest.param(DUE + 90 * DAY, CLOSES + DAY, "missed", False, id="the next one is missed too"),
        pytest.param(DUE + 90 * DAY, CLOSES + DAY, "withdrawn", True, id="the next one was withdrawn"),
        pytest.param(DUE + 90 * DAY, CLOSES + DAY, "censored", True, id="the next one is not to be held"),
    ],
)
def test_a_visit_is_told_of_until_it_is_long_missed(
    registry: Registry, as_of: date, missed_since: date, status: str, is_listed: bool
) -> None:
    followed = with_patients(registry, 1)
    days = {"opens_on": OPENS + 90 * DAY, "due_on": DUE + 90 * DAY, "closes_on": CLOSES + 90 * DAY}
    more_visits(registry, followed, grid_month=[5], status=[status], **{name: [day] for name, day in days.items()})

    with registry.reading() as reading:
        visits = to_remind(reading, as_of=as_of, missed_since=missed_since)

    assert visits["visit_id"].to_list() == followed.visits * is_listed


@pytest.mark.parametrize("status", ["open", "done", "missed", "censored", "withdrawn"])
@pytest.mark.parametrize("column", ["opens_on", "due_on", "closes_on"])
def test_an_answered_visit_is_found_by_any_of_its_days_and_on_no_other(
    registry: Registry, column: str, status: str
) -> None:
    followed = with_patients(registry, 1)
    (visit,) = more_visits(registry, followed, grid_month=[4], status=status)
    day = {"opens_on": OPENS, "due_on": DUE, "closes_on": CLOSES}[column]

    with registry.reading() as reading:
        found = [
            reading.visits_answered_on_rungs(1, {column: [on]}, missed=NO_DAYS)["visit_id"].to_list()
            for on in (day - DAY, day, day + DAY)
        ]

    assert found == [[], [visit] if status in ("done", "missed", "censored") else [], []]


def test_days_of_missed_visits_find_those_that_are_missed(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    done, missed = more_visits(registry, followed, grid_month=[4, 6], status=["done", "missed"])
    lately = {"closes_on": [CLOSES + DAY, CLOSES, CLOSES - DAY]}

    with registry.reading() as reading:
        of_missed = reading.visits_answered_on_rungs(1, NO_DAYS, missed=lately)
        of_both = reading.visits_answered_on_rungs(1, {"due_on": [DUE]}, missed=lately)
        on_no_day = reading.visits_answered_on_rungs(1, {"due_on": []}, missed=NO_DAYS)

    assert of_missed["visit_id"].to_list() == [missed]
    assert of_both["visit_id"].to_list() == [done, missed]
    assert (on_no_day.height, on_no_day.schema) == (0, of_both.schema)


def test_answered_visits_are_those_of_the_site_and_of_the_patients_asked_for(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    (visit,) = more_visits(registry, followed, grid_month=[4], status="done")
    at_another_site(registry)
    days = {"due_on": [DUE]}

    with registry.reading() as reading:
        at_each = [reading.visits_answered_on_rungs(site, days, missed=NO_DAYS) for site in (1, 2, 3)]
        of_each = [
            reading.visits_answered_on_rungs(1, days, missed=NO_DAYS, patient_ids=[patient])["visit_id"].to_list()
            for patient in followed.patients
        ]
        columns = to_remind(reading).columns

    assert [visits["visit_id"].to_list() for visits in at_each] == [[visit], [51], []]
    assert of_each == [[visit], []]
    assert at_each[0].columns == columns


@contextmanager
def listening() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, each with its parameters."""
    sent: list[tuple[str, Any]] = []

    def hear(*heard: Any) -> None:
        _, _, statement, parameters, _, _ = heard
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@pytest.mark.parametrize(
    ("among", "step"),
    [
        pytest.param(None, "SEARCH visits USING INDEX ix_visits_answered (closes_on>?)", id="of the whole site"),
        pytest.param([1], "SEARCH visits USING INDEX sqlite_autoindex_visits_1 (episode_id=?)", id="of one patient"),
        pytest.param([1, 2], "SEARCH visits USING INDEX sqlite_autoindex_visits_1 (episode_id=?)", id="of several"),
    ],
)
def test_sqlite_searches_answered_visits_by_an_index(sqlite_url: str, among: list[int] | None, step: str) -> None:
    days = {"opens_on": [OPENS], "due_on": [DUE, DUE - DAY], "closes_on": [CLOSES]}
    missed = {"closes_on": [CLOSES, CLOSES - DAY]}
    with Registry.open(sqlite_url) as registry, registry.reading() as reading, listening() as sent:
        reading.visits_answered_on_rungs(1, days, missed=missed, patient_ids=among)
    ((statement, parameters),) = sent

    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file:
        steps = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]

    assert step in steps
    assert not [each for each in steps if each.startswith("SCAN visits")]


@pytest.mark.parametrize("status", ["done", "missed", "open", "censored", "withdrawn"])
def test_what_was_answered_since_is_done_or_missed_and_due_on_the_day_or_later(registry: Registry, status: str) -> None:
    followed = with_patients(registry, 1)
    due = [DUE - DAY, DUE, DUE + DAY]
    _, on, after = more_visits(registry, followed, grid_month=[4, 6, 8], due_on=due, status=status)

    with registry.reading() as reading:
        since = reading.visits_answered_since(followed.episodes, DUE).sort("visit_id")
        of_nobody = reading.visits_answered_since([], DUE)

    days = {"opens_on": OPENS, "closes_on": CLOSES, "status": status, "episode_id": followed.episodes[0]}
    expected = [{"visit_id": on, "due_on": DUE, **days}, {"visit_id": after, "due_on": DUE + DAY, **days}]
    assert since.to_dicts() == (expected if status in ("done", "missed") else [])
    assert since.columns == ["visit_id", "episode_id", "opens_on", "due_on", "closes_on", "status"]
    assert of_nobody.schema == since.schema


def test_visits_answered_since_come_in_turn_and_two_of_one_day_by_number(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    cells = {"grid_month": [9, 8, 7], "due_on": [DUE, DUE, DUE - DAY], "status": ["missed", "done", "done"]}
    first, second, before = more_visits(registry, followed, **cells)

    with registry.reading() as reading:
        since = reading.visits_answered_since(followed.episodes, DUE - DAY)

    assert since["visit_id"].to_list() == [before, first, second]


@pytest.mark.parametrize(
    ("newest", "stands"),
    [
        pytest.param({"booked_on": CLOSES}, True, id="moved"),
        pytest.param({"state": "cancelled", "reason": "ill"}, False, id="cancelled"),
        pytest.param({"state": "missed", "reason": "not there"}, False, id="missed"),
    ],
)
def test_an_appointment_is_of_a_visit_while_its_newest_version_stands(
    registry: Registry, newest: dict[str, object], stands: bool
) -> None:
    followed = with_patients(registry, 2)
    add(registry, "bookings", some_bookings([1, 2], followed.visits))
    add(registry, "bookings", some_bookings([3], followed.visits[:1], version=2, **newest), recorded_at=LATER)

    with registry.reading() as reading:
        every = reading.appointments_of(None).sort("visit_id")
        of_the_first = reading.appointments_of(followed.visits[:1])
        of_none = reading.appointments_of([])

    expected = [(followed.visits[0], CLOSES)] * stands
    assert every.rows() == [*expected, (followed.visits[1], date(2026, 3, 4))]
    assert of_the_first.rows() == expected
    assert (of_none.height, of_none.columns) == (0, ["visit_id", "booked_on"])


# The ledger


def test_what_became_of_visits_and_tasks_is_given_for_those_asked_for(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    (one, other), patients = followed.visits, followed.patients
    task = {"task": "treatment_decision", "opened_on": DUE, "rung": "decision_due", "recipient": "clinician:han"}
    told(registry, some_reminders([one, other], patients))
    told(registry, some_reminders([None, None], patients, **task))

    with registry.reading() as reading:
        became = reading.became_of([one], tasks_of=patients[1:], as_of=DUE)
        every = reading.became_of(None, tasks_of=None, as_of=DUE).sort("reminder_id")
        nothing = reading.became_of([], tasks_of=[], as_of=DUE)

    shared = {"occurrence": 1, "owed_on": DUE, "state": "sent", "may_repeat": False, "settled_at": None}
    of_visit = {"rung": "due", "recipient": "patient", "task": None, "opened_on": None}
    assert sorted(became.to_dicts(), key=lambda row: row["reminder_id"]) == [
        {"reminder_id": 1, "visit_id": one, "patient_id": patients[0], **of_visit, **shared},
        {"reminder_id": 4, "visit_id": None, "patient_id": patients[1], **task, **shared},
    ]
    assert every["reminder_id"].to_list() == [1, 2, 3, 4]
    assert (nothing.height, nothing.schema) == (0, became.schema)


TASK = {"task": "treatment_decision", "opened_on": DUE}


@pytest.mark.parametrize("subject", [pytest.param({}, id="a visit"), pytest.param(TASK, id="a task")])
def test_of_each_rung_and_recipient_the_last_row_that_has_not_failed_is_given_and_what_came_after_it(
    registry: Registry, subject: dict[str, object]
) -> None:
    followed = with_patients(registry, 1)
    told_on = [DUE, DUE + 7 * DAY, DUE + 14 * DAY, DUE + 21 * DAY, DUE + DAY, DUE + DAY]
    rows = {
        **subject,
        "occurrence": [1, 2, 3, 4, 1, 1],
        "owed_on": told_on,
        "rung": ["overdue"] * 5 + ["due"],
        "recipient": ["patient"] * 4 + ["coordinator:ann", "patient"],
        "state": ["sent", "unknown", "failed", "sent", "sent", "sent"],
        "why": [None, "no answer", "refused", None, None, None],
    }
    told(registry, some_reminders([None if subject else followed.visits[0]] * 6, followed.patients * 6, **rows))

    with registry.reading() as reading:
        given = {
            days: sorted(
                reading.became_of(followed.visits, tasks_of=followed.patients, as_of=DUE + days * DAY)["reminder_id"]
            )
            for days in (0, 7, 14, 30)
        }

    assert given == {0: [1, 2, 3, 4, 5, 6], 7: [2, 3, 4, 5, 6], 14: [2, 3, 4, 5, 6], 30: [4, 5, 6]}


def test_a_row_of_a_later_day_is_given_though_its_number_is_lower(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    rows = {"occurrence": [4, 2, 1], "owed_on": [DUE + 21 * DAY, DUE + 28 * DAY, DUE]}
    told(registry, some_reminders([*followed.visits] * 3, followed.patients * 3, **rows))

    with registry.reading() as reading:
        became = reading.became_of(followed.visits, tasks_of=[], as_of=DUE + 30 * DAY)

    assert sorted(became["reminder_id"]) == [1, 2]


@pytest.mark.parametrize(
    ("state", "settled_at"),
    [
        pytest.param({"state": "sent"}, None, id="sent"),
        pytest.param({"state": "failed", "may_repeat": True, "why": "refused"}, LATER, id="failed"),
        pytest.param({"state": "unknown", "why": "no answer"}, None, id="unknown"),
        pytest.param({"state": "claimed", "settled_at": None}, None, id="claimed"),
    ],
)
def test_when_it_was_settled_is_told_of_what_failed_alone(
    registry: Registry, state: dict[str, object], settled_at: object
) -> None:
    followed = with_patients(registry, 1)
    told(registry, some_reminders([*followed.visits], followed.patients, **state))

    with registry.reading() as reading:
        (became,) = reading.became_of(followed.visits, tasks_of=[], as_of=DUE).to_dicts()

    assert (became["state"], became["settled_at"]) == (state["state"], settled_at)


# A record that changed since it was claimed


@pytest.mark.parametrize(
    ("read", "begun"),
    [
        pytest.param({"version": 1 + 5, "newest": 0}, 1, id="as it was read, all episodes together"),
        pytest.param({"version": 1 + 4, "newest": 0}, 0, id="read before the record changed"),
        pytest.param({"version": 1 + 5, "newest": 1}, 0, id="read with other recipients of the site"),
    ],
)
def test_a_claim_is_begun_while_its_patient_and_site_are_as_they_were_read(
    registry: Registry, read: dict[str, int], begun: int
) -> None:
    followed = with_patients(registry, 2)
    with registry.transaction() as transaction:
        (later,) = transaction.reserve_ids("episodes", 1)
        transaction.append(
            "episodes",
            some_episodes([later], followed.patients[:1], followed.resections[:1], anchor_on=DUE, version=5),
        )
        transaction.append_audit(some_audit_rows(followed.patients[:1]))
    claimed = {"state": "claimed", "attempts": 0, "attempted_at": None, "settled_at": None}
    told(registry, some_reminders([*followed.visits], followed.patients, **claimed))

    with registry.transaction() as transaction:
        of_one = transaction.attempt_claims({1: read["version"]}, worker="w-1", newest_recipient_id=read["newest"])
        of_both = transaction.attempt_claims({1: 6, 2: 1}, worker="w-1", newest_recipient_id=0)

    assert (of_one, of_both) == (begun, 2 - begun)
