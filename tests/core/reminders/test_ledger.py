"""What is asked for against what the ledger has, and how a day adds up."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.reminders.asked import WhyNot, asked_for
from scheduler.core.reminders.ledger import LEDGER, Account, account, brought_up, outcomes, passed_over
from scheduler.core.reminders.policy import CountedFrom, Role
from tests.core.reminders.asked_rows import (
    CLOSES,
    DUE,
    a_ledger,
    a_policy,
    a_rung,
    an_audience,
    became,
    some_tasks,
    some_visits,
)

DAY = timedelta(days=1)
MOVED = {"opens_on": date(2026, 5, 17), "due_on": date(2026, 5, 31), "closes_on": date(2026, 6, 14)}
NOTHING = pl.DataFrame(schema=LEDGER)


def test_what_nobody_has_been_told_is_owed() -> None:
    assert became(DUE, NOTHING) == [(1, "due", 1, "owed")]


@pytest.mark.parametrize("state", ["claimed", "sent", "failed", "unknown"])
def test_what_is_on_the_account_of_the_day_is_as_the_ledger_has_it(state: str) -> None:
    assert became(DUE, a_ledger({"state": state})) == [(1, "due", 1, state)]


@pytest.mark.parametrize(
    ("then", "audience", "now", "expected"),
    [
        pytest.param([], {}, [{"state": "claimed"}], ("claimed", 1), id="owed, and claimed since"),
        pytest.param([], {}, [], ("owed", None), id="owed still"),
        pytest.param([{"state": "claimed"}], {}, [{"state": "sent"}], ("sent", 1), id="another's, and sent since"),
        pytest.param([{"state": "claimed"}], {}, [], ("owed", 1), id="another's, and given back since"),
        pytest.param(
            [{"state": "claimed"}],
            {"is_late": True},
            [],
            ("suppressed", 1),
            id="another's, given back since, and too late by now",
        ),
        pytest.param([{"state": "unknown"}], {}, [{"state": "sent"}], ("sent", 1), id="a person said that it arrived"),
    ],
)
def test_what_became_of_a_row_after_the_look_is_what_the_ledger_has_then(
    then: list[dict[str, Any]], audience: dict[str, Any], now: list[dict[str, Any]], expected: tuple[str, int | None]
) -> None:
    rows = asked_for(some_visits(), some_tasks(), a_policy(), an_audience(**audience), as_of=DUE)
    looked_at = outcomes(rows, a_ledger(*then), as_of=DUE)

    brought = brought_up(looked_at, a_ledger(*now))

    assert brought.select("outcome", "reminder_id").rows() == [expected]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"state": "sent"}, [], id="sent"),
        pytest.param({"state": "unknown"}, [], id="unknown: never sent again unasked"),
        pytest.param({"state": "failed"}, [], id="refused: trying again is of no use"),
        pytest.param({"state": "failed", "may_repeat": True}, [(1, "due", 1, "owed")], id="failed: owed again"),
    ],
)
def test_the_day_after_only_what_certainly_did_not_arrive_is_owed_again(
    row: dict[str, Any], expected: list[object]
) -> None:
    assert became(DUE + DAY, a_ledger(row)) == expected


def test_what_is_to_be_tried_again_today_is_owed_and_does_not_add_up_before_it_is_tried() -> None:
    failed = a_ledger({"state": "failed", "may_repeat": True})
    rows = asked_for(some_visits(), some_tasks(), a_policy(), an_audience(), as_of=DUE)

    assert became(DUE, failed) == [(1, "due", 1, "owed")]
    assert account(outcomes(rows, failed, as_of=DUE), failed).unaccounted == 1


def test_what_was_suppressed_yesterday_is_owed_today() -> None:
    assert became(DUE, NOTHING, is_working_day=False) == [(1, "due", 1, "suppressed")]
    assert became(DUE + DAY, NOTHING) == [(1, "due", 1, "owed")]


def test_a_visit_that_was_moved_after_its_reminder_is_told_of_again() -> None:
    assert became(date(2026, 5, 30), a_ledger({}), MOVED) == []
    assert became(date(2026, 5, 31), a_ledger({}), MOVED) == [(1, "due", 2, "owed")]
    told_again = a_ledger({}, {"occurrence": 2, "owed_on": date(2026, 5, 31)})
    assert became(date(2026, 6, 1), told_again, MOVED) == []


def test_a_visit_that_was_moved_to_an_earlier_day_after_its_reminder_is_not_told_of_twice() -> None:
    earlier: dict[str, Any] = {"due_on": DUE - 3 * DAY}

    assert became(DUE + DAY, a_ledger({}), earlier) == []


def test_the_occurrences_of_a_moved_visit_go_on_after_those_that_were_told() -> None:
    told = [{"rung": "overdue", "occurrence": number, "owed_on": CLOSES + (7 * number - 6) * DAY} for number in (1, 2)]

    again = {"rung": "overdue", "occurrence": 3, "owed_on": date(2026, 6, 15)}

    assert became(date(2026, 6, 15), a_ledger(*told), MOVED) == [(1, "overdue", 3, "owed")]
    assert became(date(2026, 6, 16), a_ledger(*told, again), MOVED) == []
    assert became(date(2026, 6, 22), a_ledger(*told, again), MOVED) == [(1, "overdue", 4, "owed")]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param(CLOSES + 15 * DAY, [], id="told in this month"),
        pytest.param(CLOSES + 29 * DAY, [(3, "suppressed")], id="a new month, told three weeks ago"),
        pytest.param(CLOSES + 36 * DAY, [(3, "owed")], id="told four weeks ago"),
    ],
)
def test_a_rung_that_was_told_weekly_and_now_repeats_monthly_is_told_again_a_month_after_the_last_time(
    on: date, expected: list[tuple[int, str]]
) -> None:
    weekly = [{"rung": "overdue", "occurrence": week, "owed_on": CLOSES + (7 * week - 6) * DAY} for week in (1, 2)]
    monthly = a_policy(a_rung("overdue", CountedFrom.CLOSES, 1, Role.PATIENT, repeats_every_days=28))
    rows = asked_for(some_visits(), some_tasks(), monthly, an_audience(), as_of=on)

    assert outcomes(rows, a_ledger(*weekly), as_of=on).select("occurrence", "outcome").rows() == expected


FAILED: dict[str, Any] = {"state": "failed", "may_repeat": True}


def test_a_visit_moved_and_moved_back_is_not_told_of_twice_though_the_telling_between_failed() -> None:
    told = a_ledger({}, {"occurrence": 2, "owed_on": DUE + 7 * DAY, **FAILED})

    assert became(DUE + 8 * DAY, told) == []


@pytest.mark.parametrize("repeats_every_days", [7, 28])
def test_what_failed_after_a_rung_was_told_does_not_shorten_the_time_until_it_repeats(repeats_every_days: int) -> None:
    rung = a_rung("overdue", CountedFrom.CLOSES, 1, Role.PATIENT, repeats_every_days=repeats_every_days)
    told = {"rung": "overdue", "occurrence": 4, "owed_on": CLOSES + 25 * DAY}
    ledger = a_ledger(told, told | {"occurrence": 5, "owed_on": CLOSES + 28 * DAY, "state": "failed"})
    rows = asked_for(some_visits(), some_tasks(), a_policy(rung), an_audience(), as_of=CLOSES + 29 * DAY)

    found = outcomes(rows, ledger, as_of=CLOSES + 29 * DAY)

    assert found.select("occurrence", "outcome", "why_not").rows() == [(6, "suppressed", "told_lately")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(28, [(1, "overdue", 2, "sent")], id="the same day"),
        pytest.param(29, [], id="the day after"),
        pytest.param(35, [(1, "overdue", 5, "owed")], id="a week later, after all numbers that are taken"),
    ],
)
def test_a_ledger_whose_later_rows_have_lower_numbers_is_read_by_its_days(
    days: int, expected: list[tuple[Any, ...]]
) -> None:
    rows = [
        {"rung": "overdue", "occurrence": number, "owed_on": CLOSES + on * DAY} for number, on in ((4, 21), (2, 28))
    ]
    later: dict[str, Any] = {"closes_on": CLOSES + 27 * DAY}

    assert became(CLOSES + days * DAY, a_ledger(*rows), later) == expected


def test_a_day_adds_up() -> None:
    rows = asked_for(some_visits({}, {"booked_on": DUE}, {}), some_tasks(), a_policy(), an_audience(), as_of=DUE)
    ledger = a_ledger({}, {"visit_id": 3, "patient_id": 3, "state": "claimed"})

    found = account(outcomes(rows, ledger, as_of=DUE), ledger)

    assert found == Account(eligible=3, sent=1, failed=0, suppressed=1, unknown=1, reasons={"booked": 1})
    assert found.unaccounted == 0


def test_what_is_neither_told_nor_held_back_does_not_add_up() -> None:
    rows = asked_for(some_visits(), some_tasks(), a_policy(), an_audience(), as_of=DUE)

    assert account(outcomes(rows, NOTHING, as_of=DUE), NOTHING).unaccounted == 1


def test_what_was_sent_in_the_morning_counts_though_the_visit_is_done_at_noon() -> None:
    rows = asked_for(some_visits({"status": "done"}), some_tasks(), a_policy(), an_audience(), as_of=DUE)
    gone = asked_for(some_visits({"status": "done"}), some_tasks(), a_policy(), an_audience(), as_of=DUE + DAY)

    found = [account(outcomes(each, a_ledger({}), as_of=DUE), a_ledger({})) for each in (rows, gone)]

    assert found == [Account(eligible=1, sent=1, failed=0, suppressed=0, unknown=0, reasons={})] * 2


@pytest.mark.parametrize(
    ("today", "why_not"),
    [
        pytest.param(DUE + DAY, WhyNot.NOT_RUNNING, id="it still stands there: it is owed today"),
        pytest.param(CLOSES + DAY, WhyNot.SUPERSEDED, id="a higher rung is reached: that one is owed today"),
    ],
)
def test_what_a_missed_day_owed_is_said_with_what_became_of_it(today: date, why_not: WhyNot) -> None:
    asked = {on: asked_for(some_visits(), some_tasks(), a_policy(), an_audience(), as_of=on) for on in (DUE, today)}

    rows = passed_over(outcomes(asked[DUE], NOTHING, as_of=DUE), asked[today])

    assert rows.select("outcome", "why_not").rows() == [("suppressed", why_not.value)]


@pytest.mark.parametrize("state", ["claimed", "sent", "failed", "unknown"])
def test_what_was_told_on_a_later_day_was_not_told_on_this_one_and_is_never_told_again(state: str) -> None:
    asked = asked_for(some_visits(), some_tasks(), a_policy(), an_audience(), as_of=DUE)
    ledger = a_ledger({"owed_on": DUE + DAY, "state": state})

    rows = outcomes(asked, ledger, as_of=DUE)

    assert rows.select("outcome", "why_not").rows() == [("suppressed", "not_running")]


@pytest.mark.parametrize(
    ("told_on", "expected"),
    [
        pytest.param(CLOSES + 7 * DAY, "suppressed", id="told yesterday"),
        pytest.param(CLOSES + 2 * DAY, "suppressed", id="told six days ago"),
        pytest.param(CLOSES + DAY, "owed", id="told a week ago"),
    ],
)
def test_a_weekly_call_that_went_out_late_leaves_a_week_before_the_next(told_on: date, expected: str) -> None:
    told = a_ledger({"rung": "overdue", "owed_on": told_on})

    assert became(CLOSES + 8 * DAY, told) == [(1, "overdue", 2, expected)]


states = st.sampled_from(["claimed", "sent", "failed", "unknown", None])
visits = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["open", "done", "missed", "censored"]),
        "episode_state": st.sampled_from(["active", "paused", "handed_over", "ended"]),
        "booked_on": st.sampled_from([None, DUE - DAY, DUE]),
        "due_on": st.sampled_from([DUE - DAY, DUE, DUE + DAY]),
    }
)


@given(rows=st.lists(st.tuples(visits, states), min_size=1, max_size=6), ahead=st.integers(0, 40))
def test_every_day_adds_up_once_nothing_is_owed(rows: list[tuple[dict[str, Any], str | None]], ahead: int) -> None:
    on = DUE + ahead * DAY
    told = [
        {"visit_id": number, "patient_id": number, "owed_on": on, "state": state}
        for number, (_, state) in enumerate(rows, 1)
        if state is not None
    ]
    asked = asked_for(some_visits(*(visit for visit, _ in rows)), some_tasks(), a_policy(), an_audience(), as_of=on)
    found = outcomes(asked, a_ledger(*told), as_of=on)

    adds_up = account(found, a_ledger(*told))

    assert adds_up.unaccounted == found.filter(outcome="owed").height
    assert adds_up.suppressed == sum(adds_up.reasons.values())
    assert adds_up.sent + adds_up.failed + adds_up.unknown == len(told)


told_rows = st.lists(
    st.fixed_dictionaries(
        {
            "occurrence": st.integers(1, 8),
            "owed_on": st.dates(CLOSES - 10 * DAY, CLOSES + 50 * DAY),
            "state": st.sampled_from(["claimed", "sent", "failed", "unknown"]),
            "may_repeat": st.booleans(),
        }
    ),
    max_size=8,
    unique_by=lambda row: row["occurrence"],
)


@given(
    told=told_rows, on=st.integers(1, 50).map(lambda days: CLOSES + days * DAY), every=st.sampled_from([None, 7, 28])
)
def test_whatever_a_ledger_holds_nothing_is_told_twice_and_no_number_is_given_twice(
    told: list[dict[str, Any]], on: date, every: int | None
) -> None:
    """Also clocks that went back, visits that were moved, and policies that repeated otherwise."""
    ledger = a_ledger(*({"rung": "overdue"} | row for row in told))
    rung = a_rung("overdue", CountedFrom.CLOSES, 1, Role.PATIENT, repeats_every_days=every)
    rows = asked_for(some_visits(), some_tasks(), a_policy(rung), an_audience(), as_of=on)

    owed = outcomes(rows, ledger, as_of=on).filter(outcome="owed")

    by_then = [row for row in told if row["owed_on"] <= on]
    lasting = [row for row in by_then if row["state"] != "failed"]
    for row in owed.to_dicts():
        assert all(each["owed_on"] < row["occurs_on"] for each in lasting)
        assert all(each["owed_on"] + timedelta(days=every or 0) <= on for each in lasting)
        assert row["reminder_id"] is not None or row["occurrence"] not in ledger["occurrence"]
    assert outcomes(rows, ledger.filter(~_hidden(told, on)), as_of=on).equals(outcomes(rows, ledger, as_of=on))


def _hidden(told: list[dict[str, Any]], on: date) -> pl.Series:
    """Which rows nobody need read: one that has not failed came after them, by number and by day."""
    return pl.Series(
        [
            any(
                later["occurrence"] > row["occurrence"]
                and row["owed_on"] <= later["owed_on"] <= on
                and later["state"] != "failed"
                for later in told
            )
            for row in told
        ],
        dtype=pl.Boolean,
    )
