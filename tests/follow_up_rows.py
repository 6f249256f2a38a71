"""Builders of what follows a plan: examinations, verdicts, bookings, events, overrides, plan changes."""

from datetime import date, datetime, timedelta

import polars as pl

from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction
from tests.databases import MOMENT, Followed, Ids, a_frame, follow, some_audit_rows

LATER = MOMENT + timedelta(days=1)


def some_examinations(ids: Ids, patient_ids: Ids, episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """One CT of each patient on 4 March 2026, without recurrence, not yet reviewed."""
    usual = {
        "id": list(ids),
        "patient_id": list(patient_ids),
        "episode_id": list(episode_ids),
        "procedure": "liver_ct_mri",
        "performed_on": date(2026, 3, 4),
        "number": 1,
        "version": 1,
        "state": "recorded",
        "result_status": "final",
        "finding": "no_recurrence",
        "recorded_by": "coordinator",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_verdicts(examination_ids: Ids, episode_ids: Ids, visit_ids: Ids, **cells: object) -> pl.DataFrame:
    """Each examination satisfies a visit."""
    usual = {
        "examination_id": list(examination_ids),
        "episode_id": list(episode_ids),
        "visit_id": list(visit_ids),
        "verdict": "satisfies",
        "reason": "inside the window",
    }
    return a_frame(len(examination_ids), **{**usual, **cells})


def some_bookings(ids: Ids, visit_ids: Ids, **cells: object) -> pl.DataFrame:
    """An appointment for each visit, in the morning of 4 March 2026."""
    usual = {
        "id": list(ids),
        "visit_id": list(visit_ids),
        "version": 1,
        "booked_on": date(2026, 3, 4),
        "at": "09:30",
        "place": "Radiology",
        "state": "booked",
        "reason": None,
        "recorded_by": "coordinator",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_events(ids: Ids, patient_ids: Ids, episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """A recurrence of each patient on 4 March 2026; nothing more is said of it."""
    usual = {
        "id": list(ids),
        "patient_id": list(patient_ids),
        "episode_id": list(episode_ids),
        "event": "recurrence",
        "happened_on": date(2026, 3, 4),
        "recorded_by": "coordinator",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_overrides(ids: Ids, episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """A clinician follows each patient intensively until the end of 2026."""
    usual = {
        "id": list(ids),
        "episode_id": list(episode_ids),
        "kind": "intensity",
        "intensity": "intensive",
        "until_on": date(2026, 12, 31),
        "reason": "a nodule of uncertain nature",
        "recorded_by": "dr.lee",
        "ended_at": None,
        "ended_by": None,
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_plan_changes(ids: Ids, episode_ids: Ids, **cells: object) -> pl.DataFrame:
    """The visit of month 2, added by the first plan of each episode."""
    usual = {
        "id": list(ids),
        "episode_id": list(episode_ids),
        "plan_version": 1,
        "change": "added",
        "origin": "grid",
        "grid_month": 2,
        "was_due_on": None,
        "due_on": date(2026, 3, 5),
        "reason": "new in the plan",
        "chain": "[]",
    }
    return a_frame(len(ids), **{**usual, **cells})


def follow_up(transaction: Transaction, followed: Followed) -> None:
    """Store, for each patient, one row of everything that follows a plan; ids are those of the patients."""
    ids, patients, episodes, visits = followed.patients, followed.patients, followed.episodes, followed.visits
    transaction.append("plan_changes", some_plan_changes(ids, episodes))
    transaction.append("overrides", some_overrides(ids, episodes))
    transaction.append("bookings", some_bookings(ids, visits))
    transaction.append("examinations", some_examinations(ids, patients, episodes))
    transaction.append("events", some_events(ids, patients, episodes))
    transaction.replace_verdicts(episodes, some_verdicts(ids, episodes, visits))
    transaction.append_audit(some_audit_rows(patients))


def with_follow_up(registry: Registry, count: int) -> Followed:
    """Store so many patients who are followed, each with one row of everything that follows a plan."""
    with registry.transaction(recorded_at=MOMENT) as transaction:
        followed = follow(transaction, count)
        follow_up(transaction, followed)
        return followed


def add(registry: Registry, table: str, frame: pl.DataFrame, *, recorded_at: datetime = LATER) -> None:
    """Store the rows a day later, with an audit row."""
    with registry.transaction(recorded_at=recorded_at) as transaction:
        transaction.append(table, frame)
        transaction.append_audit(some_audit_rows([None]))


def put(registry: Registry, table: str, **cells: object) -> None:
    """Put the cells into row 1, with an audit row."""
    with registry.transaction() as transaction:
        transaction.update(table, pl.DataFrame([{"id": 1, **cells}]), key=["id"], put=list(cells))
        transaction.append_audit(some_audit_rows([None]))
