"""Days on which nothing ran: accounted for once, with what became of what they owed; what is still owed goes out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from scheduler.actions.reminders.accounting import Balance, balance_of
from scheduler.actions.reminders.days import list_days
from scheduler.actions.reminders.remind import DayToCome, account_until
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.visits.book_visit import book_visit
from scheduler.store.registry import Registry
from tests.actions.lives import examined, happened, reviewed
from tests.actions.reminders.post import Post, in_days
from tests.actions.tables import rules_of, stored

UPCOMING, DUE = date(2026, 8, 10), date(2026, 9, 1)  # a Monday: upcoming for the third time; a Tuesday
SUNDAY = date(2026, 8, 30)  # upcoming is owed, and waits for Monday
IN_THE_MORNING = datetime(2026, 8, 10, 1, tzinfo=UTC)  # ten in Seoul, on that Monday
DAY, WEEK = timedelta(days=1), timedelta(days=7)
Told = tuple[str, int, int, dict[str, int]]


on_sqlite = pytest.mark.parametrize("copies", ["sqlite"], indirect=True)  # where the database has no say


class Killed(BaseException):
    """What SIGKILL is to a process: nothing catches it, nothing is cleaned up."""


def days(registry: Registry) -> dict[date, Told]:
    """Each day's account: its state, how many were sent, how many are unknown, and the suppressed by reason.

    No day is accounted for twice, and every day adds up.
    """
    with registry.reading() as reading:
        known = list_days(registry)["on"].to_list()
        balances = [balance_of(reading, 1, on) for on in sorted(known)]
    assert len(set(known)) == len(known)
    return {each.on: _told(each) for each in balances if each}


def _told(balance: Balance) -> Told:
    assert sum(balance.reasons.values()) == balance.suppressed
    assert balance.eligible == balance.sent + balance.failed + balance.suppressed + balance.unknown
    return balance.state, balance.sent, balance.unknown, dict(balance.reasons)


def missed(**reasons: int) -> Told:
    """A day on which nothing ran."""
    return "missed", 0, 0, reasons


def balanced(sent: int = 0, **reasons: int) -> Told:
    """A day that was done."""
    return "balanced", sent, 0, reasons


def killed_at(registry: Registry, post: Post, moment: datetime, step: str) -> None:
    """A run whose process dies at a step."""

    def die(action: str, **_facts: Any) -> None:
        if action == step:
            raise Killed

    with pytest.raises(Killed):
        post.remind(registry, moment.date(), at=moment, told=die, worker="a dead worker")


@pytest.mark.parametrize("stopped_for", [1, 3, 10], ids=["1 day", "3 days", "10 days, with a weekend"])
def test_every_missed_day_is_accounted_for_once_and_what_is_owed_goes_out_once(
    clinic_in_july: Registry, post: Post, stopped_for: int
) -> None:
    last, back = UPCOMING - DAY, UPCOMING + stopped_for * DAY
    post.remind(clinic_in_july, last)

    post.remind(clinic_in_july, back)
    before = stored(clinic_in_july)
    post.remind(clinic_in_july, back)

    weekend = {date(2026, 8, 15), date(2026, 8, 16)}
    quiet = {on: missed(quiet_day=2) for on in weekend}
    expected = {on: missed(not_running=2) for on in in_days(UPCOMING, back - DAY)} | quiet
    assert days(clinic_in_july) == {
        last: balanced(quiet_day=2),  # a Sunday
        **{on: expected[on] for on in in_days(UPCOMING, back - DAY)},
        back: balanced(2),
    }
    assert stored(clinic_in_july) == before
    assert len(post.came()) == 2


def test_over_a_months_end_and_a_rung_only_the_highest_rung_is_told(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, SUNDAY)

    post.remind(clinic_in_july, DUE + DAY)

    assert days(clinic_in_july) == {
        SUNDAY: balanced(quiet_day=2),
        SUNDAY + DAY: missed(superseded=2),
        DUE: missed(not_running=2),
        DUE + DAY: balanced(2),
    }
    with clinic_in_july.reading() as reading:
        told = reading.reminders_of(tasks_of=None).select("rung", "recipient", "state").sort("recipient")
    assert told.rows() == [("due", "coordinator:anna", "sent"), ("due", "patient", "sent")]
    assert len(post.came()) == 2


@on_sqlite
def test_who_was_examined_meanwhile_is_not_told(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, SUNDAY)
    examined(clinic_in_july, DUE, today=DUE + 2 * DAY)
    reviewed(clinic_in_july, DUE, today=DUE + 2 * DAY)

    post.remind(clinic_in_july, DUE + 2 * DAY)

    after = days(clinic_in_july)
    assert (after[DUE], after[DUE + DAY], after[DUE + 2 * DAY]) == (missed(done=2), missed(), balanced())
    assert post.came() == []


@on_sqlite
def test_who_died_meanwhile_is_not_told_of_to_anybody(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, SUNDAY)
    happened(clinic_in_july, "death", SUNDAY + DAY, today=DUE + DAY)

    post.remind(clinic_in_july, DUE + DAY)

    after = days(clinic_in_july)
    assert (after[DUE], after[DUE + DAY]) == (missed(ended=2), balanced())
    assert post.came() == []


@on_sqlite
def test_an_appointment_made_meanwhile_holds_the_reminders_back(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, SUNDAY)
    told: dict[str, Any] = {"on": date(2026, 9, 10), "at": None, "today": DUE, "actor": "anna"}
    book_visit(clinic_in_july, "P-1", "grid-3", **told)

    post.remind(clinic_in_july, DUE + DAY)

    assert days(clinic_in_july) == {
        SUNDAY: balanced(quiet_day=2),
        SUNDAY + DAY: missed(booked=2),
        DUE: missed(booked=2),
        DUE + DAY: balanced(booked=2),
    }
    assert post.came() == []


def test_a_day_that_was_begun_and_stopped_is_closed_by_the_next_run(clinic_in_july: Registry, post: Post) -> None:
    began = post.remind(clinic_in_july, UPCOMING, stopping=stopping_at(post, "accounted"))

    post.remind(clinic_in_july, UPCOMING + DAY)

    assert [each.state for each in began] == ["unbalanced"]
    assert days(clinic_in_july) == {UPCOMING: missed(not_running=2), UPCOMING + DAY: balanced(2)}
    assert len(post.came()) == 2


def test_what_a_killed_run_had_claimed_and_not_begun_goes_out_on_the_next_day(
    clinic_in_july: Registry, post: Post
) -> None:
    killed_at(clinic_in_july, post, IN_THE_MORNING, "claimed")

    post.remind(clinic_in_july, UPCOMING + DAY)

    assert days(clinic_in_july) == {UPCOMING: missed(not_running=2), UPCOMING + DAY: balanced(2)}
    assert len(post.came()) == 2


def test_what_a_killed_run_had_begun_to_send_is_unknown_on_its_own_day_and_is_not_sent_again(
    clinic_in_july: Registry, post: Post
) -> None:
    killed_at(clinic_in_july, post, IN_THE_MORNING, "delivered")

    post.remind(clinic_in_july, UPCOMING + DAY)

    assert days(clinic_in_july) == {UPCOMING: ("missed", 0, 1, {"not_running": 1}), UPCOMING + DAY: balanced(1)}
    assert len(post.came()) == 2


def test_what_a_worker_still_holds_after_midnight_keeps_its_day_open(clinic_in_july: Registry, post: Post) -> None:
    midnight = datetime(2026, 8, 10, 15, tzinfo=UTC)  # in Seoul
    killed_at(clinic_in_july, post, midnight - timedelta(seconds=1), "claimed")

    soon = post.remind(clinic_in_july, UPCOMING + DAY, at=midnight + timedelta(seconds=1))
    later = post.remind(clinic_in_july, UPCOMING + DAY, at=midnight + timedelta(hours=1))

    assert [each.on for each in soon] == [UPCOMING + DAY]
    assert [each.on for each in later] == [UPCOMING, UPCOMING + DAY]
    assert days(clinic_in_july) == {UPCOMING: missed(not_running=2), UPCOMING + DAY: balanced(2)}
    assert len(post.came()) == 2


@on_sqlite
def test_a_clock_that_goes_back_sends_nothing_and_says_so(clinic_in_july: Registry, post: Post) -> None:
    late = UPCOMING + 2 * DAY
    post.remind(clinic_in_july, late)

    post.remind(clinic_in_july, late - DAY)

    assert ("clock_behind", {"site": "seoul", "on": late - DAY, "accounted_until": late}) in post.told
    assert days(clinic_in_july)[late] == balanced(2)
    assert len(post.came()) == 2


@on_sqlite
def test_what_a_clock_that_was_weeks_ahead_told_too_early_keeps_nothing_back_in_its_own_time(
    clinic_in_july: Registry, post: Post
) -> None:
    """Rather twice than never: by such a clock every visit may be overdue, and none would be told of for weeks."""
    ahead = UPCOMING + 6 * WEEK
    for on in (ahead, UPCOMING, ahead):
        post.remind(clinic_in_july, on)

    assert ("clock_behind", {"site": "seoul", "on": UPCOMING, "accounted_until": ahead}) in post.told
    assert {on: days(clinic_in_july)[on] for on in (UPCOMING, ahead)} == {UPCOMING: balanced(2), ahead: balanced(2)}
    assert post.came_to() == ["Please call Seoul clinic", "Your next appointment at Seoul clinic"]


@on_sqlite
def test_a_clock_that_goes_back_and_on_again_misses_no_day(clinic_in_july: Registry, post: Post) -> None:
    for on in (UPCOMING, UPCOMING + 2 * DAY, UPCOMING + DAY, UPCOMING + 2 * DAY, UPCOMING + 3 * DAY):
        post.remind(clinic_in_july, on)

    after = days(clinic_in_july)
    assert {on: sent for on, (_, sent, _, _) in after.items()} == {UPCOMING: 2} | dict.fromkeys(
        in_days(UPCOMING + DAY, UPCOMING + 3 * DAY), 0
    )
    assert len(post.came()) == 2


def test_a_day_that_is_over_is_only_accounted_for(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, UPCOMING - DAY)

    [balance] = account_until(*a_run(clinic_in_july, post, UPCOMING + DAY), on=UPCOMING)
    again = account_until(*a_run(clinic_in_july, post, UPCOMING + DAY), on=UPCOMING)

    assert _told(balance) == missed(not_running=2)
    assert again == (balance,)
    assert days(clinic_in_july) == {UPCOMING - DAY: balanced(quiet_day=2), UPCOMING: missed(not_running=2)}
    assert post.came() == []


@on_sqlite
def test_a_day_before_the_first_is_not_accounted_for(clinic_in_july: Registry, post: Post) -> None:
    assert account_until(*a_run(clinic_in_july, post, UPCOMING), on=UPCOMING - 3 * DAY) == ()
    assert days(clinic_in_july) == {}


@on_sqlite
def test_a_day_to_come_is_refused_and_nothing_is_sent_anywhere(clinic_in_july: Registry, post: Post) -> None:
    with pytest.raises(DayToCome, match="2026-08-11 has not begun at seoul, where today is 2026-08-10"):
        account_until(*a_run(clinic_in_july, post, UPCOMING), on=UPCOMING + DAY)

    assert days(clinic_in_july) == {}
    assert post.came() == []


@on_sqlite
def test_a_run_that_is_stopped_among_missed_days_goes_on_where_it_was(clinic_in_july: Registry, post: Post) -> None:
    post.remind(clinic_in_july, UPCOMING - DAY)

    stopped = post.remind(clinic_in_july, UPCOMING + 3 * DAY, stopping=stopping_at(post, "accounted"))
    post.remind(clinic_in_july, UPCOMING + 3 * DAY)

    assert [each.on for each in stopped] == [UPCOMING]
    assert [state for state, *_ in days(clinic_in_july).values()] == [
        "balanced",
        "missed",
        "missed",
        "missed",
        "balanced",
    ]
    assert len(post.came()) == 2


def stopping_at(post: Post, action: str) -> Any:
    """A run is to stop as soon as this was told once more."""
    heard = len(post.told)
    return lambda: action in [told for told, _ in post.told[heard:]]


def a_run(registry: Registry, post: Post, on: date) -> tuple[Any, ...]:
    """What an action of the reminders is handed, at ten in the morning of a day in Seoul."""
    moment = datetime(on.year, on.month, on.day, 1, tzinfo=UTC)
    reminding = Reminding(now=lambda: moment, worker="a worker", told=post.hear)
    return registry, rules_of(registry), post.channels, reminding
