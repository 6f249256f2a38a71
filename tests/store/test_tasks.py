"""Which tasks are open and due, on both databases."""

from datetime import date

import polars as pl
import pytest
from sqlalchemy import select

from scheduler.store.registry import Registry
from scheduler.store.tables import tasks
from tests.databases import ask, some_audit_rows
from tests.follow_up_rows import LATER, add, put, some_tasks, with_follow_up


@pytest.mark.parametrize(
    ("day", "count"),
    [
        pytest.param(date(2026, 4, 2), 0, id="the day before it is due"),
        pytest.param(date(2026, 4, 3), 1, id="the day it is due"),
        pytest.param(date(2026, 4, 4), 1, id="the day after"),
    ],
)
def test_a_task_is_asked_for_by_the_day_it_is_due(registry: Registry, day: date, count: int) -> None:
    with_follow_up(registry, 1)

    with registry.reading() as reading:
        due = reading.open_tasks(due_by=day)

    assert due.height == count


def test_an_open_task_shows_whose_it_is_and_how_closely_she_is_followed(registry: Registry) -> None:
    with_follow_up(registry, 1)

    with registry.reading() as reading:
        due = reading.open_tasks(due_by=date(2026, 4, 3), site="S1")
        elsewhere = reading.open_tasks(due_by=date(2026, 4, 3), site="S2")

    assert due.to_dicts() == [
        {
            "site": "S1",
            "time_zone": "Asia/Seoul",
            "intensity": "intensive",
            "task_id": 1,
            "patient_id": 1,
            "episode_id": 1,
            "kind": "treatment_decision",
            "opened_on": date(2026, 3, 4),
            "due_on": date(2026, 4, 3),
            "owner": "tumour board",
            "reason": "a recurrence on 2026-03-04",
            "source": "event 1",
            "closed_on": None,
            "closed_by": None,
            "closed_because": None,
        }
    ]
    assert elsewhere.height == 0


def test_a_task_stays_open_when_its_plan_is_followed_no_more(registry: Registry) -> None:
    with_follow_up(registry, 1)
    with registry.transaction() as transaction:
        over = pl.DataFrame({"episode_id": [1], "version": [1], "superseded_at": [LATER], "state": ["handed_over"]})
        transaction.update("plans", over, key=["episode_id", "version"], put=["superseded_at"])
        handed_over = over.rename({"episode_id": "id"})
        transaction.update("episodes", handed_over, key=["id", "version"], put=["state"])
        transaction.append_audit(some_audit_rows([1]))

    with registry.reading() as reading:
        due = reading.open_tasks(due_by=date(2026, 4, 3))

    assert due.select("task_id", "intensity").rows() == [(1, None)]


def test_a_closed_task_is_on_no_worklist_and_is_kept(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    add(registry, "tasks", some_tasks([9], followed.patients, followed.episodes, source="event 2"))
    put(registry, "tasks", closed_on=date(2026, 3, 20), closed_by="dr.lee", closed_because="ablation decided")

    with registry.reading() as reading:
        due = reading.open_tasks(due_by=date(2026, 4, 3))
        kept = reading.tasks_of(followed.episodes)

    assert due["task_id"].to_list() == [9]
    assert kept.select("task_id", "closed_because").rows() == [(1, "ablation decided"), (9, None)]


def test_open_tasks_are_found_by_the_narrow_index(registry: Registry, database_url: str) -> None:
    with_follow_up(registry, 1)
    wanted = select(tasks.c.id).where(tasks.c.closed_on.is_(None), tasks.c.due_on <= date(2026, 4, 3))
    query = wanted.compile(compile_kwargs={"literal_binds": True})

    if database_url.startswith("sqlite"):
        steps = ask(database_url, f"EXPLAIN QUERY PLAN {query}")
    else:
        steps = ask(database_url, "SET LOCAL enable_seqscan = off", f"EXPLAIN {query}")

    assert "ix_tasks_open_by_due_on" in str(steps)
