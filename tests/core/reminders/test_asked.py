"""Who is to be told what on a day, and why somebody is not."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.core.reminders.asked import CONTACTS, PEOPLE, asked_for
from scheduler.core.reminders.policy import CountedFrom, Role
from tests.core.reminders.asked_rows import (
    CLOSES,
    DUE,
    UNREAD,
    a_policy,
    a_rung,
    an_audience,
    asked,
    some_tasks,
    some_visits,
)

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param(DUE - DAY, [], id="the day before it is due"),
        pytest.param(DUE, [(1, "due", 1, "patient", None)], id="the day on which it is due"),
        pytest.param(CLOSES, [(1, "due", 1, "patient", None)], id="the last day of the window"),
        pytest.param(CLOSES + DAY, [(1, "overdue", 1, "patient", None)], id="the day after the window closes"),
        pytest.param(CLOSES + 8 * DAY, [(1, "overdue", 2, "patient", None)], id="a week later"),
        pytest.param(CLOSES + 14 * DAY, [(1, "escalated", 1, "clinician:han", None)], id="two weeks after it closed"),
    ],
)
def test_a_visit_is_told_of_on_the_highest_rung_that_it_has_reached(on: date, expected: list[object]) -> None:
    assert asked(on) == expected


@pytest.mark.parametrize(
    ("visit", "why_not"),
    [
        pytest.param({"status": "done"}, "done", id="done"),
        pytest.param({"status": "missed"}, "missed", id="missed"),
        pytest.param({"status": "censored", "episode_state": "ended"}, "ended", id="censored by a death"),
        pytest.param({"episode_state": "paused"}, "paused", id="paused by a recurrence"),
        pytest.param({"episode_state": "handed_over"}, "handed_over", id="handed over"),
        pytest.param({"episode_state": "ended"}, "ended", id="ended"),
        pytest.param({"booked_on": DUE}, "booked", id="booked"),
    ],
)
def test_what_became_of_a_visit_holds_its_reminder_back(visit: dict[str, Any], why_not: str) -> None:
    assert asked(DUE, visit) == [(1, "due", 1, "patient", why_not)]


@pytest.mark.parametrize(("days", "why_not"), [(2, "booked"), (3, "booked"), (4, None)])
def test_an_appointment_holds_reminders_back_until_three_days_after_it(days: int, why_not: str | None) -> None:
    visit: dict[str, Any] = {"booked_on": DUE}

    assert asked(DUE + days * DAY, visit) == [(1, "due", 1, "patient", why_not)]


def test_a_clinician_hears_of_a_late_visit_though_an_appointment_stands() -> None:
    on = CLOSES + 14 * DAY

    assert asked(on, {"booked_on": on + 5 * DAY}) == [(1, "escalated", 1, "clinician:han", None)]


def test_an_answered_visit_passes_each_rung_on_its_first_day_only() -> None:
    days = [DUE + number * DAY for number in range(60)]

    passed = [(on, row[1]) for on in days for row in asked(on, {"status": "done"})]

    assert passed == [(DUE, "due"), (CLOSES + DAY, "overdue"), (CLOSES + 14 * DAY, "escalated")]


def test_of_two_rungs_reached_on_one_day_the_lower_is_superseded() -> None:
    rungs = (a_rung("due", CountedFrom.DUE, 0, Role.PATIENT), a_rung("over", CountedFrom.CLOSES, 0, Role.PATIENT))

    told = asked(DUE, {"closes_on": DUE}, policy=a_policy(*rungs))

    assert told == [(1, "due", 1, "patient", "superseded"), (1, "over", 1, "patient", None)]


def test_a_patient_without_a_contact_or_consent_is_not_told() -> None:
    contacts = pl.DataFrame(
        [(1, None, "en", "no_contact"), (2, None, "en", "no_consent")], schema=CONTACTS, orient="row"
    )

    told = asked(DUE, {}, {}, {}, contacts=contacts)

    assert [row[4] for row in told] == ["no_contact", "no_consent", "no_consent"]


def test_nobody_is_told_of_the_dead_whatever_the_visit_says() -> None:
    assert asked(DUE, {}, dead=pl.Series([1])) == [(1, "due", 1, "patient", "ended")]


def test_on_a_quiet_day_nothing_goes_out_but_what_may_go_out_every_day() -> None:
    tasks = some_tasks({})
    audience = an_audience(is_working_day=False)

    rows = asked_for(some_visits(), tasks, a_policy(tasks=[UNREAD]), audience, as_of=date(2026, 4, 8))

    assert rows.select("task", "rung", "why_not").rows() == [
        ("unread_result", "unread", None),
        (None, "due", "quiet_day"),
    ]


def test_everybody_in_a_role_is_told_each_in_their_own_way() -> None:
    people = [("clinician", "clinician:han", "sms", "ko", False), ("clinician", "clinician:lee", None, "en", False)]
    audience = an_audience(people=pl.DataFrame(people, schema=PEOPLE, orient="row"))

    rows = asked_for(some_visits(), some_tasks(), a_policy(), audience, as_of=CLOSES + 14 * DAY)

    told = rows.select("recipient", "channel", "language").sort("recipient").rows()
    assert told == [("clinician:han", "sms", "ko"), ("clinician:lee", "email", "en")]


def test_a_role_in_which_there_is_nobody_is_said_so() -> None:
    nobody = pl.DataFrame(schema=PEOPLE)

    assert asked(CLOSES + 14 * DAY, people=nobody) == [(1, "escalated", 1, "clinician:site", "nobody_in_role")]


def test_a_result_that_nobody_has_read_is_told_until_it_is_read() -> None:
    days = [date(2026, 4, day) for day in (7, 8, 10, 11)]

    told = [
        asked_for(some_visits({"status": "done"}), some_tasks({}), a_policy(tasks=[UNREAD]), an_audience(), as_of=on)
        .filter(pl.col("task").is_not_null())["occurrence"]
        .to_list()
        for on in days
    ]

    assert told == [[], [1], [1], [2]]


def test_two_results_of_one_day_are_one_reminder() -> None:
    rows = asked_for(
        some_visits({"status": "done"}),
        some_tasks({}, {"reason": "another"}),
        a_policy(tasks=[UNREAD]),
        an_audience(),
        as_of=date(2026, 4, 8),
    )

    assert rows.select("task", "recipient").rows() == [("unread_result", "clinician:han")]


def test_whoever_has_several_roles_is_told_once() -> None:
    rung = a_rung("due", CountedFrom.DUE, 0, Role.CLINICIAN, Role.SURGEON)
    people = [(role, "coordinator:anna", None, "en", False) for role in ("clinician", "surgeon")]

    told = asked(DUE, policy=a_policy(rung), people=pl.DataFrame(people, schema=PEOPLE, orient="row"))

    assert told == [(1, "due", 1, "coordinator:anna", None)]


@pytest.mark.parametrize(
    ("after", "seen_since", "expected"),
    [
        pytest.param(13, False, [], id="before the escalation"),
        pytest.param(14, False, [(1, "escalated", 1, "clinician:han", None)], id="on its day"),
        pytest.param(20, False, [(1, "escalated", 1, "clinician:han", None)], id="the last of the week after"),
        pytest.param(21, False, [], id="a week later"),
        pytest.param(14, True, [(1, "escalated", 1, "clinician:han", "missed")], id="the patient was seen since"),
    ],
)
def test_a_missed_visit_still_reaches_the_clinician_until_the_patient_is_seen(
    after: int, seen_since: bool, expected: list[object]
) -> None:
    visit = {"status": "missed", "seen_since": seen_since}

    assert asked(CLOSES + after * DAY, visit) == expected
