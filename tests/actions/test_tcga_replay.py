"""374 real patients with their recurrences, deaths and last contacts, replayed in the order of days and of knowing."""

from collections.abc import Iterator

import polars as pl
import pytest

from scheduler.store.registry import Registry
from tests.actions.conftest import Copies
from tests.actions.histories import record_day_by_day, state_of
from tests.actions.replays import NO_SCANS, TCGA, TODAY, Replay, events_in, import_registry, need

PROTOCOL = "risk-adapted"


@pytest.fixture
def planned(copies: Copies) -> Iterator[Registry]:
    """The patients with their first plans, before anything was recorded."""
    yield from _planned(copies)


@pytest.fixture
def another(copies: Copies) -> Iterator[Registry]:
    """The same once more."""
    yield from _planned(copies)


def _planned(copies: Copies) -> Iterator[Registry]:
    need(TCGA)
    url = copies.new(f"tcga {PROTOCOL}", import_registry(TCGA, PROTOCOL))
    with Registry.open(url) as registry:
        yield registry
    copies.drop(url)


def _events(registry: Registry) -> pl.DataFrame:
    with registry.reading() as reading:
        return events_in(TCGA, reading)


def test_real_events_leave_nobody_lost_and_nothing_due_after_a_death(planned: Registry) -> None:
    replay = Replay(registry=planned, protocol=PROTOCOL)

    history = replay.record(NO_SCANS, _events(planned))

    assert replay.broken == []
    assert history.events["outcome"].to_list() == ["stored"] * 543
    with planned.reading() as reading:
        deaths = reading.events_of().filter(pl.col("event") == "death")["patient_id"]
        ended = reading.episodes_of(deaths).filter(pl.col("state") == "ended")
    assert deaths.len() == ended.height == 130


def test_deaths_that_are_reported_last_end_the_same_episodes(planned: Registry, another: Registry) -> None:
    in_order, late = (Replay(registry=each, protocol=PROTOCOL) for each in (planned, another))
    happened = _events(planned)
    is_death = pl.col("event") == "death"

    in_order.record(NO_SCANS, happened)
    late.record(NO_SCANS, happened.filter(~is_death))
    late.record(NO_SCANS, happened.filter(is_death))

    assert late.broken == []
    assert state_of(another)["episodes"] == state_of(planned)["episodes"]


def test_in_one_go_and_day_by_day_leave_the_same(planned: Registry, another: Registry) -> None:
    happened = _events(planned)
    some = happened["patient_id"].unique().sort().head(20)
    theirs = happened.filter(pl.col("patient_id").is_in(some.implode()))

    Replay(registry=planned, protocol=PROTOCOL).record(NO_SCANS, theirs)
    record_day_by_day(another, NO_SCANS, theirs, today=TODAY)

    assert state_of(planned, some.to_list()) == state_of(another, some.to_list())
