"""Facts of the past, recorded in one go: the same registry as if each had been recorded on its day."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.history.recording_history import Round, record_history
from scheduler.store.registry import Registry
from tests.actions.conftest import Copies
from tests.actions.histories import (
    TODAY,
    a_scan,
    an_event,
    events,
    examinations,
    record,
    record_day_by_day,
    state_of,
)
from tests.actions.tables import BOTH, a_patient, a_table, actions_of, import_table, rules_of, stored
from tests.databases import some_audit_rows

SCANS = (
    a_scan("2026-08-28"),
    a_scan("2026-12-04", finding="suspicious"),
    a_scan("2026-12-30"),
    a_scan("2027-03-02", finding="intrahepatic_recurrence"),
    a_scan("2027-07-05"),
    a_scan("2027-09-06", patient_id=2),
    a_scan("2026-08-28", procedure="afp", finding=None, value=4.0),
    a_scan("2026-12-04", procedure="afp", finding=None, value=9.0),
)
EVENTS = (
    an_event("curative_treatment", "2027-04-12", detail="resection"),
    an_event("last_seen", "2027-09-06", patient_id=2),
    an_event("death", "2027-10-01"),
)


@pytest.fixture
def two(copies: Copies, tmp_path: Path) -> Iterator[Registry]:
    """A registry with two patients, both of whose reports are signed."""
    yield from _copied(copies, tmp_path)


@pytest.fixture
def another(copies: Copies, tmp_path: Path) -> Iterator[Registry]:
    """The same two patients in a registry of their own."""
    yield from _copied(copies, tmp_path)


def _copied(copies: Copies, folder: Path) -> Iterator[Registry]:
    table = a_table(folder, a_patient(), a_patient(mrn="P-2"))
    url = copies.new("two", lambda registry: import_table(registry, table, sign=BOTH))
    with Registry.open(url) as registry:
        yield registry
    copies.drop(url)


def test_a_history_in_one_go_is_the_same_as_day_by_day(two: Registry, another: Registry) -> None:
    record(two, SCANS, EVENTS)
    record_day_by_day(another, examinations(*SCANS), events(*EVENTS))

    one_go, day_by_day = state_of(two), state_of(another)
    assert one_go["episodes"] == day_by_day["episodes"]
    assert one_go["verdicts"] == day_by_day["verdicts"]
    assert one_go["visits"] == day_by_day["visits"]
    assert {origin for _, _, origin, *_ in one_go["visits"]} >= {"grid", "suspicious"}


def test_the_order_of_the_rows_does_not_matter(two: Registry, another: Registry) -> None:
    record(two, SCANS, EVENTS)
    record(another, SCANS[::-1], EVENTS[::-1])

    assert state_of(two) == state_of(another)


def test_the_same_history_twice_changes_nothing(two: Registry) -> None:
    record(two, SCANS, EVENTS)
    before = stored(two)

    again = record(two, SCANS, EVENTS)

    assert stored(two) == before
    assert set(again.examinations["outcome"]) == set(again.events["outcome"]) == {"there already"}
    assert again.examinations["examination_id"].null_count() == 0
    assert again.changes.is_empty()


def test_rounds_take_the_next_day_of_every_patient_and_end_today(two: Registry) -> None:
    rounds: list[Round] = []

    with two.transaction() as transaction:
        record_history(
            transaction,
            rules_of(two),
            examinations=examinations(*SCANS),
            events=events(*EVENTS),
            today=TODAY,
            actor="anna",
            after_round=rounds.append,
        )

    assert [each.number for each in rounds] == list(range(1, 9))
    assert rounds[0].days.sort("patient_id").rows() == [(1, date(2026, 8, 28)), (2, date(2027, 9, 6))]
    assert rounds[1].days.rows() == [(1, date(2026, 12, 4))]
    assert set(rounds[-1].days["today"]) == {TODAY}


def test_each_fact_has_an_audit_row_that_says_it_was_imported(two: Registry) -> None:
    record(two, SCANS[:2], [an_event("last_seen", "2026-12-05", detail="by telephone, from the sister")])

    with two.reading() as reading:
        said = reading.audit_of(1).tail(3)
        assert reading.verify_audit_chain() is None
    assert actions_of(two, 1)[-3:] == ["record_examination", "record_examination", "record_event"]
    assert said["details"].str.contains('"imported":true', literal=True).all()
    assert not said["details"].str.contains("sister").any()


def test_an_examination_that_is_stored_otherwise_is_told_and_left(two: Registry) -> None:
    record(two, [a_scan("2026-08-28")])
    before = stored(two)

    told = record(two, [a_scan("2026-08-28", finding="suspicious", place="Busan")])

    assert stored(two) == before
    assert told.examinations["outcome"].to_list() == ["differs"]
    assert told.differences.rows() == [(0, "finding", "no_recurrence", "suspicious"), (0, "place", None, "•••")]


def test_a_cell_that_says_nothing_does_not_differ(two: Registry) -> None:
    record(two, [a_scan("2026-08-28", place="Busan", reviewed_by="dr.lee")])

    told = record(two, [a_scan("2026-08-28")])

    assert told.examinations["outcome"].to_list() == ["there already"]


def test_two_rows_of_one_day_that_contradict_each_other_are_both_left(two: Registry) -> None:
    before = stored(two)

    told = record(two, [a_scan("2026-08-28"), a_scan("2026-08-28", finding="suspicious")])

    assert stored(two) == before
    assert told.examinations["outcome"].to_list() == ["differs", "differs"]


def test_a_row_that_repeats_another_is_stored_once(two: Registry) -> None:
    told = record(two, [a_scan("2026-08-28"), a_scan("2026-08-28")], [an_event("lost", "2027-01-01")] * 2)

    assert told.examinations["outcome"].to_list() == told.events["outcome"].to_list() == ["stored", "there already"]


def test_a_file_of_earlier_days_is_followed_as_of_the_last_day_that_is_known(two: Registry, another: Registry) -> None:
    record(two, SCANS[2:], EVENTS[1:])
    rounds: list[Round] = []

    with two.transaction() as transaction:
        record_history(
            transaction,
            rules_of(two),
            examinations=examinations(*SCANS[:2]),
            events=events(EVENTS[0]),
            today=TODAY,
            actor="anna",
            after_round=rounds.append,
        )

    record(another, SCANS, EVENTS)
    late, in_order = state_of(two), state_of(another)
    assert all(set(each.days["today"]) == {date(2027, 10, 1)} for each in rounds[:-1])
    assert late["episodes"] == in_order["episodes"]
    assert [row[:4] for row in late["verdicts"]] == [row[:4] for row in in_order["verdicts"]]


def test_an_examination_after_a_death_counts_for_nothing(two: Registry) -> None:
    told = record(two, [a_scan("2027-02-01"), a_scan("2027-11-02")], [an_event("death", "2027-03-01")])

    verdicts = told.verdicts.sort("performed_on")["verdict"].to_list()
    assert verdicts[1] == "after_end"
    with two.reading() as reading:
        visits = reading.visits_of(reading.episodes_of([1])["episode_id"])
    assert visits.filter(pl.col("status") == "open").is_empty()


def test_an_event_that_was_taken_back_may_be_recorded_again(two: Registry) -> None:
    record(two, [], [an_event("lost", "2027-01-01")])
    with two.transaction() as transaction:
        event = transaction.events_of([1]).select(
            "event_id",
            withdrawn_at=pl.lit(transaction.recorded_at),
            withdrawn_by=pl.lit("anna"),
            withdrawn_because=pl.lit("another patient"),
        )
        transaction.update(
            "events",
            event.rename({"event_id": "id"}),
            key=["id"],
            put=["withdrawn_at", "withdrawn_by", "withdrawn_because"],
        )
        transaction.append_audit(some_audit_rows([1]))

    again = record(two, [], [an_event("lost", "2027-01-01")])

    assert again.events["outcome"].to_list() == ["stored"]


def test_who_got_something_new_counts_as_changed_once_and_nobody_else_does(two: Registry) -> None:
    """A reminder that is being sent meanwhile is decided about anew."""
    before = _versions(two)
    facts = [a_scan("2027-12-01"), a_scan("2027-12-01", procedure="afp", finding=None, value=4.0)]

    record(two, facts, [an_event("last_seen", "2027-12-02")])
    changed = _versions(two)
    record(two, facts)

    assert changed == {1: before[1] + 1, 2: before[2]}
    assert _versions(two) == changed


def _versions(registry: Registry) -> dict[int, int]:
    with registry.reading() as reading:
        return dict(reading.episodes_of([1, 2]).select("patient_id", "version").rows())
