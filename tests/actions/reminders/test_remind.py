"""Reminders from the first rung to the last: once each, to whom they concern, and every day adds up."""

from datetime import UTC, date, datetime, timedelta

import pytest

from scheduler.actions.reminders.accounting import Balance
from scheduler.actions.reminders.listing import list_reminders
from scheduler.actions.sites.close_site import close_site
from scheduler.actions.visits.book_visit import book_visit
from scheduler.store.registry import Registry
from tests.actions.lives import examined, happened, reviewed, taken_back
from tests.actions.reminders.post import Post, in_days, may_be_told
from tests.actions.tables import rules_of

FIRST, UPCOMING, DUE = date(2026, 6, 15), date(2026, 8, 10), date(2026, 9, 1)  # upcoming is told every four weeks
LOST = date(2026, 10, 13)
DAY = timedelta(days=1)


def a_balance(on: date, **counts: object) -> Balance:
    usual = {"eligible": 0, "sent": 0, "failed": 0, "suppressed": 0, "unknown": 0, "reasons": {}, "state": "balanced"}
    return Balance(site="seoul", on=on, **usual | counts)  # type: ignore[arg-type]  # counts by name


def test_a_patient_who_does_not_come_is_told_on_each_rung_once_and_every_week_while_overdue(
    clinic: Registry, post: Post
) -> None:
    balances = [balance for on in in_days(FIRST - DAY, LOST) for balance in post.remind(clinic, on)]

    days = {each.on for each in balances}
    assert days == set(in_days(FIRST - DAY, LOST))
    assert all(each.state == "balanced" for each in balances)
    assert len(post.came_to()) == 6  # upcoming three times, due, overdue twice; then the clinician is told
    assert len(post.came_to("han@example.org")) == 1
    assert len(post.came_to("seo@example.org")) == 1


def test_nobody_is_told_before_the_first_rung(clinic: Registry, post: Post) -> None:
    assert post.remind(clinic, FIRST - DAY) == [a_balance(FIRST - DAY)]
    assert post.came() == []


def test_a_second_run_on_one_day_sends_nothing_and_leaves_the_account_as_it_was(clinic: Registry, post: Post) -> None:
    first = post.remind(clinic, UPCOMING)
    came = post.came()

    second = post.remind(clinic, UPCOMING)

    assert first == second == [a_balance(UPCOMING, eligible=2, sent=2)]
    assert post.came() == came
    assert len(came) == 2


def test_a_coordinator_gets_one_digest_for_a_day(clinic: Registry, post: Post) -> None:
    post.remind(clinic, UPCOMING)

    [digest] = [each for each in post.came() if each["address"] == "anna@example.org"]

    assert "Upcoming" in digest["text"]
    assert "#1" in digest["text"]
    assert "P-1" not in digest["text"]


def test_a_booked_visit_is_not_reminded_of_until_the_appointment_has_passed_unused(
    clinic: Registry, post: Post
) -> None:
    booked(clinic, DUE + 3 * DAY)

    balances = {each.on: each for on in in_days(DUE, DUE + 13 * DAY) for each in post.remind(clinic, on)}

    assert balances[DUE] == a_balance(DUE, eligible=2, suppressed=2, reasons={"booked": 2})
    told = [on for on, each in balances.items() if each.sent]
    assert told == [DUE + 13 * DAY]  # Monday, after the week for which a kept appointment may go unrecorded


def test_an_examined_patient_is_not_reminded(clinic: Registry, post: Post) -> None:
    examined(clinic, date(2026, 8, 25), today=date(2026, 8, 25))
    reviewed(clinic, date(2026, 8, 25), today=date(2026, 8, 26))

    balances = [each for on in in_days(DUE, DUE + 2 * DAY) for each in post.remind(clinic, on)]

    assert balances[0] == a_balance(DUE, eligible=2, suppressed=2, reasons={"done": 2})
    assert balances[1:] == [a_balance(DUE + DAY), a_balance(DUE + 2 * DAY)]
    assert post.came() == []


def test_nobody_is_told_of_a_patient_who_died(clinic: Registry, post: Post) -> None:
    happened(clinic, "death", DUE - DAY, today=DUE)

    balances = [each for on in in_days(DUE, LOST) for each in post.remind(clinic, on)]

    assert post.came() == []
    assert sum(each.suppressed for each in balances) == sum(each.reasons.get("ended", 0) for each in balances) > 0


def test_a_death_that_is_taken_back_brings_the_reminders_back(clinic: Registry, post: Post) -> None:
    happened(clinic, "death", DUE - DAY, today=DUE)
    post.remind(clinic, DUE)
    taken_back(clinic, "death", DUE - DAY, today=DUE + DAY)

    post.remind(clinic, DUE + DAY)

    assert len(post.came_to()) == 1


def test_a_patient_without_consent_is_not_told_and_the_clinic_is(followed: Registry, post: Post) -> None:
    balances = post.remind(followed, UPCOMING, channels=None)

    assert balances[0].reasons == {"no_contact": 1, "nobody_in_role": 1}  # nobody has named a coordinator


def test_who_withdrew_consent_is_not_told_from_that_day_on(clinic: Registry, post: Post) -> None:
    happened(clinic, "consent_withdrawn", DUE, detail="contact", today=DUE)

    [balance] = post.remind(clinic, DUE)

    assert balance.reasons == {"no_consent": 1}
    assert post.came_to() == []
    assert len(post.came_to("anna@example.org")) == 1


def test_a_recurrence_pauses_the_reminders_and_asks_for_a_decision(clinic: Registry, post: Post) -> None:
    examined(
        clinic, date(2026, 8, 20), finding="intrahepatic_recurrence", today=date(2026, 8, 20), reviewed_by="dr.lee"
    )

    balances = [each for on in in_days(date(2026, 8, 21), date(2026, 9, 25)) for each in post.remind(clinic, on)]

    assert post.came_to() == []
    assert len(post.came_to("han@example.org")) >= 2  # a week before the decision is due, and after it
    assert all(each.state == "balanced" for each in balances)


def test_an_unread_suspicious_result_is_told_even_on_a_sunday(clinic: Registry, post: Post) -> None:
    examined(clinic, date(2026, 8, 30), finding="suspicious", today=date(2026, 8, 30))

    for on in in_days(date(2026, 8, 31), date(2026, 9, 6)):
        post.remind(clinic, on)

    assert post.came_to("han@example.org")  # due a week after, on Sunday 6 September


def test_on_a_day_on_which_the_site_is_closed_nothing_goes_out_and_it_goes_out_after(
    clinic: Registry, post: Post
) -> None:
    options = {"days": [UPCOMING], "reason": "moving house", "today": UPCOMING - DAY, "actor": "anna"}
    close_site(clinic, rules_of(clinic), "seoul", **options)  # type: ignore[arg-type]  # by name

    closed, after = [post.remind(clinic, on)[0] for on in (UPCOMING, UPCOMING + DAY)]

    assert closed == a_balance(UPCOMING, eligible=2, suppressed=2, reasons={"quiet_day": 2})
    assert after == a_balance(UPCOMING + DAY, eligible=2, sent=2)


def test_without_a_channels_file_staff_is_told_on_the_console_and_patients_wait_for_a_channel(
    followed: Registry, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    from scheduler.delivery.channels import Channels

    may_be_told(followed)

    [balance] = post.remind(followed, UPCOMING, channels=Channels.read(None))
    [after] = post.remind(followed, UPCOMING + DAY)

    said = capsys.readouterr().out
    assert balance == a_balance(UPCOMING, eligible=2, sent=1, suppressed=1, reasons={"no_channel": 1})
    assert said.count("--- ") == 1
    assert "Reference: hepwatch-1" in said
    assert "P-1" in said  # to the coordinator, on the clinic's own console
    assert "example.org" not in said
    assert after.sent == 1  # to the patient, whom no console reaches, once there is a channel


def test_a_channel_that_is_down_loses_nothing_and_the_message_goes_out_when_it_is_back(
    clinic: Registry, post: Post
) -> None:
    post.url = "json://127.0.0.1:9"  # nobody listens there

    [down] = post.remind(clinic, UPCOMING)
    post.url = "file:sent.jsonl"
    [back] = post.remind(clinic, UPCOMING, at=datetime(2026, 8, 10, 2, tzinfo=UTC))

    assert (down.failed, down.sent) == (2, 0)
    assert (back.failed, back.sent) == (0, 2)
    assert len(post.came_to()) == 1


def test_what_failed_for_a_whole_day_is_owed_the_day_after(clinic: Registry, post: Post) -> None:
    post.url = "json://127.0.0.1:9"
    [down] = post.remind(clinic, UPCOMING)
    post.url = "file:sent.jsonl"

    [back] = post.remind(clinic, UPCOMING + DAY)

    assert down == a_balance(UPCOMING, eligible=2, failed=2)
    assert back == a_balance(UPCOMING + DAY, eligible=2, sent=2)


def test_what_failed_is_listed_until_a_later_reminder_of_the_visit_has_arrived(clinic: Registry, post: Post) -> None:
    post.url = "json://127.0.0.1:9"
    post.remind(clinic, UPCOMING)
    listed = [waiting(clinic)]
    post.url = "file:sent.jsonl"

    post.remind(clinic, DUE)

    assert [*listed, waiting(clinic)] == [["coordinator:anna", "patient"], []]


def test_a_run_before_midnight_is_of_one_day_and_one_after_it_of_the_next_in_the_sites_own_time_zone(
    clinic: Registry, post: Post
) -> None:
    midnight = datetime(2026, 6, 14, 15, tzinfo=UTC)  # in Seoul, at the beginning of the day of the first rung

    before = post.remind(clinic, FIRST, at=midnight - timedelta(seconds=1))
    after = post.remind(clinic, FIRST, at=midnight + timedelta(seconds=1))

    assert before == [a_balance(FIRST - DAY)]
    assert after == [a_balance(FIRST, eligible=2, sent=2)]


def waiting(registry: Registry) -> list[str]:
    """Whom a message that is listed as failed did not reach."""
    rows = list_reminders(registry, states=["failed"], since=UPCOMING, until=UPCOMING)
    return sorted(rows["recipient"])


def booked(registry: Registry, on: date) -> None:
    """Book the first visit of P-1."""
    said: dict[str, object] = {"on": on, "at": "09:30", "today": UPCOMING, "actor": "anna"}
    book_visit(registry, "P-1", "grid-3", **said)  # type: ignore[arg-type]  # by name
