"""What must not happen, each once caused: a message doubled, lost, sent to the wrong place, or kept back by another."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.contacts.set_recipient import set_recipient
from scheduler.actions.contacts.site_recipient import Named
from scheduler.actions.contacts.withdraw_recipient import withdraw_recipient
from scheduler.actions.reminders import sending, wording
from scheduler.actions.reminders.resolving import resolve
from scheduler.actions.sites.describe_site import describe_site
from scheduler.core.reminders.policy import Role
from scheduler.store.registry import Registry
from tests.actions.lives import examined, reviewed
from tests.actions.reminders.post import Post, in_days, in_seoul, may_be_told, with_staff
from tests.actions.tables import HIGH, PATHOLOGY, a_table, import_table, sign, some_patients
from tests.delivery.servers import MailFault, RecordingMailServer
from tests.delivery.ways import mail_url

DUE, OVERDUE = date(2026, 9, 1), date(2026, 9, 16)
DAY = timedelta(days=1)
ANNA = Named(site="seoul", role=Role.COORDINATOR, code="anna")
HAN = Named(site="seoul", role=Role.CLINICIAN, code="han")


@pytest.fixture
def three(registry: Registry, tmp_path: Path) -> Registry:
    """A registry of three followed patients who may be told, and staff."""
    import_table(registry, a_table(tmp_path, *some_patients(3)))
    in_seoul(registry)
    with_staff(registry)
    for number in (1, 2, 3):
        may_be_told(registry, f"P-{number}")
    return registry


def test_two_instances_on_either_side_of_midnight_tell_everybody_once(three: Registry, post: Post) -> None:
    midnight = datetime(2026, 9, 2, 15, tzinfo=UTC)  # in Seoul
    moments = [midnight - timedelta(seconds=1)]
    others: list[Any] = []

    def hear(action: str, **_: Any) -> None:
        if action == "marked" and not others:
            moments.append(midnight + timedelta(seconds=1))
            others.extend(post.remind(three, DUE + 2 * DAY, at=moments[-1], worker="another"))

    post.remind(three, DUE + DAY, now=lambda: moments[-1], told=hear, at_a_time=1)

    assert len(post.came_to()) == 3
    assert len(post.came_to("anna@example.org")) == 1


def test_a_clock_that_goes_back_doubles_nothing_and_one_that_was_ahead_silences_nobody(
    clinic: Registry, post: Post
) -> None:
    post.remind(clinic, DUE + 2 * DAY)
    came = len(post.came())

    post.remind(clinic, DUE + DAY)
    again = len(post.came())
    post.remind(clinic, date(2027, 9, 1))  # a clock a year ahead, once
    ahead = len(post.came())
    post.remind(clinic, OVERDUE)

    assert again == came
    assert len(post.came()) > ahead
    assert "clock_behind" in [action for action, _ in post.told]


@pytest.mark.parametrize("channels", ["mail", "email"])
def test_a_slip_in_the_channels_file_loses_nothing(clinic: Registry, post: Post, channels: str) -> None:
    file = post.folder / "wrong.yaml"
    file.write_text(f"channels: {{{channels}: {{url: 'file:nowhere/sent.jsonl', attempts: 1}}}}\n", encoding="utf-8")
    file.chmod(0o600)
    from scheduler.delivery.channels import Channels

    [wrong] = post.remind(clinic, DUE, channels=Channels.read(file))
    [right] = post.remind(clinic, DUE + DAY)

    assert (wrong.failed, right.sent) == (2, 2)


def test_a_refused_address_that_is_put_right_is_told(clinic: Registry, post: Post) -> None:
    with RecordingMailServer(MailFault.REFUSES_RECIPIENT) as server:
        post.url = mail_url(server.port)
        [refused] = post.remind(clinic, DUE)
        [still] = post.remind(clinic, DUE + DAY)
        server.fault = MailFault.NONE
        set_recipient(clinic, ANNA, Reach(address="anna.kim@example.org"), actor="x")
        may_be_told(clinic, on=date(2026, 6, 3))
        [right] = post.remind(clinic, DUE + 2 * DAY)

    assert (refused.failed, still.eligible, right.sent) == (2, 0, 2)
    assert {mail.recipient for mail in server.mails} == {"anna.kim@example.org", "patient@example.org"}


@pytest.mark.parametrize("title", ["Seoul Liver Cancer Center", "서울 간암센터", "首尔肝癌中心"])
def test_a_site_whose_title_tells_a_diagnosis_is_not_named_to_patients(
    clinic: Registry, post: Post, title: str
) -> None:
    describe_site(clinic, "seoul", title=title, country=None, subdivision=None, time_zone=None, actor="x")

    post.remind(clinic, DUE)

    [message] = [each for each in post.came() if each["address"] == "patient@example.org"]
    assert title not in message["subject"] + message["text"]
    assert "seoul" in message["subject"]


def test_where_nobody_has_a_role_the_coordinator_is_told_in_its_place(followed: Registry, post: Post) -> None:
    in_seoul(followed)
    set_recipient(followed, ANNA, Reach(channel="email", address="anna@example.org", language="en"), actor="x")
    examined(followed, date(2026, 8, 30), finding="suspicious", today=date(2026, 8, 30))

    post.remind(followed, date(2026, 9, 7))

    assert any("Result" in subject or "result" in subject for subject in post.came_to("anna@example.org"))


def test_a_catch_up_visit_does_not_silence_the_escalation(clinic: Registry, post: Post) -> None:
    examined(clinic, date(2026, 9, 2), today=date(2026, 9, 2))
    reviewed(clinic, date(2026, 9, 2), today=date(2026, 9, 2))
    sign(clinic, stage=PATHOLOGY, findings=HIGH, reason="read again", today=date(2026, 9, 4))
    with clinic.reading() as reading:
        visits = reading.visits_of(reading.episodes_of()["episode_id"]).filter(pl.col("status") == "open")
    closes_on = visits.sort("due_on")["closes_on"][0]  # the first that is not held, before a catch-up visit

    for on in in_days(closes_on + 13 * DAY, closes_on + 18 * DAY):
        post.remind(clinic, on)

    assert "escalated" in {row["rung"] for row in told_to(clinic, "clinician:han")}


def test_a_slow_worker_that_sent_is_believed_though_it_was_taken_for_dead(clinic: Registry, post: Post) -> None:
    at = datetime(2026, 9, 1, 1, tzinfo=UTC)
    others: list[Any] = []

    def hear(action: str, **_: Any) -> None:
        if action == "delivered" and not others:
            others.extend(post.remind(clinic, DUE, at=at + timedelta(hours=1), worker="another"))

    post.remind(clinic, DUE, at=at, told=hear, worker="slow")
    [after] = post.remind(clinic, DUE, at=at + timedelta(hours=2), worker="third")

    assert (after.sent, after.unknown, after.failed) == (2, 0, 0)
    assert len(post.came()) == 2


def test_a_late_sent_outweighs_what_a_person_said(clinic: Registry, post: Post) -> None:
    at = datetime(2026, 9, 1, 1, tzinfo=UTC)
    resolved: list[Any] = []

    def hear(action: str, **facts: Any) -> None:
        if action == "delivered" and not resolved:
            post.remind(clinic, DUE, at=at + timedelta(hours=1), worker="another")
            resolved.append(resolve(clinic, facts["message"], arrived=False, reason="not in the inbox", actor="x"))

    post.remind(clinic, DUE, at=at, told=hear, worker="slow")
    post.remind(clinic, DUE, at=at + timedelta(hours=2), worker="third")

    assert len(post.came()) == 2


@pytest.mark.parametrize("first", [OVERDUE + 6 * DAY])
def test_a_call_that_went_out_late_is_not_repeated_the_day_after(clinic: Registry, post: Post, first: date) -> None:
    balances = [balance for on in in_days(first, first + 2 * DAY) for balance in post.remind(clinic, on)]

    assert [each.sent for each in balances] == [2, 0, 0]
    assert balances[1].reasons == {"told_lately": 2}


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_recipient_who_changes_after_the_claim_is_reached_as_it_is_now(
    three: Registry, post: Post, withdrawn: bool
) -> None:
    changed: list[str] = []

    def hear(action: str, **_: Any) -> None:
        if action == "claimed" and not changed:
            changed.append(action)
            if withdrawn:
                withdraw_recipient(three, ANNA, reason="left the clinic", actor="x")
            else:
                set_recipient(three, ANNA, Reach(address="anna.kim@example.org"), actor="x")

    [balance] = post.remind(three, DUE, told=hear)

    told = {each["address"] for each in post.came()} - {"patient@example.org"}
    assert "anna@example.org" not in told
    assert balance.state == "balanced"
    assert len(post.came_to()) == 3


def test_a_message_that_cannot_be_written_keeps_no_other_back(
    three: Registry, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = wording.worded

    def worded(run: Any, day: Any, rows: pl.DataFrame, *others: Any, **options: Any) -> Any:
        if rows["patient_id"].to_list() == [1] and rows["recipient"][0] == "patient":
            raise RuntimeError("a defect of ours, caused")
        return write(run, day, rows, *others, **options)

    with monkeypatch.context() as patch:
        patch.setattr(sending, "worded", worded)
        [broken] = post.remind(three, DUE)
    [mended] = post.remind(three, DUE, at=datetime(2026, 9, 1, 2, tzinfo=UTC))

    assert (broken.sent, broken.failed, broken.unknown) == (5, 1, 0)
    assert (mended.sent, mended.failed) == (6, 0)
    assert len(post.came_to()) == 3


def told_to(registry: Registry, recipient: str) -> list[dict[str, Any]]:
    """The ledger's rows to a recipient."""
    with registry.reading() as reading:
        ledger = reading.reminders_of(tasks_of=None)
    return ledger.filter(pl.col("recipient") == recipient).to_dicts()
