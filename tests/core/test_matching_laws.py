"""Laws that every match keeps, whatever was recorded and in whatever order."""

import random
from datetime import date
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scheduler.core.matching import MATCHED_VISITS, Matched
from scheduler.core.verdicts import ANSWERS, VERDICTS, Verdict
from tests.core.examined import (
    Row,
    an_episode,
    days_after_surgery,
    matched,
    plans_with_visits_beside_the_grid,
    recorded,
)

VISITS = plans_with_visits_beside_the_grid()
DECIDING = [verdict.value for verdict in ANSWERS]
laws = settings(deadline=None, max_examples=40)


@st.composite
def settings_of_a_match(draw: st.DrawFn) -> dict[str, Any]:
    """An episode that may have ended, and a day to ask about."""
    ended_on = draw(st.none() | days_after_surgery(0, 1000))
    return {"episode": an_episode(ended_on=ended_on), "as_of": draw(days_after_surgery(0, 1100))}


def assert_same(one: Matched, other: Matched) -> None:
    assert_frame_equal(one.verdicts, other.verdicts)
    assert_frame_equal(one.visits, other.visits)


def stored_after(visits: list[Row], found: Matched) -> list[Row]:
    """The visits with what was found done written down, as a registry would."""
    done = found.visits.filter(pl.col("status") == "done")["visit_id"].to_list()
    return [visit | {"status": "done"} if visit["visit_id"] in done else visit for visit in visits]


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match())
def test_every_examination_has_exactly_one_verdict_with_a_reason(
    rows: list[Row], visits: list[Row], given: dict[str, Any]
) -> None:
    found = matched(rows, visits, **given).verdicts

    assert dict(found.schema) == VERDICTS
    assert sorted(found["examination_id"]) == [row["examination_id"] for row in rows]
    assert set(found["verdict"]) <= {verdict.value for verdict in Verdict}
    assert (found["reason"].str.len_chars() > 0).all()


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match())
def test_every_visit_has_one_status_and_is_done_only_by_an_examination(
    rows: list[Row], visits: list[Row], given: dict[str, Any]
) -> None:
    found = matched(rows, visits, **given)

    assert dict(found.visits.schema) == MATCHED_VISITS
    assert sorted(found.visits["visit_id"]) == sorted(visit["visit_id"] for visit in visits)
    assert set(found.visits["status"]) <= {"open", "done", "missed", "withdrawn", "censored"}
    is_done = found.visits["status"] == "done"
    assert (found.visits["done_on"].is_not_null() == is_done).all()
    assert found.visits["done_on"].drop_nulls().is_in(found.verdicts["performed_on"].implode()).all()


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match())
def test_at_most_one_examination_decides_a_procedure_of_a_visit(
    rows: list[Row], visits: list[Row], given: dict[str, Any]
) -> None:
    found = matched(rows, visits, **given).verdicts

    deciding = found.filter(pl.col("verdict").is_in(DECIDING))

    assert deciding["visit_id"].null_count() == 0
    assert deciding.select("visit_id", "procedure").is_unique().all()


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match(), seed=st.integers(0, 9))
def test_the_order_of_recording_is_irrelevant(
    rows: list[Row], visits: list[Row], given: dict[str, Any], seed: int
) -> None:
    shuffled = random.Random(seed)

    mixed = matched(shuffled.sample(rows, len(rows)), shuffled.sample(visits, len(visits)), **given)

    assert_same(mixed, matched(rows, visits, **given))


@settings(deadline=None, max_examples=20)
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match(), seed=st.integers(0, 9))
def test_recording_one_by_one_gives_the_same_as_all_at_once(
    rows: list[Row], visits: list[Row], given: dict[str, Any], seed: int
) -> None:
    one_by_one = random.Random(seed).sample(rows, len(rows))
    stored = visits

    for number in range(len(rows)):
        stored = stored_after(stored, matched(one_by_one[: number + 1], stored, **given))

    assert_same(matched(rows, stored, **given), matched(rows, visits, **given))


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match(), position=st.integers(0, 24))
def test_a_deleted_examination_leaves_the_same_as_one_never_recorded(
    rows: list[Row], visits: list[Row], given: dict[str, Any], position: int
) -> None:
    remaining = [row for number, row in enumerate(rows) if number != position]
    stored = stored_after(visits, matched(rows, visits, **given))

    assert_same(matched(remaining, stored, **given), matched(remaining, visits, **given))


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match())
def test_the_future_changes_nothing_about_a_day(rows: list[Row], visits: list[Row], given: dict[str, Any]) -> None:
    as_of: date = given["as_of"]
    until_then = [row for row in rows if row["performed_on"] <= as_of]

    found, earlier = matched(rows, visits, **given), matched(until_then, visits, **given)

    assert_frame_equal(found.visits, earlier.visits)
    assert_frame_equal(found.verdicts.filter(pl.col("verdict") != "in_future"), earlier.verdicts)


@laws
@given(rows=recorded(), visits=VISITS, given=settings_of_a_match())
def test_what_counts_for_nothing_can_be_left_out(rows: list[Row], visits: list[Row], given: dict[str, Any]) -> None:
    found = matched(rows, visits, **given)
    counting = found.verdicts.filter(pl.col("verdict").is_in(DECIDING))["examination_id"].to_list()

    alone = matched([row for row in rows if row["examination_id"] in counting], visits, **given)

    assert_same(alone, Matched(verdicts=found.verdicts.filter(pl.col("verdict").is_in(DECIDING)), visits=found.visits))
